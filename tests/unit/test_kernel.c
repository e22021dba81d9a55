#include "testing.h"

#include <stdio.h>

#include "../support/image_case.h"
#include "core/hex.h"
#include "measure/kernel.h"

#define GIB     (UINT64_C(1) << 30)
#define MODERN  { 0x20f, 0x7f, 0x7fffffff }

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

static uint8_t *
kernel(void)
{
	struct image_case image;

	arena_reset(arena);
	image_case_init(&image, arena);
	return image.kernel;
}

/* From the specification's worked example on; the rest by hand from its rules. */
static const struct {
	const char *name;
	struct kernel_header header;
	uint64_t initrd_size, memory_size;
	uint32_t addr;
	const char *why;        /* NULL: accepted; what follows the prefix */
} addresses[] = {
	{ "1 GiB", MODERN, 100001, GIB, 0x3ffbf000, NULL },
	{ "a page less than 2 GiB", MODERN, 100001, 0x7ffff000, 0x7ffbe000, NULL },
	{ "2 GiB", MODERN, 100001, 0x80000000, 0x7ffbf000, NULL },
	{ "2.25 GiB", MODERN, 100001, 0x90000000, 0x8ffbf000, NULL },
	{ "a page less than 2816 MiB", MODERN, 100001, 0xaffff000, 0xaffbe000, NULL },
	{ "2816 MiB", MODERN, 100001, 0xb0000000, 0x7ffbf000, NULL },
	{ "1 TiB", MODERN, 100001, 1024 * GIB, 0x7ffbf000, NULL },
	{ "xloadflags 0x3f", { 0x20f, 0x3f, 0 }, 100001, GIB, 0x3ffbf000, NULL },
	{ "xloadflags 0x02", { 0x20c, 0x02, 0 }, 100001, GIB, 0x3ffbf000, NULL },
	{ "xloadflags 0x41", { 0x20f, 0x41, 0x7fffffff }, 100001, GIB, 0x37fe7000, NULL },
	{ "xloadflags 0x40", { 0x20c, 0x40, 0x7fffffff }, 100001, 64 * GIB, 0x37fe7000, NULL },
	{ "2.11 has a field", { 0x20b, 0x7f, 0x0fffffff }, 100001, GIB, 0x0ffe7000, NULL },
	{ "2.03 has a field", { 0x203, 0, 0x0fffffff }, 100001, GIB, 0x0ffe7000, NULL },
	{ "which is 0", { 0x203, 0, 0 }, 100001, GIB, 0x37fe7000, NULL },
	{ "2.02 has none", { 0x202, 0x7f, 0x0fffffff }, 100001, GIB, 0x37fe7000, NULL },
	{ "2.00", { 0x200, 0x7f, 0x0fffffff }, 100001, GIB, 0x37fe7000, NULL },
	{ "1.255", { 0x1ff, 0x7f, 0x0fffffff }, 100001, GIB, 0,
	    "the kernel image is too old for ramdisk" },
	{ "1.255 without an initrd", { 0x1ff, 0, 0 }, 0, GIB, 0, NULL },
	{ "no initrd, no memory", MODERN, 0, 0, 0, NULL },
	{ "no memory", MODERN, 1, 0, 0, "ACPI data size (163840) exceeds available memory (0)" },
	{ "a byte too little", MODERN, 1, 0x27fff, 0,
	    "ACPI data size (163840) exceeds available memory (163839)" },
	{ "none left", MODERN, 1, 0x28000, 0, "initrd is too large" },
	{ "one left", MODERN, 1, 0x28001, 0, "initrd is too large" },
	{ "just none left", MODERN, 1, 0x28002, 0, "initrd is too large" },
	{ "three left", MODERN, 1, 0x28003, 0, NULL },
	{ "as large as fits", MODERN, 0x7ffd7ffe, 4 * GIB, 0, NULL },
	{ "a byte larger", MODERN, 0x7ffd7fff, 4 * GIB, 0, "initrd is too large" },
	{ "as large as fits below 896 MiB", { 0x20f, 0x41, 0 }, 0x37fffffe, 4 * GIB, 0, NULL },
	{ "a byte larger", { 0x20f, 0x41, 0 }, 0x37ffffff, 4 * GIB, 0, "initrd is too large" },
	{ "4 GiB", MODERN, 4 * GIB, 64 * GIB, 0, "initrd is too large" },
	{ "2^64 - 1", MODERN, UINT64_MAX, 64 * GIB, 0, "initrd is too large" },
	/* A ceiling that is exactly what is left is lowered by one. */
	{ "ceiling at the end of memory", { 0x20f, 0x41, 0 }, 4095, 0x38000000 + 0x27fff,
	    0x37ffe000, NULL },
	{ "ceiling a byte below it", { 0x20f, 0x41, 0 }, 4095, 0x38000000 + 0x28000,
	    0x37fff000, NULL },
};

static void
test_addresses(void **state)
{
	char wanted[160];
	struct reason why;
	uint32_t addr;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(addresses); i++) {
		addr = 1;
		ok = kernel_initrd_addr(&addr, &addresses[i].header, addresses[i].initrd_size,
		    addresses[i].memory_size, &why);
		snprintf(wanted, sizeof wanted, "Failed to patch kernel: %s",
		    addresses[i].why != NULL ? addresses[i].why : "");
		expect_reason(addresses[i].name, ok, &why,
		    addresses[i].why != NULL ? wanted : NULL);
		if (ok && addr != addresses[i].addr)
			fail_msg("%s: got %#x", addresses[i].name, addr);
	}
}

static void
test_header(void **state)
{
	struct kernel_header header;
	struct reason why;
	uint8_t *k = kernel();

	assert_true(kernel_header_read(&header, (struct bytes){ k, KERNEL_HEAD_LEN }, &why));
	assert_int_equal(header.protocol, 0x20f);
	assert_int_equal(header.xloadflags, 0x7f);
	assert_int_equal(header.initrd_max, 0x7fffffff);
	assert_false(kernel_header_read(&header, (struct bytes){ k, KERNEL_HEAD_LEN - 1 }, &why));
	assert_string_equal(why.text, "the kernel image is too short");
}

/* One value of a protocol's header, and what QEMU makes of it: a list of offset, byte. */
static const struct {
	const char *name;
	uint16_t protocol;
	uint8_t loadflags;
	uint32_t initrd_size;
	struct { uint16_t at; uint8_t byte; } bytes[20];
} patches[] = {
	{ "2.15", 0x20f, 0x01, 0x11223344, { { 0x210, 0xb0 }, { 0x211, 0x81 },
	    { 0x218, 0xdd }, { 0x219, 0xcc }, { 0x21a, 0xbb }, { 0x21b, 0xaa },
	    { 0x21c, 0x44 }, { 0x21d, 0x33 }, { 0x21e, 0x22 }, { 0x21f, 0x11 },
	    { 0x224, 0x00 }, { 0x225, 0xfe }, { 0x226, 0 }, { 0x227, 0 },
	    { 0x228, 0 }, { 0x229, 0 }, { 0x22a, 2 }, { 0x22b, 0 } } },
	{ "2.15, low", 0x20f, 0x20, 0, { { 0x210, 0xb0 }, { 0x211, 0xa0 },
	    { 0x224, 0x00 }, { 0x225, 0x9e }, { 0x226, 0 }, { 0x227, 0 },
	    { 0x228, 0 }, { 0x229, 0xa0 }, { 0x22a, 9 }, { 0x22b, 0 } } },
	{ "2.02", 0x202, 0x01, 0, { { 0x210, 0xb0 }, { 0x211, 0x81 },
	    { 0x224, 0x00 }, { 0x225, 0xfe }, { 0x226, 0 }, { 0x227, 0 },
	    { 0x228, 0 }, { 0x229, 0 }, { 0x22a, 2 }, { 0x22b, 0 } } },
	{ "2.01", 0x201, 0, 0, { { 0x210, 0xb0 }, { 0x211, 0x80 },
	    { 0x224, 0x00 }, { 0x225, 0x9e }, { 0x226, 0 }, { 0x227, 0 },
	    { 0x20, 0x3f }, { 0x21, 0xa3 }, { 0x22, 0x00 }, { 0x23, 0xa0 } } },
	/* 0x10000 in 16 bits. */
	{ "2.00, high", 0x200, 1, 0, { { 0x210, 0xb0 },
	    { 0x20, 0x3f }, { 0x21, 0xa3 }, { 0x22, 0x00 }, { 0x23, 0x00 } } },
	{ "1.255", 0x1ff, 1, 0,
	    { { 0x20, 0x3f }, { 0x21, 0xa3 }, { 0x22, 0x00 }, { 0x23, 0xa0 } } },
};

/* The digest of the patched kernel is that of the one patched by hand. */
static void
test_patches(void **state)
{
	struct digest384 patched, by_hand;
	struct bytes file;
	struct reason why;
	size_t i, j;
	uint8_t *k;

	for (i = 0; i < NELEM(patches); i++) {
		k = kernel();
		file = (struct bytes){ k, IMAGE_CASE_KERNEL_LEN };
		image_case_u16(k, 0x206, patches[i].protocol);
		k[0x211] = patches[i].loadflags;
		assert_true(kernel_patched_digest(&patched, file, 0xaabbccdd,
		    patches[i].initrd_size, &why));
		for (j = 0; j < NELEM(patches[i].bytes) && patches[i].bytes[j].at != 0; j++)
			k[patches[i].bytes[j].at] = patches[i].bytes[j].byte;
		assert_true(kernel_unpatched_digest(&by_hand, file, &why));
		if (!digest384_equal(&patched, &by_hand))
			fail_msg("%s", patches[i].name);
	}
}

/* Values of the independent calculator. */
static void
test_known(void **state)
{
	static const struct {
		uint32_t addr;
		const char *digest;
	} known[] = {
		{ 0x7ffbf000, "1456358520df1664ece634fd79e80ed90361b99f20cbeba68b464fbd538b6c5d"
		    "abe52cce50eeb691097276a38a8f910f" },
		{ 0x3ffbf000, "475b788317d98b0cc682274c85a627fe2edaa4c5eb3489023adda48493440e54"
		    "c94b42595d767301cc0a3584829cb1ca" },
		{ 0x8ffbf000, "21f2e218fe11d8ec021647e83d7b8753d444cbe8cc6617c35d40de2242468a80"
		    "6d727944275d8962c59ad9192c2d95dd" },
	};
	struct digest384 digest;
	struct reason why;
	char hex[97];
	size_t i;

	for (i = 0; i < NELEM(known); i++) {
		assert_true(kernel_patched_digest(&digest, (struct bytes){ kernel(),
		    IMAGE_CASE_KERNEL_LEN }, known[i].addr, 100001, &why));
		hex_text(hex, BYTES_OF(digest.data));
		assert_string_equal(hex, known[i].digest);
	}
}

static void
test_refused(void **state)
{
	struct digest384 digest;
	struct reason why;
	uint8_t *k = kernel();

	assert_false(kernel_patched_digest(&digest, (struct bytes){ k, 4095 }, 0, 0, &why));
	assert_string_equal(why.text, "Failed to patch kernel: the kernel image is too short");
	image_case_u32(k, 0x3c, UINT32_MAX);
	assert_false(kernel_patched_digest(&digest, (struct bytes){ k, 4096 }, 0, 0, &why));
	assert_string_equal(why.text,
	    "Failed to compute kernel hash: Missing PE signature offset");
	assert_false(kernel_unpatched_digest(&digest, (struct bytes){ k, 4096 }, &why));
	assert_string_equal(why.text,
	    "Failed to compute kernel hash: Missing PE signature offset");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_header),
		cmocka_unit_test(test_patches), cmocka_unit_test(test_known),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
