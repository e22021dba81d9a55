/*
 * worker.c - verify(), one job at a time
 *
 * A worker is given its configuration and then jobs and facts, all on one socket, and answers
 * on it.  It opens nothing, asks nobody else, and remembers only what its library remembers.
 * This main loop is the one place that reads the clock, once for each run of verify().
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ipc/channel.h"
#include "ipc/message.h"

#define SOCKET_FD       3               /* where every child finds its socket       */
#define CONFIG_MAX_LEN  ((size_t)8 << 20)
#define PENDING_MAX_LEN ((size_t)64 << 20)      /* answers an acceptor did not take yet */
#define ERROR_LEN       512

struct worker {
	struct channel *channel;
	struct arena *arena;            /* the configuration's strings              */
	struct worker_config config;
	uint32_t npinned;
	struct dv_context *context;     /* NULL until configured                    */
};

static int64_t
now_read(const struct worker *worker)
{
	const struct dv_options *options = &worker->config.options;

	return options->pinned_at ? options->at : (int64_t)time(NULL);
}

/* Sends what a _write appended to the CBB, and ends the CBB. */
static bool
send_cbb(struct worker *worker, enum frame_type type, uint64_t job, bool written, CBB *cbb,
    struct reason *why)
{
	bool ok = written ? channel_send(worker->channel, type, job,
	    (struct bytes){ CBB_data(cbb), CBB_len(cbb) }, NULL, -1, why) :
	    reject(why, REASON_INTERNAL, "out of memory");

	CBB_cleanup(cbb);
	return ok;
}

static bool
ready_send(struct worker *worker, const struct ready_message *ready, struct reason *why)
{
	CBB cbb;

	if (!CBB_init(&cbb, 4096))
		return reject(why, REASON_INTERNAL, "out of memory");
	return send_cbb(worker, FRAME_TYPE_READY, 0, message_ready_write(&cbb, ready), &cbb, why);
}

/* The ready-made answers that the acceptor gives where no worker can. */
static bool
ready(struct worker *worker, struct reason *why)
{
	struct ready_message message = { .ok = true };
	struct dv_answer answer;
	struct bytes deadline;

	if (!dv_fault_answer(worker->context, &answer, DV_FAULT_DEADLINE, NULL) ||
	    !arena_copy(worker->arena, &deadline,
	    (struct bytes){ answer.json.ptr, answer.json.len }, why) ||
	    !dv_fault_answer(worker->context, &answer, DV_FAULT_INTERNAL, NULL))
		return reject(why, REASON_INTERNAL, "out of memory");
	message.deadline = deadline;
	message.internal = (struct bytes){ answer.json.ptr, answer.json.len };
	return ready_send(worker, &message, why);
}

/* Tells the supervisor what is wrong with the configuration; it ends this process. */
static bool
not_ready(struct worker *worker, uint32_t pin_no, const char *error, struct reason *why)
{
	const struct ready_message message = { .pin = pin_no, .reason = bytes_str(error) };

	return ready_send(worker, &message, why);
}

static bool
configure(struct worker *worker, CBS *in, struct reason *why)
{
	char error[ERROR_LEN];

	if (worker->context != NULL)
		return reject(why, REASON_MALFORMED, "configured twice");
	if (!message_worker_config_read(&worker->config, worker->arena, in, why))
		return false;
	worker->context = dv_context_new(&worker->config.options, error, sizeof error);
	if (worker->context == NULL)
		return not_ready(worker, 0, error, why);
	return worker->config.npins != 0 || ready(worker, why);
}

static bool
pin(struct worker *worker, CBS *in, struct reason *why)
{
	const struct dv_span json = { CBS_data(in), CBS_len(in) };
	char error[ERROR_LEN];

	if (worker->context == NULL || worker->npinned == worker->config.npins)
		return reject(why, REASON_MALFORMED, "PIN that was not announced");
	if (!dv_collateral_add(worker->context, json, now_read(worker), error, sizeof error))
		return not_ready(worker, worker->npinned + 1, error, why);
	return ++worker->npinned != worker->config.npins || ready(worker, why);
}

static bool
verdict_send(struct worker *worker, uint64_t job, const struct job_head *head,
    const struct dv_answer *answer, struct reason *why)
{
	struct verdict_head verdict = {
		.http_status = (unsigned)answer->http_status,
		.valid = answer->valid,
		.retryable = answer->retryable,
		.unavailable = answer->unavailable,
		.stage = answer->stage,
		.public_key_operations = answer->public_key_operations,
	};
	struct bytes text = { answer->json.ptr, answer->json.len };
	CBB cbb;

	if (answer->http_status != 200)
		text = bytes_str(answer->reason);
	if (head->summary && answer->summary != NULL)
		verdict.summary = bytes_str(answer->summary);
	if (!CBB_init(&cbb, 64 + verdict.summary.len + text.len))
		return reject(why, REASON_INTERNAL, "out of memory");
	return send_cbb(worker, FRAME_TYPE_VERDICT, job, message_verdict_write(&cbb, &verdict) &&
	    CBB_add_bytes(&cbb, text.ptr, text.len), &cbb, why);
}

static bool
need_send(struct worker *worker, uint64_t job, const struct dv_answer *answer, struct reason *why)
{
	CBB cbb;

	if (!CBB_init(&cbb, 256))
		return reject(why, REASON_INTERNAL, "out of memory");
	return send_cbb(worker, FRAME_TYPE_NEED, job,
	    message_need_write(&cbb, answer->needs, answer->nneeds), &cbb, why);
}

static bool
fault(struct worker *worker, struct dv_answer *answer, struct bytes text, struct reason *why)
{
	char words[ERROR_LEN];

	(void)snprintf(words, sizeof words, "%.*s", (int)text.len, (const char *)text.ptr);
	return dv_fault_answer(worker->context, answer, DV_FAULT_INPUT, words) ||
	    reject(why, REASON_INTERNAL, "out of memory");
}

static bool
job(struct worker *worker, uint64_t id, CBS *in, struct reason *why)
{
	struct job_head head = { 0 };
	struct bytes body;
	int64_t clock = (int64_t)time(NULL);
	struct dv_request request;
	struct dv_answer answer;
	bool ok = false;

	if (!message_job_read(&head, &body, in, why))
		return false;
	request = (struct dv_request){
		.body = { body.ptr, body.len },
		.now = worker->config.options.pinned_at ? worker->config.options.at : clock,
		.clock = clock,
		.failures = head.failures,
		.nfailures = head.nfailures,
		.full_reason = head.full_reason,
		.summary = head.summary,
	};
	switch (head.kind) {
	case JOB_VERIFY:
		ok = dv_verify(worker->context, &answer, &request);
		break;
	case JOB_QUOTE:
		ok = dv_quote(worker->context, &answer, &request);
		break;
	case JOB_FAULT:
		ok = fault(worker, &answer, body, why);
		break;
	}
	if (!ok)
		return reject(why, REASON_INTERNAL, "out of memory");
	return answer.nneeds != 0 ? need_send(worker, id, &answer, why) :
	    verdict_send(worker, id, &head, &answer, why);
}

static bool
fact(struct worker *worker, CBS *in, struct reason *why)
{
	struct fact_message message = { 0 };
	struct checked_message checked = { 0 };
	char error[ERROR_LEN] = "";
	CBB cbb;

	if (!message_fact_read(&message, in, why))
		return false;
	checked.key = message.key;
	checked.serial = message.serial;
	checked.accepted = dv_fact_offer(worker->context, &message.key, &message.fact,
	    now_read(worker), &checked.dates, error, sizeof error);
	checked.reason = bytes_str(error);
	if (!CBB_init(&cbb, 1024))
		return reject(why, REASON_INTERNAL, "out of memory");
	return send_cbb(worker, FRAME_TYPE_CHECKED, 0, message_checked_write(&cbb, &checked), &cbb,
	    why);
}

static bool
dispatch(void *context, const struct frame *frame, struct bytes payload,
    const int fds[FRAME_MAX_FDS], struct reason *why)
{
	struct worker *worker = context;
	CBS in = cbs_bytes(payload);

	switch (frame->type) {
	case FRAME_TYPE_CONFIG:
		return configure(worker, &in, why);
	case FRAME_TYPE_PIN:
		return pin(worker, &in, why);
	case FRAME_TYPE_JOB:
	case FRAME_TYPE_FACT:
		if (worker->context == NULL || worker->npinned != worker->config.npins)
			return reject(why, REASON_MALFORMED, "%s before the configuration",
			    frame_name(frame->type));
		return frame->type == FRAME_TYPE_JOB ? job(worker, frame->job, &in, why) :
		    fact(worker, &in, why);
	default:
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	}
}

int
main(void)
{
	struct worker worker = { 0 };
	struct reason why = { 0 };

	/* Its end is the end of its socket; a terminal's ^C goes to everybody, and there are jobs. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	worker.arena = arena_new(CONFIG_MAX_LEN);
	worker.channel = channel_new(SOCKET_FD, FRAME_WORKER, FRAME_SUPERVISOR | FRAME_ACCEPTOR,
	    PENDING_MAX_LEN);
	if (worker.arena == NULL || worker.channel == NULL) {
		(void)fprintf(stderr, "<3>worker error=\"no socket on descriptor %d\"\n",
		    SOCKET_FD);
		return EXIT_FAILURE;
	}
	while (channel_serve(worker.channel, dispatch, &worker, &why))
		(void)!channel_wait(worker.channel, -1);
	dv_context_free(worker.context);
	channel_free(worker.channel);
	arena_free(worker.arena);
	if (why.kind == REASON_NONE)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "<3>worker error=\"%s\"\n", why.text);
	return EXIT_FAILURE;
}
