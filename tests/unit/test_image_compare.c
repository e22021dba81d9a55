#include "testing.h"

#include "../support/image_case.h"
#include "measure/image_compare.h"

static struct arena *arena;

static int
setup(void **state)
{
	arena = arena_new(16u << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

/* By start, as witnesses are written. */
static const uint8_t witness[] = {
	0x80, 0x10, 0x09, 0x04, 0x00, 0x06, 0x09, 0x02, 0x0b, 0x02, 0x10, 0x10,
};

/* An image, its record, and the document its build would write. */
struct lab {
	struct image_case image;
	struct image_record record;
	struct tdx_document doc;
};

static void
lab_open(struct lab *lab, uint32_t version, bool normalized)
{
	const struct image_record *r = &lab->record;
	struct metadata metadata;
	struct reason why;

	arena_reset(arena);
	image_case_init(&lab->image, arena);
	if (normalized)
		lab->image.metadata = image_case_metadata(arena,
		    "\"kernel_header_normalized\": true, ");
	image_case_seal(&lab->image, arena);
	assert_true(image_record_compute(&lab->record, arena, &lab->image.hash,
	    &lab->image.files, &why));
	assert_true(metadata_read(&metadata, arena, lab->image.files.metadata, &why));
	lab->doc = (struct tdx_document){
		.version = version,
		.ovmf = OVMF_PRE202505,
		.kernel_header_normalized = version >= 4 && normalized,
		.kernel_authenticode = normalized ? BYTES_OF(r->kernel_unpatched.data) :
		    BYTES_OF(r->kernel_patched.data),
		.initrd_sha384 = BYTES_OF(r->initrd.data),
		.mrtd_single_pass = BYTES_OF(r->mrtd_single_pass.data),
		.mrtd_two_pass = BYTES_OF(r->mrtd_two_pass.data),
		.td_hob = BYTES_OF(witness),
	};
	if (version == 3)
		lab->doc.cmdline_sha384 = BYTES_OF(r->cmdline.data);
	else
		lab->doc.cmdline = metadata.cmdline;
}

static void
expect(const char *name, const struct lab *lab, const char *member)
{
	char wanted[128] = "measurement.tdx.cbor differs from the published image in ";
	struct reason why;
	bool ok = image_compare(&lab->record, &lab->doc, &why);

	if (member != NULL)
		memcpy(wanted + strlen(wanted), member, strlen(member) + 1);
	expect_reason(name, ok, &why, member != NULL ? wanted : NULL);
}

static void
test_equal(void **state)
{
	struct lab lab;
	uint32_t version;

	for (version = 3; version <= 4; version++) {
		lab_open(&lab, version, false);
		expect("plain", &lab, NULL);
		lab_open(&lab, version, true);
		expect("normalized", &lab, NULL);
	}
}

/* Each member in turn is another, or has another length. */
static void
test_members(void **state)
{
	static const uint8_t zeros[48];
	static const struct {
		size_t  at;
		const char *name;
	} members[] = {
		{ offsetof(struct tdx_document, mrtd_single_pass), "mrtd.single_pass" },
		{ offsetof(struct tdx_document, mrtd_two_pass), "mrtd.two_pass" },
		{ offsetof(struct tdx_document, kernel_authenticode), "kernel_authenticode" },
		{ offsetof(struct tdx_document, initrd_sha384), "initrd_sha384" },
		{ offsetof(struct tdx_document, cmdline_sha384), "cmdline" },
		{ offsetof(struct tdx_document, td_hob), "td_hob" },
	};
	struct bytes *member, was;
	struct lab lab;
	size_t i;

	lab_open(&lab, 3, false);
	for (i = 0; i < NELEM(members); i++) {
		member = (struct bytes *)((char *)&lab.doc + members[i].at);
		was = *member;
		*member = BYTES_OF(zeros);
		expect(members[i].name, &lab, members[i].name);
		*member = (struct bytes){ was.ptr, was.len - 1 };
		expect(members[i].name, &lab, members[i].name);
		*member = was;
	}
	expect("all back", &lab, NULL);
	lab.doc.ovmf = OVMF_ABSENT;
	expect("variant", &lab, "ovmf");
}

static void
test_version_4(void **state)
{
	struct lab lab;

	lab_open(&lab, 4, false);
	lab.doc.cmdline.len--;
	expect("command line", &lab, "cmdline");
	lab_open(&lab, 4, false);
	lab.doc.kernel_header_normalized = true;
	expect("flag too much", &lab, "kernel_header_normalized");
	lab_open(&lab, 4, true);
	lab.doc.kernel_header_normalized = false;
	expect("flag too little", &lab, "kernel_header_normalized");
	/* The digest of the other form. */
	lab_open(&lab, 4, false);
	lab.doc.kernel_authenticode = BYTES_OF(lab.record.kernel_unpatched.data);
	expect("as shipped", &lab, "kernel_authenticode");
}

/* A range more, another address, another end. */
static void
test_witness(void **state)
{
	static const struct {
		const char *name;
		uint8_t witness[14];
		size_t  len;
	} cases[] = {
		{ "a range less", { 0x80, 0x10, 9, 3, 0, 6, 9, 2, 11, 2 }, 10 },
		{ "a range more", { 0x80, 0x10, 9, 5, 0, 6, 9, 2, 11, 2, 16, 16, 32, 0 }, 14 },
		{ "address", { 0x80, 0x10, 8, 4, 0, 6, 9, 2, 11, 2, 16, 16 }, 12 },
		{ "start", { 0x80, 0x10, 9, 4, 0, 6, 9, 2, 11, 2, 17, 15 }, 12 },
		{ "end", { 0x80, 0x10, 9, 4, 0, 6, 9, 2, 11, 2, 16, 17 }, 12 },
		{ "trailing byte", { 0x80, 0x10, 9, 4, 0, 6, 9, 2, 11, 2, 16, 16, 0 }, 13 },
	};
	struct lab lab;
	size_t i;

	lab_open(&lab, 4, false);
	for (i = 0; i < NELEM(cases); i++) {
		lab.doc.td_hob = (struct bytes){ cases[i].witness, cases[i].len };
		expect(cases[i].name, &lab, "td_hob");
	}
	/* Another order is no difference. */
	lab.doc.td_hob = BYTES_OF(((const uint8_t[]){
	    0x80, 0x10, 9, 4, 16, 16, 0, 6, 11, 2, 9, 2 }));
	expect("order", &lab, NULL);
}

/* The document of an image with this manifest. */
static void
expect_document(const char *name, const char *manifest, const char *document, const char *failure,
    const char *difference)
{
	struct reason why = { 0 }, how;
	struct lab lab;
	bool ok;

	lab_open(&lab, 3, false);
	ok = image_document_check(&how, &lab.record, bytes_str(manifest), bytes_str(document),
	    &why);
	expect_reason(name, ok, &why, failure);
	if (ok)
		assert_string_equal(how.text, difference);
}

static void
test_document(void **state)
{
	static const char listed[] =
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  measurement.tdx.cbor\n";

	expect_document("not listed", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852"
	    "b855  metadata.json\n", "x", NULL, "");
	expect_document("another", listed, "x",
	    "Checksum verification failed: measurement.tdx.cbor", NULL);
	expect_document("empty", listed, "", NULL,
	    "TdxOsImageMeasurement: failed to decode CBOR: is cut short");
	expect_document("no manifest", "", "", "sha256sum.txt is not newline-terminated text", NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal), cmocka_unit_test(test_members),
		cmocka_unit_test(test_version_4), cmocka_unit_test(test_witness),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
