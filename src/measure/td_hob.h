/*
 * td_hob.h - the hand-off block list that QEMU gives the firmware, and its digest
 *
 * It says which memory the firmware finds accepted (its own sections) and which not, and is the
 * first event of RTMR0.  It follows from the firmware's section table and the memory size.  A
 * document carries the section table as a witness of a few LEB128 numbers:
 *
 *      base_page, td_hob_page - base_page, n, n x ( start_page - base_page, page_count )
 */
#ifndef MEASURE_TD_HOB_H
#define MEASURE_TD_HOB_H

#include "core/digest.h"
#include "core/reason.h"

#define TD_HOB_MAX_RANGES       64
#define TD_HOB_PAGE_LEN         4096

struct td_hob_range {
	uint64_t start, end;    /* guest physical; end is the first byte behind */
};

struct td_hob {
	uint64_t address;       /* of the list itself                           */
	size_t  n_ranges;
	struct td_hob_range ranges[TD_HOB_MAX_RANGES];  /* accepted, in table order */
};

/* Orders the ranges by start, equal ones as they were: the order of a document. */
void    td_hob_sort(struct td_hob *hob);

/*
 * td_hob_witness_read - the compact form of a document
 *
 *   fails   MALFORMED    "truncated TD HOB witness varuint", "TD HOB witness varuint is too
 *                        large", "TD HOB witness has trailing bytes", "TD HOB base address
 *                        overflow" and its kind
 *           LIMIT        "TD HOB witness declares N ranges, more than the 64 supported"
 *   source  os-image-measurement.md 11.4, upstream-delta.md 4 item 11
 */
bool    td_hob_witness_read(struct td_hob *hob, struct bytes witness, struct reason *why)
    MUST_CHECK;

/*
 * td_hob_measure - SHA-384 of the list for that much memory
 *
 *   fails   MALFORMED    "TD HOB end-of-list address overflow"
 *   source  os-image-measurement.md 7
 */
bool    td_hob_measure(struct digest384 *out, const struct td_hob *hob, uint64_t memory_size,
    struct reason *why) MUST_CHECK;

/* The same with memory that ends at 2 GiB and goes on at 4 GiB, or not, whatever its size. */
bool    td_hob_measure_split(struct digest384 *out, const struct td_hob *hob,
    uint64_t memory_size, bool split, struct reason *why) MUST_CHECK;

#endif
