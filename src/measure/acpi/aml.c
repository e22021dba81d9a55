#include "measure/acpi/aml.h"

#include <assert.h>

enum {
	OP_EXTENDED = 0x5B,             /* first byte of two-byte opcodes          */
	OP_BYTE = 0x0A,
	OP_WORD = 0x0B,
	OP_DWORD = 0x0C,
	OP_STRING = 0x0D,
	OP_QWORD = 0x0E,
	OP_BUFFER = 0x11,
	PREFIX_DUAL = 0x2E,
	PREFIX_MULTI = 0x2F,
	SEGMENT_LEN = 4,
	UUID_LEN = 16,
};

/* An opcode of one byte, or of two when the value has two. */
static void
opcode_put(struct bytebuf *out, uint64_t op)
{
	if (op >> 8 == OP_EXTENDED)
		bytebuf_u8(out, OP_EXTENDED);
	bytebuf_u8(out, (unsigned)(op & 0xFF));
}

static void
int_put(struct bytebuf *out, uint64_t value)
{
	if (value < 2) {                /* ZeroOp, OneOp */
		bytebuf_u8(out, (unsigned)value);
	} else if (value <= UINT8_MAX) {
		bytebuf_u8(out, OP_BYTE);
		bytebuf_u8(out, (unsigned)value);
	} else if (value <= UINT16_MAX) {
		bytebuf_u8(out, OP_WORD);
		bytebuf_u16(out, (unsigned)value);
	} else if (value <= UINT32_MAX) {
		bytebuf_u8(out, OP_DWORD);
		bytebuf_u32(out, (uint32_t)value);
	} else {
		bytebuf_u8(out, OP_QWORD);
		bytebuf_u64(out, value);
	}
}

static void
text_put(struct bytebuf *out, const char *text)
{
	bytebuf_u8(out, OP_STRING);
	bytebuf_text(out, text);
	bytebuf_u8(out, 0);
}

/* One segment of at most four characters, padded with '_'; gives where the next begins. */
static const char *
segment_put(struct bytebuf *out, const char *p)
{
	char segment[SEGMENT_LEN] = { '_', '_', '_', '_' };

	for (size_t i = 0; *p != '\0' && *p != '.'; i++) {
		assert(i < SEGMENT_LEN);
		segment[i] = *p++;
	}
	bytebuf_put(out, BYTES_OF(segment));
	return *p == '.' ? p + 1 : p;
}

static void
name_put(struct bytebuf *out, const char *path)
{
	unsigned nsegments = 1;

	while (*path == '\\' || *path == '^')
		bytebuf_u8(out, (unsigned char)*path++);
	if (*path == '\0') {
		bytebuf_u8(out, 0);
		return;
	}
	for (const char *p = path; *p != '\0'; p++)
		nsegments += *p == '.';
	if (nsegments == 2)
		bytebuf_u8(out, PREFIX_DUAL);
	if (nsegments > 2) {
		bytebuf_u8(out, PREFIX_MULTI);
		bytebuf_u8(out, nsegments);
	}
	while (*path != '\0')
		path = segment_put(out, path);
}

static unsigned
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	assert(c >= 'A' && c <= 'F');
	return (unsigned)(c - 'A') + 10;
}

/* Three letters of five bits, then four hexadecimal digits, big endian. */
static void
eisa_put(struct bytebuf *out, const char *id)
{
	unsigned value = 0;

	assert(strlen(id) == 7);
	for (int i = 0; i < 3; i++)
		value = value << 5 | ((unsigned)(id[i] - '@') & 31);
	for (int i = 3; i < 7; i++)
		value = value << 4 | hex_digit(id[i]);
	bytebuf_u8(out, OP_DWORD);
	for (int shift = 24; shift >= 0; shift -= 8)
		bytebuf_u8(out, value >> shift & 0xFF);
}

/* The first three groups are stored little endian, the other two as they read. */
static void
uuid_put(struct bytebuf *out, const char *text)
{
	static const uint8_t place[UUID_LEN] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15,
	};
	uint8_t uuid[UUID_LEN];

	for (size_t i = 0; i < UUID_LEN; i++) {
		if (*text == '-')
			text++;
		uuid[place[i]] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
		text += 2;
	}
	assert(*text == '\0');
	bytebuf_put(out, BYTES_OF(uuid));
}

/*
 * PkgLength: the two top bits of the first byte count the bytes behind it, and then it has
 * room for 4 bits of the value, else for 6.  A package's length includes the field itself,
 * so does the choice of its width; a field element's width in bits is chosen the same way
 * and then written as it is.
 */
static void
length_encode(struct bytebuf *to, size_t n, bool counts_itself)
{
	unsigned width = 1;
	size_t value;

	if (n + 1 >= (size_t)1 << 6)
		width = 2;
	if (width == 2 && n + 2 >= (size_t)1 << 12)
		width = 3;
	if (width == 3 && n + 3 >= (size_t)1 << 20)
		width = 4;
	value = counts_itself ? n + width : n;
	assert(value < (size_t)1 << 28);
	if (width == 1) {
		bytebuf_u8(to, (unsigned)value);
		return;
	}
	bytebuf_u8(to, (width - 1) << 6 | (unsigned)(value & 0x0F));
	for (value >>= 4; --width != 0; value >>= 8)
		bytebuf_u8(to, (unsigned)(value & 0xFF));
}

static void
begin(struct aml *a, uint64_t op, bool buffer)
{
	assert(a->depth < AML_MAX_DEPTH);
	opcode_put(a->out, op);
	a->begun[a->depth].at = a->out->len;
	a->begun[a->depth].buffer = buffer;
	a->depth++;
}

/* Puts the length in front of the content, and a buffer's own size between the two. */
static void
end(struct aml *a)
{
	uint8_t room[4 + 9];
	struct bytebuf head = { .ptr = room, .max_len = sizeof room };
	struct bytebuf size = { .ptr = room, .max_len = sizeof room };
	size_t at, content_len;

	assert(a->depth > 0);
	a->depth--;
	at = a->begun[a->depth].at;
	content_len = a->out->len - at;
	if (a->begun[a->depth].buffer) {
		int_put(&size, content_len);
		length_encode(&head, size.len + content_len, true);
		int_put(&head, content_len);
	} else {
		length_encode(&head, content_len, true);
	}
	assert(!head.full);
	bytebuf_insert(a->out, at, (struct bytes){ head.ptr, head.len });
}

/* Counts the conditions that are open while one of them is false. */
static bool
skipped(struct aml *a, const struct aml_term *term)
{
	if (term->kind == AML_BEGIN_ONLY && (a->skip != 0 || term->value == 0))
		a->skip++;
	else if (term->kind == AML_END_ONLY && a->skip != 0)
		a->skip--;
	else
		return a->skip != 0;
	return true;
}

static void
term_put(struct aml *a, const struct aml_term *term)
{
	struct bytebuf *out = a->out;
	const uint64_t value = term->value;

	switch (term->kind) {
	case AML_OP:
		opcode_put(out, value);
		break;
	case AML_U8:
		bytebuf_u8(out, (unsigned)value);
		break;
	case AML_U16:
		bytebuf_u16(out, (unsigned)value);
		break;
	case AML_U32:
		bytebuf_u32(out, (uint32_t)value);
		break;
	case AML_U64:
		bytebuf_u64(out, value);
		break;
	case AML_INT:
		int_put(out, value);
		break;
	case AML_TEXT:
		text_put(out, term->text);
		break;
	case AML_NAME:
		name_put(out, term->text);
		break;
	case AML_EISA:
		eisa_put(out, term->text);
		break;
	case AML_UUID:
		begin(a, OP_BUFFER, true);
		uuid_put(out, term->text);
		end(a);
		break;
	case AML_BITS:
		length_encode(out, (size_t)value, false);
		break;
	case AML_BEGIN:
		begin(a, value, false);
		break;
	case AML_BEGIN_BUFFER:
		begin(a, OP_BUFFER, true);
		break;
	case AML_END:
		end(a);
		break;
	case AML_BEGIN_ONLY:
	case AML_END_ONLY:
		break;
	}
}

void
aml_put(struct aml *a, const struct aml_term *terms, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!skipped(a, &terms[i]))
			term_put(a, &terms[i]);
}
