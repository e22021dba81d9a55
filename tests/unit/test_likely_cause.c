#include "testing.h"

#include <stdio.h>

#include "../support/image_case.h"
#include "../teesim/image.h"
#include "measure/likely_cause.h"

static struct arena *arena;
static struct acpi_cache *cache;

static int
setup(void **state)
{
	arena = arena_new(16u << 20);
	cache = acpi_cache_new(ACPI_CACHE_ENTRIES);
	return arena == NULL || cache == NULL;
}

static int
teardown(void **state)
{
	acpi_cache_free(cache);
	arena_free(arena);
	return 0;
}

#define BASE    "\"cpu_count\":4,\"memory_size\":4294967296,\"qemu_version\":\"9.2.1\""
#define SHAPE   "the machine has another shape than vm_config says: "
#define KERNEL  "\"kernel_header_normalized\": true, "

#define MANY(version, off) \
	"\"cpu_count\":4,\"memory_size\":2199023255552,\"hugepages\":true,\"num_nics\":6," \
	"\"num_verity_volumes\":6,\"qemu_version\":\"" version "\",\"hotplug_off\":" off

enum spoilt { NOTHING, MRTD, RTMR0, RTMR1, RTMR2, UNPATCHED };

/* What the host declares, what it runs, and what else is wrong. */
static const struct {
	const char *name, *declared, *run;
	enum acpi_profile profile;
	enum spoilt spoilt;
	const char *text;       /* NULL: none is found          */
} cases[] = {
	{ "nothing", BASE, BASE, ACPI_NEWEST, NOTHING, NULL },
	{ "page order", BASE, BASE ",\"qemu_single_pass_add_pages\":true", ACPI_NEWEST, NOTHING,
	    "the host's QEMU adds pages in two-pass order, vm_config's qemu_version or "
	    "qemu_single_pass_add_pages stand for single-pass order" },
	{ "the other page order", BASE ",\"qemu_single_pass_add_pages\":true", BASE, ACPI_NEWEST,
	    NOTHING, "the host's QEMU adds pages in single-pass order, vm_config's qemu_version or "
	    "qemu_single_pass_add_pages stand for two-pass order" },
	{ "firmware", BASE, BASE, ACPI_NEWEST, MRTD, "the firmware is not the one of this image" },
	{ "hotplug on", BASE ",\"hotplug_off\":true", BASE, ACPI_NEWEST, NOTHING,
	    SHAPE "hotplug_off is false" },
	{ "hotplug off", BASE, BASE ",\"hotplug_off\":true", ACPI_NEWEST,
	    NOTHING,
	    SHAPE "hotplug_off is true" },
	{ "hugepages", BASE, BASE ",\"hugepages\":true", ACPI_NEWEST, NOTHING,
	    SHAPE "hugepages is true" },
	{ "pic on", BASE, BASE ",\"pic\":true", ACPI_NEWEST, NOTHING, SHAPE "pic is true" },
	{ "pic off", BASE ",\"pic\":true", BASE, ACPI_NEWEST, NOTHING, SHAPE "pic is false" },
	{ "release", "\"cpu_count\":4,\"memory_size\":4294967296,\"qemu_version\":\"10.2.1\"", BASE,
	    ACPI_NEWEST, NOTHING, SHAPE "qemu_version is 9.2.1" },
	{ "a processor more", BASE, "\"cpu_count\":5,\"memory_size\":4294967296,"
	    "\"qemu_version\":\"9.2.1\"", ACPI_NEWEST, NOTHING, SHAPE "cpu_count is 5" },
	{ "half the processors", BASE, "\"cpu_count\":2,\"memory_size\":4294967296,"
	    "\"qemu_version\":\"9.2.1\"", ACPI_NEWEST, NOTHING, SHAPE "cpu_count is 2" },
	{ "no network", BASE, BASE ",\"num_nics\":0", ACPI_NEWEST, NOTHING, SHAPE "num_nics is 0" },
	{ "memory", BASE, "\"cpu_count\":4,\"memory_size\":8589934592,\"qemu_version\":\"9.2.1\"",
	    ACPI_NEWEST, NOTHING, SHAPE "memory_size is 8589934592" },
	{ "memory of whole GiB",
	    "\"cpu_count\":4,\"memory_size\":4293918720,\"qemu_version\":\"9.2.1\"", BASE,
	    ACPI_NEWEST, NOTHING, SHAPE "memory_size is 4294967296" },
	{ "many things", BASE, "\"cpu_count\":7,\"memory_size\":8589934592", ACPI_NEWEST, NOTHING,
	    "no neighbouring VM shape has these ACPI tables and this memory map" },
	{ "too many processors to try", "\"cpu_count\":601,\"memory_size\":4294967296",
	    "\"cpu_count\":601,\"memory_size\":4294967296,\"hotplug_off\":true", ACPI_NEWEST,
	    NOTHING,
	    "no neighbouring VM shape has these ACPI tables and this memory map" },
	{ "release and hotplug", BASE, "\"cpu_count\":4,\"memory_size\":4294967296,"
	    "\"qemu_version\":\"11.1.0\",\"hotplug_off\":true", ACPI_NEWEST, NOTHING,
	    SHAPE "qemu_version is 11.1.0 and hotplug_off is true" },
	/* The same where nearly every shape has two tables. */
	{ "more to try than are tried", MANY("9.2.1", "false"), MANY("11.1.0", "true"),
	    ACPI_NEWEST, NOTHING,
	    "no neighbouring VM shape has these ACPI tables and this memory map" },
	{ "what is tried before", MANY("9.2.1", "false"), MANY("11.1.0", "false"),
	    ACPI_NEWEST, NOTHING, SHAPE "qemu_version is 11.1.0" },
	{ "unmodified QEMU, accepted",
	    "\"cpu_count\":4,\"memory_size\":1099511627776,\"hugepages\":true",
	    "\"cpu_count\":4,\"memory_size\":1099511627776,\"hugepages\":true", ACPI_GENUINE,
	    NOTHING,
	    NULL },
	{ "kernel", BASE, BASE, ACPI_NEWEST, RTMR1, "the kernel is not the one of this image, or "
	    "another size of initrd moved it" },
	{ "kernel as it is", BASE, BASE, ACPI_NEWEST, UNPATCHED, "QEMU handed the kernel on as it "
	    "is, which it does from 10.2 on, and vm_config's qemu_version is older" },
	{ "which 10.2 may",
	    "\"cpu_count\":4,\"memory_size\":4294967296,\"qemu_version\":\"10.2.0\"",
	    "\"cpu_count\":4,\"memory_size\":4294967296,\"qemu_version\":\"10.2.0\"", ACPI_NEWEST,
	    UNPATCHED, NULL },
	{ "initrd", BASE, BASE, ACPI_NEWEST, RTMR2,
	    "the command line or the initrd is not the one of this image" },
	{ "a shape that is none", BASE ",\"swtpm\":true", BASE, ACPI_NEWEST, NOTHING,
	    "no neighbouring VM shape has these ACPI tables and this memory map" },
};

static void
config_read(struct vm_config *config, const char *members)
{
	const size_t len = strlen(members) + 3;
	struct reason why;
	char *text = arena_alloc(arena, len, &why);     /* spans of *config point into it */

	assert_true(text != NULL);
	snprintf(text, len, "{%s}", members);
	assert_true(vm_config_read(config, arena, bytes_str(text), &why));
}

static void
machine_run(struct launch_registers *out, const struct image_record *record,
    const struct vm_config *config, enum acpi_profile profile, enum spoilt spoilt)
{
	struct launch_image part = {
		.kernel = spoilt == UNPATCHED || record->kernel_header_normalized ?
		    record->kernel_unpatched : record->kernel_patched,
		.cmdline = record->cmdline, .initrd = record->initrd,
	};
	struct launch_events events;
	struct acpi_digests acpi;
	struct reason why;
	bool two;

	assert_true(vm_config_two_pass(&two, config, &why));
	part.mrtd = two ? record->mrtd_two_pass : record->mrtd_single_pass;
	assert_true(td_hob_measure(&part.td_hob, &record->td_hob, config->shape.memory_size, &why));
	assert_true(acpi_cache_digests(cache, &acpi, &config->shape, profile, &why));
	launch_events_compute(&events, &part, &acpi);
	launch_registers_compute(out, &part.mrtd, &events);
	if (spoilt == MRTD)
		out->mrtd.data[0] ^= 1;
	else if (spoilt >= RTMR0 && spoilt <= RTMR2)
		out->rtmr[spoilt - RTMR0].data[0] ^= 1;
}

static void
record_make(struct image_record *record, const char *extra)
{
	struct image_case image;
	struct reason why;

	arena_reset(arena);
	image_case_init(&image, arena);
	image.metadata = image_case_metadata(arena, extra);
	image_case_seal(&image, arena);
	assert_true(image_record_compute(record, arena, &image.hash, &image.files, &why));
}

static void
expect(const char *name, bool ok, const struct likely_cause *cause, const char *wanted)
{
	if (ok != (wanted != NULL) || (ok && strcmp(cause->text, wanted) != 0))
		fail_msg("%s: got %d \"%s\"", name, ok, ok ? cause->text : "");
}

static void
test_legacy(void **state)
{
	struct launch_registers quoted;
	struct vm_config declared, run;
	struct image_record record;
	struct likely_cause cause;
	const struct legacy_input input = { .record = &record, .config = &declared,
	    .quoted = &quoted, .cache = cache };
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		record_make(&record, "");
		config_read(&declared, cases[i].declared);
		config_read(&run, cases[i].run);
		machine_run(&quoted, &record, &run, cases[i].profile, cases[i].spoilt);
		expect(cases[i].name, likely_cause_legacy(&cause, &input), &cause, cases[i].text);
	}
}

static void
test_normalized(void **state)
{
	struct launch_registers quoted;
	struct vm_config config;
	struct image_record record;
	struct likely_cause cause;
	const struct legacy_input input = { .record = &record, .config = &config,
	    .quoted = &quoted, .cache = cache };

	record_make(&record, KERNEL);
	config_read(&config, BASE);
	machine_run(&quoted, &record, &config, ACPI_NEWEST, NOTHING);
	expect("normalized", likely_cause_legacy(&cause, &input), &cause, NULL);
	quoted.rtmr[1].data[0] ^= 1;
	expect("patched all the same", likely_cause_legacy(&cause, &input), &cause,
	    "QEMU rewrote the header of the kernel, or it is not the one of this image");
}

/* A machine said to be small has its initrd where large ones do. */
static void
test_initrd_addr(void **state)
{
	struct launch_registers quoted, small;
	struct kernel_fact fact = { .initrd_addr = 0x3ffbf000, .initrd_size = 100001 };
	struct vm_config config;
	struct image_record record;
	struct likely_cause cause;
	struct legacy_input input = { .record = &record, .config = &config, .quoted = &quoted,
	    .cache = cache };

	record_make(&record, "");
	config_read(&config, "\"cpu_count\":4,\"memory_size\":1073741824");
	machine_run(&small, &record, &config, ACPI_NEWEST, NOTHING);
	quoted = small;                         /* RTMR1 with much memory */
	expect("without a fact", likely_cause_legacy(&cause, &input), &cause, NULL);
	input.kernel = &fact;
	expect("with a fact", likely_cause_legacy(&cause, &input), &cause,
	    "the initrd lies where it does in a machine with more memory than vm_config's "
	    "memory_size");
}

static void
test_lite(void **state)
{
	struct tdx_document doc = image_sample();
	struct launch_registers quoted;
	struct vm_config config, run;
	struct image_record record = { 0 };
	struct likely_cause cause;
	struct reason why;
	const struct event_list log = { NULL, 0 };
	const struct lite_input input = { .config = &config, .log = &log, .quoted = &quoted,
	    .cache = cache, .minimum_version = 3 };

	arena_reset(arena);
	memcpy(record.mrtd_single_pass.data, doc.mrtd_single_pass.ptr, 48);
	memcpy(record.mrtd_two_pass.data, doc.mrtd_two_pass.ptr, 48);
	memcpy(record.kernel_patched.data, doc.kernel_authenticode.ptr, 48);
	memcpy(record.initrd.data, doc.initrd_sha384.ptr, 48);
	assert_true(tdx_document_cmdline(&record.cmdline, &doc, &why));
	assert_true(td_hob_witness_read(&record.td_hob, doc.td_hob, &why));
	config_read(&config, BASE);
	config_read(&run, BASE ",\"hotplug_off\":true");
	config.tdx.measurement = image_document(&doc);
	machine_run(&quoted, &record, &config, ACPI_NEWEST, NOTHING);
	expect("nothing", likely_cause_lite(&cause, &input), &cause, NULL);
	machine_run(&quoted, &record, &run, ACPI_NEWEST, NOTHING);
	expect("hotplug", likely_cause_lite(&cause, &input), &cause, SHAPE "hotplug_off is true");
	machine_run(&quoted, &record, &config, ACPI_NEWEST, RTMR1);
	expect("kernel", likely_cause_lite(&cause, &input), &cause, "the kernel is not the one of "
	    "this image, or QEMU rewrote its header in another way than the document assumes");
	machine_run(&quoted, &record, &config, ACPI_NEWEST, RTMR2);
	expect("initrd", likely_cause_lite(&cause, &input), &cause,
	    "the command line or the initrd is not the one of this image");
	config.tdx.measurement.len--;
	expect("broken document", likely_cause_lite(&cause, &input), &cause, NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_legacy), cmocka_unit_test(test_normalized),
		cmocka_unit_test(test_initrd_addr), cmocka_unit_test(test_lite),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
