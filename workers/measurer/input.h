/*
 * input.h - the files of an image, read through descriptors
 *
 * Each file is read once, up to a bound; what was read is what is hashed and measured, whatever
 * happens to the file meanwhile.
 */
#ifndef MEASURER_INPUT_H
#define MEASURER_INPUT_H

#include "measure/image_record.h"

/* In the order in which a frame passes their descriptors. */
enum input_file {
	INPUT_MANIFEST = 0,             /* sha256sum.txt                                */
	INPUT_METADATA,                 /* metadata.json                                */
	INPUT_FIRMWARE,
	INPUT_KERNEL,
	INPUT_INITRD,
	INPUT_DOCUMENT,                 /* measurement.tdx.cbor, or another when none is listed */
	INPUT_FILES,
};

struct input {
	struct image_files files;
	struct bytes document;
	uint8_t *owned[INPUT_FILES];
};

/* What of an image is read. */
enum input_part {
	INPUT_PAPERS,                   /* manifest and metadata                        */
	INPUT_KERNEL_PART,              /* those, the kernel, and the size of the initrd */
	INPUT_IMAGE,                    /* everything but the document; the initrd is only hashed */
	INPUT_ALL,
};

/*
 * input_read - the files, from their beginnings to the sizes they have now
 *
 *   input   to be given to input_fini() whether this succeeds or not
 *   fds     of the files of `part`; where they stand does not matter and does not change
 *   fails   REFUSED      "WHAT is not a regular file"
 *           LIMIT        "WHAT has N bytes, more than M"
 *           UNAVAILABLE  "cannot read WHAT", "WHAT became shorter while it was read"
 */
bool    input_read(struct input *input, const int *fds, enum input_part part,
    struct reason *why) MUST_CHECK;
void    input_fini(struct input *input);

#endif
