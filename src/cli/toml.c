#include "cli/toml.h"

#include <assert.h>

#include "core/utf8.h"

/* Where the reader is.  `name` is the path of the key being read, parts joined by dots. */
struct toml {
	struct settings *settings;
	CBS     in;
	unsigned line;
	char    name[SETTING_NAME_MAX + 1];
	size_t  name_len;
	const char *tables[TOML_TABLES_MAX];
	size_t  ntables;
};

/* The next byte, -1 at the end. */
static int
peek(const struct toml *toml)
{
	return CBS_len(&toml->in) == 0 ? -1 : CBS_data(&toml->in)[0];
}

static void
advance(struct toml *toml)
{
	uint8_t byte;

	if (CBS_get_u8(&toml->in, &byte) && byte == '\n')
		toml->line++;
}

static bool
accept(struct toml *toml, int byte)
{
	if (peek(toml) != byte)
		return false;
	advance(toml);
	return true;
}

static bool
starts_with(const struct toml *toml, const char *text)
{
	struct bytes rest = bytes_cbs(&toml->in);

	return rest.len >= strlen(text) && memcmp(rest.ptr, text, strlen(text)) == 0;
}

static void
blanks_skip(struct toml *toml)
{
	while (peek(toml) == ' ' || peek(toml) == '\t')
		advance(toml);
}

/* Blanks and a comment; then the line must be over.  CR counts only before LF. */
static bool
line_end_read(struct toml *toml, struct reason *why)
{
	blanks_skip(toml);
	if (peek(toml) == '#')
		while (peek(toml) != -1 && peek(toml) != '\n' && !starts_with(toml, "\r\n")) {
			if (peek(toml) != '\t' && (peek(toml) < 0x20 || peek(toml) == 0x7f))
				return reject(why, REASON_MALFORMED, "control character in a comment");
			advance(toml);
		}
	if (starts_with(toml, "\r\n"))
		advance(toml);
	if (peek(toml) == -1 || accept(toml, '\n'))
		return true;
	return reject(why, REASON_MALFORMED, "expected the end of the line");
}

/* Blanks, comments and line ends, as allowed inside an array. */
static bool
space_skip(struct toml *toml, struct reason *why)
{
	for (;;) {
		blanks_skip(toml);
		if (peek(toml) != '#' && peek(toml) != '\n' && !starts_with(toml, "\r\n"))
			return true;
		if (!line_end_read(toml, why))
			return false;
	}
}

static bool
is_bare(int byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

/* The value of a hex digit; 16 for any other byte. */
static unsigned
digit_value(int byte)
{
	if (byte >= '0' && byte <= '9')
		return (unsigned)(byte - '0');
	if (byte >= 'a' && byte <= 'f')
		return (unsigned)(byte - 'a' + 10);
	if (byte >= 'A' && byte <= 'F')
		return (unsigned)(byte - 'A' + 10);
	return 16;
}

static bool
hex_digits_read(struct toml *toml, unsigned ndigits, uint32_t *code, struct reason *why)
{
	unsigned digit;

	for (*code = 0; ndigits > 0; ndigits--) {
		digit = digit_value(peek(toml));
		if (digit == 16)
			return reject(why, REASON_MALFORMED, "escape has too few hex digits");
		*code = *code << 4 | digit;
		advance(toml);
	}
	return true;
}

static bool
utf8_write(CBB *out, uint32_t code, struct reason *why)
{
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return reject(why, REASON_MALFORMED, "escape U+%X is no character we take", code);
	if (code < 0x80)
		return CBB_add_u8(out, (uint8_t)code);
	if (code < 0x800)
		return CBB_add_u8(out, (uint8_t)(0xc0 | code >> 6)) &&
		    CBB_add_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
	if (code < 0x10000)
		return CBB_add_u8(out, (uint8_t)(0xe0 | code >> 12)) &&
		    CBB_add_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3f))) &&
		    CBB_add_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
	return CBB_add_u8(out, (uint8_t)(0xf0 | code >> 18)) &&
	    CBB_add_u8(out, (uint8_t)(0x80 | (code >> 12 & 0x3f))) &&
	    CBB_add_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3f))) &&
	    CBB_add_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
}

/* What follows a backslash. */
static bool
escape_read(struct toml *toml, CBB *out, struct reason *why)
{
	static const char letters[] = "btnfr\"\\", bytes[] = "\b\t\n\f\r\"\\";
	uint32_t code;
	const char *at;
	int byte = peek(toml);

	if (byte == 'u' || byte == 'U') {
		advance(toml);
		return hex_digits_read(toml, byte == 'u' ? 4 : 8, &code, why) &&
		    utf8_write(out, code, why);
	}
	at = byte > 0 ? strchr(letters, byte) : NULL;
	if (at == NULL)
		return reject(why, REASON_MALFORMED, "unknown escape in a string");
	advance(toml);
	return CBB_add_u8(out, (uint8_t)bytes[at - letters]);
}

/* How many bytes lie between the quotes of a string; the cursor is behind the opening one. */
static bool
string_measure(const struct toml *toml, uint8_t quote, size_t *len, struct reason *why)
{
	struct bytes rest = bytes_cbs(&toml->in);
	size_t i;

	for (i = 0; i < rest.len && rest.ptr[i] != quote; i++) {
		if (quote == '"' && rest.ptr[i] == '\\' && i + 1 < rest.len)
			i++;
		if (rest.ptr[i] == '\n' || rest.ptr[i] == '\r')
			break;
		if ((rest.ptr[i] < 0x20 && rest.ptr[i] != '\t') || rest.ptr[i] == 0x7f)
			return reject(why, REASON_MALFORMED, "control character in a string");
	}
	if (i >= rest.len || rest.ptr[i] != quote)
		return reject(why, REASON_MALFORMED, "string does not end on its line");
	*len = i;
	return true;
}

/* What stands between the quotes, and the closing one. */
static bool
string_copy(struct toml *toml, CBB *text, uint8_t quote, struct reason *why)
{
	while (peek(toml) != quote) {
		if (quote == '"' && accept(toml, '\\')) {
			if (!escape_read(toml, text, why))
				return false;
			continue;
		}
		if (!CBB_add_u8(text, (uint8_t)peek(toml)))
			return reject(why, REASON_INTERNAL, "no room for a string");
		advance(toml);
	}
	advance(toml);
	return true;
}

/* A basic ("...") or literal ('...') string, the cursor at its opening quote. */
static bool
string_read(struct toml *toml, const char **out, struct reason *why)
{
	const uint8_t quote = (uint8_t)peek(toml);
	size_t len = 0;
	char *room;
	CBB text;
	bool ok;

	if (starts_with(toml, "\"\"\"") || starts_with(toml, "'''"))
		return reject(why, REASON_UNSUPPORTED, "strings over several lines are not supported");
	advance(toml);
	if (!string_measure(toml, quote, &len, why))
		return false;
	/* Escapes only get shorter, so this is enough for what they stand for and a NUL. */
	room = arena_alloc(toml->settings->arena, len + 1, why);
	if (room == NULL)
		return false;
	if (!CBB_init_fixed(&text, (uint8_t *)room, len + 1))
		return reject(why, REASON_INTERNAL, "no memory");
	ok = string_copy(toml, &text, quote, why);
	CBB_cleanup(&text);
	*out = room;
	return ok;
}

static bool
name_append(struct toml *toml, struct bytes part, struct reason *why)
{
	if (memchr(part.ptr, '.', part.len) != NULL)
		return reject(why, REASON_UNSUPPORTED, "dots in quoted keys are not supported");
	if (toml->name_len + 1 + part.len > SETTING_NAME_MAX)
		return reject(why, REASON_LIMIT, "key longer than %d characters", SETTING_NAME_MAX);
	if (toml->name_len != 0)
		toml->name[toml->name_len++] = '.';
	memcpy(toml->name + toml->name_len, part.ptr, part.len);
	toml->name_len += part.len;
	toml->name[toml->name_len] = '\0';
	return true;
}

static bool
key_part_read(struct toml *toml, struct reason *why)
{
	struct bytes part = bytes_cbs(&toml->in);
	const char *text;

	if (peek(toml) == '"' || peek(toml) == '\'') {
		if (!string_read(toml, &text, why))
			return false;
		if (*text == '\0')
			return reject(why, REASON_UNSUPPORTED, "empty keys are not supported");
		return name_append(toml, bytes_str(text), why);
	}
	for (part.len = 0; is_bare(peek(toml)); part.len++)
		advance(toml);
	if (part.len == 0)
		return reject(why, REASON_MALFORMED, "expected a key");
	return name_append(toml, part, why);
}

/* A key, its parts between dots, onto the end of the name. */
static bool
key_read(struct toml *toml, struct reason *why)
{
	do {
		blanks_skip(toml);
		if (!key_part_read(toml, why))
			return false;
		blanks_skip(toml);
	} while (accept(toml, '.'));
	return true;
}

/* The digits of an integer: an underscore only between two digits. */
static bool
digits_read(struct bytes word, unsigned base, bool negative, int64_t *out)
{
	const uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	uint64_t value = 0;
	unsigned digit;
	size_t i;

	for (i = 0; i < word.len; i++) {
		if (word.ptr[i] == '_' && i > 0 && i + 1 < word.len && word.ptr[i - 1] != '_')
			continue;
		digit = digit_value(word.ptr[i]);
		if (digit >= base)
			return false;
		if (value > (max - digit) / base)
			return false;
		value = value * base + digit;
	}
	*out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return word.len > 0;
}

static bool
integer_read(struct bytes word, int64_t *out)
{
	static const struct { char letter; unsigned base; } bases[] = {
		{ 'x', 16 }, { 'o', 8 }, { 'b', 2 },
	};
	bool negative = word.len > 0 && word.ptr[0] == '-';
	CBS in = cbs_bytes(word);
	size_t i;

	if (word.len > 2 && word.ptr[0] == '0')
		for (i = 0; i < NELEM(bases); i++)
			if (word.ptr[1] == bases[i].letter && CBS_skip(&in, 2))
				return digits_read(bytes_cbs(&in), bases[i].base, false, out);
	if ((negative || (word.len > 0 && word.ptr[0] == '+')) && !CBS_skip(&in, 1))
		return false;
	if (CBS_len(&in) > 1 && CBS_data(&in)[0] == '0')
		return false;
	return digits_read(bytes_cbs(&in), 10, negative, out);
}

/* A value without quotes or brackets: a boolean or an integer, or what we do not take. */
static bool
word_read(struct toml *toml, struct setting_value *out, struct reason *why)
{
	struct bytes word = bytes_cbs(&toml->in), copy;

	for (word.len = 0; is_bare(peek(toml)) || peek(toml) == '+' || peek(toml) == '.' ||
	    peek(toml) == ':'; word.len++)
		advance(toml);
	if (word.len == 0)
		return reject(why, REASON_MALFORMED, "expected a value");
	if (bytes_equal(word, bytes_str("true")) || bytes_equal(word, bytes_str("false"))) {
		out->type = SETTING_BOOLEAN;
		out->boolean = word.ptr[0] == 't';
		return true;
	}
	if (integer_read(word, &out->integer)) {
		out->type = SETTING_INTEGER;
		return true;
	}
	if (!arena_copy(toml->settings->arena, &copy, word, why))
		return false;
	return reject(why, REASON_MALFORMED,
	    "`%.60s` is no string, integer or boolean", (const char *)copy.ptr);
}

static bool
scalar_read(struct toml *toml, struct setting_value *out, struct reason *why)
{
	if (peek(toml) == '"' || peek(toml) == '\'') {
		out->type = SETTING_STRING;
		return string_read(toml, &out->string, why);
	}
	if (peek(toml) == '[' || peek(toml) == '{')
		return reject(why, REASON_UNSUPPORTED,
		    "arrays may only hold strings, integers and booleans");
	return word_read(toml, out, why);
}

/* Doubles the room of an array that is full. */
static bool
items_grow(struct toml *toml, struct setting_value **items, size_t n, size_t *room,
    struct reason *why)
{
	struct setting_value *more;

	if (n < *room)
		return true;
	*room = *room == 0 ? 16 : 2 * *room;
	more = arena_array(toml->settings->arena, *room, sizeof *more, why);
	if (more == NULL)
		return false;
	if (n != 0)
		memcpy(more, *items, n * sizeof *more);
	*items = more;
	return true;
}

static bool
array_read(struct toml *toml, struct setting *setting, struct reason *why)
{
	struct setting_value *items = NULL;
	size_t room = 0, n = 0;

	setting->value.type = SETTING_LIST;
	advance(toml);
	for (;;) {
		if (!space_skip(toml, why))
			return false;
		if (accept(toml, ']'))
			break;
		if (toml->settings->nitems++ == SETTING_ITEMS_MAX)
			return reject(why, REASON_LIMIT,
			    "more than %d items in all arrays", SETTING_ITEMS_MAX);
		if (!items_grow(toml, &items, n, &room, why) ||
		    !scalar_read(toml, &items[n++], why) || !space_skip(toml, why))
			return false;
		if (!accept(toml, ',') && peek(toml) != ']')
			return reject(why, REASON_MALFORMED, "expected `,` or `]` in an array");
	}
	setting->items = items;
	setting->nitems = n;
	return true;
}

/* A value, not an inline table, under the present name. */
static bool
value_read(struct toml *toml, struct reason *why)
{
	struct setting setting = { .line = toml->line };
	struct bytes name;
	bool ok;

	if (peek(toml) == '[')
		ok = array_read(toml, &setting, why);
	else
		ok = scalar_read(toml, &setting.value, why);
	if (!ok || !arena_copy(toml->settings->arena, &name, bytes_str(toml->name), why))
		return false;
	setting.name = (const char *)name.ptr;
	return settings_add(toml->settings, &setting, why);
}

static void
name_cut(struct toml *toml, size_t len)
{
	toml->name_len = len;
	toml->name[len] = '\0';
}

static bool
equals_read(struct toml *toml, struct reason *why)
{
	if (!accept(toml, '='))
		return reject(why, REASON_MALFORMED, "expected `=` after the key");
	blanks_skip(toml);
	return true;
}

/*
 * key = value, where the value may be an inline table of more of them.  `outer` remembers the
 * name's length at each open brace.
 */
static bool
pair_read(struct toml *toml, struct reason *why)
{
	size_t outer[TOML_DEPTH_MAX + 1], depth = 0;

	outer[0] = toml->name_len;
	for (;;) {
		if (!key_read(toml, why) || !equals_read(toml, why))
			return false;
		if (accept(toml, '{')) {
			if (depth == TOML_DEPTH_MAX)
				return reject(why, REASON_LIMIT,
				    "inline tables nest deeper than %d", TOML_DEPTH_MAX);
			outer[++depth] = toml->name_len;
			blanks_skip(toml);
			if (peek(toml) != '}')
				continue;
		} else if (!value_read(toml, why)) {
			return false;
		}
		for (;;) {
			name_cut(toml, outer[depth]);
			blanks_skip(toml);
			if (depth == 0)
				return true;
			if (!accept(toml, '}'))
				break;
			depth--;
		}
		if (!accept(toml, ','))
			return reject(why, REASON_MALFORMED, "expected `,` or `}` in an inline table");
	}
}

/* [table], the cursor at the bracket. */
static bool
header_read(struct toml *toml, struct reason *why)
{
	struct bytes copy;
	size_t i;

	advance(toml);
	if (peek(toml) == '[')
		return reject(why, REASON_UNSUPPORTED, "arrays of tables are not supported");
	name_cut(toml, 0);
	if (!key_read(toml, why))
		return false;
	if (!accept(toml, ']'))
		return reject(why, REASON_MALFORMED, "expected `]` after the table's name");
	for (i = 0; i < toml->ntables; i++)
		if (strcmp(toml->tables[i], toml->name) == 0)
			return reject(why, REASON_MALFORMED, "table `%s` is given twice", toml->name);
	if (settings_find(toml->settings, toml->name) != NULL)
		return reject(why, REASON_MALFORMED, "`%s` is given twice", toml->name);
	if (toml->ntables == TOML_TABLES_MAX)
		return reject(why, REASON_LIMIT, "more than %d tables", TOML_TABLES_MAX);
	if (!arena_copy(toml->settings->arena, &copy, bytes_str(toml->name), why))
		return false;
	toml->tables[toml->ntables++] = (const char *)copy.ptr;
	return true;
}

static bool
line_read(struct toml *toml, struct reason *why)
{
	blanks_skip(toml);
	if (peek(toml) == '[') {
		if (!header_read(toml, why))
			return false;
	} else if (peek(toml) != '#' && peek(toml) != '\n' && peek(toml) != '\r' &&
	    peek(toml) != -1) {
		if (!pair_read(toml, why))
			return false;
	}
	return line_end_read(toml, why);
}

bool
toml_read(struct settings *settings, struct bytes text, struct reason *why)
{
	struct toml toml = { .settings = settings, .in = cbs_bytes(text), .line = 1 };

	if (text.len > SETTINGS_TEXT_MAX) {
		(void)reject(why, REASON_LIMIT, "longer than %d bytes", SETTINGS_TEXT_MAX);
		return settings_reject(settings, 0, why);
	}
	if (!utf8_valid(text)) {
		(void)reject(why, REASON_MALFORMED, "not UTF-8");
		return settings_reject(settings, 0, why);
	}
	while (peek(&toml) != -1)
		if (!line_read(&toml, why))
			return settings_reject(settings, toml.line, why);
	return true;
}
