/*
 * rtmr.h - what firmware and kernel extend into RTMR0, 1 and 2
 *
 * A register starts at 48 zero bytes and takes each event's digest: r = SHA-384(r || digest).
 * All but a few digests are constants of the one firmware layout there is (pre202505).
 */
#ifndef MEASURE_RTMR_H
#define MEASURE_RTMR_H

#include <stdint.h>

#include "core/bytes.h"
#include "measure/acpi/acpi.h"

#define RTMR_LEN        48

/* The launch measurements of a TD.  RTMR3 belongs to what runs inside, so it is not here. */
struct launch_registers {
	uint8_t mrtd[RTMR_LEN];
	uint8_t rtmr[3][RTMR_LEN];
};

/* reg = SHA-384(reg || digest) */
void    rtmr_extend(uint8_t reg[RTMR_LEN], const uint8_t digest[RTMR_LEN]);

/* RTMR0: 13 events, of which the first is the TD HOB and 9 to 11 are the ACPI tables. */
void    rtmr0_compute(uint8_t out[RTMR_LEN], const uint8_t td_hob[RTMR_LEN],
    const struct acpi_digests *acpi);

/* RTMR1: five events, of which the first is the kernel's Authenticode digest. */
void    rtmr1_compute(uint8_t out[RTMR_LEN], const uint8_t kernel[RTMR_LEN]);

/* RTMR2: command line and initrd. */
void    rtmr2_compute(uint8_t out[RTMR_LEN], const uint8_t cmdline[RTMR_LEN],
    const uint8_t initrd[RTMR_LEN]);

/*
 * rtmr_cmdline_digest - the event digest of a kernel command line
 *
 *   base    UTF-8, of any length; " initrd=initrd" is appended as the firmware does
 *   gives   SHA-384 of the UTF-16LE text and its terminating zero character; false when base
 *           is not UTF-8, or memory is out
 */
bool    rtmr_cmdline_digest(uint8_t out[RTMR_LEN], struct bytes base) MUST_CHECK;

#endif
