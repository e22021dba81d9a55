/*
 * legacy.h - the OS image check with the record of the published image
 *
 * The record says what the image adds to the launch registers, the declared shape of the VM gives
 * the rest; the quote has to hold the same.  An honest host may show another value than the first
 * one expected in two places, and no more: RTMR0 with the tables that its QEMU release itself
 * makes, RTMR1 with a kernel that QEMU 10.2 or later did not write to.
 */
#ifndef MEASURE_LEGACY_H
#define MEASURE_LEGACY_H

#include "measure/acpi_cache.h"
#include "measure/image_record.h"
#include "measure/launch.h"
#include "measure/vm_config.h"

enum legacy_outcome {
	LEGACY_REFUSED = 0,
	LEGACY_NEEDS_KERNEL,            /* ask again with the fact of result->initrd_addr */
	LEGACY_MATCHED,
};

enum legacy_kernel {
	LEGACY_KERNEL_NONE = 0,         /* nothing matched (yet)                        */
	LEGACY_KERNEL_PATCHED,
	LEGACY_KERNEL_UNPATCHED,
	LEGACY_KERNEL_NORMALIZED,
};

struct legacy_input {
	const struct image_record *record;
	const struct vm_config *config;
	const struct launch_registers *quoted;
	const struct kernel_fact *kernel;       /* NULL: none at hand                   */
	struct acpi_cache *cache;
};

/* What is known when the check ends, whether it succeeded or not; zeroes are "not known". */
struct legacy_result {
	bool    acpi_tables_verified;           /* as upstream: only when all matched   */
	enum acpi_profile acpi_profile;         /* of expected                          */
	bool    mismatch;                       /* the reason is a register that differs */
	bool    computed;                       /* the members below hold               */
	bool    computed_but_kernel;            /* they do, less the kernel and RTMR1   */
	bool    two_pass;                       /* which MRTD is expected               */
	enum legacy_kernel kernel;              /* which digest matched                 */
	uint32_t initrd_addr;                   /* 0 without an initrd, or normalized   */
	struct launch_events events;            /* of what matched, or was tried first  */
	struct launch_registers expected;
};

/* Whether that QEMU leaves the kernel of a confidential guest as it is: 10.2 and later. */
bool    legacy_unpatched_release(const struct acpi_version *version);

/*
 * legacy_check - whether the quoted registers are those of this image in this shape
 *
 *   result  filled in as far as the check came
 *   gives   LEGACY_NEEDS_KERNEL when MRTD and RTMR0 match and the kernel's digest for this memory
 *           size is not in the record: whoever cannot show a TD of that size costs no pass
 *           over a kernel
 *   fails   LEGACY_REFUSED and a reason; the caller puts "OS image hash verification failed" in
 *           front.  "Failed to compute expected measurements: ..." for a shape that cannot be
 *           judged, "MRs do not match: RTMR0 mismatch: expected=HEX, actual=HEX" with the value
 *           of the first comparison
 *   source  os-image-measurement.md 5 and 5.1, decisions.md 3 and 4
 */
enum legacy_outcome legacy_check(struct legacy_result *result, const struct legacy_input *input,
    struct reason *why) MUST_CHECK;

#endif
