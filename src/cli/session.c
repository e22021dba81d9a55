#include "cli/session.h"

#include <config.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/file.h"
#include "core/hex.h"

#define ERROR_LEN       512

/* Questions are asked again a few times, never forever: collateral is needed, then an image. */
#define ROUNDS_MAX      8

/* While a file is read its bytes are copied to ever larger rooms, so the sum is four times. */
#define ARENA_MAX       (4u * SESSION_INPUT_MAX + OPTIONS_COLLATERAL_MAX * 4u * 65536u)

static bool
collateral_add(struct session *session, const char *path, struct reason *why)
{
	char error[ERROR_LEN];
	struct bytes text;

	if (!file_read(&text, session->arena, path, SESSION_COLLATERAL_MAX, why))
		return reject_as(why, "cannot read collateral %s", path);
	if (!dv_collateral_add(session->context, (struct dv_span){ text.ptr, text.len },
	    session->now, error, sizeof error))
		return reject(why, REASON_MALFORMED, "collateral %s: %s", path, error);
	return true;
}

static bool
context_open(struct session *session, struct reason *why)
{
	struct dv_options options = {
		.policy = session->config->policy,
		.root_ca_tdx = { session->config->root_ca_tdx.ptr, session->config->root_ca_tdx.len },
		.serve_stale_max_secs = session->config->serve_stale_max_secs,
		.collateral_max_cache_age_secs = session->config->collateral_max_cache_age_secs,
		.root_crl_max_cache_age_secs = session->config->root_crl_max_cache_age_secs,
		.pinned_at = session->options->has_at,
		.at = session->options->at,
	};
	char error[ERROR_LEN];

	session->context = dv_context_new(&options, error, sizeof error);
	return session->context != NULL || reject(why, REASON_MALFORMED, "%s", error);
}

static void
time_set(struct session *session, int64_t clock)
{
	if (session->options->has_at) {
		session->now = session->options->at;
		return;
	}
	session->now = clock;
	session->clock_wrong = session->now < RELEASE_DATE;
}

bool
session_open(struct session *out, int *status, const struct options *options,
    struct config *config, int64_t clock, struct reason *why)
{
	size_t i;

	*out = (struct session){ .options = options, .config = config };
	*status = EXIT_INVALID;
	time_set(out, clock);
	out->arena = arena_new(ARENA_MAX);
	if (out->arena == NULL)
		return reject(why, REASON_INTERNAL, "no memory");
	if (!context_open(out, why))
		return false;
	*status = EXIT_USAGE;
	for (i = 0; i < options->ncollateral; i++)
		if (!collateral_add(out, options->collateral[i], why))
			return false;
	return true;
}

void
session_close(struct session *session)
{
	dv_context_free(session->context);
	arena_free(session->arena);
}

void
session_say(const struct config *config, enum log_level level, const char *format, ...)
{
	static const char *const names[] = { "error: ", "warning: ", "", "" };
	va_list args;

	if (config != NULL && level > config->log_level)
		return;
	va_start(args, format);
	fprintf(stderr, "dstack-verifier: %s", names[level]);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static void
need_show(char *out, size_t out_len, const struct dv_key *key)
{
	char hex[2 * sizeof key->image + 1];

	switch (key->type) {
	case DV_FACT_TCB_INFO:
		hex_text(hex, BYTES_OF(key->fmspc));
		(void)snprintf(out, out_len, "TCB info for FMSPC %s", hex);
		return;
	case DV_FACT_QE_IDENTITY:
		(void)snprintf(out, out_len, "the QE identity");
		return;
	case DV_FACT_PCK_CRL:
		(void)snprintf(out, out_len, "the PCK CRL (%s)",
		    key->ca == DV_PCK_CA_PLATFORM ? "platform" : "processor");
		return;
	case DV_FACT_ROOT_CA_CRL:
		(void)snprintf(out, out_len, "the root CA CRL");
		return;
	case DV_FACT_PCK_CERTIFICATE:
		(void)snprintf(out, out_len, "the PCK certificate");
		return;
	case DV_FACT_IMAGE:
		hex_text(hex, BYTES_OF(key->image));
		(void)snprintf(out, out_len, "the OS image %s", hex);
		return;
	}
	(void)snprintf(out, out_len, "something unknown");
}

/* Tells stderr what was asked for and cannot be fetched. */
static void
needs_say(const struct session *session, const struct dv_answer *answer)
{
	char name[128];
	size_t i;

	for (i = 0; i < answer->nneeds; i++) {
		need_show(name, sizeof name, &answer->needs[i]);
		session_say(session->config, LOG_LEVEL_WARN,
		    "%s is needed, and fetching is not built yet%s", name,
		    answer->needs[i].type == DV_FACT_IMAGE ? "" : "; give it with --collateral FILE");
	}
}

/* Whatever was asked for cannot be had. */
static void
needs_fail(struct dv_failure *failures, size_t *n, const struct dv_answer *answer)
{
	size_t i;

	for (i = 0; i < answer->nneeds; i++) {
		failures[*n].key = answer->needs[i];
		failures[(*n)++].http_status = 0;
	}
}

bool
session_judge(struct session *session, struct dv_answer *answer, struct bytes body,
    session_verify *verify)
{
	struct dv_failure failures[ROUNDS_MAX * DV_NEEDS_MAX];
	struct dv_request request = {
		.body = { body.ptr, body.len },
		.now = session->now,
		.failures = failures,
		.full_reason = true,
	};
	unsigned round;

	for (round = 0; round < ROUNDS_MAX; round++) {
		if (!verify(session->context, answer, &request))
			return false;
		if (answer->nneeds == 0)
			return true;
		needs_say(session, answer);
		needs_fail(failures, &request.nfailures, answer);
	}
	return dv_fault_answer(session->context, answer, DV_FAULT_INTERNAL,
	    "asked too often for what cannot be fetched");
}

int
session_print(const struct session *session, const struct dv_answer *answer)
{
	bool ok = fwrite(answer->json.ptr, 1, answer->json.len, stdout) == answer->json.len &&
	    fputc('\n', stdout) != EOF;

	if (fflush(stdout) != 0 || !ok) {
		session_say(session->config, LOG_LEVEL_ERROR, "cannot write the answer: %m");
		return EXIT_INVALID;
	}
	if (answer->summary != NULL && isatty(STDERR_FILENO))
		fputs(answer->summary, stderr);
	return answer->valid ? EXIT_VALID : EXIT_INVALID;
}
