#include "evidence/attestation.h"

#include "../teesim/encode.h"
#include "fuzz.h"

/* MessagePack has many forms of everything; the shortest reads as the same evidence. */
static void
write_again(const struct evidence *evidence, struct arena *arena)
{
	const struct bytes first = encode_v1(evidence, 0);
	struct evidence again = { 0 };
	struct reason why = { 0 };

	/* Only the memory of an input may be short for both. */
	if (attestation_v1_read(&again, arena, first, &why))
		fuzz_must(bytes_equal(encode_v1(&again, 0), first), "written again, it differs");
	else
		fuzz_must(why.kind == REASON_LIMIT, why.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes raw = { data, len };
	struct arena *arena = fuzz_arena();
	const void *mark = build_mark();
	struct evidence evidence = { 0 };
	struct reason why = { 0 };

	if (!fuzz_sense(attestation_v1_read(&evidence, arena, raw, &why), &why))
		return 0;
	fuzz_must(evidence.form == EVIDENCE_FORM_V1, "another form");
	write_again(&evidence, arena);
	build_release(mark);
	(void)fuzz_sense(evidence_check_report_data(&evidence, &why), &why);
	return 0;
}
