/*
 * What a context takes as a fact about an image: signed by its service, for that image, of that
 * schema, and nothing else.
 */
#include "testing.h"

#include <stdio.h>

#include "../support/image_service.h"
#include "../teesim/build.h"
#include "verify/images.h"

#define RECORD_REFUSED  "image record is not signed by this service"
#define KERNEL_REFUSED  "kernel fact is not signed by this service"
#define ADDRESS         0x7ffbf000u

static struct arena *arena;
static struct image_case image;
static struct images *images;
static struct dv_key record_key, kernel_key;
static struct bytes record, kernel;

static int
setup(void **state)
{
	arena = arena_new((size_t)4 << 20);
	images = images_new();
	if (arena == NULL || images == NULL)
		return 1;
	image_case_init(&image, arena);
	memset(&record_key, 0, sizeof record_key);
	record_key.type = DV_FACT_IMAGE;
	memcpy(record_key.image, image.hash.data, sizeof record_key.image);
	kernel_key = record_key;
	kernel_key.type = DV_FACT_KERNEL;
	kernel_key.initrd_addr = ADDRESS;
	record = image_service_fact(&image, &record_key);
	kernel = image_service_fact(&image, &kernel_key);
	return 0;
}

static int
teardown(void **state)
{
	images_free(images);
	arena_free(arena);
	return 0;
}

static void
expect_with(const char *name, const struct dv_key *key, struct bytes blob, const uint8_t *with,
    const char *wanted)
{
	struct reason why = { 0 };
	bool ok = images_offer(images, key, blob, with, &why);

	expect_reason(name, ok, &why, wanted);
}

static void
expect(const char *name, const struct dv_key *key, struct bytes blob, const char *wanted)
{
	expect_with(name, key, blob, image_service_key(), wanted);
}

static bool
is_empty(void)
{
	return images_find(images, &image.hash) == NULL &&
	    images_kernel_find(images, &image.hash, ADDRESS) == NULL;
}

/* Every bit of either, of its key, and of the public key: refused, and nothing is kept. */
static void
bits_check(const struct dv_key *key, struct bytes fact, const char *wanted)
{
	uint8_t *blob = (uint8_t *)(uintptr_t)build_keep(fact.ptr, fact.len).ptr;
	struct dv_key other;
	uint8_t with[32];

	for (size_t i = 0; i < fact.len; i++) {
		blob[i] ^= (uint8_t)(1u << i % 8);
		expect("a byte", key, (struct bytes){ blob, fact.len }, wanted);
		blob[i] ^= (uint8_t)(1u << i % 8);
	}
	expect("cut", key, (struct bytes){ blob, fact.len - 1 }, wanted);
	for (size_t i = 0; i < sizeof key->image; i++) {
		other = *key;
		other.image[i] ^= (uint8_t)(1u << i % 8);
		expect("another image", &other, fact, wanted);
	}
	for (unsigned i = 0; i < 32; i++) {
		other = *key;
		other.initrd_addr ^= 1u << i;
		expect("another address", &other, fact, wanted);
		memcpy(with, image_service_key(), sizeof with);
		with[i] ^= (uint8_t)(1u << i % 8);
		expect_with("another service", key, fact, with, wanted);
	}
	assert_true(is_empty());
}

static void
test_bits(void **state)
{
	bits_check(&record_key, record, RECORD_REFUSED);
	bits_check(&kernel_key, kernel, KERNEL_REFUSED);
	expect("a record as a kernel", &kernel_key, record, KERNEL_REFUSED);
	expect("a kernel as a record", &record_key, kernel, RECORD_REFUSED);
	assert_true(is_empty());
}

/* A signed fact whose payload is not what its key says. */
static void
test_signed(void **state)
{
	struct image_fact_key key = { .type = IMAGE_FACT_RECORD, .os_image_hash = image.hash };
	const struct bytes payload = { record.ptr + IMAGE_FACT_SIGNATURE_LEN,
	    record.len - IMAGE_FACT_SIGNATURE_LEN };
	const struct bytes fact = { kernel.ptr + IMAGE_FACT_SIGNATURE_LEN,
	    kernel.len - IMAGE_FACT_SIGNATURE_LEN };
	uint8_t *schema = (uint8_t *)(uintptr_t)build_keep(payload.ptr, payload.len).ptr;

	schema[1] ^= 3;
	expect("another schema", &record_key, image_service_sign(&key,
	    (struct bytes){ schema, payload.len }), "image record has schema 2, not 1");
	expect("nothing", &record_key, image_service_sign(&key, EMPTY),
	    "image record is malformed");
	expect("cut", &record_key, image_service_sign(&key,
	    (struct bytes){ payload.ptr, payload.len - 1 }), "image record is malformed");
	expect("longer", &record_key, image_service_sign(&key,
	    build_join((struct bytes[]){ payload, bytes_str("x") }, 2)),
	    "image record is malformed");
	key.type = IMAGE_FACT_KERNEL;
	key.initrd_addr = ADDRESS + 1;
	kernel_key.initrd_addr = ADDRESS + 1;
	expect("another address", &kernel_key, image_service_sign(&key, fact),
	    "kernel fact is of another initrd address");
	kernel_key.initrd_addr = ADDRESS;
	assert_true(is_empty());
}

static void
test_taken(void **state)
{
	struct digest256 other = image.hash;
	const struct kernel_fact *fact;

	expect("record", &record_key, record, NULL);
	assert_non_null(images_find(images, &image.hash));
	assert_int_equal(images_find(images, &image.hash)->initrd_size, IMAGE_CASE_INITRD_LEN);
	assert_null(images_kernel_find(images, &image.hash, ADDRESS));
	expect("kernel", &kernel_key, kernel, NULL);
	fact = images_kernel_find(images, &image.hash, ADDRESS);
	assert_non_null(fact);
	assert_int_equal(fact->initrd_addr, ADDRESS);
	assert_null(images_kernel_find(images, &image.hash, ADDRESS + 1));
	other.data[31] ^= 1;
	assert_null(images_find(images, &other));
	assert_null(images_kernel_find(images, &other, ADDRESS));
	expect("record again", &record_key, record, NULL);
	assert_non_null(images_find(images, &image.hash));
}

static void
record_offer(uint32_t number)
{
	struct image_fact_key key = { .type = IMAGE_FACT_RECORD };
	struct dv_key name = { .type = DV_FACT_IMAGE };
	const void *mark = build_mark();

	memcpy(name.image, &number, sizeof number);
	memcpy(key.os_image_hash.data, &number, sizeof number);
	expect("record", &name, image_service_sign(&key, (struct bytes){
	    record.ptr + IMAGE_FACT_SIGNATURE_LEN, record.len - IMAGE_FACT_SIGNATURE_LEN }), NULL);
	build_release(mark);
}

static void
kernel_offer(uint32_t addr)
{
	const void *mark = build_mark();

	kernel_key.initrd_addr = addr;
	expect("kernel", &kernel_key, image_service_fact(&image, &kernel_key), NULL);
	build_release(mark);
}

/* Both tables are bounded; an image's own kernels go before another's. */
static void
test_bounds(void **state)
{
	struct digest256 hash = { { 0 } };
	uint32_t i, first = 1;

	for (i = 0; i < IMAGES_MAX; i++)
		record_offer(first + i);
	assert_null(images_find(images, &image.hash));
	memcpy(hash.data, &first, sizeof first);
	assert_non_null(images_find(images, &hash));
	record_offer(first + IMAGES_MAX);
	assert_non_null(images_find(images, &hash));
	first++;
	memcpy(hash.data, &first, sizeof first);
	assert_null(images_find(images, &hash));
	for (i = 1; i <= IMAGES_KERNELS_PER_IMAGE; i++)
		kernel_offer(ADDRESS + 0x1000 * i);
	assert_null(images_kernel_find(images, &image.hash, ADDRESS));
	assert_non_null(images_kernel_find(images, &image.hash, ADDRESS + 0x1000));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits), cmocka_unit_test(test_signed),
		cmocka_unit_test(test_taken), cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
