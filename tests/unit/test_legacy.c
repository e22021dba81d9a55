#include "testing.h"

#include <stdio.h>

#include "../support/image_case.h"
#include "core/hex.h"
#include "measure/legacy.h"

#define PREFIX  "Failed to compute expected measurements: Failed to compute expected MRs: "

static struct arena *arena;
static struct acpi_cache *cache;

static int
setup(void **state)
{
	arena = arena_new(16u << 20);
	cache = acpi_cache_new(8);
	return arena == NULL || cache == NULL;
}

static int
teardown(void **state)
{
	acpi_cache_free(cache);
	arena_free(arena);
	return 0;
}

/* One image in one shape, and the quote of an honest machine. */
struct lab {
	struct image_case image;
	struct image_record record;
	struct vm_config config;
	struct launch_registers quoted;
	struct kernel_fact fact;
	const struct kernel_fact *kernel;
	struct legacy_result result;
	struct reason why;
};

/* What the machine does, written here once more from the parts that have tests of their own. */
static void
machine_run(struct lab *lab, enum acpi_profile profile, bool patched, bool two_pass)
{
	const uint64_t memory_size = lab->config.shape.memory_size;
	struct launch_events events;
	struct launch_image part = {
		.mrtd = two_pass ? lab->record.mrtd_two_pass : lab->record.mrtd_single_pass,
		.kernel = lab->record.kernel_unpatched,
		.cmdline = lab->record.cmdline, .initrd = lab->record.initrd,
	};
	struct acpi_digests acpi;
	struct kernel_header header;
	uint32_t addr;

	/* The newest profile refuses a GPU on bus 0: no machine shows what it cannot generate. */
	memset(&acpi, 0, sizeof acpi);
	assert_true(acpi_cache_digests(cache, &acpi, &lab->config.shape, profile, &lab->why) ||
	    lab->config.shape.num_gpus != 0);
	assert_true(td_hob_measure(&part.td_hob, &lab->record.td_hob, memory_size, &lab->why));
	assert_true(kernel_header_read(&header, lab->image.files.kernel, &lab->why));
	if (patched &&
	    kernel_initrd_addr(&addr, &header, lab->image.files.initrd_size, memory_size,
	    &lab->why)) {
		assert_true(kernel_fact_compute(&lab->fact, arena, &lab->image.hash,
		    &lab->image.files, addr, &lab->why));
		part.kernel = lab->fact.kernel;
	}
	launch_events_compute(&events, &part, &acpi);
	launch_registers_compute(&lab->quoted, &part.mrtd, &events);
}

static void
lab_open(struct lab *lab, const char *extra, const char *config)
{
	*lab = (struct lab){ 0 };
	arena_reset(arena);
	image_case_init(&lab->image, arena);
	lab->image.metadata = image_case_metadata(arena, extra);
	image_case_seal(&lab->image, arena);
	assert_true(image_record_compute(&lab->record, arena, &lab->image.hash, &lab->image.files,
	    &lab->why));
	assert_true(vm_config_read(&lab->config, arena, bytes_str(config), &lab->why));
}

static enum legacy_outcome
check(struct lab *lab)
{
	const struct legacy_input input = { .record = &lab->record, .config = &lab->config,
	    .quoted = &lab->quoted, .kernel = lab->kernel, .cache = cache };

	return legacy_check(&lab->result, &input, &lab->why);
}

#define NORMALIZED      "\"kernel_header_normalized\": true, "
#define PLAIN           ""
#define LARGE           "\"cpu_count\":2,\"memory_size\":4294967296"
#define SMALL           "\"cpu_count\":2,\"memory_size\":1073741824"
#define GPU             "\"num_gpus\":1"

/* What machines show, and which of it is accepted: each second chance, and a step outside. */
static const struct {
	const char *name, *extra, *config;
	enum acpi_profile profile;
	bool    patched, two_pass;
	enum legacy_kernel kernel;      /* NONE: refused                */
	const char *why;                /* how the reason begins        */
} machines[] = {
	{ "plain", PLAIN, "{" LARGE "}", ACPI_NEWEST, true, false, LEGACY_KERNEL_PATCHED, NULL },
	{ "8.2.2", PLAIN, "{" LARGE ",\"qemu_version\":\"8.2.2\"}", ACPI_NEWEST, true, true,
	    LEGACY_KERNEL_PATCHED, NULL },
	{ "8.2.2 in one pass", PLAIN, "{" LARGE ",\"qemu_version\":\"8.2.2\"}", ACPI_NEWEST, true,
	    false, LEGACY_KERNEL_NONE, "MRs do not match: MRTD mismatch" },
	{ "9.0.0 in two passes", PLAIN, "{" LARGE ",\"qemu_version\":\"9.0.0\"}", ACPI_NEWEST, true,
	    true, LEGACY_KERNEL_NONE, "MRs do not match: MRTD mismatch" },
	{ "single pass, which is two", PLAIN, "{" LARGE ",\"qemu_single_pass_add_pages\":true}",
	    ACPI_NEWEST, true, true, LEGACY_KERNEL_PATCHED, NULL },
	{ "10.2.0 unpatched", PLAIN, "{" LARGE ",\"qemu_version\":\"10.2.0\"}", ACPI_NEWEST, false,
	    false, LEGACY_KERNEL_UNPATCHED, NULL },
	{ "10.2.0 patched", PLAIN, "{" LARGE ",\"qemu_version\":\"10.2.0\"}", ACPI_NEWEST, true,
	    false, LEGACY_KERNEL_PATCHED, NULL },
	{ "11.0.0 unpatched", PLAIN, "{" LARGE ",\"qemu_version\":\"11.0.0\"}", ACPI_NEWEST, false,
	    false, LEGACY_KERNEL_UNPATCHED, NULL },
	{ "10.1.9 unpatched", PLAIN, "{" LARGE ",\"qemu_version\":\"10.1.9\"}", ACPI_NEWEST, false,
	    false, LEGACY_KERNEL_NONE, "MRs do not match: RTMR1 mismatch" },
	{ "9.3.0 unpatched", PLAIN, "{" LARGE ",\"qemu_version\":\"9.3.0\"}", ACPI_NEWEST, false,
	    false, LEGACY_KERNEL_NONE, "MRs do not match: RTMR1 mismatch" },
	{ "no version, unpatched", PLAIN, "{" LARGE "}", ACPI_NEWEST, false, false,
	    LEGACY_KERNEL_NONE, "MRs do not match: RTMR1 mismatch" },
	{ "normalized", NORMALIZED, "{" LARGE "}", ACPI_NEWEST, false, false,
	    LEGACY_KERNEL_NORMALIZED, NULL },
	{ "normalized, little memory", NORMALIZED, "{" SMALL "}", ACPI_NEWEST, false, false,
	    LEGACY_KERNEL_NORMALIZED, NULL },
	{ "normalized, 10.2.0", NORMALIZED, "{" LARGE ",\"qemu_version\":\"10.2.0\"}", ACPI_NEWEST,
	    false, false, LEGACY_KERNEL_NORMALIZED, NULL },
	{ "normalized, patched", NORMALIZED, "{" LARGE ",\"qemu_version\":\"9.2.0\"}", ACPI_NEWEST,
	    true, false, LEGACY_KERNEL_NONE, "MRs do not match: RTMR1 mismatch" },
	{ "normalized, patched, 10.2.0", NORMALIZED, "{" LARGE ",\"qemu_version\":\"10.2.0\"}",
	    ACPI_NEWEST, true, false, LEGACY_KERNEL_NONE, "MRs do not match: RTMR1 mismatch" },
	{ "GPU on bus 0, hotplug on", PLAIN, "{" LARGE "," GPU "}", ACPI_GENUINE, true, false,
	    LEGACY_KERNEL_PATCHED, NULL },
	{ "the same, unpatched", PLAIN, "{" LARGE "," GPU ",\"qemu_version\":\"10.2.1\"}",
	    ACPI_GENUINE, false, false, LEGACY_KERNEL_UNPATCHED, NULL },
	{ "the same, other tables", PLAIN, "{" LARGE "," GPU "}", ACPI_NEWEST, true, false,
	    LEGACY_KERNEL_NONE, PREFIX "failed to generate QEMU ACPI tables: PCI hotplug on root "
	    "ports is not modeled; set hotplug_off for GPU passthrough" },
	{ "memory moved to 1 TiB", PLAIN,
	    "{\"cpu_count\":2,\"memory_size\":1099511627776,\"hugepages\":true}", ACPI_GENUINE,
	    true, false, LEGACY_KERNEL_PATCHED, NULL },
	{ "and as upstream has it", PLAIN,
	    "{\"cpu_count\":2,\"memory_size\":1099511627776,\"hugepages\":true}", ACPI_NEWEST,
	    true, false, LEGACY_KERNEL_PATCHED, NULL },
};

static void
test_machines(void **state)
{
	enum legacy_outcome outcome;
	struct lab lab;
	size_t i;

	for (i = 0; i < NELEM(machines); i++) {
		lab_open(&lab, machines[i].extra, machines[i].config);
		machine_run(&lab, machines[i].profile, machines[i].patched, machines[i].two_pass);
		lab.why = (struct reason){ 0 };
		outcome = check(&lab);
		if ((outcome == LEGACY_MATCHED) != (machines[i].why == NULL) ||
		    outcome == LEGACY_NEEDS_KERNEL ||
		    (machines[i].why != NULL && strncmp(lab.why.text, machines[i].why,
			strlen(machines[i].why)) != 0))
			fail_msg("%s: got %d \"%s\"", machines[i].name, outcome, lab.why.text);
		assert_int_equal(lab.result.acpi_tables_verified, outcome == LEGACY_MATCHED);
		if (outcome != LEGACY_MATCHED)
			continue;
		if (lab.result.kernel != machines[i].kernel ||
		    lab.result.acpi_profile != machines[i].profile ||
		    lab.result.two_pass != machines[i].two_pass)
			fail_msg("%s: matched as %d %d %d", machines[i].name, lab.result.kernel,
			    lab.result.acpi_profile, lab.result.two_pass);
		assert_memory_equal(&lab.result.expected, &lab.quoted, sizeof lab.quoted);
	}
}

/* Each register, in the order of comparison; the reason holds what was expected first. */
static void
test_registers(void **state)
{
	static const char *const names[] = { "MRTD", "RTMR0", "RTMR1", "RTMR2" };
	char wanted[512], want_hex[97], got_hex[97];
	struct digest384 *reg, was;
	struct lab lab;
	size_t i;

	lab_open(&lab, PLAIN, "{" LARGE ",\"qemu_version\":\"10.2.0\"}");
	for (i = 4; i-- > 0;) {
		machine_run(&lab, ACPI_NEWEST, true, false);
		reg = i == 0 ? &lab.quoted.mrtd : &lab.quoted.rtmr[i - 1];
		was = *reg;
		reg->data[47] ^= 1;
		hex_text(want_hex, BYTES_OF(was.data));
		hex_text(got_hex, BYTES_OF(reg->data));
		snprintf(wanted, sizeof wanted,
		    "MRs do not match: %s mismatch: expected=%s, actual=%s",
		    names[i], want_hex, got_hex);
		/* What comes later in the order is wrong as well, and not told. */
		if (i < 3)
			lab.quoted.rtmr[2].data[0] ^= 0xff;
		assert_int_equal(check(&lab), LEGACY_REFUSED);
		assert_string_equal(lab.why.text, wanted);
		assert_int_equal(lab.why.kind, REASON_REFUSED);
		assert_true(lab.result.computed);
	}
}

/* A low-memory shape needs a fact, but only of a machine that is that small. */
static void
test_kernel_fact(void **state)
{
	struct lab lab;

	lab_open(&lab, PLAIN, "{" SMALL ",\"qemu_version\":\"10.2.0\"}");
	machine_run(&lab, ACPI_NEWEST, true, false);
	assert_int_equal(check(&lab), LEGACY_NEEDS_KERNEL);
	assert_int_equal(lab.result.initrd_addr, 0x3ffbf000);
	assert_false(lab.result.computed || lab.result.acpi_tables_verified);

	lab.quoted.rtmr[0].data[0] ^= 1;
	assert_int_equal(check(&lab), LEGACY_REFUSED);
	assert_memory_equal(lab.why.text, "MRs do not match: RTMR0 mismatch", 32);
	lab.quoted.mrtd.data[0] ^= 1;
	assert_int_equal(check(&lab), LEGACY_REFUSED);
	assert_memory_equal(lab.why.text, "MRs do not match: MRTD mismatch", 31);

	machine_run(&lab, ACPI_NEWEST, true, false);
	lab.kernel = &lab.fact;
	assert_int_equal(check(&lab), LEGACY_MATCHED);
	assert_int_equal(lab.result.kernel, LEGACY_KERNEL_PATCHED);
	lab.quoted.rtmr[2].data[0] ^= 1;
	assert_int_equal(check(&lab), LEGACY_REFUSED);
	assert_memory_equal(lab.why.text, "MRs do not match: RTMR2 mismatch", 32);

	/* As shipped, which takes the fact too, since it is tried first. */
	machine_run(&lab, ACPI_NEWEST, false, false);
	lab.kernel = NULL;
	assert_int_equal(check(&lab), LEGACY_NEEDS_KERNEL);
	lab.kernel = &lab.fact;
	assert_int_equal(check(&lab), LEGACY_MATCHED);
	assert_int_equal(lab.result.kernel, LEGACY_KERNEL_UNPATCHED);
}

/* A fact about something else is not evidence against the machine. */
static void
test_wrong_fact(void **state)
{
	static const char wanted[] =
	    PREFIX "kernel was measured with another initrd address or size";
	struct lab lab;

	lab_open(&lab, PLAIN, "{" SMALL "}");
	machine_run(&lab, ACPI_NEWEST, true, false);
	lab.kernel = &lab.fact;
	assert_int_equal(check(&lab), LEGACY_MATCHED);
	lab.fact.initrd_addr += 4096;
	assert_int_equal(check(&lab), LEGACY_REFUSED);
	assert_string_equal(lab.why.text, wanted);
	assert_int_equal(lab.why.kind, REASON_UNAVAILABLE);
	lab.fact.initrd_addr -= 4096;
	lab.fact.initrd_size++;
	assert_int_equal(check(&lab), LEGACY_REFUSED);
	assert_string_equal(lab.why.text, wanted);
	/* One that is not needed is not looked at. */
	lab_open(&lab, PLAIN, "{" LARGE "}");
	machine_run(&lab, ACPI_NEWEST, true, false);
	memset(&lab.fact, 0xff, sizeof lab.fact);
	lab.kernel = &lab.fact;
	assert_int_equal(check(&lab), LEGACY_MATCHED);
}

/* Shapes that cannot be judged. */
static void
test_shapes(void **state)
{
	static const struct {
		const char *name, *config, *why;
	} cases[] = {
		{ "no memory", "{\"cpu_count\":1}", PREFIX "memory_size 0 is out of range" },
		{ "2^52 bytes", "{\"cpu_count\":1,\"memory_size\":4503599627370496}",
		    "MRs do not match: MRTD mismatch" },
		{ "and one", "{\"cpu_count\":1,\"memory_size\":4503599627370497}",
		    PREFIX "memory_size 4503599627370497 is out of range" },
		{ "2^64 - 1", "{\"cpu_count\":1,\"memory_size\":18446744073709551615}",
		    PREFIX "memory_size 18446744073709551615 is out of range" },
		{ "7.2.0", "{" LARGE ",\"qemu_version\":\"7.2.0\"}", PREFIX
		    "Failed to compute MR TD: "
		    "Failed to get versioned options: Unsupported QEMU version: (7, 2, 0)" },
		{ "7.2.0 and a page order", "{" LARGE ",\"qemu_version\":\"7.2.0\","
		    "\"qemu_single_pass_add_pages\":false}", PREFIX "Failed to compute MR TD: "
		    "Failed to get versioned options: Unsupported QEMU version: (7, 2, 0)" },
		{ "two numbers", "{" LARGE ",\"qemu_version\":\"9.1\"}", PREFIX
		    "Failed to compute MR TD: Failed to get versioned options: "
		    "Failed to parse QEMU version: Version string must have exactly 3 parts "
		    "(major.minor.patch), got 2" },
		{ "no processor", "{\"memory_size\":4294967296}", PREFIX
		    "failed to generate QEMU ACPI tables: cpu_count must be greater than zero" },
		{ "too little memory", "{\"cpu_count\":1,\"memory_size\":4096}", PREFIX
		    "Failed to patch kernel: ACPI data size (163840) exceeds available "
		    "memory (4096)" },
		{ "for the initrd", "{\"cpu_count\":1,\"memory_size\":200000}", PREFIX
		    "Failed to patch kernel: initrd is too large" },
	};
	struct lab lab;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		lab_open(&lab, PLAIN, cases[i].config);
		assert_int_equal(check(&lab), LEGACY_REFUSED);
		if (strncmp(lab.why.text, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("%s: got \"%s\"", cases[i].name, lab.why.text);
	}
}

/* The TD HOB's address can be such that the list ends past the address space. */
static void
test_td_hob(void **state)
{
	struct lab lab;

	lab_open(&lab, PLAIN, "{" LARGE "}");
	lab.record.td_hob.address = UINT64_MAX - 4095;
	machine_run(&lab, ACPI_NEWEST, true, false);
	assert_int_equal(check(&lab), LEGACY_MATCHED);
	lab.record.td_hob.address = UINT64_MAX - 255;
	assert_int_equal(check(&lab), LEGACY_REFUSED);
	assert_string_equal(lab.why.text, PREFIX "TD HOB end-of-list address overflow");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machines), cmocka_unit_test(test_registers),
		cmocka_unit_test(test_kernel_fact), cmocka_unit_test(test_wrong_fact),
		cmocka_unit_test(test_shapes), cmocka_unit_test(test_td_hob),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
