#include "server/peers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/acceptor.h"
#include "server/connection.h"

/* Waits for room in the socket as long as frames do. */
static void
write_event(struct event *event, const struct channel *channel)
{
	if (channel_pending(channel))
		(void)event_add(event, NULL);
}

/* What became of the tasks of a worker that is gone; its first one is what it was at. */
static void
tasks_lost(struct acceptor *acceptor, struct worker *worker)
{
	struct tasks lost = TAILQ_HEAD_INITIALIZER(lost);
	struct task *task, *first = TAILQ_FIRST(&worker->tasks);
	struct job *job;

	TAILQ_CONCAT(&lost, &worker->tasks, link);
	/* From the back, since each goes to the front of the queue. */
	while ((job = TAILQ_LAST(&worker->resumed, jobs)) != NULL) {
		TAILQ_REMOVE(&worker->resumed, job, link);
		queue_worker_gone(acceptor, job, false);
	}
	while ((task = TAILQ_LAST(&lost, tasks)) != NULL) {
		TAILQ_REMOVE(&lost, task, link);
		if (task->job != NULL) {
			queue_worker_gone(acceptor, task->job, task == first);
			continue;
		}
		facts_task_lost(acceptor, task->fact, task == first);
		free(task);
	}
}

/* Ends a worker for us: it exits when it sees that, and the supervisor starts another. */
static void
worker_drop(struct worker *worker, const char *why)
{
	struct acceptor *acceptor = worker->acceptor;
	struct peers *peers = &acceptor->peers;

	if (worker->gone)
		return;
	worker->gone = true;
	log_line(why == NULL ? LOG_DEBUG : LOG_WARNING, ACCEPTOR_NAME,
	    "worker=%" PRIu32 " event=gone jobs=%zu reason=\"%s\"",
	    worker->slot, worker->njobs, why == NULL ? "shutdown" : why);
	peers->workers[worker->slot] = NULL;
	peers->nworkers--;
	(void)event_del(&worker->read);
	(void)event_del(&worker->write);
	channel_free(TAKE(worker->channel));
	worker->next_dead = peers->dead;
	peers->dead = worker;
	facts_worker_gone(acceptor, worker);
	tasks_lost(acceptor, worker);
}

void
peers_reap(struct acceptor *acceptor)
{
	struct peers *peers = &acceptor->peers;

	while (peers->dead != NULL) {
		struct worker *worker = peers->dead;

		peers->dead = worker->next_dead;
		free(worker);
	}
}

static void
fetcher_drop(struct acceptor *acceptor, const char *why)
{
	struct peers *peers = &acceptor->peers;

	if (peers->fetcher == NULL)
		return;
	log_line(why == NULL ? LOG_DEBUG : LOG_WARNING, ACCEPTOR_NAME,
	    "fetcher event=gone reason=\"%s\"", why == NULL ? "shutdown" : why);
	(void)event_del(&peers->fetcher_read);
	(void)event_del(&peers->fetcher_write);
	channel_free(TAKE(peers->fetcher));
}

void
peers_fini(struct acceptor *acceptor)
{
	struct peers *peers = &acceptor->peers;

	for (size_t i = 0; i < peers->nslots; i++)
		if (peers->workers[i] != NULL)
			worker_drop(peers->workers[i], NULL);
	fetcher_drop(acceptor, NULL);
	peers_reap(acceptor);
	blob_free(TAKE(peers->deadline));
	blob_free(TAKE(peers->internal));
}

struct worker *
peers_worker_find(struct acceptor *acceptor, bool any)
{
	const struct peers *peers = &acceptor->peers;
	size_t best_njobs = any ? SIZE_MAX : QUEUE_WORKER_DEPTH;
	struct worker *best = NULL;

	for (size_t i = 0; i < peers->nslots; i++) {
		struct worker *worker = peers->workers[i];

		if (worker == NULL || worker->broken || worker->njobs >= best_njobs)
			continue;
		best = worker;
		best_njobs = worker->njobs;
		if (best_njobs == 0)
			break;
	}
	return best;
}

/* A task at the end of its worker's list. */
static void
task_begin(struct worker *worker, struct task *task, bool sent, const struct reason *why)
{
	if (TAILQ_EMPTY(&worker->tasks))
		worker->heard_ms = acceptor_now_ms();
	TAILQ_INSERT_TAIL(&worker->tasks, task, link);
	worker->njobs += task->job != NULL;
	if (sent) {
		write_event(&worker->write, worker->channel);
		return;
	}
	log_line(LOG_ERR, ACCEPTOR_NAME, "worker=%" PRIu32 " error=\"%s\"", worker->slot,
	    why->text);
	worker->broken = true;
	event_active(&worker->read, EV_READ, 0);
}

static void
task_end(struct worker *worker, struct task *task)
{
	TAILQ_REMOVE(&worker->tasks, task, link);
	worker->njobs -= task->job != NULL;
}

/* Head of a job that has failures to tell, or none. */
static bool
job_send(struct worker *worker, const struct job *job, struct reason *why)
{
	struct job_head head = { .kind = JOB_VERIFY };
	uint8_t room[4096];
	CBB cbb;
	bool ok;

	head.nfailures = facts_failures(job, head.failures);
	ok = CBB_init_fixed(&cbb, room, sizeof room) && message_job_write(&cbb, &head);
	ok = ok ? channel_send(worker->channel, FRAME_TYPE_JOB, job->id,
	    (struct bytes){ CBB_data(&cbb), CBB_len(&cbb) }, job->body, -1, why) :
	    reject(why, REASON_INTERNAL, "a job's head does not fit");
	CBB_cleanup(&cbb);
	return ok;
}

void
peers_send_job(struct worker *worker, struct job *job)
{
	struct reason why = { 0 };
	bool sent = job_send(worker, job, &why);

	task_begin(worker, &job->task, sent, &why);
}

void
peers_send_fact(struct worker *worker, struct task *task, struct blob *payload)
{
	struct reason why = { 0 };
	bool sent = channel_send(worker->channel, FRAME_TYPE_FACT, 0, (struct bytes){ 0 }, payload,
	    -1, &why);

	task_begin(worker, task, sent, &why);
}

static bool
verdict(struct worker *worker, struct job *job, struct blob *payload, struct reason *why)
{
	struct verdict_head head = { 0 };
	struct job_result result = { .end = JOB_END_VERDICT, .verdict = &head, .owner = payload };
	CBS in = cbs_bytes(blob_bytes(payload));

	if (!message_verdict_read(&head, &result.text, &in, why))
		return false;
	task_end(worker, &job->task);
	job->public_key_operations += head.public_key_operations;
	/* The worker is to have work before the client has its answer. */
	if (worker->acceptor->queue.nqueued > 0)
		queue_pump(worker->acceptor);
	queue_end(worker->acceptor, job, &result);
	return true;
}

static bool
need(struct worker *worker, struct job *job, struct blob *payload, struct reason *why)
{
	struct dv_key keys[DV_NEEDS_MAX];
	CBS in = cbs_bytes(blob_bytes(payload));
	size_t n;

	if (!message_need_read(keys, &n, &in, why))
		return false;
	task_end(worker, &job->task);
	facts_need(worker->acceptor, job, keys, n);
	return true;
}

static bool
worker_frame(struct worker *worker, const struct frame *frame, struct blob *payload,
    struct reason *why)
{
	struct task *task = TAILQ_FIRST(&worker->tasks);
	struct fact *fact;

	if (task == NULL || (task->job == NULL) != (frame->type == FRAME_TYPE_CHECKED) ||
	    (task->job != NULL && task->job->id != frame->job))
		return reject(why, REASON_MALFORMED, "%s that nobody asked for",
		    frame_name(frame->type));
	switch (frame->type) {
	case FRAME_TYPE_VERDICT:
		return verdict(worker, task->job, payload, why);
	case FRAME_TYPE_NEED:
		return need(worker, task->job, payload, why);
	case FRAME_TYPE_CHECKED:
		fact = task->fact;
		task_end(worker, task);
		free(task);
		return facts_checked(worker->acceptor, worker, fact, payload, why);
	default:
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	}
}

static void
worker_read(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct acceptor *acceptor = worker->acceptor;
	struct reason why = { 0 };
	struct frame frame;
	struct blob *payload;
	int passed;
	bool ok;

	worker->heard_ms = acceptor_now_ms();
	if (worker->broken)
		worker_drop(worker, "it does not take its frames");
	while (!worker->gone) {
		enum channel_event event = channel_receive(worker->channel, &frame, &payload,
		    &passed, &why);

		if (event == CHANNEL_IDLE)
			break;
		if (event != CHANNEL_FRAME) {
			worker_drop(worker, event == CHANNEL_CLOSED ? "it ended" : why.text);
			break;
		}
		ok = worker_frame(worker, &frame, payload, &why);
		blob_free(payload);
		if (!ok)
			worker_drop(worker, why.text);
	}
	if (acceptor->queue.nqueued > 0)
		queue_pump(acceptor);
	acceptor_reap(acceptor);
}

static void
worker_write(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct reason why = { 0 };

	/* A worker that is gone is found out by reading, after its last words. */
	if (channel_flush(worker->channel, &why))
		write_event(&worker->write, worker->channel);
}

static bool
worker_new(struct acceptor *acceptor, uint32_t slot, int fd)
{
	struct peers *peers = &acceptor->peers;
	struct worker *worker = calloc(1, sizeof *worker);

	if (worker == NULL) {
		(void)close(fd);
		return false;
	}
	worker->channel = channel_new(fd, FRAME_ACCEPTOR, FRAME_WORKER, PEERS_MAX_PENDING);
	if (worker->channel == NULL) {
		free(worker);
		return false;
	}
	worker->acceptor = acceptor;
	worker->slot = slot;
	TAILQ_INIT(&worker->tasks);
	TAILQ_INIT(&worker->resumed);
	(void)event_assign(&worker->read, acceptor->base, channel_fd(worker->channel),
	    EV_READ | EV_PERSIST, worker_read, worker);
	(void)event_assign(&worker->write, acceptor->base, channel_fd(worker->channel), EV_WRITE,
	    worker_write, worker);
	(void)event_add(&worker->read, NULL);
	peers->workers[slot] = worker;
	peers->nworkers++;
	if (peers->nslots <= slot)
		peers->nslots = slot + 1;
	facts_worker_arrived(acceptor, worker);
	queue_pump(acceptor);
	return true;
}

/* Keeps a ready-made answer; the old one stays when memory is out. */
static void
answer_keep(struct blob **kept, struct bytes answer)
{
	struct blob *blob;

	if (answer.len == 0 || (blob = blob_new(answer.len)) == NULL)
		return;
	bytes_copy(blob->data, answer);
	blob_free(*kept);
	*kept = blob;
}

bool
peers_worker(struct acceptor *acceptor, struct bytes payload, int fd, struct reason *why)
{
	struct peers *peers = &acceptor->peers;
	struct worker_message message;
	CBS in = cbs_bytes(payload);

	if (!message_worker_read(&message, &in, why)) {
		(void)close(fd);
		return false;
	}
	if (message.slot >= PEERS_MAX_WORKERS) {
		(void)close(fd);
		return reject(why, REASON_MALFORMED, "worker %" PRIu32 ", at most %d",
		    message.slot, PEERS_MAX_WORKERS);
	}
	if (peers->workers[message.slot] != NULL)
		worker_drop(peers->workers[message.slot], "it was replaced");
	answer_keep(&peers->deadline, message.deadline);
	answer_keep(&peers->internal, message.internal);
	return worker_new(acceptor, message.slot, fd) ||
	    reject(why, REASON_INTERNAL, "out of memory");
}

static bool
fetcher_frame(struct acceptor *acceptor, const struct frame *frame, struct blob *payload,
    struct reason *why)
{
	switch (frame->type) {
	case FRAME_TYPE_FOUND:
		return facts_found(acceptor, payload, why);
	case FRAME_TYPE_FAILED:
		return facts_failed(acceptor, payload, why);
	default:
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	}
}

static void
fetcher_read(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *acceptor = arg;
	struct peers *peers = &acceptor->peers;
	struct reason why = { 0 };
	struct frame frame;
	struct blob *payload;
	int passed;
	bool ok;

	while (peers->fetcher != NULL) {
		enum channel_event event = channel_receive(peers->fetcher, &frame, &payload,
		    &passed, &why);

		if (event == CHANNEL_IDLE)
			break;
		if (event != CHANNEL_FRAME) {
			fetcher_drop(acceptor, event == CHANNEL_CLOSED ? "it ended" : why.text);
			break;
		}
		ok = fetcher_frame(acceptor, &frame, payload, &why);
		blob_free(payload);
		if (!ok)
			fetcher_drop(acceptor, why.text);
	}
	if (acceptor->queue.nqueued > 0)
		queue_pump(acceptor);
	acceptor_reap(acceptor);
}

static void
fetcher_write(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *acceptor = arg;
	struct peers *peers = &acceptor->peers;
	struct reason why = { 0 };

	if (channel_flush(peers->fetcher, &why))
		write_event(&peers->fetcher_write, peers->fetcher);
}

void
peers_fetcher(struct acceptor *acceptor, int fd)
{
	struct peers *peers = &acceptor->peers;

	fetcher_drop(acceptor, "it was replaced");
	peers->fetcher = channel_new(fd, FRAME_ACCEPTOR, FRAME_FETCHER, PEERS_MAX_PENDING);
	if (peers->fetcher == NULL) {
		log_line(LOG_ERR, ACCEPTOR_NAME, "error=\"out of memory\"");
		return;
	}
	(void)event_assign(&peers->fetcher_read, acceptor->base, fd, EV_READ | EV_PERSIST,
	    fetcher_read, acceptor);
	(void)event_assign(&peers->fetcher_write, acceptor->base, fd, EV_WRITE, fetcher_write,
	    acceptor);
	(void)event_add(&peers->fetcher_read, NULL);
	facts_fetcher_arrived(acceptor);
}

static void
fetcher_send(struct acceptor *acceptor, enum frame_type type, struct bytes payload)
{
	struct peers *peers = &acceptor->peers;
	struct reason why = { 0 };

	if (peers->fetcher == NULL)
		return;
	if (channel_send(peers->fetcher, type, 0, payload, NULL, -1, &why))
		write_event(&peers->fetcher_write, peers->fetcher);
	else
		fetcher_drop(acceptor, why.text);
}

void
peers_fetch(struct acceptor *acceptor, struct bytes key)
{
	fetcher_send(acceptor, FRAME_TYPE_FETCH, key);
}

void
peers_checked(struct acceptor *acceptor, struct bytes checked)
{
	fetcher_send(acceptor, FRAME_TYPE_CHECKED, checked);
}

static void
stuck_tell(struct worker *worker)
{
	struct acceptor *acceptor = worker->acceptor;
	struct reason why = { 0 };
	uint8_t room[16];
	CBB cbb;

	worker->stuck_told = true;
	log_line(LOG_WARNING, ACCEPTOR_NAME, "worker=%" PRIu32 " event=stuck jobs=%zu",
	    worker->slot, worker->njobs);
	if (!CBB_init_fixed(&cbb, room, sizeof room) ||
	    !message_stuck_write(&cbb, worker->slot) ||
	    !channel_send(acceptor->supervisor, FRAME_TYPE_STUCK, 0,
	    (struct bytes){ CBB_data(&cbb), CBB_len(&cbb) }, NULL, -1, &why))
		log_line(LOG_ERR, ACCEPTOR_NAME, "error=\"cannot tell the supervisor\"");
	write_event(&acceptor->supervisor_write, acceptor->supervisor);
	CBB_cleanup(&cbb);
}

void
peers_tick(struct acceptor *acceptor, int64_t now_ms)
{
	const struct peers *peers = &acceptor->peers;

	for (size_t i = 0; i < peers->nslots; i++) {
		struct worker *worker = peers->workers[i];

		if (worker != NULL && !worker->stuck_told && !TAILQ_EMPTY(&worker->tasks) &&
		    now_ms - worker->heard_ms > PEERS_STUCK_MS)
			stuck_tell(worker);
	}
}
