#include "cli/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <config.h>

#include "cli/file.h"
#include "ipc/message.h"

/* Takes what a _write made into the arena and ends the CBB. */
static bool
payload(struct bytes *out, struct arena *arena, bool written, CBB *cbb, struct reason *why)
{
	bool ok = written ? arena_copy(arena, out,
	    (struct bytes){ CBB_data(cbb), CBB_len(cbb) }, why) :
	    reject(why, REASON_INTERNAL, "no memory");

	CBB_cleanup(cbb);
	return ok;
}

const char *
setup_directory(struct arena *arena, struct reason *why)
{
	char self[FILE_PATH_MAX], beside[FILE_PATH_MAX + 32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	struct bytes copy;
	char *slash;

	if (len <= 0)
		return PKGLIBEXECDIR;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return PKGLIBEXECDIR;
	*slash = '\0';
	(void)snprintf(beside, sizeof beside, "%s/dstack-verifier-worker", self);
	if (access(beside, X_OK) == -1)
		return PKGLIBEXECDIR;
	if (!arena_copy(arena, &copy, bytes_str(self), why))
		return NULL;
	return (const char *)copy.ptr;
}

/* As many measurers at once as half the CPUs, but always one. */
static uint32_t
measurers_max(void)
{
	long ncpus = sysconf(_SC_NPROCESSORS_ONLN);

	return ncpus < 4 ? 1 : (uint32_t)(ncpus / 2);
}

void
setup_helpers(struct helpers_setup *out, const char *directory, const struct config *config)
{
	*out = (struct helpers_setup){
		.directory = directory,
		.max_measurers = measurers_max(),
		.download_secs = (uint32_t)config->image_download_timeout_secs,
	};
	helpers_keys_make(&out->keys);
}

bool
setup_worker(struct bytes *out, struct arena *arena, const struct config *config,
    const struct options *options, const struct helpers_keys *keys, struct reason *why)
{
	struct worker_config worker = {
		.options = {
			.policy = config->policy,
			.root_ca_tdx = { config->root_ca_tdx.ptr, config->root_ca_tdx.len },
			.serve_stale_max_secs = config->serve_stale_max_secs,
			.collateral_max_cache_age_secs = config->collateral_max_cache_age_secs,
			.root_crl_max_cache_age_secs = config->root_crl_max_cache_age_secs,
			.has_image_key = true,
			.pinned_at = options->has_at,
			.at = options->at,
		},
		.npins = (uint32_t)options->ncollateral,
	};
	CBB cbb;

	bytes_copy(worker.options.image_key, BYTES_OF(keys->public_key));
	if (!CBB_init(&cbb, 4096))
		return reject(why, REASON_INTERNAL, "no memory");
	return payload(out, arena, message_worker_config_write(&cbb, &worker), &cbb, why);
}

bool
setup_fetcher(struct bytes *out, struct arena *arena, const struct config *config,
    const struct options *options, const struct helpers_keys *kept, bool progress,
    struct reason *why)
{
	struct fetcher_config fetcher = {
		.pccs_urls = config->pccs_urls,
		.cache_dir = config->image_cache_dir,
		.collateral_max_cache_age_secs = config->collateral_max_cache_age_secs,
		.root_crl_max_cache_age_secs = config->root_crl_max_cache_age_secs,
		.serve_stale_max_secs = config->serve_stale_max_secs,
		.pinned_at = options->has_at,
		.at = options->at,
		.image_download_url = config->image_download_url,
		.image_download_timeout_secs = (uint32_t)config->image_download_timeout_secs,
		.image_cache_max_bytes = (uint64_t)config->image_cache_max_bytes,
		.max_measurers = measurers_max(),
		.has_image_key = kept != NULL,
		.progress = progress,
		.log_level = (uint8_t)config->log_level,
	};
	CBB cbb;

	if (kept != NULL)
		bytes_copy(fetcher.image_key, BYTES_OF(kept->public_key));
	if (!CBB_init(&cbb, 1024))
		return reject(why, REASON_INTERNAL, "no memory");
	return payload(out, arena, message_fetcher_config_write(&cbb, &fetcher), &cbb, why);
}

bool
setup_acceptor(struct bytes *out, struct arena *arena, const struct config *config,
    struct reason *why)
{
	const struct acceptor_config acceptor = {
		.max_body_bytes = (uint64_t)config->max_body_bytes,
		.max_connections = (uint64_t)config->max_connections,
		.queue_max_jobs = (uint64_t)config->queue_max_jobs,
		.parked_max_jobs = (uint64_t)config->parked_max_jobs,
		.parked_max_bytes = (uint64_t)config->parked_max_bytes,
		.keep_alive_secs = (uint32_t)config->keep_alive_secs,
		.header_timeout_secs = (uint32_t)config->header_timeout_secs,
		.body_timeout_secs = (uint32_t)config->body_timeout_secs,
		.write_timeout_secs = (uint32_t)config->write_timeout_secs,
		.request_deadline_secs = (uint32_t)config->request_deadline_secs,
		.image_download_timeout_secs = (uint32_t)config->image_download_timeout_secs,
		.drain_deadline_secs = (uint32_t)config->drain_deadline_secs,
		.unavailable_status = (unsigned)config->unavailable_status,
		.strict_http = config->strict_http,
		.log_level = (uint8_t)config->log_level,
	};
	CBB cbb;

	if (!CBB_init(&cbb, 256))
		return reject(why, REASON_INTERNAL, "no memory");
	return payload(out, arena, message_acceptor_config_write(&cbb, &acceptor), &cbb, why);
}

bool
setup_collateral(struct bytes *out, struct arena *arena, const struct options *options,
    struct reason *why)
{
	for (size_t i = 0; i < options->ncollateral; i++)
		if (!file_read(&out[i], arena, options->collateral[i], SETUP_COLLATERAL_MAX, why))
			return reject_as(why, "cannot read collateral %s", options->collateral[i]);
	return true;
}
