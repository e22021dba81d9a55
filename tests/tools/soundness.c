/*
 * soundness - every bit of genuine evidence turned, one at a time
 *
 *      soundness [EVERY]       1: all bits; N: every Nth, for a look at it
 *
 * Of five genuine quotes every bit; of a genuine set of collateral every bit of each item, as it
 * stands in its JSON; of a genuine event log every bit of each digest.  Nothing may be accepted but
 * what is in a field that no signature covers, and these have names here, out of the formats.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/testing.h"
#include "dstack-verifier/verify.h"

#define MAY             INT64_C(1780536131)
#define MAY_SET         "collateral/tdx-90c06f000000-20260520-ev19.json"
#define MAY_QUOTE       "quotes/tdx/tdx-v4-90c06f000000-attestationrs-140cbd8c.bin"
#define LOG             "dstack-verifier/quote-report.json"
#define BLOCK           "-----BEGIN"

static const struct {
	const char *quote, *collateral;
	int64_t now;
} genuine[] = {
	{ "quotes/sgx/sgx-v3-00a067110000-dcapqvl-f8b81014.bin",
	    "collateral/sgx-00a067110000-20231121-ev16.json", 1701822167 },
	{ "quotes/sgx/sgx-v3-00906ed50000-mobilecoin-0b5bc73c.bin",
	    "collateral/sgx-00906ed50000-20250527-ev19.json", 1749947739 },
	{ "quotes/tdx/tdx-v4-90c06f000000-teep-0441bfc6.bin",
	    "collateral/tdx-90c06f000000-20260218-ev18.json", 1772707803 },
	{ MAY_QUOTE, MAY_SET, MAY },
	{ "quotes/tdx/tdx-v4-20a06f000000-trustcenter-05d6687d.bin",
	    "collateral/tdx-20a06f000000-20250902-ev17.json", 1758093775 },
};

/* What no signature covers, and how many mutants of it were accepted. */
enum field {
	BEHIND_QUOTE,           /* bytes behind the signature data                      */
	LINE_BEFORE_BLOCK,      /* what stands between two PEM blocks                   */
	COPY_OF_ROOT,           /* which is compared with the anchor only if it is one  */
	HEX_CASE,               /* of digits in JSON                                    */
	WHITE_SPACE,            /* in PEM, which may be any                             */
	CRL_CHAIN,              /* the PCK CRL's key is that of the CA in the quote     */
	FIELDS,
};

static const char *const names[] = {
	"bytes behind the signature data", "between PEM blocks", "copy of the root certificate",
	"case of a hex digit", "white space of PEM", "issuer chain beside the PCK CRL",
};

static size_t accepted[FIELDS], nmutants, nwrong;
static unsigned every = 1;

static void
wrong(const char *what, size_t at, unsigned bit)
{
	(void)printf("WRONG: %s: bit %u of byte %zu does not matter\n", what, bit, at);
	nwrong++;
}

static void
count(enum field field, const char *what, size_t at, unsigned bit)
{
	if (field == FIELDS)
		wrong(what, at, bit);
	else
		accepted[field]++;
}

static struct dv_context *
context_new(int64_t now)
{
	struct dv_options options = { .pinned_at = true, .at = now };
	char error[512];
	struct dv_context *context;

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	context = dv_context_new(&options, error, sizeof error);
	if (context == NULL)
		abort();
	return context;
}

static bool
collateral_add(struct dv_context *context, struct bytes json, int64_t now)
{
	char error[512];

	return dv_collateral_add(context, (struct dv_span){ json.ptr, json.len }, now, error,
	    sizeof error);
}

static bool
quote_is_valid(struct dv_context *context, struct bytes quote, int64_t now)
{
	const struct dv_request request = { .body = { quote.ptr, quote.len }, .now = now };
	struct dv_answer answer;

	if (!dv_quote(context, &answer, &request))
		abort();
	return answer.nneeds == 0 && answer.valid;
}

/* The nth place of a text, from 0; NULL when there are fewer. */
static const uint8_t *
text_find(struct bytes in, const char *text, unsigned n)
{
	const uint8_t *at = in.ptr;

	for (;; at++) {
		at = memmem(at, in.len - (size_t)(at - in.ptr), text, strlen(text));
		if (at == NULL || n-- == 0)
			return at;
	}
}

/* ---- quotes ---- */

static size_t
u32(struct bytes q, size_t at)
{
	return q.ptr[at] | (size_t)q.ptr[at + 1] << 8 | (size_t)q.ptr[at + 2] << 16 |
	    (size_t)q.ptr[at + 3] << 24;
}

/* Where the signature data ends: behind header, body and a length (Intel TDX DCAP API). */
static size_t
quote_end(struct bytes q)
{
	const size_t at = 48 + (q.ptr[0] == 3 ? 384 : 584);

	return at + 4 + u32(q, at);
}

static enum field
quote_field(struct bytes q, size_t at)
{
	const uint8_t *p = q.ptr + at;
	const uint8_t *second = text_find(q, BLOCK, 1), *third = text_find(q, BLOCK, 2);

	if (at >= quote_end(q))
		return BEHIND_QUOTE;
	if (third != NULL && p >= third)
		return COPY_OF_ROOT;
	if ((second != NULL && p == second - 1) || (third != NULL && p == third - 1))
		return LINE_BEFORE_BLOCK;
	return FIELDS;
}

static void
quote_try(const char *name, struct bytes whole, const char *collateral, int64_t now)
{
	struct dv_context *context = context_new(now);
	uint8_t *copy = malloc(whole.len);

	if (copy == NULL || !collateral_add(context, vector_read(collateral), now) ||
	    !quote_is_valid(context, whole, now))
		abort();
	bytes_copy(copy, whole);
	for (size_t i = 0; i < 8 * whole.len; i += every) {
		const size_t at = i / 8;
		const unsigned bit = i % 8;

		copy[at] ^= (uint8_t)(1u << bit);
		nmutants++;
		if (quote_is_valid(context, (struct bytes){ copy, whole.len }, now))
			count(quote_field(whole, at), name, at, bit);
		copy[at] ^= (uint8_t)(1u << bit);
	}
	free(copy);
	dv_context_free(context);
}

/* ---- collateral ---- */

static const struct {
	const char *name;
	bool    hex, pem;
} items[] = {
	{ "tcb_info", false, false }, { "tcb_info_signature", true, false },
	{ "tcb_info_issuer_chain", false, true },
	{ "qe_identity", false, false }, { "qe_identity_signature", true, false },
	{ "qe_identity_issuer_chain", false, true },
	{ "root_ca_crl", true, false }, { "pck_crl", true, false },
	{ "pck_crl_issuer_chain", false, true },
};

/* A member's value as it stands in the JSON, between its quotation marks. */
static struct bytes
value_find(struct bytes json, const char *name)
{
	char key[64];
	const uint8_t *from, *to;

	(void)snprintf(key, sizeof key, "\"%s\"", name);
	from = text_find(json, key, 0);
	if (from == NULL)
		abort();
	from = (const uint8_t *)strchr((const char *)from + strlen(key), '"') + 1;
	for (to = from; *to != '"'; to++)
		to += *to == '\\';
	return (struct bytes){ from, (size_t)(to - from) };
}

static enum field
item_field(size_t item, struct bytes value, size_t at, unsigned bit, uint8_t mutant)
{
	const uint8_t *p = value.ptr + at, *root = text_find(value, BLOCK, 1);
	const uint8_t was = *p;

	if (items[item].hex && bit == 5 && isxdigit(was) && isalpha(was))
		return HEX_CASE;
	if (strcmp(items[item].name, "pck_crl_issuer_chain") == 0)
		return CRL_CHAIN;
	if (!items[item].pem)
		return FIELDS;
	if (root != NULL && p >= root)
		return COPY_OF_ROOT;
	/* The end of a line, escaped in JSON: another escape that is white space. */
	if (at != 0 && p[-1] == '\\' && was == 'n' && strchr("trf", mutant) != NULL)
		return root != NULL && p == root - 1 ? LINE_BEFORE_BLOCK : WHITE_SPACE;
	return root != NULL && p >= root - 2 ? LINE_BEFORE_BLOCK : FIELDS;
}

static void
item_try(size_t item, struct bytes json, struct bytes quote)
{
	const struct bytes value = value_find(json, items[item].name);
	const size_t from = (size_t)(value.ptr - json.ptr);
	uint8_t *copy = malloc(json.len + 1);

	if (copy == NULL)
		abort();
	bytes_copy(copy, json);
	for (size_t i = 0; i < 8 * value.len; i += every) {
		struct dv_context *context = context_new(MAY);
		const size_t at = i / 8;
		const unsigned bit = i % 8;

		copy[from + at] ^= (uint8_t)(1u << bit);
		nmutants++;
		if (collateral_add(context, (struct bytes){ copy, json.len }, MAY) &&
		    quote_is_valid(context, quote, MAY))
			count(item_field(item, value, at, bit, copy[from + at]), items[item].name,
			    at, bit);
		copy[from + at] ^= (uint8_t)(1u << bit);
		dv_context_free(context);
	}
	free(copy);
}

/* ---- the event log ---- */

/* Whether quote and log are good, so that only the image is missing. */
static bool
asks_for_image(struct dv_context *context, struct bytes body)
{
	const struct dv_request request = { .body = { body.ptr, body.len }, .now = MAY };
	struct dv_answer answer;

	if (!dv_verify(context, &answer, &request))
		abort();
	return answer.nneeds != 0 && answer.needs[0].type == DV_FACT_IMAGE;
}

static void
digests_try(void)
{
	const struct bytes body = vector_read(LOG);
	struct dv_context *context = context_new(MAY);
	uint8_t *copy = malloc(body.len);
	const uint8_t *digest;

	if (copy == NULL || !collateral_add(context, vector_read(MAY_SET), MAY) ||
	    !asks_for_image(context, body))
		abort();
	bytes_copy(copy, body);
	for (unsigned n = 0; (digest = text_find(body, "digest", n)) != NULL; n++) {
		/* The key's end, a colon, and the marks, escaped or not: then the digits. */
		size_t at = (size_t)(digest - body.ptr) + strlen("digest");

		while (!isxdigit(body.ptr[at]))
			at++;
		for (; isxdigit(body.ptr[at]); at++)
			for (unsigned bit = 0; bit < 8; bit += every < 8 ? every : 8) {
				copy[at] ^= (uint8_t)(1u << bit);
				nmutants++;
				if (asks_for_image(context, (struct bytes){ copy, body.len }))
					count(bit == 5 && isalpha(body.ptr[at]) ? HEX_CASE : FIELDS,
					    "event digest", at, bit);
				copy[at] ^= (uint8_t)(1u << bit);
			}
	}
	free(copy);
	dv_context_free(context);
}

/* ---- all of it ---- */

static void
done(const char *what, clock_t since)
{
	(void)printf("%-60s %9zu mutants so far, %4.0f s\n", what, nmutants,
	    (double)(clock() - since) / CLOCKS_PER_SEC);
	(void)fflush(stdout);
}

int
main(int argc, char **argv)
{
	const clock_t start = clock();
	const struct bytes set = vector_read(MAY_SET), quote = vector_read(MAY_QUOTE);

	if (argc > 1)
		every = (unsigned)strtoul(argv[1], NULL, 10);
	if (every == 0 || argc > 2) {
		(void)fprintf(stderr, "usage: soundness [EVERY]\n");
		return 2;
	}
	for (size_t i = 0; i < NELEM(genuine); i++) {
		quote_try(genuine[i].quote, vector_read(genuine[i].quote), genuine[i].collateral,
		    genuine[i].now);
		done(genuine[i].quote, start);
	}
	for (size_t i = 0; i < NELEM(items); i++) {
		item_try(i, set, quote);
		done(items[i].name, start);
	}
	digests_try();
	done("digests of events", start);
	(void)printf("%zu mutants; accepted, of what no signature covers:\n", nmutants);
	for (size_t i = 0; i < FIELDS; i++)
		(void)printf("    %-40s %zu\n", names[i], accepted[i]);
	(void)printf("%zu wrong\n", nwrong);
	return nwrong != 0;
}
