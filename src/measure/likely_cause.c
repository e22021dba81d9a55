#include "measure/likely_cause.h"

#include <inttypes.h>
#include <stdio.h>

#include "measure/td_hob.h"
#include "measure/tdx_document.h"

#define MIB             (UINT64_C(1) << 20)
#define GIB             (UINT64_C(1) << 30)

/* What there is to compare with. */
struct lab {
	const struct vm_config *config;
	const struct launch_registers *quoted;
	struct acpi_cache *cache;
	struct digest384 mrtd[2];               /* single pass, two pass        */
	struct td_hob td_hob;
	const struct image_record *record;      /* NULL: only a document        */
	const struct kernel_fact *kernel;
	struct digest384 document_kernel;
	struct digest384 cmdline, initrd;
	unsigned n_tries;
};

static bool
say(struct likely_cause *out, const char *text)
{
	snprintf(out->text, sizeof out->text, "%s", text);
	return true;
}

static bool
mrtd_judge(struct likely_cause *out, const struct lab *lab)
{
	static const char *const orders[] = { "single-pass", "two-pass" };
	struct reason ignored;
	bool two;

	if (!vm_config_two_pass(&two, lab->config, &ignored) ||
	    digest384_equal(&lab->mrtd[two], &lab->quoted->mrtd))
		return false;
	if (!digest384_equal(&lab->mrtd[!two], &lab->quoted->mrtd))
		return say(out, "the firmware is not the one of this image");
	snprintf(out->text, sizeof out->text, "the host's QEMU adds pages in %s order, vm_config's "
	    "qemu_version or qemu_single_pass_add_pages stand for %s order", orders[!two],
	    orders[two]);
	return true;
}

/* Whether a machine of that shape has the quoted RTMR0. */
static bool
shape_try(struct lab *lab, const struct acpi_shape *shape, enum acpi_profile profile)
{
	struct digest384 td_hob, events[RTMR0_EVENTS], rtmr0;
	struct acpi_digests acpi;
	struct reason ignored;

	if (lab->n_tries == LIKELY_CAUSE_MAX_TRIES || shape->cpu_count > LIKELY_CAUSE_MAX_CPUS)
		return false;
	lab->n_tries++;
	if (!acpi_cache_digests(lab->cache, &acpi, shape, profile, &ignored) ||
	    !td_hob_measure(&td_hob, &lab->td_hob, shape->memory_size, &ignored))
		return false;
	rtmr0_events(events, &td_hob, &acpi);
	rtmr_compute(&rtmr0, events, RTMR0_EVENTS);
	return digest384_equal(&rtmr0, &lab->quoted->rtmr[0]);
}

static bool
found_u64(struct likely_cause *out, const char *name, uint64_t value)
{
	snprintf(out->text, sizeof out->text,
	    "the machine has another shape than vm_config says: %s is %" PRIu64, name, value);
	return true;
}

static bool
found(struct likely_cause *out, const char *name, const char *value)
{
	snprintf(out->text, sizeof out->text,
	    "the machine has another shape than vm_config says: %s is %s", name, value);
	return true;
}

static bool
flags_try(struct likely_cause *out, struct lab *lab)
{
	struct acpi_shape shape = lab->config->shape;

	shape.hotplug_off = !shape.hotplug_off;
	if (shape_try(lab, &shape, ACPI_NEWEST))
		return found(out, "hotplug_off", shape.hotplug_off ? "true" : "false");
	shape = lab->config->shape;
	shape.hugepages = !shape.hugepages;
	if (shape_try(lab, &shape, ACPI_NEWEST))
		return found(out, "hugepages", shape.hugepages ? "true" : "false");
	shape = lab->config->shape;
	shape.pic = ACPI_PIC_ON;
	if (shape_try(lab, &shape, ACPI_NEWEST))
		return found(out, "pic", "true");
	shape.pic = ACPI_PIC_OFF;
	return shape_try(lab, &shape, ACPI_NEWEST) && found(out, "pic", "false");
}

/* One release of each generation of tables. */
static bool
releases_try(struct likely_cause *out, struct lab *lab)
{
	static const char *const releases[] = { "8.2.2", "9.1.0", "9.2.1", "10.0.0", "11.0.0",
	    "11.1.0" };
	struct acpi_shape shape = lab->config->shape;
	size_t i;

	shape.has_qemu_version = true;
	for (i = 0; i < NELEM(releases); i++) {
		shape.qemu_version = bytes_str(releases[i]);
		if (shape_try(lab, &shape, ACPI_NEWEST))
			return found(out, "qemu_version", releases[i]);
	}
	return false;
}

static bool
count_try(struct likely_cause *out, struct lab *lab, const char *name, size_t offset)
{
	struct acpi_shape shape = lab->config->shape;
	uint32_t *field = (uint32_t *)(void *)((char *)&shape + offset);
	const uint32_t was = *field;
	const uint32_t tries[] = { was + 1, was - 1, was * 2, was / 2 };
	size_t i;

	for (i = 0; i < NELEM(tries); i++) {
		*field = tries[i];
		if (tries[i] != was && shape_try(lab, &shape, ACPI_NEWEST))
			return found_u64(out, name, tries[i]);
	}
	return false;
}

static bool
counts_try(struct likely_cause *out, struct lab *lab)
{
	static const struct {
		const char *name;
		size_t  offset;
	} counts[] = {
		{ "cpu_count",          offsetof(struct acpi_shape, cpu_count) },
		{ "num_nics",           offsetof(struct acpi_shape, num_nics) },
		{ "num_gpus",           offsetof(struct acpi_shape, num_gpus) },
		{ "num_nvswitches",     offsetof(struct acpi_shape, num_nvswitches) },
		{ "num_verity_volumes", offsetof(struct acpi_shape, num_verity_volumes) },
	};
	size_t i;

	for (i = 0; i < NELEM(counts); i++)
		if (count_try(out, lab, counts[i].name, counts[i].offset))
			return true;
	return false;
}

static bool
memory_try(struct likely_cause *out, struct lab *lab)
{
	const uint64_t was = lab->config->shape.memory_size;
	const uint64_t tries[] = { was / MIB * MIB, was / GIB * GIB, was + GIB, was - GIB, was * 2,
	    was / 2, KERNEL_HIGH_MEMORY };
	struct acpi_shape shape = lab->config->shape;
	size_t i;

	for (i = 0; i < NELEM(tries); i++) {
		shape.memory_size = tries[i];
		if (tries[i] != was && shape_try(lab, &shape, ACPI_NEWEST))
			return found_u64(out, "memory_size", tries[i]);
	}
	return false;
}

static bool
rtmr0_judge(struct likely_cause *out, struct lab *lab)
{
	const struct acpi_shape *shape = &lab->config->shape;

	if (shape_try(lab, shape, ACPI_NEWEST) ||
	    (acpi_second_chance(shape) && shape_try(lab, shape, ACPI_GENUINE)))
		return false;
	if (flags_try(out, lab) || releases_try(out, lab) || counts_try(out, lab) ||
	    memory_try(out, lab))
		return true;
	return say(out, "no neighbouring VM shape has these ACPI tables and this memory map");
}

static bool
kernel_equal(const struct lab *lab, const struct digest384 *kernel)
{
	struct digest384 events[RTMR1_EVENTS], rtmr1;

	rtmr1_events(events, kernel);
	rtmr_compute(&rtmr1, events, RTMR1_EVENTS);
	return digest384_equal(&rtmr1, &lab->quoted->rtmr[1]);
}

/* legacy_check() takes the kernel as shipped from these releases. */
static bool
unpatched_allowed(const struct lab *lab)
{
	struct acpi_version version;
	struct reason ignored;

	return !lab->record->kernel_header_normalized &&
	    vm_config_qemu_version(&version, lab->config, &ignored) &&
	    legacy_unpatched_release(&version);
}

/* With a record the digests of other ways to hand the kernel on are known. */
static bool
rtmr1_judge(struct likely_cause *out, const struct lab *lab)
{
	const struct image_record *record = lab->record;
	struct reason ignored;
	uint32_t addr;
	bool known;

	if (record == NULL)
		return !kernel_equal(lab, &lab->document_kernel) && say(out,
		    "the kernel is not the one of this image, or QEMU rewrote its header "
		    "in another way than the document assumes");
	if (!image_record_initrd_addr(&addr, &known, record, lab->config->shape.memory_size,
	    &ignored) || (!known && lab->kernel == NULL))
		return false;
	if (kernel_equal(lab, record->kernel_header_normalized ? &record->kernel_unpatched :
	    known ? &record->kernel_patched : &lab->kernel->kernel))
		return false;
	if (kernel_equal(lab, &record->kernel_unpatched))
		return !unpatched_allowed(lab) && say(out,
		    "QEMU handed the kernel on as it is, which it does from 10.2 on, and "
		    "vm_config's qemu_version is older");
	if (!record->kernel_header_normalized && kernel_equal(lab, &record->kernel_patched))
		return say(out, "the initrd lies where it does in a machine with more memory than "
		    "vm_config's memory_size");
	return say(out, record->kernel_header_normalized ?
	    "QEMU rewrote the header of the kernel, or it is not the one of this image" :
	    "the kernel is not the one of this image, or another size of initrd moved it");
}

static bool
rtmr2_judge(struct likely_cause *out, const struct lab *lab)
{
	struct digest384 events[RTMR2_EVENTS], rtmr2;

	rtmr2_events(events, &lab->cmdline, &lab->initrd);
	rtmr_compute(&rtmr2, events, RTMR2_EVENTS);
	return !digest384_equal(&rtmr2, &lab->quoted->rtmr[2]) &&
	    say(out, "the command line or the initrd is not the one of this image");
}

static bool
lab_judge(struct likely_cause *out, struct lab *lab)
{
	return mrtd_judge(out, lab) || rtmr0_judge(out, lab) || rtmr1_judge(out, lab) ||
	    rtmr2_judge(out, lab);
}

bool
likely_cause_legacy(struct likely_cause *out, const struct legacy_input *input)
{
	const struct image_record *record = input->record;
	struct lab lab = {
		.config = input->config, .quoted = input->quoted, .cache = input->cache,
		.mrtd = { record->mrtd_single_pass, record->mrtd_two_pass },
		.td_hob = record->td_hob, .record = record, .kernel = input->kernel,
		.cmdline = record->cmdline, .initrd = record->initrd,
	};

	return lab_judge(out, &lab);
}

bool
likely_cause_lite(struct likely_cause *out, const struct lite_input *input)
{
	struct lab lab = { .config = input->config, .quoted = input->quoted,
	    .cache = input->cache };
	struct tdx_document doc;
	struct reason ignored;

	return tdx_document_read(&doc, input->config->tdx.measurement, input->minimum_version,
	    &ignored) &&
	    tdx_document_digest(&lab.mrtd[0], doc.mrtd_single_pass, "", &ignored) &&
	    tdx_document_digest(&lab.mrtd[1], doc.mrtd_two_pass, "", &ignored) &&
	    td_hob_witness_read(&lab.td_hob, doc.td_hob, &ignored) &&
	    tdx_document_digest(&lab.document_kernel, doc.kernel_authenticode, "", &ignored) &&
	    tdx_document_digest(&lab.initrd, doc.initrd_sha384, "", &ignored) &&
	    tdx_document_cmdline(&lab.cmdline, &doc, &ignored) &&
	    lab_judge(out, &lab);
}
