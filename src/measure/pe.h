/*
 * pe.h - the Authenticode digest of a PE image, which is how firmware measures a kernel
 */
#ifndef MEASURE_PE_H
#define MEASURE_PE_H

#include "core/digest.h"
#include "core/reason.h"

#define PE_MAX_SECTIONS         96              /* more no loader takes */

/*
 * pe_authenticode - SHA-384 over the file less checksum and signature
 *
 *   file    the file
 *   head    stands in place of the file's first bytes, and is no longer than it; may be empty
 *   fails   MALFORMED    "Missing WHAT" for a field past the end, "Invalid PE signature",
 *                        "malformed PE: ..." for offsets that contradict each other
 *           LIMIT        "malformed PE: N sections, more than 96"
 *   cost    every byte is hashed twice at most: sections that overlap are refused
 *   source  os-image-measurement.md 9.3, upstream-delta.md 6; Microsoft, "Windows Authenticode
 *           Portable Executable Signature Format"
 */
bool    pe_authenticode(struct digest384 *out, struct bytes file, struct bytes head,
    struct reason *why) MUST_CHECK;

#endif
