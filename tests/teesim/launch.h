/*
 * launch.h - what firmware and kernel of a dstack guest measure while it starts
 *
 * The events of RTMR0 to RTMR2, each with its digest, computed from what is measured wherever
 * that is known.
 */
#ifndef TESTS_TEESIM_LAUNCH_H
#define TESTS_TEESIM_LAUNCH_H

#include "events.h"
#include "image.h"
#include "measure/acpi/acpi.h"

#define LAUNCH_EVENTS           20      /* 13 + 5 + 2                                  */

/* With so much memory QEMU splits it. */
#define LAUNCH_SPLIT_FROM       UINT64_C(0xb0000000)

/* The TD HOB of so much memory, as QEMU builds it; split: low memory ends at 2 GiB. */
struct bytes launch_td_hob(const struct image_layout *layout, uint64_t memory_size, bool split);

/* Digest of the event that measures the command line. */
struct bytes launch_cmdline(struct bytes cmdline);

/* All events in the order of the log, with names for the ACPI ones, payloads for none else. */
void    launch_events(struct event events[LAUNCH_EVENTS], const struct tdx_document *image,
    const struct image_layout *layout, uint64_t memory_size, bool split,
    const struct acpi_digests *acpi);

/* RTMR0 to RTMR2 after the events. */
void    launch_replay(uint8_t rtmr[3][EVENT_DIGEST_LEN],
    const struct event events[LAUNCH_EVENTS]);

#endif
