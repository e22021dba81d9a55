#include "evidence/attestation.h"

#include "../teesim/encode.h"
#include "fuzz.h"

/* SCALE has one form of everything, so what was read is written as it was. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes raw = { data, len };
	struct arena *arena = fuzz_arena();
	const void *mark = build_mark();
	struct evidence evidence = { 0 }, same;
	struct reason why = { 0 };

	if (len == 0 || data[0] != 0)
		return 0;       /* what chooses this decoder */
	if (!fuzz_sense(attestation_v0_read(&evidence, arena, raw, &why), &why))
		return 0;
	fuzz_must(evidence.form == EVIDENCE_FORM_V0, "another form");
	fuzz_must(bytes_equal(encode_v0(&evidence), raw), "written again, it differs");
	build_release(mark);
	fuzz_must(attestation_read(&same, arena, raw, &why), "not chosen by its first byte");
	(void)fuzz_sense(evidence_check_report_data(&evidence, &why), &why);
	return 0;
}
