#include "server/helpers.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/wait.h>

#include <openssl/curve25519.h>
#include <openssl/mem.h>

#include "ipc/log.h"
#include "ipc/message.h"
#include "measure/image_fact.h"
#include "server/child.h"

#define PROGRAM         "supervisor"

struct helper {
	LIST_ENTRY(helper) link;
	struct helpers *helpers;
	uint64_t ticket;
	bool    measurer;               /* else an unpacker                             */
	struct digest256 hash;
	enum frame_type asked;          /* what is to be answered; 0: nothing           */
	struct image_fact_key fact;     /* of MEASURE                                   */
	struct child child;
	struct event *readable, *timer;
};
LIST_HEAD(helper_list, helper);

/* Killed, and not waited for yet. */
struct zombie {
	LIST_ENTRY(zombie) link;
	pid_t   pid;
};

struct helpers {
	struct event_base *base;
	const struct helpers_setup *setup;
	helpers_answer *answer;
	void    *context;
	struct helper_list list;
	LIST_HEAD(, zombie) zombies;
};

void
helpers_keys_make(struct helpers_keys *keys)
{
	ED25519_keypair(keys->public_key, keys->private_key);
}

void
helpers_keys_wipe(struct helpers_keys *keys)
{
	OPENSSL_cleanse(keys, sizeof *keys);
}

struct helpers *
helpers_new(struct event_base *base, const struct helpers_setup *setup, helpers_answer *answer,
    void *context)
{
	struct helpers *helpers = calloc(1, sizeof *helpers);

	if (helpers == NULL)
		return NULL;
	helpers->base = base;
	helpers->setup = setup;
	helpers->answer = answer;
	helpers->context = context;
	LIST_INIT(&helpers->list);
	LIST_INIT(&helpers->zombies);
	return helpers;
}

static void
helper_log(int level, bool measurer, uint64_t ticket, const char *text)
{
	log_line(level, PROGRAM, "ticket=%" PRIu64 " helper=%s error=\"%s\"", ticket,
	    measurer ? "measurer" : "unpacker", text);
}

/* Ends a helper without an answer. */
static void
helper_free(struct helper *helper)
{
	struct helpers *helpers = helper->helpers;
	struct zombie *zombie;

	LIST_REMOVE(helper, link);
	if (helper->readable != NULL)
		event_free(helper->readable);
	if (helper->timer != NULL)
		event_free(helper->timer);
	child_close(&helper->child);
	if (helper->child.pid > 0) {
		(void)kill(helper->child.pid, SIGKILL);
		zombie = malloc(sizeof *zombie);
		/* Without a note of it, it is waited for like a child that nobody knows. */
		if (zombie != NULL) {
			zombie->pid = helper->child.pid;
			LIST_INSERT_HEAD(&helpers->zombies, zombie, link);
		}
	}
	free(helper);
}

void
helpers_end(struct helpers *helpers)
{
	struct helper *helper;

	while ((helper = LIST_FIRST(&helpers->list)) != NULL)
		helper_free(helper);
}

bool
helpers_reaped(struct helpers *helpers, pid_t pid)
{
	struct zombie *zombie;
	struct helper *helper;

	LIST_FOREACH(zombie, &helpers->zombies, link)
		if (zombie->pid == pid) {
			LIST_REMOVE(zombie, link);
			free(zombie);
			return true;
		}
	/* Its socket tells what became of its question. */
	LIST_FOREACH(helper, &helpers->list, link)
		if (helper->child.pid == pid) {
			helper->child.pid = 0;
			return true;
		}
	return false;
}

/* A one-shot command has nobody else who waits for children, and many images to verify. */
static void
zombies_reap(struct helpers *helpers)
{
	struct zombie *zombie = LIST_FIRST(&helpers->zombies), *next;

	for (; zombie != NULL; zombie = next) {
		next = LIST_NEXT(zombie, link);
		if (waitpid(zombie->pid, NULL, WNOHANG) == 0)
			continue;
		LIST_REMOVE(zombie, link);
		free(zombie);
	}
}

void
helpers_free(struct helpers *helpers)
{
	struct zombie *zombie;

	if (helpers == NULL)
		return;
	helpers_end(helpers);
	while ((zombie = LIST_FIRST(&helpers->zombies)) != NULL) {
		while (waitpid(zombie->pid, NULL, 0) == -1 && errno == EINTR)
			continue;
		LIST_REMOVE(zombie, link);
		free(zombie);
	}
	free(helpers);
}

/* Answers */

/* Sends on what a _write appended to the CBB, and ends the CBB.  The room always suffices. */
static void
answer_cbb(struct helpers *helpers, enum frame_type type, uint64_t ticket, bool written, CBB *cbb)
{
	assert(written);
	helpers->answer(helpers->context, type, ticket,
	    (struct bytes){ CBB_data(cbb), CBB_len(cbb) });
	CBB_cleanup(cbb);
}

/* What the fetcher is told when no helper can tell it. */
static void
answer_failed(struct helpers *helpers, bool measurer, uint64_t ticket, const char *text)
{
	const struct unpacked_message unpacked = { .reason = bytes_str(text) };
	const struct record_message record = { .reason = bytes_str(text) };
	uint8_t room[1024];
	CBB cbb;

	if (!CBB_init_fixed(&cbb, room, sizeof room))
		abort();
	if (measurer)
		answer_cbb(helpers, FRAME_TYPE_RECORD, ticket, message_record_write(&cbb, &record),
		    &cbb);
	else
		answer_cbb(helpers, FRAME_TYPE_UNPACKED, ticket,
		    message_unpacked_write(&cbb, &unpacked), &cbb);
}

/* It is of no more use; whoever waits for its answer gets one. */
static void
helper_lost(struct helper *helper, const char *text)
{
	struct helpers *helpers = helper->helpers;
	bool measurer = helper->measurer, asked = helper->asked != 0;
	uint64_t ticket = helper->ticket;

	helper_free(helper);
	helper_log(LOG_WARNING, measurer, ticket, text);
	if (asked)
		answer_failed(helpers, measurer, ticket, text);
}

/* Signature and payload, as one blob. */
static bool
record_sign(CBB *out, const struct helper *helper, struct bytes payload)
{
	uint8_t message[IMAGE_FACT_MESSAGE_MAX_LEN], signature[ED25519_SIGNATURE_LEN];
	size_t len;
	CBB cbb;

	return payload.len <= IMAGE_FACT_MAX_LEN - sizeof signature &&
	    CBB_init_fixed(&cbb, message, sizeof message) &&
	    image_fact_message_write(&cbb, &helper->fact, payload) &&
	    CBB_finish(&cbb, NULL, &len) &&
	    ED25519_sign(signature, message, len, helper->helpers->setup->keys.private_key) == 1 &&
	    CBB_add_bytes(out, signature, sizeof signature) &&
	    CBB_add_bytes(out, payload.ptr, payload.len);
}

static bool
record_answer(struct helper *helper, CBS *in, struct reason *why)
{
	uint8_t blob[IMAGE_FACT_MAX_LEN], room[IMAGE_FACT_MAX_LEN + 1024];
	struct record_message record;
	size_t len;
	CBB cbb;

	if (!message_record_read(&record, in, why))
		return false;
	if (record.ok) {
		if (helper->asked != FRAME_TYPE_MEASURE)
			return reject(why, REASON_MALFORMED, "record in place of names");
		if (!CBB_init_fixed(&cbb, blob, sizeof blob))
			abort();
		if (!record_sign(&cbb, helper, record.payload) || !CBB_finish(&cbb, NULL, &len)) {
			CBB_cleanup(&cbb);
			return reject(why, REASON_MALFORMED, "record is too long");
		}
		record.payload = (struct bytes){ blob, len };
	}
	if (!CBB_init_fixed(&cbb, room, sizeof room))
		abort();
	answer_cbb(helper->helpers, FRAME_TYPE_RECORD, helper->ticket,
	    message_record_write(&cbb, &record), &cbb);
	return true;
}

static bool
names_answer(const struct helper *helper, CBS *in, struct reason *why)
{
	struct bytes payload = bytes_cbs(in);
	struct names_message names;

	if (helper->asked != FRAME_TYPE_PAPERS)
		return reject(why, REASON_MALFORMED, "names that nobody asked for");
	if (!message_names_read(&names, in, why))
		return false;
	helper->helpers->answer(helper->helpers->context, FRAME_TYPE_NAMES, helper->ticket, payload);
	return true;
}

static bool
unpacked_answer(const struct helper *helper, CBS *in, struct reason *why)
{
	struct bytes payload = bytes_cbs(in);
	struct unpacked_message unpacked;

	if (!message_unpacked_read(&unpacked, in, why))
		return false;
	helper->helpers->answer(helper->helpers->context, FRAME_TYPE_UNPACKED, helper->ticket,
	    payload);
	return true;
}

/* Passes an answer on.  False: it is none, and nothing was passed on. */
static bool
answer(struct helper *helper, const struct frame *frame, struct bytes payload, struct reason *why)
{
	CBS in = cbs_bytes(payload);

	if (helper->asked == 0)
		return reject(why, REASON_MALFORMED, "%s that nobody asked for",
		    frame_name(frame->type));
	switch (frame->type) {
	case FRAME_TYPE_UNPACKED:
		return unpacked_answer(helper, &in, why);
	case FRAME_TYPE_NAMES:
		return names_answer(helper, &in, why);
	case FRAME_TYPE_RECORD:
		return record_answer(helper, &in, why);
	default:
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	}
}

/* A measurer that gave names is to be given the files next; else this was all, and false. */
static bool
helper_answered(struct helper *helper, enum frame_type type)
{
	helper->asked = 0;
	if (type == FRAME_TYPE_NAMES)
		return true;
	helper_free(helper);
	return false;
}

static void
helper_readable(evutil_socket_t fd, short what, void *arg)
{
	struct helper *helper = arg;
	struct reason why = { 0 };
	struct frame frame;
	struct blob *payload;
	enum channel_event event;
	int passed;
	bool ok = true;

	while (ok && (event = channel_receive(helper->child.channel, &frame, &payload, &passed,
	    &why)) == CHANNEL_FRAME) {
		ok = answer(helper, &frame, blob_bytes(payload), &why);
		blob_free(payload);
		if (ok && !helper_answered(helper, frame.type))
			return;
	}
	if (ok && event == CHANNEL_IDLE)
		return;
	if (ok && event == CHANNEL_CLOSED) {
		helper_lost(helper, helper->measurer ? "the measurer ended" : "the unpacker ended");
		return;
	}
	helper_log(LOG_ERR, helper->measurer, helper->ticket, why.text);
	helper_lost(helper, helper->measurer ? "the measurer made no sense" :
	    "the unpacker made no sense");
}

static void
helper_timer(evutil_socket_t fd, short what, void *arg)
{
	struct helper *helper = arg;

	helper_lost(helper, helper->measurer ? "the measurer took too long" :
	    "the unpacker took too long");
}

/* Questions */

static struct helper *
helper_find(const struct helpers *helpers, uint64_t ticket)
{
	struct helper *helper;

	LIST_FOREACH(helper, &helpers->list, link)
		if (helper->ticket == ticket)
			return helper;
	return NULL;
}

static size_t
helpers_count(const struct helpers *helpers, bool measurer)
{
	const struct helper *helper;
	size_t n = 0;

	LIST_FOREACH(helper, &helpers->list, link)
		n += helper->measurer == measurer;
	return n;
}

/* Passes a question on, and gives its helper time. */
static void
helper_ask(struct helper *helper, const struct frame *frame, struct bytes payload, const int *fds)
{
	const struct timeval patience = {
		.tv_sec = helper->measurer ? HELPERS_MEASURE_SECS :
		    (time_t)helper->helpers->setup->download_secs + HELPERS_UNPACK_EXTRA_SECS,
	};
	struct reason why = { 0 };

	helper->asked = frame->type;
	if (channel_send_fds(helper->child.channel, frame->type, 0, payload, NULL, fds,
	    frame->nfds, &why) && event_add(helper->timer, &patience) == 0)
		return;
	helper_log(LOG_ERR, helper->measurer, helper->ticket, why.text);
	helper_lost(helper, "cannot ask a helper");
}

static bool
helper_start(struct helper *helper, struct reason *why)
{
	struct helpers *helpers = helper->helpers;

	if (!child_start(&helper->child, helpers->setup->directory, helper->measurer ?
	    "dstack-verifier-measurer" : "dstack-verifier-unpacker",
	    helper->measurer ? FRAME_MEASURER : FRAME_UNPACKER, FRAME_SUPERVISOR, why))
		return false;
	helper->readable = event_new(helpers->base, channel_fd(helper->child.channel),
	    EV_READ | EV_PERSIST, helper_readable, helper);
	helper->timer = evtimer_new(helpers->base, helper_timer, helper);
	return (helper->readable != NULL && helper->timer != NULL &&
	    event_add(helper->readable, NULL) == 0) ||
	    reject(why, REASON_INTERNAL, "out of memory");
}

/* The first question of a ticket; the payload is the image's hash. */
static bool
ticket_begin(struct helpers *helpers, const struct frame *frame, struct bytes payload,
    const int *fds, struct reason *why)
{
	bool measurer = frame->type == FRAME_TYPE_PAPERS;
	size_t max = measurer ? helpers->setup->max_measurers : HELPERS_MAX_UNPACKERS;
	struct helper *helper;

	if (frame->job == 0 || helper_find(helpers, frame->job) != NULL)
		return reject(why, REASON_MALFORMED, "%s with a ticket that is in use",
		    frame_name(frame->type));
	if (payload.len != sizeof helper->hash.data)
		return reject(why, REASON_MALFORMED, "%s without an image",
		    frame_name(frame->type));
	zombies_reap(helpers);
	if (helpers_count(helpers, measurer) >= max ||
	    (helper = calloc(1, sizeof *helper)) == NULL) {
		helper_log(LOG_WARNING, measurer, frame->job, "too many helpers at once");
		answer_failed(helpers, measurer, frame->job, "too many helpers at once");
		return true;
	}
	helper->helpers = helpers;
	helper->ticket = frame->job;
	helper->measurer = measurer;
	bytes_copy(helper->hash.data, payload);
	LIST_INSERT_HEAD(&helpers->list, helper, link);
	if (helper_start(helper, why)) {
		helper_ask(helper, frame, payload, fds);
		return true;
	}
	helper_log(LOG_ERR, helper->measurer, helper->ticket, why->text);
	helper->asked = frame->type;
	helper_lost(helper, "cannot start a helper");
	return true;
}

static bool
measure(struct helpers *helpers, const struct frame *frame, struct bytes payload, const int *fds,
    struct reason *why)
{
	struct helper *helper = helper_find(helpers, frame->job);
	CBS in = cbs_bytes(payload);
	struct dv_key key;

	if (!message_key_read(&key, &in, why))
		return false;
	if (CBS_len(&in) != 0 || (key.type != DV_FACT_IMAGE && key.type != DV_FACT_KERNEL))
		return reject(why, REASON_MALFORMED, "MEASURE message is malformed");
	/* It may have died since it gave the names. */
	if (helper == NULL) {
		answer_failed(helpers, true, frame->job, "the measurer ended");
		return true;
	}
	if (!helper->measurer || helper->asked != 0)
		return reject(why, REASON_MALFORMED, "MEASURE before an answer");
	if (memcmp(key.image, helper->hash.data, sizeof key.image) != 0)
		return reject(why, REASON_MALFORMED, "MEASURE of another image");
	helper->fact = (struct image_fact_key){
		.type = key.type == DV_FACT_IMAGE ? IMAGE_FACT_RECORD : IMAGE_FACT_KERNEL,
		.os_image_hash = helper->hash,
		.initrd_addr = key.initrd_addr,
	};
	helper_ask(helper, frame, payload, fds);
	return true;
}

bool
helpers_ask(struct helpers *helpers, const struct frame *frame, struct bytes payload,
    const int *fds, struct reason *why)
{
	struct helper *helper;

	switch (frame->type) {
	case FRAME_TYPE_UNPACK:
	case FRAME_TYPE_PAPERS:
		return ticket_begin(helpers, frame, payload, fds, why);
	case FRAME_TYPE_MEASURE:
		return measure(helpers, frame, payload, fds, why);
	case FRAME_TYPE_END:
		/* Its answer may be on its way, and then there is none. */
		helper = helper_find(helpers, frame->job);
		if (helper != NULL)
			helper_free(helper);
		return true;
	default:
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	}
}
