#include "measure/tdx_document.h"

#include "fuzz.h"
#include "measure/rtmr.h"
#include "measure/td_hob.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes cbor = { data, len };
	struct tdx_document doc;
	struct reason why = { 0 };
	struct digest384 digest;
	struct td_hob hob;

	if (!fuzz_sense(tdx_document_read(&doc, cbor, TDX_DOCUMENT_OLDEST, &why), &why))
		return 0;
	fuzz_must(doc.version >= TDX_DOCUMENT_OLDEST && doc.version <= TDX_DOCUMENT_NEWEST,
	    "a version that does not exist");
	fuzz_within(doc.cmdline, cbor);
	fuzz_within(doc.mrtd_two_pass, cbor);
	(void)fuzz_sense(tdx_document_cmdline(&digest, &doc, &why), &why);
	(void)fuzz_sense(tdx_document_digest(&digest, doc.mrtd_single_pass, "mrtd", &why), &why);
	if (fuzz_sense(td_hob_witness_read(&hob, doc.td_hob, &why), &why))
		(void)fuzz_sense(td_hob_measure(&digest, &hob, UINT64_C(2) << 30, &why), &why);
	return 0;
}
