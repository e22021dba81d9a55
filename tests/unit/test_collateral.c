/*
 * Genuine collateral as a server sends it, under Intel's anchor: envelopes, release floors,
 * high-water marks.
 */
#include "testing.h"

#include <stdlib.h>

#include "core/hex.h"
#include "core/json.h"
#include "dcap/collateral.h"
#include "dcap/collateral_object.h"
#include "dcap/dcap.h"
#include "../teesim/pki.h"

#define ARENA_MAX_LEN   ((size_t)32 << 20)
#define JUNE            "collateral/sgx-00606a000000-20260605-ev21.json"        /* 19:27 UTC */
#define JUNE_B          "collateral/sgx-00606a000000-20260605-ev21-b.json"      /* 18:27 UTC */
#define JULY            "collateral/sgx-00606a000000-20260730-ev21.json"
#define TDX_JUNE        "collateral/tdx-b0c06f000000-20260629-ev19.json"
#define JUNE_NOW        INT64_C(1780700000)
#define JULY_NOW        INT64_C(1785500000)

static struct arena *arena;
static struct dcap *dcap;
static struct reason why;

static int
setup(void **state)
{
	const struct dcap_config config = { .tcb_rule = DV_TCB_RULE_UPSTREAM };

	arena = arena_new(ARENA_MAX_LEN);
	return arena == NULL || !dcap_new(&dcap, &config, &why);
}

static int
teardown(void **state)
{
	dcap_free(dcap);
	arena_free(arena);
	return 0;
}

static struct bytes
member(const char *file, const char *name, bool hex)
{
	const struct json_limits limits = { .text_len = 1u << 20, .depth = 4, .values = 64 };
	const struct json *root;
	struct bytes out = { NULL, 0 };

	if (!json_read(&root, arena, vector_read(file), &limits, &why) ||
	    !(hex ? json_hex_var(&out, arena, root, name, 1u << 20, &why) :
	    json_str(&out, arena, root, name, 1u << 20, &why)))
		fail_msg("%s: %s", file, why.text);
	return out;
}

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

/* What Intel's server would send of a collateral file. */
static struct dv_fact
fact_of(const char *file, enum dv_fact_type type)
{
	const bool tcb = type == DV_FACT_TCB_INFO;

	if (type == DV_FACT_PCK_CRL)
		return (struct dv_fact){
			.body = span(member(file, "pck_crl", true)),
			.chain = span(member(file, "pck_crl_issuer_chain", false)),
			.fetched_at = 1,
		};
	if (type == DV_FACT_ROOT_CA_CRL)
		return (struct dv_fact){
			.body = span(member(file, "root_ca_crl", true)), .fetched_at = 1,
		};
	return (struct dv_fact){
		.body = span(pki_join((struct bytes[]){
		    bytes_str(tcb ? "{\"tcbInfo\":" : "{\"enclaveIdentity\":"),
		    member(file, tcb ? "tcb_info" : "qe_identity", false),
		    bytes_str(",\"signature\":\""),
		    member(file, tcb ? "tcb_info_signature" : "qe_identity_signature", false),
		    bytes_str("\"}") }, 5)),
		.chain = span(member(file, tcb ? "tcb_info_issuer_chain" :
		    "qe_identity_issuer_chain", false)),
		.fetched_at = 1,
	};
}

static struct dv_key
key_of(const char *file, enum dv_fact_type type)
{
	struct dv_key key;

	memset(&key, 0, sizeof key);
	key.type = type;
	if (type == DV_FACT_TCB_INFO || type == DV_FACT_QE_IDENTITY)
		key.tee = strstr(file, "/sgx-") != NULL ? DV_TEE_SGX : DV_TEE_TDX;
	if (type == DV_FACT_TCB_INFO)
		assert_true(hex_decode(key.fmspc, (struct bytes){ (const uint8_t *)file +
		    strlen("collateral/sgx-"), 12 }, &why));
	if (type == DV_FACT_PCK_CRL)
		key.ca = DV_PCK_CA_PLATFORM;
	return key;
}

static bool
offer(const char *file, enum dv_fact_type type, int64_t now)
{
	const struct dv_key key = key_of(file, type);
	const struct dv_fact fact = fact_of(file, type);
	struct dv_dates dates;

	return dcap_offer(dcap, &key, &fact, now, &dates, &why);
}

static void
expect_offer(const char *file, enum dv_fact_type type, int64_t now, const char *wanted)
{
	bool ok = offer(file, type, now);

	if (ok != (wanted == NULL) || (!ok && strcmp(why.text, wanted) != 0))
		fail_msg("%s: got %d \"%s\"", file, ok, why.text);
}

static void
test_genuine(void **state)
{
	expect_offer(JULY, DV_FACT_TCB_INFO, JULY_NOW, NULL);
	expect_offer(JULY, DV_FACT_QE_IDENTITY, JULY_NOW, NULL);
	expect_offer(JULY, DV_FACT_PCK_CRL, JULY_NOW, NULL);
	expect_offer(JULY, DV_FACT_ROOT_CA_CRL, JULY_NOW, NULL);
	expect_offer(TDX_JUNE, DV_FACT_TCB_INFO, INT64_C(1783000000), NULL);
	expect_offer(TDX_JUNE, DV_FACT_QE_IDENTITY, INT64_C(1783000000), NULL);
	expect_offer(TDX_JUNE, DV_FACT_QE_IDENTITY, INT64_C(1786000000), "QE Identity expired");
}

/* What the store compares two items by, besides their dates. */
static void
test_numbers(void **state)
{
	static const struct {
		enum dv_fact_type type;
		uint64_t number;
	} rows[] = {
		{ DV_FACT_TCB_INFO, 21 },
		{ DV_FACT_QE_IDENTITY, 21 },
		{ DV_FACT_PCK_CRL, 1 },
		{ DV_FACT_ROOT_CA_CRL, 1 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		const struct dv_key key = key_of(JULY, rows[i].type);
		const struct dv_fact fact = fact_of(JULY, rows[i].type);
		struct dv_dates dates;

		assert_true(dcap_offer(dcap, &key, &fact, JULY_NOW, &dates, &why));
		assert_int_equal(dates.number, rows[i].number);
	}
}

/* Older than what was seen, though inside its own window. */
static void
test_rollback(void **state)
{
	expect_offer(JUNE_B, DV_FACT_TCB_INFO, JUNE_NOW, NULL);
	expect_offer(JUNE, DV_FACT_TCB_INFO, JUNE_NOW, NULL);
	expect_offer(JUNE_B, DV_FACT_TCB_INFO, JUNE_NOW, "older than one already verified");
	assert_int_equal(why.kind, REASON_UNAVAILABLE);
	expect_offer(JUNE, DV_FACT_TCB_INFO, JUNE_NOW, NULL);
	expect_offer(JUNE, DV_FACT_QE_IDENTITY, JUNE_NOW, NULL);
	expect_offer(JUNE_B, DV_FACT_QE_IDENTITY, JUNE_NOW, "older than one already verified");
	expect_offer(JULY, DV_FACT_TCB_INFO, JULY_NOW, NULL);
	expect_offer(JUNE, DV_FACT_TCB_INFO, JULY_NOW, "older than one already verified");
}

static void
test_floors(void **state)
{
	expect_offer(JUNE, DV_FACT_PCK_CRL, JUNE_NOW, "older than this release allows");
	expect_offer("collateral/tdx-90c06f000000-20260520-ev19.json", DV_FACT_QE_IDENTITY,
	    INT64_C(1780536131), "older than this release allows");
	expect_offer("collateral/tdx-90c06f000000-20260218-ev18.json", DV_FACT_TCB_INFO,
	    INT64_C(1772000000), "number smaller than this release allows");
	expect_offer("collateral/tdx-b0c06f000000-20250619-ev17.json", DV_FACT_ROOT_CA_CRL,
	    INT64_C(1750400000), "older than this release allows");
}

/* Under --at the floors do not hold, and marks are those of that time. */
static void
test_pinned_time(void **state)
{
	const struct dcap_config config = { .pinned_at = true };
	struct dcap *at;

	assert_true(dcap_new(&at, &config, &why));
	dcap_free(dcap);
	dcap = at;
	expect_offer(JUNE, DV_FACT_TCB_INFO, JUNE_NOW, NULL);
	expect_offer(JUNE_B, DV_FACT_TCB_INFO, JUNE_NOW, "older than one already verified");
	expect_offer(JUNE, DV_FACT_PCK_CRL, JUNE_NOW, NULL);
}

/* A body that differs from the genuine one in its envelope or its writing. */
static const struct {
	const char *name, *what, *with, *why;
} bodies[] = {
#define NO_JSON "TCB Info should be valid JSON: "
#define FALSE_  "Signature is invalid for tcb_info in quote_collateral"
	{ "as it is", "{\"tcbInfo\":", "{\"tcbInfo\":", NULL },
	{ "white space outside", "{\"tcbInfo\":", " {\n\"tcbInfo\" :\t", NULL },
	{ "white space inside", "\"version\":3,", "\"version\" : 3 ,\r\n", NULL },
	{ "more members", "{\"tcbInfo\":", "{\"x\":[1],\"tcbInfo\":", NULL },
	{ "an escape", "\"version\"", "\"versio\\u006e\"", FALSE_ },
	{ "a number's spelling", "\"tcbType\":0", "\"tcbType\":0.0", FALSE_ },
	{ "white space in a string", "\"id\":\"SGX\"", "\"id\":\"SGX \"", FALSE_ },
	{ "a key twice", "\"version\":3,", "\"version\":3,\"version\":3,", NO_JSON "@" },
	{ "the document twice", "{\"tcbInfo\":", "{\"tcbInfo\":{},\"tcbInfo\":", NO_JSON "@" },
	{ "no document", "{\"tcbInfo\":", "{\"tcbinfo\":", NO_JSON "\"tcbInfo\" is missing" },
	{ "another type", "{\"tcbInfo\":", "{\"tcbInfo\":[],\"x\":",
	    NO_JSON "\"tcbInfo\" is an array, not an object" },
	{ "text behind", "\"signature\":\"", "\"signature\":\"\"}x{\"", NO_JSON "@" },
	{ "no signature", "\"signature\"", "\"signatur\"",
	    "TCB Info signature must be valid hex: \"signature\" is missing" },
	{ "signature not hex", "\"signature\":\"", "\"x\":\"\",\"signature\":\"zz",
	    "TCB Info signature must be valid hex: \"signature\" has 65 bytes, not 64" },
	{ "edited", "\"version\":3,", "\"version\":4,", FALSE_ },
#undef NO_JSON
#undef FALSE_
};

static bool
text_matches(const char *got, const char *want)
{
	size_t len = strlen(want);

	if (len != 0 && want[len - 1] == '@')
		return strncmp(got, want, len - 1) == 0 && got[len - 1] != '\0';
	return strcmp(got, want) == 0;
}

static void
test_bodies(void **state)
{
	const struct dv_key key = key_of(JULY, DV_FACT_TCB_INFO);

	for (size_t i = 0; i < NELEM(bodies); i++) {
		struct dv_fact fact = fact_of(JULY, DV_FACT_TCB_INFO);
		struct bytes body = { fact.body.ptr, fact.body.len };
		struct dv_dates dates;
		bool ok;

		fact.body = span(pki_replace(body, bytes_str(bodies[i].what),
		    bytes_str(bodies[i].with)));
		ok = dcap_offer(dcap, &key, &fact, JULY_NOW, &dates, &why);
		if (ok != (bodies[i].why == NULL) ||
		    (!ok && !text_matches(why.text, bodies[i].why)))
			fail_msg("%s: got %d \"%s\"", bodies[i].name, ok, why.text);
		if (ok)
			assert_int_equal(dates.issued, 1785427876);
	}
}

/* The offline form is taken byte for byte. */
static void
test_object_bytes(void **state)
{
	static const struct {
		const char *what, *with, *why;
	} rows[] = {
		{ "\"tcb_info\": \"{", "\"tcb_info\": \"{", NULL },
		{ "\"tcb_info\": \"{", "\"tcb_info\": \" {",
		    "Signature is invalid for tcb_info in quote_collateral" },
		{ "\"qe_identity\": \"{", "\"qe_identity\": \" {",
		    "Signature is invalid for qe_identity in quote_collateral" },
		{ "\"tcb_info_signature\": \"", "\"x\": \"\", \"tcb_info_signature\": \"\", \"y\": \"",
		    "Invalid key length" },
		{ "\"tcb_info\": \"{", "\"tcb_info\": \"x{", "Failed to decode TcbInfo: @" },
		{ "\"root_ca_crl\": \"30", "\"root_ca_crl\": \"31", "Failed to parse CRL: BadDer" },
	};
	const struct dcap_request request = {
		.quote = vector_read("quotes/tdx/tdx-v4-b0c06f000000-dcapqvl-f1c85033.bin"),
		.offline = true, .now = INT64_C(1750400000),
	};
	struct bytes object = vector_read("collateral/tdx-b0c06f000000-20250619-ev17.json");

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct dcap_result result;

		dcap_unpin(dcap);
		assert_true(dcap_pin(dcap, pki_replace(object, bytes_str(rows[i].what),
		    bytes_str(rows[i].with)), request.now, &why));
		(void)dcap_verify(&result, dcap, &request, arena, &why);
		if ((result.outcome == DCAP_VERIFIED) != (rows[i].why == NULL) ||
		    (rows[i].why != NULL && !text_matches(why.text, rows[i].why)))
			fail_msg("%zu: outcome %d \"%s\"", i, result.outcome, why.text);
	}
}

static const struct {
	const char *json, *why;
} objects[] = {
	{ "", "@" },
	{ "[]", "\"collateral\" is an array, not an object" },
	{ "{}", "no item of collateral in it" },
	{ "{\"root_ca_crl\":\"3\"}", "\"root_ca_crl\" has an odd number of hex digits" },
	{ "{\"root_ca_crl\":7}", "\"root_ca_crl\" is a number, not a string" },
	{ "{\"tcb_info\":\"{}\"}", "\"tcb_info_signature\" is missing" },
	{ "{\"tcb_info\":\"{}\",\"tcb_info_signature\":\"\"}",
	    "\"tcb_info_issuer_chain\" is missing" },
	{ "{\"tcb_info\":null,\"pck_crl\":\"3000\"}", NULL },
};

static void
test_objects(void **state)
{
	for (size_t i = 0; i < NELEM(objects); i++) {
		bool ok = dcap_pin(dcap, bytes_str(objects[i].json), 0, &why);

		if (ok != (objects[i].why == NULL) || (!ok && !text_matches(why.text, objects[i].why)))
			fail_msg("%zu: got %d \"%s\"", i, ok, why.text);
	}
}

static void
test_names(void **state)
{
	static const struct {
		struct dv_key key;
		const char *name;
	} rows[] = {
		{ { .type = DV_FACT_TCB_INFO, .fmspc = { 0, 0x90, 0x6e, 0xd5 } },
		    "TCB info for FMSPC 00906ED50000" },
		{ { .type = DV_FACT_QE_IDENTITY }, "QE identity" },
		{ { .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PROCESSOR }, "PCK CRL (processor)" },
		{ { .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PLATFORM }, "PCK CRL (platform)" },
		{ { .type = DV_FACT_ROOT_CA_CRL }, "root CA CRL" },
		{ { .type = DV_FACT_PCK_CERTIFICATE }, "PCK certificate" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		char name[COLLATERAL_NAME_SIZE];

		collateral_name(name, &rows[i].key);
		assert_string_equal(name, rows[i].name);
	}
}

static void
test_sizes(void **state)
{
	static const struct {
		enum dv_fact_type type;
		size_t  len;
		const char *why;
	} rows[] = {
		{ DV_FACT_ROOT_CA_CRL, COLLATERAL_ROOT_CRL_MAX_LEN + 1,
		    "CRL has more than 262144 bytes" },
		{ DV_FACT_PCK_CRL, CRL_MAX_LEN + 1, "CRL has more than 4194304 bytes" },
		{ DV_FACT_TCB_INFO, 400000, "TCB Info should be valid JSON: @" },
	};
	uint8_t *big = calloc(1, CRL_MAX_LEN + 1);

	assert_non_null(big);
	for (size_t i = 0; i < NELEM(rows); i++) {
		const struct dv_key key = key_of(JULY, rows[i].type);
		const struct dv_fact fact = { .body = { big, rows[i].len } };
		struct dv_dates dates;

		assert_false(dcap_offer(dcap, &key, &fact, JULY_NOW, &dates, &why));
		if (!text_matches(why.text, rows[i].why))
			fail_msg("%zu: \"%s\"", i, why.text);
		assert_int_equal(why.kind, REASON_LIMIT);
	}
	free(big);
}

/* A document, or a chain, that alone is longer than it may be. */
static void
test_document_sizes(void **state)
{
	static const struct {
		enum dv_fact_type type;
		size_t  text_len, chain_len;
		const char *why;
	} rows[] = {
		{ DV_FACT_TCB_INFO, TCB_INFO_MAX_LEN - 8, 0, "Failed to extract certificates @" },
		{ DV_FACT_TCB_INFO, TCB_INFO_MAX_LEN - 7, 0, "TCB Info has more than 262144 bytes" },
		{ DV_FACT_QE_IDENTITY, QE_IDENTITY_MAX_LEN - 7, 0,
		    "QE Identity has more than 65536 bytes" },
		{ DV_FACT_TCB_INFO, 1, PEM_MAX_LEN, "Failed to extract certificates @" },
		{ DV_FACT_TCB_INFO, 1, PEM_MAX_LEN + 1, "issuer chain has more than 32768 bytes" },
		{ DV_FACT_PCK_CERTIFICATE, 1, PEM_MAX_LEN, "PCK chain has more than 32768 bytes" },
	};
	static uint8_t digits[TCB_INFO_MAX_LEN];

	memset(digits, 'a', sizeof digits);
	for (size_t i = 0; i < NELEM(rows); i++) {
		const bool tcb = rows[i].type == DV_FACT_TCB_INFO;
		const struct dv_key key = key_of(JULY, rows[i].type);
		struct dv_fact fact = { .chain = { digits, rows[i].chain_len } };
		struct dv_dates dates;

		fact.body = span(pki_join((struct bytes[]){
		    bytes_str(tcb ? "{\"tcbInfo\":{\"a\":\"" : "{\"enclaveIdentity\":{\"a\":\""),
		    { digits, rows[i].text_len }, bytes_str("\"},\"signature\":\""),
		    { digits, 128 }, bytes_str("\"}") }, 5));
		assert_false(dcap_offer(dcap, &key, &fact, JULY_NOW, &dates, &why));
		if (!text_matches(why.text, rows[i].why))
			fail_msg("%zu: \"%s\"", i, why.text);
	}
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_genuine),
		TEST(test_numbers),
		TEST(test_rollback),
		TEST(test_floors),
		TEST(test_pinned_time),
		TEST(test_bodies),
		TEST(test_object_bytes),
		TEST(test_objects),
		TEST(test_names),
		TEST(test_sizes),
		TEST(test_document_sizes),
	};

	return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
