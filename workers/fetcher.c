/*
 * fetcher.c - gets collateral that workers ask for, and keeps what they have accepted
 *
 * One event loop: the channels to supervisor and acceptor, and all transfers.  It is told keys and
 * answers with bytes; it judges nothing, holds no key and sees no evidence.  This main loop is
 * the one place here that reads clocks.
 *
 * SIGTERM and SIGINT do nothing: the other end decides when it is over, by closing the socket.
 * SSL_CERT_FILE, when set, names the authorities that servers of https are believed by, in
 * place of the system's.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "fetch/flight.h"
#include "fetch/operation.h"
#include "ipc/channel.h"
#include "ipc/log.h"

#define PROGRAM         "fetcher"
#define SOCKET_FD       3               /* where every child finds its socket       */
#define CONFIG_MAX_LEN  ((size_t)4 << 20)
#define PENDING_MAX_LEN ((size_t)64 << 20)
#define UNCONFIGURED_MS 60000

struct fetcher {
	struct channel *channel;        /* to the supervisor, or the one-shot command    */
	struct channel *acceptor;       /* NULL: there is none now                      */
	bool    one_shot;               /* the first speaks for an acceptor, too        */
	struct arena *arena;            /* the configuration's strings              */
	struct fetcher_config config;
	struct store *store;
	struct transfers *transfers;
	struct flights *flights;        /* NULL until configured                    */
	struct image_store *image_store;
	struct image_flights *image_flights;
	struct operation *operation;
	bool    broken;                 /* a frame could not be sent                */
	struct reason why;              /* which, then                              */
};

static struct moment
moment_read(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct moment){ .now = (int64_t)time(NULL),
	    .ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 };
}

/* Sends what a _write appended to the CBB, and ends the CBB. */
static bool
send_cbb(struct channel *channel, enum frame_type type, bool written, CBB *cbb,
    struct reason *why)
{
	bool ok = written ? channel_send(channel, type, 0,
	    (struct bytes){ CBB_data(cbb), CBB_len(cbb) }, NULL, -1, why) :
	    reject(why, REASON_INTERNAL, "out of memory");

	CBB_cleanup(cbb);
	return ok;
}

/* To the acceptor.  One that does not take its frames is dropped, like one that is gone. */
static void
acceptor_send(struct fetcher *fetcher, enum frame_type type, bool written, CBB *cbb)
{
	struct channel *to = fetcher->one_shot ? fetcher->channel : fetcher->acceptor;
	struct reason why;

	if (to == NULL) {
		CBB_cleanup(cbb);
		return;
	}
	if (send_cbb(to, type, written, cbb, &why))
		return;
	if (fetcher->one_shot) {
		fetcher->broken = true;
		fetcher->why = why;
		return;
	}
	log_line(LOG_WARNING, PROGRAM, "acceptor=dropped reason=\"%s\"", why.text);
	channel_free(TAKE(fetcher->acceptor));
}

static void
out_of_memory(struct fetcher *fetcher)
{
	(void)reject(&fetcher->why, REASON_INTERNAL, "out of memory");
	fetcher->broken = true;
}

/* What flights call */

static bool
load(void *context, struct flight *flight, const struct pccs_request *request,
    struct reason *why)
{
	const struct fetcher *fetcher = context;
	struct transfer_request transfer = {
		.url = request->url,
		.body_max_len = request->body_max_len,
	};

	_Static_assert(NELEM(transfer.headers) == NELEM(request->headers), "as many headers");
	memcpy(transfer.headers, request->headers, sizeof transfer.headers);
	return transfer_start(fetcher->transfers, NULL, &transfer, flight, why);
}

static void
found(void *context, const struct fact_message *fact)
{
	struct fetcher *fetcher = context;
	CBB cbb;

	if (CBB_init(&cbb, 1024 + fact->fact.body.len + fact->fact.chain.len))
		acceptor_send(fetcher, FRAME_TYPE_FOUND, message_fact_write(&cbb, fact), &cbb);
	else
		out_of_memory(fetcher);
}

static void
failed(void *context, const struct dv_failure *failure)
{
	struct fetcher *fetcher = context;
	CBB cbb;

	if (CBB_init(&cbb, 1024))
		acceptor_send(fetcher, FRAME_TYPE_FAILED, message_failed_write(&cbb, failure), &cbb);
	else
		out_of_memory(fetcher);
}

/* To the supervisor: about a helper. */
static void
ask(void *context, enum frame_type type, uint64_t ticket, struct bytes payload, const int *fds,
    unsigned nfds)
{
	struct fetcher *fetcher = context;

	if (!channel_send_fds(fetcher->channel, type, ticket, payload, NULL, fds, nfds,
	    &fetcher->why))
		fetcher->broken = true;
}

static void
progress(void *context, const struct progress_message *message)
{
	struct fetcher *fetcher = context;
	CBB cbb;

	if (!CBB_init(&cbb, 64) || !send_cbb(fetcher->channel, FRAME_TYPE_PROGRESS,
	    message_progress_write(&cbb, message), &cbb, &fetcher->why))
		fetcher->broken = true;
}

static uint32_t
random_get(void *context)
{
	uint32_t number = 0;

	(void)context;
	(void)!getrandom(&number, sizeof number, 0);
	return number;
}

static const struct flight_calls calls = {
	.load = load,
	.found = found,
	.failed = failed,
	.random = random_get,
};

/* An image's facts go to whoever asked: an acceptor, or an operator. */
static void
image_found(void *context, const struct fact_message *fact)
{
	struct fetcher *fetcher = context;

	if (operation_is_running(fetcher->operation))
		operation_image(fetcher->operation, fact->key.image,
		    &(struct reason){ .kind = REASON_NONE });
	else
		found(context, fact);
}

static void
image_failed(void *context, const struct dv_failure *failure)
{
	struct fetcher *fetcher = context;
	struct reason why;

	if (!operation_is_running(fetcher->operation)) {
		failed(context, failure);
		return;
	}
	if (failure->refusal.len != 0)
		(void)reject(&why, REASON_REFUSED, "%.*s", (int)failure->refusal.len,
		    (const char *)failure->refusal.ptr);
	else if (failure->http_status != 0)
		(void)reject(&why, REASON_UNAVAILABLE, "HTTP status %u", failure->http_status);
	else
		(void)reject(&why, REASON_UNAVAILABLE, "server not reachable");
	operation_image(fetcher->operation, failure->key.image, &why);
}

static void
image_verified(void *context, const uint8_t hash[32], const struct reason *why)
{
	const struct fetcher *fetcher = context;

	operation_image(fetcher->operation, hash, why);
}

static const struct image_flight_calls image_calls = {
	.ask = ask,
	.found = image_found,
	.failed = image_failed,
	.verified = image_verified,
	.progress = progress,
	.random = random_get,
};

/* Configuration */

static void
log_level_apply(uint8_t level)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

	log_level_set(priorities[level < NELEM(priorities) ? level : NELEM(priorities) - 1]);
}

/* Working without a store is better than not working: memory serves until the end. */
static bool
store_begin(struct fetcher *fetcher, struct reason *why)
{
	const struct fetcher_config *config = &fetcher->config;
	bool rebuilt = false;

	if (store_open(&fetcher->store, config->cache_dir, config->pinned_at, &rebuilt, why)) {
		if (rebuilt)
			log_line(LOG_WARNING, PROGRAM, "store damaged moved_to=\"%s/%s\"",
			    DATABASE_DIRECTORY, DATABASE_DAMAGED);
		return true;
	}
	log_line(LOG_ERR, PROGRAM, "cache_dir=\"%s\" error=\"%s\" nothing_is_kept=true",
	    config->cache_dir, why->text);
	return store_open(&fetcher->store, "", config->pinned_at, &rebuilt, why);
}

/* Without directories images are a thing that cannot be had. */
static bool
image_store_begin(struct fetcher *fetcher, struct reason *why)
{
	const struct fetcher_config *config = &fetcher->config;
	struct database *database = store_database(fetcher->store);
	int64_t now = moment_read().now;

	if (image_store_open(&fetcher->image_store, database, config->cache_dir,
	    config->image_cache_max_bytes, now, why))
		return true;
	log_line(LOG_ERR, PROGRAM, "cache_dir=\"%s\" error=\"%s\" no_images=true",
	    config->cache_dir, why->text);
	return image_store_open(&fetcher->image_store, database, "", 0, now, why);
}

static bool
begin(struct fetcher *fetcher, struct reason *why)
{
	if (!store_begin(fetcher, why) || !image_store_begin(fetcher, why))
		return false;
	fetcher->transfers = transfers_new(getenv("SSL_CERT_FILE"));
	if (fetcher->transfers == NULL)
		return reject(why, REASON_INTERNAL, "cannot use libcurl");
	fetcher->image_flights = image_flights_new(&fetcher->config, fetcher->image_store,
	    fetcher->transfers, &image_calls, fetcher);
	if (fetcher->image_flights != NULL)
		fetcher->operation = operation_new(fetcher->image_store, fetcher->image_flights);
	if (fetcher->operation == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return flights_new(&fetcher->flights, &fetcher->config, fetcher->store, &calls, fetcher,
	    why);
}

static bool
configure(struct fetcher *fetcher, CBS *in, struct reason *why)
{
	struct ready_message ready = { .ok = true };
	struct reason error;
	CBB cbb;

	if (fetcher->flights != NULL || fetcher->store != NULL)
		return reject(why, REASON_MALFORMED, "configured twice");
	if (!message_fetcher_config_read(&fetcher->config, fetcher->arena, in, why))
		return false;
	log_level_apply(fetcher->config.log_level);
	ready.ok = begin(fetcher, &error);
	if (!ready.ok)
		ready.reason = bytes_str(error.text);
	if (!CBB_init(&cbb, 1024))
		return reject(why, REASON_INTERNAL, "out of memory");
	return send_cbb(fetcher->channel, FRAME_TYPE_READY, message_ready_write(&cbb, &ready), &cbb, why);
}

/* Frames */

static bool
is_of_image(const struct dv_key *key)
{
	return key->type == DV_FACT_IMAGE || key->type == DV_FACT_KERNEL;
}

static bool
fetch(const struct fetcher *fetcher, CBS *in, struct reason *why)
{
	struct dv_key key;

	if (!message_key_read(&key, in, why))
		return false;
	if (CBS_len(in) != 0)
		return reject(why, REASON_MALFORMED, "malformed FETCH");
	if (is_of_image(&key))
		image_flights_fetch(fetcher->image_flights, &key, moment_read());
	else
		flights_fetch(fetcher->flights, &key, moment_read());
	return true;
}

static bool
checked(const struct fetcher *fetcher, CBS *in, struct reason *why)
{
	struct checked_message message = { 0 };

	if (!message_checked_read(&message, in, why))
		return false;
	if (is_of_image(&message.key))
		image_flights_checked(fetcher->image_flights, &message, moment_read());
	else
		flights_checked(fetcher->flights, &message, moment_read());
	return true;
}

static bool
images(const struct fetcher *fetcher, CBS *in, struct reason *why)
{
	struct images_message message;

	return message_images_read(&message, in, why) &&
	    operation_begin(fetcher->operation, &message, why);
}

/* The acceptor's socket, in place of the one before. */
static bool
acceptor_take(struct fetcher *fetcher, int passed, struct reason *why)
{
	int fd = fcntl(passed, F_DUPFD_CLOEXEC, 0);

	channel_free(TAKE(fetcher->acceptor));
	if (fd != -1)
		fetcher->acceptor = channel_new(fd, FRAME_FETCHER, FRAME_ACCEPTOR, PENDING_MAX_LEN);
	return fetcher->acceptor != NULL || reject(why, REASON_INTERNAL, "out of memory");
}

/* What an acceptor may say. */
static bool
asked(void *context, const struct frame *frame, struct bytes payload,
    const int fds[FRAME_MAX_FDS], struct reason *why)
{
	struct fetcher *fetcher = context;
	CBS in = cbs_bytes(payload);

	return frame->type == FRAME_TYPE_FETCH ? fetch(fetcher, &in, why) :
	    checked(fetcher, &in, why);
}

static bool
dispatch(void *context, const struct frame *frame, struct bytes payload,
    const int fds[FRAME_MAX_FDS], struct reason *why)
{
	struct fetcher *fetcher = context;
	CBS in = cbs_bytes(payload);

	if (frame->type == FRAME_TYPE_CONFIG)
		return configure(fetcher, &in, why);
	if (fetcher->flights == NULL)
		return reject(why, REASON_MALFORMED, "%s before the configuration",
		    frame_name(frame->type));
	switch (frame->type) {
	case FRAME_TYPE_FETCH:
	case FRAME_TYPE_CHECKED:
		if (fetcher->acceptor != NULL)
			return reject(why, REASON_MALFORMED, "%s from a supervisor",
			    frame_name(frame->type));
		fetcher->one_shot = true;
		return asked(fetcher, frame, payload, fds, why);
	case FRAME_TYPE_ACCEPTOR:
		return acceptor_take(fetcher, fds[0], why);
	case FRAME_TYPE_IMAGES:
		return images(fetcher, &in, why);
	case FRAME_TYPE_UNPACKED:
	case FRAME_TYPE_NAMES:
	case FRAME_TYPE_RECORD:
		return image_flights_answer(fetcher->image_flights, frame, payload, moment_read(),
		    why);
	default:
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	}
}

static void
operation_go(struct fetcher *fetcher)
{
	struct images_done_message done;
	CBB cbb;

	if (!operation_step(fetcher->operation, &done, moment_read()))
		return;
	if (!CBB_init(&cbb, 64 + done.json.len + done.text.len))
		out_of_memory(fetcher);
	else if (!send_cbb(fetcher->channel, FRAME_TYPE_IMAGES_DONE,
	    message_images_done_write(&cbb, &done), &cbb, &fetcher->why))
		fetcher->broken = true;
}

/* Moves the transfers on, and hands over the answers of those that have ended. */
static void
answers_take(struct fetcher *fetcher)
{
	struct transfer_answer answer;
	void *owner;

	transfers_run(fetcher->transfers);
	while ((owner = transfers_next(fetcher->transfers, &answer)) != NULL) {
		if (answer.stream)
			download_answer(owner, &answer, moment_read().ms);
		else
			flight_answer(fetcher->flights, owner, &answer, moment_read());
	}
	flights_tick(fetcher->flights, moment_read());
	image_flights_tick(fetcher->image_flights, moment_read());
	operation_go(fetcher);
}

/* The acceptor's frames, and what waits for it; one that makes no sense is gone for us. */
static void
acceptor_serve(struct fetcher *fetcher)
{
	struct reason why = { .kind = REASON_NONE };

	if (fetcher->acceptor == NULL || channel_serve(fetcher->acceptor, asked, fetcher, &why))
		return;
	if (why.kind != REASON_NONE)
		log_line(LOG_WARNING, PROGRAM, "acceptor=dropped reason=\"%s\"", why.text);
	channel_free(TAKE(fetcher->acceptor));
}

/* A supervisor that is gone is the end, whether that is found reading or writing. */
static bool
supervisor_flush(struct fetcher *fetcher, struct reason *why)
{
	if (!channel_pending(fetcher->channel) || channel_flush(fetcher->channel, why))
		return true;
	if (why->kind == REASON_UNAVAILABLE)
		*why = (struct reason){ .kind = REASON_NONE };
	return false;
}

static void
acceptor_flush(struct fetcher *fetcher)
{
	struct reason why;

	if (fetcher->acceptor != NULL && channel_pending(fetcher->acceptor) &&
	    !channel_flush(fetcher->acceptor, &why))
		channel_free(TAKE(fetcher->acceptor));
}

static struct transfer_wait
channel_waits(const struct channel *channel)
{
	if (channel == NULL)
		return (struct transfer_wait){ .fd = -1 };
	return (struct transfer_wait){ .fd = channel_fd(channel), .reading = true,
	    .writing = channel_pending(channel) };
}

/* One turn of the loop; false when it is over. */
static bool
turn(struct fetcher *fetcher, struct reason *why)
{
	struct transfer_wait waits[2 + IMAGE_FLIGHT_DOWNLOADS];
	int timeout_ms, images_ms;
	size_t n;

	if (!channel_serve(fetcher->channel, dispatch, fetcher, why))
		return false;
	if (fetcher->flights == NULL) {
		(void)!channel_wait(fetcher->channel, UNCONFIGURED_MS);
		return true;
	}
	acceptor_serve(fetcher);
	answers_take(fetcher);
	if (fetcher->broken) {
		*why = fetcher->why;
		return false;
	}
	if (!supervisor_flush(fetcher, why))
		return false;
	acceptor_flush(fetcher);
	waits[0] = channel_waits(fetcher->channel);
	waits[1] = channel_waits(fetcher->acceptor);
	n = 2 + image_flights_pipes(fetcher->image_flights, &waits[2]);
	timeout_ms = flights_timeout_ms(fetcher->flights, moment_read());
	images_ms = image_flights_timeout_ms(fetcher->image_flights, moment_read());
	transfers_wait(fetcher->transfers, waits, n,
	    images_ms < timeout_ms ? images_ms : timeout_ms);
	return true;
}

static void
end(struct fetcher *fetcher)
{
	operation_free(fetcher->operation);
	image_flights_free(fetcher->image_flights);
	image_store_close(fetcher->image_store);
	transfers_free(fetcher->transfers);
	flights_free(fetcher->flights);
	store_close(fetcher->store);
	channel_free(fetcher->acceptor);
	channel_free(fetcher->channel);
	arena_free(fetcher->arena);
}

int
main(void)
{
	struct fetcher fetcher = { .channel = NULL };
	struct reason why = { .kind = REASON_NONE };

	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	fetcher.arena = arena_new(CONFIG_MAX_LEN);
	fetcher.channel = channel_new(SOCKET_FD, FRAME_FETCHER,
	    FRAME_SUPERVISOR | FRAME_ACCEPTOR, PENDING_MAX_LEN);
	if (fetcher.arena == NULL || fetcher.channel == NULL) {
		log_line(LOG_ERR, PROGRAM, "error=\"no socket on descriptor %d\"", SOCKET_FD);
		return EXIT_FAILURE;
	}
	while (turn(&fetcher, &why))
		continue;
	end(&fetcher);
	if (why.kind == REASON_NONE)
		return EXIT_SUCCESS;
	log_line(LOG_ERR, PROGRAM, "error=\"%s\"", why.text);
	return EXIT_FAILURE;
}
