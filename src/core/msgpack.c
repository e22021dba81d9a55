#include "core/msgpack.h"

#include <inttypes.h>

#include "core/utf8.h"

/* Kinds of value, by the first byte (the MessagePack specification's "formats"). */
enum kind {
	UINT,
	INT,            /* signed and negative, or signed in form                  */
	NIL,
	BOOL,
	FLOAT,
	STR,
	BIN,
	EXT,
	ARRAY,
	MAP,
	NEVER,          /* 0xc1                                                    */
};

struct head {
	enum kind kind;
	bool    negative;       /* of INT; `value` is its two's complement         */
	uint64_t value;         /* integer, bool, length in bytes, or count        */
};

/* How the bytes from 0xc0 to 0xdf go on: that many bytes of value, then `extra` to skip. */
static const struct form {
	uint8_t kind;           /* enum kind                                       */
	uint8_t width;
	uint8_t fixed;          /* value of a form without bytes of its own        */
} forms[0x20] = {
	{ NIL, 0, 0 }, { NEVER, 0, 0 }, { BOOL, 0, 0 }, { BOOL, 0, 1 },         /* c0 .. c3 */
	{ BIN, 1, 0 }, { BIN, 2, 0 }, { BIN, 4, 0 },                            /* c4 .. c6 */
	{ EXT, 1, 0 }, { EXT, 2, 0 }, { EXT, 4, 0 },                            /* c7 .. c9 */
	{ FLOAT, 4, 0 }, { FLOAT, 8, 0 },                                       /* ca, cb   */
	{ UINT, 1, 0 }, { UINT, 2, 0 }, { UINT, 4, 0 }, { UINT, 8, 0 },         /* cc .. cf */
	{ INT, 1, 0 }, { INT, 2, 0 }, { INT, 4, 0 }, { INT, 8, 0 },             /* d0 .. d3 */
	{ EXT, 0, 1 }, { EXT, 0, 2 }, { EXT, 0, 4 }, { EXT, 0, 8 }, { EXT, 0, 16 },
	{ STR, 1, 0 }, { STR, 2, 0 }, { STR, 4, 0 },                            /* d9 .. db */
	{ ARRAY, 2, 0 }, { ARRAY, 4, 0 }, { MAP, 2, 0 }, { MAP, 4, 0 },         /* dc .. df */
};

static const char *
kind_name(enum kind kind)
{
	switch (kind) {
	case UINT:
	case INT:
		return "an integer";
	case NIL:
		return "nil";
	case BOOL:
		return "a boolean";
	case FLOAT:
		return "a float";
	case STR:
		return "a string";
	case BIN:
		return "bytes";
	case EXT:
		return "an extension";
	case ARRAY:
		return "an array";
	case MAP:
		return "a map";
	case NEVER:
		break;
	}
	return "no value";
}

static bool
big_endian_read(uint64_t *out, CBS *in, unsigned width)
{
	uint8_t byte;

	*out = 0;
	while (width-- > 0) {
		if (!CBS_get_u8(in, &byte))
			return false;
		*out = *out << 8 | byte;
	}
	return true;
}

/* Makes a signed value of `width` bytes one of eight. */
static void
sign_extend(struct head *head, unsigned width)
{
	const uint64_t sign = UINT64_C(1) << (8 * width - 1);

	head->negative = (head->value & sign) != 0;
	head->value = (head->value ^ sign) - sign;
}

/* The forms whose first byte holds everything. */
static bool
short_head(struct head *head, uint8_t first)
{
	if (first < 0x80)
		*head = (struct head){ .kind = UINT, .value = first };
	else if (first < 0x90)
		*head = (struct head){ .kind = MAP, .value = first & 15u };
	else if (first < 0xa0)
		*head = (struct head){ .kind = ARRAY, .value = first & 15u };
	else if (first < 0xc0)
		*head = (struct head){ .kind = STR, .value = first & 31u };
	else if (first >= 0xe0)
		*head = (struct head){ .kind = INT, .negative = true,
		    .value = UINT64_MAX - (0xffu - first) };
	else
		return false;
	return true;
}

static bool
head_read(struct head *head, CBS *in, struct reason *why)
{
	const struct form *form;
	uint8_t first;

	if (!CBS_get_u8(in, &first))
		return reject(why, REASON_MALFORMED, "is cut short");
	if (short_head(head, first))
		return true;
	form = &forms[first - 0xc0];
	*head = (struct head){ .kind = (enum kind)form->kind, .value = form->fixed };
	if (form->width != 0 && !big_endian_read(&head->value, in, form->width))
		return reject(why, REASON_MALFORMED, "is cut short");
	if (head->kind == INT)
		sign_extend(head, form->width);
	return true;
}

static bool
kind_reject(enum kind found, const char *wanted, struct reason *why)
{
	return reject(why, REASON_MALFORMED, "is %s, not %s", kind_name(found), wanted);
}

/* Bytes, by a length that must be there. */
static bool
span_read(struct bytes *out, CBS *in, uint64_t len, size_t max_len, struct reason *why)
{
	CBS span;

	if (len > CBS_len(in))
		return reject(why, REASON_MALFORMED, "has %" PRIu64 " bytes, but %zu are left",
		    len, CBS_len(in));
	if (len > max_len)
		return reject(why, REASON_LIMIT, "is longer than %zu bytes", max_len);
	if (!CBS_get_bytes(in, &span, (size_t)len))
		return reject(why, REASON_MALFORMED, "is cut short");
	*out = bytes_cbs(&span);
	return true;
}

/* A count of things of at least item_len bytes each. */
static bool
count_check(uint64_t count, size_t item_len, const CBS *in, struct reason *why)
{
	if (count > CBS_len(in) / item_len)
		return reject(why, REASON_MALFORMED, "has %" PRIu64 " items, but %zu bytes are left",
		    count, CBS_len(in));
	return true;
}

bool
msgpack_map_read(uint32_t *out, CBS *in, struct reason *why)
{
	struct head head;

	if (!head_read(&head, in, why))
		return false;
	if (head.kind != MAP)
		return kind_reject(head.kind, "a map", why);
	if (!count_check(head.value, 2, in, why))
		return false;
	*out = (uint32_t)head.value;
	return true;
}

bool
msgpack_array_read(uint32_t *out, CBS *in, struct reason *why)
{
	struct head head;

	if (!head_read(&head, in, why))
		return false;
	if (head.kind != ARRAY)
		return kind_reject(head.kind, "an array", why);
	if (!count_check(head.value, 1, in, why))
		return false;
	*out = (uint32_t)head.value;
	return true;
}

bool
msgpack_text_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why)
{
	struct head head;
	struct bytes text;

	if (!head_read(&head, in, why))
		return false;
	if (head.kind != STR)
		return kind_reject(head.kind, "a string", why);
	if (!span_read(&text, in, head.value, max_len, why))
		return false;
	if (!utf8_valid(text))
		return reject(why, REASON_MALFORMED, "is not UTF-8");
	*out = text;
	return true;
}

bool
msgpack_u64_read(uint64_t *out, CBS *in, uint64_t max, struct reason *why)
{
	struct head head;

	if (!head_read(&head, in, why))
		return false;
	if (head.kind != UINT && head.kind != INT)
		return kind_reject(head.kind, "an integer", why);
	if (head.negative)
		return reject(why, REASON_MALFORMED, "is negative");
	if (head.value > max)
		return reject(why, REASON_LIMIT, "is more than %" PRIu64, max);
	*out = head.value;
	return true;
}

/*
 * The two forms that encoders use, "xx" and "cc xx", and no other: takes n elements and gives
 * the number of bytes they took, or 0 when there is something else.  Half of a quote's bytes
 * have the long form, in no order, so there is no branch on it: every byte is written, and
 * the next one over it if it was only the prefix.
 */
static size_t
common_bytes(uint8_t *out, size_t n, struct bytes in)
{
	unsigned prefixed = 0, other = 0, prefix;
	size_t i = 0, k = 0;

	while (k < n && i < in.len) {
		const uint8_t c = in.ptr[i++];

		prefix = (c == 0xcc) & ~prefixed;
		other |= (c >= 0x80) & ~prefixed & ~prefix;
		out[k] = c;
		k += 1 - prefix;
		prefixed = prefix;
	}
	return k == n && other == 0 ? i : 0;
}

static bool
byte_read(uint8_t *out, CBS *in, struct reason *why)
{
	struct head head;

	if (!head_read(&head, in, why))
		return false;
	if (head.kind != UINT && head.kind != INT)
		return kind_reject(head.kind, "an integer", why);
	if (head.negative || head.value > UINT8_MAX)
		return reject(why, REASON_MALFORMED, "is not from 0 to 255");
	*out = (uint8_t)head.value;
	return true;
}

static bool
byte_array_read(struct bytes *out, struct arena *arena, CBS *in, size_t n, struct reason *why)
{
	uint8_t *data = arena_alloc(arena, n, why);
	size_t taken;

	if (data == NULL)
		return false;
	*out = (struct bytes){ data, n };
	taken = common_bytes(data, n, bytes_cbs(in));
	if (taken != 0 && CBS_skip(in, taken))
		return true;
	for (size_t i = 0; i < n; i++)
		if (!byte_read(&data[i], in, why))
			return reject_as(why, "byte %zu", i);
	return true;
}

bool
msgpack_bytes_read(struct bytes *out, struct arena *arena, CBS *in, size_t max_len,
    struct reason *why)
{
	struct head head;

	if (!head_read(&head, in, why))
		return false;
	if (head.kind == BIN)
		return span_read(out, in, head.value, max_len, why);
	if (head.kind != ARRAY)
		return kind_reject(head.kind, "bytes", why);
	if (!count_check(head.value, 1, in, why))
		return false;
	if (head.value > max_len)
		return reject(why, REASON_LIMIT, "is longer than %zu bytes", max_len);
	return byte_array_read(out, arena, in, (size_t)head.value, why);
}

bool
msgpack_nil_take(CBS *in)
{
	return CBS_len(in) > 0 && CBS_data(in)[0] == 0xc0 && CBS_skip(in, 1);
}

/* A head and the bytes that belong to it; the values inside a container stay to be read. */
static bool
shallow_skip(uint64_t *inside, CBS *in, struct reason *why)
{
	struct bytes ignored;
	struct head head;

	*inside = 0;
	if (!head_read(&head, in, why))
		return false;
	switch (head.kind) {
	case STR:
	case BIN:
		return span_read(&ignored, in, head.value, SIZE_MAX, why);
	case EXT:       /* a type byte before the data */
		return span_read(&ignored, in, head.value + 1, SIZE_MAX, why);
	case ARRAY:
		*inside = head.value;
		return count_check(head.value, 1, in, why);
	case MAP:
		*inside = head.value * 2;
		return count_check(head.value, 2, in, why);
	case NEVER:
		return reject(why, REASON_MALFORMED, "holds the byte c1, which is no value");
	case UINT:
	case INT:
	case NIL:
	case BOOL:
	case FLOAT:
		return true;
	}
	return reject(why, REASON_INTERNAL, "unknown kind of value");
}

bool
msgpack_skip(CBS *in, unsigned depth, struct reason *why)
{
	/* Values still to come at each level. */
	uint64_t left[MSGPACK_MAX_DEPTH + 1] = { 1 };
	uint64_t inside;
	unsigned level = 0;

	if (depth > MSGPACK_MAX_DEPTH)
		depth = MSGPACK_MAX_DEPTH;
	for (;;) {
		while (left[level] == 0) {
			if (level == 0)
				return true;
			level--;
		}
		left[level]--;
		if (!shallow_skip(&inside, in, why))
			return false;
		if (inside == 0)
			continue;
		if (level == depth)
			return reject(why, REASON_LIMIT, "nests deeper than %u levels", depth);
		left[++level] = inside;
	}
}
