/*
 * vm_config.h - the shape of a VM as its host declared it
 *
 * A JSON object that travels beside the evidence, or embedded in it.  The host writes every
 * member, so nothing here is trusted: a shape is proved only by the registers that follow from
 * it.  The text is parsed once per request; what several checks need is kept typed.
 */
#ifndef MEASURE_VM_CONFIG_H
#define MEASURE_VM_CONFIG_H

#include "core/arena.h"
#include "core/digest.h"
#include "measure/acpi/acpi.h"

#define VM_CONFIG_MAX_NODES     4096            /* read; far fewer can be measured      */

enum vm_variant {
	VM_VARIANT_LEGACY = 0,  /* the image itself is measured                     */
	VM_VARIANT_LITE,        /* the host supplies a document the image commits to */
};

enum ovmf_variant {
	OVMF_ABSENT = 0,
	OVMF_PRE202505,
};

/*
 * ovmf_variant_parse - the name of a layout, in the member `name`
 *
 *   fails   UNSUPPORTED  "unsupported ovmf_variant "stable202505""
 *           MALFORMED    another text
 */
bool    ovmf_variant_parse(enum ovmf_variant *out, struct bytes text, const char *name,
    struct reason *why) MUST_CHECK;

/* {"checksum_file": BASE64, "measurement": BASE64}, decoded. */
struct vm_document {
	bool    present;
	struct bytes checksum_file;     /* the bytes of a sha256sum.txt                 */
	struct bytes measurement;       /* the bytes of a measurement.*.cbor            */
};

/*
 * Spans point into the text or the arena that vm_config_read() was given.  What changes a byte
 * of the ACPI tables is in `shape`, ready for the generator, also where only others read it
 * (cpu_count, memory_size, qemu_version).
 */
struct vm_config {
	struct bytes os_image_hash;     /* any length, also none: see the check below   */
	struct bytes image;             /* a name; ptr is NULL when absent              */
	bool    has_page_order;         /* "qemu_single_pass_add_pages" is given ...    */
	bool    two_pass;               /* ... and is this: its name says the opposite  */
	enum vm_variant variant;
	enum ovmf_variant ovmf;
	struct vm_document tdx, gcp, aws;
	struct acpi_shape shape;
};

/*
 * vm_config_read - parse the configuration, exactly once per request
 *
 *   text    JSON, borrowed as long as *config lives; empty means "{}"
 *   config  complete, defaults filled in, only when true is returned
 *   fails   "Failed to decode VM config: Failed to parse vm config: ..."; MALFORMED, or LIMIT
 *           past a bound of ours
 *           UNSUPPORTED  "Failed to decode VM config: unsupported ovmf_variant "stable202505""
 *   source  os-image-measurement.md 2, upstream-delta.md 3
 */
bool    vm_config_read(struct vm_config *config, struct arena *arena, struct bytes text,
    struct reason *why) MUST_CHECK;

/* os_image_hash as the SHA-256 it is; REFUSED "os_image_hash has N bytes, not 32". */
bool    vm_config_image_hash(struct digest256 *out, const struct vm_config *config,
    struct reason *why) MUST_CHECK;

/*
 * vm_config_qemu_version - the host's QEMU, 9.1.0 when it is not told
 *
 *   fails   "Failed to parse QEMU version: ..." (MALFORMED), "Unsupported QEMU version:
 *           (7, 2, 0)" (UNSUPPORTED)
 */
bool    vm_config_qemu_version(struct acpi_version *version, const struct vm_config *config,
    struct reason *why) MUST_CHECK;

/*
 * vm_config_two_pass - which of two MRTDs the host's QEMU makes
 *
 *   two     true when pages are added first and measured afterwards
 *   fails   as vm_config_qemu_version(), also when the version does not decide
 *   source  os-image-measurement.md 6.3
 */
bool    vm_config_two_pass(bool *two, const struct vm_config *config, struct reason *why)
    MUST_CHECK;

#endif
