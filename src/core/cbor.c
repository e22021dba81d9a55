#include "core/cbor.h"

#include <inttypes.h>

#include "core/utf8.h"

/* Major types (RFC 8949, 3.1). */
enum major {
	UINT = 0,
	NEGATIVE = 1,
	BYTES = 2,
	TEXT = 3,
	ARRAY = 4,
	MAP = 5,
	TAG = 6,
	SIMPLE = 7,     /* and floats                                              */
};

/* Values of additional information, the low five bits of a head. */
enum {
	INFO_DIRECT_MAX = 23,
	INFO_WIDTH_1 = 24,      /* then 25, 26, 27: two, four, eight bytes         */
	INFO_WIDTH_8 = 27,
	INFO_INDEFINITE = 31,
};

enum {
	SIMPLE_FALSE = 20,
	SIMPLE_TRUE = 21,
	SIMPLE_NULL = 22,
	SIMPLE_UNDEFINED = 23,
};

#define NULL_BYTE       0xf6    /* major type 7, null */

struct head {
	enum major major;
	uint8_t info;
	uint64_t value;         /* number, length in bytes, or count               */
};

static const char *
head_name(const struct head *head)
{
	switch (head->major) {
	case UINT:
		return "an unsigned integer";
	case NEGATIVE:
		return "a negative integer";
	case BYTES:
		return "bytes";
	case TEXT:
		return "text";
	case ARRAY:
		return "an array";
	case MAP:
		return "a map";
	case TAG:
		return "a tag";
	case SIMPLE:
		break;
	}
	if (head->info == SIMPLE_FALSE || head->info == SIMPLE_TRUE)
		return "a boolean";
	if (head->info == SIMPLE_NULL)
		return "null";
	return head->info > INFO_WIDTH_1 ? "a float" : "a simple value";
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

/* Whether a value in a head of that info could have been written shorter. */
static bool
head_minimal(const struct head *head)
{
	/* Least value for one, two, four and eight bytes. */
	static const uint64_t least[4] = {
		INFO_DIRECT_MAX + 1, UINT8_MAX + 1, UINT16_MAX + 1, UINT64_C(1) << 32,
	};

	/* The bits of a float are not a number; simple values below 32 have no wide form. */
	if (head->major == SIMPLE)
		return head->info != INFO_WIDTH_1 || head->value >= 32;
	return head->info <= INFO_DIRECT_MAX || head->value >= least[head->info - INFO_WIDTH_1];
}

static bool
head_read(struct head *head, CBS *in, struct reason *why)
{
	uint8_t first;

	if (!CBS_get_u8(in, &first))
		return reject(why, REASON_MALFORMED, "is cut short");
	head->major = (enum major)(first >> 5);
	head->info = first & 31;
	head->value = head->info;
	if (head->info == INFO_INDEFINITE)
		return reject(why, REASON_MALFORMED, "has no definite length");
	if (head->info > INFO_WIDTH_8)
		return reject(why, REASON_MALFORMED, "has a reserved head %02x", first);
	if (head->info > INFO_DIRECT_MAX &&
	    !big_endian_read(&head->value, in, 1u << (head->info - INFO_WIDTH_1)))
		return reject(why, REASON_MALFORMED, "is cut short");
	if (!head_minimal(head))
		return reject(why, REASON_MALFORMED, "is not in its shortest form");
	return true;
}

static bool
head_demand(struct head *head, CBS *in, enum major major, const char *wanted, struct reason *why)
{
	if (!head_read(head, in, why))
		return false;
	if (head->major != major)
		return reject(why, REASON_MALFORMED, "is %s, not %s", head_name(head), wanted);
	return true;
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

/* A count of things of at least item_len bytes each; 32 bits hold it, as `in` is memory. */
static bool
count_check(uint64_t count, size_t item_len, const CBS *in, struct reason *why)
{
	if (count > CBS_len(in) / item_len || count > UINT32_MAX)
		return reject(why, REASON_MALFORMED, "has %" PRIu64 " items, but %zu bytes are left",
		    count, CBS_len(in));
	return true;
}

bool
cbor_map_read(uint32_t *out, CBS *in, struct reason *why)
{
	struct head head;

	if (!head_demand(&head, in, MAP, "a map", why) || !count_check(head.value, 2, in, why))
		return false;
	*out = (uint32_t)head.value;
	return true;
}

bool
cbor_array_read(uint32_t *out, CBS *in, struct reason *why)
{
	struct head head;

	if (!head_demand(&head, in, ARRAY, "an array", why) ||
	    !count_check(head.value, 1, in, why))
		return false;
	*out = (uint32_t)head.value;
	return true;
}

bool
cbor_text_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why)
{
	struct head head;
	struct bytes text;

	if (!head_demand(&head, in, TEXT, "text", why) ||
	    !span_read(&text, in, head.value, max_len, why))
		return false;
	if (!utf8_valid(text))
		return reject(why, REASON_MALFORMED, "is not UTF-8");
	*out = text;
	return true;
}

bool
cbor_bytes_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why)
{
	struct head head;

	return head_demand(&head, in, BYTES, "bytes", why) &&
	    span_read(out, in, head.value, max_len, why);
}

bool
cbor_fixed_read(uint8_t *out, size_t len, CBS *in, struct reason *why)
{
	struct bytes data;

	if (!cbor_bytes_read(&data, in, SIZE_MAX, why))
		return false;
	if (data.len != len)
		return reject(why, REASON_MALFORMED, "has %zu bytes, not %zu", data.len, len);
	bytes_copy(out, data);
	return true;
}

bool
cbor_u64_read(uint64_t *out, CBS *in, uint64_t max, struct reason *why)
{
	struct head head;

	if (!head_demand(&head, in, UINT, "an unsigned integer", why))
		return false;
	if (head.value > max)
		return reject(why, REASON_LIMIT, "is more than %" PRIu64, max);
	*out = head.value;
	return true;
}

bool
cbor_bool_read(bool *out, CBS *in, struct reason *why)
{
	struct head head;

	if (!head_demand(&head, in, SIMPLE, "a boolean", why))
		return false;
	if (head.info != SIMPLE_FALSE && head.info != SIMPLE_TRUE)
		return reject(why, REASON_MALFORMED, "is %s, not a boolean", head_name(&head));
	*out = head.info == SIMPLE_TRUE;
	return true;
}

bool
cbor_null_take(CBS *in)
{
	return CBS_len(in) > 0 && CBS_data(in)[0] == NULL_BYTE && CBS_skip(in, 1);
}

/* A head and the bytes that belong to it; the values inside a container stay to be read. */
static bool
shallow_skip(uint64_t *inside, CBS *in, struct reason *why)
{
	struct bytes span;
	struct head head;

	*inside = 0;
	if (!head_read(&head, in, why))
		return false;
	switch (head.major) {
	case UINT:
	case NEGATIVE:
	case SIMPLE:
		return true;
	case BYTES:
		return span_read(&span, in, head.value, SIZE_MAX, why);
	case TEXT:
		if (!span_read(&span, in, head.value, SIZE_MAX, why))
			return false;
		return utf8_valid(span) || reject(why, REASON_MALFORMED, "is not UTF-8");
	case ARRAY:
		*inside = head.value;
		return count_check(head.value, 1, in, why);
	case MAP:
		*inside = head.value * 2;
		return count_check(head.value, 2, in, why);
	case TAG:
		return reject(why, REASON_MALFORMED, "holds a tag");
	}
	return reject(why, REASON_INTERNAL, "unknown major type");
}

bool
cbor_skip(CBS *in, unsigned depth, struct reason *why)
{
	/* Values still to come at each level. */
	uint64_t left[CBOR_MAX_DEPTH + 1] = { 1 };
	uint64_t inside;
	unsigned level = 0;

	if (depth > CBOR_MAX_DEPTH)
		depth = CBOR_MAX_DEPTH;
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

bool
cbor_end_check(const CBS *in, struct reason *why)
{
	if (CBS_len(in) != 0)
		return reject(why, REASON_MALFORMED,
		    "%zu trailing byte(s) after the CBOR document", CBS_len(in));
	return true;
}
