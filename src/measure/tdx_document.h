/*
 * tdx_document.h - measurement.tdx.cbor: what an image adds to the launch measurements
 *
 * The image's build computes it, os_image_hash commits to it.  It replaces firmware, kernel and
 * initrd for the lite check.  Version 3 (images up to 0.6.0) holds the digest of the command
 * line, version 4 the text.
 */
#ifndef MEASURE_TDX_DOCUMENT_H
#define MEASURE_TDX_DOCUMENT_H

#include "core/digest.h"
#include "core/reason.h"
#include "measure/vm_config.h"

#define TDX_DOCUMENT_NAME               "measurement.tdx.cbor"
#define TDX_DOCUMENT_MAX_LEN            (64u << 10)
#define TDX_DOCUMENT_MAX_CMDLINE_LEN    2048    /* COMMAND_LINE_SIZE of the kernel */
#define TDX_DOCUMENT_OLDEST             3
#define TDX_DOCUMENT_NEWEST             4

/* Spans point into the document.  Their lengths are checked where they are used. */
struct tdx_document {
	uint32_t version;
	enum ovmf_variant ovmf;
	bool    kernel_header_normalized;       /* version 4                            */
	struct bytes cmdline;                   /* version 4: without " initrd=initrd"   */
	struct bytes cmdline_sha384;            /* version 3                            */
	struct bytes kernel_authenticode;
	struct bytes initrd_sha384;
	struct bytes mrtd_single_pass;
	struct bytes mrtd_two_pass;
	struct bytes td_hob;                    /* the witness: td_hob.h                 */
};

/*
 * tdx_document_read - decode one document; its values are judged by the checks below
 *
 *   minimum oldest version that is accepted (policy.minimum_measurement_version)
 *   fails   "TdxOsImageMeasurement: ..."; MALFORMED, LIMIT, or UNSUPPORTED for a version or an
 *           OVMF variant we cannot judge
 *   source  os-image-measurement.md 11.3, upstream-delta.md 5
 */
bool    tdx_document_read(struct tdx_document *doc, struct bytes cbor, uint32_t minimum,
    struct reason *why) MUST_CHECK;

/*
 * tdx_document_cmdline_check - the rules on a version 4 command line
 *
 *   fails   LIMIT        longer than COMMAND_LINE_SIZE
 *           REFUSED      not exactly one well-formed dstack.rootfs_hash=HEX
 */
bool    tdx_document_cmdline_check(struct bytes cmdline, struct reason *why) MUST_CHECK;

/* A member of 48 bytes, else "tdx.measurement.NAME has invalid length N, expected 48". */
bool    tdx_document_digest(struct digest384 *out, struct bytes from, const char *name,
    struct reason *why) MUST_CHECK;

/*
 * tdx_document_cmdline - the event digest of the command line, whichever version holds it
 *
 *   fails   a digest that is not 48 bytes (version 3), the rules above (version 4)
 */
bool    tdx_document_cmdline(struct digest384 *out, const struct tdx_document *doc,
    struct reason *why) MUST_CHECK;

#endif
