#include "cli/config_key.h"

#include <assert.h>

#define SECS_MAX        INT64_C(3153600000)     /* a hundred years                 */
#define COUNT_MAX       INT64_C(1000000)
#define BODY_MAX        INT64_C(1073741824)

#define MEMBER(member)  .at = offsetof(struct config, member)
#define POLICY(member)  .of_policy = true, .at = offsetof(struct dv_policy, member)
#define RANGE(low, high) .min = (low), .max = (high)

/* Words are stored through an unsigned. */
static_assert(sizeof(enum dv_profile) == sizeof(unsigned), "enums are unsigned");
static_assert(sizeof(enum log_level) == sizeof(unsigned), "enums are unsigned");
static_assert(sizeof(uint32_t) == sizeof(unsigned), "uint32_t is unsigned");

static const struct config_word profiles[] = {
	{ "drop-in", DV_PROFILE_DROP_IN }, { "strict", DV_PROFILE_STRICT }, { NULL, 0 },
};
static const struct config_word sandboxes[] = {
	{ "strict", SANDBOX_STRICT }, { "best-effort", SANDBOX_BEST_EFFORT }, { NULL, 0 },
};
static const struct config_word tcb_rules[] = {
	{ "upstream", DV_TCB_RULE_UPSTREAM }, { "intel", DV_TCB_RULE_INTEL }, { NULL, 0 },
};
static const struct config_word tcb_updates[] = {
	{ "standard", DV_TCB_UPDATE_STANDARD }, { "early", DV_TCB_UPDATE_EARLY }, { NULL, 0 },
};
static const struct config_word os_image_anchors[] = {
	{ "any", DV_OS_IMAGE_ANY }, { "published", DV_OS_IMAGE_PUBLISHED },
	{ "listed", DV_OS_IMAGE_LISTED }, { NULL, 0 },
};
/* The last three are the web framework's words, which older files have. */
static const struct config_word log_levels[] = {
	{ "error", LOG_LEVEL_ERROR }, { "warn", LOG_LEVEL_WARN }, { "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG }, { "critical", LOG_LEVEL_ERROR },
	{ "normal", LOG_LEVEL_INFO }, { "off", LOG_LEVEL_ERROR }, { NULL, 0 },
};
static const struct config_word statuses[] = {
	{ "UpToDate", DV_TCB_UP_TO_DATE },
	{ "SWHardeningNeeded", DV_TCB_SW_HARDENING_NEEDED },
	{ "ConfigurationNeeded", DV_TCB_CONFIGURATION_NEEDED },
	{ "ConfigurationAndSWHardeningNeeded", DV_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED },
	{ "OutOfDate", DV_TCB_OUT_OF_DATE },
	{ "OutOfDateConfigurationNeeded", DV_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
	{ "Revoked", DV_TCB_REVOKED },
	{ "TDRelaunchAdvised", DV_TCB_TD_RELAUNCH_ADVISED },
	{ "TDRelaunchAdvisedConfigurationNeeded",
	    DV_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED },
	{ NULL, 0 },
};

/* In the order of the documentation. */
const struct config_key config_keys[] = {
	{ "address", CONFIG_STRING, CONFIG_WORKS, MEMBER(address), "\"0.0.0.0\"" },
	{ "port", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(port), "8080", RANGE(0, 65535) },
	{ "image_cache_dir", CONFIG_STRING, CONFIG_WORKS, MEMBER(image_cache_dir),
	    "\"/tmp/dstack-verifier/cache\"" },
	{ "image_download_url", CONFIG_STRING, CONFIG_WORKS, MEMBER(image_download_url),
	    "\"https://download.dstack.org/os-images/mr_{OS_IMAGE_HASH}.tar.gz\"" },
	{ "image_download_timeout_secs", CONFIG_INTEGER, CONFIG_WORKS,
	    MEMBER(image_download_timeout_secs), "300", RANGE(0, SECS_MAX) },
	{ "image_cache_max_bytes", CONFIG_INTEGER, CONFIG_WORKS,
	    MEMBER(image_cache_max_bytes), "21474836480", RANGE(0, INT64_MAX) },
	{ "attestation.insecure_allow_external_trust_anchors", CONFIG_BOOLEAN, CONFIG_WORKS,
	    MEMBER(allow_external_anchors), "false" },
	{ "attestation.urls.pccs", CONFIG_URLS, CONFIG_WORKS, MEMBER(pccs_urls),
	    "\"https://pccs.phala.network\"" },
	{ "attestation.urls.amd_kds", CONFIG_URLS, CONFIG_NO_VERDICT, MEMBER(amd_kds_urls),
	    "\"https://kdsintf.amd.com/vcek/v1\"" },
	{ "attestation.allowed_collateral_hosts", CONFIG_STRINGS, CONFIG_NO_VERDICT,
	    MEMBER(allowed_collateral_hosts) },
	{ "attestation.root_ca.tdx", CONFIG_STRING, CONFIG_WORKS, MEMBER(root_ca.tdx) },
	{ "attestation.root_ca.gcp_tpm", CONFIG_STRING, CONFIG_REFUSED,
	    MEMBER(root_ca.gcp_tpm) },
	{ "attestation.root_ca.aws_nitro_enclave", CONFIG_STRING, CONFIG_REFUSED,
	    MEMBER(root_ca.aws_nitro_enclave) },
	{ "attestation.root_ca.aws_nitro_tpm", CONFIG_STRING, CONFIG_REFUSED,
	    MEMBER(root_ca.aws_nitro_tpm) },
	{ "attestation.root_ca.sev_snp_milan", CONFIG_STRING, CONFIG_REFUSED,
	    MEMBER(root_ca.sev_snp_milan) },
	{ "attestation.root_ca.sev_snp_genoa", CONFIG_STRING, CONFIG_REFUSED,
	    MEMBER(root_ca.sev_snp_genoa) },
	{ "attestation.root_ca.sev_snp_turin", CONFIG_STRING, CONFIG_REFUSED,
	    MEMBER(root_ca.sev_snp_turin) },

	/* Absent is one for each processor; config_load() counts them. */
	{ "workers", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(workers), RANGE(1, 256) },
	{ "sandbox", CONFIG_WORD, CONFIG_NO_VERDICT, MEMBER(sandbox), "\"strict\"",
	    .words = sandboxes },
	{ "max_body_bytes", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(max_body_bytes),
	    "1048576", RANGE(1, BODY_MAX) },
	{ "max_connections", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(max_connections),
	    "16384", RANGE(1, COUNT_MAX) },
	{ "queue_max_jobs", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(queue_max_jobs),
	    "1024", RANGE(1, COUNT_MAX) },
	{ "parked_max_jobs", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(parked_max_jobs),
	    "4096", RANGE(0, COUNT_MAX) },
	{ "parked_max_bytes", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(parked_max_bytes),
	    "67108864", RANGE(0, INT64_MAX) },
	{ "keep_alive_secs", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(keep_alive_secs),
	    "5", RANGE(0, SECS_MAX) },
	{ "header_timeout_secs", CONFIG_INTEGER, CONFIG_WORKS,
	    MEMBER(header_timeout_secs), "10", RANGE(1, SECS_MAX) },
	{ "body_timeout_secs", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(body_timeout_secs),
	    "30", RANGE(1, SECS_MAX) },
	{ "write_timeout_secs", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(write_timeout_secs),
	    "30", RANGE(1, SECS_MAX) },
	{ "request_deadline_secs", CONFIG_INTEGER, CONFIG_WORKS,
	    MEMBER(request_deadline_secs), "30", RANGE(1, SECS_MAX) },
	{ "drain_deadline_secs", CONFIG_INTEGER, CONFIG_WORKS,
	    MEMBER(drain_deadline_secs), "30", RANGE(0, SECS_MAX) },

	{ "profile", CONFIG_WORD, CONFIG_WORKS, POLICY(profile), "\"drop-in\"",
	    .words = profiles },
	{ "unavailable_status", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(unavailable_status),
	    "200", "503", RANGE(200, 503) },
	{ "tcb_rule", CONFIG_WORD, CONFIG_WORKS, POLICY(tcb_rule), "\"upstream\"",
	    "\"intel\"", .words = tcb_rules },
	{ "tcb_update", CONFIG_WORD, CONFIG_WORKS, POLICY(tcb_update), "\"standard\"",
	    .words = tcb_updates },
	{ "collateral_max_cache_age_secs", CONFIG_INTEGER, CONFIG_WORKS,
	    MEMBER(collateral_max_cache_age_secs), "3600", RANGE(0, SECS_MAX) },
	{ "root_crl_max_cache_age_secs", CONFIG_INTEGER, CONFIG_WORKS,
	    MEMBER(root_crl_max_cache_age_secs), "86400", RANGE(0, SECS_MAX) },
	{ "serve_stale_max_secs", CONFIG_INTEGER, CONFIG_WORKS, MEMBER(serve_stale_max_secs),
	    "259200", RANGE(0, SECS_MAX) },
	{ "minimum_measurement_version", CONFIG_UNSIGNED, CONFIG_WORKS,
	    POLICY(minimum_measurement_version), "3", RANGE(3, 4) },
	{ "snp_report_versions", CONFIG_INTEGERS, CONFIG_REFUSED, .fallback = "[2, 3, 4, 5]" },
	{ "reject_duplicate_events", CONFIG_BOOLEAN, CONFIG_WORKS,
	    POLICY(reject_duplicate_events), "false", "true" },
	{ "allow_explain", CONFIG_BOOLEAN, CONFIG_WORKS, POLICY(allow_explain), "true" },
	{ "lenient_json", CONFIG_BOOLEAN, CONFIG_WORKS, POLICY(lenient_json), "false" },
	{ "strict_http", CONFIG_BOOLEAN, CONFIG_WORKS, MEMBER(strict_http), "false" },
	{ "web_page", CONFIG_BOOLEAN, CONFIG_NO_VERDICT, MEMBER(web_page), "false" },
	{ "metrics_listen", CONFIG_STRING, CONFIG_NO_VERDICT, MEMBER(metrics_listen), "\"\"" },
	{ "access_log", CONFIG_BOOLEAN, CONFIG_NO_VERDICT, MEMBER(access_log), "false" },
	{ "audit_log", CONFIG_STRING, CONFIG_NO_VERDICT, MEMBER(audit_log), "\"\"" },
	{ "audit_required", CONFIG_BOOLEAN, CONFIG_NO_VERDICT, MEMBER(audit_required),
	    "false" },
	{ "log_level", CONFIG_WORD, CONFIG_WORKS, MEMBER(log_level), "\"info\"",
	    .words = log_levels },
	{ "policy_file", CONFIG_STRING, CONFIG_WORKS, MEMBER(policy_file), "\"\"" },

	{ "policy.allowed_tcb_statuses", CONFIG_WORDS, CONFIG_WORKS,
	    POLICY(allowed_tcb_statuses), NULL, "[\"UpToDate\", \"SWHardeningNeeded\"]",
	    .words = statuses },
	{ "policy.allowed_qe_tcb_statuses", CONFIG_WORDS, CONFIG_WORKS,
	    POLICY(allowed_qe_tcb_statuses), .words = statuses },
	{ "policy.rejected_advisory_ids", CONFIG_STRINGS, CONFIG_WORKS,
	    POLICY(rejected_advisory_ids) },
	{ "policy.allowed_advisory_ids", CONFIG_STRINGS, CONFIG_WORKS,
	    POLICY(allowed_advisory_ids) },
	{ "policy.max_collateral_age_secs", CONFIG_INTEGER, CONFIG_WORKS,
	    POLICY(max_collateral_age_secs), "0", RANGE(0, SECS_MAX) },
	{ "policy.min_tcb_evaluation_data_number", CONFIG_UNSIGNED, CONFIG_WORKS,
	    POLICY(min_tcb_evaluation_data_number), "0", RANGE(0, UINT32_MAX) },
	{ "policy.allowed_os_image_hashes", CONFIG_HEXES, CONFIG_WORKS,
	    POLICY(allowed_os_image_hashes), RANGE(64, 64) },
	{ "policy.allowed_app_ids", CONFIG_HEXES, CONFIG_WORKS, POLICY(allowed_app_ids),
	    RANGE(2, 128) },
	{ "policy.allowed_compose_hashes", CONFIG_HEXES, CONFIG_WORKS,
	    POLICY(allowed_compose_hashes), RANGE(64, 64) },
	{ "policy.os_image_anchor", CONFIG_WORD, CONFIG_WORKS, POLICY(os_image_anchor),
	    "\"any\"", "\"published\"", .words = os_image_anchors },
	{ "policy.allowed_platforms", CONFIG_PLATFORMS, CONFIG_WORKS,
	    POLICY(allowed_platforms) },
	{ "policy.denied_platforms", CONFIG_PLATFORMS, CONFIG_WORKS, POLICY(denied_platforms) },
	{ "policy.allow_service_td", CONFIG_BOOLEAN, CONFIG_WORKS, POLICY(allow_service_td),
	    "false" },
	{ "policy.allowed_key_providers", CONFIG_PROVIDERS, CONFIG_WORKS,
	    POLICY(allowed_key_providers) },
	{ "policy.allowed_tee_variants", CONFIG_STRINGS, CONFIG_WORKS,
	    POLICY(allowed_tee_variants) },
	{ "policy.reject_dev_images", CONFIG_BOOLEAN, CONFIG_WORKS, POLICY(reject_dev_images),
	    "false", "true" },
	{ "policy.minimum_os_version", CONFIG_STRING, CONFIG_WORKS, POLICY(minimum_os_version),
	    "\"\"" },
	{ "policy.platform_grace_period_secs", CONFIG_INTEGER, CONFIG_WORKS,
	    POLICY(platform_grace_period_secs), "0", RANGE(0, SECS_MAX) },
	{ "policy.allow_dynamic_platform", CONFIG_BOOLEAN, CONFIG_WORKS,
	    POLICY(allow_dynamic_platform), "true" },
	{ "policy.allow_cached_keys", CONFIG_BOOLEAN, CONFIG_WORKS, POLICY(allow_cached_keys),
	    "true" },
	{ "policy.allow_smt", CONFIG_BOOLEAN, CONFIG_WORKS, POLICY(allow_smt), "true" },
};

const size_t config_nkeys = NELEM(config_keys);
static_assert(NELEM(config_keys) <= CONFIG_KEYS_MAX, "CONFIG_KEYS_MAX is too small");

const struct config_key *
config_key_find(const char *name)
{
	size_t i;

	for (i = 0; i < config_nkeys; i++)
		if (strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

size_t
config_key_index(const struct config_key *key)
{
	return (size_t)(key - config_keys);
}

const char *
config_type_name(enum config_type type)
{
	switch (type) {
	case CONFIG_STRING:
	case CONFIG_WORD:
		return "a string";
	case CONFIG_INTEGER:
	case CONFIG_UNSIGNED:
		return "an integer";
	case CONFIG_BOOLEAN:
		return "a boolean";
	case CONFIG_URLS:
		return "a string or a sequence";
	case CONFIG_WORDS:
	case CONFIG_STRINGS:
	case CONFIG_HEXES:
	case CONFIG_PLATFORMS:
	case CONFIG_PROVIDERS:
	case CONFIG_INTEGERS:
		return "a sequence";
	}
	return "";
}
