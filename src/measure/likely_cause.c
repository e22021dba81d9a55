#include "measure/likely_cause.h"

#include <inttypes.h>
#include <stdio.h>

#include "measure/td_hob.h"
#include "measure/tdx_document.h"

#define MIB             (UINT64_C(1) << 20)
#define GIB             (UINT64_C(1) << 30)
/* The newest release whose tables are known. */
#define NEWEST_MAJOR    11
#define NEWEST_MINOR    1

#define SPLIT_AT        (2 * GIB)       /* where low memory ends when there is much     */

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
	bool    document_normalized;
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

/* Whether the quoted RTMR0 is the one of this TD HOB and the tables of that shape. */
static bool
tables_try(struct lab *lab, const struct digest384 *td_hob, const struct acpi_shape *shape,
    enum acpi_profile profile)
{
	struct digest384 events[RTMR0_EVENTS], rtmr0;
	struct acpi_digests acpi;
	struct reason ignored;

	if (lab->n_tries == LIKELY_CAUSE_MAX_TRIES || shape->cpu_count > LIKELY_CAUSE_MAX_CPUS ||
	    !acpi_cache_digests(lab->cache, &acpi, shape, profile, &ignored))
		return false;
	lab->n_tries++;
	rtmr0_events(events, td_hob, &acpi);
	rtmr_compute(&rtmr0, events, RTMR0_EVENTS);
	return digest384_equal(&rtmr0, &lab->quoted->rtmr[0]);
}

/* Whether a machine of that shape would be accepted with the quoted RTMR0. */
static bool
shape_try(struct lab *lab, const struct acpi_shape *shape)
{
	struct digest384 td_hob;
	struct reason ignored;

	return td_hob_measure(&td_hob, &lab->td_hob, shape->memory_size, &ignored) &&
	    (tables_try(lab, &td_hob, shape, ACPI_NEWEST) ||
	    (acpi_second_chance(shape) && tables_try(lab, &td_hob, shape, ACPI_GENUINE)));
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
	if (shape_try(lab, &shape))
		return found(out, "hotplug_off", shape.hotplug_off ? "true" : "false");
	shape = lab->config->shape;
	shape.hugepages = !shape.hugepages;
	if (shape_try(lab, &shape))
		return found(out, "hugepages", shape.hugepages ? "true" : "false");
	shape = lab->config->shape;
	shape.pic = ACPI_PIC_ON;
	if (shape_try(lab, &shape))
		return found(out, "pic", "true");
	shape.pic = ACPI_PIC_OFF;
	return shape_try(lab, &shape) && found(out, "pic", "false");
}

/* One release of each generation of tables. */
static bool
releases_try(struct likely_cause *out, struct lab *lab, struct acpi_shape shape,
    const char *and)
{
	static const char *const releases[] = { "8.2.2", "9.1.0", "9.2.1", "10.0.0", "11.0.0",
	    "11.1.0" };
	char value[64];
	size_t i;

	shape.has_qemu_version = true;
	for (i = 0; i < NELEM(releases); i++) {
		shape.qemu_version = bytes_str(releases[i]);
		if (!shape_try(lab, &shape))
			continue;
		(void)snprintf(value, sizeof value, "%s%s", releases[i], and);
		return found(out, "qemu_version", value);
	}
	return false;
}

/* Two members whose defaults changed over time, and which a host may both leave out. */
static bool
pairs_try(struct likely_cause *out, struct lab *lab)
{
	struct acpi_shape shape = lab->config->shape;

	shape.hotplug_off = !shape.hotplug_off;
	return releases_try(out, lab, shape, shape.hotplug_off ? " and hotplug_off is true" :
	    " and hotplug_off is false");
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
		if (tries[i] != was && shape_try(lab, &shape))
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
	const uint64_t tries[] = { was / MIB * MIB, was / GIB * GIB, (was / GIB + 1) * GIB,
	    was + GIB, was - GIB, was * 2, was / 2, KERNEL_HIGH_MEMORY };
	struct acpi_shape shape = lab->config->shape;
	size_t i;

	for (i = 0; i < NELEM(tries); i++) {
		shape.memory_size = tries[i];
		if (tries[i] != was && shape_try(lab, &shape))
			return found_u64(out, "memory_size", tries[i]);
	}
	return false;
}

/* Memory between the two limits lies in one piece, unless the host was told to split it. */
static bool
split_try(struct likely_cause *out, struct lab *lab)
{
	const uint64_t memory_size = lab->config->shape.memory_size;
	struct acpi_shape shape = lab->config->shape;
	struct digest384 td_hob;
	struct reason ignored;

	if (memory_size <= SPLIT_AT || memory_size >= KERNEL_HIGH_MEMORY)
		return false;
	shape.memory_size = KERNEL_HIGH_MEMORY;         /* the tables show low memory alone */
	return td_hob_measure_split(&td_hob, &lab->td_hob, memory_size, true, &ignored) &&
	    tables_try(lab, &td_hob, &shape, ACPI_NEWEST) &&
	    say(out, "the host's QEMU splits the memory at 2 GiB, which is expected with 2816 MiB "
	    "and more");
}

/* Whether GPUs are behind expanders, whose windows the firmware chooses. */
static bool
has_expanders(const struct acpi_shape *shape)
{
	return shape->n_numa_nodes != 0 || (shape->hugepages && shape->num_gpus != 0);
}

#define NO_NEIGHBOUR    "no neighbouring VM shape has these ACPI tables and this memory map"

/* Where what we expect is known, or may be feared, not to be what machines have. */
static bool
limits_say(struct likely_cause *out, const struct vm_config *config)
{
	struct acpi_version version;
	struct reason ignored;

	if (has_expanders(&config->shape))
		return say(out, NO_NEIGHBOUR "; with PCI expanders, tables of real machines are "
		    "known to differ from those expected");
	if (vm_config_qemu_version(&version, config, &ignored) &&
	    (version.major > NEWEST_MAJOR ||
	    (version.major == NEWEST_MAJOR && version.minor > NEWEST_MINOR)))
		return say(out, NO_NEIGHBOUR "; of a QEMU newer than 11.1 the tables of 11.1 are "
		    "expected");
	return say(out, NO_NEIGHBOUR);
}

static bool
rtmr0_judge(struct likely_cause *out, struct lab *lab)
{
	if (shape_try(lab, &lab->config->shape))
		return false;
	return flags_try(out, lab) || releases_try(out, lab, lab->config->shape, "") ||
	    counts_try(out, lab) || memory_try(out, lab) || split_try(out, lab) ||
	    pairs_try(out, lab) || limits_say(out, lab->config);
}

#define KERNEL_REWRITTEN \
	"QEMU rewrote the header of the kernel, or it is not the one of this image"

static bool
kernel_equal(const struct lab *lab, const struct digest384 *kernel)
{
	struct digest384 events[RTMR1_EVENTS], rtmr1;

	rtmr1_events(events, kernel);
	rtmr_compute(&rtmr1, events, RTMR1_EVENTS);
	return digest384_equal(&rtmr1, &lab->quoted->rtmr[1]);
}

/* Whether the declared QEMU leaves a kernel whose header is not normalized as it is. */
static bool
unpatched_release(const struct lab *lab)
{
	struct acpi_version version;
	struct reason ignored;

	return vm_config_qemu_version(&version, lab->config, &ignored) &&
	    legacy_unpatched_release(&version);
}

/* A document holds one digest. */
static bool
document_kernel_judge(struct likely_cause *out, const struct lab *lab)
{
	if (kernel_equal(lab, &lab->document_kernel))
		return false;
	if (lab->document_normalized)
		return say(out, KERNEL_REWRITTEN);
	return say(out, unpatched_release(lab) ?
	    "QEMU hands the kernel on as it is from 10.2 on, and the document has the digest of "
	    "one with a rewritten header" :
	    "the kernel is not the one of this image, or QEMU rewrote its header in another way "
	    "than the document assumes");
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
		return document_kernel_judge(out, lab);
	if (!image_record_initrd_addr(&addr, &known, record, lab->config->shape.memory_size,
	    &ignored) || (!known && lab->kernel == NULL))
		return false;
	if (kernel_equal(lab, record->kernel_header_normalized ? &record->kernel_unpatched :
	    known ? &record->kernel_patched : &lab->kernel->kernel))
		return false;
	if (kernel_equal(lab, &record->kernel_unpatched))
		return !unpatched_release(lab) && say(out,
		    "QEMU handed the kernel on as it is, which it does from 10.2 on, and "
		    "vm_config's qemu_version is older");
	if (!record->kernel_header_normalized && kernel_equal(lab, &record->kernel_patched))
		return say(out, "the initrd lies where it does in a machine with more memory than "
		    "vm_config's memory_size");
	return say(out, record->kernel_header_normalized ? KERNEL_REWRITTEN :
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

static bool
document_lab(struct lab *lab, const struct lite_input *input)
{
	struct tdx_document doc;
	struct reason ignored;

	*lab = (struct lab){ .config = input->config, .quoted = input->quoted,
	    .cache = input->cache };
	if (!tdx_document_read(&doc, input->config->tdx.measurement, input->minimum_version,
	    &ignored))
		return false;
	lab->document_normalized = doc.kernel_header_normalized;
	return tdx_document_digest(&lab->mrtd[0], doc.mrtd_single_pass, "", &ignored) &&
	    tdx_document_digest(&lab->mrtd[1], doc.mrtd_two_pass, "", &ignored) &&
	    td_hob_witness_read(&lab->td_hob, doc.td_hob, &ignored) &&
	    tdx_document_digest(&lab->document_kernel, doc.kernel_authenticode, "", &ignored) &&
	    tdx_document_digest(&lab->initrd, doc.initrd_sha384, "", &ignored) &&
	    tdx_document_cmdline(&lab->cmdline, &doc, &ignored);
}

static bool
reported_equal(const struct lab *lab, const struct event *const acpi[EVENT_ACPIS],
    enum acpi_profile profile)
{
	struct acpi_digests measured;
	struct reason ignored;

	return acpi_cache_digests(lab->cache, &measured, &lab->config->shape, profile, &ignored) &&
	    bytes_equal(acpi[EVENT_ACPI_LOADER]->digest, BYTES_OF(measured.loader)) &&
	    bytes_equal(acpi[EVENT_ACPI_RSDP]->digest, BYTES_OF(measured.rsdp)) &&
	    bytes_equal(acpi[EVENT_ACPI_TABLES]->digest, BYTES_OF(measured.tables));
}

/* The registers are as expected; a log that is not replayed may still say something else. */
static bool
log_judge(struct likely_cause *out, const struct lab *lab, const struct event_list *log)
{
	const struct event *acpi[EVENT_ACPIS];
	struct reason ignored;

	return event_log_acpi(acpi, log, &ignored) &&
	    !reported_equal(lab, acpi, ACPI_NEWEST) &&
	    !(acpi_second_chance(&lab->config->shape) &&
	    reported_equal(lab, acpi, ACPI_GENUINE)) && say(out, "the event log reports other ACPI tables than were measured");
}

bool
likely_cause_lite(struct likely_cause *out, const struct lite_input *input)
{
	struct lab lab;

	return document_lab(&lab, input) &&
	    (lab_judge(out, &lab) || log_judge(out, &lab, input->log));
}
