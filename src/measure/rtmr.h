/*
 * rtmr.h - what firmware and kernel extend into RTMR0, 1 and 2
 *
 * A register starts at 48 zero bytes and takes each event's digest: r = SHA-384(r || digest).
 * All but a few digests are constants of the one firmware layout there is (pre202505).
 */
#ifndef MEASURE_RTMR_H
#define MEASURE_RTMR_H

#include "core/digest.h"
#include "measure/acpi/acpi.h"

/* The launch measurements of a TD.  RTMR3 belongs to what runs inside, so it is not here. */
struct launch_registers {
	struct digest384 mrtd;
	struct digest384 rtmr[3];
};

/* RTMR0: 13 events, of which the first is the TD HOB and 9 to 11 are the ACPI tables. */
void    rtmr0_compute(struct digest384 *out, const struct digest384 *td_hob,
    const struct acpi_digests *acpi);

/* RTMR1: five events, of which the first is the kernel's Authenticode digest. */
void    rtmr1_compute(struct digest384 *out, const struct digest384 *kernel);

/* RTMR2: command line and initrd. */
void    rtmr2_compute(struct digest384 *out, const struct digest384 *cmdline,
    const struct digest384 *initrd);

/*
 * rtmr_cmdline_digest - the event digest of a kernel command line
 *
 *   base    UTF-8, of any length; " initrd=initrd" is appended as the firmware does
 *   gives   SHA-384 of the UTF-16LE text and its terminating zero character; false when base
 *           is not UTF-8
 */
bool    rtmr_cmdline_digest(struct digest384 *out, struct bytes base) MUST_CHECK;

#endif
