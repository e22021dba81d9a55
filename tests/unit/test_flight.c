/*
 * test_flight.c - what is fetched when, by a clock that only moves when it is told to
 *
 * Each step is followed by what came of it, as text: `load a` for a request to the server of
 * that name, `found`, `failed 404`.
 */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "fetch/flight.h"
#include "ipc/log.h"

#define DAY     INT64_C(86400)
#define START   INT64_C(1800000000)
#define LOADS   64

static const struct dv_key qe = { .type = DV_FACT_QE_IDENTITY, .tee = DV_TEE_TDX };
static const struct dv_key tcb = { .type = DV_FACT_TCB_INFO, .tee = DV_TEE_TDX };
static const struct dv_key root = { .type = DV_FACT_ROOT_CA_CRL };

struct sky {
	struct fetcher_config config;
	struct store *store;
	struct flights *flights;
	struct moment at;
	struct flight *loads[LOADS];    /* requests that were not answered yet      */
	size_t  first, last;
	char    url[PCCS_URL_SIZE];     /* the last one's                           */
	uint64_t serial;                /* of the last FOUND                        */
	int64_t fetched_at;
	char    body[64];
	bool    broken;                 /* nothing can be loaded                    */
	char    trace[512];
};

static void
note(struct sky *sky, const char *text)
{
	size_t len = strlen(sky->trace);

	(void)snprintf(sky->trace + len, sizeof sky->trace - len, "%s%s", len == 0 ? "" : ", ",
	    text);
}

static bool
load(void *context, struct flight *flight, const struct pccs_request *request,
    struct reason *why)
{
	struct sky *sky = context;
	char text[64];
	const char *host = strstr(request->url, "://") + 3;

	if (sky->broken)
		return reject(why, REASON_INTERNAL, "broken");
	(void)snprintf(text, sizeof text, "load %.*s", (int)strcspn(host, "./"), host);
	note(sky, text);
	memcpy(sky->url, request->url, sizeof sky->url);
	assert_true(sky->last < LOADS);
	sky->loads[sky->last++] = flight;
	return true;
}

static void
found(void *context, const struct fact_message *fact)
{
	struct sky *sky = context;
	char text[64];

	(void)snprintf(text, sizeof text, "found%s%s%s", fact->candidate ? " candidate" : "",
	    fact->stale ? " stale" : "", fact->refresh ? " refresh" : "");
	note(sky, text);
	assert_true(fact->serial > sky->serial);
	sky->serial = fact->serial;
	sky->fetched_at = fact->fact.fetched_at;
	(void)snprintf(sky->body, sizeof sky->body, "%.*s", (int)fact->fact.body.len,
	    (const char *)fact->fact.body.ptr);
}

static void
failed(void *context, const struct dv_failure *failure)
{
	char text[64];

	(void)snprintf(text, sizeof text, "failed %u", failure->http_status);
	note(context, text);
}

static uint32_t
random_get(void *context)
{
	return 0;
}

static const struct flight_calls calls = { load, found, failed, random_get };

static void
sky_init(struct sky *sky, const char *const *servers, size_t n)
{
	struct reason why;
	bool rebuilt;

	log_level_set(LOG_EMERG);
	*sky = (struct sky){
		.config = {
			.pccs_urls = { .given = n != 0, .items = servers, .n = n },
			.collateral_max_cache_age_secs = 3600,
			.root_crl_max_cache_age_secs = DAY,
			.serve_stale_max_secs = 3 * DAY,
		},
		.at = { START, 1000000 },
	};
	assert_true(store_open(&sky->store, "", false, &rebuilt, &why));
	if (!flights_new(&sky->flights, &sky->config, sky->store, &calls, sky, &why))
		fail_msg("%s", why.text);
}

static void
sky_fini(struct sky *sky)
{
	flights_free(sky->flights);
	store_close(sky->store);
}

static void
expect(struct sky *sky, const char *trace)
{
	if (strcmp(sky->trace, trace) != 0)
		fail_msg("got \"%s\", not \"%s\"", sky->trace, trace);
	sky->trace[0] = '\0';
}

static void
fetch(struct sky *sky, const struct dv_key *key, const char *trace)
{
	flights_fetch(sky->flights, key, sky->at);
	expect(sky, trace);
}

static void
answer(struct sky *sky, const struct transfer_answer *answer, const char *trace)
{
	assert_true(sky->first < sky->last);
	flight_answer(sky->flights, sky->loads[sky->first++], answer, sky->at);
	if (sky->first == sky->last)
		sky->first = sky->last = 0;
	expect(sky, trace);
}

/* A good answer, with every header there can be. */
static void
body(struct sky *sky, const char *text, const char *trace)
{
	const struct transfer_answer good = { .ok = true, .http_status = 200,
	    .body = bytes_str(text), .headers = { bytes_str("chain") } };

	answer(sky, &good, trace);
}

static void
status(struct sky *sky, unsigned http_status, const char *trace)
{
	const struct transfer_answer bad = { .http_status = http_status,
	    .retryable = http_status >= 500, .why = { .text = "status" } };

	answer(sky, &bad, trace);
}

/* No answer at all. */
static void
silence(struct sky *sky, const char *trace)
{
	const struct transfer_answer none = { .unreachable = true,
	    .why = { .text = "timeout" } };

	answer(sky, &none, trace);
}

static void
word(struct sky *sky, const struct dv_key *key, bool accepted, int64_t issued, uint64_t number,
    const char *trace)
{
	const struct checked_message checked = { .key = *key, .accepted = accepted,
	    .serial = sky->serial, .dates = { issued, issued + 30 * DAY, number },
	    .reason = bytes_str("bad") };

	flights_checked(sky->flights, &checked, sky->at);
	expect(sky, trace);
}

static void
accept(struct sky *sky, const struct dv_key *key)
{
	word(sky, key, true, START - DAY, 20, "");
}

static void
refuse(struct sky *sky, const struct dv_key *key, const char *trace)
{
	word(sky, key, false, 0, 0, trace);
}

static void
wait_ms(struct sky *sky, int64_t ms, const char *trace)
{
	sky->at.ms += ms;
	sky->at.now = START + (sky->at.ms - 1000000) / 1000;
	flights_tick(sky->flights, sky->at);
	expect(sky, trace);
}

static const char *const one[] = { "http://a" }, *const two[] = { "http://a", "http://b" };

/* Has the item stored, fetched now. */
static void
store(struct sky *sky, const struct dv_key *key, const char *text)
{
	fetch(sky, key, "load a");
	body(sky, text, "found candidate");
	accept(sky, key);
}

static void
test_default(void **state)
{
	struct sky sky;

	sky_init(&sky, NULL, 0);
	fetch(&sky, &qe, "load pccs");
	assert_string_equal(sky.url,
	    "https://pccs.phala.network/tdx/certification/v4/qe/identity?update=standard");
	sky_fini(&sky);
}

static void
test_single(void **state)
{
	struct sky sky;

	sky_init(&sky, one, 1);
	fetch(&sky, &qe, "load a");
	fetch(&sky, &qe, "");
	fetch(&sky, &tcb, "load a");
	fetch(&sky, &qe, "");
	body(&sky, "1", "found candidate");
	/* Asked again before the word came: the candidate again, under a serial of its own. */
	fetch(&sky, &qe, "found candidate");
	accept(&sky, &qe);
	fetch(&sky, &qe, "found");
	assert_string_equal(sky.body, "1");
	body(&sky, "2", "found candidate");
	sky_fini(&sky);
}

static void
test_next_server(void **state)
{
	struct sky sky;

	sky_init(&sky, two, 2);
	fetch(&sky, &qe, "load a");
	status(&sky, 404, "load b");
	body(&sky, "1", "found candidate");
	refuse(&sky, &qe, "failed 404");
	fetch(&sky, &qe, "failed 404");
	sky_fini(&sky);

	sky_init(&sky, two, 2);
	fetch(&sky, &qe, "load a");
	body(&sky, "bad", "found candidate");
	refuse(&sky, &qe, "load b");
	body(&sky, "good", "found candidate");
	accept(&sky, &qe);
	fetch(&sky, &qe, "found");
	assert_string_equal(sky.body, "good");
	sky_fini(&sky);
}

/* The root CA CRL can be had from Intel itself, last. */
static void
test_root(void **state)
{
	static const char *const intel[] = { "https://api.trustedservices.intel.com/", "http://a" };
	struct sky sky;
	const struct transfer_answer bare = { .ok = true, .http_status = 200,
	    .body = bytes_str("3082") };

	sky_init(&sky, intel, 2);
	fetch(&sky, &root, "load a");
	status(&sky, 404, "load certificates");
	assert_string_equal(sky.url,
	    "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
	answer(&sky, &bare, "found candidate");
	refuse(&sky, &root, "failed 404");
	fetch(&sky, &qe, "load api");
	sky_fini(&sky);
}

/* Where all servers are on this machine, nothing leaves it. */
static void
test_root_local(void **state)
{
	static const char *const local[] = { "http://127.0.0.1:1", "https://localhost" };
	static const char *const mixed[] = { "http://127.0.0.1:1", "http://b" };
	struct sky sky;

	sky_init(&sky, local, 2);
	fetch(&sky, &root, "load 127");
	status(&sky, 404, "load localhost");
	status(&sky, 404, "failed 404");
	sky_fini(&sky);
	sky_init(&sky, mixed, 2);
	fetch(&sky, &root, "load 127");
	status(&sky, 404, "load b");
	status(&sky, 404, "load certificates");
	sky_fini(&sky);
}

/* How long it is before a failure is tried again. */
static const struct {
	const char *name;
	struct transfer_answer answer;
	int64_t ms;
} negatives[] = {
	{ "404", { .http_status = 404 }, 300000 },
	{ "400", { .http_status = 400 }, 11250 },
	{ "status 0", { .http_status = 0 }, 11250 },
	{ "Retry-After", { .http_status = 429, .retry_after_s = 100 }, 100000 },
	{ "short Retry-After", { .http_status = 429, .retry_after_s = 1 }, 11250 },
	{ "long Retry-After", { .http_status = 429, .retry_after_s = INT64_MAX }, 300000 },
};

static void
test_negative(void **state)
{
	for (size_t i = 0; i < NELEM(negatives); i++) {
		char text[32];
		struct sky sky;

		sky_init(&sky, one, 1);
		(void)snprintf(text, sizeof text, "failed %u", negatives[i].answer.http_status);
		fetch(&sky, &qe, "load a");
		answer(&sky, &negatives[i].answer, text);
		fetch(&sky, &qe, text);
		/* Nothing is stored that could serve: nobody tries unasked. */
		wait_ms(&sky, negatives[i].ms - 1, "");
		fetch(&sky, &qe, text);
		fetch(&sky, &tcb, "load a");
		wait_ms(&sky, 1, "");
		fetch(&sky, &qe, "load a");
		sky_fini(&sky);
	}
}

/* A 404 of one server only says nothing about the other. */
static void
test_negative_mixed(void **state)
{
	struct sky sky;

	sky_init(&sky, two, 2);
	fetch(&sky, &qe, "load a");
	status(&sky, 404, "load b");
	silence(&sky, "failed 404");
	wait_ms(&sky, 11250, "");
	fetch(&sky, &qe, "load a");
	sky_fini(&sky);

	/* The longest Retry-After of both. */
	sky_init(&sky, two, 2);
	fetch(&sky, &qe, "load a");
	answer(&sky, &(struct transfer_answer){ .http_status = 429, .retry_after_s = 100 },
	    "load b");
	answer(&sky, &(struct transfer_answer){ .http_status = 429, .retry_after_s = 50 },
	    "failed 429");
	wait_ms(&sky, 99999, "");
	fetch(&sky, &qe, "failed 429");
	wait_ms(&sky, 1, "");
	fetch(&sky, &qe, "load a");
	sky_fini(&sky);
}

static void
test_retry(void **state)
{
	struct sky sky;

	sky_init(&sky, two, 2);
	fetch(&sky, &qe, "load a");
	status(&sky, 503, "load b");
	status(&sky, 400, "");
	wait_ms(&sky, 749, "");
	wait_ms(&sky, 1, "load a");     /* only the one that may do better */
	status(&sky, 503, "failed 503");
	sky_fini(&sky);

	/* Not when it asks for more patience. */
	sky_init(&sky, one, 1);
	fetch(&sky, &qe, "load a");
	answer(&sky, &(struct transfer_answer){ .http_status = 503, .retryable = true,
	    .retry_after_s = 1 }, "failed 503");
	sky_fini(&sky);

	/* Not when it took long. */
	sky_init(&sky, one, 1);
	fetch(&sky, &qe, "load a");
	wait_ms(&sky, FLIGHT_RETRY_WITHIN_MS + 1, "");
	status(&sky, 503, "failed 503");
	sky_fini(&sky);
}

/* A server that does not answer is asked last for a while, and first again when it has. */
static void
test_down(void **state)
{
	struct sky sky;

	sky_init(&sky, two, 2);
	fetch(&sky, &qe, "load a");
	silence(&sky, "load b");
	body(&sky, "1", "found candidate");
	accept(&sky, &qe);
	fetch(&sky, &tcb, "load b");
	status(&sky, 404, "load a");
	body(&sky, "1", "found candidate");
	accept(&sky, &tcb);
	fetch(&sky, &root, "load a");
	silence(&sky, "load b");
	silence(&sky, "load certificates");
	/* Both: in order again. */
	fetch(&sky, &(struct dv_key){ .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PROCESSOR },
	    "load a");
	wait_ms(&sky, FLIGHT_DOWN_MS, "");
	fetch(&sky, &(struct dv_key){ .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PLATFORM },
	    "load a");
	sky_fini(&sky);
}

static void
test_headers(void **state)
{
	struct transfer_answer bad = { .ok = true, .body = bytes_str("1") };
	struct sky sky;

	/* No chain; one that cannot be decoded; none under either name but the old one. */
	sky_init(&sky, one, 1);
	fetch(&sky, &qe, "load a");
	answer(&sky, &bad, "failed 0");
	fetch(&sky, &tcb, "load a");
	bad.headers[PCCS_CHAIN] = bytes_str("%00");
	answer(&sky, &bad, "failed 0");
	wait_ms(&sky, 20000, "");
	fetch(&sky, &tcb, "load a");
	bad.headers[PCCS_CHAIN] = (struct bytes){ NULL, 0 };
	bad.headers[PCCS_CHAIN_OLD] = bytes_str("old");
	answer(&sky, &bad, "found candidate");
	sky_fini(&sky);
}

static void
test_refresh(void **state)
{
	struct sky sky;

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	wait_ms(&sky, 2701499, "");
	wait_ms(&sky, 1, "load a");
	/* Meanwhile what is stored is fresh. */
	fetch(&sky, &qe, "found");
	body(&sky, "1", "found refresh");
	assert_int_equal(sky.fetched_at, sky.at.now);
	wait_ms(&sky, 2701500, "load a");
	body(&sky, "2", "found candidate refresh");
	/* A word on the stored item is none on the candidate. */
	fetch(&sky, &qe, "found");
	assert_string_equal(sky.body, "1");
	sky.serial--;
	word(&sky, &qe, true, START, 21, "");
	fetch(&sky, &qe, "found");
	assert_string_equal(sky.body, "2");
	/* Nobody asks for a day: nobody is asked. */
	for (int i = 0; i < 31; i++) {
		wait_ms(&sky, 2701500, "load a");
		body(&sky, "2", "found refresh");
	}
	wait_ms(&sky, 2701500, "");
	wait_ms(&sky, 2701500, "");
	fetch(&sky, &qe, "load a");
	sky_fini(&sky);
}

/* A refresh that fails is tried again ever more rarely, and nobody is told. */
static void
test_refresh_fails(void **state)
{
	struct sky sky;

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	wait_ms(&sky, 2701500, "load a");
	status(&sky, 500, "");
	fetch(&sky, &qe, "found");
	for (int64_t ms = 11250, i = 0; i < 4; i++, ms *= 2) {
		wait_ms(&sky, ms - 1, "");
		wait_ms(&sky, 1, "load a");
		status(&sky, 500, "");
	}
	/* Past its age it serves as stale, at once. */
	wait_ms(&sky, 1000000, "load a");
	fetch(&sky, &qe, "found stale");
	assert_int_equal(sky.fetched_at, START);
	status(&sky, 500, "");
	fetch(&sky, &qe, "found stale");
	/* Whoever asks brings the next attempt forward, but does not wait for it. */
	wait_ms(&sky, 11250, "");
	fetch(&sky, &qe, "found stale, load a");
	fetch(&sky, &qe, "found stale");
	status(&sky, 404, "");
	/* It is back. */
	wait_ms(&sky, 300000, "load a");
	body(&sky, "2", "found candidate refresh");
	word(&sky, &qe, true, START, 20, "");
	fetch(&sky, &qe, "found");
	sky_fini(&sky);
}

static void
test_stale(void **state)
{
	struct sky sky;

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	sky.at.now = START + 3601;      /* as if this had slept */
	fetch(&sky, &qe, "load a");
	status(&sky, 404, "found stale");
	fetch(&sky, &qe, "found stale");
	/* A worker does not want it: then there is nothing. */
	refuse(&sky, &qe, "failed 404");
	fetch(&sky, &qe, "failed 404");
	sky_fini(&sky);

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	sky.at.now = START + 3 * DAY + 1;
	fetch(&sky, &qe, "load a");
	status(&sky, 404, "failed 404");
	sky_fini(&sky);

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	sky.config.serve_stale_max_secs = 0;
	sky.at.now = START + 3601;
	fetch(&sky, &qe, "load a");
	status(&sky, 404, "failed 404");
	sky_fini(&sky);
}

/* The same bytes are a successful fetch, unless they have ended or were refused. */
static void
test_same(void **state)
{
	struct sky sky;

	sky_init(&sky, two, 2);
	store(&sky, &qe, "1");
	sky.at.now = START + 3601;
	fetch(&sky, &qe, "load a");
	body(&sky, "1", "found");
	assert_int_equal(sky.fetched_at, START + 3601);
	sky.at.now = START + 30 * DAY;
	fetch(&sky, &qe, "load a");
	body(&sky, "1", "load b");
	body(&sky, "2", "found candidate");
	sky_fini(&sky);

	sky_init(&sky, two, 2);
	store(&sky, &qe, "1");
	fetch(&sky, &qe, "found");
	refuse(&sky, &qe, "load a");
	body(&sky, "1", "load b");
	body(&sky, "2", "found candidate");
	/* What was refused is no measure for what is older. */
	word(&sky, &qe, true, START - 9 * DAY, 1, "");
	fetch(&sky, &qe, "found");
	assert_string_equal(sky.body, "2");
	sky_fini(&sky);
}

/* An item that goes back in time is not stored, whatever a worker says. */
static const struct {
	const char *name;
	int64_t issued;
	uint64_t number;
	int64_t at;                     /* pinned time; 0: none */
	bool    stored;
} replays[] = {
	{ "older", START - DAY - 1, 20, 0, false },
	{ "smaller number", START, 19, 0, false },
	{ "newer", START, 20, 0, true },
	{ "older, pinned time", START - DAY - 1, 20, START, false },
	{ "older, of a pinned time before what is stored", START - DAY - 1, 20, START - DAY - 1,
	    true },
};

static void
test_replay(void **state)
{
	for (size_t i = 0; i < NELEM(replays); i++) {
		struct sky sky;

		sky_init(&sky, one, 1);
		store(&sky, &qe, "1");
		sky.config.pinned_at = replays[i].at != 0;
		sky.config.at = replays[i].at;
		sky.at.now = START + 3601;
		fetch(&sky, &qe, "load a");
		body(&sky, "2", "found candidate");
		word(&sky, &qe, true, replays[i].issued, replays[i].number, "");
		sky.at.now = START + 3600;
		fetch(&sky, &qe, "found");
		if ((strcmp(sky.body, "2") == 0) != replays[i].stored)
			fail_msg("%s: %s is stored", replays[i].name, sky.body);
		sky_fini(&sky);
	}
}

static void
test_words(void **state)
{
	struct sky sky;

	sky_init(&sky, one, 1);
	fetch(&sky, &qe, "load a");
	refuse(&sky, &qe, "");          /* on nothing yet */
	body(&sky, "1", "found candidate");
	sky.serial++;
	accept(&sky, &qe);              /* on something else */
	refuse(&sky, &qe, "");
	sky.serial--;
	refuse(&sky, &tcb, "");
	accept(&sky, &qe);
	accept(&sky, &qe);              /* twice */
	fetch(&sky, &qe, "found");
	/* One that never comes costs the candidate, not the key. */
	fetch(&sky, &tcb, "load a");
	body(&sky, "1", "found candidate");
	wait_ms(&sky, FLIGHT_CHECK_MS - 1, "");
	wait_ms(&sky, 1, "failed 0");
	accept(&sky, &tcb);
	fetch(&sky, &tcb, "load a");
	sky_fini(&sky);
}

/* After a restart what is stored is found, and fetched ahead of need all the same. */
static void
test_restart(void **state)
{
	struct sky sky;
	struct reason why;

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	flights_free(sky.flights);
	sky.serial = 0;
	assert_true(flights_new(&sky.flights, &sky.config, sky.store, &calls, &sky, &why));
	fetch(&sky, &qe, "found");
	wait_ms(&sky, 2701499, "");
	wait_ms(&sky, 1, "load a");
	sky_fini(&sky);
}

/* A word counts once, and only on what it is about. */
static void
test_one_word(void **state)
{
	struct sky sky;

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	fetch(&sky, &qe, "found");
	sky.serial += 7;
	refuse(&sky, &qe, "");
	sky.serial -= 7;
	refuse(&sky, &qe, "load a");
	status(&sky, 404, "failed 404");
	refuse(&sky, &qe, "");
	sky_fini(&sky);

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	wait_ms(&sky, 2701500, "load a");
	body(&sky, "1", "found refresh");
	sky.serial += 7;
	refuse(&sky, &qe, "");
	sky.serial -= 7;
	refuse(&sky, &qe, "");
	fetch(&sky, &qe, "load a");
	body(&sky, "2", "found candidate");
	accept(&sky, &qe);
	sky.serial--;
	refuse(&sky, &qe, "");
	fetch(&sky, &qe, "found");
	sky_fini(&sky);
}

/* Every FETCH is owed an answer, and one more when a worker refuses that. */
static void
test_owed(void **state)
{
	struct sky sky;
	uint64_t answered;

	/* Refused after a refresh went out under a later serial. */
	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	fetch(&sky, &qe, "found");
	answered = sky.serial;
	wait_ms(&sky, 2701500, "load a");
	body(&sky, "1", "found refresh");
	sky.serial = answered;
	refuse(&sky, &qe, "load a");
	body(&sky, "1", "failed 0");
	sky_fini(&sky);

	/* Refused while a refresh is on its way, or with a worker. */
	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	wait_ms(&sky, 2701500, "load a");
	fetch(&sky, &qe, "found");
	refuse(&sky, &qe, "");
	body(&sky, "2", "found candidate");
	sky_fini(&sky);

	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	wait_ms(&sky, 2701500, "load a");
	body(&sky, "2", "found candidate refresh");
	fetch(&sky, &qe, "found");
	refuse(&sky, &qe, "found candidate");
	refuse(&sky, &qe, "failed 0");
	sky_fini(&sky);

	/* A refresh that is refused is owed to nobody, and makes the stored item suspect. */
	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	wait_ms(&sky, 2701500, "load a");
	body(&sky, "1", "found refresh");
	refuse(&sky, &qe, "");
	fetch(&sky, &qe, "load a");
	sky_fini(&sky);

	/* A refresh that nobody judges is owed to nobody either. */
	sky_init(&sky, one, 1);
	store(&sky, &qe, "1");
	wait_ms(&sky, 2701500, "load a");
	body(&sky, "2", "found candidate refresh");
	wait_ms(&sky, FLIGHT_CHECK_MS, "");
	sky_fini(&sky);
}

static struct dv_key
pck_key(uint8_t n)
{
	struct dv_key key;

	memset(&key, 0, sizeof key);
	key.type = DV_FACT_PCK_CERTIFICATE;
	key.pck.qe_id[0] = n;
	key.pck.encrypted_ppid_len = 256;
	return key;
}

static void
test_pck(void **state)
{
	const struct dv_key keys[] = { pck_key(1), pck_key(2), pck_key(3), pck_key(4) };
	struct transfer_answer answered = { .ok = true, .body = bytes_str("leaf"),
	    .headers = { bytes_str("chain"), { NULL, 0 },
	    bytes_str("000000000000000000000000000000000000") } };
	const struct transfer_answer busy = { .http_status = 429, .retry_after_s = 60 };
	struct sky sky;

	/* Never fetched ahead; and what other keys are told to wait for is not for these. */
	sky_init(&sky, one, 1);
	fetch(&sky, &qe, "load a");
	answer(&sky, &busy, "failed 429");
	fetch(&sky, &keys[0], "load a");
	answer(&sky, &answered, "found candidate");
	accept(&sky, &keys[0]);
	wait_ms(&sky, DAY * 1000 - 1, "");
	fetch(&sky, &keys[0], "found");
	sky_fini(&sky);

	sky_init(&sky, two, 2);
	fetch(&sky, &keys[0], "load a");
	fetch(&sky, &keys[1], "");
	fetch(&sky, &keys[2], "");
	fetch(&sky, &qe, "load a");
	answer(&sky, &answered, "found candidate");
	accept(&sky, &keys[0]);
	fetch(&sky, &keys[0], "found");
	body(&sky, "1", "found candidate");
	wait_ms(&sky, FLIGHT_PCK_MS - 1, "");
	wait_ms(&sky, 1, "load a");
	answer(&sky, &busy, "");        /* and server b only after another second */
	wait_ms(&sky, FLIGHT_PCK_MS, "load b");
	answered.headers[PCCS_TCBM] = bytes_str("000000000000000000000000000000000100");
	answer(&sky, &answered, "failed 429");
	wait_ms(&sky, FLIGHT_PCK_MS, "load b");
	answer(&sky, &busy, "failed 429");
	/* Both have asked to be left alone: nobody is asked, for other keys neither. */
	wait_ms(&sky, FLIGHT_PCK_MS, "");
	fetch(&sky, &keys[3], "failed 429");
	sky_fini(&sky);
}

static void
test_broken(void **state)
{
	const struct dv_key image = { .type = DV_FACT_IMAGE };
	struct sky sky;

	sky_init(&sky, two, 2);
	fetch(&sky, &image, "failed 0");
	sky.broken = true;
	fetch(&sky, &qe, "failed 0");
	sky_fini(&sky);
}

/* When all places are taken by flights that wait, one more fails; an idle one gives up its own. */
static void
test_full(void **state)
{
	struct dv_key key = tcb;
	struct sky sky;

	sky_init(&sky, one, 1);
	for (unsigned i = 0; i < FLIGHT_MAX; i++) {
		key.fmspc[0] = (uint8_t)i;
		key.fmspc[1] = (uint8_t)(i >> 8);
		fetch(&sky, &key, "load a");
		sky.last = 1;           /* the first one's is kept */
	}
	fetch(&sky, &qe, "failed 0");
	status(&sky, 404, "failed 404");
	fetch(&sky, &qe, "load a");
	key.fmspc[0] = key.fmspc[1] = 0;
	fetch(&sky, &key, "failed 0");
	sky_fini(&sky);
}

static void
test_timeout(void **state)
{
	struct sky sky;

	sky_init(&sky, one, 1);
	assert_int_equal(flights_timeout_ms(sky.flights, sky.at), 60000);
	fetch(&sky, &qe, "load a");
	assert_int_equal(flights_timeout_ms(sky.flights, sky.at), 60000);
	body(&sky, "1", "found candidate");
	assert_int_equal(flights_timeout_ms(sky.flights, sky.at), FLIGHT_CHECK_MS);
	sky.at.ms += FLIGHT_CHECK_MS + 1;
	assert_int_equal(flights_timeout_ms(sky.flights, sky.at), 0);
	sky_fini(&sky);
}

static const struct {
	const char *first, *second;
	size_t  n;
	const char *why;
} configs[] = {
	{ "http://a", "", 2, NULL },
	{ "http://a", "b", 2, "attestation.urls.pccs[1]: PCCS URL is neither http nor https" },
	{ "http://a", "http://a", FLIGHT_MAX_SERVERS, NULL },
	{ "http://a", "http://a", FLIGHT_MAX_SERVERS + 1,
	    "attestation.urls.pccs has more than 16 servers" },
};

static void
test_config(void **state)
{
	for (size_t i = 0; i < NELEM(configs); i++) {
		const char *servers[FLIGHT_MAX_SERVERS + 1];
		struct fetcher_config config = { .pccs_urls = {
		    .given = true, .items = servers, .n = configs[i].n } };
		struct flights *flights;
		struct reason why = { .text = "" };
		bool ok;

		for (size_t j = 0; j < configs[i].n; j++)
			servers[j] = j == 1 ? configs[i].second : configs[i].first;
		ok = flights_new(&flights, &config, NULL, &calls, NULL, &why);
		if (ok != (configs[i].why == NULL) || (!ok && strcmp(why.text, configs[i].why) != 0))
			fail_msg("%zu: got %d \"%s\"", i, ok, why.text);
		flights_free(flights);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_next_server),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_root_local),
		cmocka_unit_test(test_negative),
		cmocka_unit_test(test_negative_mixed),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_refresh_fails),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_one_word),
		cmocka_unit_test(test_owed),
		cmocka_unit_test(test_pck),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests_name("flight", tests, NULL, NULL);
}
