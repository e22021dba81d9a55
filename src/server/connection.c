#include "server/connection.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "server/http_request.h"
#include "server/response.h"

#define ACCEPT_BATCH            64      /* connections taken before others get a turn   */
#define LINGER_MS               1000    /* for the client to see an early answer        */
/* Connections beyond max_connections that are told so; more than that are closed unheard. */
#define REFUSED_MAX             256
/* Bodies that are arriving may take this many times parked_max_bytes. */
#define RECEIVING_FACTOR        4

enum connection_state {
	CONNECTION_READING = 0, /* a head or a body, or waiting for one                 */
	CONNECTION_WAITING,     /* for the answer to a job                              */
	CONNECTION_WRITING,     /* the rest of an answer                                */
	CONNECTION_LINGERING,   /* all is said, what still comes is thrown away         */
	CONNECTION_CLOSED,
};

struct connection {
	TAILQ_ENTRY(connection) link;
	struct acceptor *acceptor;
	int     fd;
	enum connection_state state;
	struct event read, write, timer;
	struct http_request request;
	struct job *job;                /* while it waits                               */
	int64_t deadline_ms;            /* of the job, by acceptor_now_ms()             */
	bool    extended;
	size_t  receiving_len;          /* its share of acceptor->receiving_len         */
	uint8_t *ahead;                 /* came after the request that is being answered */
	size_t  ahead_len;
	bool    unread;                 /* answered before the request was read         */
	bool    keep;                   /* another request may follow                   */
	struct response response;
	char    head[RESPONSE_HEAD_SIZE];
	size_t  head_len, sent;
};

static void
timer_set(struct connection *c, int64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = ms % 1000 * 1000 };

	(void)event_add(&c->timer, &tv);
}

/* What the body that is arriving takes. */
static void
account(struct connection *c)
{
	size_t len = c->request.body == NULL ? 0 : c->request.body->len;

	c->acceptor->receiving_len += len - c->receiving_len;
	c->receiving_len = len;
}

static void
connection_close(struct connection *c)
{
	struct acceptor *acceptor = c->acceptor;

	assert(c->state != CONNECTION_CLOSED);
	c->state = CONNECTION_CLOSED;
	if (c->job != NULL)
		queue_abandon(acceptor, TAKE(c->job));
	(void)event_del(&c->read);
	(void)event_del(&c->write);
	(void)event_del(&c->timer);
	(void)close(c->fd);
	response_fini(&c->response);
	http_request_reset(&c->request);
	account(c);
	free(TAKE(c->ahead));
	TAILQ_REMOVE(&acceptor->connections, c, link);
	TAILQ_INSERT_TAIL(&acceptor->closed, c, link);
	acceptor->nconnections--;
}

void
connections_reap(struct acceptor *acceptor)
{
	struct connection *c;

	while ((c = TAILQ_FIRST(&acceptor->closed)) != NULL) {
		TAILQ_REMOVE(&acceptor->closed, c, link);
		free(c);
	}
}

/* Answers */

/* The answer has left: on to the next request, or to the end. */
static void
answered(struct connection *c)
{
	response_fini(&c->response);
	if (!c->keep && !c->unread) {
		connection_close(c);
		return;
	}
	if (!c->keep) {
		/* Closing with bytes unread would reset the connection, and lose the answer. */
		(void)shutdown(c->fd, SHUT_WR);
		c->state = CONNECTION_LINGERING;
		(void)event_add(&c->read, NULL);
		timer_set(c, LINGER_MS);
		return;
	}
	c->state = CONNECTION_READING;
	http_request_reset(&c->request);
	(void)event_add(&c->read, NULL);
	timer_set(c, (int64_t)c->acceptor->config.keep_alive_secs * 1000);
}

/* What of `from` is left when `sent` bytes have left. */
static struct iovec
rest_of(struct bytes from, size_t sent)
{
	size_t skip = sent < from.len ? sent : from.len;

	return (struct iovec){ (void *)(uintptr_t)(from.ptr + skip), from.len - skip };
}

/* Head and body in one call; what the socket does not take now is written when it does. */
static void
answer_write(struct connection *c)
{
	struct bytes head = { (const uint8_t *)c->head, c->head_len }, body = c->response.body;
	struct iovec iov[2] = {
		rest_of(head, c->sent),
		rest_of(body, c->sent < head.len ? 0 : c->sent - head.len),
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = NELEM(iov) };
	ssize_t n;

	do
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno != EAGAIN) {
		connection_close(c);
		return;
	}
	c->sent += n == -1 ? 0 : (size_t)n;
	if (c->sent == head.len + body.len)
		answered(c);
	else
		(void)event_add(&c->write, NULL);
}

/* Sends c->response. */
static void
answer(struct connection *c)
{
	enum response_connection said = RESPONSE_CLOSE;

	c->keep = c->request.keep_alive && !c->unread && !c->acceptor->draining;
	if (c->keep)
		said = c->request.http10 ? RESPONSE_KEEP_HTTP10 : RESPONSE_KEEP;
	c->head_len = response_head(c->head, &c->response, said, (int64_t)time(NULL));
	c->sent = 0;
	if (http_request_is_head(&c->request))
		c->response.body = (struct bytes){ 0 };
	c->state = CONNECTION_WRITING;
	answer_write(c);
	if (c->state == CONNECTION_WRITING)
		timer_set(c, (int64_t)c->acceptor->config.write_timeout_secs * 1000);
}

static void
answer_error(struct connection *c, unsigned status, struct bytes detail, const char *allow)
{
	if (!response_error(&c->response, status, detail)) {
		connection_close(c);
		return;
	}
	c->response.allow = allow;
	if (status == 503)
		c->response.retry_after_secs = 1;
	answer(c);
}

/* An answer given before the request was read, or to one whose end cannot be found. */
static void
answer_early(struct connection *c, unsigned status, const char *detail)
{
	c->unread = true;
	answer_error(c, status, bytes_str(detail), NULL);
}

/* One of the answers that workers have ready-made; without one, as if all were busy. */
static void
answer_ready(struct connection *c, struct blob *ready, const char *detail)
{
	if (ready == NULL) {
		answer_error(c, 503, bytes_str(detail), NULL);
		return;
	}
	c->response = (struct response){ .status = 200, .body = blob_bytes(ready),
	    .owner = blob_ref(ready) };
	answer(c);
}

static void
answer_verdict(struct connection *c, const struct job_result *result)
{
	const struct verdict_head *verdict = result->verdict;

	if (verdict->http_status != 200) {
		answer_error(c, verdict->http_status, result->text, NULL);
		return;
	}
	c->response = (struct response){ .status = 200, .body = result->text,
	    .owner = blob_ref(result->owner) };
	if (verdict->unavailable && c->acceptor->config.unavailable_status == 503) {
		c->response.status = 503;
		c->response.retry_after_secs = 15;
	}
	answer(c);
}

/* Requests */

/* The head is there: false when that was enough for an answer. */
static bool
head_done(struct connection *c, bool body_follows_at_once)
{
	struct http_request *r = &c->request;
	const struct acceptor_config *config = &c->acceptor->config;
	const char *allow = NULL;
	unsigned status = http_request_route(r, config->strict_http, &allow);

	if (status == 0) {
		timer_set(c, (int64_t)config->body_timeout_secs * 1000);
		if (r->expects_continue && !r->http10 && !body_follows_at_once &&
		    http_request_has_body(r))
			(void)send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
		return true;
	}
	c->unread = http_request_has_body(r);
	switch (status) {
	case 200:
		response_health(&c->response);
		answer(c);
		break;
	case 405:
		answer_error(c, 405, bytes_str("another method is needed here"), allow);
		break;
	case 413:
		answer_error(c, 413, bytes_str("the body is longer than max_body_bytes"), NULL);
		break;
	default:
		answer_error(c, 404, bytes_str("there are POST /verify and GET /health"), NULL);
		break;
	}
	return false;
}

/* The whole request is there: its body becomes a job. */
static void
request_done(struct connection *c)
{
	struct acceptor *acceptor = c->acceptor;
	int64_t deadline_ms = (int64_t)acceptor->config.request_deadline_secs * 1000;
	struct blob *body;

	body = http_request_take_body(&c->request);
	account(c);
	if (acceptor->draining) {
		blob_free(body);
		answer_error(c, 503, bytes_str("the server is shutting down"), NULL);
		return;
	}
	c->job = body == NULL ? NULL : queue_submit(acceptor, c, body);
	if (c->job == NULL) {
		answer_error(c, 503, bytes_str("too many requests are waiting"), NULL);
		return;
	}
	c->state = CONNECTION_WAITING;
	c->extended = false;
	c->deadline_ms = acceptor_now_ms() + deadline_ms;
	timer_set(c, deadline_ms);
}

/* Keeps what came after a request that is being answered. */
static void
ahead_keep(struct connection *c, struct bytes in)
{
	uint8_t *ahead;

	if (in.len == 0 || c->state == CONNECTION_CLOSED || c->state == CONNECTION_LINGERING)
		return;
	ahead = realloc(c->ahead, c->ahead_len + in.len);
	if (ahead == NULL) {
		connection_close(c);
		return;
	}
	bytes_copy(ahead + c->ahead_len, in);
	c->ahead = ahead;
	c->ahead_len += in.len;
}

/* Parses what came, request after request, until one has to wait for its answer. */
static void
process(struct connection *c, struct bytes in)
{
	const struct acceptor *acceptor = c->acceptor;
	struct http_request *r = &c->request;

	while (c->state == CONNECTION_READING && in.len > 0) {
		bool fresh = !r->begun;
		size_t taken;
		enum http_event event = http_request_feed(r, in, &taken);

		in = (struct bytes){ in.ptr + taken, in.len - taken };
		account(c);
		switch (event) {
		case HTTP_EVENT_MORE:
			if (fresh)
				timer_set(c, (int64_t)acceptor->config.header_timeout_secs * 1000);
			if (acceptor->receiving_len / RECEIVING_FACTOR >
			    acceptor->config.parked_max_bytes)
				answer_early(c, 503, "too many requests are arriving");
			break;
		case HTTP_EVENT_HEAD:
			if (head_done(c, in.len > 0) && !http_request_has_body(r))
				request_done(c);
			break;
		case HTTP_EVENT_COMPLETE:
			request_done(c);
			break;
		case HTTP_EVENT_ERROR:
			answer_early(c, r->status, r->detail);
			break;
		}
	}
	ahead_keep(c, in);
}

/* After an answer: what the client sent meanwhile. */
static void
process_ahead(struct connection *c)
{
	uint8_t *ahead = TAKE(c->ahead);
	size_t len = c->ahead_len;

	c->ahead_len = 0;
	process(c, (struct bytes){ ahead, len });
	free(ahead);
}

/* Results of jobs */

void
connection_answer(struct connection *c, const struct job_result *result)
{
	const struct peers *peers = &c->acceptor->peers;

	assert(c->state == CONNECTION_WAITING);
	c->job = NULL;
	switch (result->end) {
	case JOB_END_VERDICT:
		answer_verdict(c, result);
		break;
	case JOB_END_BUSY:
		answer_error(c, 503, bytes_str("too many requests are waiting"), NULL);
		break;
	case JOB_END_FAULT:
		answer_error(c, 500, bytes_str("the request could not be judged"), NULL);
		break;
	case JOB_END_INTERNAL:
		answer_ready(c, peers->internal, "the request could not be judged");
		break;
	}
	if (c->state == CONNECTION_READING && c->ahead != NULL)
		process_ahead(c);
}

void
connection_extend(struct connection *c)
{
	int64_t left_ms;

	if (c->extended)
		return;
	c->extended = true;
	c->deadline_ms += (int64_t)c->acceptor->config.image_download_timeout_secs * 1000;
	left_ms = c->deadline_ms - acceptor_now_ms();
	timer_set(c, left_ms > 0 ? left_ms : 0);
}

/* Events */

/* What recv() gives; 0 when there is nothing now, -1 when the client is gone or done sending. */
static ssize_t
receive(const struct connection *c, uint8_t *to, size_t len)
{
	ssize_t n;

	do
		n = recv(c->fd, to, len, 0);
	while (n == -1 && errno == EINTR);
	if (n == 0)
		return -1;
	return n == -1 && errno == EAGAIN ? 0 : n;
}

static void
read_request(struct connection *c)
{
	uint8_t *to = c->acceptor->read_buffer;
	size_t len = http_request_room(&c->request, &to);
	ssize_t n;

	if (len == 0) {
		to = c->acceptor->read_buffer;
		len = ACCEPTOR_READ_LEN;
	}
	n = receive(c, to, len);
	if (n == -1)
		connection_close(c);
	else
		process(c, (struct bytes){ to, (size_t)n });
}

/* What comes before the answer has left is kept, up to a bound, then left in the socket. */
static void
read_ahead(struct connection *c)
{
	size_t room = ACCEPTOR_READ_LEN - c->ahead_len;
	ssize_t n;

	if (room == 0) {
		(void)event_del(&c->read);
		return;
	}
	n = receive(c, c->acceptor->read_buffer, room);
	if (n > 0) {
		ahead_keep(c, (struct bytes){ c->acceptor->read_buffer, (size_t)n });
		return;
	}
	if (n == 0)
		return;
	if (c->state == CONNECTION_WAITING) {
		connection_close(c);
		return;
	}
	/* It has done sending, and may still be reading. */
	c->keep = false;
	(void)event_del(&c->read);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct acceptor *acceptor = c->acceptor;

	switch (c->state) {
	case CONNECTION_READING:
		read_request(c);
		break;
	case CONNECTION_WAITING:
	case CONNECTION_WRITING:
		read_ahead(c);
		break;
	case CONNECTION_LINGERING:
		if (receive(c, acceptor->read_buffer, ACCEPTOR_READ_LEN) == -1)
			connection_close(c);
		break;
	case CONNECTION_CLOSED:
		break;
	}
	acceptor_reap(acceptor);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct acceptor *acceptor = c->acceptor;

	if (c->state == CONNECTION_WRITING)
		answer_write(c);
	if (c->state == CONNECTION_READING && c->ahead != NULL)
		process_ahead(c);
	acceptor_reap(acceptor);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct acceptor *acceptor = c->acceptor;

	switch (c->state) {
	case CONNECTION_READING:
		if (c->request.begun)
			answer_early(c, 408, "the request did not arrive in time");
		else
			connection_close(c);
		break;
	case CONNECTION_WAITING:
		queue_abandon(acceptor, TAKE(c->job));
		answer_ready(c, acceptor->peers.deadline, "deadline exceeded");
		if (c->state == CONNECTION_READING && c->ahead != NULL)
			process_ahead(c);
		break;
	case CONNECTION_WRITING:
	case CONNECTION_LINGERING:
		connection_close(c);
		break;
	case CONNECTION_CLOSED:
		break;
	}
	acceptor_reap(acceptor);
}

/* Accepting */

static void
connection_new(struct acceptor *acceptor, int fd)
{
	size_t max = acceptor->config.max_connections;
	struct connection *c;

	if (acceptor->nconnections >= max + REFUSED_MAX ||
	    (c = calloc(1, sizeof *c)) == NULL) {
		(void)close(fd);
		return;
	}
	c->acceptor = acceptor;
	c->fd = fd;
	http_request_init(&c->request, acceptor->config.max_body_bytes);
	(void)event_assign(&c->read, acceptor->base, fd, EV_READ | EV_PERSIST, on_read, c);
	(void)event_assign(&c->write, acceptor->base, fd, EV_WRITE, on_write, c);
	(void)evtimer_assign(&c->timer, acceptor->base, on_timer, c);
	TAILQ_INSERT_TAIL(&acceptor->connections, c, link);
	if (acceptor->nconnections++ >= max) {
		answer_early(c, 503, "too many connections");
		return;
	}
	(void)event_add(&c->read, NULL);
	timer_set(c, (int64_t)acceptor->config.header_timeout_secs * 1000);
}

/* Out of descriptors: with the one in reserve a client is closed, not left to wait. */
static void
shed_one(struct acceptor *acceptor)
{
	int fd;

	(void)close(acceptor->reserve_fd);
	fd = accept(acceptor->listen_fd, NULL, NULL);
	if (fd != -1)
		(void)close(fd);
	acceptor->reserve_fd = dup(STDERR_FILENO);
}

static void
on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	struct acceptor *acceptor = arg;

	for (size_t i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd != -1) {
			connection_new(acceptor, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE) {
			log_line(LOG_ERR, ACCEPTOR_NAME, "error=\"no descriptor left\"");
			shed_one(acceptor);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
	acceptor_reap(acceptor);
}

void
connections_listen(struct acceptor *acceptor, int fd)
{
	static const int on = 1;

	connections_stop(acceptor);
	acceptor->listen_fd = fd;
	/* Taken over by the connections.  No such option on a local socket. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)evutil_make_socket_nonblocking(fd);
	(void)event_assign(&acceptor->listen_event, acceptor->base, fd, EV_READ | EV_PERSIST,
	    on_accept, acceptor);
	(void)event_add(&acceptor->listen_event, NULL);
}

void
connections_stop(struct acceptor *acceptor)
{
	if (acceptor->listen_fd == -1)
		return;
	(void)event_del(&acceptor->listen_event);
	(void)close(acceptor->listen_fd);
	acceptor->listen_fd = -1;
}

/* Calls fn for every connection, which it may close. */
static void
connections_each(struct acceptor *acceptor, void (*fn)(struct connection *))
{
	struct connection *c, *next;

	for (c = TAILQ_FIRST(&acceptor->connections); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		fn(c);
	}
}

/* A request that is in the socket already gets an answer. */
static void
drain(struct connection *c)
{
	if (c->state == CONNECTION_READING && !c->request.begun)
		read_request(c);
	if (c->state == CONNECTION_READING && !c->request.begun)
		connection_close(c);
}

void
connections_drain(struct acceptor *acceptor)
{
	connections_each(acceptor, drain);
}

void
connections_fini(struct acceptor *acceptor)
{
	connections_stop(acceptor);
	connections_each(acceptor, connection_close);
	connections_reap(acceptor);
}
