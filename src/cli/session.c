#include "cli/session.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/setup.h"
#include "core/hex.h"

AUTO_DEFINE(struct event, event_free)

/* Questions are asked again a few times, never for ever: collateral is needed, then an image. */
#define ROUNDS_MAX      8

/* While a file is read its bytes are copied to ever larger rooms, so the sum is four times. */
#define ARENA_MAX       (4u * SESSION_INPUT_MAX + OPTIONS_COLLATERAL_MAX * 4u * 65536u)

#define READY_MS        30000   /* for a program to take its configuration            */
#define ANSWER_MS       60000   /* for a worker to judge                              */
#define IMAGES_MS       3600000 /* to hash all images that are kept                   */
#define FETCHER_MS      1000    /* after its last deadline: then it is not answering  */

static int64_t
milliseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The next frame of a child; false when it is gone, makes no sense or takes too long. */
static bool
frame_wait(struct child *child, struct frame *frame, struct blob **payload, int64_t until_ms,
    struct reason *why)
{
	int fd;

	for (;;) {
		int64_t left = until_ms - milliseconds();

		switch (channel_receive(child->channel, frame, payload, &fd, why)) {
		case CHANNEL_FRAME:
			return true;
		case CHANNEL_CLOSED:
			return reject(why, REASON_INTERNAL, "it ended");
		case CHANNEL_BROKEN:
			return false;
		case CHANNEL_IDLE:
			break;
		}
		if (left <= 0)
			return reject(why, REASON_INTERNAL, "it does not answer");
		(void)!channel_wait(child->channel, left > INT32_MAX ? INT32_MAX : (int)left);
	}
}

bool
session_frame(struct child *child, struct frame *frame, struct blob **payload, int64_t timeout_ms,
    struct reason *why)
{
	return frame_wait(child, frame, payload, milliseconds() + timeout_ms, why);
}

/* Waits until a child has taken its configuration; *pin tells which PIN it refuses, from 1. */
static bool
ready_wait(struct child *child, uint32_t *pin, struct reason *why)
{
	AUTO(blob_free) struct blob *payload = NULL;
	struct ready_message ready;
	struct frame frame;
	CBS in;

	if (!frame_wait(child, &frame, &payload, milliseconds() + READY_MS, why))
		return false;
	in = cbs_bytes(blob_bytes(payload));
	if (frame.type != FRAME_TYPE_READY)
		return reject(why, REASON_INTERNAL, "unexpected %s", frame_name(frame.type));
	if (!message_ready_read(&ready, &in, why))
		return false;
	if (ready.ok)
		return true;
	(void)reject(why, REASON_MALFORMED, "%.*s", (int)ready.reason.len,
	    (const char *)ready.reason.ptr);
	*pin = ready.pin;
	return false;
}

static bool
worker_open(struct session *session, int *status, struct reason *why)
{
	struct bytes config, pins[OPTIONS_COLLATERAL_MAX];
	uint32_t pin = 0;

	*status = EXIT_USAGE;
	if (!setup_collateral(pins, session->arena, session->options, why))
		return false;
	*status = EXIT_INVALID;
	if (!setup_worker(&config, session->arena, session->config, session->options,
	    &session->helpers_setup.keys, why) ||
	    !child_start(&session->worker, session->directory, "dstack-verifier-worker",
	    FRAME_WORKER, FRAME_SUPERVISOR | FRAME_ACCEPTOR, why) ||
	    !channel_send(session->worker.channel, FRAME_TYPE_CONFIG, 0, config, NULL, -1, why))
		return false;
	for (size_t i = 0; i < session->options->ncollateral; i++)
		if (!channel_send(session->worker.channel, FRAME_TYPE_PIN, 0, pins[i], NULL, -1,
		    why))
			return false;
	if (ready_wait(&session->worker, &pin, why))
		return true;
	if (why->kind != REASON_MALFORMED)
		return reject_as(why, "dstack-verifier-worker");
	if (pin == 0 || pin > session->options->ncollateral)
		return false;
	*status = EXIT_USAGE;
	return reject_as(why, "collateral %s", session->options->collateral[pin - 1]);
}

bool
session_open(struct session *out, int *status, const struct options *options,
    const struct config *config, struct reason *why)
{
	*out = (struct session){ .options = options, .config = config };
	*status = EXIT_INVALID;
	out->arena = arena_new(ARENA_MAX);
	if (out->arena == NULL)
		return reject(why, REASON_INTERNAL, "no memory");
	out->directory = setup_directory(out->arena, why);
	if (out->directory == NULL)
		return false;
	setup_helpers(&out->helpers_setup, out->directory, config);
	return options->mode == MODE_IMAGES || worker_open(out, status, why);
}

void
session_child_end(struct child *child)
{
	child_close(child);
	if (child->pid <= 0)
		return;
	/* A fetcher may be in the middle of a transfer; nobody waits for it any more. */
	(void)kill(child->pid, SIGTERM);
	while (waitpid(child->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	child->pid = 0;
}

void
session_close(struct session *session)
{
	helpers_free(session->helpers);
	session_child_end(&session->fetcher);
	session_child_end(&session->worker);
	if (session->base != NULL)
		event_base_free(session->base);
	helpers_keys_wipe(&session->helpers_setup.keys);
	blob_free(session->payload);
	arena_free(session->arena);
}

/* Facts that were asked for, and how they fared. */
struct errand {
	struct dv_key keys[DV_NEEDS_MAX];
	bool    done[DV_NEEDS_MAX];
	size_t  n;
	struct dv_failure failures[MESSAGE_MAX_FAILURES];
	size_t  nfailures;
};

static void
errand_fail(struct errand *errand, size_t i, const struct dv_failure *failure)
{
	errand->done[i] = true;
	if (errand->nfailures < MESSAGE_MAX_FAILURES)
		errand->failures[errand->nfailures++] = *failure;
}

/* One that nothing more is known about. */
static void
errand_lose(struct errand *errand, size_t i)
{
	errand_fail(errand, i, &(struct dv_failure){ .key = errand->keys[i] });
}

/* The place of a key among those still waited for; n when it is not. */
static size_t
errand_find(const struct errand *errand, const struct dv_key *key)
{
	for (size_t i = 0; i < errand->n; i++)
		if (!errand->done[i] && memcmp(&errand->keys[i], key, sizeof *key) == 0)
			return i;
	return errand->n;
}

static bool
errand_open(const struct errand *errand)
{
	for (size_t i = 0; i < errand->n; i++)
		if (!errand->done[i])
			return true;
	return false;
}

/* What a helper says, for the fetcher.  One that does not take it is not listened to any more. */
static void
helper_answer(void *context, enum frame_type type, uint64_t ticket, struct bytes payload)
{
	struct session *session = context;
	struct reason why = { 0 };

	session->fetcher_deaf = session->fetcher_deaf ||
	    !channel_send(session->fetcher.channel, type, ticket, payload, NULL, -1, &why);
}

static bool
helpers_open(struct session *session, struct reason *why)
{
	session->base = event_base_new();
	if (session->base != NULL)
		session->helpers = helpers_new(session->base, &session->helpers_setup,
		    helper_answer, session);
	return session->helpers != NULL || reject(why, REASON_INTERNAL, "no memory");
}

static bool
fetcher_open(struct session *session, struct reason *why)
{
	struct bytes config;
	uint32_t none;

	if (session->fetcher.channel != NULL)
		return true;
	return helpers_open(session, why) &&
	    setup_fetcher(&config, session->arena, session->config, session->options, NULL,
	    isatty(STDERR_FILENO), why) &&
	    child_start(&session->fetcher, session->directory, "dstack-verifier-fetcher",
	    FRAME_FETCHER, FRAME_SUPERVISOR | FRAME_ACCEPTOR, why) &&
	    channel_send(session->fetcher.channel, FRAME_TYPE_CONFIG, 0, config, NULL, -1, why) &&
	    ready_wait(&session->fetcher, &none, why);
}

static void
nothing(evutil_socket_t fd, short what, void *arg)
{
}

/* Until the fetcher can be read, or written when something waits, or a helper has spoken. */
static bool
fetcher_wait(struct session *session, int64_t left_ms, struct reason *why)
{
	const struct timeval left = { .tv_sec = left_ms / 1000,
	    .tv_usec = left_ms % 1000 * 1000 };
	bool writing = channel_pending(session->fetcher.channel);
	AUTO(event_free) struct event *event = event_new(session->base,
	    channel_fd(session->fetcher.channel), (short)(EV_READ | (writing ? EV_WRITE : 0)),
	    nothing, NULL);

	if (event == NULL || event_add(event, &left) == -1 ||
	    event_base_loop(session->base, EVLOOP_ONCE) == -1)
		return reject(why, REASON_INTERNAL, "cannot wait for events");
	return !channel_pending(session->fetcher.channel) ||
	    channel_flush(session->fetcher.channel, why);
}

/* Does what the fetcher asks of its supervisor; false when the frame is none of those. */
static bool
fetcher_serve(struct session *session, const struct frame *frame, struct bytes payload,
    const int *fds, bool *ok, struct reason *why)
{
	struct progress_message progress;
	CBS in = cbs_bytes(payload);

	*ok = true;
	switch (frame->type) {
	case FRAME_TYPE_UNPACK:
	case FRAME_TYPE_PAPERS:
	case FRAME_TYPE_MEASURE:
	case FRAME_TYPE_END:
		*ok = helpers_ask(session->helpers, frame, payload, fds, why);
		return true;
	case FRAME_TYPE_PROGRESS:
		*ok = message_progress_read(&progress, &in, why);
		if (*ok)
			progress_show(&session->progress, &progress);
		return true;
	default:
		return false;
	}
}

/* The next frame of the fetcher that is not for its supervisor. */
static bool
fetcher_frame(struct session *session, struct frame *frame, struct blob **payload,
    int64_t until_ms, struct reason *why)
{
	int fds[FRAME_MAX_FDS];
	bool served, ok = true;

	while (ok) {
		int64_t left = until_ms - milliseconds();

		if (session->fetcher_deaf)
			return reject(why, REASON_INTERNAL, "it takes no answers");
		switch (channel_receive_fds(session->fetcher.channel, frame, payload, fds, why)) {
		case CHANNEL_FRAME:
			served = fetcher_serve(session, frame, blob_bytes(*payload), fds, &ok, why);
			for (unsigned i = 0; i < frame->nfds; i++)
				(void)close(fds[i]);
			if (!served)
				return true;
			blob_free(TAKE(*payload));
			continue;
		case CHANNEL_CLOSED:
			return reject(why, REASON_INTERNAL, "it ended");
		case CHANNEL_BROKEN:
			return false;
		case CHANNEL_IDLE:
			break;
		}
		if (left <= 0)
			return reject(why, REASON_INTERNAL, "it does not answer");
		ok = fetcher_wait(session, left, why);
	}
	return false;
}

static bool
key_send(struct session *session, const struct dv_key *key, struct reason *why)
{
	CBB cbb;

	if (!CBB_init(&cbb, 512))
		return reject(why, REASON_INTERNAL, "no memory");
	return child_send(&session->fetcher, FRAME_TYPE_FETCH, message_key_write(&cbb, key), &cbb,
	    -1, why);
}

/* Gives the worker what was found, and the fetcher the worker's word on it. */
static bool
found(struct session *session, struct errand *errand, struct blob *payload, struct reason *why)
{
	AUTO(blob_free) struct blob *word = NULL;
	struct fact_message fact;
	struct checked_message checked;
	struct frame frame;
	CBS in = cbs_bytes(blob_bytes(payload));
	size_t i;

	if (!message_fact_read(&fact, &in, why))
		return false;
	i = errand_find(errand, &fact.key);
	if (i == errand->n)
		return true;
	if (!channel_send(session->worker.channel, FRAME_TYPE_FACT, 0, (struct bytes){ 0 }, payload,
	    -1, why) ||
	    !frame_wait(&session->worker, &frame, &word, milliseconds() + ANSWER_MS, why))
		return false;
	in = cbs_bytes(blob_bytes(word));
	if (frame.type != FRAME_TYPE_CHECKED)
		return reject(why, REASON_INTERNAL, "unexpected %s", frame_name(frame.type));
	if (!message_checked_read(&checked, &in, why))
		return false;
	errand->done[i] = checked.accepted;
	if (checked.accepted && fact.stale)
		errand_lose(errand, i);
	return channel_send(session->fetcher.channel, FRAME_TYPE_CHECKED, 0, (struct bytes){ 0 },
	    word, -1, why);
}

static bool
fetched(struct session *session, struct errand *errand, const struct frame *frame,
    struct blob *payload, struct reason *why)
{
	struct dv_failure failure;
	struct bytes refusal;
	CBS in = cbs_bytes(blob_bytes(payload));
	size_t i;

	if (frame->type == FRAME_TYPE_FOUND)
		return found(session, errand, payload, why);
	if (frame->type != FRAME_TYPE_FAILED)
		return reject(why, REASON_INTERNAL, "unexpected %s", frame_name(frame->type));
	if (!message_failed_read(&failure, &in, why))
		return false;
	i = errand_find(errand, &failure.key);
	if (i == errand->n)
		return true;
	/* The errand outlives the frame. */
	if (!arena_copy(session->arena, &refusal,
	    (struct bytes){ failure.refusal.ptr, failure.refusal.len }, why))
		return false;
	failure.refusal = (struct dv_span){ refusal.ptr, refusal.len };
	errand_fail(errand, i, &failure);
	return true;
}

/* Until every key was found or failed; a fetcher that breaks has failed them all. */
static bool
fetch(struct session *session, struct errand *errand, struct reason *why)
{
	int64_t secs = session->config->request_deadline_secs, until;

	for (size_t i = 0; i < errand->n; i++)
		if (errand->keys[i].type == DV_FACT_IMAGE || errand->keys[i].type == DV_FACT_KERNEL)
			secs = session->config->request_deadline_secs +
			    session->config->image_download_timeout_secs;
	until = milliseconds() + secs * 1000 + FETCHER_MS;
	if (!fetcher_open(session, why))
		return false;
	for (size_t i = 0; i < errand->n; i++)
		if (!key_send(session, &errand->keys[i], why))
			return false;
	while (errand_open(errand)) {
		AUTO(blob_free) struct blob *payload = NULL;
		struct frame frame;

		if (!fetcher_frame(session, &frame, &payload, until, why) ||
		    !fetched(session, errand, &frame, payload, why))
			return false;
	}
	return true;
}

bool
session_images(struct session *session, struct images_done_message *done, struct reason *why)
{
	struct frame frame;
	bool ok;
	CBS in;
	CBB cbb;

	if (!fetcher_open(session, why))
		return false;
	if (!CBB_init(&cbb, 64))
		return reject(why, REASON_INTERNAL, "no memory");
	ok = child_send(&session->fetcher, FRAME_TYPE_IMAGES,
	    message_images_write(&cbb, &session->options->images), &cbb, -1, why) &&
	    fetcher_frame(session, &frame, &session->payload, milliseconds() + IMAGES_MS, why);
	progress_end(&session->progress);
	if (!ok)
		return false;
	if (frame.type != FRAME_TYPE_IMAGES_DONE)
		return reject(why, REASON_INTERNAL, "unexpected %s", frame_name(frame.type));
	in = cbs_bytes(blob_bytes(session->payload));
	return message_images_done_read(done, &in, why);
}

static void
errand_begin(struct errand *errand, const struct dv_key *keys, size_t n)
{
	errand->n = n;
	for (size_t i = 0; i < n; i++) {
		errand->keys[i] = keys[i];
		errand->done[i] = false;
	}
}

static bool
needs(struct session *session, struct errand *errand, struct blob *payload, struct reason *why)
{
	struct dv_key keys[DV_NEEDS_MAX];
	struct reason broken = { 0 };
	CBS in = cbs_bytes(blob_bytes(payload));
	size_t n;
	bool ok;

	if (!message_need_read(keys, &n, &in, why))
		return false;
	errand_begin(errand, keys, n);
	ok = fetch(session, errand, &broken);
	progress_end(&session->progress);
	if (ok)
		return true;
	session_say(session->config, LOG_LEVEL_WARN, "dstack-verifier-fetcher: %s", broken.text);
	for (size_t i = 0; i < errand->n; i++)
		if (!errand->done[i])
			errand_lose(errand, i);
	return true;
}

static bool
job_send(struct session *session, enum job_kind kind, const struct errand *errand,
    struct blob *body, struct reason *why)
{
	struct job_head head = {
		.kind = kind,
		.full_reason = true,
		.summary = isatty(STDERR_FILENO),
		.nfailures = errand->nfailures,
	};
	CBB cbb;
	bool ok;

	memcpy(head.failures, errand->failures, sizeof head.failures);
	if (!CBB_init(&cbb, 256))
		return reject(why, REASON_INTERNAL, "no memory");
	ok = message_job_write(&cbb, &head) &&
	    channel_send(session->worker.channel, FRAME_TYPE_JOB, 1,
	    (struct bytes){ CBB_data(&cbb), CBB_len(&cbb) }, body, -1, why);
	CBB_cleanup(&cbb);
	return ok;
}

/* One round: the job, and what comes back; *done when that is a verdict. */
static bool
ask(struct session *session, struct session_answer *answer, bool *done, enum job_kind kind,
    struct errand *errand, struct blob *body, struct reason *why)
{
	struct frame frame;
	CBS in;

	blob_free(TAKE(session->payload));
	if (!job_send(session, kind, errand, body, why) ||
	    !frame_wait(&session->worker, &frame, &session->payload, milliseconds() + ANSWER_MS,
	    why))
		return reject_as(why, "dstack-verifier-worker");
	if (frame.type == FRAME_TYPE_NEED)
		return needs(session, errand, session->payload, why);
	if (frame.type != FRAME_TYPE_VERDICT)
		return reject(why, REASON_INTERNAL, "unexpected %s", frame_name(frame.type));
	*done = true;
	in = cbs_bytes(blob_bytes(session->payload));
	return message_verdict_read(&answer->head, &answer->text, &in, why);
}

bool
session_judge(struct session *session, struct session_answer *answer, enum job_kind kind,
    struct bytes body, struct reason *why)
{
	AUTO(blob_free) struct blob *copy = blob_new(body.len);
	struct errand errand = { 0 };
	bool done = false;

	if (copy == NULL)
		return reject(why, REASON_INTERNAL, "no memory");
	bytes_copy(copy->data, body);
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		if (!ask(session, answer, &done, kind, &errand, copy, why))
			return false;
		if (done)
			return true;
	}
	return reject(why, REASON_INTERNAL, "asked too often for the same facts");
}

int
session_print(const struct session *session, const struct session_answer *answer)
{
	bool ok = fwrite(answer->text.ptr, 1, answer->text.len, stdout) == answer->text.len &&
	    fputc('\n', stdout) != EOF;

	if (fflush(stdout) != 0 || !ok) {
		session_say(session->config, LOG_LEVEL_ERROR, "cannot write the answer: %m");
		return EXIT_INVALID;
	}
	if (answer->head.summary.len != 0)
		(void)fwrite(answer->head.summary.ptr, 1, answer->head.summary.len, stderr);
	return answer->head.valid ? EXIT_VALID : EXIT_INVALID;
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
