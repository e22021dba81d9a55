#include "measure/td_hob.h"

#include "fuzz.h"

/* The first two bytes are the memory size, in units of 64 MiB. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	uint64_t memory = (uint64_t)fuzz_choice(&in) << 8;
	struct reason why = { 0 };
	struct digest384 digest;
	struct td_hob hob;

	memory = (memory | fuzz_choice(&in)) << 26;
	if (!fuzz_sense(td_hob_witness_read(&hob, in, &why), &why))
		return 0;
	fuzz_must(hob.n_ranges <= TD_HOB_MAX_RANGES, "too many ranges");
	for (size_t i = 0; i < hob.n_ranges; i++)
		fuzz_must(hob.ranges[i].start <= hob.ranges[i].end, "a range's end before its start");
	(void)fuzz_sense(td_hob_measure(&digest, &hob, memory, &why), &why);
	(void)fuzz_sense(td_hob_measure(&digest, &hob, UINT64_MAX - memory, &why), &why);
	return 0;
}
