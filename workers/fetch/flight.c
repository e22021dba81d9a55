#include "fetch/flight.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "fetch/item.h"
#include "ipc/log.h"

#define PROGRAM         "fetcher"
#define MAX_SOURCES     (FLIGHT_MAX_SERVERS + 1)        /* and Intel's own root CA CRL  */
#define MAX_IDLE_MS     60000
#define NEVER           INT64_MAX

enum flight_state {
	FLIGHT_IDLE = 0,
	FLIGHT_PAUSED,                  /* goes on at due_ms                            */
	FLIGHT_LOADING,
	FLIGHT_CHECKING,                /* a candidate is with a worker, until due_ms   */
};

/* A place to ask. */
struct source {
	char    base[PCCS_BASE_SIZE];
	int64_t down_until_ms;          /* did not answer lately: asked last            */
	int64_t pck_until_ms;           /* wants no requests for PCK certificates       */
};

struct flight {
	struct dv_key key;
	char    name[PCCS_NAME_SIZE];
	enum flight_state state;
	bool    wanted;                 /* somebody waits for how it ends               */
	bool    suspect;                /* a worker has refused what is stored          */
	bool    retried;                /* this is the second round                     */
	bool    all_404;                /* everybody asked so far says so               */
	uint32_t tried, again;          /* bits: sources asked; those worth a second round */
	unsigned source;                /* that is being asked                          */
	unsigned http_status;           /* of the last one that gave any                */
	int64_t retry_after_ms;         /* longest that one asked for                   */
	int64_t started_ms, due_ms;
	struct store_item *candidate;   /* its dates come with a worker's word          */

	uint64_t candidate_serial;      /* under which the candidate was last sent      */
	uint64_t answer_serial;         /* of the last answer to a FETCH, until its word */
	uint64_t refresh_serial;        /* of what was stored and sent unasked, likewise */

	int64_t asked_ms;               /* when somebody last did                       */
	int64_t refresh_ms;             /* when to fetch ahead of need, or NEVER        */
	unsigned nfailures;             /* flights in a row that found nothing          */
	int64_t failed_until_ms;        /* until then nobody is asked for it            */
	unsigned failed_status;
};

struct flights {
	const struct fetcher_config *config;
	struct store *store;
	const struct flight_calls *calls;
	void    *context;
	struct source sources[MAX_SOURCES];
	unsigned nsources;              /* servers; the one behind them is Intel's      */
	bool    all_local;              /* all are on this machine                      */
	int64_t pck_next_ms;            /* earliest next request for a PCK certificate  */
	uint64_t serial;
	size_t  n;
	struct flight *flights[FLIGHT_MAX];
};

static bool
sources_read(struct flights *flights, const struct dv_list *urls, struct reason *why)
{
	if (!urls->given || urls->n == 0) {
		flights->nsources = 1;
		return pccs_base_read(flights->sources[0].base, "", why);
	}
	if (urls->n > FLIGHT_MAX_SERVERS)
		return reject(why, REASON_LIMIT, "attestation.urls.pccs has more than %d servers",
		    FLIGHT_MAX_SERVERS);
	flights->all_local = true;
	for (size_t i = 0; i < urls->n; i++) {
		if (!pccs_base_read(flights->sources[i].base, urls->items[i], why))
			return reject_as(why, "attestation.urls.pccs[%zu]", i);
		flights->all_local = flights->all_local &&
		    pccs_is_local(flights->sources[i].base);
	}
	flights->nsources = (unsigned)urls->n;
	return true;
}

bool
flights_new(struct flights **out, const struct fetcher_config *config, struct store *store,
    const struct flight_calls *calls, void *context, struct reason *why)
{
	AUTO(flights_free) struct flights *flights = calloc(1, sizeof *flights);

	*out = NULL;
	if (flights == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	flights->config = config;
	flights->store = store;
	flights->calls = calls;
	flights->context = context;
	if (!sources_read(flights, &config->pccs_urls, why))
		return false;
	*out = TAKE(flights);
	return true;
}

static void
flight_free(struct flight *flight)
{
	store_item_free(flight->candidate);
	free(flight);
}

void
flights_free(struct flights *flights)
{
	if (flights == NULL)
		return;
	for (size_t i = 0; i < flights->n; i++)
		flight_free(flights->flights[i]);
	free(flights);
}

static struct flight *
flight_find(const struct flights *flights, const struct dv_key *key)
{
	for (size_t i = 0; i < flights->n; i++)
		if (memcmp(&flights->flights[i]->key, key, sizeof *key) == 0)
			return flights->flights[i];
	return NULL;
}

/* A place for one more: the idle one that was asked for longest ago gives it up. */
static size_t
place_find(const struct flights *flights)
{
	size_t best = FLIGHT_MAX;

	if (flights->n < FLIGHT_MAX)
		return flights->n;
	for (size_t i = 0; i < flights->n; i++)
		if (flights->flights[i]->state == FLIGHT_IDLE && (best == FLIGHT_MAX ||
		    flights->flights[i]->asked_ms < flights->flights[best]->asked_ms))
			best = i;
	return best;
}

/* NULL: no memory, or all of them in the air. */
static struct flight *
flight_new(struct flights *flights, const struct dv_key *key)
{
	size_t place = place_find(flights);
	struct flight *flight;

	if (place == FLIGHT_MAX || (flight = calloc(1, sizeof *flight)) == NULL)
		return NULL;
	if (place == flights->n)
		flights->n++;
	else
		flight_free(flights->flights[place]);
	flights->flights[place] = flight;
	flight->key = *key;
	flight->refresh_ms = NEVER;
	pccs_key_name(flight->name, key);
	return flight;
}

/* Around `ms`: between three quarters and five quarters of it. */
static int64_t
jitter(const struct flights *flights, int64_t ms)
{
	return ms / 4 * 3 + flights->calls->random(flights->context) % (ms / 2 + 1);
}

static struct store_item *
stored(const struct flights *flights, const struct flight *flight)
{
	struct reason why;
	struct store_item *item = store_find(flights->store, flight->name, &why);

	if (why.kind != REASON_NONE)
		log_line(LOG_ERR, PROGRAM, "item=\"%.40s\" error=\"%s\"", flight->name, why.text);
	return item;
}

/* Plans the next fetch ahead of need. */
static void
refresh_plan(struct flights *flights, struct flight *flight, const struct store_item *item,
    struct moment at)
{
	int64_t due_s;

	/* A certificate does not change; workers do not ask for it twice. */
	if (flight->key.type == DV_FACT_PCK_CERTIFICATE)
		return;
	due_s = item_refresh_at(flights->config, &flight->key, item) - at.now;
	/* A little apart, since what was fetched together would be due together. */
	flight->refresh_ms = at.ms + (due_s > 0 ? due_s : 0) * 1000 + jitter(flights, 2000);
}

/* Answers */

static void
found(struct flights *flights, struct flight *flight, const struct store_item *item,
    struct fact_message what)
{
	what.key = flight->key;
	what.serial = ++flights->serial;
	what.fact = (struct dv_fact){
		.body = { item->body.ptr, item->body.len },
		.chain = { item->chain.ptr, item->chain.len },
		.fetched_at = item->fetched_at,
	};
	if (what.candidate)
		flight->candidate_serial = what.serial;
	if (!what.refresh)
		flight->answer_serial = what.serial;
	else if (!what.candidate)
		flight->refresh_serial = what.serial;
	flights->calls->found(flights->context, &what);
}

static void
failed(struct flights *flights, const struct flight *flight)
{
	const struct dv_failure failure = { .key = flight->key,
	    .http_status = flight->failed_status };

	flights->calls->failed(flights->context, &failure);
}

/* After a flight that found nothing: what is stored, if it may serve; else the failure. */
static void
stale_or_failed(struct flights *flights, struct flight *flight, struct moment at)
{
	AUTO(store_item_free) struct store_item *item = stored(flights, flight);

	if (item != NULL && !flight->suspect &&
	    item_servable(flights->config, &flight->key, item, at.now))
		found(flights, flight, item, (struct fact_message){ .stale = true });
	else
		failed(flights, flight);
}

/* The way round the sources */

/* Whether a key can be asked for there, and the request. */
static bool
source_request(const struct flights *flights, const struct flight *flight, unsigned source,
    struct pccs_request *request)
{
	struct reason why;

	/* Who names only servers of this machine does not want anything to leave it. */
	if (source == flights->nsources && flights->all_local)
		return false;
	return pccs_request(request, &flight->key,
	    source < flights->nsources ? flights->sources[source].base : NULL, &why);
}

/* The next that was not asked yet: first those that are up.  nsources + 1: none is left. */
static unsigned
source_pick(const struct flights *flights, const struct flight *flight, struct moment at)
{
	unsigned last = flights->nsources + 1, down = last;

	for (unsigned i = 0; i < last; i++) {
		if ((flight->tried & 1u << i) != 0)
			continue;
		if (flights->sources[i].down_until_ms <= at.ms)
			return i;
		if (down == last)
			down = i;
	}
	return down;
}

static void
flight_land(struct flight *flight)
{
	store_item_free(TAKE(flight->candidate));
	flight->state = FLIGHT_IDLE;
	flight->wanted = false;
}

static int64_t
negative_ms(const struct flights *flights, const struct flight *flight)
{
	int64_t ms = flight->all_404 ? FLIGHT_NOT_FOUND_MS : jitter(flights, FLIGHT_FAILED_MS);

	return flight->retry_after_ms > ms ? flight->retry_after_ms : ms;
}

/* Nobody waits for the next attempt: it can wait the longer, the more have failed. */
static int64_t
backoff_ms(const struct flights *flights, const struct flight *flight)
{
	unsigned doublings = flight->nfailures < 6 ? flight->nfailures : 6;
	int64_t ms = (int64_t)FLIGHT_FAILED_MS << doublings;

	return jitter(flights, ms < FLIGHT_BACKOFF_MAX_MS ? ms : FLIGHT_BACKOFF_MAX_MS);
}

/* When to try again though nobody asks: only for what is stored, and may have to serve. */
static int64_t
retry_at_ms(const struct flights *flights, const struct flight *flight, struct moment at)
{
	AUTO(store_item_free) struct store_item *item = stored(flights, flight);
	int64_t due = at.ms + backoff_ms(flights, flight);

	if (item == NULL || flight->key.type == DV_FACT_PCK_CERTIFICATE)
		return NEVER;
	return due > flight->failed_until_ms ? due : flight->failed_until_ms;
}

static void
exhausted(struct flights *flights, struct flight *flight, struct moment at)
{
	bool wanted = flight->wanted;

	if (wanted && !flight->retried && flight->again != 0 &&
	    at.ms - flight->started_ms <= FLIGHT_RETRY_WITHIN_MS) {
		flight->retried = true;
		flight->tried = ~flight->again;
		flight->state = FLIGHT_PAUSED;
		flight->due_ms = at.ms + jitter(flights, FLIGHT_RETRY_MS);
		return;
	}
	flight->failed_status = flight->http_status;
	flight->failed_until_ms = at.ms + negative_ms(flights, flight);
	flight->refresh_ms = retry_at_ms(flights, flight, at);
	flight->nfailures++;
	log_line(LOG_WARNING, PROGRAM, "item=\"%.40s\" unavailable status=%u failures=%u",
	    flight->name, flight->failed_status, flight->nfailures);
	flight_land(flight);
	if (wanted)
		stale_or_failed(flights, flight, at);
}

/* A source that wants no requests for PCK certificates for a while counts as asked. */
static bool
pck_barred(const struct flights *flights, struct flight *flight, unsigned source, struct moment at)
{
	int64_t until_ms = flights->sources[source].pck_until_ms;

	if (flight->key.type != DV_FACT_PCK_CERTIFICATE || until_ms <= at.ms)
		return false;
	flight->http_status = 429;
	flight->all_404 = false;
	flight->retry_after_ms = until_ms - at.ms;
	return true;
}

/* Requests for PCK certificates go out one at a time, with pauses. */
static bool
pck_pause(struct flights *flights, struct flight *flight, struct moment at)
{
	if (flight->key.type != DV_FACT_PCK_CERTIFICATE)
		return false;
	if (flights->pck_next_ms > at.ms) {
		flight->state = FLIGHT_PAUSED;
		flight->due_ms = flights->pck_next_ms;
		return true;
	}
	flights->pck_next_ms = at.ms + FLIGHT_PCK_MS;
	return false;
}

static void
refused(struct flights *flights, struct flight *flight, const char *text, int priority)
{
	struct pccs_request request;
	char url[PCCS_URL_SIZE] = "";

	if (source_request(flights, flight, flight->source, &request))
		pccs_url_show(url, request.url);
	log_line(priority, PROGRAM, "item=\"%.40s\" url=\"%.300s\" error=\"%s\"", flight->name, url,
	    text);
}

/* Asks the next source, or ends.  Sources that have no such thing are passed over. */
static void
source_next(struct flights *flights, struct flight *flight, struct moment at)
{
	struct pccs_request request;
	struct reason why;
	unsigned source;

	while ((source = source_pick(flights, flight, at)) <= flights->nsources) {
		if (!source_request(flights, flight, source, &request) ||
		    pck_barred(flights, flight, source, at)) {
			flight->tried |= 1u << source;
			continue;
		}
		if (pck_pause(flights, flight, at))
			return;
		flight->tried |= 1u << source;
		flight->source = source;
		if (flights->calls->load(flights->context, flight, &request, &why)) {
			flight->state = FLIGHT_LOADING;
			return;
		}
		flight->all_404 = false;
		refused(flights, flight, why.text, LOG_ERR);
	}
	exhausted(flights, flight, at);
}

static void
flight_start(struct flights *flights, struct flight *flight, bool wanted, struct moment at)
{
	assert(flight->state == FLIGHT_IDLE);
	flight->wanted = wanted;
	flight->retried = false;
	flight->all_404 = true;
	flight->tried = flight->again = 0;
	flight->http_status = 0;
	flight->retry_after_ms = 0;
	flight->started_ms = at.ms;
	flight->refresh_ms = NEVER;
	source_next(flights, flight, at);
}

/* FETCH */

static void
fetch_stale(struct flights *flights, struct flight *flight, const struct store_item *item,
    struct moment at)
{
	found(flights, flight, item, (struct fact_message){ .stale = true });
	if (flight->state == FLIGHT_IDLE && flight->failed_until_ms <= at.ms)
		flight_start(flights, flight, false, at);
}

static void
fetch_missing(struct flights *flights, struct flight *flight, struct moment at)
{
	switch (flight->state) {
	case FLIGHT_IDLE:
		if (flight->failed_until_ms > at.ms)
			failed(flights, flight);
		else
			flight_start(flights, flight, true, at);
		return;
	case FLIGHT_CHECKING:
		flight->wanted = true;
		found(flights, flight, flight->candidate,
		    (struct fact_message){ .candidate = true });
		return;
	case FLIGHT_PAUSED:
	case FLIGHT_LOADING:
		flight->wanted = true;
		return;
	}
}

void
flights_fetch(struct flights *flights, const struct dv_key *key, struct moment at)
{
	AUTO(store_item_free) struct store_item *item = NULL;
	struct flight *flight = flight_find(flights, key);

	if (flight == NULL && (flight = flight_new(flights, key)) == NULL) {
		flights->calls->failed(flights->context, &(struct dv_failure){ .key = *key });
		return;
	}
	flight->asked_ms = at.ms;
	if (!flight->suspect)
		item = stored(flights, flight);
	if (item != NULL && item_fresh(flights->config, key, item, at.now)) {
		found(flights, flight, item, (struct fact_message){ .stale = false });
		if (flight->state == FLIGHT_IDLE && flight->refresh_ms == NEVER)
			refresh_plan(flights, flight, item, at);
		return;
	}
	/* Once it is known that nobody answers, nobody waits to be told so again. */
	if (item != NULL && flight->nfailures != 0 &&
	    item_servable(flights->config, key, item, at.now))
		fetch_stale(flights, flight, item, at);
	else
		fetch_missing(flights, flight, at);
}

/* What a server sent */

static void
source_failed(struct flights *flights, struct flight *flight, const struct transfer_answer *answer,
    struct moment at)
{
	struct source *source = &flights->sources[flight->source];
	int64_t wait_ms = answer->retry_after_s < FLIGHT_NOT_FOUND_MS / 1000 ?
	    answer->retry_after_s * 1000 : FLIGHT_NOT_FOUND_MS;

	refused(flights, flight, answer->why.text, LOG_WARNING);
	if (answer->http_status != 0)
		flight->http_status = answer->http_status;
	if (answer->http_status != 404)
		flight->all_404 = false;
	if (answer->retryable)
		flight->again |= 1u << flight->source;
	if (answer->unreachable)
		source->down_until_ms = at.ms + FLIGHT_DOWN_MS;
	if (wait_ms > flight->retry_after_ms)
		flight->retry_after_ms = wait_ms;
	if (wait_ms > 0 && flight->key.type == DV_FACT_PCK_CERTIFICATE)
		source->pck_until_ms = at.ms + wait_ms;
	if (wait_ms > 0)
		flight->again &= ~(1u << flight->source);
	source_next(flights, flight, at);
}

/* An answer that is not even a candidate. */
static void
source_useless(struct flights *flights, struct flight *flight, const char *text,
    struct moment at)
{
	refused(flights, flight, text, LOG_WARNING);
	flight->all_404 = false;
	source_next(flights, flight, at);
}

static const char *
chain_missing(enum dv_fact_type type)
{
	switch (type) {
	case DV_FACT_TCB_INFO:
		return "Missing TCB-Info-Issuer-Chain";
	case DV_FACT_QE_IDENTITY:
		return "Missing SGX-Enclave-Identity-Issuer-Chain";
	case DV_FACT_PCK_CRL:
		return "Missing SGX-PCK-CRL-Issuer-Chain";
	case DV_FACT_PCK_CERTIFICATE:
		return "Missing SGX-PCK-Certificate-Issuer-Chain";
	case DV_FACT_ROOT_CA_CRL:
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
	return NULL;
}

/* Body and decoded chain in one allocation; NULL with a reason. */
static struct store_item *
candidate_new(const struct flight *flight, const struct transfer_answer *answer, int64_t now,
    struct reason *why)
{
	const char *missing = chain_missing(flight->key.type);
	struct bytes chain = answer->headers[PCCS_CHAIN].ptr != NULL ?
	    answer->headers[PCCS_CHAIN] : answer->headers[PCCS_CHAIN_OLD];
	struct bytes tcbm = answer->headers[PCCS_TCBM];
	AUTO(store_item_free) struct store_item *item = NULL;
	char *text;
	size_t len;

	if (missing != NULL && chain.ptr == NULL) {
		(void)reject(why, REASON_MALFORMED, "%s", missing);
		return NULL;
	}
	if (tcbm.ptr != NULL && !pccs_tcbm_check(tcbm, &flight->key, why))
		return NULL;
	item = calloc(1, sizeof *item + answer->body.len + chain.len);
	if (item == NULL) {
		(void)reject(why, REASON_INTERNAL, "out of memory");
		return NULL;
	}
	text = (char *)(item + 1);
	if (!pccs_chain_decode(text, &len, chain, why))
		return NULL;
	bytes_copy(text + chain.len, answer->body);
	item->chain = (struct bytes){ (uint8_t *)text, len };
	item->body = (struct bytes){ (uint8_t *)text + chain.len, answer->body.len };
	item->fetched_at = now;
	return TAKE(item);
}

static void
flight_succeeded(struct flights *flights, struct flight *flight, const struct store_item *item,
    struct moment at)
{
	flight->nfailures = 0;
	flight->failed_until_ms = 0;
	refresh_plan(flights, flight, item, at);
	flight_land(flight);
}

/* What is stored was sent again. */
static void
same_again(struct flights *flights, struct flight *flight, struct store_item *item,
    struct moment at)
{
	bool wanted = flight->wanted;
	struct reason why;

	item->fetched_at = at.now;
	log_line(LOG_DEBUG, PROGRAM, "item=\"%.40s\" unchanged", flight->name);
	if (!store_touch(flights->store, flight->name, at.now, &why))
		log_line(LOG_ERR, PROGRAM, "item=\"%.40s\" error=\"%s\"", flight->name, why.text);
	flight_succeeded(flights, flight, item, at);
	found(flights, flight, item, (struct fact_message){ .refresh = !wanted });
}

static void
candidate_send(struct flights *flights, struct flight *flight, struct store_item *item,
    struct moment at)
{
	flight->candidate = item;
	flight->state = FLIGHT_CHECKING;
	flight->due_ms = at.ms + FLIGHT_CHECK_MS;
	found(flights, flight, item,
	    (struct fact_message){ .candidate = true, .refresh = !flight->wanted });
}

void
flight_answer(struct flights *flights, struct flight *flight, const struct transfer_answer *answer,
    struct moment at)
{
	AUTO(store_item_free) struct store_item *item = NULL, *old = NULL;
	struct reason why;

	assert(flight->state == FLIGHT_LOADING);
	if (!answer->ok) {
		source_failed(flights, flight, answer, at);
		return;
	}
	flights->sources[flight->source].down_until_ms = 0;
	item = candidate_new(flight, answer, at.now, &why);
	if (item == NULL) {
		source_useless(flights, flight, why.text, at);
		return;
	}
	old = stored(flights, flight);
	if (old == NULL || !bytes_equal(old->body, item->body) ||
	    !bytes_equal(old->chain, item->chain))
		candidate_send(flights, flight, TAKE(item), at);
	else if (flight->suspect)
		source_useless(flights, flight, "the same that was refused before", at);
	else if (!item_current(flights->config, &flight->key, &old->dates, at.now))
		source_useless(flights, flight, "the same that has ended", at);
	else
		same_again(flights, flight, old, at);
}

/* CHECKED */

/* Takes the stored item's place, unless it is older: then a server goes back in time. */
static void
candidate_store(struct flights *flights, struct flight *flight, struct moment at)
{
	AUTO(store_item_free) struct store_item *old = stored(flights, flight);
	const struct store_item *item = flight->candidate;
	struct reason why;

	if (old != NULL && !flight->suspect &&
	    item_current(flights->config, &flight->key, &old->dates, at.now) &&
	    item_older(&item->dates, &old->dates, at.now)) {
		refused(flights, flight, "older than what is stored: a replay", LOG_WARNING);
		return;
	}
	log_line(LOG_INFO, PROGRAM, "item=\"%.40s\" fetched issued=%lld next_update=%lld number=%llu",
	    flight->name, (long long)item->dates.issued, (long long)item->dates.next_update,
	    (unsigned long long)item->dates.number);
	flight->suspect = false;
	if (!store_put(flights->store, flight->name, item, &why))
		log_line(LOG_ERR, PROGRAM, "item=\"%.40s\" error=\"%s\"", flight->name, why.text);
}

static void
candidate_checked(struct flights *flights, struct flight *flight,
    const struct checked_message *checked, struct moment at)
{
	char text[200];

	if (!checked->accepted) {
		(void)snprintf(text, sizeof text, "refused: %.*s", (int)checked->reason.len,
		    (const char *)checked->reason.ptr);
		store_item_free(TAKE(flight->candidate));
		source_useless(flights, flight, text, at);
		return;
	}
	flight->candidate->dates = checked->dates;
	candidate_store(flights, flight, at);
	flight_succeeded(flights, flight, flight->candidate, at);
}

/*
 * A worker does not want what is stored: from now on only something else will do.  Whoever had
 * asked is owed another answer.
 */
static void
stored_refused(struct flights *flights, struct flight *flight, bool answer,
    const struct checked_message *checked, struct moment at)
{
	log_line(LOG_WARNING, PROGRAM, "item=\"%.40s\" stored refused=\"%.*s\"", flight->name,
	    (int)checked->reason.len, (const char *)checked->reason.ptr);
	flight->suspect = true;
	if (answer)
		fetch_missing(flights, flight, at);
}

void
flights_checked(struct flights *flights, const struct checked_message *checked, struct moment at)
{
	struct flight *flight = flight_find(flights, &checked->key);
	bool answer, refresh;

	if (flight == NULL || checked->serial == 0)
		return;
	/* One word on each. */
	answer = checked->serial == flight->answer_serial;
	if (answer)
		flight->answer_serial = 0;
	refresh = checked->serial == flight->refresh_serial;
	if (refresh)
		flight->refresh_serial = 0;
	if (flight->state == FLIGHT_CHECKING && checked->serial == flight->candidate_serial)
		candidate_checked(flights, flight, checked, at);
	else if ((answer || refresh) && !checked->accepted)
		stored_refused(flights, flight, answer, checked, at);
}

/* Timers */

static int64_t
flight_due_ms(const struct flight *flight)
{
	switch (flight->state) {
	case FLIGHT_IDLE:
		return flight->refresh_ms;
	case FLIGHT_PAUSED:
	case FLIGHT_CHECKING:
		return flight->due_ms;
	case FLIGHT_LOADING:
		break;
	}
	return NEVER;
}

/* A candidate that nobody says a word about. */
static void
unjudged(struct flights *flights, struct flight *flight, struct moment at)
{
	bool wanted = flight->wanted;

	log_line(LOG_WARNING, PROGRAM, "item=\"%.40s\" error=\"nobody judged it\"", flight->name);
	flight->refresh_ms = at.ms + jitter(flights, FLIGHT_FAILED_MS);
	flight->failed_status = 0;
	flight_land(flight);
	if (wanted)
		failed(flights, flight);
}

static void
flight_due(struct flights *flights, struct flight *flight, struct moment at)
{
	switch (flight->state) {
	case FLIGHT_IDLE:
		if (at.ms - flight->asked_ms <= FLIGHT_IN_USE_MS)
			flight_start(flights, flight, false, at);
		else
			flight->refresh_ms = NEVER;
		return;
	case FLIGHT_PAUSED:
		source_next(flights, flight, at);
		return;
	case FLIGHT_CHECKING:
		unjudged(flights, flight, at);
		return;
	case FLIGHT_LOADING:
		return;
	}
}

void
flights_tick(struct flights *flights, struct moment at)
{
	for (size_t i = 0; i < flights->n; i++)
		if (flight_due_ms(flights->flights[i]) <= at.ms)
			flight_due(flights, flights->flights[i], at);
}

int
flights_timeout_ms(const struct flights *flights, struct moment at)
{
	int64_t next = at.ms + MAX_IDLE_MS;

	for (size_t i = 0; i < flights->n; i++) {
		int64_t due = flight_due_ms(flights->flights[i]);

		if (due < next)
			next = due;
	}
	return next <= at.ms ? 0 : (int)(next - at.ms);
}
