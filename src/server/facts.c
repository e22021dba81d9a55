#include "server/facts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "server/acceptor.h"
#include "server/connection.h"

/* A job in the list of one key that it waits for. */
struct wait {
	TAILQ_ENTRY(wait) link;
	struct job *job;
	struct want *want;              /* NULL: not waiting                            */
};
TAILQ_HEAD(waits, wait);

/* A key that a job has asked for. */
struct ask {
	struct blob *key;               /* as it is on the wire                         */
	unsigned n;
	bool    failed;
	struct blob *failure;           /* FAILED's payload; NULL: not reachable        */
};

struct park {
	struct wait waits[DV_NEEDS_MAX];
	size_t  nwaiting;
	bool    pck;                    /* counted in npck_jobs                         */
	struct ask asks[MESSAGE_MAX_FAILURES];
	size_t  nasks;
};

/* A key that somebody waits for, or that the fetcher was asked for. */
struct want {
	TAILQ_ENTRY(want) link;
	struct blob *key;
	bool    pck;
	struct waits waits;
	struct fact *fact;              /* NULL: it is the fetcher's turn               */
};

/* What the fetcher found, until every worker that it went to has spoken. */
struct fact {
	TAILQ_ENTRY(fact) link;         /* in `unjudged`, until judged                  */
	struct blob *key, *payload;
	uint64_t serial;
	bool    candidate, refresh, stale;
	unsigned generation;            /* of the fetcher that found it                 */
	struct want *want;              /* NULL: nobody waits (any more)                */
	bool    judged;
	size_t  ntasks;                 /* workers that have not spoken yet             */
	unsigned deaths;
};

void
facts_init(struct facts *facts)
{
	*facts = (struct facts){ 0 };
	for (size_t i = 0; i < FACTS_BUCKETS; i++)
		TAILQ_INIT(&facts->buckets[i]);
	TAILQ_INIT(&facts->unjudged);
}

/* Keys, wants */

static struct blob *
blob_copy(struct bytes bytes)
{
	struct blob *blob = blob_new(bytes.len);

	if (blob != NULL)
		bytes_copy(blob->data, bytes);
	return blob;
}

/* The key as it is on the wire; NULL when memory is out. */
static struct blob *
key_blob(const struct dv_key *key)
{
	uint8_t room[1024];
	struct blob *blob = NULL;
	CBB cbb;

	if (CBB_init_fixed(&cbb, room, sizeof room) && message_key_write(&cbb, key))
		blob = blob_copy((struct bytes){ CBB_data(&cbb), CBB_len(&cbb) });
	CBB_cleanup(&cbb);
	return blob;
}

static bool
key_equal(const struct blob *a, const struct blob *b)
{
	return bytes_equal(blob_bytes(a), blob_bytes(b));
}

static struct wants *
bucket_of(struct acceptor *acceptor, const struct blob *key)
{
	uint64_t digest = siphash(acceptor->siphash_key, blob_bytes(key));

	return &acceptor->facts.buckets[digest % FACTS_BUCKETS];
}

static struct want *
want_find(struct acceptor *acceptor, const struct blob *key)
{
	struct want *want;

	TAILQ_FOREACH(want, bucket_of(acceptor, key), link)
		if (key_equal(want->key, key))
			return want;
	return NULL;
}

/* A new want, and the fetcher is asked; NULL when there are too many. */
static struct want *
want_new(struct acceptor *acceptor, struct blob *key, bool pck)
{
	struct facts *facts = &acceptor->facts;
	struct want *want;

	if (facts->nwants >= FACTS_MAX_WANTS || (want = calloc(1, sizeof *want)) == NULL)
		return NULL;
	want->key = blob_ref(key);
	want->pck = pck;
	TAILQ_INIT(&want->waits);
	TAILQ_INSERT_TAIL(bucket_of(acceptor, key), want, link);
	facts->nwants++;
	peers_fetch(acceptor, blob_bytes(key));
	return want;
}

static void
want_free(struct acceptor *acceptor, struct want *want)
{
	assert(TAILQ_EMPTY(&want->waits));
	if (want->fact != NULL)
		want->fact->want = NULL;
	TAILQ_REMOVE(bucket_of(acceptor, want->key), want, link);
	acceptor->facts.nwants--;
	blob_free(want->key);
	free(want);
}

/* A want whose fact was accepted is over with its last waiting job. */
static void
want_check(struct acceptor *acceptor, struct want *want)
{
	if (TAILQ_EMPTY(&want->waits) && want->fact != NULL && want->fact->judged)
		want_free(acceptor, want);
}

/* Facts */

static void
fact_free(struct acceptor *acceptor, struct fact *fact)
{
	if (!fact->judged)
		TAILQ_REMOVE(&acceptor->facts.unjudged, fact, link);
	if (fact->want != NULL)
		fact->want->fact = NULL;
	blob_free(fact->key);
	blob_free(fact->payload);
	free(fact);
}

/* Frees a fact that nobody speaks about and nobody waits for. */
static void
fact_check(struct acceptor *acceptor, struct fact *fact)
{
	if (fact->ntasks == 0 && fact->judged && fact->want == NULL)
		fact_free(acceptor, fact);
}

static void
fact_judge(struct acceptor *acceptor, struct fact *fact)
{
	fact->judged = true;
	TAILQ_REMOVE(&acceptor->facts.unjudged, fact, link);
}

static void
fact_send(struct fact *fact, struct worker *worker)
{
	struct task *task = calloc(1, sizeof *task);

	if (task == NULL)
		return;         /* as if the worker had died: its jobs end by their deadline */
	task->fact = fact;
	fact->ntasks++;
	peers_send_fact(worker, task, fact->payload);
}

static bool
fact_is_at(const struct fact *fact, const struct worker *worker)
{
	const struct task *task;

	TAILQ_FOREACH(task, &worker->tasks, link)
		if (task->fact == fact)
			return true;
	return false;
}

/* To every worker that has jobs waiting for it. */
static void
fact_send_waiting(struct fact *fact)
{
	const struct wait *wait;

	TAILQ_FOREACH(wait, &fact->want->waits, link)
		if (wait->job->worker != NULL && !fact_is_at(fact, wait->job->worker))
			fact_send(fact, wait->job->worker);
}

static void
fact_send_all(struct acceptor *acceptor, struct fact *fact, const struct worker *but)
{
	const struct peers *peers = &acceptor->peers;

	for (size_t i = 0; i < peers->nslots; i++)
		if (peers->workers[i] != NULL && peers->workers[i] != but)
			fact_send(fact, peers->workers[i]);
}

/* To one worker, whose word decides; preferably one with a job that waits for it. */
static void
fact_send_one(struct acceptor *acceptor, struct fact *fact)
{
	struct worker *worker = NULL;
	const struct wait *wait;

	if (fact->want != NULL)
		TAILQ_FOREACH(wait, &fact->want->waits, link)
			if (worker == NULL && wait->job->worker != NULL &&
			    !wait->job->worker->broken)
				worker = wait->job->worker;
	if (worker == NULL)
		worker = peers_worker_find(acceptor, true);
	/* None at all: the next one to come. */
	if (worker != NULL)
		fact_send(fact, worker);
}

static void
fact_begin(struct acceptor *acceptor, struct fact *fact)
{
	if (!fact->candidate && fact->want != NULL)
		fact_send_waiting(fact);
	else if (!fact->candidate && fact->refresh)
		fact_send_all(acceptor, fact, NULL);
	if (fact->ntasks == 0)
		fact_send_one(acceptor, fact);
}

/* Jobs that wait */

static void
wait_end(struct wait *wait)
{
	TAILQ_REMOVE(&wait->want->waits, wait, link);
	wait->want = NULL;
	wait->job->park->nwaiting--;
}

static void
pck_end(struct acceptor *acceptor, struct job *job)
{
	if (!job->park->pck)
		return;
	job->park->pck = false;
	acceptor->facts.npck_jobs--;
}

/* One key less to wait for; the last one resumes the job. */
static void
wait_resolve(struct acceptor *acceptor, struct wait *wait)
{
	struct job *job = wait->job;

	wait_end(wait);
	if (job->park->nwaiting > 0)
		return;
	pck_end(acceptor, job);
	queue_resume(acceptor, job);
}

void
facts_forget(struct acceptor *acceptor, struct job *job)
{
	struct park *park = job->park;

	for (size_t i = 0; i < DV_NEEDS_MAX; i++) {
		struct want *want = park->waits[i].want;

		if (want == NULL)
			continue;
		wait_end(&park->waits[i]);
		want_check(acceptor, want);
	}
	pck_end(acceptor, job);
}

void
facts_free_park(struct job *job)
{
	if (job->park == NULL)
		return;
	for (size_t i = 0; i < job->park->nasks; i++) {
		blob_free(job->park->asks[i].key);
		blob_free(job->park->asks[i].failure);
	}
	free(TAKE(job->park));
}

size_t
facts_failures(const struct job *job, struct dv_failure *failures)
{
	struct reason why = { 0 };
	size_t n = 0;

	for (size_t i = 0; job->park != NULL && i < job->park->nasks; i++) {
		const struct ask *ask = &job->park->asks[i];
		struct dv_failure *failure = &failures[n];
		CBS in = cbs_bytes(blob_bytes(ask->failure != NULL ? ask->failure : ask->key));

		*failure = (struct dv_failure){ .http_status = 0 };
		if (ask->failed && (ask->failure != NULL ?
		    message_failed_read(failure, &in, &why) :
		    message_key_read(&failure->key, &in, &why)))
			n++;
	}
	return n;
}

static struct ask *
ask_find(const struct park *park, const struct blob *key)
{
	for (size_t i = 0; i < park->nasks; i++)
		if (key_equal(park->asks[i].key, key))
			return (struct ask *)(uintptr_t)&park->asks[i];
	return NULL;
}

/* The job's note on a key, made when it asks for the first time; NULL when it asks too much. */
static struct ask *
ask_note(struct park *park, struct blob *key)
{
	struct ask *ask = ask_find(park, key);

	if (ask == NULL && park->nasks < NELEM(park->asks)) {
		ask = &park->asks[park->nasks++];
		*ask = (struct ask){ .key = blob_ref(key) };
	}
	/* Asking again for what it was told is not to be had makes no sense. */
	if (ask == NULL || ask->failed)
		return NULL;
	ask->n++;
	return ask;
}

/* The job is to be told that the key could not be had; a reference of `failure` is taken. */
static void
wait_fail(const struct wait *wait, struct blob *failure)
{
	struct ask *ask = ask_find(wait->job->park, wait->want->key);

	assert(ask != NULL);
	ask->failed = true;
	blob_free(ask->failure);
	ask->failure = failure == NULL ? NULL : blob_ref(failure);
}

/* Whether one more job may wait for a PCK certificate, and for this one. */
static bool
pck_allows(struct acceptor *acceptor, const struct want *want)
{
	struct facts *facts = &acceptor->facts;
	int64_t now_ms = acceptor_now_ms();

	if (facts->npck_jobs >= FACTS_MAX_PCK_JOBS)
		return false;
	if (want != NULL)
		return true;
	if (now_ms < facts->pck_next_ms)
		return false;
	facts->pck_next_ms = now_ms + FACTS_PCK_INTERVAL_MS;
	return true;
}

/* Puts the job into the list of one key, or notes that the key cannot be had. */
static void
need(struct acceptor *acceptor, struct job *job, struct ask *ask, bool pck)
{
	struct park *park = job->park;
	struct want *want = want_find(acceptor, ask->key);
	struct wait *wait = &park->waits[park->nwaiting];

	if (ask->n > FACTS_MAX_ASKS || (pck && !pck_allows(acceptor, want)) ||
	    (want == NULL && (want = want_new(acceptor, ask->key, pck)) == NULL)) {
		ask->failed = true;
		return;
	}
	if (pck && !park->pck) {
		park->pck = true;
		acceptor->facts.npck_jobs++;
	}
	park->nwaiting++;
	*wait = (struct wait){ .job = job, .want = want };
	TAILQ_INSERT_TAIL(&want->waits, wait, link);
	/* It is here already, and this worker has not been given it. */
	if (want->fact != NULL && (want->fact->judged || !want->fact->candidate) &&
	    !fact_is_at(want->fact, job->worker))
		fact_send(want->fact, job->worker);
}

/* All keys of one NEED; false when the job asks for what makes no sense, or memory is out. */
static bool
need_all(struct acceptor *acceptor, struct job *job, const struct dv_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct blob *key = key_blob(&keys[i]);
		struct ask *ask = key == NULL ? NULL : ask_note(job->park, key);

		blob_free(key);
		if (ask == NULL)
			return false;
		need(acceptor, job, ask, keys[i].type == DV_FACT_PCK_CERTIFICATE);
		if (keys[i].type == DV_FACT_IMAGE || keys[i].type == DV_FACT_KERNEL)
			connection_extend(job->client);
	}
	return true;
}

void
facts_need(struct acceptor *acceptor, struct job *job, const struct dv_key *keys, size_t n)
{
	static const struct job_result busy = { .end = JOB_END_BUSY };
	static const struct job_result internal = { .end = JOB_END_INTERNAL };

	if (job->park == NULL)
		job->park = calloc(1, sizeof *job->park);
	if (job->client == NULL || job->park == NULL) {
		queue_end(acceptor, job, &internal);
		return;
	}
	if (!queue_park(acceptor, job)) {
		queue_end(acceptor, job, &busy);
		return;
	}
	memset(job->park->waits, 0, sizeof job->park->waits);
	if (!need_all(acceptor, job, keys, n)) {
		log_line(LOG_WARNING, ACCEPTOR_NAME, "job=%" PRIu64 " error=\"asks without end\"",
		    job->id);
		facts_forget(acceptor, job);
		queue_unpark(acceptor, job);
		queue_end(acceptor, job, &internal);
		return;
	}
	if (job->park->nwaiting == 0)
		queue_resume(acceptor, job);
}

/* The fetcher's word */

/* A key at the front of a payload, as it is on the wire. */
static struct blob *
key_of(struct dv_key *key, struct bytes payload, struct reason *why)
{
	CBS in = cbs_bytes(payload);
	struct blob *blob;

	if (!message_key_read(key, &in, why))
		return NULL;
	blob = key_blob(key);
	if (blob == NULL)
		(void)reject(why, REASON_INTERNAL, "out of memory");
	return blob;
}

static struct fact *
fact_new(struct acceptor *acceptor, const struct fact_message *message, struct blob *key,
    struct blob *payload)
{
	struct fact *fact = calloc(1, sizeof *fact);

	if (fact == NULL)
		return NULL;
	fact->key = blob_ref(key);
	fact->payload = blob_ref(payload);
	fact->serial = message->serial;
	fact->candidate = message->candidate;
	fact->refresh = message->refresh;
	fact->stale = message->stale;
	fact->generation = acceptor->facts.generation;
	TAILQ_INSERT_TAIL(&acceptor->facts.unjudged, fact, link);
	return fact;
}

bool
facts_found(struct acceptor *acceptor, struct blob *payload, struct reason *why)
{
	AUTO(blob_free) struct blob *key = NULL;
	struct fact_message message = { 0 };
	CBS in = cbs_bytes(blob_bytes(payload));
	struct want *want;
	struct fact *fact;

	if (!message_fact_read(&message, &in, why))
		return false;
	key = key_blob(&message.key);
	if (key == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	want = want_find(acceptor, key);
	if (!message.refresh && (want == NULL || (want->fact != NULL && want->fact->judged)))
		return reject(why, REASON_MALFORMED, "FOUND that nobody asked for");
	fact = fact_new(acceptor, &message, key, payload);
	if (fact == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	/* A refresh may cross a FETCH, whose own answer comes all the same. */
	if (!message.refresh) {
		/* The fetcher does not wait for ever for the word on an earlier one. */
		if (want->fact != NULL)
			want->fact->want = NULL;
		want->fact = fact;
		fact->want = want;
	}
	fact_begin(acceptor, fact);
	return true;
}

bool
facts_failed(struct acceptor *acceptor, struct blob *payload, struct reason *why)
{
	AUTO(blob_free) struct blob *key = NULL;
	struct dv_failure failure;
	CBS in = cbs_bytes(blob_bytes(payload));
	struct want *want;
	struct wait *wait;

	if (!message_failed_read(&failure, &in, why))
		return false;
	key = key_of(&failure.key, blob_bytes(payload), why);
	if (key == NULL)
		return false;
	want = want_find(acceptor, key);
	/* Nobody waits: a refresh that came to nothing. */
	if (want == NULL)
		return true;
	while ((wait = TAILQ_FIRST(&want->waits)) != NULL) {
		wait_fail(wait, payload);
		wait_resolve(acceptor, wait);
	}
	want_free(acceptor, want);
	return true;
}

/* The worker's word */

/* Tells the fetcher what the first worker thinks of what it found, if it is the same fetcher. */
static void
tell(struct acceptor *acceptor, const struct fact *fact, struct bytes checked)
{
	if (fact->generation == acceptor->facts.generation)
		peers_checked(acceptor, checked);
}

/* Jobs of this worker, and of none, may go on with what it has now. */
static void
accepted(struct acceptor *acceptor, struct worker *worker, struct fact *fact, bool first)
{
	struct wait *wait, *next;

	if (fact->want == NULL) {
		if (first && fact->candidate && fact->refresh)
			fact_send_all(acceptor, fact, worker);
		return;
	}
	for (wait = TAILQ_FIRST(&fact->want->waits); wait != NULL; wait = next) {
		next = TAILQ_NEXT(wait, link);
		if (wait->job->worker == NULL)
			wait->job->worker = worker;
		if (wait->job->worker != worker)
			continue;
		if (fact->stale)
			wait_fail(wait, NULL);
		wait_resolve(acceptor, wait);
	}
	fact_send_waiting(fact);
	want_check(acceptor, fact->want);
}

/* The fetcher has to find another one; it knows, when it was told, and else is asked again. */
static void
rejected(struct acceptor *acceptor, struct fact *fact, bool told)
{
	struct want *want = fact->want;

	if (want == NULL)
		return;
	want->fact = NULL;
	fact->want = NULL;
	if (told)
		return;
	if (TAILQ_EMPTY(&want->waits)) {
		want_free(acceptor, want);
		return;
	}
	peers_fetch(acceptor, blob_bytes(want->key));
}

/* A fact that kills workers is a bad one: said in their place. */
static void
condemn(struct acceptor *acceptor, struct fact *fact)
{
	struct checked_message checked = { .serial = fact->serial,
		.reason = bytes_str("it cost two workers their lives") };
	CBS in = cbs_bytes(blob_bytes(fact->key));
	struct reason why = { 0 };
	uint8_t room[2048];
	CBB cbb;

	log_line(LOG_ERR, ACCEPTOR_NAME, "error=\"a fact cost two workers their lives\"");
	fact_judge(acceptor, fact);
	if (message_key_read(&checked.key, &in, &why) &&
	    CBB_init_fixed(&cbb, room, sizeof room)) {
		if (message_checked_write(&cbb, &checked))
			tell(acceptor, fact, (struct bytes){ CBB_data(&cbb), CBB_len(&cbb) });
		CBB_cleanup(&cbb);
	}
	rejected(acceptor, fact, fact->generation == acceptor->facts.generation);
}

/* A worker will not speak about this fact any more. */
static void
fact_lost(struct acceptor *acceptor, struct fact *fact, bool suspect)
{
	if (!fact->judged && suspect && ++fact->deaths == QUEUE_MAX_DEATHS)
		condemn(acceptor, fact);
	else if (!fact->judged && fact->ntasks == 0)
		fact_send_one(acceptor, fact);
	fact_check(acceptor, fact);
}

bool
facts_checked(struct acceptor *acceptor, struct worker *worker, struct fact *fact,
    struct blob *payload, struct reason *why)
{
	AUTO(blob_free) struct blob *key = NULL;
	struct checked_message checked = { 0 };
	CBS in = cbs_bytes(blob_bytes(payload));
	bool first = !fact->judged, ok;

	fact->ntasks--;
	ok = message_checked_read(&checked, &in, why);
	if (ok)
		key = key_of(&checked.key, blob_bytes(payload), why);
	if (key == NULL || !key_equal(key, fact->key) || checked.serial != fact->serial) {
		/* As if it had died over it, which it is about to. */
		worker->broken = true;
		fact_lost(acceptor, fact, true);
		return !ok || key == NULL ? false :
		    reject(why, REASON_MALFORMED, "CHECKED of another fact");
	}
	if (first) {
		fact_judge(acceptor, fact);
		tell(acceptor, fact, blob_bytes(payload));
		if (!checked.accepted)
			log_line(LOG_WARNING, ACCEPTOR_NAME, "fact=%u event=rejected reason=\"%.*s\"",
			    (unsigned)checked.key.type, (int)checked.reason.len,
			    (const char *)checked.reason.ptr);
	}
	if (checked.accepted)
		accepted(acceptor, worker, fact, first);
	else
		rejected(acceptor, fact, first &&
		    fact->generation == acceptor->facts.generation);
	fact_check(acceptor, fact);
	return true;
}

/* Peers come and go */

void
facts_task_lost(struct acceptor *acceptor, struct fact *fact, bool suspect)
{
	assert(fact->ntasks > 0);
	fact->ntasks--;
	fact_lost(acceptor, fact, suspect);
}

void
facts_worker_arrived(struct acceptor *acceptor, struct worker *worker)
{
	struct fact *fact;

	TAILQ_FOREACH(fact, &acceptor->facts.unjudged, link)
		if (fact->ntasks == 0)
			fact_send(fact, worker);
}

/* Calls fn for every want; fn may free that one. */
static void
wants_each(struct acceptor *acceptor, void (*fn)(struct acceptor *, struct want *, void *),
    void *arg)
{
	for (size_t i = 0; i < FACTS_BUCKETS; i++) {
		struct want *want, *next;

		for (want = TAILQ_FIRST(&acceptor->facts.buckets[i]); want != NULL; want = next) {
			next = TAILQ_NEXT(want, link);
			fn(acceptor, want, arg);
		}
	}
}

/* Its jobs wait for no worker in particular now, and ask again where the fact was on its way. */
static void
worker_forget(struct acceptor *acceptor, struct want *want, void *arg)
{
	struct wait *wait, *next;

	for (wait = TAILQ_FIRST(&want->waits); wait != NULL; wait = next) {
		next = TAILQ_NEXT(wait, link);
		if (wait->job->worker != arg)
			continue;
		wait->job->worker = NULL;
		if (want->fact != NULL && want->fact->judged)
			wait_resolve(acceptor, wait);
	}
	want_check(acceptor, want);
}

void
facts_worker_gone(struct acceptor *acceptor, struct worker *worker)
{
	wants_each(acceptor, worker_forget, worker);
}

static void
ask_again(struct acceptor *acceptor, struct want *want, void *arg)
{
	if (want->fact != NULL)
		return;
	if (TAILQ_EMPTY(&want->waits))
		want_free(acceptor, want);
	else
		peers_fetch(acceptor, blob_bytes(want->key));
}

void
facts_fetcher_arrived(struct acceptor *acceptor)
{
	acceptor->facts.generation++;
	wants_each(acceptor, ask_again, NULL);
}

static void
want_end(struct acceptor *acceptor, struct want *want, void *arg)
{
	struct fact *fact = want->fact;

	want_free(acceptor, want);
	if (fact != NULL)
		fact_check(acceptor, fact);
}

void
facts_fini(struct acceptor *acceptor)
{
	struct fact *fact;

	wants_each(acceptor, want_end, NULL);
	while ((fact = TAILQ_FIRST(&acceptor->facts.unjudged)) != NULL)
		fact_free(acceptor, fact);
}
