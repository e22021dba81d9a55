#include "core/json_node.h"

#include <endian.h>

#include "core/utf8.h"

#define NONE            UINT32_MAX      /* no open container                       */
#define FIRST_NODES     64              /* room made at once: 1.5 kB               */
#define FEW_KEYS        16              /* compared each with each, without memory */

struct scan {
	const uint8_t *start;
	const uint8_t *p;       /* next byte to look at                            */
	const uint8_t *end;
	struct arena *arena;
	const struct json_limits *limits;
	struct reason *why;
	struct json *nodes;
	size_t  n;
	size_t  room;
	uint32_t open;          /* innermost open container, or NONE               */
	unsigned depth;
	unsigned values;
};

static size_t
offset(const struct scan *s, const uint8_t *p)
{
	return (size_t)(p - s->start);
}

/* "JSON <what> at byte N", or that the text ends where something had to follow. */
static bool
scan_fail(const struct scan *s, const char *what)
{
	if (s->p == s->end)
		return reject(s->why, REASON_MALFORMED, "JSON ends early at byte %zu",
		    offset(s, s->p));
	return reject(s->why, REASON_MALFORMED, "JSON %s at byte %zu", what, offset(s, s->p));
}

static void
scan_space(struct scan *s)
{
	while (s->p != s->end &&
	    (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

static bool
scan_take(struct scan *s, uint8_t c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Twice the room; what was there before stays behind in the arena. */
static bool
nodes_grow(struct scan *s)
{
	size_t room = s->room == 0 ? FIRST_NODES : s->room * 2;
	struct json *nodes;
	size_t len;

	if (!size_mul(&len, room, sizeof *nodes))
		return reject(s->why, REASON_LIMIT, "input is too long");
	nodes = arena_room(s->arena, len, s->why);
	if (nodes == NULL)
		return false;
	if (s->n != 0)
		memcpy(nodes, s->nodes, s->n * sizeof *nodes);
	s->nodes = nodes;
	s->room = room;
	return true;
}

static struct json *
node_add(struct scan *s, enum json_type type, const uint8_t *ptr)
{
	struct json *node;

	if (s->n == s->room && !nodes_grow(s))
		return NULL;
	node = &s->nodes[s->n++];
	*node = (struct json){ .ptr = ptr, .size = 1, .type = (uint8_t)type };
	return node;
}

/* Strings */

#define EACH(byte)      (UINT64_C(0x0101010101010101) * (byte))

/*
 * Skips characters that mean nothing but themselves, eight at a time.  A byte's top bit ends
 * up set in `stop` when the byte is below 0x20, a quote, a backslash or not ASCII; borrows can
 * set more, but only above the first, which is the one that counts.
 */
static void
scan_plain(struct scan *s)
{
	uint64_t w, quote, backslash, stop;

	while (s->end - s->p >= 8) {
		memcpy(&w, s->p, sizeof w);
		w = le64toh(w);
		quote = w ^ EACH('"');
		backslash = w ^ EACH('\\');
		stop = ((w - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1)) | w) &
		    EACH(0x80);
		if (stop != 0) {
			s->p += __builtin_ctzll(stop) / 8;
			return;
		}
		s->p += 8;
	}
}

/* Four hex digits at p, or -1. */
static int
unicode_digits(const uint8_t *p, const uint8_t *end)
{
	int value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		if (p[i] >= '0' && p[i] <= '9')
			value = value * 16 + (p[i] - '0');
		else if ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')
			value = value * 16 + ((p[i] | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* \uXXXX or a surrogate pair of them. */
static bool
scan_unicode(struct scan *s)
{
	int unit = unicode_digits(s->p + 2, s->end);

	if (unit < 0)
		return scan_fail(s, "string has a bad escape");
	if (unit < 0xd800 || unit > 0xdfff) {
		s->p += 6;
		return true;
	}
	if (unit > 0xdbff || s->end - s->p < 12 || s->p[6] != '\\' || s->p[7] != 'u')
		return scan_fail(s, "string has a lone surrogate");
	unit = unicode_digits(s->p + 8, s->end);
	if (unit < 0xdc00 || unit > 0xdfff)
		return scan_fail(s, "string has a lone surrogate");
	s->p += 12;
	return true;
}

static bool
scan_escape(struct scan *s, uint8_t *escapes)
{
	if (s->end - s->p < 2) {
		s->p = s->end;
		return scan_fail(s, "string has a bad escape");
	}
	switch (s->p[1]) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
		if (*escapes == JSON_ESCAPES_NONE)
			*escapes = JSON_ESCAPES_SHORT;
		s->p += 2;
		return true;
	case 'u':
		*escapes = JSON_ESCAPES_UNICODE;
		return scan_unicode(s);
	default:
		return scan_fail(s, "string has a bad escape");
	}
}

/* From the opening quote to behind the closing one. */
static bool
scan_string(struct scan *s, uint8_t *escapes)
{
	size_t len;

	s->p++;
	for (;;) {
		scan_plain(s);
		if (s->p == s->end)
			return scan_fail(s, "string ends");
		if (*s->p == '"') {
			s->p++;
			return true;
		}
		if (*s->p == '\\') {
			if (!scan_escape(s, escapes))
				return false;
			continue;
		}
		if (*s->p < 0x20)
			return scan_fail(s, "string holds a control character");
		len = utf8_len((struct bytes){ s->p, (size_t)(s->end - s->p) });
		if (len == 0)
			return scan_fail(s, "string is not UTF-8");
		s->p += len;
	}
}

static bool
read_string(struct scan *s)
{
	struct json *node = node_add(s, JSON_STRING, s->p);

	if (node == NULL || !scan_string(s, &node->escapes))
		return false;
	node->len = (uint32_t)(s->p - node->ptr);
	return true;
}

/* A key's node holds the characters themselves, so that keys compare as bytes. */
static bool
read_key(struct scan *s)
{
	struct json *node;
	struct bytes key;

	if (s->p == s->end || *s->p != '"')
		return scan_fail(s, "wants a key");
	if (!read_string(s))
		return false;
	node = &s->nodes[s->n - 1];
	key = (struct bytes){ node->ptr + 1, node->len - 2 };
	if (!json_unescape(&key, s->arena, key, node->escapes, s->why))
		return false;
	node->ptr = key.ptr;
	node->len = (uint32_t)key.len;
	scan_space(s);
	if (!scan_take(s, ':'))
		return scan_fail(s, "wants a colon");
	scan_space(s);
	return true;
}

/* Numbers and words */

static bool
scan_digits(struct scan *s)
{
	const uint8_t *first = s->p;

	while (s->p != s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p != first;
}

static bool
scan_number(struct scan *s)
{
	(void)scan_take(s, '-');
	if (!scan_take(s, '0') && !scan_digits(s))
		return false;
	if (scan_take(s, '.') && !scan_digits(s))
		return false;
	if (scan_take(s, 'e') || scan_take(s, 'E')) {
		if (!scan_take(s, '+'))
			(void)scan_take(s, '-');
		if (!scan_digits(s))
			return false;
	}
	/* "01" and "1.2.3" end here for the grammar; say what is wrong with them. */
	return s->p == s->end || memchr("0123456789+-.eE", *s->p, 15) == NULL;
}

static bool
read_number(struct scan *s)
{
	struct json *node = node_add(s, JSON_NUMBER, s->p);

	if (node == NULL)
		return false;
	if (!scan_number(s))
		return scan_fail(s, "number is malformed");
	node->len = (uint32_t)(s->p - node->ptr);
	return true;
}

static bool
read_word(struct scan *s, enum json_type type, const char *word)
{
	size_t len = strlen(word);
	struct json *node = node_add(s, type, s->p);

	if (node == NULL)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!scan_take(s, (uint8_t)word[i]))
			return scan_fail(s, "wants a value");
	node->len = (uint32_t)len;
	return true;
}

/* Repeated keys */

/* Any total order does; length first decides most without a look at the bytes. */
static int
key_compare(const struct json *a, const struct json *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->len == 0 ? 0 : memcmp(a->ptr, b->ptr, a->len);
}

/* Moves the key at i down to its place in the heap of the first n. */
static void
heap_sink(const struct json **keys, size_t n, size_t i)
{
	const struct json *key = keys[i];
	size_t child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && key_compare(keys[child], keys[child + 1]) < 0)
			child++;
		if (key_compare(key, keys[child]) >= 0)
			break;
		keys[i] = keys[child];
		i = child;
	}
	keys[i] = key;
}

/* Heap sort: no input makes it slow, and it needs no memory. */
static void
keys_sort(const struct json **keys, size_t n)
{
	const struct json *key;

	for (size_t i = n / 2; i-- > 0; )
		heap_sink(keys, n, i);
	for (size_t i = n; i-- > 1; ) {
		key = keys[0];
		keys[0] = keys[i];
		keys[i] = key;
		heap_sink(keys, i, 0);
	}
}

static bool
keys_repeat_few(const struct json *object)
{
	const struct json *keys[FEW_KEYS];
	size_t n = 0;

	for (const struct json *m = json_first(object); m != NULL; m = json_next(m)) {
		for (size_t i = 0; i < n; i++)
			if (key_compare(keys[i], m - 1) == 0)
				return true;
		keys[n++] = m - 1;
	}
	return false;
}

static bool
keys_repeat_many(bool *repeat, const struct json *object, struct arena *arena,
    struct reason *why)
{
	const struct json **keys = arena_array(arena, object->n, sizeof *keys, why);
	size_t n = 0;

	if (keys == NULL)
		return false;
	for (const struct json *m = json_first(object); m != NULL; m = json_next(m))
		keys[n++] = m - 1;
	keys_sort(keys, n);
	*repeat = false;
	for (size_t i = 1; i < n; i++)
		if (key_compare(keys[i - 1], keys[i]) == 0)
			*repeat = true;
	return true;
}

static bool
keys_check(const struct scan *s, const struct json *object)
{
	bool repeat = false;

	if (object->n <= FEW_KEYS)
		repeat = keys_repeat_few(object);
	else if (!keys_repeat_many(&repeat, object, s->arena, s->why))
		return false;
	if (repeat)
		return reject(s->why, REASON_MALFORMED, "JSON object at byte %zu repeats a key",
		    offset(s, object->ptr));
	return true;
}

/* Containers: while one is open, its `size` is the one around it, its `len` its last child. */

static bool
read_open(struct scan *s, enum json_type type)
{
	struct json *node;

	if (s->depth == s->limits->depth)
		return reject(s->why, REASON_LIMIT, "JSON nests deeper than %u levels at byte %zu",
		    s->limits->depth, offset(s, s->p));
	node = node_add(s, type, s->p);
	if (node == NULL)
		return false;
	s->p++;
	s->depth++;
	node->size = s->open;
	s->open = (uint32_t)(s->n - 1);
	return true;
}

static bool
read_close(struct scan *s)
{
	struct json *node = &s->nodes[s->open];
	uint32_t index = s->open;

	s->p++;
	s->depth--;
	s->open = node->size;
	if (node->n != 0)
		s->nodes[node->len].last = true;
	node->len = (uint32_t)(s->p - node->ptr);
	node->size = (uint32_t)(s->n - index);
	return node->type != JSON_OBJECT || s->limits->allow_duplicates || keys_check(s, node);
}

static bool
read_value(struct scan *s)
{
	if (s->p == s->end)
		return scan_fail(s, "wants a value");
	if (s->values++ == s->limits->values)
		return reject(s->why, REASON_LIMIT, "JSON has more than %u values",
		    s->limits->values);
	switch (*s->p) {
	case '{':
		return read_open(s, JSON_OBJECT);
	case '[':
		return read_open(s, JSON_ARRAY);
	case '"':
		return read_string(s);
	case 't':
		return read_word(s, JSON_BOOL, "true");
	case 'f':
		return read_word(s, JSON_BOOL, "false");
	case 'n':
		return read_word(s, JSON_NULL, "null");
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return read_number(s);
	default:
		return scan_fail(s, "wants a value");
	}
}

/* One more child of the open container, or its end. */
static bool
read_child(struct scan *s)
{
	const uint32_t parent = s->open;
	const bool object = s->nodes[parent].type == JSON_OBJECT;
	uint32_t index;

	scan_space(s);
	if (s->p != s->end && *s->p == (object ? '}' : ']'))
		return read_close(s);
	if (s->nodes[parent].n != 0) {
		if (!scan_take(s, ','))
			return scan_fail(s, object ? "wants a comma or }" : "wants a comma or ]");
		scan_space(s);
	}
	if (object && !read_key(s))
		return false;
	index = (uint32_t)s->n;
	s->nodes[parent].n++;
	s->nodes[parent].len = index;
	if (!read_value(s))
		return false;
	s->nodes[index].member = object;
	return true;
}

bool
json_read(const struct json **root, struct arena *arena, struct bytes text,
    const struct json_limits *limits, struct reason *why)
{
	struct scan s = {
		.start = text.ptr, .p = text.ptr,
		.arena = arena, .limits = limits, .why = why, .open = NONE,
	};

	if (text.len > limits->text_len || text.len >= NONE)
		return reject(why, REASON_LIMIT, "JSON is longer than %zu bytes",
		    limits->text_len);
	if (text.len == 0)
		return reject(why, REASON_MALFORMED, "JSON is empty");
	s.end = text.ptr + text.len;
	scan_space(&s);
	if (s.p == s.end)
		return reject(why, REASON_MALFORMED, "JSON is empty");
	if (!read_value(&s))
		return false;
	while (s.open != NONE)
		if (!read_child(&s))
			return false;
	scan_space(&s);
	if (s.p != s.end)
		return scan_fail(&s, "has more text after the value");
	s.nodes[0].last = true;
	*root = s.nodes;
	return true;
}
