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

#define RTMR0_EVENTS    13      /* the TD HOB, seven constants, three of ACPI, two constants    */
#define RTMR1_EVENTS    5       /* the kernel, and four constants                               */
#define RTMR2_EVENTS    2       /* command line and initrd                                      */

/* The event digests, in the order of the log. */
void    rtmr0_events(struct digest384 out[RTMR0_EVENTS], const struct digest384 *td_hob,
    const struct acpi_digests *acpi);
void    rtmr1_events(struct digest384 out[RTMR1_EVENTS], const struct digest384 *kernel);
void    rtmr2_events(struct digest384 out[RTMR2_EVENTS], const struct digest384 *cmdline,
    const struct digest384 *initrd);

/* What one of these events measures: "td-hob", "kernel". */
const char *rtmr_event_name(size_t rtmr, size_t i);

/* Whether that is the digest of the variable store which RTMR0 always holds. */
bool    rtmr_variables_known(const struct digest384 *variables);

/* The register after n events. */
void    rtmr_compute(struct digest384 *out, const struct digest384 *events, size_t n);

/*
 * rtmr_cmdline_digest - the event digest of a kernel command line
 *
 *   base    UTF-8, of any length; " initrd=initrd" is appended as the firmware does
 *   gives   SHA-384 of the UTF-16LE text and its terminating zero character; false when base
 *           is not UTF-8
 */
bool    rtmr_cmdline_digest(struct digest384 *out, struct bytes base) MUST_CHECK;

#endif
