#include "core/reason.h"
#include "testing.h"

static void
test_chain(void **state)
{
	struct reason why = { REASON_NONE, "old" };

	assert_false(reject(&why, REASON_REFUSED, "TCBInfo %s", "expired"));
	assert_int_equal(why.kind, REASON_REFUSED);
	assert_string_equal(why.text, "TCBInfo expired");
	assert_false(reject_as(&why, "Quote verification failed"));
	assert_int_equal(why.kind, REASON_REFUSED);
	assert_string_equal(why.text, "Quote verification failed: TCBInfo expired");
	assert_false(reject(&why, REASON_LIMIT, "again"));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_string_equal(why.text, "again");
}

/* Nothing of a client's can put a line break or a colour into a log. */
static void
test_printable(void **state)
{
	struct reason why;

	(void)reject(&why, REASON_MALFORMED, "a\n\t\x1b[31m\x7f\xc3\xa9~ z");
	assert_string_equal(why.text, "a???[31m???~ z");
	(void)reject_as(&why, "\r\n%s", "\xff");
	assert_string_equal(why.text, "???: a???[31m???~ z");
}

static void
test_long(void **state)
{
	struct reason why;
	char text[sizeof why.text + 100];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	(void)reject(&why, REASON_INTERNAL, "%s", text);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
	(void)reject_as(&why, "outer");
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
	assert_memory_equal(why.text, "outer: xxx", 10);
	(void)reject_as(&why, "%s", text);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
	assert_memory_equal(why.text, "xxx", 3);
}

static void
test_kinds(void **state)
{
	static const char *const names[] = {
		[REASON_NONE] = "none", [REASON_MALFORMED] = "malformed",
		[REASON_UNSUPPORTED] = "unsupported", [REASON_REFUSED] = "refused",
		[REASON_UNAVAILABLE] = "unavailable", [REASON_LIMIT] = "limit",
		[REASON_INTERNAL] = "internal",
	};

	for (size_t i = 0; i < NELEM(names); i++)
		assert_string_equal(reason_kind_name((enum reason_kind)i), names[i]);
	assert_string_equal(reason_kind_name((enum reason_kind)99), "internal");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
