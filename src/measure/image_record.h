/*
 * image_record.h - all that verification needs of an OS image, about half a kilobyte
 *
 * A measurer computes it once, from the image's files.  With it the registers of any VM shape on
 * that image follow without a file, except for shapes whose memory size moves the initrd and so
 * changes the kernel's digest: those need one more pass over the kernel, a kernel fact.
 *
 * Both are signed by the supervisor (image_fact.h) and bound to the image by that alone.
 */
#ifndef MEASURE_IMAGE_RECORD_H
#define MEASURE_IMAGE_RECORD_H

#include "core/arena.h"
#include "core/digest.h"
#include "core/reason.h"
#include "measure/kernel.h"
#include "measure/metadata.h"
#include "measure/td_hob.h"

/* To be raised with every change of what is computed, or of how it is written. */
#define IMAGE_RECORD_SCHEMA     1
#define IMAGE_RECORD_MAX_LEN    4096            /* 64 ranges and a long version: 1.6 KiB */

struct image_record {
	struct digest384 mrtd_single_pass;
	struct digest384 mrtd_two_pass;
	struct td_hob td_hob;
	bool    variables_known;                /* tdvf_variables_known()               */
	struct digest384 cmdline;               /* event digests of RTMR2               */
	struct digest384 initrd;
	uint32_t initrd_size;
	bool    kernel_header_normalized;
	struct digest384 kernel_unpatched;
	struct digest384 kernel_patched;        /* with much memory; zeroes when normalized */
	struct kernel_header kernel_header;     /* zeroes when normalized               */
	struct digest256 kernel_sha256;
	enum ovmf_variant ovmf;
	bool    is_dev;
	size_t  version_len;
	char    version[METADATA_MAX_VERSION_LEN];      /* UTF-8, no NUL behind it      */
};

/* The files of an image.  The initrd is only hashed, as it streams. */
struct image_files {
	struct bytes manifest;                  /* sha256sum.txt                        */
	struct bytes metadata;                  /* metadata.json                        */
	struct bytes firmware;
	struct bytes kernel;
	uint64_t initrd_size;
	struct digest256 initrd_sha256;
	struct digest384 initrd_sha384;
};

/*
 * image_record_compute - check every hash, then measure
 *
 *   record  complete only when true is returned; holds no pointer
 *   arena   for metadata.json; 256 KiB are enough
 *   fails   REFUSED      "os_image_hash does not match sha256(sha256sum.txt)", "sha256sum.txt is
 *                        missing NAME", "metadata.json not found in the extracted archive",
 *                        "Checksum verification failed: NAME"
 *           as manifest_read(), metadata_read()
 *           "Failed to compute expected measurements: Failed to compute expected MRs: ..." as
 *                        tdvf_read(), kernel_initrd_addr(), kernel_patched_digest()
 *   cost    kernel: SHA-256 and SHA-384, SHA-384 again unless normalized; firmware: SHA-256 and
 *           three times SHA-384
 *   source  os-image-measurement.md 3.3, 13.2
 */
bool    image_record_compute(struct image_record *record, struct arena *arena,
    const struct digest256 *os_image_hash, const struct image_files *files,
    struct reason *why) MUST_CHECK;

/*
 * image_metadata_read - which files an image has, before they are opened
 *
 *   files   manifest and metadata; the rest is not looked at
 *   fails   as image_record_compute()
 */
bool    image_metadata_read(struct metadata *metadata, struct arena *arena,
    const struct digest256 *os_image_hash, const struct image_files *files,
    struct reason *why) MUST_CHECK;

bool    image_record_write(CBB *out, const struct image_record *record) MUST_CHECK;

/*
 * image_record_read - all of `in` is one record
 *
 *   fails   UNSUPPORTED  "image record has schema N, not 1"
 *           MALFORMED    "image record is malformed": cut short, trailing bytes, a value that
 *                        image_record_write() never writes
 */
bool    image_record_read(struct image_record *record, CBS *in, struct reason *why) MUST_CHECK;

/*
 * image_record_initrd_addr - where the initrd lies with that much memory
 *
 *   known   whether the record's own kernel digests suffice, so that no kernel fact is needed
 *   fails   as kernel_initrd_addr()
 */
bool    image_record_initrd_addr(uint32_t *addr, bool *known, const struct image_record *record,
    uint64_t memory_size, struct reason *why) MUST_CHECK;

/* The kernel as QEMU patches it for one initrd address; for images that are not normalized. */
struct kernel_fact {
	uint32_t initrd_addr;
	uint32_t initrd_size;                   /* has to be the record's               */
	struct digest384 kernel;
};

/*
 * kernel_fact_compute - the kernel of an image, checked and measured for one address
 *
 *   files   manifest, metadata, kernel, and the initrd's size, which legacy_check() compares with
 *           the record's; the rest is not looked at
 *   fails   as image_record_compute()
 */
bool    kernel_fact_compute(struct kernel_fact *fact, struct arena *arena,
    const struct digest256 *os_image_hash, const struct image_files *files, uint32_t initrd_addr,
    struct reason *why) MUST_CHECK;

bool    kernel_fact_write(CBB *out, const struct kernel_fact *fact) MUST_CHECK;
/* As image_record_read(); the texts begin with "kernel fact". */
bool    kernel_fact_read(struct kernel_fact *fact, CBS *in, struct reason *why) MUST_CHECK;

#endif
