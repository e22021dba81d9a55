/*
 * Collateral as a server sends it, genuine but for patches: the first byte chooses the item,
 * part 0 of the patches is the body, part 1 the issuer chain.  What is accepted says what Intel
 * signed.
 */
#include "dstack-verifier/verify.h"

#include <openssl/mem.h>

#include "../bench/evidence.h"
#include "core/json.h"
#include "core/json_writer.h"
#include "dcap/collateral_object.h"
#include "dcap/x509.h"
#include "patch.h"

#define DER_FIRST       0x30    /* of every CRL in DER; of one in hex it is 0x33 */
#define COLLATERAL      "collateral/tdx-90c06f000000-20260520-ev19.json"

static struct collateral_object object;

static bool
is_document(const struct collateral *item)
{
	return item->key.type == DV_FACT_TCB_INFO || item->key.type == DV_FACT_QE_IDENTITY;
}

static const char *
member_of(const struct collateral *item)
{
	return item->key.type == DV_FACT_TCB_INFO ? "tcbInfo" : "enclaveIdentity";
}

/* {"tcbInfo":..,"signature":".."} */
static struct bytes
document_body(const struct collateral *item, struct arena *arena)
{
	struct json_writer w = { 0 };
	struct reason why = { 0 };
	struct bytes body;
	uint8_t *data;
	CBB cbb;

	fuzz_must(CBB_init(&cbb, 4096), "out of memory");
	w.out = &cbb;
	json_write_object(&w, NULL);
	json_write_raw(&w, member_of(item), item->text);
	json_write_hex(&w, "signature", item->signature);
	json_write_end_object(&w);
	fuzz_must(json_writer_ok(&w) && CBB_finish(&cbb, &data, &body.len), "out of memory");
	body.ptr = data;
	fuzz_must(arena_copy(arena, &body, body, &why), "out of memory");
	OPENSSL_free(data);
	return body;
}

/* The signed document in an accepted body is that of the item. */
static void
document_check(const struct collateral *item, struct bytes body, struct arena *arena)
{
	static const struct json_limits limits = { 1u << 20, 32, 1u << 16, true };
	const struct json *root, *document;
	struct reason why = { 0 };
	struct bytes text;

	fuzz_must(json_read(&root, arena, body, &limits, &why) &&
	    json_object(&document, root, member_of(item), &why) &&
	    json_compact(&text, arena, json_span(document), &why), why.text);
	fuzz_must(bytes_equal(text, item->text), "accepted, and Intel did not sign it");
}

static void
crl_check(const struct collateral *item, struct bytes body)
{
	struct x509_frame got, genuine;
	struct reason why = { 0 };

	if (body.len != 0 && body.ptr[0] != DER_FIRST)
		return;         /* in hex */
	fuzz_must(x509_frame_read(&got, body, &why) &&
	    x509_frame_read(&genuine, item->text, &why), why.text);
	fuzz_must(bytes_equal(got.tbs, genuine.tbs), "accepted, and Intel did not sign it");
}

static struct bytes
crl_chain(struct arena *arena)
{
	const struct bytes ders[] = {
		file_read("certs/intel-sgx-pck-platform-ca.der"),
		file_read("certs/intel-sgx-root-ca.der"),
	};

	return fuzz_pem(arena, ders, NELEM(ders));
}

/* The body and the chain of each item, as a server sends them. */
static struct bytes seeds[COLLATERAL_OBJECT_MAX_ITEMS][2];
static struct dv_context *context;

static void
seeds_make(void)
{
	struct arena *arena = arena_new(FUZZ_ARENA_MAX);
	struct reason why = { 0 };

	fuzz_must(arena != NULL && collateral_object_read(&object, file_read(COLLATERAL), false,
	    &why), "the collateral");
	for (size_t i = 0; i < object.n; i++) {
		const struct collateral *item = object.items[i];

		seeds[i][0] = is_document(item) ? document_body(item, arena) : item->text;
		seeds[i][1] = is_document(item) ? item->chain : crl_chain(arena);
	}
}

static void
context_make(void)
{
	struct dv_options options = { .pinned_at = true, .at = EVIDENCE_NOW };
	char error[512];

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	fuzz_must(dv_policy_settle(&options.policy, error, sizeof error), "a policy");
	context = dv_context_new(&options, error, sizeof error);
	fuzz_must(context != NULL, "a context");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len }, parts[2];
	struct arena *arena = fuzz_arena();
	const struct collateral *item;
	struct reason why = { .kind = REASON_REFUSED };
	struct dv_dates dates;
	struct dv_fact fact;
	size_t which;

	if (context == NULL) {
		fuzz_setup(seeds_make);
		fuzz_setup(context_make);
	}
	which = fuzz_choice(&in) % object.n;
	item = object.items[which];
	memcpy(parts, seeds[which], sizeof parts);
	patches_apply(parts, 2, in, arena);
	fact = (struct dv_fact){ .body = { parts[0].ptr, parts[0].len },
	    .chain = { parts[1].ptr, parts[1].len }, .fetched_at = EVIDENCE_NOW };
	if (!dv_fact_offer(context, &item->key, &fact, EVIDENCE_NOW, &dates, why.text,
	    sizeof why.text)) {
		fuzz_must(in.len != 0, "the seed is refused");
		(void)fuzz_sense(false, &why);
		return 0;
	}
	fuzz_must(dates.issued == item->dates.issued &&
	    dates.next_update == item->dates.next_update && dates.number == item->dates.number,
	    "accepted with other dates");
	if (is_document(item))
		document_check(item, parts[0], arena);
	else
		crl_check(item, parts[0]);
	return 0;
}
