/*
 * policy.h - what an operator accepts beyond "the evidence verifies"
 *
 * One plain struct with every configuration key that can change a verdict and can be judged
 * without I/O.  dv_policy_init() fills it with a profile's defaults; whoever reads a
 * configuration overwrites the keys that were given and calls dv_policy_settle().  The key
 * names are those of the configuration file (README, "Configuration").
 */
#ifndef DSTACK_VERIFIER_POLICY_H
#define DSTACK_VERIFIER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dv_profile {
	DV_PROFILE_DROP_IN = 0,
	DV_PROFILE_STRICT,
};

enum dv_tcb_rule {
	DV_TCB_RULE_UPSTREAM = 0,       /* all 16 components, dcap-qvl's merge       */
	DV_TCB_RULE_INTEL,              /* Intel QVL 1.27                            */
};

enum dv_tcb_update {
	DV_TCB_UPDATE_STANDARD = 0,
	DV_TCB_UPDATE_EARLY,
};

enum dv_os_image_anchor {
	DV_OS_IMAGE_ANY = 0,            /* whoever sends a document is believed      */
	DV_OS_IMAGE_PUBLISHED,          /* the image server has it, same record      */
	DV_OS_IMAGE_LISTED,             /* on allowed_os_image_hashes                */
	DV_OS_IMAGE_UNSET,              /* until dv_policy_settle()                  */
};

/* TCB statuses as bits of a set, in order of severity. */
#define DV_TCB_UP_TO_DATE                       (1u << 0)
#define DV_TCB_SW_HARDENING_NEEDED              (1u << 1)
#define DV_TCB_CONFIGURATION_NEEDED             (1u << 2)
#define DV_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED (1u << 3)
#define DV_TCB_OUT_OF_DATE                      (1u << 4)
#define DV_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED (1u << 5)
#define DV_TCB_REVOKED                          (1u << 6)
#define DV_TCB_TD_RELAUNCH_ADVISED              (1u << 7)
#define DV_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED (1u << 8)
#define DV_TCB_ALL                              ((1u << 9) - 1)

/*
 * A list from the configuration.  Absent (given false) and empty differ: an empty list of
 * what is allowed allows nothing.  Strings are borrowed; hex is lower case.
 */
struct dv_list {
	bool    given;
	size_t  n;
	const char *const *items;
};

struct dv_policy {
	enum dv_profile profile;
	enum dv_tcb_rule tcb_rule;
	enum dv_tcb_update tcb_update;
	unsigned minimum_measurement_version;   /* of lite documents: 3 or 4         */
	bool    reject_duplicate_events;
	bool    allow_explain;
	bool    lenient_json;

	/* The group `policy.` of the configuration, in the order in which it is judged. */
	unsigned allowed_tcb_statuses;          /* DV_TCB_* bits                     */
	unsigned allowed_qe_tcb_statuses;       /* DV_TCB_* bits                     */
	struct dv_list rejected_advisory_ids;
	struct dv_list allowed_advisory_ids;
	int64_t max_collateral_age_secs;        /* 0: off                            */
	uint32_t min_tcb_evaluation_data_number;
	struct dv_list allowed_os_image_hashes; /* 64 hex digits                     */
	struct dv_list allowed_app_ids;         /* hex                               */
	struct dv_list allowed_compose_hashes;  /* hex                               */
	enum dv_os_image_anchor os_image_anchor;
	struct dv_list allowed_platforms;       /* 32 hex digits a PPID, 64 a device_id */
	struct dv_list denied_platforms;
	bool    allow_service_td;
	struct dv_list allowed_key_providers;   /* "NAME" or "NAME:HEXID"            */
	struct dv_list allowed_tee_variants;    /* "dstack-tdx", ...                 */
	bool    reject_dev_images;
	const char *minimum_os_version;         /* "": off                           */
	int64_t platform_grace_period_secs;     /* 0: off                            */
	bool    allow_dynamic_platform;
	bool    allow_cached_keys;
	bool    allow_smt;
};

/*
 * dv_policy_init - the defaults of a profile
 *
 *   os_image_anchor is left DV_OS_IMAGE_UNSET where the profile's default depends on
 *   whether allowed_os_image_hashes is given
 */
void    dv_policy_init(struct dv_policy *policy, enum dv_profile profile);

/*
 * dv_policy_settle - resolve what depends on other keys, after all keys were set
 *
 *   error   room for at least 128 characters; what is wrong, naming the key
 *   gives   false when keys contradict each other (os_image_anchor = "listed" without a list)
 */
bool    dv_policy_settle(struct dv_policy *policy, char *error, size_t error_len);

#ifdef __cplusplus
}
#endif

#endif
