#include "measure/acpi/bytebuf.h"

/* Where the next n bytes go; NULL, and full, when there is no room for them. */
static uint8_t *
bytebuf_room(struct bytebuf *b, size_t n)
{
	uint8_t *p = b->ptr + b->len;

	if (b->full || n > b->max_len - b->len) {
		b->full = true;
		return NULL;
	}
	b->len += n;
	return p;
}

void
bytebuf_put(struct bytebuf *b, struct bytes from)
{
	uint8_t *p = bytebuf_room(b, from.len);

	if (p != NULL)
		bytes_copy(p, from);
}

void
bytebuf_text(struct bytebuf *b, const char *text)
{
	bytebuf_put(b, bytes_str(text));
}

static void
bytebuf_little(struct bytebuf *b, uint64_t value, size_t size)
{
	uint8_t *p = bytebuf_room(b, size);

	for (size_t i = 0; p != NULL && i < size; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

void
bytebuf_u8(struct bytebuf *b, unsigned value)
{
	bytebuf_little(b, value, 1);
}

void
bytebuf_u16(struct bytebuf *b, unsigned value)
{
	bytebuf_little(b, value, 2);
}

void
bytebuf_u32(struct bytebuf *b, uint32_t value)
{
	bytebuf_little(b, value, 4);
}

void
bytebuf_u64(struct bytebuf *b, uint64_t value)
{
	bytebuf_little(b, value, 8);
}

void
bytebuf_zeros(struct bytebuf *b, size_t n)
{
	uint8_t *p = bytebuf_room(b, n);

	if (p != NULL)
		memset(p, 0, n);
}

void
bytebuf_align(struct bytebuf *b, size_t step)
{
	bytebuf_zeros(b, (step - b->len % step) % step);
}

void
bytebuf_insert(struct bytebuf *b, size_t at, struct bytes from)
{
	const size_t behind = b->len - at;

	if (bytebuf_room(b, from.len) == NULL)
		return;
	memmove(b->ptr + at + from.len, b->ptr + at, behind);
	bytes_copy(b->ptr + at, from);
}

void
bytebuf_set_u32(struct bytebuf *b, size_t at, uint32_t value)
{
	struct bytebuf four = { .ptr = b->ptr + at, .max_len = 4 };

	if (!b->full)
		bytebuf_u32(&four, value);
}
