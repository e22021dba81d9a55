/*
 * bench - what things cost, in units of one P-256 signature verification
 *
 * The unit is measured in the same run, so that the multiples mean the same on every machine.
 * Each figure is the best of several rounds: what disturbs a measurement only ever adds.
 * "bench unit SECONDS" prints the unit alone, for load.py.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/nid.h>

#include "dcap/dcap_context.h"
#include "dstack-verifier/verify.h"
#include "evidence.h"
#include "measure/likely_cause.h"
#include "verify/context.h"

#define COLLATERAL      "collateral/tdx-90c06f000000-20260520-ev19.json"
/* A quote of another machine with the same kind of processor, and so the same PCK CA. */
#define OTHER_QUOTE     "quotes/tdx/tdx-v4-90c06f000000-dstack-cbdb5b2f.bin"

#define PASSES          3               /* over all figures; the best pass counts */
#define ROUNDS          100
#define ROUND_NS        500000          /* each round lasts about this long */

/* The processor time of this program: nothing here waits, and other programs may run. */
static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The best time of one call of work(arg), in nanoseconds. */
static double
measure(void (*work)(void *), void *arg)
{
	double best = 0, ns;
	int64_t start, n, i;
	int round;

	start = now_ns();
	work(arg);
	n = ROUND_NS / (now_ns() - start + 1) + 1;
	for (round = 0; round < ROUNDS; round++) {
		start = now_ns();
		for (i = 0; i < n; i++)
			work(arg);
		ns = (double)(now_ns() - start) / (double)n;
		if (round == 0 || ns < best)
			best = ns;
	}
	return best;
}

struct signature {
	EC_KEY  *key;
	uint8_t digest[32];
	uint8_t der[80];
	unsigned der_len;
};

static void
signature_make(struct signature *s)
{
	int ok;

	s->key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	assert(s->key != NULL);
	ok = EC_KEY_generate_key(s->key);
	assert(ok == 1);
	ok = ECDSA_sign(0, s->digest, sizeof s->digest, s->der, &s->der_len, s->key);
	assert(ok == 1);
}

static void
signature_verify(void *arg)
{
	struct signature *s = arg;
	int ok;

	ok = ECDSA_verify(0, s->digest, sizeof s->digest, s->der, s->der_len, s->key);
	assert(ok == 1);
}

#define MAX_ROWS        32

static struct row {
	char    what[64];
	double  ns;
} rows[MAX_ROWS];
static size_t n_rows;
static int failures;

/*
 * The unit is measured again beside each figure and the best counts, so that other load on the
 * machine does not make everything look cheap.
 */
static struct signature unit_signature;
static double unit;             /* nanoseconds of one verification */

static void
unit_measure(void)
{
	double ns = measure(signature_verify, &unit_signature);

	if (unit == 0 || ns < unit)
		unit = ns;
}

static void
row_add(const char *what, double ns)
{
	struct row *row = &rows[n_rows++];

	assert(n_rows <= MAX_ROWS);
	(void)snprintf(row->what, sizeof row->what, "%s", what);
	if (row->ns == 0 || ns < row->ns)
		row->ns = ns;
	unit_measure();
}

static void
rows_print(void)
{
	size_t i;

	(void)printf("%-52s %9.1f us\n", "one P-256 verification (the unit)", unit / 1000);
	for (i = 0; i < n_rows; i++)
		(void)printf("%-52s %9.1f us %8.2f x\n", rows[i].what, rows[i].ns / 1000,
		    rows[i].ns / unit);
}

/* ---- verify() ---- */

struct job {
	struct dv_context *context;
	struct dv_request request;
	struct bytes expected;          /* the answer's JSON, empty until the first answer */
	unsigned operations;            /* of the last call */
};

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

static struct dv_context *
context_new(void)
{
	/* The collateral is of a day before the release. */
	struct dv_options options = { .pinned_at = true, .at = EVIDENCE_NOW };
	struct dv_context *context;
	char error[512];

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	if (!dv_policy_settle(&options.policy, error, sizeof error) ||
	    (context = dv_context_new(&options, error, sizeof error)) == NULL) {
		(void)fprintf(stderr, "bench: %s\n", error);
		exit(1);
	}
	return context;
}

static void
collateral_add(struct dv_context *context, struct bytes collateral)
{
	char error[512];

	if (!dv_collateral_add(context, span(collateral), EVIDENCE_NOW, error, sizeof error)) {
		(void)fprintf(stderr, "bench: collateral: %s\n", error);
		exit(1);
	}
}

/* Every answer has to be valid and, to the byte, the first one. */
static void
job_run(void *arg)
{
	struct job *job = arg;
	struct dv_answer answer;
	struct bytes json;
	uint8_t *copy;

	if (!dv_verify(job->context, &answer, &job->request) || answer.nneeds != 0 ||
	    !answer.valid) {
		(void)fprintf(stderr, "bench: not valid: %s\n",
		    answer.reason != NULL ? answer.reason : "no answer");
		exit(1);
	}
	json = (struct bytes){ answer.json.ptr, answer.json.len };
	job->operations = answer.public_key_operations;
	if (job->expected.ptr == NULL) {
		copy = malloc(json.len);
		assert(copy != NULL);
		bytes_copy(copy, json);
		job->expected = (struct bytes){ copy, json.len };
	}
	if (!bytes_equal(job->expected, json)) {
		(void)fprintf(stderr, "bench: an answer differs from the first one\n");
		exit(1);
	}
}

static void
verify_row(const char *state, const struct job *job, const char *name, double ns,
    unsigned operations)
{
	char what[64];

	(void)snprintf(what, sizeof what, "verify() %s, %s, %u signature%s", state, name,
	    job->operations, job->operations == 1 ? "" : "s");
	row_add(what, ns);
	if (job->operations != operations) {
		(void)fprintf(stderr, "bench: %u public-key operations, expected %u\n",
		    job->operations, operations);
		failures++;
	}
}

/* The quote is judged anew each time; chain, QE report and collateral are known. */
static void
bench_warm(struct job *job, const char *name)
{
	verify_row("warm", job, name, measure(job_run, job), 1);
}

static void
forget_signatures(struct dcap *dcap)
{
	signature_memo_free(dcap->signatures);
	pck_chain_memo_free(dcap->chains);
	dcap->signatures = signature_memo_new(16);
	dcap->chains = pck_chain_memo_new(16);
	assert(dcap->signatures != NULL && dcap->chains != NULL);
}

/* The best of many single calls, each after work that does not count. */
static double
measure_prepared(void (*prepare)(struct job *), struct job *job)
{
	double best = 0, ns;
	int64_t start;
	int i;

	for (i = 0; i < 100; i++) {
		prepare(job);
		start = now_ns();
		job_run(job);
		ns = (double)(now_ns() - start);
		if (i == 0 || ns < best)
			best = ns;
	}
	return best;
}

/* Another machine has been here, so the PCK CA is known: leaf, QE report and quote are not. */
static void
prepare_platform(struct job *job)
{
	static struct bytes other;
	struct dv_request request = { .now = EVIDENCE_NOW };
	struct dv_answer answer;

	if (other.ptr == NULL)
		other = file_read(OTHER_QUOTE);
	request.body = span(other);
	forget_signatures(job->context->dcap);
	if (!dv_quote(job->context, &answer, &request) || !answer.valid) {
		(void)fprintf(stderr, "bench: the other quote is not valid\n");
		exit(1);
	}
}

static void
bench_platform(struct job *job, const char *name)
{
	verify_row("new platform", job, name, measure_prepared(prepare_platform, job), 3);
}

/* A context that knows nothing: collateral is parsed and verified in the call. */
static double
measure_cold(struct job *job, struct bytes collateral)
{
	double best = 0, ns;
	int64_t start;
	int i;

	for (i = 0; i < 20; i++) {
		job->context = context_new();
		start = now_ns();
		collateral_add(job->context, collateral);
		job_run(job);
		ns = (double)(now_ns() - start);
		if (i == 0 || ns < best)
			best = ns;
		dv_context_free(job->context);
	}
	return best;
}

static void
bench_verify(void)
{
	struct bytes bodies[BODIES], collateral = file_read(COLLATERAL);
	struct job job;
	int i;

	evidence_bodies(bodies);
	for (i = 0; i < BODIES; i++) {
		job = (struct job){ .context = context_new() };
		job.request.body = span(bodies[i]);
		job.request.now = EVIDENCE_NOW;
		collateral_add(job.context, collateral);
		bench_warm(&job, evidence_names[i]);
		bench_platform(&job, evidence_names[i]);
		dv_context_free(job.context);
		verify_row("cold", &job, evidence_names[i], measure_cold(&job, collateral), 9);
		free((void *)(uintptr_t)job.expected.ptr);
	}
}

/* ---- the ACPI generator ---- */

struct machine_job {
	struct arena *arena;
	struct acpi_shape shape;
	bool    digests;
};

static void
acpi_run(void *arg)
{
	struct machine_job *job = arg;
	struct acpi_digests digests;
	struct acpi_blobs blobs;
	struct reason why;

	arena_reset(job->arena);
	if (!acpi_generate(&blobs, job->arena, &job->shape, ACPI_NEWEST, &why)) {
		(void)fprintf(stderr, "bench: %s\n", why.text);
		exit(1);
	}
	if (job->digests)
		acpi_digest(&digests, &blobs);
}

static void
bench_acpi(void)
{
	static const uint32_t counts[] = { 1, 64, 1024 };
	struct machine_job job = { .arena = arena_new(8u << 20) };
	char what[64];
	size_t i;

	assert(job.arena != NULL);
	for (i = 0; i < NELEM(counts); i++) {
		acpi_shape_init(&job.shape);
		job.shape.cpu_count = counts[i];
		job.shape.memory_size = UINT64_C(64) << 30;
		job.shape.hotplug_off = true;
		job.digests = false;
		(void)snprintf(what, sizeof what, "ACPI tables, %u vCPUs", counts[i]);
		row_add(what, measure(acpi_run, &job));
		job.digests = true;
		(void)snprintf(what, sizeof what, "ACPI tables and digests, %u vCPUs", counts[i]);
		row_add(what, measure(acpi_run, &job));
	}
	arena_free(job.arena);
}

/* ---- explanations ---- */

/* Registers that no machine has, so that all is tried, from an empty cache. */
static void
cause_run(void *arg)
{
	const struct vm_config *config = arg;
	const struct image_record record = { .version_len = 0 };
	const struct launch_registers quoted = { .mrtd = { { 0 } } };
	struct legacy_input input = { .record = &record, .config = config, .quoted = &quoted,
	    .cache = acpi_cache_new(LIKELY_CAUSE_MAX_TRIES) };
	struct likely_cause cause;

	assert(input.cache != NULL);
	if (!likely_cause_legacy(&cause, &input)) {
		(void)fprintf(stderr, "bench: registers of no machine match\n");
		exit(1);
	}
	acpi_cache_free(input.cache);
}

/* 2 TiB with hugepages cost two tables a shape, and reaches the limit. */
static void
bench_cause(void)
{
	static const struct {
		const char *what;
		uint32_t cpus;
		unsigned memory_gib;
		bool    hugepages;
	} shapes[] = {
		{ "likely cause, 16 vCPUs", 16, 64, false },
		{ "likely cause, 300 vCPUs, 2 TiB, hugepages", 300, 2048, true },
	};
	struct vm_config config = { .image = { 0 } };

	for (size_t i = 0; i < NELEM(shapes); i++) {
		acpi_shape_init(&config.shape);
		config.shape.cpu_count = shapes[i].cpus;
		config.shape.memory_size = (uint64_t)shapes[i].memory_gib << 30;
		config.shape.hugepages = shapes[i].hugepages;
		config.shape.num_nics = config.shape.num_verity_volumes = 6;
		row_add(shapes[i].what, measure(cause_run, &config));
	}
}

/* The mean over so many seconds, in nanoseconds: what it is compared with is a mean, too. */
static void
unit_print(double seconds)
{
	int64_t start = now_ns(), n = 0, ns = 0;

	for (; (double)ns < seconds * 1e9; ns = now_ns() - start)
		for (int i = 0; i < 100; i++, n++)
			signature_verify(&unit_signature);
	(void)printf("%.1f\n", (double)ns / (double)n);
}

int
main(int argc, char **argv)
{
	int pass;

	signature_make(&unit_signature);
	if (argc == 3 && strcmp(argv[1], "unit") == 0) {
		unit_print(strtod(argv[2], NULL));
		return 0;
	}
	unit_measure();
	for (pass = 0; pass < PASSES; pass++) {
		n_rows = 0;
		bench_verify();
		bench_acpi();
		bench_cause();
	}
	rows_print();
	EC_KEY_free(unit_signature.key);
	return failures != 0;
}
