/*
 * acceptor.c - the main loop, and what the supervisor says
 */
#include "server/acceptor.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "server/connection.h"

#define SOCKET_FD               3               /* where every child finds its socket       */
#define SUPERVISOR_MAX_PENDING  ((size_t)1 << 20)
/* Descriptors for other things than clients. */
#define OTHER_DESCRIPTORS       512
/* A body has to fit into a frame, with the head of a job. */
#define BODY_MAX_LEN            ((uint64_t)16 << 20)

int64_t
acceptor_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
acceptor_reap(struct acceptor *acceptor)
{
	connections_reap(acceptor);
	peers_reap(acceptor);
	acceptor_drained_check(acceptor);
}

void
acceptor_drain(struct acceptor *acceptor)
{
	if (acceptor->draining)
		return;
	log_line(LOG_INFO, ACCEPTOR_NAME, "event=drain connections=%zu", acceptor->nconnections);
	acceptor->draining = true;
	acceptor->drain_until_ms = acceptor_now_ms() +
	    (int64_t)acceptor->config.drain_deadline_secs * 1000;
	connections_stop(acceptor);
	connections_drain(acceptor);
}

void
acceptor_drained_check(struct acceptor *acceptor)
{
	if (acceptor->draining && acceptor->nconnections == 0)
		(void)event_base_loopbreak(acceptor->base);
}

/* More descriptors than the usual soft limit, as far as we may. */
static void
descriptors_allow(uint64_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= n + OTHER_DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < n + OTHER_DESCRIPTORS ? limit.rlim_max :
	    n + OTHER_DESCRIPTORS;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < n + OTHER_DESCRIPTORS)
		log_line(LOG_WARNING, ACCEPTOR_NAME, "descriptors=%" PRIu64 " wanted=%" PRIu64,
		    (uint64_t)limit.rlim_cur, n + OTHER_DESCRIPTORS);
}

static bool
configure(struct acceptor *acceptor, CBS *in, struct reason *why)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	const struct ready_message ready = { .ok = true };
	struct acceptor_config *config = &acceptor->config;
	uint8_t room[64];
	CBB cbb;
	bool ok;

	if (acceptor->configured)
		return reject(why, REASON_MALFORMED, "configured twice");
	if (!message_acceptor_config_read(config, in, why))
		return false;
	if (config->max_body_bytes > BODY_MAX_LEN)
		config->max_body_bytes = BODY_MAX_LEN;
	log_level_set(config->log_level < NELEM(priorities) ? priorities[config->log_level] :
	    LOG_DEBUG);
	descriptors_allow(config->max_connections);
	acceptor->configured = true;
	ok = CBB_init_fixed(&cbb, room, sizeof room) && message_ready_write(&cbb, &ready);
	ok = ok ? channel_send(acceptor->supervisor, FRAME_TYPE_READY, 0,
	    (struct bytes){ CBB_data(&cbb), CBB_len(&cbb) }, NULL, -1, why) :
	    reject(why, REASON_INTERNAL, "out of memory");
	CBB_cleanup(&cbb);
	return ok;
}

/* One frame of the supervisor; the descriptor becomes ours. */
static bool
dispatch(struct acceptor *acceptor, const struct frame *frame, struct bytes payload, int fd,
    struct reason *why)
{
	CBS in = cbs_bytes(payload);

	if (!acceptor->configured && frame->type != FRAME_TYPE_CONFIG) {
		if (fd != -1)
			(void)close(fd);
		return reject(why, REASON_MALFORMED, "%s before the configuration",
		    frame_name(frame->type));
	}
	switch (frame->type) {
	case FRAME_TYPE_CONFIG:
		return configure(acceptor, &in, why);
	case FRAME_TYPE_LISTEN:
		connections_listen(acceptor, fd);
		return true;
	case FRAME_TYPE_WORKER:
		return peers_worker(acceptor, payload, fd, why);
	case FRAME_TYPE_FETCHER:
		peers_fetcher(acceptor, fd);
		return true;
	case FRAME_TYPE_DRAIN:
		acceptor_drain(acceptor);
		return true;
	default:
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	}
}

static void
end(struct acceptor *acceptor, const char *why)
{
	if (why != NULL)
		log_line(LOG_ERR, ACCEPTOR_NAME, "error=\"supervisor: %s\"", why);
	acceptor->failed = why != NULL;
	(void)event_base_loopbreak(acceptor->base);
}

static void
supervisor_read(evutil_socket_t socket, short what, void *arg)
{
	struct acceptor *acceptor = arg;
	struct reason why = { 0 };
	struct frame frame;
	struct blob *payload;
	int fd;
	bool ok;

	for (;;) {
		switch (channel_receive(acceptor->supervisor, &frame, &payload, &fd, &why)) {
		case CHANNEL_FRAME:
			ok = dispatch(acceptor, &frame, blob_bytes(payload), fd, &why);
			blob_free(payload);
			if (!ok) {
				end(acceptor, why.text);
				return;
			}
			break;
		case CHANNEL_IDLE:
			if (channel_pending(acceptor->supervisor))
				(void)event_add(&acceptor->supervisor_write, NULL);
			acceptor_reap(acceptor);
			return;
		case CHANNEL_CLOSED:
			end(acceptor, NULL);
			return;
		case CHANNEL_BROKEN:
			end(acceptor, why.text);
			return;
		}
	}
}

static void
supervisor_write(evutil_socket_t socket, short what, void *arg)
{
	struct acceptor *acceptor = arg;
	struct reason why = { 0 };

	if (channel_flush(acceptor->supervisor, &why) && channel_pending(acceptor->supervisor))
		(void)event_add(&acceptor->supervisor_write, NULL);
}

static void
on_tick(evutil_socket_t socket, short what, void *arg)
{
	struct acceptor *acceptor = arg;
	int64_t now_ms = acceptor_now_ms();

	peers_tick(acceptor, now_ms);
	if (!acceptor->draining || now_ms < acceptor->drain_until_ms)
		return;
	log_line(LOG_WARNING, ACCEPTOR_NAME, "event=drain_deadline connections=%zu",
	    acceptor->nconnections);
	end(acceptor, NULL);
}

/* No timer of precise kind: that is a system call each time. */
static struct event_base *
base_new(void)
{
	AUTO(event_config_free) struct event_config *config = event_config_new();

	if (config == NULL ||
	    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == -1 ||
	    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == -1)
		return NULL;
	return event_base_new_with_config(config);
}

static bool
start(struct acceptor *acceptor)
{
	static const struct timeval second = { .tv_sec = 1 };

	acceptor->listen_fd = -1;
	TAILQ_INIT(&acceptor->connections);
	TAILQ_INIT(&acceptor->closed);
	queue_init(&acceptor->queue);
	facts_init(&acceptor->facts);
	acceptor->base = base_new();
	acceptor->read_buffer = malloc(ACCEPTOR_READ_LEN);
	acceptor->reserve_fd = dup(STDERR_FILENO);
	acceptor->supervisor = channel_new(SOCKET_FD, FRAME_ACCEPTOR, FRAME_SUPERVISOR,
	    SUPERVISOR_MAX_PENDING);
	if (acceptor->base == NULL || acceptor->read_buffer == NULL ||
	    acceptor->supervisor == NULL ||
	    getrandom(acceptor->siphash_key, SIPHASH_KEY_LEN, 0) != SIPHASH_KEY_LEN)
		return false;
	(void)event_assign(&acceptor->supervisor_read, acceptor->base, SOCKET_FD,
	    EV_READ | EV_PERSIST, supervisor_read, acceptor);
	(void)event_assign(&acceptor->supervisor_write, acceptor->base, SOCKET_FD, EV_WRITE,
	    supervisor_write, acceptor);
	(void)event_assign(&acceptor->tick, acceptor->base, -1, EV_PERSIST, on_tick, acceptor);
	return event_add(&acceptor->supervisor_read, NULL) == 0 &&
	    event_add(&acceptor->tick, &second) == 0;
}

static void
stop(struct acceptor *acceptor)
{
	connections_fini(acceptor);
	peers_fini(acceptor);
	queue_fini(acceptor);
	facts_fini(acceptor);
	(void)event_del(&acceptor->supervisor_read);
	(void)event_del(&acceptor->supervisor_write);
	(void)event_del(&acceptor->tick);
	channel_free(acceptor->supervisor);
	event_base_free(acceptor->base);
	free(acceptor->read_buffer);
}

int
main(void)
{
	static struct acceptor acceptor;

	/* A terminal's interrupt reaches all of a group; what to do then says the supervisor. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	if (!start(&acceptor)) {
		log_line(LOG_ERR, ACCEPTOR_NAME, "error=\"cannot start: no socket on descriptor "
		    "%d, or no memory\"", SOCKET_FD);
		return EXIT_FAILURE;
	}
	(void)event_base_dispatch(acceptor.base);
	stop(&acceptor);
	return acceptor.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
