/*
 * bytebuf.h - a bounded run of bytes being written, little endian
 *
 * The tables are written into memory that had its maximum from the start.  A CBB would do,
 * but for AML: the width of a package's length depends on what the package turns out to
 * hold, so it goes in afterwards and pushes the content aside (bytebuf_insert()).
 *
 * Writing past the maximum writes nothing and is remembered in `full`, which is looked at
 * once, at the end.
 */
#ifndef MEASURE_ACPI_BYTEBUF_H
#define MEASURE_ACPI_BYTEBUF_H

#include "core/bytes.h"

struct bytebuf {
	uint8_t *ptr;           /* zeroed by its owner                             */
	size_t  len;
	size_t  max_len;
	bool    full;           /* something did not fit                           */
};

void    bytebuf_put(struct bytebuf *b, struct bytes from);
void    bytebuf_text(struct bytebuf *b, const char *text);      /* without the NUL */
void    bytebuf_u8(struct bytebuf *b, unsigned value);
void    bytebuf_u16(struct bytebuf *b, unsigned value);
void    bytebuf_u32(struct bytebuf *b, uint32_t value);
void    bytebuf_u64(struct bytebuf *b, uint64_t value);
void    bytebuf_zeros(struct bytebuf *b, size_t n);

/* Zeros up to the next multiple of `step`. */
void    bytebuf_align(struct bytebuf *b, size_t step);

/* Puts bytes in at `at`; what was there moves behind them. */
void    bytebuf_insert(struct bytebuf *b, size_t at, struct bytes from);

/* Overwrites four bytes that were written before. */
void    bytebuf_set_u32(struct bytebuf *b, size_t at, uint32_t value);

#endif
