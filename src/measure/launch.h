/*
 * launch.h - the four launch registers, from what an image and a VM's shape add to them
 *
 * One function computes them, wherever the image's part comes from: a document that the host
 * supplied (lite.h), or the record of an image that was measured (legacy.h).
 */
#ifndef MEASURE_LAUNCH_H
#define MEASURE_LAUNCH_H

#include "core/reason.h"
#include "measure/rtmr.h"

/* What an image adds, for one page order, memory size and place of the initrd. */
struct launch_image {
	struct digest384 mrtd;
	struct digest384 td_hob;        /* td_hob_measure()     */
	struct digest384 kernel;        /* Authenticode         */
	struct digest384 cmdline;       /* event digest         */
	struct digest384 initrd;
};

/* Every event digest that is extended, in order. */
struct launch_events {
	struct digest384 rtmr0[RTMR0_EVENTS];
	struct digest384 rtmr1[RTMR1_EVENTS];
	struct digest384 rtmr2[RTMR2_EVENTS];
};

/* Gathers them. */
void    launch_events_compute(struct launch_events *out, const struct launch_image *image,
    const struct acpi_digests *acpi);

/* Those of one register, RTMR0 to RTMR2, and how many. */
const struct digest384 *launch_events_of(size_t *n, const struct launch_events *events,
    size_t rtmr);

/* The registers after these events.  Cost: 20 times SHA-384 of 96 bytes. */
void    launch_registers_compute(struct launch_registers *out, const struct digest384 *mrtd,
    const struct launch_events *events);

/*
 * launch_registers_check - MRTD, RTMR0, RTMR1, RTMR2, in this order
 *
 *   fails   REFUSED      "MRs do not match: RTMR2 mismatch: expected=HEX, actual=HEX"
 */
bool    launch_registers_check(const struct launch_registers *expected,
    const struct launch_registers *quoted, struct reason *why) MUST_CHECK;

#endif
