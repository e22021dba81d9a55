/*
 * Which shapes are refused, by which words, and what follows from the others.
 */
#include "testing.h"

#include "measure/acpi/machine.h"

#define MIB                     (UINT64_C(1) << 20)
#define GIB                     (UINT64_C(1) << 30)
#define GENERATOR               "failed to generate QEMU ACPI tables: "
#define OPTIONS                 "failed to get QEMU-versioned options: "

/* A shape that differs from an ordinary one in the members that follow. */
#define SHAPE(cpus, memory, ...)                                        \
	{                                                               \
		.cpu_count = (cpus), .memory_size = (memory),           \
		.root_verity = true, __VA_ARGS__                        \
	}
#define TEXT(s)                 { (const uint8_t *)(s), sizeof(s) - 1 }
#define VERSION(s)              .has_qemu_version = true, .qemu_version = TEXT(s)
#define NODES(list)             .numa_nodes = (list), .n_numa_nodes = NELEM(list)

static const struct acpi_node one_node[] = { { true, 7 } };
static const struct acpi_node two_nodes[] = { { true, 5 }, { true, 7 } };
static const struct acpi_node same_bus[] = { { true, 5 }, { true, 5 } };
static const struct acpi_node bus_zero[] = { { true, 0 }, { true, 5 } };
static const struct acpi_node no_bus[] = { { true, 5 }, { false, 0 } };
static const struct acpi_node fifteen[15] = {
	{ true, 1 }, { true, 2 }, { true, 3 }, { true, 4 }, { true, 5 }, { true, 6 }, { true, 7 },
	{ true, 8 }, { true, 9 }, { true, 10 }, { true, 11 }, { true, 12 }, { true, 13 },
	{ true, 14 }, { true, 255 },
};
static struct acpi_node many_nodes[129];

static const struct {
	const char *name;
	struct acpi_shape shape;
	const char *why;                /* NULL: must be accepted                  */
	enum reason_kind kind;
} rows[] = {
	{ "empty", SHAPE(0, 0), GENERATOR "cpu_count must be greater than zero", REASON_REFUSED },
	{ "smallest", SHAPE(1, 1), NULL, 0 },
	{ "no memory", SHAPE(1, 0), GENERATOR "memory_size must be greater than zero",
	    REASON_REFUSED },
	{ "most memory", SHAPE(1, UINT64_MAX), NULL, 0 },
	{ "4096 CPUs", SHAPE(4096, GIB), NULL, 0 },
	{ "4097 CPUs", SHAPE(4097, GIB), GENERATOR "cpu_count exceeds the Q35 limit of 4096: 4097",
	    REASON_LIMIT },
	{ "most CPUs, no memory", SHAPE(UINT32_MAX, 0),
	    GENERATOR "memory_size must be greater than zero", REASON_REFUSED },

	{ "swtpm", SHAPE(1, GIB, .swtpm = true), "swtpm measurement is not supported",
	    REASON_UNSUPPORTED },
	{ "swtpm before all else", SHAPE(0, 0, .swtpm = true, VERSION("x")),
	    "swtpm measurement is not supported", REASON_UNSUPPORTED },
	{ "8.0.0", SHAPE(1, GIB, VERSION("8.0.0")), NULL, 0 },
	{ "7.2.0", SHAPE(1, GIB, VERSION("7.2.0")),
	    OPTIONS "Unsupported QEMU version: (7, 2, 0)", REASON_UNSUPPORTED },
	{ "no version", SHAPE(1, GIB, VERSION("")), OPTIONS "Failed to parse QEMU version: "
	    "Version string must have exactly 3 parts (major.minor.patch), got 1",
	    REASON_MALFORMED },
	{ "version before share mode", SHAPE(1, GIB, VERSION("9.2.x"),
	    .host_share_mode = TEXT("x")),
	    OPTIONS "Failed to parse QEMU version: Invalid version number: "
	    "invalid digit found in string", REASON_MALFORMED },
	{ "9p", SHAPE(1, GIB, .host_share_mode = TEXT("9p")), NULL, 0 },
	{ "vvfat", SHAPE(1, GIB, .host_share_mode = TEXT("vvfat")), NULL, 0 },
	{ "vhd", SHAPE(1, GIB, .host_share_mode = TEXT("vhd")), NULL, 0 },
	{ "nfs", SHAPE(1, GIB, .host_share_mode = TEXT("nfs")), "invalid shared disk mode: nfs",
	    REASON_UNSUPPORTED },
	{ "9p and a NUL", SHAPE(1, GIB, .host_share_mode = TEXT("9p\0")),
	    "invalid shared disk mode: 9p", REASON_UNSUPPORTED },
	{ "long mode", SHAPE(1, GIB, .host_share_mode = TEXT(
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!")),
	    "invalid shared disk mode: "
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	    REASON_UNSUPPORTED },
	{ "share mode before CPUs", SHAPE(0, 0, .host_share_mode = TEXT("x")),
	    "invalid shared disk mode: x", REASON_UNSUPPORTED },
	{ "extra device", SHAPE(1, GIB, .n_extra_root_devices = 1),
	    "extra_root_devices is not supported", REASON_UNSUPPORTED },

	{ "26 cards", SHAPE(1, GIB, .num_nics = 26), NULL, 0 },
	{ "27 cards", SHAPE(1, GIB, .num_nics = 27), GENERATOR "the requested topology needs 27 "
	    "devices on the root PCIe bus, but QEMU has only 26 free slots", REASON_LIMIT },
	{ "27 cards, volumes", SHAPE(1, GIB, .num_nics = 13, .num_verity_volumes = 14), GENERATOR
	    "the requested topology needs 27 devices on the root PCIe bus, but QEMU has only 26 "
	    "free slots", REASON_LIMIT },
	{ "26 GPUs", SHAPE(1, GIB, .num_gpus = 26, .hotplug_off = true), NULL, 0 },
	{ "27 GPUs", SHAPE(1, GIB, .num_gpus = 27, .hotplug_off = true), GENERATOR "the requested "
	    "topology needs 27 devices on the root PCIe bus, but QEMU has only 26 free slots",
	    REASON_LIMIT },
	{ "most of all", SHAPE(1, GIB, .num_nics = UINT32_MAX, .num_verity_volumes = UINT32_MAX,
	    .num_gpus = UINT32_MAX, .num_nvswitches = UINT32_MAX), GENERATOR "the requested "
	    "topology needs 17179869180 devices on the root PCIe bus, but QEMU has only 26 free "
	    "slots", REASON_LIMIT },
	{ "GPU and switch", SHAPE(1, GIB, .num_gpus = 1, .num_nvswitches = 1, .hotplug_off = true),
	    NULL, 0 },
	{ "switch alone", SHAPE(1, GIB, .num_nvswitches = 1, .hotplug_off = true), GENERATOR
	    "NVSwitch passthrough requires an iommufd object, but no GPU creates one",
	    REASON_REFUSED },
	{ "GPU, hotplug", SHAPE(1, GIB, .num_gpus = 1), GENERATOR "PCI hotplug on root ports is "
	    "not modeled; set hotplug_off for GPU passthrough", REASON_UNSUPPORTED },

	{ "expander, hotplug", SHAPE(1, GIB, .num_gpus = 1, .hugepages = true), NULL, 0 },
	{ "expander, switch, hotplug", SHAPE(1, GIB, .num_gpus = 1, .num_nvswitches = 1,
	    .hugepages = true), GENERATOR "PCI hotplug on root ports is not modeled; set "
	    "hotplug_off for GPU passthrough", REASON_UNSUPPORTED },
	{ "expander, 32 GPUs", SHAPE(1, GIB, .num_gpus = 32, .hugepages = true), NULL, 0 },
	{ "expander, 33 GPUs", SHAPE(1, GIB, .num_gpus = 33, .hugepages = true), GENERATOR
	    "the requested topology needs 33 GPU root ports on the PXB, but QEMU supports at "
	    "most 32", REASON_LIMIT },
	{ "one node, 33 GPUs", SHAPE(1, GIB, .num_gpus = 33, NODES(one_node)), GENERATOR
	    "the requested topology needs 33 GPU root ports on the PXB, but QEMU supports at "
	    "most 32", REASON_LIMIT },
	{ "two nodes, most GPUs", SHAPE(2, GIB, .num_gpus = UINT32_MAX, NODES(two_nodes)),
	    NULL, 0 },
	{ "expander, 11 cards", SHAPE(1, GIB, .num_gpus = 1, .hugepages = true, .num_nics = 11),
	    NULL, 0 },
	{ "expander, 12 cards", SHAPE(1, GIB, .num_gpus = 1, .hugepages = true, .num_nics = 12),
	    GENERATOR "the requested topology places 17 devices before the fixed-address PXB, but "
	    "QEMU has only 16 slots there", REASON_LIMIT },
	{ "expander, no GPU, 12 cards", SHAPE(1, GIB, .hugepages = true, .num_nics = 12), NULL, 0 },
	{ "expander, 14 switches", SHAPE(1, GIB, .num_gpus = 1, .hugepages = true, .num_nics = 11,
	    .num_nvswitches = 14, .hotplug_off = true), NULL, 0 },
	{ "expander, 15 switches", SHAPE(1, GIB, .num_gpus = 1, .hugepages = true, .num_nics = 11,
	    .num_nvswitches = 15, .hotplug_off = true), GENERATOR "the requested topology needs 26 "
	    "devices on the root PCIe bus, but QEMU has only 25 free slots", REASON_LIMIT },

	{ "15 nodes", SHAPE(15, 15 * MIB, NODES(fifteen)), NULL, 0 },
	{ "16 nodes", SHAPE(16, 16 * MIB, .numa_nodes = many_nodes, .n_numa_nodes = 16), GENERATOR
	    "16 PXB expanders do not fit on the root bus", REASON_LIMIT },
	{ "128 nodes", SHAPE(128, 128 * MIB, .numa_nodes = many_nodes, .n_numa_nodes = 128),
	    GENERATOR "128 PXB expanders do not fit on the root bus", REASON_LIMIT },
	{ "129 nodes", SHAPE(129, 129 * MIB, .numa_nodes = many_nodes, .n_numa_nodes = 129),
	    GENERATOR "129 NUMA nodes exceed QEMU's limit of 128", REASON_LIMIT },
	{ "node without a bus", SHAPE(2, GIB, NODES(no_bus)), GENERATOR
	    "every explicit NUMA node needs a PXB expander", REASON_REFUSED },
	{ "uneven CPUs", SHAPE(3, GIB, NODES(two_nodes)), GENERATOR
	    "cpu_count (3) must split evenly across 2 NUMA nodes", REASON_REFUSED },
	{ "fewer CPUs than nodes", SHAPE(1, GIB, NODES(two_nodes)), GENERATOR
	    "cpu_count (1) must split evenly across 2 NUMA nodes", REASON_REFUSED },
	{ "uneven memory", SHAPE(2, GIB + 1, NODES(two_nodes)), GENERATOR
	    "memory_size (1073741825) must split evenly across 2 NUMA nodes", REASON_REFUSED },
	{ "one bus twice", SHAPE(2, GIB, NODES(same_bus)), GENERATOR
	    "PXB bus numbers must be nonzero and distinct: [5, 5]", REASON_REFUSED },
	{ "bus 0", SHAPE(2, GIB, NODES(bus_zero)), GENERATOR
	    "PXB bus numbers must be nonzero and distinct: [0, 5]", REASON_REFUSED },
};

static void
test_refusals(void **state)
{
	for (size_t i = 0; i < NELEM(many_nodes); i++)
		many_nodes[i] = (struct acpi_node){ true, (uint8_t)(i + 1) };
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct machine m;
		struct reason why = { .text = "" };
		const bool ok = machine_init(&m, &rows[i].shape, ACPI_NEWEST, &why);

		if (ok != (rows[i].why == NULL) ||
		    (!ok && (strcmp(why.text, rows[i].why) != 0 || why.kind != rows[i].kind)))
			fail_msg("%s: got %d \"%s\" (%s)", rows[i].name, ok, why.text,
			    reason_kind_name(why.kind));
	}
}

/* What genuine answers, and for what there is a second chance. */
static const struct {
	const char *name;
	struct acpi_shape shape;
	bool    chance;
	const char *why;                /* of genuine's refusal                    */
} chances[] = {
	{ "plain", SHAPE(1, GIB), false, NULL },
	{ "GPU", SHAPE(1, GIB, .num_gpus = 1), true, NULL },
	{ "GPU, no hotplug", SHAPE(1, GIB, .num_gpus = 1, .hotplug_off = true), false, NULL },
	{ "GPU behind an expander", SHAPE(1, GIB, .num_gpus = 1, .hugepages = true), false, NULL },
	{ "switch beside an expander", SHAPE(1, GIB, .num_gpus = 1, .num_nvswitches = 1,
	    .hugepages = true), false, NULL },
	{ "switch without a GPU", SHAPE(1, GIB, .num_nvswitches = 1), false, GENERATOR
	    "NVSwitch passthrough requires an iommufd object, but no GPU creates one" },
	{ "part of a MiB", SHAPE(1, GIB + 4096, .num_gpus = 1), false, GENERATOR "what QEMU itself "
	    "does is known for whole MiB of memory and without numa_nodes only" },
	{ "window of a byte", SHAPE(1, GIB, .num_gpus = 1, .pci_hole64_size = 1), false,
	    GENERATOR "pci_hole64_size (1) is impossible" },
	{ "last window", SHAPE(1, GIB, .num_gpus = 1,
	    .pci_hole64_size = UINT64_C(0xFFFFC80000000000)),
	    true, NULL },
	{ "window that wraps", SHAPE(1, GIB, .num_gpus = 1,
	    .pci_hole64_size = UINT64_C(0xFFFFC80000000001)), false,
	    GENERATOR "pci_hole64_size (18446682501058396161) is impossible" },
	{ "NUMA", SHAPE(1, 64 * GIB, .hugepages = true), false, NULL },
	{ "NUMA, 978 GiB", SHAPE(1, 978 * GIB, .hugepages = true), false, NULL },
	{ "NUMA, a MiB more", SHAPE(1, 978 * GIB + MIB, .hugepages = true), true, NULL },
	{ "NUMA, a page more", SHAPE(1, 978 * GIB + 4096, .hugepages = true), false, GENERATOR
	    "what QEMU itself does is known for whole MiB of memory and without numa_nodes only" },
	{ "much memory", SHAPE(1, 978 * GIB + MIB), false, NULL },
	{ "much memory, expander", SHAPE(1, 2048 * GIB, .hugepages = true, .num_gpus = 1), false,
	    NULL },
	{ "explicit nodes", SHAPE(2, 2048 * GIB, NODES(two_nodes)), false, GENERATOR "what QEMU "
	    "itself does is known for whole MiB of memory and without numa_nodes only" },
};

static void
test_second_chance(void **state)
{
	for (size_t i = 0; i < NELEM(chances); i++) {
		struct machine m;
		struct reason why = { .text = "" };
		const bool ok = machine_init(&m, &chances[i].shape, ACPI_GENUINE, &why);

		if (ok != (chances[i].why == NULL) ||
		    (!ok && strcmp(why.text, chances[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", chances[i].name, ok, why.text);
		if (acpi_second_chance(&chances[i].shape) != chances[i].chance)
			fail_msg("%s: second chance", chances[i].name);
	}
}

static struct machine
machine_of(struct acpi_shape shape)
{
	struct machine m;
	struct reason why;

	if (!machine_init(&m, &shape, ACPI_NEWEST, &why))
		fail_msg("refused: %s", why.text);
	return m;
}

static void
test_generations(void **state)
{
	static const struct {
		const char *version;
		enum acpi_generation generation;
		bool    pic;
	} releases[] = {
		{ "8.0.0", ACPI_G91, true }, { "8.99.99", ACPI_G91, true },
		{ "9.0.0", ACPI_G91, false }, { "9.1.4294967295", ACPI_G91, false },
		{ "9.2.0", ACPI_G92, false }, { "9.99.0", ACPI_G92, false },
		{ "10.0.0", ACPI_G100, false }, { "10.99.0", ACPI_G100, false },
		{ "11.0.0", ACPI_G110, false }, { "11.0.99", ACPI_G110, false },
		{ "11.1.0", ACPI_G111, false }, { "12.0.0", ACPI_G111, false },
		{ "4294967295.0.0", ACPI_G111, false },
	};

	for (size_t i = 0; i < NELEM(releases); i++) {
		struct acpi_shape shape = SHAPE(1, GIB, .has_qemu_version = true);
		struct machine m;

		shape.qemu_version = bytes_str(releases[i].version);
		m = machine_of(shape);
		assert_int_equal(m.generation, releases[i].generation);
		assert_int_equal(m.pic, releases[i].pic);
		shape.pic = ACPI_PIC_ON;
		assert_true(machine_of(shape).pic);
		shape.pic = ACPI_PIC_OFF;
		assert_false(machine_of(shape).pic);
	}
	assert_int_equal(machine_of((struct acpi_shape)SHAPE(1, 1)).generation, ACPI_G91);
	assert_false(machine_of((struct acpi_shape)SHAPE(1, 1)).pic);
}

static void
test_memory(void **state)
{
	static const struct {
		uint64_t memory, hole64;
		uint64_t below4g, above4g;
	} sizes[] = {
		{ 1, 0, 1, 4 * GIB },
		{ 0xAFFFFFFF, 0, 0xAFFFFFFF, 4 * GIB },
		{ 0xB0000000, 0, 0x80000000, 4 * GIB },
		{ 978 * GIB, 0, 0x80000000, 4 * GIB },
		{ 978 * GIB + 1, 0, 0x80000000, 1024 * GIB },
		{ 978 * GIB + 1, 31 * GIB, 0x80000000, 4 * GIB },
		{ GIB, 1008 * GIB, GIB, 4 * GIB },
		{ GIB, 1008 * GIB + 1, GIB, 1024 * GIB },
		{ 1009 * GIB, 1, 0x80000000, 4 * GIB },
		{ 1009 * GIB + 1, 1, 0x80000000, 1024 * GIB },
		{ UINT64_MAX, UINT64_MAX, 0x80000000, 1024 * GIB },
		{ UINT64_MAX, 1, 0x80000000, 1024 * GIB },
		{ GIB, UINT64_MAX, GIB, 1024 * GIB },
	};

	for (size_t i = 0; i < NELEM(sizes); i++) {
		const struct machine m = machine_of((struct acpi_shape)SHAPE(1, sizes[i].memory,
		    .pci_hole64_size = sizes[i].hole64));

		if (m.below4g != sizes[i].below4g || m.above4g != sizes[i].above4g)
			fail_msg("row %zu: %llx, %llx", i, (unsigned long long)m.below4g,
			    (unsigned long long)m.above4g);
	}
}

static void
test_window(void **state)
{
	struct machine m = machine_of((struct acpi_shape)SHAPE(1, 1));

	assert_true(m.has_hole64);
	assert_true(m.hole64.first == UINT64_C(0x380000000000));
	assert_true(m.hole64.last == UINT64_C(0x3807FFFFFFFF));
	m = machine_of((struct acpi_shape)SHAPE(1, 1, .pci_hole64_size = UINT64_MAX));
	assert_true(m.hole64.last == UINT64_C(0x37FFFFFFFFFE));
}

static unsigned
slots_of(const struct machine *m, enum slot_use use)
{
	unsigned mask = 0;

	for (unsigned slot = 0; slot < MACHINE_SLOTS; slot++)
		if (m->slots[slot] == use)
			mask |= 1u << slot;
	return mask;
}

static void
test_slots(void **state)
{
	struct machine m = machine_of((struct acpi_shape)SHAPE(1, 1, .num_nics = 1));

	assert_int_equal(slots_of(&m, SLOT_ENDPOINT), 0x3F);
	m = machine_of((struct acpi_shape)SHAPE(1, 1, .num_nics = 1, .num_gpus = 2,
	    .num_nvswitches = 1, .hotplug_off = true));
	assert_int_equal(slots_of(&m, SLOT_ROOT_PORT), 7 << 6);
	assert_int_equal(m.n_root_ports, 3);
	/* Ports go around the expanders. */
	m = machine_of((struct acpi_shape)SHAPE(2, 2, .num_nics = 9, .num_gpus = 1,
	    .num_nvswitches = 3, .hotplug_off = true, NODES(two_nodes)));
	assert_int_equal(slots_of(&m, SLOT_EXPANDER), 3 << 16);
	assert_int_equal(slots_of(&m, SLOT_ROOT_PORT), 3 << 14 | 1 << 18);
}

static void
test_nodes(void **state)
{
	struct machine m = machine_of((struct acpi_shape)SHAPE(4, 4));

	assert_int_equal(m.n_nodes, 0);
	m = machine_of((struct acpi_shape)SHAPE(4, 4, .hugepages = true));
	assert_int_equal(m.n_nodes, 1);
	assert_false(m.has_expanders);
	m = machine_of((struct acpi_shape)SHAPE(4, 4, .hugepages = true, .num_gpus = 1));
	assert_true(m.has_expanders);
	assert_int_equal(m.bus[0], 5);
	m = machine_of((struct acpi_shape)SHAPE(4, 4, .hugepages = true, NODES(two_nodes)));
	assert_int_equal(m.n_nodes, 2);
	assert_int_equal(m.bus[1], 7);
	assert_int_equal(machine_node(&m, 1), 0);
	assert_int_equal(machine_node(&m, 2), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_second_chance),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_nodes),
	};

	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
