#include "testing.h"

#include "measure/acpi_cache.h"

static struct acpi_shape
plain(void)
{
	struct acpi_shape shape;

	acpi_shape_init(&shape);
	shape.cpu_count = 2;
	shape.memory_size = 2ull << 30;
	shape.hotplug_off = true;
	return shape;
}

/* What the generator says without a cache. */
static struct acpi_digests
generated(const struct acpi_shape *shape, enum acpi_profile profile)
{
	AUTO(arena_free) struct arena *arena = arena_new(8u << 20);
	struct acpi_digests digests;
	struct acpi_blobs blobs;
	struct reason why;

	assert_non_null(arena);
	assert_true(acpi_generate(&blobs, arena, shape, profile, &why));
	acpi_digest(&digests, &blobs);
	return digests;
}

static void
expect(struct acpi_cache *cache, const struct acpi_shape *shape, uint64_t hits)
{
	struct acpi_digests want = generated(shape, ACPI_NEWEST), got;
	struct reason why;

	assert_true(acpi_cache_digests(cache, &got, shape, ACPI_NEWEST, &why));
	assert_memory_equal(&got, &want, sizeof got);
	assert_int_equal(acpi_cache_hits(cache), hits);
}

static void
test_remembers(void **state)
{
	AUTO(acpi_cache_free) struct acpi_cache *cache = acpi_cache_new(ACPI_CACHE_ENTRIES);
	struct acpi_shape shape = plain();

	expect(cache, &shape, 0);
	expect(cache, &shape, 1);
	shape.cpu_count = 3;
	expect(cache, &shape, 1);
	expect(cache, &shape, 2);
}

/* Two shapes that differ in any field never share an entry. */
static void
test_every_field(void **state)
{
	static const struct acpi_node node5 = { true, 5 }, node6 = { true, 6 };
	struct acpi_shape shapes[40];
	AUTO(acpi_cache_free) struct acpi_cache *cache = acpi_cache_new(NELEM(shapes));
	struct acpi_digests got;
	struct reason why;
	size_t i, n;

	for (i = 0; i < NELEM(shapes); i++)
		shapes[i] = plain();
	n = 1;
	shapes[n++].cpu_count = 4;
	shapes[n++].memory_size = 4ull << 30;
	shapes[n].has_qemu_version = true;
	shapes[n++].qemu_version = bytes_str("8.2.2");
	shapes[n].has_qemu_version = true;
	shapes[n++].qemu_version = bytes_str("10.2.1");
	shapes[n++].pic = ACPI_PIC_ON;
	shapes[n++].pic = ACPI_PIC_OFF;
	shapes[n++].pci_hole64_size = 1ull << 40;
	shapes[n++].hugepages = true;
	shapes[n++].num_gpus = 1;
	shapes[n].num_gpus = 1;
	shapes[n++].num_nvswitches = 1;
	shapes[n++].num_nics = 2;
	shapes[n++].num_verity_volumes = 1;
	shapes[n++].hotplug_off = false;
	shapes[n++].host_share_mode = bytes_str("9p");
	shapes[n++].host_share_mode = bytes_str("vhd");
	shapes[n].n_numa_nodes = 1;
	shapes[n++].numa_nodes = &node5;
	shapes[n].n_numa_nodes = 1;
	shapes[n++].numa_nodes = &node6;
	shapes[n++].root_verity = false;
	shapes[n++].smm = true;
	shapes[n++].hpet = true;
	assert_true(n < NELEM(shapes));
	for (i = 0; i < n; i++)
		expect(cache, &shapes[i], 0);
	for (i = 0; i < n; i++)
		expect(cache, &shapes[i], i + 1);
	assert_true(acpi_cache_digests(cache, &got, &shapes[0], ACPI_GENUINE, &why));
	assert_int_equal(acpi_cache_hits(cache), n);
}

/* The profile is part of the key: here the two differ. */
static void
test_profile(void **state)
{
	AUTO(acpi_cache_free) struct acpi_cache *cache = acpi_cache_new(4);
	struct acpi_shape shape = plain();
	struct acpi_digests want, got;
	struct reason why;

	shape.memory_size = 1ull << 40;
	shape.hugepages = true;
	expect(cache, &shape, 0);
	want = generated(&shape, ACPI_GENUINE);
	assert_true(acpi_cache_digests(cache, &got, &shape, ACPI_GENUINE, &why));
	assert_memory_equal(&got, &want, sizeof got);
	expect(cache, &shape, 1);
}

/* Refusals come from the generator each time, also of a shape whose swtpm alone differs. */
static void
test_refusals(void **state)
{
	AUTO(acpi_cache_free) struct acpi_cache *cache = acpi_cache_new(4);
	struct acpi_shape shape = plain();
	struct acpi_digests got;
	struct reason why;

	expect(cache, &shape, 0);
	shape.swtpm = true;
	assert_false(acpi_cache_digests(cache, &got, &shape, ACPI_NEWEST, &why));
	assert_non_null(strstr(why.text, "swtpm measurement is not supported"));
	shape = plain();
	shape.n_extra_root_devices = 1;
	assert_false(acpi_cache_digests(cache, &got, &shape, ACPI_NEWEST, &why));
	shape = plain();
	shape.host_share_mode = bytes_str("0123456789012345678901234567890123456789");
	assert_false(acpi_cache_digests(cache, &got, &shape, ACPI_NEWEST, &why));
	assert_int_equal(acpi_cache_hits(cache), 0);
}

/* A version too long for a key is computed each time. */
static void
test_uncached(void **state)
{
	AUTO(acpi_cache_free) struct acpi_cache *cache = acpi_cache_new(4);
	struct acpi_shape shape = plain();

	shape.has_qemu_version = true;
	shape.qemu_version = bytes_str("00000000000000000000000000000009.1.0");
	expect(cache, &shape, 0);
	expect(cache, &shape, 0);
}

static void
test_eviction(void **state)
{
	AUTO(acpi_cache_free) struct acpi_cache *cache = acpi_cache_new(2);
	struct acpi_shape a = plain(), b = plain(), c = plain();

	b.cpu_count = 3;
	c.cpu_count = 4;
	expect(cache, &a, 0);
	expect(cache, &b, 0);
	expect(cache, &a, 1);           /* b is the one used least recently */
	expect(cache, &c, 1);
	expect(cache, &a, 2);
	expect(cache, &b, 2);           /* gone; takes the place of c */
	expect(cache, &c, 2);           /* gone; takes the place of a */
	expect(cache, &b, 3);
	expect(cache, &a, 3);
}

/* Many more shapes than entries, in an order that repeats itself unevenly. */
static void
test_churn(void **state)
{
	AUTO(acpi_cache_free) struct acpi_cache *cache = acpi_cache_new(7);
	struct acpi_digests want[16], got;
	struct acpi_shape shape = plain();
	struct reason why;
	uint32_t seed = 1;
	unsigned i, cpus;

	for (i = 0; i < NELEM(want); i++) {
		shape.cpu_count = i + 1;
		want[i] = generated(&shape, ACPI_NEWEST);
	}
	for (i = 0; i < 500; i++) {
		seed = seed * 1103515245 + 12345;
		cpus = seed >> 16 & 15;
		shape.cpu_count = cpus + 1;
		assert_true(acpi_cache_digests(cache, &got, &shape, ACPI_NEWEST, &why));
		assert_memory_equal(&got, &want[cpus], sizeof got);
	}
	assert_true(acpi_cache_hits(cache) > 100);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_uncached),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_churn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
