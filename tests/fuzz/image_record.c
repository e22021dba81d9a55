/*
 * What a measurer says, behind its signature.  The first byte chooses record or kernel fact; there
 * is one way to write each, so what was read is written as it was.
 */
#include "measure/image_record.h"

#include "fuzz.h"

static bool
record_again(CBB *out, CBS *in, struct reason *why)
{
	struct image_record record;
	struct reason inner = { 0 };
	uint32_t addr;
	bool known;

	if (!fuzz_sense(image_record_read(&record, in, why), why))
		return false;
	fuzz_must(record.version_len <= sizeof record.version, "a longer version");
	fuzz_must(record.td_hob.n_ranges <= TD_HOB_MAX_RANGES, "too many ranges");
	for (unsigned shift = 20; shift < 44; shift++)
		(void)fuzz_sense(image_record_initrd_addr(&addr, &known, &record,
		    UINT64_C(1) << shift, &inner), &inner);
	fuzz_must(image_record_write(out, &record), "out of memory");
	return true;
}

static bool
kernel_again(CBB *out, CBS *in, struct reason *why)
{
	struct kernel_fact fact;

	if (!fuzz_sense(kernel_fact_read(&fact, in, why), why))
		return false;
	fuzz_must(kernel_fact_write(out, &fact), "out of memory");
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const bool kernel = (fuzz_choice(&in) & 1) != 0;
	CBS cbs = cbs_bytes(in);
	struct reason why = { 0 };
	CBB cbb;

	fuzz_must(CBB_init(&cbb, 0), "out of memory");
	if (kernel ? kernel_again(&cbb, &cbs, &why) : record_again(&cbb, &cbs, &why))
		fuzz_wrote(&cbb, in);
	else
		CBB_cleanup(&cbb);
	return 0;
}
