#include "measure/legacy.h"

#include <inttypes.h>

#include "measure/td_hob.h"

#define MEMORY_MAX              (UINT64_C(1) << 52)     /* bounds arithmetic, not machines      */

/* From this release on QEMU leaves the kernel of a confidential guest alone. */
#define UNPATCHED_MAJOR         10
#define UNPATCHED_MINOR         2

/* A check on its way. */
struct check {
	struct legacy_result *result;
	const struct legacy_input *input;
	struct launch_image image;
	struct acpi_digests acpi;       /* of result->acpi_profile                      */
	bool    kernel_known;           /* image.kernel holds ...                       */
	bool    unpatched_allowed;      /* ... and a second digest may be tried         */
};

static uint64_t
memory_size(const struct check *check)
{
	return check->input->config->shape.memory_size;
}

static bool
memory_check(const struct check *check, struct reason *why)
{
	if (memory_size(check) == 0 || memory_size(check) > MEMORY_MAX)
		return reject(why, REASON_REFUSED, "memory_size %" PRIu64 " is out of range",
		    memory_size(check));
	return true;
}

bool
legacy_unpatched_release(const struct acpi_version *version)
{
	return version->major > UNPATCHED_MAJOR ||
	    (version->major == UNPATCHED_MAJOR && version->minor >= UNPATCHED_MINOR);
}

/* The two things that the QEMU release decides. */
static bool
release_judge(struct check *check, struct reason *why)
{
	const struct image_record *record = check->input->record;
	struct legacy_result *result = check->result;
	struct acpi_version version;

	if (!vm_config_qemu_version(&version, check->input->config, why) ||
	    !vm_config_two_pass(&result->two_pass, check->input->config, why))
		return reject_as(why,
		    "Failed to compute MR TD: Failed to get versioned options");
	check->image.mrtd = result->two_pass ? record->mrtd_two_pass : record->mrtd_single_pass;
	check->unpatched_allowed = !record->kernel_header_normalized &&
	    legacy_unpatched_release(&version);
	return true;
}

/* Whether RTMR0 with the tables of one profile is the quoted one. */
static bool
profile_try(bool *equal, struct acpi_digests *acpi, const struct check *check,
    enum acpi_profile profile, struct reason *why)
{
	struct digest384 events[RTMR0_EVENTS], rtmr0;

	if (!acpi_cache_digests(check->input->cache, acpi, &check->input->config->shape, profile,
	    why))
		return false;
	rtmr0_events(events, &check->image.td_hob, acpi);
	rtmr_compute(&rtmr0, events, RTMR0_EVENTS);
	*equal = digest384_equal(&rtmr0, &check->input->quoted->rtmr[0]);
	return true;
}

/* The newest profile speaks, also when the second chance fails too. */
static bool
tables_judge(struct check *check, struct reason *why)
{
	struct acpi_digests genuine;
	struct reason ignored;
	bool computed, equal = false;

	computed = profile_try(&equal, &check->acpi, check, ACPI_NEWEST, why);
	if (equal || !acpi_second_chance(&check->input->config->shape))
		return computed;
	if (!profile_try(&equal, &genuine, check, ACPI_GENUINE, &ignored) || !equal)
		return computed;
	check->acpi = genuine;
	check->result->acpi_profile = ACPI_GENUINE;
	return true;
}

/* A fact of another address or another initrd is none of this image on this shape. */
static bool
fact_check(const struct check *check, const struct kernel_fact *fact, struct reason *why)
{
	if (fact->initrd_addr != check->result->initrd_addr ||
	    fact->initrd_size != check->input->record->initrd_size)
		return reject(why, REASON_UNAVAILABLE,
		    "kernel was measured with another initrd address or size");
	return true;
}

/* The first digest to try. */
static bool
kernel_judge(struct check *check, struct reason *why)
{
	const struct image_record *record = check->input->record;
	const struct kernel_fact *fact = check->input->kernel;

	if (!image_record_initrd_addr(&check->result->initrd_addr, &check->kernel_known, record,
	    memory_size(check), why))
		return false;
	if (check->kernel_known) {
		check->image.kernel = record->kernel_header_normalized ?
		    record->kernel_unpatched : record->kernel_patched;
		return true;
	}
	if (fact == NULL)
		return true;
	if (!fact_check(check, fact, why))
		return false;
	check->image.kernel = fact->kernel;
	check->kernel_known = true;
	return true;
}

static bool
image_judge(struct check *check, struct reason *why)
{
	const struct image_record *record = check->input->record;

	check->image.cmdline = record->cmdline;
	check->image.initrd = record->initrd;
	return memory_check(check, why) &&
	    release_judge(check, why) &&
	    td_hob_measure(&check->image.td_hob, &record->td_hob, memory_size(check), why) &&
	    tables_judge(check, why) &&
	    kernel_judge(check, why);
}

/* Which digest RTMR1 was quoted with; the kernel as shipped only where that may be. */
static enum legacy_kernel
kernel_match(struct check *check)
{
	const struct image_record *record = check->input->record;
	const struct digest384 *quoted = &check->input->quoted->rtmr[1];
	struct digest384 events[RTMR1_EVENTS], rtmr1;

	rtmr1_events(events, &check->image.kernel);
	rtmr_compute(&rtmr1, events, RTMR1_EVENTS);
	if (digest384_equal(&rtmr1, quoted))
		return record->kernel_header_normalized ? LEGACY_KERNEL_NORMALIZED :
		    LEGACY_KERNEL_PATCHED;
	if (!check->unpatched_allowed)
		return LEGACY_KERNEL_NONE;
	rtmr1_events(events, &record->kernel_unpatched);
	rtmr_compute(&rtmr1, events, RTMR1_EVENTS);
	if (!digest384_equal(&rtmr1, quoted))
		return LEGACY_KERNEL_NONE;
	check->image.kernel = record->kernel_unpatched;
	return LEGACY_KERNEL_UNPATCHED;
}

static void
registers_compute(struct legacy_result *result, const struct check *check)
{
	launch_events_compute(&result->events, &check->image, &check->acpi);
	launch_registers_compute(&result->expected, &check->image.mrtd, &result->events);
}

/* Only what comes before RTMR1 in the order of comparison. */
static enum legacy_outcome
need_judge(const struct check *check, struct reason *why)
{
	const struct launch_registers *quoted = check->input->quoted;
	struct launch_registers known;

	registers_compute(check->result, check);
	check->result->computed_but_kernel = true;
	known = check->result->expected;
	known.rtmr[1] = quoted->rtmr[1];
	known.rtmr[2] = quoted->rtmr[2];
	check->result->mismatch = !launch_registers_check(&known, quoted, why);
	return check->result->mismatch ? LEGACY_REFUSED : LEGACY_NEEDS_KERNEL;
}

static enum legacy_outcome
registers_judge(struct check *check, struct reason *why)
{
	struct legacy_result *result = check->result;

	result->kernel = kernel_match(check);
	registers_compute(result, check);
	result->computed = true;
	result->mismatch = !launch_registers_check(&result->expected, check->input->quoted, why);
	if (result->mismatch)
		return LEGACY_REFUSED;
	result->acpi_tables_verified = true;
	return LEGACY_MATCHED;
}

enum legacy_outcome
legacy_check(struct legacy_result *result, const struct legacy_input *input, struct reason *why)
{
	struct check check = { .result = result, .input = input };

	*result = (struct legacy_result){ 0 };
	if (!image_judge(&check, why)) {
		(void)reject_as(why, "Failed to compute expected measurements: "
		    "Failed to compute expected MRs");
		return LEGACY_REFUSED;
	}
	if (!check.kernel_known)
		return need_judge(&check, why);
	return registers_judge(&check, why);
}
