#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

#include "cli/toml.h"
#include "settings_dump.h"

static const struct {
	const char *name, *text;
	const char *dump;               /* what it means, or */
	const char *why;                /* why it is refused */
} cases[] = {
	{ "empty", "", "", NULL },
	{ "blank and comments", "# a\n\n  # b\r\n\t", "", NULL },
	{ "comment without a last newline", "a = 1 # x", "a=1", NULL },
	{ "flat file", "address = \"0.0.0.0\"\nport = 8080\n", "address=\"0.0.0.0\" port=8080", NULL },
	{ "table", "[a]\nb = 1\n[c.d]\ne = 2\n", "a.b=1 c.d.e=2", NULL },
	{ "table after its child", "[a.b]\nc = 1\n[a]\nd = 2\n", "a.b.c=1 a.d=2", NULL },
	{ "blanks in a header", "[ a . b ]\nc = 1", "a.b.c=1", NULL },
	{ "dotted key", "a.b . c = 1", "a.b.c=1", NULL },
	{ "quoted keys", "\"a b\".'c' = 1", "a b.c=1", NULL },
	{ "CRLF", "a = 1\r\nb = 2\r\n", "a=1 b=2", NULL },
	{ "booleans", "a = true\nb = false", "a=true b=false", NULL },
	{ "integers", "a = +5\nb = -7\nc = 1_000\nd = 0", "a=5 b=-7 c=1000 d=0", NULL },
	{ "bases", "a = 0xfF\nb = 0o17\nc = 0b101", "a=255 b=15 c=5", NULL },
	{ "extremes", "a = 9223372036854775807\nb = -9223372036854775808",
	    "a=9223372036854775807 b=-9223372036854775808", NULL },
	{ "basic string", "a = \"x\\\"\\\\\\b\\t\\n\\f\\r\\u00e9\\U0001F600\"",
	    "a=\"x\"\\\b\t\n\f\r\u00e9\U0001F600\"", NULL },
	{ "literal string", "a = 'x\\n\"y'", "a=\"x\\n\"y\"", NULL },
	{ "empty strings", "a = ''\nb = \"\"", "a=\"\" b=\"\"", NULL },
	{ "array", "a = [\"x\", 'y']\nb = []", "a=[\"x\", \"y\"] b=[]", NULL },
	{ "array over lines", "a = [ # one\n 1,\n\n 2, # two\n]\nb = 3", "a=[1, 2] b=3", NULL },
	{ "inline table", "limits = { json = '10MiB', \"file/jpg\" = 5 }",
	    "limits.json=\"10MiB\" limits.file/jpg=5", NULL },
	{ "nested inline tables", "a = { b = { c = 1, d = {} }, e = 2 }\nf = 3",
	    "a.b.c=1 a.e=2 f=3", NULL },
	{ "inline table with dotted key", "a = { b.c = 1 }", "a.b.c=1", NULL },

	{ "no value", "a =", NULL, "F line 1: expected a value" },
	{ "no equals", "\na 1", NULL, "F line 2: expected `=` after the key" },
	{ "no key", "= 1", NULL, "F line 1: expected a key" },
	{ "key ends in a dot", "a. = 1", NULL, "F line 1: expected a key" },
	{ "empty quoted key", "'' = 1", NULL, "F line 1: empty keys are not supported" },
	{ "dot in a quoted key", "'a.b' = 1", NULL,
	    "F line 1: dots in quoted keys are not supported" },
	{ "two on a line", "a = 1 b = 2", NULL, "F line 1: expected the end of the line" },
	{ "lone CR", "a = 1\rb = 2", NULL, "F line 1: expected the end of the line" },
	{ "duplicate", "a = 1\na = 2", NULL, "F line 2: `a` is given twice" },
	{ "value and table", "a = 1\n[a]", NULL, "F line 2: `a` is given twice" },
	{ "empty table", "[a]\nb = 1\n[c]\n", "a.b=1", NULL },
	{ "value inside a value", "a = 1\na.b = 2", NULL, "F line 2: `a.b` is given twice" },
	{ "value over a group", "a.b = 1\na = 2", NULL, "F line 2: `a` is given twice" },
	{ "duplicate table", "[a]\n[b]\n[a]", NULL, "F line 3: table `a` is given twice" },
	{ "open header", "[a\nb = 1", NULL, "F line 1: expected `]` after the table's name" },
	{ "text after a header", "[a] b", NULL, "F line 1: expected the end of the line" },
	{ "array of tables", "[[a]]", NULL, "F line 1: arrays of tables are not supported" },
	{ "multi-line string", "a = \"\"\"x\"\"\"", NULL,
	    "F line 1: strings over several lines are not supported" },
	{ "open string", "a = \"x\nb = 2", NULL, "F line 1: string does not end on its line" },
	{ "open at the end", "a = 'x", NULL, "F line 1: string does not end on its line" },
	{ "escaped quote at the end", "a = \"x\\\"", NULL,
	    "F line 1: string does not end on its line" },
	{ "control character", "a = \"x\001\"", NULL, "F line 1: control character in a string" },
	{ "control in a comment", "# \001", NULL, "F line 1: control character in a comment" },
	{ "unknown escape", "a = \"\\x\"", NULL, "F line 1: unknown escape in a string" },
	{ "short escape", "a = \"\\u12\"", NULL, "F line 1: escape has too few hex digits" },
	{ "surrogate", "a = \"\\ud800\"", NULL, "F line 1: escape U+D800 is no character we take" },
	{ "escaped NUL", "a = \"\\u0000\"", NULL, "F line 1: escape U+0 is no character we take" },
	{ "past Unicode", "a = \"\\U00110000\"", NULL,
	    "F line 1: escape U+110000 is no character we take" },
	{ "fraction", "a = 1.5", NULL, "F line 1: `1.5` is no string, integer or boolean" },
	{ "date", "a = 2026-01-01", NULL, "F line 1: `2026-01-01` is no string, integer or boolean" },
	{ "bare word", "a = yes", NULL, "F line 1: `yes` is no string, integer or boolean" },
	{ "leading zero", "a = 010", NULL, "F line 1: `010` is no string, integer or boolean" },
	{ "too large", "a = 9223372036854775808", NULL,
	    "F line 1: `9223372036854775808` is no string, integer or boolean" },
	{ "underscores", "a = 1__0", NULL, "F line 1: `1__0` is no string, integer or boolean" },
	{ "underscore last", "a = 1_", NULL, "F line 1: `1_` is no string, integer or boolean" },
	{ "digit of another base", "a = 0b2", NULL,
	    "F line 1: `0b2` is no string, integer or boolean" },
	{ "sign alone", "a = -", NULL, "F line 1: `-` is no string, integer or boolean" },
	{ "array without comma", "a = [1 2]", NULL, "F line 1: expected `,` or `]` in an array" },
	{ "open array", "a = [1,\n", NULL, "F line 2: expected a value" },
	{ "array in an array", "a = [[1]]", NULL,
	    "F line 1: arrays may only hold strings, integers and booleans" },
	{ "inline table without comma", "a = { b = 1 c = 2 }", NULL,
	    "F line 1: expected `,` or `}` in an inline table" },
	{ "deep inline tables",
	    "a={a={a={a={a={a={a={a={a=1}}}}}}}}", "a.a.a.a.a.a.a.a.a=1", NULL },
	{ "too deep", "a={a={a={a={a={a={a={a={a={a=1}}}}}}}}}", NULL,
	    "F line 1: inline tables nest deeper than 8" },
	{ "not UTF-8", "a = \"\xff\"", NULL, "F: not UTF-8" },
	{ "byte order mark", "\xef\xbb\xbf" "a = 1", NULL, "F line 1: expected a key" },
};

static bool
text_read(struct settings *settings, struct arena *arena, struct bytes text,
    struct reason *why)
{
	arena_reset(arena);
	settings_init(settings, arena, "F");
	return toml_read(settings, text, why);
}

static void
test_cases(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct settings settings;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		ok = text_read(&settings, arena, bytes_str(cases[i].text), &why);
		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, ok ? "" : why.text);
		if (ok && strcmp(settings_dump(&settings), cases[i].dump) != 0)
			fail_msg("%s: got %s", cases[i].name, settings_dump(&settings));
	}
}

static void
test_lines(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct settings settings;
	struct reason why;

	assert_true(text_read(&settings, arena, bytes_str("\na = 1\n[t]\n\nb = [\n1 ]\n"), &why));
	assert_int_equal(settings.list[0].line, 2);
	assert_int_equal(settings.list[1].line, 5);
}

static void
refused(struct arena *arena, struct bytes text, const char *expected)
{
	struct settings settings;
	struct reason why;

	assert_false(text_read(&settings, arena, text, &why));
	assert_string_equal(why.text, expected);
}

static void
test_limits(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(16u << 20);
	char *text = calloc(1, SETTINGS_TEXT_MAX + 2);
	size_t i, len = 0;

	assert_non_null(text);
	memset(text, '\n', SETTINGS_TEXT_MAX + 1);
	refused(arena, bytes_str(text), "F: longer than 1048576 bytes");
	memset(text, 'a', SETTING_NAME_MAX + 1);
	memcpy(text + SETTING_NAME_MAX + 1, " = 1", 5);
	refused(arena, bytes_str(text), "F line 1: key longer than 256 characters");
	for (i = 0; i <= SETTINGS_MAX; i++)
		len += (size_t)sprintf(text + len, "k%zu = 1\n", i);
	refused(arena, bytes_str(text), "F line 513: more than 512 settings");
	for (i = len = 0; i <= TOML_TABLES_MAX; i++)
		len += (size_t)sprintf(text + len, "[t%zu]\n", i);
	refused(arena, bytes_str(text), "F line 65: more than 64 tables");
	len = (size_t)sprintf(text, "a = [");
	for (i = 0; i <= SETTING_ITEMS_MAX; i++)
		len += (size_t)sprintf(text + len, "1,");
	(void)sprintf(text + len, "]");
	refused(arena, bytes_str(text), "F line 1: more than 65536 items in all arrays");
	free(text);
}

/* Every prefix of a file with everything in it is a file or a reason. */
static void
test_truncation(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	const char *all = "# c\r\n[a.\"b\"]\nc = \"\\u00e9\\n\" # d\ne = [1, 'x', # y\n true]\n"
	    "f = { g = { h = 0x1f }, i = 'z' }\n";
	struct settings settings;
	struct reason why;
	struct bytes text = bytes_str(all);

	for (text.len = 0; text.len <= strlen(all); text.len++) {
		why.kind = REASON_NONE;
		if (!text_read(&settings, arena, text, &why))
			assert_int_not_equal(why.kind, REASON_NONE);
	}
	assert_string_equal(settings_dump(&settings), "a.b.c=\"\u00e9\n\" a.b.e=[1, \"x\", true] "
	    "a.b.f.g.h=31 a.b.f.i=\"z\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_truncation),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
