#include "dcap/tcb_status.h"

#include <assert.h>

static const char *const names[] = {
	[TCB_UP_TO_DATE] = "UpToDate",
	[TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
	[TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
	[TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
	[TCB_OUT_OF_DATE] = "OutOfDate",
	[TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
	[TCB_REVOKED] = "Revoked",
	[TCB_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
	[TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] =
	    "TDRelaunchAdvisedConfigurationNeeded",
};

const char *
tcb_status_name(enum tcb_status status)
{
	assert((size_t)status < NELEM(names));
	return names[status];
}

bool
tcb_status_find(enum tcb_status *status, struct bytes name)
{
	for (size_t i = 0; i < TCB_STATUS_IN_DOCUMENTS; i++)
		if (bytes_equal(name, bytes_str(names[i]))) {
			*status = (enum tcb_status)i;
			return true;
		}
	return false;
}

bool
tcb_status_outdated(enum tcb_status status)
{
	return status == TCB_OUT_OF_DATE || status == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

enum tcb_status
tcb_status_worse(enum tcb_status a, enum tcb_status b)
{
	assert(a < TCB_STATUS_IN_DOCUMENTS && b < TCB_STATUS_IN_DOCUMENTS);
	return a >= b ? a : b;
}
