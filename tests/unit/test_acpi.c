/*
 * Whole machines: tables of real ones, of QEMU, of public figures, and of a reference.
 */
#include "testing.h"

#include <stdio.h>

#include <openssl/sha.h>

#include "../support/acpi_case.h"

#define ARENA_LEN               ((size_t)2 << 20)

static struct arena *arena;

static int
setup(void **state)
{
	arena = arena_new(ARENA_LEN);
	return arena == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

/* How vectors name a limit, and how our reason for it reads. */
static const struct {
	const char *limit, *text;
} limits[] = {
	{ "cpu-count", "cpu_count must be greater than zero" },
	{ "cpu-count", "cpu_count exceeds the Q35 limit of 4096" },
	{ "expander-bus", "PXB bus numbers must be nonzero and distinct" },
	{ "expander-gpus", "GPU root ports on the PXB" },
	{ "expanders", "PXB expanders do not fit on the root bus" },
	{ "extra-root-devices", "extra_root_devices is not supported" },
	{ "format", "format: " },
	{ "genuine", "what QEMU itself does is known for" },
	{ "hole64", "pci_hole64_size" },
	{ "host-share-mode", "invalid shared disk mode: " },
	{ "hotplug-root-ports", "PCI hotplug on root ports is not modeled" },
	{ "memory-size", "memory_size must be greater than zero" },
	{ "numa-node-without-expander", "every explicit NUMA node needs a PXB expander" },
	{ "numa-nodes", "NUMA nodes exceed QEMU's limit of 128" },
	{ "numa-split", "must split evenly across" },
	{ "nvswitch-without-gpu", "NVSwitch passthrough requires an iommufd object" },
	{ "root-bus-slots", "devices on the root PCIe bus" },
	{ "slots-before-expander", "devices before the fixed-address PXB" },
	{ "swtpm", "swtpm measurement is not supported" },
	{ "version", "Unsupported QEMU version: " },
	{ "version", "Failed to parse QEMU version: " },
};

static bool
limit_is(const char *limit, const char *text)
{
	for (size_t i = 0; i < NELEM(limits); i++)
		if (strcmp(limits[i].limit, limit) == 0 && strstr(text, limits[i].text) != NULL)
			return true;
	return false;
}

static const char *
member(struct json_object *object, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(object, name, &v) ? json_object_get_string(v) : NULL;
}

static const char *
hex(struct bytes data)
{
	static char text[2 * ACPI_DIGEST_LEN + 1];

	for (size_t i = 0; i < data.len; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", data.ptr[i]);
	return text;
}

static void
digest_check(struct json_object *object, const char *which, struct bytes digest)
{
	struct json_object *expected;
	const char *want;

	if (!json_object_object_get_ex(object, "expected", &expected))
		return;
	want = member(expected, which);
	if (want != NULL && strcmp(want, hex(digest)) != 0)
		fail_msg("%s: %s differs", json_object_to_json_string(object), which);
}

/* A member "layout" says where each table is: its signature and its length must be there. */
static void
layout_check(struct json_object *object, struct bytes tables)
{
	struct json_object *layout;

	if (!json_object_object_get_ex(object, "layout", &layout))
		return;
	json_object_object_foreach(layout, signature, place) {
		const size_t at = json_object_get_uint64(json_object_array_get_idx(place, 0));
		const size_t len = json_object_get_uint64(json_object_array_get_idx(place, 1));
		CBS in = cbs_bytes(tables);
		uint32_t said = 0;

		assert_true(CBS_skip(&in, at));
		assert_memory_equal(CBS_data(&in), signature, 4);
		assert_true(CBS_skip(&in, 4) && CBS_get_u32le(&in, &said));
		assert_int_equal(said, len);
	}
}

static void
case_check(struct json_object *object)
{
	const char *limit = member(object, "limit");
	struct acpi_case c;
	struct acpi_blobs blobs;
	struct acpi_digests digests;
	struct reason why;

	arena_reset(arena);
	if (!acpi_case_read(&c, object, &why) ||
	    !acpi_generate(&blobs, arena, &c.shape, c.profile, &why)) {
		if (limit == NULL || !limit_is(limit, why.text))
			fail_msg("%s: %s", json_object_to_json_string(object), why.text);
		return;
	}
	if (limit != NULL)
		fail_msg("%s: not refused", json_object_to_json_string(object));
	acpi_digest(&digests, &blobs);
	digest_check(object, "loader", BYTES_OF(digests.loader));
	digest_check(object, "rsdp", BYTES_OF(digests.rsdp));
	digest_check(object, "tables", BYTES_OF(digests.tables));
	layout_check(object, blobs.tables);
}

/* All cases of a file, of which there must be n. */
static void
file_check(const char *name, size_t n)
{
	struct json_object *list = json_tokener_parse((const char *)vector_read(name).ptr);

	assert_non_null(list);
	assert_int_equal(json_object_array_length(list), n);
	for (size_t i = 0; i < n; i++)
		case_check(json_object_array_get_idx(list, i));
	json_object_put(list);
}

static void
test_real_machines(void **state)
{
	file_check("acpi/cases.json", 13);
	file_check("acpi/event-logs.json", 12);
}

static void
test_qemu(void **state)
{
	file_check("acpi/qemu.json", 89);
}

static void
test_templates(void **state)
{
	file_check("acpi/templates.json", 128);
}

static void
test_newest(void **state)
{
	file_check("acpi/newest.json", 149);
	file_check("acpi/newest-errors.json", 45);
}

static void
test_genuine(void **state)
{
	file_check("acpi/generated.json", 18);
}

/* One JSON object a line. */
static void
test_random(void **state)
{
	const char *line = (const char *)vector_read("acpi/random.jsonl").ptr;
	size_t n = 0;

	for (const char *next; (next = strchr(line, '\n')) != NULL; line = next + 1) {
		struct json_object *object = json_tokener_parse(line);

		assert_non_null(object);
		case_check(object);
		json_object_put(object);
		n++;
	}
	assert_int_equal(n, 400);
}

/* Public figures: "machine" holds everything, and the digest is SHA-256. */
static void
test_golden_tables(void **state)
{
	struct json_object *file, *list, *machine;
	uint8_t digest[SHA256_DIGEST_LENGTH];

	file = json_tokener_parse((const char *)vector_read("acpi/golden-tables.json").ptr);
	assert_true(json_object_object_get_ex(file, "cases", &list));
	assert_int_equal(json_object_array_length(list), 19);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *object = json_object_array_get_idx(list, i);
		struct acpi_case c;
		struct acpi_blobs blobs;
		struct reason why;

		assert_true(json_object_object_get_ex(object, "machine", &machine));
		json_object_object_add(object, "vm_config", json_object_get(machine));
		arena_reset(arena);
		if (!acpi_case_read(&c, object, &why) ||
		    !acpi_generate(&blobs, arena, &c.shape, ACPI_NEWEST, &why))
			fail_msg("%s: %s", member(object, "name"), why.text);
		SHA256(blobs.tables.ptr, blobs.tables.len, digest);
		assert_string_equal(hex(BYTES_OF(digest)), member(object, "tables_sha256"));
	}
	json_object_put(file);
}

/* Hexadecimal text over lines, against the first bytes; what follows is zero. */
static void
hex_check(const char *name, struct bytes tables)
{
	const char *p = (const char *)vector_read(name).ptr;
	size_t at = 0;
	unsigned byte;

	for (; *p != '\0'; p++) {
		if (*p == '\n')
			continue;
		assert_int_equal(sscanf(p, "%2x", &byte), 1);
		if (tables.ptr[at] != byte)
			fail_msg("%s: byte %zu is %02x, not %02x", name, at, tables.ptr[at],
			    byte);
		at++;
		p++;
	}
	assert_true(at > 8000);
	assert_true(bytes_zero((struct bytes){ tables.ptr + at, tables.len - at }));
}

static void
test_real_tables(void **state)
{
	struct acpi_shape shape;
	struct acpi_blobs blobs;
	struct reason why;

	acpi_shape_init(&shape);
	shape.cpu_count = 2;
	shape.memory_size = UINT64_C(2) << 30;
	shape.has_qemu_version = true;
	shape.qemu_version = bytes_str("8.2.2");
	arena_reset(arena);
	assert_true(acpi_generate(&blobs, arena, &shape, ACPI_NEWEST, &why));
	hex_check("acpi/tables-2cpu-qemu8.2.2.hex", blobs.tables);

	shape.cpu_count = 16;
	shape.memory_size = UINT64_C(64) << 30;
	shape.qemu_version = bytes_str("9.2.1");
	shape.pci_hole64_size = UINT64_C(16) << 40;
	shape.num_gpus = 1;
	shape.hotplug_off = true;
	arena_reset(arena);
	assert_true(acpi_generate(&blobs, arena, &shape, ACPI_NEWEST, &why));
	hex_check("acpi/tables-16cpu-1gpu-qemu9.2.1.hex", blobs.tables);
}

/* A machine on record whose GPUs were on bus 0 with hotplug on, and its loader script. */
static void
test_second_chance(void **state)
{
	static const char loader[] = "01f02cba34d8f7213872ce341a587c636016a6268d0b9c2d2198058a8a7"
	    "09fe38cde80f67c808067444cb8fa11cdd27c";
	struct acpi_shape shape;
	struct acpi_blobs blobs;
	struct acpi_digests digests;
	struct reason why;

	acpi_shape_init(&shape);
	shape.cpu_count = 256;
	shape.memory_size = UINT64_C(1) << 40;
	shape.has_qemu_version = true;
	shape.qemu_version = bytes_str("10.2.1");
	shape.num_gpus = 8;
	arena_reset(arena);
	assert_false(acpi_generate(&blobs, arena, &shape, ACPI_NEWEST, &why));
	assert_true(acpi_second_chance(&shape));
	assert_true(acpi_generate(&blobs, arena, &shape, ACPI_GENUINE, &why));
	acpi_digest(&digests, &blobs);
	assert_string_equal(hex(BYTES_OF(digests.loader)), loader);
}

static void
test_no_memory(void **state)
{
	AUTO(arena_free) struct arena *small = arena_new(64 << 10);
	struct acpi_shape shape;
	struct acpi_blobs blobs;
	struct reason why;

	assert_non_null(small);
	acpi_shape_init(&shape);
	shape.cpu_count = 1;
	shape.memory_size = 1;
	assert_false(acpi_generate(&blobs, small, &shape, ACPI_NEWEST, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
}

/* The largest of each kind fit in what acpi.h promises, in the room made for them. */
static void
test_largest(void **state)
{
	static const char *const versions[] = { "8.0.0", "9.2.0", "10.0.0", "11.0.0", "11.1.0" };
	struct acpi_node nodes[15];

	for (size_t i = 0; i < NELEM(nodes); i++)
		nodes[i] = (struct acpi_node){ true, (uint8_t)(200 + i) };
	for (size_t i = 0; i < 4 * NELEM(versions); i++) {
		AUTO(arena_free) struct arena *limited = arena_new((size_t)1 << 20);
		struct acpi_shape shape;
		struct acpi_blobs blobs;
		struct reason why;

		assert_non_null(limited);
		acpi_shape_init(&shape);
		shape.cpu_count = i % 4 == 3 ? 1 : ACPI_MAX_CPUS - i % 4 / 2;
		shape.memory_size = UINT64_C(4095) << 30;
		shape.has_qemu_version = true;
		shape.qemu_version = bytes_str(versions[i / 4]);
		shape.hpet = true;
		shape.num_nvswitches = i % 4 == 2 ? 1 : 4;
		shape.num_gpus = i % 4 == 2 ? 1 : 22;
		shape.num_nics = i % 4 == 2 ? 8 : 0;
		shape.hotplug_off = i % 4 == 2;
		if (i % 4 == 2) {
			shape.numa_nodes = nodes;
			shape.n_numa_nodes = NELEM(nodes);
		}
		if (!acpi_generate(&blobs, limited, &shape,
		    i % 4 == 2 ? ACPI_NEWEST : ACPI_GENUINE, &why))
			fail_msg("%zu: %s", i, why.text);
	}
}

static uint64_t
random_next(void)
{
	static uint64_t x = UINT64_C(0x9E3779B97F4A7C15);

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Small numbers, edges of the type, or anything. */
static uint64_t
random_number(uint64_t max)
{
	switch (random_next() % 4) {
	case 0:
		return random_next() % 20;
	case 1:
		return max - random_next() % 3;
	case 2:
		return (UINT64_C(1) << random_next() % 64) - random_next() % 2;
	default:
		return random_next();
	}
}

/* A number of devices: mostly one that fits. */
static uint32_t
random_count(void)
{
	return random_next() % 4 ? random_next() % 6 : (uint32_t)random_number(UINT32_MAX);
}

static void
random_shape(struct acpi_shape *s, struct acpi_node *nodes, size_t n_nodes)
{
	static const char *const texts[] = {
		"8.0.0", "9.2.0", "10.0.0", "11.0.0", "99.0.0", "1.2.3", "", "\xFF.\n.%s", "9p",
	};
	const uint64_t flags = random_next();

	acpi_shape_init(s);
	s->cpu_count = (uint32_t)(flags & 3 ? random_next() % 300 : random_number(ACPI_MAX_CPUS));
	s->memory_size = random_number(UINT64_MAX);
	s->has_qemu_version = flags & 2;
	s->qemu_version = bytes_str(texts[random_next() % (flags & 1 << 27 ? 5 : NELEM(texts))]);
	s->pic = (enum acpi_pic)(random_next() % 3);
	s->pci_hole64_size = random_number(UINT64_MAX);
	s->hugepages = flags & 4;
	s->num_gpus = flags & 8 ? random_count() : 0;
	s->num_nvswitches = flags & 16 ? random_count() : 0;
	s->num_nics = flags & 32 ? random_count() : 1;
	s->num_verity_volumes = flags & 64 ? random_count() : 0;
	s->swtpm = (flags >> 7) % 16 == 0;
	s->hotplug_off = flags & 2048;
	if ((flags >> 12) % 16 == 0)
		s->host_share_mode = bytes_str(texts[random_next() % NELEM(texts)]);
	s->n_extra_root_devices = (flags >> 16) % 16 == 0 ? (size_t)random_next() : 0;
	s->root_verity = flags & 1 << 20;
	s->smm = flags & 1 << 21;
	s->hpet = flags & 1 << 22;
	if (flags & 3 << 23)
		return;
	s->numa_nodes = nodes;
	s->n_numa_nodes = random_next() % (flags & 1 << 25 ? 16 : n_nodes + 1);
	for (size_t i = 0; i < s->n_numa_nodes; i++)
		nodes[i] = (struct acpi_node){
			random_next() % 64 != 0,
			(uint8_t)(flags & 1 << 28 ? i + 1 : random_next()),
		};
	if (s->n_numa_nodes != 0 && flags & 1 << 26) {
		s->cpu_count -= s->cpu_count % (uint32_t)s->n_numa_nodes;
		s->memory_size -= s->memory_size % s->n_numa_nodes;
	}
}

/* Whatever the shape: three files of the right sizes, or a reason. */
static void
test_any_shape(void **state)
{
	struct acpi_node nodes[200];
	struct acpi_window window;
	size_t n_generated = 0;

	for (int i = 0; i < 20000; i++) {
		const enum acpi_profile profile = i % 2 ? ACPI_GENUINE : ACPI_NEWEST;
		struct acpi_shape shape;
		struct acpi_blobs blobs;
		struct reason why = { .kind = REASON_NONE };

		random_shape(&shape, nodes, NELEM(nodes));
		window = (struct acpi_window){ random_next(), random_next() };
		if (i % 8 < 2)
			shape.hole64 = &window;
		arena_reset(arena);
		(void)acpi_second_chance(&shape);
		if (!acpi_generate(&blobs, arena, &shape, profile, &why)) {
			assert_true(why.kind != REASON_NONE && why.kind != REASON_INTERNAL);
			assert_true(why.text[0] != '\0');
			continue;
		}
		assert_int_equal(blobs.rsdp.len, 20);
		assert_int_equal(blobs.loader.len, 4096);
		assert_true(blobs.tables.len != 0 && blobs.tables.len % (128 << 10) == 0);
		n_generated++;
	}
	assert_true(n_generated > 2000 && n_generated < 18000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_machines),
		cmocka_unit_test(test_real_tables),
		cmocka_unit_test(test_qemu),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_genuine),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_golden_tables),
		cmocka_unit_test(test_second_chance),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_any_shape),
	};

	return cmocka_run_group_tests_name("acpi", tests, setup, teardown);
}
