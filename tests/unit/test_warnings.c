#include "../support/sample.h"
#include "testing.h"

static void
test_text(void **state)
{
	struct warnings w;

	warnings_init(&w, sample_arena());
	warn_of(&w, "event %s has %d bytes", "a\nb\033\377", 3);
	assert_int_equal(w.n, 1);
	assert_string_equal(w.text[0], "event a?b?? has 3 bytes");
	warn_of(NULL, "nobody listens");
}

static void
test_bound(void **state)
{
	struct warnings w;

	warnings_init(&w, sample_arena());
	for (int i = 0; i < WARNINGS_MAX + 3; i++)
		warn_of(&w, "%d", i);
	assert_int_equal(w.n, WARNINGS_MAX);
	assert_int_equal(w.n_dropped, 3);
	assert_string_equal(w.text[WARNINGS_MAX - 1], "63");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests_name("warnings", tests, NULL, NULL);
}
