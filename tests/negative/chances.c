/*
 * The two places where an honest machine may show another value than the one expected first, on
 * both paths: tables that its QEMU makes itself (acpi-tables.md 2.1) and a kernel whose header
 * QEMU 10.2 leaves alone (os-image-measurement.md 5.1).  Each begins inside its bound and is
 * refused one step outside.
 */
#include "judge.h"
#include "published.h"

#define FAILED          "OS image hash verification failed: "
#define TABLES          "failed to generate QEMU ACPI tables: "
#define LITE_TABLES     "failed to recompute expected TDX lite ACPI table digests: " TABLES
#define LEGACY_TABLES \
	"Failed to compute expected measurements: Failed to compute expected MRs: " TABLES
#define PORTS \
	"PCI hotplug on root ports is not modeled; set hotplug_off for GPU passthrough"
#define NVSWITCH \
	"NVSwitch passthrough requires an iommufd object, but no GPU creates one"
#define LITE_DIFFERS(name)      "TDX lite acpi-" name " digest mismatch: expected *, reported *"
#define RTMR0           "MRs do not match: RTMR0 mismatch: expected=*, actual=*"
#define RTMR1           "MRs do not match: RTMR1 mismatch: expected=*, actual=*"

#define GIB             (UINT64_C(1) << 30)

static struct arena *arena;
static struct image_case image;

static int
setup(void **state)
{
	arena = arena_new((size_t)16 << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static void
legacy(struct guest *m, struct judge *judge, const char *variant)
{
	arena_reset(arena);
	image_case_variant(&image, arena, variant);
	published_run(m, &image, arena);
	m->legacy = true;
	judge->image = &image;
	m->shape.memory_size = 4 * GIB;
}

/* ---- root ports that can be plugged into ---- */

static void
lite_ports(struct guest *m, struct judge *judge)
{
	m->shape.num_gpus = 1;
	m->shape.hotplug_off = false;
	m->profile = ACPI_GENUINE;
}

static void
legacy_ports(struct guest *m, struct judge *judge)
{
	legacy(m, judge, "plain");
	lite_ports(m, judge);
}

static void
memory(struct guest *m, struct judge *judge, int arg)
{
	m->shape.memory_size += (uint64_t)arg;
}

static void
release(struct guest *m, struct judge *judge, int arg)
{
	static const char *const releases[] = { "8.0.0", "10.2.1", "11.1.0", "10.1.4294967295",
	    "10.2.0" };

	m->shape.qemu_version = bytes_str(releases[arg]);
}

#define DECLARE(what, with)     REPLACE(STAGE_VM_CONFIG, what, with)
#define NODES                   DECLARE("\"image\"", "\"numa_nodes\":[{\"pxb_bus\":5}],\"image\"")

static const struct row lite_port_rows[] = {
	{ "QEMU 8", release, 0, {0}, NULL },
	{ "QEMU 11.1", release, 2, {0}, NULL },
	{ "a MiB more", memory, 1 << 20, {0}, NULL },
	{ "a page more", memory, 4096, {0}, LITE_TABLES PORTS },
	{ "a MiB less a byte", memory, (1 << 20) - 1, {0}, LITE_TABLES PORTS },
	{ "a node declared", NULL, 0, NODES, LITE_DIFFERS("loader") },
	{ "hugepages declared", NULL, 0, DECLARE("\"hugepages\":false", "\"hugepages\":true"),
	    LITE_DIFFERS("loader") },
	{ "no hotplug declared", NULL, 0, DECLARE("\"hotplug_off\":false",
	    "\"hotplug_off\":true"), LITE_DIFFERS("loader") },
	{ "NVSwitch alone declared", NULL, 0, DECLARE("\"num_gpus\":1,\"num_nvswitches\":0",
	    "\"num_gpus\":0,\"num_nvswitches\":1"), LITE_TABLES NVSWITCH },
	{ "another CPU declared", NULL, 0, DECLARE("\"cpu_count\":1", "\"cpu_count\":2"),
	    LITE_TABLES PORTS },
};

static const struct row legacy_port_rows[] = {
	{ "QEMU 8", release, 0, {0}, NULL },
	{ "QEMU 11.1", release, 2, {0}, NULL },
	{ "a MiB more", memory, 1 << 20, {0}, NULL },
	{ "a page more", memory, 4096, {0}, LEGACY_TABLES PORTS },
	{ "a MiB less a byte", memory, (1 << 20) - 1, {0}, LEGACY_TABLES PORTS },
	{ "a node declared", NULL, 0, NODES, RTMR0 },
	{ "hugepages declared", NULL, 0, DECLARE("\"hugepages\":false", "\"hugepages\":true"),
	    RTMR0 },
	{ "no hotplug declared", NULL, 0, DECLARE("\"hotplug_off\":false",
	    "\"hotplug_off\":true"), RTMR0 },
	{ "NVSwitch alone declared", NULL, 0, DECLARE("\"num_gpus\":1,\"num_nvswitches\":0",
	    "\"num_gpus\":0,\"num_nvswitches\":1"), LEGACY_TABLES NVSWITCH },
	{ "another CPU declared", NULL, 0, DECLARE("\"cpu_count\":1", "\"cpu_count\":2"),
	    LEGACY_TABLES PORTS },
};

static void
test_ports(void **state)
{
	judge_table(&(struct table){ FAILED, lite_ports, lite_port_rows,
	    NELEM(lite_port_rows) });
	judge_table(&(struct table){ FAILED, legacy_ports, legacy_port_rows,
	    NELEM(legacy_port_rows) });
}

/* ---- memory that only an AMD machine would move ---- */

static void
lite_moved(struct guest *m, struct judge *judge)
{
	m->shape.memory_size = 1024 * GIB;
	m->shape.hugepages = true;
	m->profile = ACPI_GENUINE;
}

static void
legacy_moved(struct guest *m, struct judge *judge)
{
	legacy(m, judge, "plain");
	lite_moved(m, judge);
}

/* The same tables as upstream has them are accepted beside. */
static void
newest(struct guest *m, struct judge *judge, int arg)
{
	m->profile = ACPI_NEWEST;
}

static const struct row lite_moved_rows[] = {
	{ "moved", newest, 0, {0}, NULL },
	{ "a MiB more", memory, 1 << 20, {0}, NULL },
	{ "a page more", memory, 4096, {0}, LITE_DIFFERS("tables") },
	{ "a node declared", NULL, 0, NODES, LITE_DIFFERS("loader") },
	{ "a GPU declared", NULL, 0, DECLARE("\"num_gpus\":0", "\"num_gpus\":1"),
	    LITE_DIFFERS("loader") },
	{ "no hugepages declared", NULL, 0, DECLARE("\"hugepages\":true", "\"hugepages\":false"),
	    LITE_DIFFERS("loader") },
};

static const struct row legacy_moved_rows[] = {
	{ "moved", newest, 0, {0}, NULL },
	{ "a MiB more", memory, 1 << 20, {0}, NULL },
	{ "a page more", memory, 4096, {0}, RTMR0 },
	{ "a node declared", NULL, 0, NODES, RTMR0 },
	{ "a GPU declared", NULL, 0, DECLARE("\"num_gpus\":0", "\"num_gpus\":1"), RTMR0 },
	{ "no hugepages declared", NULL, 0, DECLARE("\"hugepages\":true", "\"hugepages\":false"),
	    RTMR0 },
};

static void
test_moved(void **state)
{
	judge_table(&(struct table){ FAILED, lite_moved, lite_moved_rows,
	    NELEM(lite_moved_rows) });
	judge_table(&(struct table){ FAILED, legacy_moved, legacy_moved_rows,
	    NELEM(legacy_moved_rows) });
}

/* ---- a kernel as it is ---- */

static void
unpatched(struct guest *m, struct judge *judge)
{
	legacy(m, judge, "plain");
	published_unpatched(m, &image, arena);
	release(m, judge, 4);
}

static void
patched(struct guest *m, struct judge *judge, int arg)
{
	published_run(m, &image, arena);
}

static void
version_absent(struct guest *m, struct judge *judge, int arg)
{
	m->shape.has_qemu_version = false;
	m->shape.qemu_version = bytes_str("");
}

static void
kernel_of_its_own(struct guest *m, struct judge *judge, int arg)
{
	m->image.kernel_authenticode = build_random(3, "kernel", 0, 48);
}

static const struct row unpatched_rows[] = {
	{ "QEMU 10.2.1", release, 1, {0}, NULL },
	{ "QEMU 11.1", release, 2, {0}, NULL },
	{ "patched all the same", patched, 0, {0}, NULL },
	{ "QEMU 10.1", release, 3, {0}, RTMR1 },
	{ "QEMU 10.1 declared", NULL, 0, DECLARE("10.2.0", "10.1.0"), RTMR1 },
	{ "no version, so 9.1", version_absent, 0, {0}, RTMR1 },
	{ "another kernel", kernel_of_its_own, 0, {0}, RTMR1 },
};

static void
normalized(struct guest *m, struct judge *judge)
{
	legacy(m, judge, "normalized");
	release(m, judge, 4);
}

/* The kernel of the same image, patched, which the other variant of it has. */
static void
normalized_patched(struct guest *m, struct judge *judge, int arg)
{
	struct image_case plain;
	struct guest other;

	image_case_variant(&plain, arena, "plain");
	guest_init(&other, 0);
	published_run(&other, &plain, arena);
	m->image.kernel_authenticode = other.image.kernel_authenticode;
}

static const struct row normalized_rows[] = {
	{ "QEMU 10.2 patches it", normalized_patched, 0, {0}, RTMR1 },
};

/* A document holds one digest. */
static void
document(struct guest *m, struct judge *judge)
{
	m->image.kernel_header_normalized = false;
	release(m, judge, 4);
}

static const struct row document_rows[] = {
	{ "QEMU 10.2 does not patch it", NULL, 0, FLIP(STAGE_REPORT, TD_RTMR0 + 48, "01"),
	    RTMR1 },
};

static void
test_kernel(void **state)
{
	judge_table(&(struct table){ FAILED, unpatched, unpatched_rows, NELEM(unpatched_rows) });
	judge_table(&(struct table){ FAILED, normalized, normalized_rows,
	    NELEM(normalized_rows) });
	judge_table(&(struct table){ FAILED, document, document_rows, NELEM(document_rows) });
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests_name("chances", tests, setup, teardown);
}
