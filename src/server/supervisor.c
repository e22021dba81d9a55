#include "server/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "config.h"
#include "ipc/log.h"
#include "ipc/message.h"
#include "server/child.h"
#include "server/notify.h"

/* Pauses before a restart double from the first to the last; a child that lived for
 * LIVED_WELL_SECS starts from the first again. */
#define RESTART_MIN_MS          100
#define RESTART_MAX_MS          10000
#define LIVED_WELL_SECS         60

/* A child that is not ready by then is killed, and started again. */
#define READY_SECS              30

/* How long all children together may take to end, once the acceptor has. */
#define END_PATIENCE_MS         3000
#define END_PAUSE_MS            10

/* How much longer than its own deadline the acceptor may take to drain. */
#define DRAIN_EXTRA_SECS        5

enum state {
	DOWN = 0,               /* waiting for its restart                              */
	STARTING,               /* has its configuration, is not ready                  */
	HELD,                   /* ready, but there is no acceptor to give it to        */
	RUNNING,                /* acceptor: listening; others: the acceptor has them   */
};

struct slot {
	struct supervisor *supervisor;
	const char *program;
	unsigned role;
	uint32_t index;                 /* of a worker                                 */
	struct bytes config;
	enum state state;
	bool    was_ready;              /* since the supervisor started                */
	bool    killed;                 /* not waited for yet, and not listened to     */
	struct child child;
	struct blob *ready;             /* a worker's READY payload, until it is given */
	struct event *readable;
	struct event *timer;            /* restart when DOWN, READY_SECS when STARTING */
	unsigned pause_ms;
	time_t  started;
};

struct supervisor {
	const struct supervisor_setup *setup;
	struct event_base *base;
	struct event *signals[3];
	struct event *drain_timer;
	struct slot acceptor, fetcher;
	struct slot workers[SUPERVISOR_MAX_WORKERS];
	struct helpers *helpers;
	bool    announced;              /* READY was told to the service manager       */
	bool    draining;
	bool    failed;                 /* ends with `why`                             */
	struct reason why;
};

static time_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void
timer_set(struct event *timer, unsigned ms)
{
	const struct timeval wait = { ms / 1000, (ms % 1000) * 1000 };

	(void)evtimer_add(timer, &wait);
}

/* The first failure is the one that is told. */
static void
fail(struct supervisor *s, const struct reason *why)
{
	if (!s->failed)
		s->why = *why;
	s->failed = true;
	(void)event_base_loopbreak(s->base);
}

/* Which slot; the workers come last. */
static struct slot *
slot_of(struct supervisor *s, size_t i)
{
	if (i == 0)
		return &s->acceptor;
	if (i == 1)
		return &s->fetcher;
	return i - 2 < s->setup->nworkers ? &s->workers[i - 2] : NULL;
}

static void
unwatch(struct slot *slot)
{
	if (slot->readable != NULL)
		event_free(slot->readable);
	slot->readable = NULL;
}

static void     slot_readable(evutil_socket_t fd, short what, void *arg);

static void
watch(struct slot *slot)
{
	short what = EV_READ | EV_PERSIST;

	unwatch(slot);
	if (slot->killed)
		return;
	if (channel_pending(slot->child.channel))
		what |= EV_WRITE;
	slot->readable = event_new(slot->supervisor->base, channel_fd(slot->child.channel), what,
	    slot_readable, slot);
	if (slot->readable == NULL || event_add(slot->readable, NULL) == -1)
		abort();
}

static bool
configure(struct slot *slot, struct reason *why)
{
	const struct supervisor_setup *setup = slot->supervisor->setup;

	if (!channel_send(slot->child.channel, FRAME_TYPE_CONFIG, 0, slot->config, NULL, -1, why))
		return false;
	for (size_t i = 0; slot->role == FRAME_WORKER && i < setup->npins; i++)
		if (!channel_send(slot->child.channel, FRAME_TYPE_PIN, 0, setup->pins[i], NULL, -1,
		    why))
			return false;
	return true;
}

static void
slot_start(struct slot *slot)
{
	struct supervisor *s = slot->supervisor;
	struct reason why = { 0 };

	slot->started = now();
	slot->killed = false;
	if (!child_start(&slot->child, s->setup->directory, slot->program, slot->role,
	    FRAME_SUPERVISOR, &why) || !configure(slot, &why)) {
		fail(s, &why);
		return;
	}
	slot->state = STARTING;
	watch(slot);
	timer_set(slot->timer, READY_SECS * 1000);
}

/* Hands a ready worker to the acceptor; our end of its socket is then closed. */
static bool
worker_give(struct slot *slot, struct reason *why)
{
	struct supervisor *s = slot->supervisor;
	struct ready_message ready = { 0 };
	struct worker_message worker = { .slot = slot->index };
	CBS in = cbs_bytes(blob_bytes(slot->ready));
	CBB cbb;

	if (!message_ready_read(&ready, &in, why))
		return false;
	worker.deadline = ready.deadline;
	worker.internal = ready.internal;
	if (!CBB_init(&cbb, 1024))
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!child_send(&s->acceptor.child, FRAME_TYPE_WORKER, message_worker_write(&cbb, &worker),
	    &cbb, channel_fd(slot->child.channel), why))
		return false;
	child_close(&slot->child);
	blob_free(TAKE(slot->ready));
	return true;
}

/* Gives a ready fetcher and the acceptor a socket of their own. */
static bool
fetcher_give(struct slot *slot, struct reason *why)
{
	struct supervisor *s = slot->supervisor;
	const struct bytes nothing = { 0 };
	int ends[2];
	bool ok;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return reject(why, REASON_INTERNAL, "cannot make a socket pair: %s",
		    strerror(errno));
	ok = channel_send(slot->child.channel, FRAME_TYPE_ACCEPTOR, 0, nothing, NULL, ends[0],
	    why) && channel_send(s->acceptor.child.channel, FRAME_TYPE_FETCHER, 0, nothing, NULL,
	    ends[1], why);
	(void)close(ends[0]);
	(void)close(ends[1]);
	if (ok)
		watch(slot);
	return ok;
}

static void
give(struct slot *slot)
{
	struct supervisor *s = slot->supervisor;
	struct reason why = { 0 };

	if (s->acceptor.state != RUNNING) {
		slot->state = HELD;
		return;
	}
	if (!(slot->role == FRAME_WORKER ? worker_give(slot, &why) : fetcher_give(slot, &why))) {
		fail(s, &why);
		return;
	}
	watch(&s->acceptor);
	slot->state = RUNNING;
}

static bool
all_running(struct supervisor *s)
{
	struct slot *slot;

	for (size_t i = 0; (slot = slot_of(s, i)) != NULL; i++)
		if (slot->state != RUNNING)
			return false;
	return true;
}

static void
acceptor_ready(struct supervisor *s)
{
	struct slot *slot;
	struct reason why = { 0 };

	if (!channel_send(s->acceptor.child.channel, FRAME_TYPE_LISTEN, 0, (struct bytes){ 0 }, NULL,
	    s->setup->listener, &why)) {
		fail(s, &why);
		return;
	}
	s->acceptor.state = RUNNING;
	watch(&s->acceptor);
	for (size_t i = 1; (slot = slot_of(s, i)) != NULL; i++)
		if (slot->state == HELD)
			give(slot);
}

static void
slot_ready(struct slot *slot, struct blob *payload)
{
	struct supervisor *s = slot->supervisor;
	struct ready_message ready;
	struct reason why = { 0 };
	CBS in = cbs_bytes(blob_bytes(payload));

	if (!message_ready_read(&ready, &in, &why) || !ready.ok) {
		if (why.kind == REASON_NONE)
			(void)reject(&why, REASON_MALFORMED, "%.*s", (int)ready.reason.len,
			    (const char *)ready.reason.ptr);
		log_line(LOG_ERR, "supervisor", "program=%s refused=\"%s\"", slot->program,
		    why.text);
		if (!slot->was_ready)
			fail(s, &why);
		return;
	}
	slot->was_ready = true;
	(void)evtimer_del(slot->timer);
	if (slot == &s->acceptor) {
		acceptor_ready(s);
	} else if (slot == &s->fetcher) {
		give(slot);
	} else {
		unwatch(slot);
		slot->ready = blob_ref(payload);
		give(slot);
	}
	if (!s->announced && all_running(s)) {
		s->announced = true;
		log_line(LOG_INFO, "supervisor", "ready workers=%u", (unsigned)s->setup->nworkers);
		notify_service("READY=1");
	}
}

/* The acceptor's word that a worker has been silent on a job for too long. */
static bool
stuck(struct supervisor *s, struct blob *payload, struct reason *why)
{
	CBS in = cbs_bytes(blob_bytes(payload));
	uint32_t index;

	if (!message_stuck_read(&index, &in, why))
		return false;
	if (index >= s->setup->nworkers)
		return reject(why, REASON_MALFORMED, "STUCK names worker %u", (unsigned)index);
	if (s->workers[index].child.pid > 0) {
		log_line(LOG_WARNING, "supervisor", "worker=%u stuck=true", (unsigned)index);
		(void)kill(s->workers[index].child.pid, SIGKILL);
	}
	return true;
}

/* A peer that makes no sense loses its life; SIGCHLD brings the next one. */
static void
slot_kill(struct slot *slot, const struct reason *why)
{
	if (why->kind != REASON_NONE)
		log_line(LOG_ERR, "supervisor", "program=%s error=\"%s\"", slot->program,
		    why->text);
	slot->killed = true;
	unwatch(slot);
	if (slot->child.pid > 0)
		(void)kill(slot->child.pid, SIGKILL);
}

/* Passes on to the fetcher what a helper says. */
static void
helper_answer(void *context, enum frame_type type, uint64_t ticket, struct bytes payload)
{
	struct supervisor *s = context;
	struct reason why = { 0 };

	if (s->fetcher.killed)
		return;
	if (channel_send(s->fetcher.child.channel, type, ticket, payload, NULL, -1, &why))
		watch(&s->fetcher);
	else
		slot_kill(&s->fetcher, &why);
}

static bool
dispatch(struct slot *slot, const struct frame *frame, struct blob *payload, const int *fds,
    struct reason *why)
{
	struct supervisor *s = slot->supervisor;

	if (frame->type == FRAME_TYPE_READY && slot->state == STARTING) {
		slot_ready(slot, payload);
		return true;
	}
	if (frame->type == FRAME_TYPE_STUCK && slot == &s->acceptor && slot->state == RUNNING)
		return stuck(s, payload, why);
	if (slot == &s->fetcher && (slot->state == RUNNING || slot->state == HELD))
		return helpers_ask(s->helpers, frame, blob_bytes(payload), fds, why);
	return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
}

static void
slot_readable(evutil_socket_t fd, short what, void *arg)
{
	struct slot *slot = arg;
	struct reason why = { 0 };
	struct frame frame;
	struct blob *payload;
	int fds[FRAME_MAX_FDS];
	bool ok;

	if ((what & EV_WRITE) != 0 && !channel_flush(slot->child.channel, &why)) {
		slot_kill(slot, &why);
		return;
	}
	/* Handling a frame can give the channel away, or cost its sender its life. */
	while (slot->child.channel != NULL && !slot->killed) {
		switch (channel_receive_fds(slot->child.channel, &frame, &payload, fds, &why)) {
		case CHANNEL_FRAME:
			ok = dispatch(slot, &frame, payload, fds, &why);
			blob_free(payload);
			for (unsigned i = 0; i < frame.nfds; i++)
				(void)close(fds[i]);
			if (!ok) {
				slot_kill(slot, &why);
				return;
			}
			break;
		case CHANNEL_IDLE:
			if ((what & EV_WRITE) != 0)
				watch(slot);
			return;
		case CHANNEL_CLOSED:
		case CHANNEL_BROKEN:
			slot_kill(slot, &why);
			return;
		}
	}
}

static void
slot_timer(evutil_socket_t fd, short what, void *arg)
{
	struct slot *slot = arg;
	struct reason why = { 0 };

	if (slot->state == STARTING) {
		(void)reject(&why, REASON_INTERNAL, "not ready after %d seconds", READY_SECS);
		slot_kill(slot, &why);
	} else if (slot->state == DOWN && !slot->supervisor->draining) {
		slot_start(slot);
	}
}

static void
slot_died(struct slot *slot, int status)
{
	struct supervisor *s = slot->supervisor;
	time_t lived = now() - slot->started;

	unwatch(slot);
	child_close(&slot->child);
	blob_free(TAKE(slot->ready));
	slot->child.pid = 0;
	slot->state = DOWN;
	(void)evtimer_del(slot->timer);
	if (slot == &s->fetcher)
		helpers_end(s->helpers);
	/* The next one gets a socket of its own with it. */
	if (slot == &s->acceptor && s->fetcher.state == RUNNING)
		s->fetcher.state = HELD;
	if (s->draining) {
		if (slot == &s->acceptor)
			(void)event_base_loopbreak(s->base);
		return;
	}
	log_line(LOG_WARNING, "supervisor", "program=%s worker=%u died=true %s=%d lived_s=%lld",
	    slot->program, (unsigned)slot->index, WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (long long)lived);
	if (lived >= LIVED_WELL_SECS || slot->pause_ms == 0)
		slot->pause_ms = RESTART_MIN_MS;
	else
		slot->pause_ms = slot->pause_ms >= RESTART_MAX_MS / 2 ? RESTART_MAX_MS :
		    2 * slot->pause_ms;
	timer_set(slot->timer, slot->pause_ms);
}

static void
child_signal(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	struct slot *slot;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (helpers_reaped(s->helpers, pid))
			continue;
		for (size_t i = 0; (slot = slot_of(s, i)) != NULL; i++)
			if (slot->child.pid == pid)
				slot_died(slot, status);
	}
}

static void
drain_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	log_line(LOG_WARNING, "supervisor", "drain=timeout");
	(void)event_base_loopbreak(s->base);
}

static void
end_signal(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	struct reason why = { 0 };

	if (s->draining)
		return;
	s->draining = true;
	log_line(LOG_INFO, "supervisor", "stopping signal=%d", (int)fd);
	notify_service("STOPPING=1");
	if (s->acceptor.state != RUNNING || !channel_send(s->acceptor.child.channel,
	    FRAME_TYPE_DRAIN, 0, (struct bytes){ 0 }, NULL, -1, &why)) {
		(void)event_base_loopbreak(s->base);
		return;
	}
	timer_set(s->drain_timer, (unsigned)(s->setup->drain_deadline_secs + DRAIN_EXTRA_SECS) * 1000);
}

static bool
slot_init(struct slot *slot, struct supervisor *s, const char *program, unsigned role,
    struct bytes config)
{
	slot->supervisor = s;
	slot->program = program;
	slot->role = role;
	slot->config = config;
	slot->timer = evtimer_new(s->base, slot_timer, slot);
	return slot->timer != NULL;
}

static bool
supervisor_init(struct supervisor *s, const struct supervisor_setup *setup)
{
	bool ok;

	s->setup = setup;
	s->base = event_base_new();
	if (s->base == NULL)
		return false;
	s->signals[0] = evsignal_new(s->base, SIGCHLD, child_signal, s);
	s->signals[1] = evsignal_new(s->base, SIGTERM, end_signal, s);
	s->signals[2] = evsignal_new(s->base, SIGINT, end_signal, s);
	for (size_t i = 0; i < NELEM(s->signals); i++)
		if (s->signals[i] == NULL || event_add(s->signals[i], NULL) == -1)
			return false;
	s->drain_timer = evtimer_new(s->base, drain_timeout, s);
	s->helpers = helpers_new(s->base, &setup->helpers, helper_answer, s);
	ok = s->drain_timer != NULL && s->helpers != NULL &&
	    slot_init(&s->acceptor, s, "dstack-verifier-acceptor", FRAME_ACCEPTOR,
	    setup->acceptor_config) &&
	    slot_init(&s->fetcher, s, "dstack-verifier-fetcher", FRAME_FETCHER,
	    setup->fetcher_config);
	for (uint32_t i = 0; ok && i < setup->nworkers; i++) {
		ok = slot_init(&s->workers[i], s, "dstack-verifier-worker", FRAME_WORKER,
		    setup->worker_config);
		s->workers[i].index = i;
	}
	return ok;
}

static void
slot_fini(struct slot *slot)
{
	unwatch(slot);
	if (slot->timer != NULL)
		event_free(slot->timer);
	child_close(&slot->child);
	blob_free(slot->ready);
}

/* Waits for a child that has seen the end of its socket, and kills one that has not. */
static void
slot_end(struct slot *slot, unsigned *patience_ms)
{
	const struct timespec pause = { .tv_nsec = END_PAUSE_MS * 1000000L };
	int status = 0;
	pid_t pid;

	if (slot->child.pid <= 0)
		return;
	while ((pid = waitpid(slot->child.pid, &status, WNOHANG)) == 0 &&
	    *patience_ms >= END_PAUSE_MS) {
		(void)nanosleep(&pause, NULL);
		*patience_ms -= END_PAUSE_MS;
	}
	if (pid == 0) {
		(void)kill(slot->child.pid, SIGKILL);
		while (waitpid(slot->child.pid, &status, 0) == -1 && errno == EINTR)
			continue;
	}
	/* One that was just starting finds its peer gone, and has a right to say so. */
	if (status != 0 && slot->state == RUNNING)
		log_line(LOG_WARNING, "supervisor", "program=%s ended=badly status=0x%x",
		    slot->program, (unsigned)status);
}

static void
supervisor_fini(struct supervisor *s)
{
	unsigned patience_ms = END_PATIENCE_MS;
	struct slot *slot;

	helpers_free(s->helpers);
	for (size_t i = 0; (slot = slot_of(s, i)) != NULL; i++)
		slot_fini(slot);
	for (size_t i = 0; (slot = slot_of(s, i)) != NULL; i++)
		slot_end(slot, &patience_ms);
	for (size_t i = 0; i < NELEM(s->signals); i++)
		if (s->signals[i] != NULL)
			event_free(s->signals[i]);
	if (s->drain_timer != NULL)
		event_free(s->drain_timer);
	if (s->base != NULL)
		event_base_free(s->base);
	free(s);
}

bool
supervisor_run(const struct supervisor_setup *setup, struct reason *why)
{
	struct supervisor *s = calloc(1, sizeof *s);
	struct slot *slot;
	bool ok = true;

	assert(setup->nworkers > 0 && setup->nworkers <= SUPERVISOR_MAX_WORKERS);
	if (s == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (supervisor_init(s, setup)) {
		for (size_t i = 0; (slot = slot_of(s, i)) != NULL && !s->failed; i++)
			slot_start(slot);
		if (!s->failed)
			(void)event_base_dispatch(s->base);
	} else {
		(void)reject(&s->why, REASON_INTERNAL, "out of memory");
		s->failed = true;
	}
	if (s->failed) {
		*why = s->why;
		ok = false;
	}
	supervisor_fini(s);
	return ok;
}
