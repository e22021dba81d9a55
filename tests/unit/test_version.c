#include "testing.h"

#include "measure/acpi/acpi.h"

static const struct {
	const char *text;
	uint32_t major, minor, patch;
	const char *why;                /* NULL: must be accepted                  */
} cases[] = {
	{ "9.2.1", 9, 2, 1, NULL },
	{ "10.0.2", 10, 0, 2, NULL },
	{ "0.0.0", 0, 0, 0, NULL },
	{ "+9.+2.+1", 9, 2, 1, NULL },
	{ "009.02.0001", 9, 2, 1, NULL },
	{ "4294967295.4294967295.4294967295", UINT32_MAX, UINT32_MAX, UINT32_MAX, NULL },
	{ "", 0, 0, 0,
	    "Version string must have exactly 3 parts (major.minor.patch), got 1" },
	{ "9.2", 0, 0, 0,
	    "Version string must have exactly 3 parts (major.minor.patch), got 2" },
	{ "9.2.1.", 0, 0, 0,
	    "Version string must have exactly 3 parts (major.minor.patch), got 4" },
	{ "9.2.x", 0, 0, 0,
	    "Invalid version number: invalid digit found in string" },
	{ "9.2.1 ", 0, 0, 0,
	    "Invalid version number: invalid digit found in string" },
	{ "-9.2.1", 0, 0, 0,
	    "Invalid version number: invalid digit found in string" },
	{ "++9.2.1", 0, 0, 0,
	    "Invalid version number: invalid digit found in string" },
	{ "9.2.+", 0, 0, 0,
	    "Invalid version number: invalid digit found in string" },
	{ "9..1", 0, 0, 0,
	    "Invalid version number: cannot parse integer from empty string" },
	{ "9.2.", 0, 0, 0,
	    "Invalid version number: cannot parse integer from empty string" },
	{ "9.4294967296.1", 0, 0, 0,
	    "Invalid version number: number too large to fit in target type" },
	{ "99999999999999999999999.0.0", 0, 0, 0,
	    "Invalid version number: number too large to fit in target type" },
};

static void
test_versions(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct acpi_version v;
		struct reason why;
		const bool ok = acpi_version_read(&v, bytes_str(cases[i].text), &why);

		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("\"%s\": got %d \"%s\"", cases[i].text, ok, ok ? "" : why.text);
		if (!ok) {
			assert_int_equal(why.kind, REASON_MALFORMED);
			continue;
		}
		assert_int_equal(v.major, cases[i].major);
		assert_int_equal(v.minor, cases[i].minor);
		assert_int_equal(v.patch, cases[i].patch);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
