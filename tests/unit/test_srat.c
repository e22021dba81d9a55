#include "testing.h"

#include "measure/acpi/tables.h"

#define KIB                     UINT64_C(1024)
#define MIB                     (1024 * KIB)
#define GIB                     (1024 * MIB)

struct range {
	uint32_t node;
	uint64_t base, len;
};

/* Memory of one CPU per node, and the ranges that must come out; the rest is disabled. */
static const struct {
	const char *name;
	uint64_t memory;
	uint8_t n_nodes;
	struct range ranges[5];
} rows[] = {
	{ "below the hole", 512 * KIB, 1, { { 0, 0, 512 * KIB } } },
	{ "to the hole", 640 * KIB, 1, { { 0, 0, 640 * KIB } } },
	{ "into the hole", 641 * KIB, 1, { { 0, 0, 640 * KIB } } },
	{ "to its end", MIB, 1, { { 0, 0, 640 * KIB } } },
	{ "a PC", 2 * GIB, 1, { { 0, 0, 640 * KIB }, { 0, MIB, 2 * GIB - MIB } } },
	{ "split at 2 GiB", 3 * GIB, 1,
	    { { 0, 0, 640 * KIB }, { 0, MIB, 2 * GIB - MIB }, { 0, 4 * GIB, GIB } } },
	{ "what falls into the hole is lost", 1400 * KIB, 2,
	    { { 0, 0, 640 * KIB }, { 1, MIB, 376 * KIB }, { 1, 4 * GIB, 324 * KIB } } },
	{ "split between nodes", 4 * GIB, 2,
	    { { 0, 0, 640 * KIB }, { 0, MIB, 2 * GIB - MIB }, { 1, 4 * GIB, 2 * GIB } } },
	{ "split in a node", 6 * GIB, 2, { { 0, 0, 640 * KIB }, { 0, MIB, 2 * GIB - MIB },
	    { 0, 4 * GIB, GIB }, { 1, 5 * GIB, 3 * GIB } } },
	{ "moved to 1 TiB", 979 * GIB, 1, { { 0, 0, 640 * KIB }, { 0, MIB, 2 * GIB - MIB },
	    { 0, 1024 * GIB, 977 * GIB } } },
	{ "past the last address", UINT64_MAX, 1, { { 0, 0, 640 * KIB },
	    { 0, MIB, 2 * GIB - MIB }, { 0, 1024 * GIB, UINT64_MAX - 2 * GIB } } },
};

static struct machine
machine_of(uint64_t memory, uint8_t n_nodes)
{
	static const struct acpi_node nodes[] = { { true, 5 }, { true, 6 } };
	struct acpi_shape shape;
	struct machine m;
	struct reason why;

	acpi_shape_init(&shape);
	shape.cpu_count = n_nodes;
	shape.memory_size = memory;
	shape.numa_nodes = nodes;
	shape.n_numa_nodes = n_nodes;
	if (!machine_init(&m, &shape, ACPI_NEWEST, &why))
		fail_msg("refused: %s", why.text);
	return m;
}

static void
range_check(const char *name, CBS *in, const struct range *range)
{
	CBS entry;
	uint32_t node = 0, flags = 0;
	uint64_t base = 0, len = 0;

	assert_true(CBS_get_bytes(in, &entry, 40));
	assert_true(CBS_skip(&entry, 2) && CBS_get_u32le(&entry, &node) && CBS_skip(&entry, 2) &&
	    CBS_get_u64le(&entry, &base) && CBS_get_u64le(&entry, &len) && CBS_skip(&entry, 4) &&
	    CBS_get_u32le(&entry, &flags));
	if (node != range->node || base != range->base || len != range->len ||
	    flags != (range->len != 0))
		fail_msg("%s: node %u at %llx, %llx long, flags %u", name, node,
		    (unsigned long long)base, (unsigned long long)len, flags);
}

static void
test_ranges(void **state)
{
	uint8_t room[512];

	for (size_t i = 0; i < NELEM(rows); i++) {
		const struct machine m = machine_of(rows[i].memory, rows[i].n_nodes);
		struct bytebuf out = { .ptr = room, .max_len = sizeof room };
		CBS in;

		srat_write(&out, &m);
		assert_false(out.full);
		in = cbs_bytes((struct bytes){ room, out.len });
		assert_true(CBS_skip(&in, 48 + 16u * rows[i].n_nodes));
		for (size_t k = 0; k < rows[i].n_nodes + 2u; k++)
			range_check(rows[i].name, &in, &rows[i].ranges[k]);
		assert_int_equal(CBS_len(&in), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests_name("srat", tests, NULL, NULL);
}
