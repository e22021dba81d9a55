#include "testing.h"

#include "dcap/tcb_status.h"

static const struct {
	enum tcb_status status;
	const char *name;
	bool    in_documents, outdated;
} cases[] = {
	{ TCB_UP_TO_DATE, "UpToDate", true, false },
	{ TCB_SW_HARDENING_NEEDED, "SWHardeningNeeded", true, false },
	{ TCB_CONFIGURATION_NEEDED, "ConfigurationNeeded", true, false },
	{ TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, "ConfigurationAndSWHardeningNeeded", true,
	    false },
	{ TCB_OUT_OF_DATE, "OutOfDate", true, true },
	{ TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded", true, true },
	{ TCB_REVOKED, "Revoked", true, false },
	{ TCB_TD_RELAUNCH_ADVISED, "TDRelaunchAdvised", false, false },
	{ TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
	    "TDRelaunchAdvisedConfigurationNeeded", false, false },
};

static void
test_names(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		enum tcb_status status;

		assert_string_equal(tcb_status_name(cases[i].status), cases[i].name);
		assert_int_equal(tcb_status_find(&status, bytes_str(cases[i].name)),
		    cases[i].in_documents);
		if (cases[i].in_documents)
			assert_int_equal(status, cases[i].status);
		assert_int_equal(tcb_status_outdated(cases[i].status), cases[i].outdated);
	}
}

static void
test_unknown(void **state)
{
	enum tcb_status status;

	assert_false(tcb_status_find(&status, bytes_str("")));
	assert_false(tcb_status_find(&status, bytes_str("uptodate")));
	assert_false(tcb_status_find(&status, bytes_str("UpToDate ")));
	assert_false(tcb_status_find(&status, (struct bytes){ (const uint8_t *)"UpToDate", 9 }));
}

static void
test_worse(void **state)
{
	for (unsigned a = 0; a < TCB_STATUS_IN_DOCUMENTS; a++)
		for (unsigned b = 0; b < TCB_STATUS_IN_DOCUMENTS; b++)
			assert_int_equal(tcb_status_worse((enum tcb_status)a,
			    (enum tcb_status)b), a > b ? a : b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_worse),
	};

	return cmocka_run_group_tests_name("tcb_status", tests, NULL, NULL);
}
