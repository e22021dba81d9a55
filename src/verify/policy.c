#include "dstack-verifier/policy.h"

#include <stdio.h>
#include <string.h>

void
dv_policy_init(struct dv_policy *policy, enum dv_profile profile)
{
	*policy = (struct dv_policy){
		.profile = profile,
		.minimum_measurement_version = 3,
		.allow_explain = true,
		.allowed_tcb_statuses = DV_TCB_ALL & ~DV_TCB_REVOKED,
		.allowed_qe_tcb_statuses = DV_TCB_ALL,
		.os_image_anchor = DV_OS_IMAGE_ANY,
		.minimum_os_version = "",
		.allow_dynamic_platform = true,
		.allow_cached_keys = true,
		.allow_smt = true,
	};
	if (profile == DV_PROFILE_STRICT) {
		policy->allowed_tcb_statuses = DV_TCB_UP_TO_DATE | DV_TCB_SW_HARDENING_NEEDED;
		policy->os_image_anchor = DV_OS_IMAGE_UNSET;
		policy->reject_dev_images = true;
		policy->reject_duplicate_events = true;
		policy->tcb_rule = DV_TCB_RULE_INTEL;
	}
}

bool
dv_policy_settle(struct dv_policy *policy, char *error, size_t error_len)
{
	if (policy->os_image_anchor == DV_OS_IMAGE_UNSET)
		policy->os_image_anchor = policy->allowed_os_image_hashes.given ?
		    DV_OS_IMAGE_LISTED : DV_OS_IMAGE_PUBLISHED;
	if (policy->os_image_anchor == DV_OS_IMAGE_LISTED &&
	    !policy->allowed_os_image_hashes.given) {
		(void)snprintf(error, error_len, "policy.os_image_anchor is \"listed\" but "
		    "policy.allowed_os_image_hashes is not given");
		return false;
	}
	return true;
}
