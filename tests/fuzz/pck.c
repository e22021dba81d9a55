#include "dcap/pck.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reason why = { 0 };
	struct pck pck;

	if (fuzz_sense(pck_read(&pck, (struct bytes){ data, len }, &why), &why))
		fuzz_must(pck.sgx_type <= PCK_SGX_SCALABLE_INTEGRITY, "SGX type");
	return 0;
}
