/*
 * image.h - what the build of an OS image writes for those who do not have the image
 *
 * The measurement document, member by member, and the witness of where its firmware accepts
 * memory.
 */
#ifndef TESTS_TEESIM_IMAGE_H
#define TESTS_TEESIM_IMAGE_H

#include "build.h"
#include "measure/tdx_document.h"

#define IMAGE_PAGE_LEN          4096
#define IMAGE_RANGES            8

/* Memory that the firmware accepts by itself, by start; addresses in bytes. */
struct image_layout {
	uint64_t hob;
	size_t  n;
	struct { uint64_t start, len; } ranges[IMAGE_RANGES];
};

/* That of every dstack firmware seen. */
extern const struct image_layout image_layout;

struct bytes image_witness(const struct image_layout *layout);

/* What upstream's tool writes for these members, in its order; version 4 with a cmdline. */
struct bytes image_document(const struct tdx_document *doc);

/* A document of version 4 that passes all checks, of easily told digests. */
struct tdx_document image_sample(void);

/* Pieces of CBOR. */
bool    cbor_head_write(CBB *out, unsigned major, uint64_t n);
bool    cbor_text_write(CBB *out, const char *text);
bool    cbor_bytes_write(CBB *out, struct bytes bytes);

#endif
