#include "measure/tdvf.h"

#include "fuzz.h"

#define MEASURED_PAGES  16      /* more take long and show nothing new */

static uint64_t
sections_check(const struct tdvf *tdvf, struct bytes firmware)
{
	uint64_t npages = 0;

	fuzz_must(tdvf->n_sections <= TDVF_MAX_SECTIONS, "too many sections");
	for (size_t i = 0; i < tdvf->n_sections; i++) {
		const struct tdvf_section *section = &tdvf->sections[i];

		fuzz_within(section->data, firmware);
		fuzz_must(section->address % 4096 == 0, "an address inside a page");
		fuzz_must(section->n_pages <= TDVF_MAX_PAGES, "too many pages");
		fuzz_must(section->address <= UINT64_MAX - section->n_pages * 4096,
		    "a section past the end of memory");
		fuzz_must(!section->extended || section->data.len == section->n_pages * 4096,
		    "measured pages that the file does not hold");
		npages += section->n_pages;
	}
	fuzz_must(npages <= TDVF_MAX_PAGES, "too many pages in all");
	return npages;
}

/* What a document says of the ranges is read as they are. */
static void
witness_check(const struct tdvf *tdvf)
{
	struct reason why = { 0 };
	struct td_hob hob, again;
	CBB cbb;

	tdvf_td_hob(&hob, tdvf);
	fuzz_must(CBB_init(&cbb, 0), "out of memory");
	if (fuzz_sense(tdvf_witness_write(&cbb, tdvf, &why), &why)) {
		fuzz_must(td_hob_witness_read(&again, (struct bytes){ CBB_data(&cbb),
		    CBB_len(&cbb) }, &why), "a witness that cannot be read");
		fuzz_must(again.n_ranges == hob.n_ranges, "another number of ranges");
	}
	CBB_cleanup(&cbb);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes firmware = { data, len };
	struct reason why = { 0 };
	struct digest384 digest;
	struct tdvf tdvf;

	if (!fuzz_sense(tdvf_read(&tdvf, firmware, &why), &why))
		return 0;
	witness_check(&tdvf);
	(void)tdvf_variables_known(&tdvf);
	if (sections_check(&tdvf, firmware) > MEASURED_PAGES)
		return 0;
	tdvf_mrtd(&digest, &tdvf, false);
	tdvf_mrtd(&digest, &tdvf, true);
	return 0;
}
