/*
 * image_case.h - a small OS image made for tests, whole or with one thing wrong
 *
 * Firmware, kernel and initrd are reproducible noise with genuine headers.  A test changes bytes,
 * seals the image, which writes the manifest anew, and has it measured.
 */
#ifndef TESTS_SUPPORT_IMAGE_CASE_H
#define TESTS_SUPPORT_IMAGE_CASE_H

#include "core/arena.h"
#include "measure/image_record.h"

#define IMAGE_CASE_FIRMWARE_LEN         0x20000
#define IMAGE_CASE_KERNEL_LEN           0x3400
#define IMAGE_CASE_INITRD_LEN           100001

/* Where things are in them. */
#define IMAGE_CASE_TABLE_END            (IMAGE_CASE_FIRMWARE_LEN - 32)
#define IMAGE_CASE_DESCRIPTOR           (IMAGE_CASE_FIRMWARE_LEN - 0x840)
#define IMAGE_CASE_SECTION(i)           (IMAGE_CASE_DESCRIPTOR + 16 + 32 * (i))
#define IMAGE_CASE_PE                   0x80
#define IMAGE_CASE_OPTIONAL             (IMAGE_CASE_PE + 24)
#define IMAGE_CASE_KERNEL_SECTION(i)    (IMAGE_CASE_OPTIONAL + 160 + 40 * (i))

struct image_case {
	uint8_t *firmware, *kernel;     /* in the arena, to be changed in place         */
	size_t  firmware_len, kernel_len;       /* may be made smaller                  */
	const char *metadata;
	size_t  initrd_len;             /* less than IMAGE_CASE_INITRD_LEN, or 0        */

	/* Written by image_case_seal(). */
	struct digest256 hash;
	struct image_files files;
};

/* The sample image of the independent calculator, sealed. */
void    image_case_init(struct image_case *image, struct arena *arena);

/* Its initrd. */
struct bytes image_case_initrd(const struct image_case *image, struct arena *arena);

/* Hashes the files and writes the manifest. */
void    image_case_seal(struct image_case *image, struct arena *arena);

/* One of the images of tests/vectors/measure/image.txt, sealed: "plain" is the sample image. */
void    image_case_variant(struct image_case *image, struct arena *arena, const char *name);

/* The metadata of the sample image, with `extra` members in front: "\"is_dev\": true, ". */
const char *image_case_metadata(struct arena *arena, const char *extra);

/* Little-endian numbers. */
void    image_case_u16(uint8_t *file, size_t at, uint32_t value);
void    image_case_u32(uint8_t *file, size_t at, uint32_t value);
void    image_case_u64(uint8_t *file, size_t at, uint64_t value);

#endif
