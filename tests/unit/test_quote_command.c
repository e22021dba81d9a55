#include "testing.h"

#include "cli/quote_command.h"

static const struct {
	const char *name, *content;
	const char *quote;              /* what it stands for, as text; or         */
	const char *why;
} cases[] = {
	{ "hex", "41426a", "ABj", NULL },
	{ "upper case", "4A4B", "JK", NULL },
	{ "0x", "0x4142", "AB", NULL },
	{ "0X and blanks", " \n0X41 42\r\n43\t\n", "ABC", NULL },
	{ "raw", "\4\1AB", "\4\1AB", NULL },
	{ "raw with hex inside", "4142 zz", "4142 zz", NULL },
	{ "0x twice is raw", "0x0x41", "0x0x41", NULL },
	{ "only a prefix", "0x", "", NULL },
	{ "nothing", "", "", NULL },
	{ "odd", "414", NULL, "has an odd number of hex digits" },
	{ "odd with blanks", "41 4\n", NULL, "has an odd number of hex digits" },
};

static void
test_input(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct bytes quote;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		ok = quote_input_read(&quote, arena, bytes_str(cases[i].content), &why);
		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, ok ? "" : why.text);
		if (ok && !bytes_equal(quote, bytes_str(cases[i].quote)))
			fail_msg("%s: got %zu bytes", cases[i].name, quote.len);
	}
}

/* A zero byte is no hex and no white space. */
static void
test_zero(void **state)
{
	static const uint8_t content[] = { 4, 0, 0x81, 0 };
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct bytes quote;
	struct reason why;

	assert_true(quote_input_read(&quote, arena, BYTES_OF(content), &why));
	assert_true(bytes_equal(quote, BYTES_OF(content)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_zero),
	};

	return cmocka_run_group_tests_name("quote_command", tests, NULL, NULL);
}
