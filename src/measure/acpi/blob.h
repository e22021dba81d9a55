/*
 * blob.h - a bounded run of bytes being written, little endian
 *
 * The tables are written into memory that had its maximum from the start.  A CBB would do,
 * but for AML: the width of a package's length depends on what the package turns out to
 * hold, so it goes in afterwards and pushes the content aside (blob_insert()).
 *
 * Writing past the maximum writes nothing and is remembered in `full`, which is looked at
 * once, at the end.
 */
#ifndef MEASURE_ACPI_BLOB_H
#define MEASURE_ACPI_BLOB_H

#include "core/bytes.h"

struct blob {
	uint8_t *ptr;           /* zeroed by its owner                             */
	size_t  len;
	size_t  max_len;
	bool    full;           /* something did not fit                           */
};

void    blob_put(struct blob *b, struct bytes from);
void    blob_text(struct blob *b, const char *text);    /* without the NUL         */
void    blob_u8(struct blob *b, unsigned value);
void    blob_u16(struct blob *b, unsigned value);
void    blob_u32(struct blob *b, uint32_t value);
void    blob_u64(struct blob *b, uint64_t value);
void    blob_zeros(struct blob *b, size_t n);

/* Zeros up to the next multiple of `step`. */
void    blob_align(struct blob *b, size_t step);

/* Puts bytes in at `at`; what was there moves behind them. */
void    blob_insert(struct blob *b, size_t at, struct bytes from);

/* Overwrites four bytes that were written before. */
void    blob_set_u32(struct blob *b, size_t at, uint32_t value);

#endif
