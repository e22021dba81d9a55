#include "measure/acpi/blob.h"

/* Where the next n bytes go; NULL, and full, when there is no room for them. */
static uint8_t *
blob_room(struct blob *b, size_t n)
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
blob_put(struct blob *b, struct bytes from)
{
	uint8_t *p = blob_room(b, from.len);

	if (p != NULL)
		bytes_copy(p, from);
}

void
blob_text(struct blob *b, const char *text)
{
	blob_put(b, bytes_str(text));
}

static void
blob_little(struct blob *b, uint64_t value, size_t size)
{
	uint8_t *p = blob_room(b, size);

	for (size_t i = 0; p != NULL && i < size; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

void
blob_u8(struct blob *b, unsigned value)
{
	blob_little(b, value, 1);
}

void
blob_u16(struct blob *b, unsigned value)
{
	blob_little(b, value, 2);
}

void
blob_u32(struct blob *b, uint32_t value)
{
	blob_little(b, value, 4);
}

void
blob_u64(struct blob *b, uint64_t value)
{
	blob_little(b, value, 8);
}

void
blob_zeros(struct blob *b, size_t n)
{
	uint8_t *p = blob_room(b, n);

	if (p != NULL)
		memset(p, 0, n);
}

void
blob_align(struct blob *b, size_t step)
{
	blob_zeros(b, (step - b->len % step) % step);
}

void
blob_insert(struct blob *b, size_t at, struct bytes from)
{
	const size_t behind = b->len - at;

	if (blob_room(b, from.len) == NULL)
		return;
	memmove(b->ptr + at + from.len, b->ptr + at, behind);
	bytes_copy(b->ptr + at, from);
}

void
blob_set_u32(struct blob *b, size_t at, uint32_t value)
{
	struct blob four = { .ptr = b->ptr + at, .max_len = 4 };

	if (!b->full)
		blob_u32(&four, value);
}
