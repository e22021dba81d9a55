/*
 * tdvf.h - what a TD's firmware file says about its own loading, and MRTD
 *
 * A table at the end of the file names sections; each says which bytes of the file go to which
 * guest pages.  The TDX module measures every page that is added before launch (its address) and
 * every page that is extended (its contents) into MRTD.  QEMU does both page by page, or first
 * adds all pages of a section and then extends them: two page orders, two values.
 */
#ifndef MEASURE_TDVF_H
#define MEASURE_TDVF_H

#include "core/digest.h"
#include "core/reason.h"
#include "measure/td_hob.h"

#define TDVF_MAX_LEN            (64u << 20)
#define TDVF_MAX_SECTIONS       64              /* no more than TD_HOB_MAX_RANGES       */
#define TDVF_MAX_PAGES          65536           /* of all sections together, 256 MiB    */

enum tdvf_section_type {                        /* as in the file; others may occur     */
	TDVF_BFV = 0,
	TDVF_CFV = 1,
	TDVF_TD_HOB = 2,
	TDVF_TEMP_MEM = 3,
};

struct tdvf_section {
	uint32_t type;                          /* enum tdvf_section_type, or another   */
	bool    extended;                       /* its contents are measured            */
	bool    added_later;                    /* PAGE.AUG: not part of MRTD           */
	uint64_t address;                       /* guest physical, of a page            */
	uint64_t n_pages;
	struct bytes data;                      /* in the firmware                      */
};

struct tdvf {
	size_t  n_sections;
	struct tdvf_section sections[TDVF_MAX_SECTIONS];        /* in table order       */
};

/*
 * tdvf_read - find and check the section table
 *
 *   firmware the whole file, borrowed as long as *tdvf lives
 *   fails   "Failed to parse TDVF metadata: ..."; MALFORMED, UNSUPPORTED for another version of
 *           the descriptor, LIMIT past a bound above
 *   cost    no more than the table's 64 KiB
 *   source  os-image-measurement.md 6.1, 6.2 and 13.1; edk2 OvmfPkg/ResetVector
 */
bool    tdvf_read(struct tdvf *tdvf, struct bytes firmware, struct reason *why) MUST_CHECK;

/*
 * tdvf_mrtd - the register after launch
 *
 *   two_pass pages of a section are added first and extended afterwards
 *   cost    384 bytes of hashing for every 256 bytes of an extended section, 128 for every page
 *   source  os-image-measurement.md 6.3
 */
void    tdvf_mrtd(struct digest384 *out, const struct tdvf *tdvf, bool two_pass);

/* The firmware's ranges for the TD HOB, in table order. */
void    tdvf_td_hob(struct td_hob *out, const struct tdvf *tdvf);

/*
 * tdvf_witness_write - those ranges in the compact form of a measurement document (td_hob.h)
 *
 *   fails   REFUSED      what a document cannot say: "TDVF metadata needs exactly one TD_HOB
 *                        section", "TD HOB witness range must not be empty", "TD HOB witness
 *                        ranges must not overlap"
 *           INTERNAL     the CBB does
 *   source  os-image-measurement.md 11.4
 */
bool    tdvf_witness_write(CBB *out, const struct tdvf *tdvf, struct reason *why) MUST_CHECK;

/*
 * Whether the variable store is the empty one whose digest RTMR0 always holds.  No quote of an
 * image with another can verify.
 */
bool    tdvf_variables_known(const struct tdvf *tdvf);

#endif
