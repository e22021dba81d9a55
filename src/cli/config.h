/*
 * config.h - every key of the configuration, read, checked and typed
 *
 * A key's name, type, default, range and effect stand in one table (config_key.h); this
 * struct is where the values end up.  Later wins, key by key: built-in defaults, the
 * profile, file, policy file, environment.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdint.h>

#include "cli/setting.h"
#include "dstack-verifier/policy.h"

/* The name that is looked for when the command line has none. */
#define CONFIG_FILE             "dstack-verifier.toml"

/* Largest trust anchor that is read; real ones have less than 2 KiB. */
#define CONFIG_ROOT_CA_MAX      65536

/* More keys than the table has. */
#define CONFIG_KEYS_MAX         96

#define CONFIG_NOTES_MAX        64

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum config_sandbox {
	SANDBOX_STRICT = 0,
	SANDBOX_BEST_EFFORT,
};

/* Something to tell the operator once the log level is known. */
struct config_note {
	enum log_level level;
	const char *text;
};

struct config_root_ca {
	const char *tdx, *gcp_tpm, *aws_nitro_enclave, *aws_nitro_tpm;
	const char *sev_snp_milan, *sev_snp_genoa, *sev_snp_turin;
};

/* Integers are seconds, bytes or counts.  Strings and lists are the arena's. */
struct config {
	struct arena *arena;
	bool    given[CONFIG_KEYS_MAX];         /* by row of the table             */
	struct config_note notes[CONFIG_NOTES_MAX];
	size_t  nnotes;

	struct dv_policy policy;                /* settled                         */
	struct bytes root_ca_tdx;               /* the file's content; empty: Intel's root */

	const char *address;
	int64_t port;
	const char *image_cache_dir;
	const char *image_download_url;
	int64_t image_download_timeout_secs;
	int64_t image_cache_max_bytes;
	bool    allow_external_anchors;
	struct dv_list pccs_urls, amd_kds_urls; /* at least one each               */
	struct dv_list allowed_collateral_hosts;
	struct config_root_ca root_ca;

	int64_t workers;
	enum config_sandbox sandbox;
	int64_t max_body_bytes, max_connections;
	int64_t queue_max_jobs, parked_max_jobs, parked_max_bytes;
	int64_t keep_alive_secs, header_timeout_secs, body_timeout_secs, write_timeout_secs;
	int64_t request_deadline_secs, drain_deadline_secs;
	int64_t unavailable_status;
	int64_t collateral_max_cache_age_secs, root_crl_max_cache_age_secs;
	int64_t serve_stale_max_secs;
	bool    strict_http, web_page;
	const char *metrics_listen;
	bool    access_log, audit_required;
	const char *audit_log;
	enum log_level log_level;
	const char *policy_file;
};

/* What a configuration is made of, besides the files it names. */
struct config_source {
	const char *path;               /* of the file; NULL: CONFIG_FILE, silently optional */
	const char *const *environment; /* "NAME=value" each, NULL at the end      */
};

/*
 * config_load - the whole configuration
 *
 *   A file that is not there is a note, not a failure; a relative path is looked for in the
 *   working directory and then in each directory above it.
 *
 *   out     owned by the caller, config_free(); NULL on failure
 *   fails   any kind; the text is for the operator and may hold paths.  Faults of a
 *           file start with "FILE line N: ", those of a variable with "environment: ";
 *           checks of a value have exactly the words of the Rust verifier.
 */
bool    config_load(struct config **out, const struct config_source *source,
    struct reason *why) MUST_CHECK;
void    config_free(struct config *config);
AUTO_DEFINE(struct config, config_free)

#endif
