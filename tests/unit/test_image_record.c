#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "../support/image_case.h"
#include "core/hex.h"
#include "measure/image_record.h"
#include "measure/tdvf.h"

static struct arena *arena;
static struct image_case image;

static int
setup(void **state)
{
	arena = arena_new(64u << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static void
image_reset(void)
{
	arena_reset(arena);
	image_case_init(&image, arena);
}

static void
expect_compute(const char *name, const char *wanted)
{
	struct image_record record;
	struct reason why;
	bool ok = image_record_compute(&record, arena, &image.hash, &image.files, &why);

	expect_reason(name, ok, &why, wanted);
}

static void
expect_hex(const struct digest384 *digest, const char *wanted)
{
	char hex[97];

	hex_text(hex, BYTES_OF(digest->data));
	assert_string_equal(hex, wanted);
}

/* Values of the independent calculator. */
static void
test_known(void **state)
{
	struct image_record r;
	struct reason why;
	char hex[65];

	image_reset();
	hex_text(hex, BYTES_OF(image.files.initrd_sha256.data));
	assert_string_equal(hex,
	    "883e6db09103b48f55df3c7a697d78cd13667c7367406e5153191094b957e3f8");
	assert_true(image_record_compute(&r, arena, &image.hash, &image.files, &why));
	expect_hex(&r.mrtd_single_pass, "546657012384d2f824ae782e5793a6e68c14eb06ce9b44879baeeebed7"
	    "f71a6255ffaed94339c52275ba55b6ca65758f");
	expect_hex(&r.mrtd_two_pass, "4698c1a861fe9480647c160da78d8a8c57a6441d4fc98d14f63ad7969cc9f"
	    "353898223992db8be7c2a03373ed2775d55");
	expect_hex(&r.cmdline, "b648b750233643ff9e41eeab23335045dc2236e86e969c73f840e05521e2f4b3983"
	    "59befe4bbb22f438c3cea8dc907e9");
	expect_hex(&r.initrd, "23bcc3ad4a95cf446dba7b19a96e38395bdd31f1243ddecec6ab42016e573264a970"
	    "2572f976f55f918e7c0ba4c0c0ff");
	expect_hex(&r.kernel_patched, "1456358520df1664ece634fd79e80ed90361b99f20cbeba68b464fbd538b"
	    "6c5dabe52cce50eeb691097276a38a8f910f");
	expect_hex(&r.kernel_unpatched, "8e22b5d21a470e73e6beb84ac60b90358c16f63928a297a768c01b7be9"
	    "05f66eb0ddaa8ef6a2a91c9235acfab53cea61");
	hex_text(hex, BYTES_OF(r.kernel_sha256.data));
	assert_string_equal(hex,
	    "f7d255c8d04c13a997c1292fdea7a9d6665e4fd587e85320801bf8dfe8b84bfa");
	assert_int_equal(r.td_hob.address, 0x809000);
	assert_int_equal(r.td_hob.n_ranges, 4);
	assert_int_equal(r.initrd_size, 100001);
	assert_int_equal(r.kernel_header.protocol, 0x20f);
	assert_int_equal(r.kernel_header.xloadflags, 0x7f);
	assert_int_equal(r.ovmf, OVMF_PRE202505);
	assert_int_equal(r.version_len, 5);
	assert_memory_equal(r.version, "0.6.0", 5);
	assert_false(r.is_dev || r.kernel_header_normalized || r.variables_known);
}

/* A normalized image is taken as it is: neither an old protocol nor a huge initrd matters. */
static void
test_normalized(void **state)
{
	struct digest384 zero = { { 0 } };
	struct image_record r;
	struct reason why;
	uint32_t addr;
	bool known;

	image_reset();
	image.metadata = image_case_metadata(arena, "\"kernel_header_normalized\": true, ");
	image_case_u16(image.kernel, 0x206, 0x1ff);
	image_case_seal(&image, arena);
	image.files.initrd_size = UINT32_MAX;
	assert_true(image_record_compute(&r, arena, &image.hash, &image.files, &why));
	assert_true(r.kernel_header_normalized);
	assert_true(digest384_equal(&r.kernel_patched, &zero));
	assert_false(digest384_equal(&r.kernel_unpatched, &zero));
	assert_int_equal(r.kernel_header.protocol, 0);
	assert_true(image_record_initrd_addr(&addr, &known, &r, 1, &why));
	assert_true(known && addr == 0);
}

static void
test_dev(void **state)
{
	struct image_record r;
	struct reason why;

	image_reset();
	image.metadata = "{\"bios\":\"ovmf.fd\",\"kernel\":\"bzImage\",\"initrd\":\"bzImage\","
	    "\"cmdline\":\"\",\"is_dev\":true}";
	image_case_seal(&image, arena);
	/* One file in two roles is harmless. */
	digest256_of(&image.files.initrd_sha256, image.files.kernel);
	assert_true(image_record_compute(&r, arena, &image.hash, &image.files, &why));
	assert_true(r.is_dev);
	assert_int_equal(r.version_len, 0);
}

/* A flipped byte of each file, told before the file is parsed. */
static void
test_hashes(void **state)
{
	static const char missing[] = "os_image_hash does not match sha256(sha256sum.txt)";

	image_reset();
	image.hash.data[31] ^= 1;
	expect_compute("hash", missing);
	image_reset();
	image.files.manifest.len--;
	expect_compute("manifest", missing);
	image_reset();
	image.files.metadata.len--;
	expect_compute("metadata", "Checksum verification failed: metadata.json");
	image_reset();
	image.firmware[IMAGE_CASE_TABLE_END - 1] ^= 1;
	expect_compute("firmware", "Checksum verification failed: ovmf.fd");
	image_reset();
	image.kernel[0x3c] ^= 1;
	expect_compute("kernel", "Checksum verification failed: bzImage");
	image_reset();
	image.files.initrd_sha256.data[0] ^= 1;
	expect_compute("initrd", "Checksum verification failed: initramfs.cpio.gz");
	/* The digest that is measured comes from the same pass; it is not in the manifest. */
	image_reset();
	expect_compute("none", NULL);
}

/* Another manifest, and its hash. */
static void
manifest_set(const char *text)
{
	image.files.manifest = bytes_str(text);
	digest256_of(&image.hash, image.files.manifest);
}

static void
test_manifest(void **state)
{
	char text[1024];
	const char *line;

	image_reset();
	manifest_set("");
	expect_compute("empty", "sha256sum.txt is not newline-terminated text");
	manifest_set("0000000000000000000000000000000000000000000000000000000000000000  a\n");
	expect_compute("no metadata", "metadata.json not found in the extracted archive");
	image_reset();
	snprintf(text, sizeof text, "# comment\n%.*s", (int)image.files.manifest.len,
	    (const char *)image.files.manifest.ptr);
	manifest_set(text);
	expect_compute("comment",
	    "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`");
	/* The three names of metadata.json, each taken out of the manifest. */
	for (int i = 0; i < 3; i++) {
		static const char *const wanted[] = { "sha256sum.txt is missing ovmf.fd",
		    "sha256sum.txt is missing bzImage",
		    "sha256sum.txt is missing initramfs.cpio.gz" };
		size_t n = 0;

		image_reset();
		line = (const char *)image.files.manifest.ptr;
		for (int j = 0; j < 4; j++) {
			size_t len = strcspn(line, "\n") + 1;

			if (j != i) {
				memcpy(text + n, line, len);
				n += len;
			}
			line += len;
		}
		text[n] = '\0';
		manifest_set(text);
		expect_compute("unlisted", wanted[i]);
	}
}

/* What is not the hashes' business. */
static void
test_content(void **state)
{
#define PREFIX  "Failed to compute expected measurements: Failed to compute expected MRs: "
	image_reset();
	image.metadata = "{}";
	image_case_seal(&image, arena);
	expect_compute("metadata", "Failed to parse image metadata: \"cmdline\" is missing");
	image_reset();
	image.metadata = "{\"bios\":\"../ovmf.fd\",\"kernel\":\"bzImage\","
	    "\"initrd\":\"initramfs.cpio.gz\",\"cmdline\":\"\"}";
	image_case_seal(&image, arena);
	expect_compute("outside",
	    "Failed to parse image metadata: \"bios\" is not a plain file name");
	image_reset();
	image.metadata = image_case_metadata(arena, "\"x\": 1, ");
	image_case_seal(&image, arena);
	expect_compute("unknown member", NULL);
	image.firmware_len = 49;
	image_case_seal(&image, arena);
	expect_compute("firmware", PREFIX "Failed to parse TDVF metadata: TDVF firmware too small");
	image_reset();
	image.kernel_len = 4095;
	image_case_seal(&image, arena);
	expect_compute("short kernel",
	    PREFIX "Failed to patch kernel: the kernel image is too short");
	image_reset();
	image_case_u16(image.kernel, 0x206, 0x1ff);
	image_case_seal(&image, arena);
	expect_compute("old kernel",
	    PREFIX "Failed to patch kernel: the kernel image is too old for ramdisk");
	image_reset();
	image_case_u32(image.kernel, 0x80, 0);
	image_case_seal(&image, arena);
	expect_compute("no PE", PREFIX "Failed to compute kernel hash: Invalid PE signature");
	/* What QEMU wrote is parsed, not what it wrote over. */
	image_reset();
	image_case_u32(image.kernel, 0x3c, 0x210);
	memmove(image.kernel + 0x210, image.kernel + 0x80, 0x1f0);
	image_case_seal(&image, arena);
	expect_compute("PE in the setup header",
	    PREFIX "Failed to compute kernel hash: Invalid PE signature");
}

/* A PE signature that is the initrd's size: the kernel as shipped has none. */
static void
test_unpatched(void **state)
{
	struct image_record r;
	struct reason why;

	image_reset();
	image.initrd_len = 0x4550;
	image_case_u32(image.kernel, 0x3c, 0x21c);
	image_case_u32(image.kernel, 0x234 + 60, 0x400);
	image_case_seal(&image, arena);
	assert_true(kernel_patched_digest(&r.kernel_patched, image.files.kernel, 0, 0x4550, &why));
	expect_compute("only as patched",
	    PREFIX "Failed to compute kernel hash: Invalid PE signature");
}

static void
test_limits(void **state)
{
	static uint8_t byte[1];

	image_reset();
	image.files.initrd_size = UINT64_C(1) << 32;
	expect_compute("initrd", "initrd has 4294967296 bytes, more than 4294967295");
	image_reset();
	image.files.firmware = (struct bytes){ byte, TDVF_MAX_LEN + 1 };
	expect_compute("firmware", "firmware has 67108865 bytes, more than 67108864");
	image_reset();
	image.files.kernel = (struct bytes){ byte, KERNEL_MAX_LEN + 1 };
	expect_compute("kernel", "kernel has 268435457 bytes, more than 268435456");
}

static struct bytes
record_bytes(uint8_t *buffer, size_t len, const struct image_record *record)
{
	struct bytes out = { buffer, 0 };
	CBB cbb;

	assert_true(CBB_init_fixed(&cbb, buffer, len));
	assert_true(image_record_write(&cbb, record));
	assert_true(CBB_finish(&cbb, NULL, &out.len));
	return out;
}

static bool
record_read(struct image_record *record, struct bytes bytes, struct reason *why)
{
	CBS in = cbs_bytes(bytes);

	return image_record_read(record, &in, why);
}

/*
 * Whatever is read is written again as the same bytes, so no byte has two readings; what is not
 * read says why.  Bits of digests and numbers are all accepted: the signature guards them.
 */
static void
test_bits(void **state)
{
	uint8_t buffer[IMAGE_RECORD_MAX_LEN], again[IMAGE_RECORD_MAX_LEN];
	struct image_record r, other;
	struct bytes raw;
	struct reason why;
	size_t i, n_refused = 0;

	image_reset();
	assert_true(image_record_compute(&r, arena, &image.hash, &image.files, &why));
	raw = record_bytes(buffer, sizeof buffer, &r);
	assert_int_equal(raw.len, 417);
	for (i = 0; i < 8 * raw.len; i++) {
		buffer[i / 8] ^= (uint8_t)(1u << i % 8);
		if (record_read(&other, raw, &why))
			assert_true(bytes_equal(record_bytes(again, sizeof again, &other), raw));
		else
			n_refused++;
		buffer[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	/*
	 * schema 16, ranges' number 8, variables 7, normalized 7, variant 8, is_dev 7, version's
	 * length 8 and its 5 highest bits, and 198 that make a range end before it starts.
	 */
	assert_int_equal(n_refused, 66 + 198);
	for (i = 0; i < raw.len; i++) {
		assert_false(record_read(&other, (struct bytes){ buffer, i }, &why));
		assert_string_equal(why.text, "image record is malformed");
	}
	buffer[raw.len] = 0;
	assert_false(record_read(&other, (struct bytes){ buffer, raw.len + 1 }, &why));
	assert_string_equal(why.text, "image record is malformed");
	assert_true(record_read(&other, raw, &why));
	assert_memory_equal(other.version, r.version, sizeof r.version);
}

/* One value that is never written, each. */
static void
test_malformed(void **state)
{
	static const struct {
		const char *name;
		size_t  at;
		uint8_t byte;
		const char *why;
	} cases[] = {
		{ "schema 0", 1, 0, "image record has schema 0, not 1" },
		{ "schema 2", 1, 2, "image record has schema 2, not 1" },
		{ "65 ranges", 106, 65, "image record is malformed" },
		{ "range that ends before it starts", 107 + 5, 0xff, "image record is malformed" },
		{ "variables", 171, 2, "image record is malformed" },
		{ "normalized", 272, 2, "image record is malformed" },
		{ "no variant", 409, 0, "image record is malformed" },
		{ "variant", 409, 2, "image record is malformed" },
		{ "is_dev", 410, 2, "image record is malformed" },
		{ "version", 412, 0xff, "image record is malformed" },
	};
	uint8_t buffer[IMAGE_RECORD_MAX_LEN], was;
	struct image_record r, other;
	struct bytes raw;
	struct reason why;
	size_t i;

	image_reset();
	assert_true(image_record_compute(&r, arena, &image.hash, &image.files, &why));
	raw = record_bytes(buffer, sizeof buffer, &r);
	for (i = 0; i < NELEM(cases); i++) {
		was = buffer[cases[i].at];
		buffer[cases[i].at] = cases[i].byte;
		expect_reason(cases[i].name, record_read(&other, raw, &why), &why, cases[i].why);
		buffer[cases[i].at] = was;
	}
}

/* As large as a record gets; a version one longer is refused. */
static void
test_largest(void **state)
{
	uint8_t buffer[IMAGE_RECORD_MAX_LEN];
	struct image_record r = { .ovmf = OVMF_PRE202505 }, other;
	struct bytes raw;
	struct reason why;

	r.td_hob.n_ranges = TD_HOB_MAX_RANGES;
	r.version_len = sizeof r.version;
	memset(r.version, 'v', sizeof r.version);
	raw = record_bytes(buffer, sizeof buffer, &r);
	assert_int_equal(raw.len, 412 - 4 * 16 + 64 * 16 + 128);
	assert_true(record_read(&other, raw, &why));
	assert_int_equal(other.version_len, 128);
	/* A range more, with all its bytes. */
	memmove(buffer + 107 + 16, buffer + 107, raw.len - 107);
	memset(buffer + 107, 0, 16);
	buffer[106]++;
	assert_false(record_read(&other, (struct bytes){ buffer, raw.len + 16 }, &why));
	assert_string_equal(why.text, "image record is malformed");
	raw = record_bytes(buffer, sizeof buffer, &r);
	buffer[raw.len - 129]++;
	buffer[raw.len] = 'v';
	assert_false(record_read(&other, (struct bytes){ buffer, raw.len + 1 }, &why));
	assert_string_equal(why.text, "image record is malformed");
}

/* Too little room, by any number of bytes. */
static void
test_room(void **state)
{
	struct kernel_fact fact = { 0 };
	uint8_t buffer[IMAGE_RECORD_MAX_LEN];
	struct image_record r;
	struct reason why;
	size_t i;
	CBB out;

	image_reset();
	assert_true(image_record_compute(&r, arena, &image.hash, &image.files, &why));
	for (i = 0; i <= 417; i++) {
		assert_true(CBB_init_fixed(&out, buffer, i));
		assert_int_equal(image_record_write(&out, &r), i == 417);
		CBB_cleanup(&out);
	}
	for (i = 0; i <= 58; i++) {
		assert_true(CBB_init_fixed(&out, buffer, i));
		assert_int_equal(kernel_fact_write(&out, &fact), i == 58);
		CBB_cleanup(&out);
	}
}

/* Which memory sizes the record can tell the kernel's digest for. */
static void
test_addresses(void **state)
{
	static const struct {
		uint64_t memory_size;
		uint32_t addr;
		bool    known;
	} cases[] = {
		{ 0x40000000, 0x3ffbf000, false }, { 0x7ffff000, 0x7ffbe000, false },
		{ 0x7fffffff, 0x7ffbf000, true },
		{ 0x80000000, 0x7ffbf000, true }, { 0x80001000, 0x7ffc0000, false },
		{ 0xaffff000, 0xaffbe000, false }, { 0xb0000000, 0x7ffbf000, true },
		{ 0x1000000000, 0x7ffbf000, true },
	};
	struct image_record r;
	struct reason why;
	uint32_t addr;
	bool known;
	size_t i;

	image_reset();
	assert_true(image_record_compute(&r, arena, &image.hash, &image.files, &why));
	for (i = 0; i < NELEM(cases); i++) {
		assert_true(image_record_initrd_addr(&addr, &known, &r,
		    cases[i].memory_size, &why));
		assert_int_equal(addr, cases[i].addr);
		assert_int_equal(known, cases[i].known);
	}
	assert_false(image_record_initrd_addr(&addr, &known, &r, 4096, &why));
	assert_string_equal(why.text, "Failed to patch kernel: ACPI data size (163840) exceeds "
	    "available memory (4096)");
}

static void
test_kernel_fact(void **state)
{
	struct kernel_fact fact, other;
	struct bytes raw = { 0 };
	uint8_t buffer[128];
	struct reason why;
	size_t i;
	CBB out;
	CBS in;

	image_reset();
	image.files.firmware = (struct bytes){ 0 };     /* not needed */
	memset(&image.files.initrd_sha256, 0, sizeof image.files.initrd_sha256);
	assert_true(kernel_fact_compute(&fact, arena, &image.hash, &image.files, 0x3ffbf000, &why));
	expect_hex(&fact.kernel,
	    "475b788317d98b0cc682274c85a627fe2edaa4c5eb3489023adda48493440e54c9"
	    "4b42595d767301cc0a3584829cb1ca");
	assert_int_equal(fact.initrd_addr, 0x3ffbf000);
	assert_int_equal(fact.initrd_size, 100001);
	assert_true(CBB_init_fixed(&out, buffer, sizeof buffer));
	assert_true(kernel_fact_write(&out, &fact) && CBB_finish(&out, NULL, &raw.len));
	assert_int_equal(raw.len, 58);
	for (i = 0; i <= raw.len + 1; i++) {
		CBS_init(&in, buffer, i);
		assert_int_equal(kernel_fact_read(&other, &in, &why), i == raw.len);
		if (i != raw.len)
			assert_string_equal(why.text, "kernel fact is malformed");
	}
	assert_memory_equal(&other.kernel, &fact.kernel, sizeof fact.kernel);
	buffer[1]++;
	CBS_init(&in, buffer, raw.len);
	assert_false(kernel_fact_read(&other, &in, &why));
	assert_string_equal(why.text, "kernel fact has schema 2, not 1");

	image.hash.data[0] ^= 1;
	assert_false(kernel_fact_compute(&fact, arena, &image.hash, &image.files, 0, &why));
	assert_string_equal(why.text, "os_image_hash does not match sha256(sha256sum.txt)");
	image_reset();
	image.kernel[0x1000] ^= 1;
	assert_false(kernel_fact_compute(&fact, arena, &image.hash, &image.files, 0, &why));
	assert_string_equal(why.text, "Checksum verification failed: bzImage");
	image_reset();
	image_case_u32(image.kernel, 0x80, 0);
	image_case_seal(&image, arena);
	assert_false(kernel_fact_compute(&fact, arena, &image.hash, &image.files, 0, &why));
	assert_string_equal(why.text,
	    PREFIX "Failed to compute kernel hash: Invalid PE signature");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known), cmocka_unit_test(test_normalized),
		cmocka_unit_test(test_dev), cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_manifest), cmocka_unit_test(test_content),
		cmocka_unit_test(test_unpatched), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_largest),
		cmocka_unit_test(test_room), cmocka_unit_test(test_addresses), cmocka_unit_test(test_kernel_fact),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
