#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"
#include "config_show.h"

#define PPID            "0123456789abcdef0123456789ABCDEF"
#define PPID_LOWER      "0123456789abcdef0123456789abcdef"
#define HASH            PPID PPID
#define HASH_LOWER      PPID_LOWER PPID_LOWER

/* A file, variables, and what one key is then. */
static const struct {
	const char *name;
	const char *file, *variable, *other;
	const char *key, *value;
} values[] = {
	{ "file over default", "port = 1", NULL, NULL, "port", "1" },
	{ "environment over file", "port = 1", "DSTACK_VERIFIER_PORT=2", NULL, "port", "2" },
	{ "environment over default", "", "DSTACK_VERIFIER_PORT=2", NULL, "port", "2" },
	{ "nested environment", "[attestation.urls]\npccs = 'a'",
	    "DSTACK_VERIFIER_ATTESTATION__URLS__PCCS=b", NULL, "attestation.urls.pccs", "[\"b\"]" },
	{ "key by key", "[attestation.urls]\npccs = 'a'",
	    "DSTACK_VERIFIER_ATTESTATION__URLS__AMD_KDS=b", NULL, "attestation.urls.pccs",
	    "[\"a\"]" },
	{ "list of URLs", "attestation.urls.pccs = ['a', 'b']", NULL, NULL,
	    "attestation.urls.pccs", "[\"a\", \"b\"]" },
	{ "empty list of URLs", "attestation.urls.pccs = []", NULL, NULL,
	    "attestation.urls.pccs", "[\"https://pccs.phala.network\"]" },
	{ "blank URL", "attestation.urls.amd_kds = ' '", NULL, NULL,
	    "attestation.urls.amd_kds", "[\"https://kdsintf.amd.com/vcek/v1\"]" },
	{ "blank URL in the environment", "attestation.urls.pccs = 'a'",
	    "DSTACK_VERIFIER_ATTESTATION__URLS__PCCS=", NULL,
	    "attestation.urls.pccs", "[\"https://pccs.phala.network\"]" },

	{ "alias host", "host = '127.0.0.1'", NULL, NULL, "address", "\"127.0.0.1\"" },
	{ "address beats host", "address = '::1'\nhost = '127.0.0.1'", NULL, NULL, "address",
	    "\"::1\"" },
	{ "address in the file beats host in the environment", "address = '::1'",
	    "DSTACK_VERIFIER_HOST=127.0.0.1", NULL, "address", "\"::1\"" },
	{ "host in the environment", "host = '::1'", "DSTACK_VERIFIER_HOST=127.0.0.1", NULL,
	    "address", "\"127.0.0.1\"" },
	{ "alias pccs_url", "pccs_url = 'a'", NULL, NULL, "attestation.urls.pccs", "[\"a\"]" },
	{ "alias in the environment", "pccs_url = 'a'", "DSTACK_VERIFIER_PCCS_URL=b", NULL,
	    "attestation.urls.pccs", "[\"b\"]" },
	{ "PCCS_URL", "", "PCCS_URL=b", NULL, "attestation.urls.pccs", "[\"b\"]" },
	{ "PCCS_URL blank", "", "PCCS_URL=", NULL, "attestation.urls.pccs",
	    "[\"https://pccs.phala.network\"]" },
	{ "PCCS_URL below the file", "pccs_url = 'a'", "PCCS_URL=b", NULL,
	    "attestation.urls.pccs", "[\"a\"]" },
	{ "PCCS_URL below the environment", "", "PCCS_URL=b", "DSTACK_VERIFIER_PCCS_URL=c",
	    "attestation.urls.pccs", "[\"c\"]" },
	{ "PCCS_URL above a blank key", "pccs_url = ''", "PCCS_URL=b", NULL,
	    "attestation.urls.pccs", "[\"b\"]" },

	{ "RUST_LOG", "", "RUST_LOG=debug", NULL, "log_level", "\"debug\"" },
	{ "RUST_LOG trace", "", "RUST_LOG=a=info,TRACE,error", NULL, "log_level", "\"debug\"" },
	{ "RUST_LOG off", "", "RUST_LOG=off", NULL, "log_level", "\"error\"" },
	{ "RUST_LOG without a level", "", "RUST_LOG=dstack=debug,hyper", NULL, "log_level",
	    "\"info\"" },
	{ "RUST_LOG below the key", "log_level = 'warn'", "RUST_LOG=debug", NULL, "log_level",
	    "\"warn\"" },
	{ "framework's level", "log_level = 'critical'", NULL, NULL, "log_level", "\"error\"" },
	{ "framework's normal", "log_level = 'normal'", NULL, NULL, "log_level", "\"info\"" },
	{ "framework's off", "log_level = 'off'", NULL, NULL, "log_level", "\"error\"" },

	{ "workers", "workers = 3", NULL, NULL, "workers", "3" },
	{ "IPv6", "address = '::'", NULL, NULL, "address", "\"::\"" },
	{ "http", "image_download_url = 'http://h:80/{OS_IMAGE_HASH}'", NULL, NULL,
	    "image_download_url", "\"http://h:80/{OS_IMAGE_HASH}\"" },
	{ "template in the environment", "",
	    "DSTACK_VERIFIER_IMAGE_DOWNLOAD_URL=https://h/{OS_IMAGE_HASH}", NULL,
	    "image_download_url", "\"https://h/{OS_IMAGE_HASH}\"" },
	{ "IPv6 URL", "image_download_url = 'http://[::1]:8/{OS_IMAGE_HASH}'", NULL, NULL,
	    "image_download_url", "\"http://[::1]:8/{OS_IMAGE_HASH}\"" },
	{ "quoted digits", "", "DSTACK_VERIFIER_POLICY__MINIMUM_OS_VERSION=\"5\"", NULL,
	    "policy.minimum_os_version", "\"5\"" },
	{ "metrics", "metrics_listen = '127.0.0.1:9100'", NULL, NULL, "metrics_listen",
	    "\"127.0.0.1:9100\"" },
	{ "metrics on IPv6", "metrics_listen = '[::1]:9100'", NULL, NULL, "metrics_listen",
	    "\"[::1]:9100\"" },
	{ "metrics on a path", "metrics_listen = 'unix:/run/m'", NULL, NULL, "metrics_listen",
	    "\"unix:/run/m\"" },

	{ "statuses", "policy.allowed_tcb_statuses = ['UpToDate', 'OutOfDate']", NULL, NULL,
	    "policy.allowed_tcb_statuses", "[\"UpToDate\", \"OutOfDate\"]" },
	{ "no status", "policy.allowed_tcb_statuses = []", NULL, NULL,
	    "policy.allowed_tcb_statuses", "[]" },
	{ "hashes in lower case", "policy.allowed_os_image_hashes = ['" HASH "']", NULL, NULL,
	    "policy.allowed_os_image_hashes", "[\"" HASH_LOWER "\"]" },
	{ "empty list", "policy.allowed_app_ids = []", NULL, NULL, "policy.allowed_app_ids",
	    "[]" },
	{ "platforms", "policy.denied_platforms = ['" PPID "', '" HASH "']", NULL, NULL,
	    "policy.denied_platforms", "[\"" PPID_LOWER "\", \"" HASH_LOWER "\"]" },
	{ "key providers", "policy.allowed_key_providers = ['KMS', 'KMS:00AF']", NULL, NULL,
	    "policy.allowed_key_providers", "[\"KMS\", \"KMS:00af\"]" },
	{ "policy in the environment", "", "DSTACK_VERIFIER_POLICY__ALLOW_SMT=false", NULL,
	    "policy.allow_smt", "false" },
};

static void
test_values(void **state)
{
	struct config *config;
	struct reason why;
	const char *shown;
	size_t i;

	for (i = 0; i < NELEM(values); i++) {
		config = config_try("t.toml", values[i].file, values[i].variable, values[i].other,
		    &why);
		if (config == NULL)
			fail_msg("%s: %s", values[i].name, why.text);
		shown = config_show(config, config_key_find(values[i].key));
		if (strcmp(shown, values[i].value) != 0)
			fail_msg("%s: %s is %s", values[i].name, values[i].key, shown);
		config_free(config);
	}
}

/* A file, a variable, and why they are no configuration. */
static const struct {
	const char *name, *file, *variable, *why;
} refusals[] = {
	{ "address", "address = 'localhost'", NULL, "invalid verifier address: localhost" },
	{ "address with port", "address = '1.2.3.4:5'", NULL, "invalid verifier address: 1.2.3.4:5" },
	{ "address type", "address = 5", NULL, "t.toml line 1: invalid type: found integer 5, "
	    "expected a string for key `address`" },
	{ "digits for a string", "", "DSTACK_VERIFIER_IMAGE_CACHE_DIR=12", "environment: invalid "
	    "type: found integer 12, expected a string for key `image_cache_dir`" },
	{ "port zero", "port = 0", NULL, "verifier port must not be zero" },
	{ "port range", "port = 65536", NULL, "t.toml line 1: invalid value: found integer 65536, "
	    "expected 0 to 65535 for key `port`" },
	{ "port negative", "", "DSTACK_VERIFIER_PORT=-1", "environment: invalid value: found "
	    "integer -1, expected 0 to 65535 for key `port`" },
	{ "port type", "\nport = '8080'", NULL, "t.toml line 2: invalid type: found string "
	    "\"8080\", expected an integer for key `port`" },
	{ "port zero in the environment", "port = 1", "DSTACK_VERIFIER_PORT=0",
	    "verifier port must not be zero" },
	{ "cache directory", "image_cache_dir = ' '", NULL, "image_cache_dir must not be empty" },
	{ "URL mark", "image_download_url = 'https://h/x'", NULL,
	    "image_download_url must contain {OS_IMAGE_HASH}" },
	{ "URL scheme", "image_download_url = 'ftp://h/{OS_IMAGE_HASH}'", NULL,
	    "image_download_url must use http or https" },
	{ "URL host", "image_download_url = 'https:///{OS_IMAGE_HASH}'", NULL,
	    "invalid image_download_url" },
	{ "URL port", "image_download_url = 'https://h:x/{OS_IMAGE_HASH}'", NULL,
	    "invalid image_download_url" },
	{ "URL port range", "image_download_url = 'https://h:65536/{OS_IMAGE_HASH}'", NULL,
	    "invalid image_download_url" },
	{ "URL blank", "image_download_url = 'https://h/a b{OS_IMAGE_HASH}'", NULL,
	    "invalid image_download_url" },
	{ "URL bracket", "image_download_url = 'https://[::1/{OS_IMAGE_HASH}'", NULL,
	    "invalid image_download_url" },
	{ "download timeout", "image_download_timeout_secs = 0", NULL,
	    "image_download_timeout_secs must be greater than zero" },
	{ "flag type", "attestation.insecure_allow_external_trust_anchors = 'yes'", NULL,
	    "t.toml line 1: invalid type: found string \"yes\", expected a boolean for key "
	    "`attestation.insecure_allow_external_trust_anchors`" },
	{ "URL type", "attestation.urls.pccs = 5", NULL, "t.toml line 1: invalid type: found "
	    "integer 5, expected a string or a sequence for key `attestation.urls.pccs`" },
	{ "anchor without the flag", "attestation.root_ca.tdx = 'r'", NULL,
	    "external attestation trust anchors are configured but "
	    "insecure_allow_external_trust_anchors is false" },
	{ "other anchor without the flag", "attestation.root_ca.gcp_tpm = 'r'", NULL,
	    "external attestation trust anchors are configured but "
	    "insecure_allow_external_trust_anchors is false" },
	{ "anchor of a later platform", "[attestation]\ninsecure_allow_external_trust_anchors = true"
	    "\nroot_ca.sev_snp_genoa = 'r'", NULL,
	    "`attestation.root_ca.sev_snp_genoa` has no effect yet" },
	{ "anchor that is not there", "[attestation]\ninsecure_allow_external_trust_anchors = true"
	    "\nroot_ca.tdx = 'none'", NULL, "failed to read TDX root CA from none: "
	    "No such file or directory (os error 2)" },

	{ "unknown", "port = 1\nfoo = 1", NULL, "t.toml line 2: unknown field `foo`" },
	{ "unknown in a group", "[attestation]\nfoo = 1", NULL,
	    "t.toml line 2: unknown field `attestation.foo`" },
	{ "unknown deeper", "[attestation.urls]\nfoo = 1", NULL,
	    "t.toml line 2: unknown field `attestation.urls.foo`" },
	{ "unknown anchor", "[attestation.root_ca]\nfoo = 1", NULL,
	    "t.toml line 2: unknown field `attestation.root_ca.foo`" },
	{ "unknown policy", "[policy]\nfoo = 1", NULL, "t.toml line 2: unknown field `policy.foo`" },
	{ "group as a value", "attestation = 1", NULL, "t.toml line 1: unknown field `attestation`" },
	{ "unknown variable", "", "DSTACK_VERIFIER_FOO=1", "environment: unknown field `foo`" },
	{ "syntax", "port = 1\nport", NULL, "t.toml line 2: expected `=` after the key" },

	{ "workers", "workers = 0", NULL, "t.toml line 1: invalid value: found integer 0, "
	    "expected 1 to 256 for key `workers`" },
	{ "workers", "workers = 257", NULL, "t.toml line 1: invalid value: found integer 257, "
	    "expected 1 to 256 for key `workers`" },
	{ "sandbox", "sandbox = 'off'", NULL, "t.toml line 1: invalid value: found string \"off\", "
	    "expected one of `strict`, `best-effort` for key `sandbox`" },
	{ "profile", "profile = 'lax'", NULL, "t.toml line 1: invalid value: found string \"lax\", "
	    "expected one of `drop-in`, `strict` for key `profile`" },
	{ "profile type", "", "DSTACK_VERIFIER_PROFILE=true", "environment: invalid type: found "
	    "bool true, expected a string for key `profile`" },
	{ "unavailable status", "unavailable_status = 404", NULL,
	    "unavailable_status must be 200 or 503" },
	{ "rule", "tcb_rule = 'amd'", NULL, "t.toml line 1: invalid value: found string \"amd\", "
	    "expected one of `upstream`, `intel` for key `tcb_rule`" },
	{ "update", "tcb_update = 'late'", NULL, "t.toml line 1: invalid value: found string "
	    "\"late\", expected one of `standard`, `early` for key `tcb_update`" },
	{ "measurement version", "minimum_measurement_version = 2", NULL, "t.toml line 1: invalid "
	    "value: found integer 2, expected 3 to 4 for key `minimum_measurement_version`" },
	{ "no effect yet", "snp_report_versions = [3]", NULL,
	    "`snp_report_versions` has no effect yet" },
	{ "numbers", "snp_report_versions = ['3']", NULL, "t.toml line 1: invalid value: found "
	    "string \"3\", expected integers for key `snp_report_versions`" },
	{ "log level", "log_level = 'loud'", NULL, "t.toml line 1: invalid value: found string "
	    "\"loud\", expected one of `error`, `warn`, `info`, `debug`, `critical`, `normal`, "
	    "`off` for key `log_level`" },
	{ "metrics", "metrics_listen = '9100'", NULL, "invalid metrics_listen: 9100" },
	{ "metrics without port", "metrics_listen = '127.0.0.1'", NULL,
	    "invalid metrics_listen: 127.0.0.1" },
	{ "metrics without path", "metrics_listen = 'unix:'", NULL, "invalid metrics_listen: unix:" },
	{ "body of nothing", "max_body_bytes = 0", NULL, "t.toml line 1: invalid value: found "
	    "integer 0, expected 1 to 1073741824 for key `max_body_bytes`" },

	{ "status", "policy.allowed_tcb_statuses = ['Fine']", NULL, "t.toml line 1: invalid value: "
	    "found string \"Fine\", expected one of `UpToDate`, `SWHardeningNeeded`, "
	    "`ConfigurationNeeded`, `ConfigurationAndSWHardeningNeeded`, `OutOfDate`, "
	    "`OutOfDateConfigurationNeeded`, `Revoked`, `TDRelaunchAdvised`, "
	    "`TDRelaunchAdvisedConfigurationNeeded` for key `policy.allowed_tcb_statuses`" },
	{ "status type", "policy.allowed_qe_tcb_statuses = [1]", NULL, "t.toml line 1: invalid type: "
	    "found integer 1, expected a sequence for key `policy.allowed_qe_tcb_statuses`" },
	{ "list from the environment", "", "DSTACK_VERIFIER_POLICY__ALLOWED_APP_IDS=[\"00\"]",
	    "environment: invalid type: found string \"[\"00\"]\", expected a sequence for key "
	    "`policy.allowed_app_ids`" },
	{ "hosts from the environment", "",
	    "DSTACK_VERIFIER_ATTESTATION__ALLOWED_COLLATERAL_HOSTS=a.example", "environment: "
	    "invalid type: found string \"a.example\", expected a sequence for key "
	    "`attestation.allowed_collateral_hosts`" },
	{ "short hash", "policy.allowed_os_image_hashes = ['" PPID "']", NULL, "t.toml line 1: "
	    "invalid value: found string \"" PPID "\", expected 64 hex digits for key "
	    "`policy.allowed_os_image_hashes`" },
	{ "odd app id", "policy.allowed_app_ids = ['abc']", NULL, "t.toml line 1: invalid value: "
	    "found string \"abc\", expected whole bytes as hex digits for key "
	    "`policy.allowed_app_ids`" },
	{ "empty app id", "policy.allowed_app_ids = ['']", NULL, "t.toml line 1: invalid value: "
	    "found string \"\", expected whole bytes as hex digits for key "
	    "`policy.allowed_app_ids`" },
	{ "compose hash with 0x", "policy.allowed_compose_hashes = ['0x00']", NULL, "t.toml line 1: "
	    "invalid value: found string \"0x00\", expected 64 hex digits for key "
	    "`policy.allowed_compose_hashes`" },
	{ "platform of 40 digits", "policy.allowed_platforms = ['" PPID "01234567']", NULL,
	    "t.toml line 1: invalid value: found string \"" PPID "01234567\", expected 32 or 64 hex "
	    "digits for key `policy.allowed_platforms`" },
	{ "denied platform of 40 digits", "policy.denied_platforms = ['" PPID "01234567']", NULL,
	    "t.toml line 1: invalid value: found string \"" PPID "01234567\", expected 32 or 64 hex "
	    "digits for key `policy.denied_platforms`" },
	{ "key provider", "policy.allowed_key_providers = ['KMS:xyz']", NULL, "t.toml line 1: "
	    "invalid value: found string \"KMS:xyz\", expected NAME or NAME:HEXID for key "
	    "`policy.allowed_key_providers`" },
	{ "key provider without name", "policy.allowed_key_providers = [':00']", NULL, "t.toml line "
	    "1: invalid value: found string \":00\", expected NAME or NAME:HEXID for key "
	    "`policy.allowed_key_providers`" },
	{ "empty advisory", "policy.rejected_advisory_ids = ['']", NULL, "t.toml line 1: invalid "
	    "value: found string \"\", expected strings with text for key "
	    "`policy.rejected_advisory_ids`" },
	{ "advisory type", "policy.allowed_advisory_ids = [true]", NULL, "t.toml line 1: invalid "
	    "value: found bool true, expected strings for key `policy.allowed_advisory_ids`" },
	{ "anchor word", "policy.os_image_anchor = 'none'", NULL, "t.toml line 1: invalid value: "
	    "found string \"none\", expected one of `any`, `published`, `listed` for key "
	    "`policy.os_image_anchor`" },
	{ "listed without a list", "policy.os_image_anchor = 'listed'", NULL,
	    "policy.os_image_anchor is \"listed\" but policy.allowed_os_image_hashes is not given" },
	{ "OS version", "policy.minimum_os_version = 'new'", NULL,
	    "invalid policy.minimum_os_version: new" },
	{ "OS version dots", "policy.minimum_os_version = '0..5'", NULL,
	    "invalid policy.minimum_os_version: 0..5" },
	{ "evaluation number", "policy.min_tcb_evaluation_data_number = 4294967296", NULL,
	    "t.toml line 1: invalid value: found integer 4294967296, expected 0 to 4294967295 for "
	    "key `policy.min_tcb_evaluation_data_number`" },
	{ "negative age", "policy.max_collateral_age_secs = -1", NULL, "t.toml line 1: invalid "
	    "value: found integer -1, expected 0 to 3153600000 for key "
	    "`policy.max_collateral_age_secs`" },
	{ "policy file not there", "policy_file = 'none.toml'", NULL,
	    "none.toml: No such file or directory (os error 2)" },
};

static void
test_refusals(void **state)
{
	struct config *config;
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(refusals); i++) {
		config = config_try("t.toml", refusals[i].file, refusals[i].variable, NULL, &why);
		if (config != NULL || strcmp(why.text, refusals[i].why) != 0)
			fail_msg("%s: got %d \"%s\"", refusals[i].name, config != NULL,
			    config != NULL ? "" : why.text);
		config_free(config);
	}
}

/* The defaults of the table are those of the program, under either profile. */
static void
defaults_check(const char *file, bool strict)
{
	struct reason why;
	struct config *config = config_try("t.toml", file, NULL, NULL, &why);
	const char *expected, *shown;
	char list[256];
	size_t i;

	assert_non_null(config);
	for (i = 0; i < config_nkeys; i++) {
		expected = config_keys[i].fallback;
		if (strict && config_keys[i].fallback_strict != NULL)
			expected = config_keys[i].fallback_strict;
		shown = config_show(config, &config_keys[i]);
		if (strcmp(config_keys[i].name, "workers") == 0 ||
		    strcmp(config_keys[i].name, "profile") == 0 ||
		    config_keys[i].type == CONFIG_INTEGERS ||
		    (config_keys[i].type == CONFIG_WORDS && expected == NULL))
			continue;
		if (config_keys[i].type == CONFIG_URLS) {
			(void)snprintf(list, sizeof list, "[%s]", expected);
			expected = list;
		}
		if (strcmp(shown, expected == NULL ? "absent" : expected) != 0)
			fail_msg("%s is %s, not %s", config_keys[i].name, shown, expected);
	}
	config_free(config);
}

static void
test_defaults(void **state)
{
	struct reason why;
	struct config *config;

	defaults_check("", false);
	defaults_check("profile = 'drop-in'", false);
	defaults_check("profile = 'strict'", true);
	config = config_try("t.toml", "", NULL, NULL, &why);
	assert_int_equal(config->policy.allowed_tcb_statuses, DV_TCB_ALL & ~DV_TCB_REVOKED);
	assert_int_equal(config->policy.allowed_qe_tcb_statuses, DV_TCB_ALL);
	assert_in_range(config->workers, 1, 256);
	assert_string_equal(config_notes(config, LOG_LEVEL_DEBUG), "");
	config_free(config);
}

/* What a strict configuration is when one of the profile's keys is given. */
static void
test_profile_keys(void **state)
{
	static const struct {
		const char *line, *key, *value;
	} rows[] = {
		{ "policy.allowed_tcb_statuses = ['OutOfDate']", "policy.allowed_tcb_statuses",
		    "[\"OutOfDate\"]" },
		{ "policy.os_image_anchor = 'any'", "policy.os_image_anchor", "\"any\"" },
		{ "policy.allowed_os_image_hashes = ['" HASH "']", "policy.os_image_anchor",
		    "\"listed\"" },
		{ "policy.allowed_os_image_hashes = ['" HASH "']\npolicy.os_image_anchor = 'published'",
		    "policy.os_image_anchor", "\"published\"" },
		{ "policy.reject_dev_images = false", "policy.reject_dev_images", "false" },
		{ "reject_duplicate_events = false", "reject_duplicate_events", "false" },
		{ "tcb_rule = 'upstream'", "tcb_rule", "\"upstream\"" },
		{ "unavailable_status = 200", "unavailable_status", "200" },
	};
	struct config *config;
	struct reason why;
	char text[256];
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		(void)snprintf(text, sizeof text, "profile = 'strict'\n%s", rows[i].line);
		config = config_try("t.toml", text, NULL, NULL, &why);
		if (config == NULL)
			fail_msg("%s: %s", rows[i].line, why.text);
		if (strcmp(config_show(config, config_key_find(rows[i].key)), rows[i].value) != 0)
			fail_msg("%s: %s", rows[i].line,
			    config_show(config, config_key_find(rows[i].key)));
		config_free(config);
	}
	config = config_try("t.toml", "profile = 'strict'", "DSTACK_VERIFIER_PROFILE=drop-in", NULL,
	    &why);
	assert_int_equal(config->policy.os_image_anchor, DV_OS_IMAGE_ANY);
	assert_int_equal(config->unavailable_status, 200);
	config_free(config);
}

/* Each key's own range, from both sides. */
static void
test_ranges(void **state)
{
	struct config *config;
	struct reason why;
	char text[256], expected[64];
	const struct config_key *key;
	int64_t value;
	size_t i;
	int side;

	for (i = 0; i < config_nkeys; i++) {
		key = &config_keys[i];
		if (key->type != CONFIG_INTEGER && key->type != CONFIG_UNSIGNED)
			continue;
		for (side = 0; side < 4; side++) {
			if (side == 3 && key->max == INT64_MAX)
				continue;
			value = side < 2 ? key->min - side : key->max + (side - 2);
			(void)snprintf(text, sizeof text, "%s = %lld", key->name, (long long)value);
			config = config_try("t.toml", text, NULL, NULL, &why);
			(void)snprintf(expected, sizeof expected, "for key `%s`", key->name);
			if ((config == NULL && strstr(why.text, expected) != NULL) != (side % 2 == 1))
				fail_msg("%s: %s", text, config == NULL ? why.text : "accepted");
			config_free(config);
		}
	}
}

static void
test_notes(void **state)
{
	struct reason why;
	struct config *config;

	config = config_try("t.toml", "host = '::1'\nkeep_alive = 5\nident = 'x'\n"
	    "limits = { json = '2MiB' }\n[tls]\ncerts = 'c'\n", "DSTACK_VERIFIER_CLI_COLORS=false",
	    "DSTACK_VERIFIER_PCCS_URL=u", &why);
	assert_non_null(config);
	assert_string_equal(config_notes(config, LOG_LEVEL_WARN),
	    "t.toml: `host` is an old name of `address`; "
	    "environment: `pccs_url` is an old name of `attestation.urls.pccs`; "
	    "t.toml: `keep_alive` is a key of the web framework and is ignored; "
	    "t.toml: `ident` is a key of the web framework and is ignored; "
	    "t.toml: `limits.json` is a key of the web framework and is ignored; "
	    "t.toml: `tls.certs` is a key of the web framework and is ignored; "
	    "environment: `cli_colors` is a key of the web framework and is ignored");
	config_free(config);
	config = config_try("t.toml", "web_page = true", NULL, NULL, &why);
	assert_string_equal(config_notes(config, LOG_LEVEL_DEBUG), "`web_page` has no effect yet");
	assert_string_equal(config_notes(config, LOG_LEVEL_INFO), "");
	config_free(config);
}

static void
test_missing(void **state)
{
	static const char *const none[] = { NULL };
	struct config_source source = { .path = "none.toml", .environment = none };
	struct config *config;
	struct reason why;

	assert_true(config_load(&config, &source, &why));
	assert_string_equal(config_notes(config, LOG_LEVEL_WARN),
	    "configuration file none.toml is missing");
	assert_int_equal(config->port, 8080);
	config_free(config);

	source.path = NULL;
	assert_true(config_load(&config, &source, &why));
	assert_string_equal(config_notes(config, LOG_LEVEL_DEBUG), "");
	config_free(config);

	source.path = "/dev/null/none.toml";
	assert_true(config_load(&config, &source, &why));
	config_free(config);
}

static void
test_parent(void **state)
{
	static const char *const none[] = { NULL };
	struct config_source source = { .environment = none };
	struct config *config;
	struct reason why;

	scratch_write(CONFIG_FILE, "port = 7\n");
	assert_int_equal(mkdir("below", 0700), 0);
	assert_int_equal(chdir("below"), 0);
	/* A directory of that name is passed over. */
	assert_int_equal(mkdir(CONFIG_FILE, 0700), 0);
	assert_true(config_load(&config, &source, &why));
	assert_int_equal(config->port, 7);
	config_free(config);
	source.path = CONFIG_FILE;
	assert_true(config_load(&config, &source, &why));
	assert_int_equal(config->port, 7);
	config_free(config);
	assert_int_equal(rmdir(CONFIG_FILE), 0);
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(rmdir("below"), 0);
	assert_int_equal(unlink(CONFIG_FILE), 0);
}

/* The forms that the releases of the Rust verifier had. */
static void
test_old_files(void **state)
{
	static const char old[] =
	    "# dstack-verifier configuration\n"
	    "address = \"0.0.0.0\"\nport = 8081\n\n# images\nimage_cache_dir = \"/tmp/c\"\n"
	    "image_download_url = \"https://h/mr_{OS_IMAGE_HASH}.tar.gz\"\n"
	    "image_download_timeout_secs = 60\npccs_url = \"https://p\"\n# the end";
	static const char newest[] =
	    "address = \"0.0.0.0\"\nport = 8081\n"
	    "[attestation]\ninsecure_allow_external_trust_anchors = false\n"
	    "allowed_collateral_hosts = [\"*.example\"]\n"
	    "[attestation.urls]\npccs = \"https://p\"\namd_kds = \"\"\n"
	    "[attestation.root_ca]\n# tdx = \"x\"\n";
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "old.toml", old }, { "old.conf", old }, { "new.toml", newest },
		{ "nested.conf", "port = 8081; attestation = { urls = { pccs = \"https://p\"; }; };" },
	};
	struct config *config;
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(files); i++) {
		config = config_try(files[i].name, files[i].text, NULL, NULL, &why);
		if (config == NULL)
			fail_msg("%s: %s", files[i].name, why.text);
		assert_int_equal(config->port, 8081);
		assert_int_equal(config->pccs_urls.n, 1);
		assert_string_equal(config->pccs_urls.items[0], "https://p");
		config_free(config);
	}
	assert_null(config_try("head.conf", newest, NULL, NULL, &why));
	assert_string_equal(why.text, "head.conf line 3: syntax error");
}

static void
test_policy_file(void **state)
{
	struct config *config;
	struct reason why;

	scratch_write("p.toml", "allow_smt = false\nallowed_tcb_statuses = ['UpToDate']\n");
	config = config_try("t.toml", "policy_file = 'p.toml'", NULL, NULL, &why);
	assert_non_null(config);
	assert_false(config->policy.allow_smt);
	assert_int_equal(config->policy.allowed_tcb_statuses, DV_TCB_UP_TO_DATE);
	config_free(config);
	config = config_try("t.toml", "", "DSTACK_VERIFIER_POLICY_FILE=p.toml",
	    "DSTACK_VERIFIER_POLICY__ALLOW_SMT=true", &why);
	assert_true(config->policy.allow_smt);
	assert_int_equal(config->policy.allowed_tcb_statuses, DV_TCB_UP_TO_DATE);
	config_free(config);

	assert_null(config_try("t.toml", "policy_file = 'p.toml'\npolicy.allow_smt = true", NULL,
	    NULL, &why));
	assert_string_equal(why.text, "p.toml line 1: `policy.allow_smt` is given in t.toml as well");
	scratch_write("p.toml", "port = 1\n");
	assert_null(config_try("t.toml", "policy_file = 'p.toml'", NULL, NULL, &why));
	assert_string_equal(why.text, "p.toml line 1: unknown field `policy.port`");
	scratch_write("p.conf", "allow_smt = false\n# x");
	config = config_try("t.toml", "policy_file = 'p.conf'", NULL, NULL, &why);
	assert_false(config->policy.allow_smt);
	config_free(config);
}

static void
test_root_ca(void **state)
{
	static const char file[] = "[attestation]\ninsecure_allow_external_trust_anchors = true\n"
	    "root_ca.tdx = 'r.pem'\n";
	struct config *config;
	struct reason why;
	char *large;

	scratch_write("r.pem", "anchor");
	config = config_try("t.toml", file, NULL, NULL, &why);
	assert_non_null(config);
	assert_int_equal(config->root_ca_tdx.len, 6);
	assert_memory_equal(config->root_ca_tdx.ptr, "anchor", 6);
	config_free(config);

	scratch_write("r.pem", "");
	assert_null(config_try("t.toml", file, NULL, NULL, &why));
	assert_string_equal(why.text, "failed to parse TDX root CA certificate");

	large = calloc(1, CONFIG_ROOT_CA_MAX + 2);
	assert_non_null(large);
	memset(large, 'x', CONFIG_ROOT_CA_MAX + 1);
	scratch_write("r.pem", large);
	free(large);
	assert_null(config_try("t.toml", file, NULL, NULL, &why));
	assert_string_equal(why.text,
	    "failed to read TDX root CA from r.pem: longer than 65536 bytes");
}

static void
test_unreadable(void **state)
{
	struct reason why;
	char *large = calloc(1, SETTINGS_TEXT_MAX + 2);

	assert_non_null(large);
	memset(large, '\n', SETTINGS_TEXT_MAX + 1);
	assert_null(config_try("t.toml", large, NULL, NULL, &why));
	assert_string_equal(why.text, "t.toml: longer than 1048576 bytes");
	free(large);
}

/* Every row has what its type needs. */
static void
test_table(void **state)
{
	size_t i, j;

	for (i = 0; i < config_nkeys; i++) {
		assert_int_equal(config_key_index(&config_keys[i]), i);
		assert_ptr_equal(config_key_find(config_keys[i].name), &config_keys[i]);
		for (j = 0; j < i; j++)
			assert_string_not_equal(config_keys[i].name, config_keys[j].name);
		assert_true((config_keys[i].words != NULL) ==
		    (config_keys[i].type == CONFIG_WORD || config_keys[i].type == CONFIG_WORDS));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_profile_keys),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_parent),
		cmocka_unit_test(test_old_files),
		cmocka_unit_test(test_policy_file),
		cmocka_unit_test(test_root_ca),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests_name("config", tests, scratch_enter, scratch_leave);
}
