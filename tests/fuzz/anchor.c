#include "dcap/anchor.h"

#include "fuzz.h"

#define NOW     INT64_C(1780536131)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reason why = { 0 };
	AUTO(anchor_free) struct anchor *anchor =
	    anchor_external_new((struct bytes){ data, len }, &why);

	if (fuzz_sense(anchor != NULL, &why)) {
		fuzz_must(anchor->cert.is_ca, "an anchor that is no CA");
		(void)fuzz_sense(anchor_check(anchor, NOW, &why), &why);
	}
	return 0;
}
