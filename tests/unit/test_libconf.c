#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

#include "cli/libconf.h"
#include "settings_dump.h"

static const struct {
	const char *name, *text;
	const char *dump;               /* what it means, or */
	const char *why;                /* why it is refused */
} cases[] = {
	{ "empty", "", "", NULL },
	{ "flat file", "address = \"0.0.0.0\"\nport = 8080\n", "address=\"0.0.0.0\" port=8080", NULL },
	{ "comment at the very end", "port = 8080\n# end", "port=8080", NULL },
	{ "semicolons and C comments", "a = 1; // x\nb = true; /* y */", "a=1 b=true", NULL },
	{ "groups", "attestation = { urls = { pccs = \"u\"; }; x = 1; };\nport = 1;",
	    "port=1 attestation.x=1 attestation.urls.pccs=\"u\"", NULL },
	{ "large integers", "a = 21474836480\nb=-21474836480L;c = 0x10\nd:(2147483648,0xffffffff)",
	    "a=21474836480 b=-21474836480 c=16 d=[2147483648, 4294967295]", NULL },
	{ "digits that are no integers", "a1234567890 = \"1234567890 \\\" 1234567890\" "
	    "# 1234567890\n/* 1234567890 */ b = 1 // 1234567890\nc = 1234567890.5",
	    "a1234567890=\"1234567890 \" 1234567890\" b=1 c=?with a fraction", NULL },
	{ "string without end", "a = \"x", NULL, "F line 2: syntax error" },
	{ "comment without end", "a = 1 /* x", "a=1", NULL },
	{ "array and list", "a = [\"x\", \"y\"]\nb = (1, \"z\")\nc = []",
	    "a=[\"x\", \"y\"] b=[1, \"z\"] c=[]", NULL },
	{ "fraction", "a = 1.5", "a=?with a fraction", NULL },

	{ "table header", "a = 1\n[attestation]\n", NULL, "F line 2: syntax error" },
	{ "duplicate", "a = 1\na = 2\n", NULL, "F line 2: duplicate setting name" },
	{ "list in a list", "\na = ((1))", NULL, "F line 2: lists may only hold plain values" },
	{ "unfinished", "a = ", NULL, "F line 2: syntax error" },
	{ "include a directory", "@include \".\"", NULL, "F line 1: @include is not supported" },
	{ "include a file", "a = 1 /* @\n */\n# @\n @include \"/etc/passwd\"\nb = 2", NULL,
	    "F line 4: @include is not supported" },
	{ "no include", "a = \"@include \\\"x\\\"\" // @include \"x\"", "a=\"@include \"x\"\"",
	    NULL },
};

static void
test_cases(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct settings settings;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		arena_reset(arena);
		settings_init(&settings, arena, "F");
		ok = libconf_read(&settings, bytes_str(cases[i].text), &why);
		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, ok ? "" : why.text);
		if (ok && strcmp(settings_dump(&settings), cases[i].dump) != 0)
			fail_msg("%s: got %s", cases[i].name, settings_dump(&settings));
	}
}

static void
refused(struct bytes text, const char *expected)
{
	AUTO(arena_free) struct arena *arena = arena_new(16u << 20);
	struct settings settings;
	struct reason why;

	settings_init(&settings, arena, "F");
	assert_false(libconf_read(&settings, text, &why));
	assert_string_equal(why.text, expected);
}

static void
test_limits(void **state)
{
	char *text = calloc(1, SETTINGS_TEXT_MAX + 2);
	size_t i, len = 0;

	assert_non_null(text);
	refused((struct bytes){ (const uint8_t *)"a = 1\0b", 7 },
	    "F: longer than 1048576 bytes, or NUL in the text");
	memset(text, '\n', SETTINGS_TEXT_MAX + 1);
	refused(bytes_str(text), "F: longer than 1048576 bytes, or NUL in the text");
	memset(text, 'a', SETTING_NAME_MAX + 1);
	memcpy(text + SETTING_NAME_MAX + 1, " = 1", 5);
	refused(bytes_str(text), "F line 1: name longer than 256 characters");
	for (i = 0; i <= SETTINGS_MAX; i++)
		len += (size_t)sprintf(text + len, "k%zu = 1\n", i);
	refused(bytes_str(text), "F line 513: more than 512 settings");
	for (i = len = 0; i < 64; i++)
		len += (size_t)sprintf(text + len, "g%zu = {};\n", i);
	refused(bytes_str(text), "F line 64: more than 64 groups");
	len = (size_t)sprintf(text, "a = [1");
	for (i = 0; i < SETTING_ITEMS_MAX; i++)
		len += (size_t)sprintf(text + len, ",1");
	(void)sprintf(text + len, "]");
	refused(bytes_str(text), "F line 1: more than 65536 items in all lists");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("libconf", tests, NULL, NULL);
}
