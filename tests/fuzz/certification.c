/*
 * The certification data of a quote, and what it leads to: a chain up to Intel's root, or the
 * request for one.  The first byte chooses the quote's version, the second is the type.
 */
#include "dcap/pck_chain.h"

#include <openssl/mem.h>

#include "dcap/quote.h"
#include "fuzz.h"

#define MEMO_LEN        64
#define NOW             INT64_C(1780536131)
#define DATA_MAX_LEN    ((size_t)40 << 10)      /* more than any limit below it */

static const uint8_t vendor[16] = {
	0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06,
	0x07,
};

static bool
add_zeroes(CBB *out, size_t len)
{
	uint8_t *space;

	if (!CBB_add_space(out, &space, len))
		return false;
	memset(space, 0, len);
	return true;
}

/* A quote of version 3 or 4 that is zero but for its header and this data. */
static bool
quote_write(CBB *out, bool v3, uint16_t type, struct bytes data)
{
	uint32_t report_len = ENCLAVE_REPORT_LEN + 64 + 2 + 2 + 4 + (uint32_t)data.len;

	return CBB_add_u16le(out, v3 ? 3 : 4) && CBB_add_u16le(out, QUOTE_KEY_ECDSA_P256) &&
	    CBB_add_u32le(out, v3 ? QUOTE_TEE_SGX : QUOTE_TEE_TDX) && CBB_add_u32le(out, 0) &&
	    CBB_add_bytes(out, vendor, sizeof vendor) &&
	    add_zeroes(out, 20 + (v3 ? ENCLAVE_REPORT_LEN : TD_REPORT_10_LEN)) &&
	    CBB_add_u32le(out, 64 + 64 + (v3 ? 0 : 2 + 4) + report_len) &&
	    add_zeroes(out, 64 + 64) &&
	    (v3 || (CBB_add_u16le(out, QUOTE_CERT_QE_REPORT) && CBB_add_u32le(out, report_len))) &&
	    add_zeroes(out, ENCLAVE_REPORT_LEN + 64 + 2) &&
	    CBB_add_u16le(out, type) && CBB_add_u32le(out, (uint32_t)data.len) &&
	    CBB_add_bytes(out, data.ptr, data.len);
}

static struct anchor *anchor;
static struct signature_memo *signatures;
static struct pck_chain_memo *chains;

static void
tools_make(void)
{
	struct reason why = { 0 };

	anchor = anchor_intel_new(&why);
	signatures = signature_memo_new(MEMO_LEN);
	chains = pck_chain_memo_new(MEMO_LEN);
	fuzz_must(anchor != NULL && signatures != NULL && chains != NULL, "out of memory");
}

/* With and without remembering: both come to the same. */
static void
chain_try(struct bytes pem)
{
	unsigned long nops = 0;
	struct reason why = { 0 }, again = { 0 };
	struct chain_tools tools = { .arena = fuzz_arena(), .nops = &nops };
	AUTO(pck_chain_free) struct pck_chain *chain = NULL;
	AUTO(pck_chain_free) struct pck_chain *remembered = NULL;
	bool ok;

	if (anchor == NULL)
		fuzz_setup(tools_make);
	tools.anchor = anchor;
	ok = fuzz_sense(pck_chain_verify(&chain, &tools, pem, NOW, &why), &why);
	if (ok)
		fuzz_must(chain != NULL && nops >= 2, "a chain without two signatures");
	tools.signatures = signatures;
	tools.chains = chains;
	fuzz_must(pck_chain_verify(&remembered, &tools, pem, NOW, &again) == ok &&
	    (ok || strcmp(why.text, again.text) == 0), "remembered, it differs");
	if (ok)
		fuzz_must(memcmp(&chain->pck, &remembered->pck, sizeof chain->pck) == 0,
		    "remembered, it is another platform");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const bool v3 = (fuzz_choice(&in) & 1) != 0;
	const uint16_t type = fuzz_choice(&in);
	struct reason why = { 0 };
	struct quote quote;
	struct bytes raw;
	uint8_t *made;
	CBB cbb;

	if (in.len > DATA_MAX_LEN)
		return 0;
	fuzz_must(CBB_init(&cbb, 0) && quote_write(&cbb, v3, type, in) &&
	    CBB_finish(&cbb, &made, &raw.len), "out of memory");
	raw.ptr = made;
	if (fuzz_sense(quote_read(&quote, raw, &why), &why)) {
		fuzz_must(quote.cert_type == type && bytes_equal(quote.cert_data, in),
		    "other data than was put in");
		if (fuzz_sense(quote_check(&quote, &why), &why) && type == QUOTE_CERT_PCK_CHAIN)
			chain_try(quote.cert_data);
	}
	OPENSSL_free(made);
	return 0;
}
