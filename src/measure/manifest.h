/*
 * manifest.h - sha256sum.txt, whose SHA-256 is the name of an OS image
 *
 * One grammar for an image's manifest and for the checksum file of every measurement document.
 * It is stricter than sha256sum(1), which passes over lines it cannot parse: a file that such a
 * line names would be used unchecked.
 *
 *      manifest = 1*line
 *      line     = 64( 0-9 / a-f ) SP SP name LF
 *      name     = ALNUM *( ALNUM / "." / "_" / "-" ), not "sha256sum.txt", not repeated
 */
#ifndef MEASURE_MANIFEST_H
#define MEASURE_MANIFEST_H

#include "core/digest.h"
#include "core/reason.h"

#define MANIFEST_MAX_LEN        (16u << 10)
#define MANIFEST_MAX_ENTRIES    64
#define MANIFEST_MAX_NAME_LEN   255

struct manifest_entry {
	struct bytes name;      /* borrowed from the text */
	struct digest256 sha256;
};

struct manifest {
	size_t  n_entries;
	struct manifest_entry entries[MANIFEST_MAX_ENTRIES];
};

/*
 * manifest_read - the whole text, or nothing
 *
 *   fails   MALFORMED    "sha256sum.txt is not newline-terminated text",
 *                        "sha256sum.txt line K is not `<lowercase sha256>  <file name>`",
 *                        "sha256sum.txt line K repeats NAME"
 *           LIMIT        "sha256sum.txt has N bytes, more than 16384", "... more than 64 lines"
 *   source  upstream-delta.md 7
 */
bool    manifest_read(struct manifest *manifest, struct bytes text, struct reason *why) MUST_CHECK;

/* Whether a name has the form of the grammar above. */
bool    manifest_name_check(struct bytes name);

/* The entry of that name, or NULL. */
const struct manifest_entry *manifest_find(const struct manifest *manifest, const char *name);

/*
 * manifest_document_check - whether os_image_hash commits to a measurement document
 *
 *   name    the document's entry in the checksum file, such as "measurement.tdx.cbor"
 *   fails   "os_image_hash mismatch: expected sha256(sha256sum.txt)=HEX, actual=HEX", a text of
 *           manifest_read(), "sha256sum.txt is missing NAME", "NAME hash mismatch:
 *           sha256sum.txt=HEX, actual=HEX"
 *   source  os-image-measurement.md 11.2
 */
bool    manifest_document_check(const struct digest256 *os_image_hash, struct bytes checksum_file,
    struct bytes measurement, const char *name, struct reason *why) MUST_CHECK;

#endif
