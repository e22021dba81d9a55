#include "published.h"

#include "judge.h"

static void
layout_set(struct image_layout *layout, const struct td_hob *measured)
{
	struct td_hob hob = *measured;

	td_hob_sort(&hob);
	layout->hob = hob.address;
	layout->n = hob.n_ranges;
	assert_true(hob.n_ranges <= NELEM(layout->ranges));
	for (size_t i = 0; i < hob.n_ranges; i++) {
		layout->ranges[i].start = hob.ranges[i].start;
		layout->ranges[i].len = hob.ranges[i].end - hob.ranges[i].start;
	}
}

#define KEEP_DIGEST(digest)     build_keep((digest).data, sizeof (digest).data)

static void
run(struct guest *m, const struct image_case *image, struct arena *arena, bool unpatched)
{
	struct image_record record;
	struct metadata metadata;
	struct reason why;

	assert_true(image_record_compute(&record, arena, &image->hash, &image->files, &why));
	assert_true(metadata_read(&metadata, arena, image->files.metadata, &why));
	layout_set(&m->layout, &record.td_hob);
	m->manifest = image->files.manifest;
	m->image = (struct tdx_document){
		.version = 4, .ovmf = record.ovmf,
		.kernel_header_normalized = record.kernel_header_normalized,
		.cmdline = metadata.cmdline,
		.kernel_authenticode = unpatched || record.kernel_header_normalized ?
		    KEEP_DIGEST(record.kernel_unpatched) : KEEP_DIGEST(record.kernel_patched),
		.initrd_sha384 = KEEP_DIGEST(record.initrd),
		.mrtd_single_pass = KEEP_DIGEST(record.mrtd_single_pass),
		.mrtd_two_pass = KEEP_DIGEST(record.mrtd_two_pass),
		.td_hob = image_witness(&m->layout),
	};
}

void
published_run(struct guest *m, const struct image_case *image, struct arena *arena)
{
	run(m, image, arena, false);
}

void
published_unpatched(struct guest *m, const struct image_case *image, struct arena *arena)
{
	run(m, image, arena, true);
}
