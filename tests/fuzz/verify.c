/*
 * verify() as a whole, on genuine evidence with patches.
 *
 * The first byte chooses the seed and its form, 0 being a body as it is.  The second is a set of
 * FLAG_*.  Whatever is done to a seed: what is judged valid says of itself what the seed says.
 */
#include "dstack-verifier/verify.h"

#include <openssl/mem.h>

#include "../bench/evidence.h"
#include "core/json.h"
#include "core/json_writer.h"
#include "patch.h"
#include "verify/context.h"

#define TDX_COLLATERAL  "collateral/tdx-90c06f000000-20260520-ev19.json"

#define FLAG_STRICT     1u      /* the strict profile                                */
#define FLAG_INTEL      2u      /* tcb_rule = "intel"                                */
#define FLAG_LENIENT    4u      /* lenient_json                                      */
#define FLAG_ONLINE     8u      /* no collateral is given: it is asked for           */
#define FLAGS           16u     /* of a context                                      */
#define FLAG_EXPLAIN    16u     /* asked again with "explain"                        */

/* Where evidence was, and when. */
struct world {
	const char *collateral;
	int64_t now;
	struct bytes object;            /* the file's content                        */
	struct dv_context *contexts[FLAGS];
};

enum { WORLD_TDX, WORLD_SGX, WORLDS };
static struct world worlds[WORLDS] = {
	[WORLD_TDX] = { .collateral = TDX_COLLATERAL, .now = EVIDENCE_NOW },
	[WORLD_SGX] = { .collateral = "collateral/sgx-00606a000000-20260730-ev21.json",
	    .now = INT64_C(1786432758) },
};

enum form { FORM_BODY, FORM_V0, FORM_V1, FORM_EVENTS, FORM_QUOTE };

#define PARTS   3

static struct seed {
	enum form form;
	unsigned world;
	const char *quote;              /* FORM_QUOTE: the file                      */
	struct bytes parts[PARTS];      /* the attestation; quote, events, vm_config */
} seeds[] = {
	{ .form = FORM_BODY, .world = WORLD_TDX },
	{ .form = FORM_V0, .world = WORLD_TDX },
	{ .form = FORM_V1, .world = WORLD_TDX },
	{ .form = FORM_EVENTS, .world = WORLD_TDX },
	{ .form = FORM_QUOTE, .world = WORLD_TDX,
	    .quote = "quotes/tdx/tdx-v4-90c06f000000-dstack-cbdb5b2f.bin" },
	{ .form = FORM_QUOTE, .world = WORLD_SGX,
	    .quote = "quotes/sgx/sgx-v3-00606a000000-libsignal-2647684a.bin" },
	{ .form = FORM_QUOTE, .world = WORLD_TDX,       /* refused */
	    .quote = "quotes/tdx/tdx-v5-90c06f000000-dcapqvl-4c453ea4.bin" },
};

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

/* Seeds */

static void
seed_of_body(struct seed *seed, struct bytes body)
{
	AUTO(arena_free) struct arena *arena = arena_new(FUZZ_ARENA_MAX);
	struct request request;
	struct reason why = { 0 };
	int status;

	fuzz_must(arena != NULL && request_read(&request, arena, body, false, &status, &why),
	    "a seed is refused");
	if (request.attestation.given) {
		seed->parts[0] = request.attestation.value;
	} else {
		seed->parts[0] = request.quote.value;
		seed->parts[1] = request.event_log.value;
		seed->parts[2] = request.vm_config.value;
	}
	/* The parts are in the arena. */
	(void)TAKE(arena);
}

static void
seeds_make(void)
{
	struct bytes bodies[BODIES];

	for (size_t i = 0; i < WORLDS; i++)
		worlds[i].object = file_read(worlds[i].collateral);
	evidence_bodies(bodies);
	for (size_t i = 0; i < NELEM(seeds); i++)
		switch (seeds[i].form) {
		case FORM_BODY:
			break;
		case FORM_V0:
			seed_of_body(&seeds[i], bodies[BODY_V0]);
			break;
		case FORM_V1:
			seed_of_body(&seeds[i], bodies[BODY_V1]);
			break;
		case FORM_EVENTS:
			seed_of_body(&seeds[i], bodies[BODY_QUOTE]);
			break;
		case FORM_QUOTE:
			seeds[i].parts[0] = file_read(seeds[i].quote);
			break;
		}
}

/* Contexts */

static struct dv_context *
context_make(const struct world *world, unsigned flags)
{
	struct dv_options options = { .pinned_at = true, .at = world->now };
	struct dv_context *context;
	char error[512];

	dv_policy_init(&options.policy,
	    (flags & FLAG_STRICT) != 0 ? DV_PROFILE_STRICT : DV_PROFILE_DROP_IN);
	if ((flags & FLAG_INTEL) != 0)
		options.policy.tcb_rule = DV_TCB_RULE_INTEL;
	options.policy.lenient_json = (flags & FLAG_LENIENT) != 0;
	fuzz_must(dv_policy_settle(&options.policy, error, sizeof error), "a policy");
	context = dv_context_new(&options, error, sizeof error);
	fuzz_must(context != NULL, "a context");
	if ((flags & FLAG_ONLINE) == 0)
		fuzz_must(dv_collateral_add(context, span(world->object), world->now, error,
		    sizeof error), error);
	return context;
}

/* What an answer is about: of a seed, or of what was judged valid. */
struct identity {
	struct bytes report;            /* the signed part of the quote              */
	struct bytes qe_report;
	uint8_t ppid[16];
	struct bytes app[4];            /* app_id, compose_hash, instance_id, key provider */
	struct digest256 mr_system, mr_aggregated;
};

static struct identity
identity_of(const struct dv_context *context)
{
	const struct verdict *v = &context->verdict;
	struct identity identity = {
		.report = v->dcap.quote.body_signed,
		.qe_report = v->dcap.quote.qe_report.raw,
		.app = { v->app.app_id, v->app.compose_hash, v->app.instance_id,
		    v->app.key_provider_info },
		.mr_system = v->app.mr_system,
		.mr_aggregated = v->app.mr_aggregated,
	};

	memcpy(identity.ppid, v->dcap.platform.ppid, sizeof identity.ppid);
	return identity;
}

/* os_image_hash is not compared: by default whoever sends a document is believed. */
static bool
identity_equal(const struct identity *a, const struct identity *b)
{
	for (size_t i = 0; i < NELEM(a->app); i++)
		if (!bytes_equal(a->app[i], b->app[i]))
			return false;
	return bytes_equal(a->report, b->report) && bytes_equal(a->qe_report, b->qe_report) &&
	    memcmp(a->ppid, b->ppid, sizeof a->ppid) == 0 &&
	    digest256_equal(&a->mr_system, &b->mr_system) &&
	    digest256_equal(&a->mr_aggregated, &b->mr_aggregated);
}

/* Asking */

static struct bytes
body_make(const struct seed *seed, const struct bytes parts[PARTS], bool explain,
    struct arena *arena)
{
	struct json_writer w = { 0 };
	struct reason why = { 0 };
	struct bytes body;
	uint8_t *data;
	CBB cbb;

	if (seed->form == FORM_BODY || seed->form == FORM_QUOTE)
		return parts[0];
	fuzz_must(CBB_init(&cbb, 4096), "out of memory");
	w.out = &cbb;
	json_write_object(&w, NULL);
	json_write_hex(&w, seed->form == FORM_EVENTS ? "quote" : "attestation", parts[0]);
	if (seed->form == FORM_EVENTS) {
		json_write_str(&w, "event_log", parts[1]);
		json_write_str(&w, "vm_config", parts[2]);
	}
	if (explain)
		json_write_bool(&w, "explain", true);
	json_write_end_object(&w);
	fuzz_must(json_writer_ok(&w) && CBB_finish(&cbb, &data, &body.len), "out of memory");
	body.ptr = data;
	fuzz_must(arena_copy(arena, &body, body, &why), "out of memory");
	OPENSSL_free(data);
	return body;
}

static void
answer_check(const struct dv_answer *answer, bool is_quote, struct arena *arena)
{
	static const struct json_limits limits = { 64u << 20, 16, 1u << 20, false };
	const struct json *root;
	struct reason why = { 0 };
	bool valid;

	if (answer->nneeds != 0) {
		fuzz_must(answer->nneeds <= DV_NEEDS_MAX && !answer->valid, "needs and an answer");
		return;
	}
	fuzz_must(answer->valid == (answer->reason == NULL) &&
	    answer->valid == (answer->stage == DV_STAGE_NONE), "valid for a reason");
	fuzz_must(answer->valid || answer->reason[0] != '\0', "no reason");
	if (answer->http_status != 200) {
		fuzz_must((answer->http_status == 400 || answer->http_status == 422) &&
		    answer->json.len == 0 && !answer->valid, "HTTP status");
		return;
	}
	fuzz_must(json_read(&root, arena, (struct bytes){ answer->json.ptr, answer->json.len },
	    &limits, &why), why.text);
	if (!is_quote)
		fuzz_must(json_bool(&valid, root, "is_valid", &why) && valid == answer->valid,
		    "is_valid is not what the answer says");
}

static void
ask(struct dv_context *context, struct dv_answer *answer, const struct seed *seed,
    struct bytes body)
{
	struct dv_failure failures[DV_NEEDS_MAX];
	struct dv_request request = {
		.body = span(body),
		.now = worlds[seed->world].now,
		.full_reason = true,
	};
	bool (*judge)(struct dv_context *, struct dv_answer *, const struct dv_request *) =
	    seed->form == FORM_QUOTE ? dv_quote : dv_verify;

	fuzz_must(judge(context, answer, &request), "out of memory");
	for (size_t i = 0; i < answer->nneeds; i++)
		failures[i] = (struct dv_failure){ .key = answer->needs[i], .http_status = 404 };
	if (answer->nneeds == 0)
		return;
	request.failures = failures;
	request.nfailures = answer->nneeds;
	fuzz_must(judge(context, answer, &request), "out of memory");
	fuzz_must(answer->nneeds == 0 && !answer->valid, "facts that could not be had");
}

/* A context that has seen nothing else gives the same answer. */
static void
cold_check(const struct dv_answer *warm, const struct seed *seed, unsigned flags,
    struct bytes body)
{
	struct dv_context *context = context_make(&worlds[seed->world], flags);
	struct dv_answer cold;

	ask(context, &cold, seed, body);
	fuzz_must(cold.valid == warm->valid && cold.http_status == warm->http_status &&
	    bytes_equal((struct bytes){ cold.json.ptr, cold.json.len },
	    (struct bytes){ warm->json.ptr, warm->json.len }),
	    "an answer depends on what was asked before");
	dv_context_free(context);
}

/* An explanation stands between what is there without it, and changes none of that. */
static void
explain_check(struct dv_context *context, const struct dv_answer *plain, const struct seed *seed,
    const struct bytes parts[PARTS], struct arena *arena)
{
	struct bytes before = { plain->json.ptr, plain->json.len }, after;
	struct reason why = { 0 };
	struct dv_answer answer;
	size_t same, more;

	fuzz_must(arena_copy(arena, &before, before, &why), "out of memory");
	ask(context, &answer, seed, body_make(seed, parts, true, arena));
	after = (struct bytes){ answer.json.ptr, answer.json.len };
	fuzz_must(answer.http_status == plain->http_status && answer.valid == plain->valid &&
	    after.len >= before.len, "an explanation changes the answer");
	more = after.len - before.len;
	for (same = 0; same < before.len && before.ptr[same] == after.ptr[same]; same++)
		;
	fuzz_must((more != 0) == (answer.http_status == 200) && more <= (256u << 10) &&
	    bytes_equal((struct bytes){ before.ptr + same, before.len - same },
	    (struct bytes){ after.ptr + same + more, before.len - same }),
	    "an explanation changes the answer's text");
	answer_check(&answer, false, arena);
}

/* What is valid is a seed of the same world, in its own words. */
static void
valid_check(const struct dv_context *context, const struct seed *judged, struct arena *arena)
{
	const struct identity identity = identity_of(context);
	struct identity genuine;
	struct dv_context *other;
	struct dv_answer answer;
	bool found = false;

	for (size_t i = 1; i < NELEM(seeds) && !found; i++) {
		if (seeds[i].world != judged->world ||
		    (seeds[i].form == FORM_QUOTE) != (judged->form == FORM_QUOTE))
			continue;
		other = context_make(&worlds[judged->world], 0);
		ask(other, &answer, &seeds[i], body_make(&seeds[i], seeds[i].parts, false,
		    arena));
		genuine = identity_of(other);
		found = answer.valid && identity_equal(&identity, &genuine);
		dv_context_free(other);
	}
	fuzz_must(found, "valid, and none of the seeds");
}

/* One input in 64, by its bytes. */
static bool
is_chosen(struct bytes in)
{
	unsigned sum = 0;

	for (size_t i = 0; i < in.len; i++)
		sum = sum * 31 + in.ptr[i];
	return sum % 64 == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len }, parts[PARTS], body;
	const struct seed *seed = &seeds[fuzz_choice(&in) % NELEM(seeds)];
	const unsigned choice = fuzz_choice(&in), flags = choice % FLAGS;
	struct dv_context **context = &worlds[seed->world].contexts[flags];
	struct arena *arena;
	struct dv_answer answer;

	if (seeds[1].parts[0].ptr == NULL)
		fuzz_setup(seeds_make);
	if (*context == NULL)
		*context = context_make(&worlds[seed->world], flags);
	arena = fuzz_arena();
	memcpy(parts, seed->parts, sizeof parts);
	if (seed->form == FORM_BODY)
		parts[0] = in;
	else
		patches_apply(parts, seed->form == FORM_EVENTS ? PARTS : 1, in, arena);
	body = body_make(seed, parts, false, arena);
	ask(*context, &answer, seed, body);
	if (is_chosen((struct bytes){ data, len }))
		cold_check(&answer, seed, flags, body);
	answer_check(&answer, seed->form == FORM_QUOTE, arena);
	if (answer.valid)
		valid_check(*context, seed, arena);
	if ((choice & FLAG_EXPLAIN) != 0 && seed->form != FORM_BODY && seed->form != FORM_QUOTE)
		explain_check(*context, &answer, seed, parts, arena);
	return 0;
}
