/*
 * Shapes that a VM cannot have or that nobody can measure, and vm_config as text:
 * acpi-tables.md 3.1, os-image-measurement.md 2, upstream-delta.md 3.
 */
#include <stdio.h>

#include "judge.h"

#define PREFIX          "OS image hash verification failed: "
#define RECOMPUTE       "failed to recompute expected TDX lite ACPI table digests: "
#define TABLES          RECOMPUTE "failed to generate QEMU ACPI tables: "
#define CONFIG          "Failed to decode VM config: Failed to parse vm config: "

/* ---- ACPI limits ---- */

#define SHAPE(name, statement)                                          \
static void                                                             \
name(struct guest *g, struct judge *judge, int arg)                     \
{                                                                       \
	struct acpi_shape *s = &g->shape;                               \
									\
	statement;                                                      \
}

SHAPE(cpus, s->cpu_count = (uint32_t)arg)
SHAPE(nics, s->num_nics = (uint32_t)arg)
SHAPE(gpus, s->num_gpus = (uint32_t)arg)
SHAPE(gpus_huge, s->num_gpus = (uint32_t)arg; s->hugepages = true)
SHAPE(gpus_hotplug, s->num_gpus = (uint32_t)arg; s->hotplug_off = false;
    s->memory_size = (UINT64_C(2) << 30) + 4096)
SHAPE(nvswitches, s->num_nvswitches = (uint32_t)arg)
SHAPE(swtpm, s->swtpm = true)
SHAPE(nics_huge, s->num_nics = (uint32_t)arg; s->num_gpus = 1; s->hugepages = true)

static void
zero_memory(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)REPLACE(STAGE_VM_CONFIG, "\"memory_size\":2147483648",
	    "\"memory_size\":0");
}

static void
version_text(struct guest *g, struct judge *judge, int arg)
{
	static const char *const texts[] = { "", "9", "9.2", "9.2.1.0", "9.x.1", "7.2.2",
	    "9.2.99999999999", "-9.2.1", "9..1", "+9.2.1" };

	g->shape.qemu_version = bytes_str(texts[arg]);
}

static void
share_mode(struct guest *g, struct judge *judge, int arg)
{
	static const char *const texts[] = { "nfs", "9P", " 9p" };

	g->shape.host_share_mode = bytes_str(texts[arg]);
}

static void
nodes(struct guest *g, struct judge *judge, int arg)
{
	static const struct acpi_node lists[][3] = {
		{ { true, 5 }, { true, 5 } }, { { true, 0 }, { true, 5 } },
		{ { true, 5 }, { false, 0 } }, { { true, 5 }, { true, 6 }, { true, 7 } },
	};

	g->shape.cpu_count = 2;
	g->shape.numa_nodes = lists[arg];
	g->shape.n_numa_nodes = arg == 3 ? 3 : 2;
}

static void
many_nodes(struct guest *g, struct judge *judge, int arg)
{
	struct acpi_node *list = (struct acpi_node *)(uintptr_t)build_random(0, "nodes", 0,
	    (size_t)arg * sizeof *list).ptr;

	for (int i = 0; i < arg; i++)
		list[i] = (struct acpi_node){ true, (uint8_t)(i % 250 + 1) };
	g->shape.cpu_count = (uint32_t)arg;
	g->shape.memory_size = (uint64_t)arg << 28;
	g->shape.numa_nodes = list;
	g->shape.n_numa_nodes = (size_t)arg;
}

static void
odd_memory(struct guest *g, struct judge *judge, int arg)
{
	nodes(g, judge, 3);
	g->shape.cpu_count = 3;
	g->shape.memory_size = UINT64_C(1) << 31;
}

static const struct row limit_rows[] = {
	{ "no CPU", cpus, 0, {0}, TABLES "cpu_count must be greater than zero" },
	{ "4097 CPUs", cpus, 4097, {0}, TABLES "cpu_count exceeds the Q35 limit of 4096: 4097" },
	{ "2^32-1 CPUs", cpus, -1, {0},
	    TABLES "cpu_count exceeds the Q35 limit of 4096: 4294967295" },
	{ "no memory", zero_memory, 0, {0}, TABLES "memory_size must be greater than zero" },
	{ "swtpm", swtpm, 0, {0}, RECOMPUTE "swtpm measurement is not supported" },
	{ "QEMU version empty", version_text, 0, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Failed to parse QEMU version: "
	    "Version string must have exactly 3 parts (major.minor.patch), got 1" },
	{ "QEMU version 9", version_text, 1, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Failed to parse QEMU version: "
	    "Version string must have exactly 3 parts (major.minor.patch), got 1" },
	{ "QEMU version 9.2", version_text, 2, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Failed to parse QEMU version: "
	    "Version string must have exactly 3 parts (major.minor.patch), got 2" },
	{ "QEMU version 9.2.1.0", version_text, 3, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Failed to parse QEMU version: "
	    "Version string must have exactly 3 parts (major.minor.patch), got 4" },
	{ "QEMU version 9.x.1", version_text, 4, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Failed to parse QEMU version: "
	    "Invalid version number: invalid digit found in string" },
	{ "QEMU version 7.2.2", version_text, 5, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Unsupported QEMU version: (7, 2, 2)" },
	{ "QEMU version 9.2.99999999999", version_text, 6, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Failed to parse QEMU version: "
	    "Invalid version number: number too large to fit in target type" },
	{ "QEMU version -9.2.1", version_text, 7, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Failed to parse QEMU version: "
	    "Invalid version number: invalid digit found in string" },
	{ "QEMU version 9..1", version_text, 8, {0},
	    RECOMPUTE "failed to get QEMU-versioned options: Failed to parse QEMU version: "
	    "Invalid version number: cannot parse integer from empty string" },
	{ "share mode nfs", share_mode, 0, {0}, RECOMPUTE "invalid shared disk mode: nfs" },
	{ "share mode 9P", share_mode, 1, {0}, RECOMPUTE "invalid shared disk mode: 9P" },
	{ "share mode with a blank", share_mode, 2, {0}, RECOMPUTE "invalid shared disk mode:  "
	    "9p" },
	{ "extra root devices", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"extra_root_devices\":[{}],\"image\""),
	    RECOMPUTE "extra_root_devices is not supported" },
	{ "no extra root device", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"extra_root_devices\":[],\"image\""), NULL },
	{ "two nodes on one bus", nodes, 0, {0},
	    TABLES "PXB bus numbers must be nonzero and distinct: [5, 5]" },
	{ "a node on bus 0", nodes, 1, {0},
	    TABLES "PXB bus numbers must be nonzero and distinct: [0, 5]" },
	{ "a node without expander", nodes, 2, {0},
	    TABLES "every explicit NUMA node needs a PXB expander" },
	{ "two CPUs over three nodes", nodes, 3, {0},
	    TABLES "cpu_count (2) must split evenly across 3 NUMA nodes" },
	{ "memory over three nodes", odd_memory, 0, {0},
	    TABLES "memory_size (2147483648) must split evenly across 3 NUMA nodes" },
	{ "129 nodes", many_nodes, 129, {0}, TABLES "129 NUMA nodes exceed QEMU's limit of 128" },
	{ "100 nodes", many_nodes, 100, {0},
	    TABLES "100 PXB expanders do not fit on the root bus" },
	{ "40 network cards", nics, 40, {0},
	    RECOMPUTE "failed to generate QEMU ACPI tables: the requested topology needs 40 "
	    "devices on the root PCIe bus, but QEMU has only 26 free slots" },
	{ "2^32-1 network cards", nics, -1, {0},
	    RECOMPUTE "failed to generate QEMU ACPI tables: the requested topology needs "
	    "4294967295 devices on the root PCIe bus, but QEMU has only 26 free slots" },
	{ "40 GPUs", gpus, 40, {0},
	    RECOMPUTE "failed to generate QEMU ACPI tables: the requested topology needs 41 "
	    "devices on the root PCIe bus, but QEMU has only 26 free slots" },
	{ "40 GPUs on an expander", gpus_huge, 40, {0},
	    RECOMPUTE "failed to generate QEMU ACPI tables: the requested topology needs 40 GPU "
	    "root ports on the PXB, but QEMU supports at most 32" },
	{ "20 network cards before an expander", nics_huge, 20, {0},
	    RECOMPUTE "failed to generate QEMU ACPI tables: the requested topology places 25 "
	    "devices before the fixed-address PXB, but QEMU has only 16 slots there" },
	{ "NVSwitch without GPU", nvswitches, 1, {0}, TABLES "NVSwitch passthrough requires an "
	    "iommufd object, but no GPU creates one" },
	{ "GPU with hotplug and odd memory", gpus_hotplug, 1, {0}, TABLES "PCI hotplug on root "
	    "ports "
	    "is not modeled; set hotplug_off for GPU passthrough" },
};

/* ---- vm_config ---- */

static const struct row config_rows[] = {
	{ "config empty", NULL, 0, KEEP(STAGE_VM_CONFIG, 0), "os_image_hash has 0 bytes, not 32" },
	{ "config a list", NULL, 0, SET(STAGE_VM_CONFIG, "[]"),
	    CONFIG "\"vm_config\" is an array, not an object" },
	{ "config cut", NULL, 0, CUT(STAGE_VM_CONFIG, 1),
	    CONFIG "JSON ends early at byte 1167" },
	{ "text behind the config", NULL, 0, APPEND(STAGE_VM_CONFIG, "30"),
	    CONFIG "JSON has more text after the value at byte 1168" },
	{ "cpu_count twice", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"cpu_count\":1,\"image\""), CONFIG "\"cpu_count\" occurs more than once" },
	{ "os_image_hash twice", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"os_image_hash\":\"\",\"image\""),
	    CONFIG "\"os_image_hash\" occurs more than once" },
	{ "an unknown member twice", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"x\":1,\"x\":1,\"image\""), NULL },
	{ "cpu_count null", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"cpu_count\":1",
	    "\"cpu_count\":null"),
	    CONFIG "\"cpu_count\" is null, not a number" },
	{ "cpu_count 1.0", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"cpu_count\":1",
	    "\"cpu_count\":1.0"),
	    CONFIG "\"cpu_count\" is not a plain unsigned integer" },
	{ "cpu_count as a string", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"cpu_count\":1",
	    "\"cpu_count\":\"1\""),
	    CONFIG "\"cpu_count\" is a string, not a number" },
	{ "cpu_count below zero", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"cpu_count\":1",
	    "\"cpu_count\":-1"),
	    CONFIG "\"cpu_count\" is not a plain unsigned integer" },
	{ "cpu_count 2^32", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"cpu_count\":1",
	    "\"cpu_count\":4294967296"),
	    CONFIG "\"cpu_count\" is more than 4294967295" },
	{ "memory_size 2^64", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"memory_size\":2147483648",
	    "\"memory_size\":18446744073709551616"),
	    CONFIG "\"memory_size\" is more than 18446744073709551615" },
	{ "hugepages 0", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"hugepages\":false",
	    "\"hugepages\":0"),
	    CONFIG "\"hugepages\" is a number, not a boolean" },
	{ "os_image_hash with 0x", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"os_image_hash\":\"",
	    "\"os_image_hash\":\"0x"),
	    CONFIG "\"os_image_hash\" is not hex at digit 1" },
	{ "os_image_hash of an odd digit", NULL, 0, REPLACE(STAGE_VM_CONFIG,
	    "\"os_image_hash\":\"", "\"os_image_hash\":\"0"),
	    CONFIG "\"os_image_hash\" has an odd number of hex digits" },
	{ "another ovmf_variant", NULL, 0, REPLACE(STAGE_VM_CONFIG, "pre202505", "PRE202505"),
	    CONFIG "\"ovmf_variant\" is not \"pre202505\"" },
	{ "newer ovmf_variant", NULL, 0, REPLACE(STAGE_VM_CONFIG, "pre202505", "stable202505"),
	    "Failed to decode VM config: unsupported ovmf_variant \"stable202505\"" },
	{ "ovmf_variant null", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"pre202505\"", "null"), NULL },
	{ "attestation variant Lite", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"lite\"", "\"Lite\""),
	    CONFIG "\"tdx_attestation_variant\" is neither \"legacy\" nor \"lite\"" },
	{ "attestation variant null", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"lite\"", "null"),
	    CONFIG "\"tdx_attestation_variant\" is null, not a string" },
	{ "document a string", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"tdx_measurement\":",
	    "\"tdx_measurement\":\"\",\"x\":"),
	    CONFIG "\"tdx_measurement\" is a string, not an object" },
	{ "document without measurement", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"measurement\":",
	    "\"x\":"),
	    CONFIG "\"tdx_measurement\": \"measurement\" is missing" },
	{ "document without checksum_file", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"checksum_file\":",
	    "\"x\":"),
	    CONFIG "\"tdx_measurement\": \"checksum_file\" is missing" },
	{ "measurement not base64", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"measurement\":\"",
	    "\"measurement\":\"*"),
	    CONFIG "\"tdx_measurement\": \"measurement\" is not base64" },
	{ "measurement with a line break", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"measurement\":\"",
	    "\"measurement\":\"\\n"),
	    CONFIG "\"tdx_measurement\": \"measurement\" is not base64" },
	{ "numa_nodes null", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"numa_nodes\":null,\"image\""),
	    CONFIG "\"numa_nodes\" is null, not an array" },
	{ "a node a number", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"numa_nodes\":[5],\"image\""),
	    CONFIG "\"numa_nodes element\" is a number, not an object" },
	{ "pxb_bus 256", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"numa_nodes\":[{\"pxb_bus\":256}],\"image\""),
	    CONFIG "\"pxb_bus\" is more than 255" },
	{ "NaN", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"", "\"x\":NaN,\"image\""),
	    CONFIG "JSON wants a value at byte 296" },
	{ "a lone surrogate", NULL, 0, REPLACE(STAGE_VM_CONFIG, "dstack-0.6.0", "\\udfff"),
	    CONFIG "JSON string has a lone surrogate at byte 301" },
};

static void
test_limits(void **state)
{
	judge_table(&(struct table){ PREFIX, NULL, limit_rows, NELEM(limit_rows) });
}

static void
test_config(void **state)
{
	judge_table(&(struct table){ PREFIX, NULL, config_rows, NELEM(config_rows) });
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
