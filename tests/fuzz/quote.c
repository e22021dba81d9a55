#include "dcap/quote.h"
#include "fuzz.h"

/* Everything that quote_read() fills is in the quote, and of the length its header says. */
static void
fields_check(const struct quote *quote, struct bytes raw)
{
	fuzz_must(quote->body_signed.ptr == raw.ptr, "the signed part is not at the start");
	fuzz_within(quote->body_signed, raw);
	fuzz_within(quote->signature, raw);
	fuzz_within(quote->attestation_key, raw);
	fuzz_within(quote->qe_report.raw, raw);
	fuzz_within(quote->qe_signature, raw);
	fuzz_within(quote->qe_auth_data, raw);
	fuzz_within(quote->cert_data, raw);
	fuzz_must(quote->trailing_len <= raw.len - quote->body_signed.len, "too long a tail");
	if (quote_is_td(quote)) {
		fuzz_must(quote->td.raw.len == quote_body_len(quote->body), "TD report's length");
		fuzz_within(quote->td.raw, quote->body_signed);
		fuzz_within(quote->td.report_data, quote->td.raw);
	} else {
		fuzz_must(quote->enclave.raw.len == ENCLAVE_REPORT_LEN, "SGX report's length");
		fuzz_within(quote->enclave.raw, quote->body_signed);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes raw = { data, len };
	struct reason why = { 0 };
	struct quote quote;

	if (!fuzz_sense(quote_read(&quote, raw, &why), &why))
		return 0;
	fields_check(&quote, raw);
	if (fuzz_sense(quote_check(&quote, &why), &why)) {
		fuzz_must(quote.signature.len == 64 && quote.attestation_key.len == 64 &&
		    quote.qe_signature.len == 64, "lengths of signatures and key");
		fuzz_must(quote.cert_type == QUOTE_CERT_PCK_CHAIN ||
		    quote.pck_request.qe_id.len == 16, "no request for a chain");
	}
	return 0;
}
