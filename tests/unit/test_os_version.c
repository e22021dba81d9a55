#include "testing.h"

#include "verify/os_version.h"

static const struct {
	const char *version, *minimum;
	int     older;          /* -1: nothing can be said */
} cases[] = {
	{ "0.6.0", "0.6.0", 0 },
	{ "0.6.0", "0.6.1", 1 },
	{ "0.6.1", "0.6.0", 0 },
	{ "0.5.9", "0.6.0", 1 },
	{ "1.0", "0.6.0", 0 },
	{ "0.10.0", "0.9.9", 0 },
	{ "0.9.9", "0.10.0", 1 },
	{ "0.06.00", "0.6", 0 },
	{ "0.6", "0.6.0", 0 },
	{ "0.6", "0.6.1", 1 },
	{ "0.6.0.1", "0.6", 0 },
	{ "99999999999999999999.1", "4294967295", 0 },
	{ "4294967295", "99999999999999999999", 1 },
	{ "0.6.0-rc1", "0.6.0", 1 },
	{ "0.6.0-rc1", "0.5.9", 0 },
	{ "0.6-rc1", "0.6.0", 1 },
	{ "0.6-rc1", "0.6.1", 1 },
	{ "0.6.", "0.6", 1 },
	{ "0.6..1", "0.6.0", 1 },
	{ "", "0.0", -1 },
	{ "v0.6.0", "0.5", -1 },
	{ "dev", "0.5", -1 },
	{ ".5", "0.5", -1 },
};

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		bool older = false;
		int got = os_version_older(&older, bytes_str(cases[i].version),
		    cases[i].minimum) ? older : -1;

		if (got != cases[i].older)
			fail_msg("%s and %s: got %d", cases[i].version, cases[i].minimum, got);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
