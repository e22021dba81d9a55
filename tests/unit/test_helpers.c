/*
 * test_helpers.c - helpers that do as they should, and helpers and fetchers that do not
 *
 * The helpers are this program: it is started under their names, and the first byte of the image
 * it is asked about tells it what to do.  The clock can be put forward, so nobody waits.
 */
#include "testing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/curve25519.h>

#include "ipc/log.h"
#include "ipc/message.h"
#include "measure/image_fact.h"
#include "server/child.h"
#include "server/helpers.h"

#define ANSWERS         16
#define DOWNLOAD_SECS   300
#define MEASURERS       2
#define PATIENCE_SECS   20      /* for a helper that does answer                        */
#define MARGIN_SECS     30      /* how slow a machine may be before what is early is late */
#define HANG_SECS       300     /* for all of this                                      */

/* What a helper does.  Unpackers know those that make sense for them. */
enum deed {
	GOOD = 1,
	REFUSE,                 /* by what the files hold                               */
	REFUSE_FILES,           /* the same, but names first                            */
	DIE,                    /* in place of the first answer                         */
	DIE_NAMED,              /* after the names, before the next question            */
	DIE_ASKED,              /* in place of the second answer                        */
	BE_KILLED,
	SAY_NOTHING,
	SAY_NOTHING_MORE,       /* after the names                                      */
	GARBAGE,
	HALF,                   /* a frame that breaks off                              */
	OTHERS,                 /* a frame that only the other helper may send          */
	REGISTERS,              /* one that it may send, but not here                   */
	RECORD_FIRST,           /* where names belong                                   */
	NAMES_TWICE,
	NAMES_AND_REFUSE,
	NAMES_AGAIN,            /* where a record belongs                               */
	MALFORMED,              /* names, a record, an unpacker's answer                */
	MALFORMED_RECORD,
	LONGEST,
	TOO_LONG,
	DESCRIPTOR,
	TWICE,                  /* the last answer                                      */
};

/* The clock */

static time_t ahead_s;

/* In the place of the C library's, for libevent too. */
__attribute__((visibility("default"))) int
clock_gettime(clockid_t clock, struct timespec *t)
{
	int result = (int)syscall(SYS_clock_gettime, clock, t);

	t->tv_sec += ahead_s;
	return result;
}

/* The helpers: what this program is when it was started under their names. */

/* Appends a frame with a CBB's payload. */
static void
frame_put(struct channel *channel, enum frame_type type, CBB *cbb)
{
	struct reason why;

	if (!channel_send(channel, type, 0, (struct bytes){ CBB_data(cbb), CBB_len(cbb) }, NULL, -1,
	    &why))
		_exit(1);
	CBB_cleanup(cbb);
}

static void
names_put(struct channel *channel)
{
	const struct names_message names = { bytes_str("fw"), bytes_str("kernel"),
	    bytes_str("rd") };
	CBB cbb;

	if (!CBB_init(&cbb, 64) || !message_names_write(&cbb, &names))
		_exit(1);
	frame_put(channel, FRAME_TYPE_NAMES, &cbb);
}

static void
record_put(struct channel *channel, struct bytes payload)
{
	const struct record_message record = { .ok = true, .payload = payload };
	CBB cbb;

	if (!CBB_init(&cbb, 64) || !message_record_write(&cbb, &record))
		_exit(1);
	frame_put(channel, FRAME_TYPE_RECORD, &cbb);
}

static void
refusal_put(struct channel *channel, bool measurer)
{
	const struct bytes reason = bytes_str("no good");
	CBB cbb;

	if (!CBB_init(&cbb, 64) || !(measurer ?
	    message_record_write(&cbb, &(struct record_message){ .refused = true,
	    .reason = reason }) :
	    message_unpacked_write(&cbb, &(struct unpacked_message){ .refused = true,
	    .reason = reason })))
		_exit(1);
	frame_put(channel, measurer ? FRAME_TYPE_RECORD : FRAME_TYPE_UNPACKED, &cbb);
}

static void
unpacked_put(struct channel *channel, uint64_t nbytes)
{
	CBB cbb;

	if (!CBB_init(&cbb, 64) || !message_unpacked_write(&cbb, &(struct unpacked_message){
	    .ok = true, .nbytes = nbytes }))
		_exit(1);
	frame_put(channel, FRAME_TYPE_UNPACKED, &cbb);
}

/* A head, and as many bytes 0xff as asked for. */
static void
raw_put(int fd, enum frame_type type, size_t said, size_t sent)
{
	const struct frame frame = { .type = type, .len = said };
	uint8_t room[256];
	size_t len;
	CBB cbb;

	memset(room, 0xff, sizeof room);
	if (!CBB_init_fixed(&cbb, room, FRAME_HEAD_LEN) || !frame_write(&cbb, &frame) ||
	    !CBB_finish(&cbb, NULL, &len) ||
	    write(fd, room, FRAME_HEAD_LEN + sent) != (ssize_t)(FRAME_HEAD_LEN + sent))
		_exit(1);
}

static void
descriptor_put(int fd, enum frame_type type)
{
	const struct frame frame = { .type = type };
	uint8_t room[FRAME_HEAD_LEN];
	struct iovec iov = { room, sizeof room };
	union {
		struct cmsghdr head;
		char    room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS } };
	const struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = sizeof control.room };
	const int null = STDIN_FILENO;
	size_t len;
	CBB cbb;

	memcpy(CMSG_DATA(&control.head), &null, sizeof null);
	if (!CBB_init_fixed(&cbb, room, sizeof room) || !frame_write(&cbb, &frame) ||
	    !CBB_finish(&cbb, NULL, &len) || sendmsg(fd, &msg, 0) != (ssize_t)sizeof room)
		_exit(1);
}

/* What the descriptors hold, a byte each, behind the question itself. */
static struct bytes
seen(uint8_t room[256], struct bytes question, const int *fds, unsigned nfds)
{
	bytes_copy(room, question);
	for (unsigned i = 0; i < nfds; i++)
		if (read(fds[i], room + question.len + i, 1) != 1)
			_exit(1);
	return (struct bytes){ room, question.len + nfds };
}

/* Not even the end of the socket is noticed. */
static _Noreturn void
hang(void)
{
	for (;;)
		(void)pause();
}

/* What every helper can do wrong; true when it did. */
static bool
misbehave(struct channel *channel, enum deed deed, enum frame_type own, enum frame_type others)
{
	int fd = channel_fd(channel);

	switch (deed) {
	case DIE:
		_exit(0);
	case BE_KILLED:
		(void)raise(SIGKILL);
		return true;
	case SAY_NOTHING:
		hang();
	case GARBAGE:
		(void)!write(fd, "There once was a frame", 22);
		return true;
	case HALF:
		raw_put(fd, own, 40, 20);
		_exit(0);
	case OTHERS:
		raw_put(fd, others, 0, 0);
		return true;
	case MALFORMED:
		raw_put(fd, own, 40, 40);
		return true;
	case DESCRIPTOR:
		descriptor_put(fd, own);
		return true;
	default:
		return false;
	}
}

static void
unpack(struct channel *channel, const struct frame *frame, struct bytes payload, const int *fds)
{
	enum deed deed = (enum deed)payload.ptr[0];
	char byte;

	if (misbehave(channel, deed, FRAME_TYPE_UNPACKED, FRAME_TYPE_NAMES))
		return;
	if (deed == REFUSE) {
		refusal_put(channel, false);
		return;
	}
	if (frame->nfds != 2 || read(fds[0], &byte, 1) != 1)
		_exit(1);
	unpacked_put(channel, (uint64_t)byte);
	if (deed == TWICE)
		unpacked_put(channel, 1);
}

static void
papers(struct channel *channel, enum deed deed, struct bytes payload)
{
	if (misbehave(channel, deed, FRAME_TYPE_NAMES, FRAME_TYPE_UNPACKED))
		return;
	switch (deed) {
	case REFUSE:
		refusal_put(channel, true);
		return;
	case REGISTERS:
		raw_put(channel_fd(channel), FRAME_TYPE_REGISTERS, 0, 0);
		return;
	case RECORD_FIRST:
		record_put(channel, payload);
		return;
	case NAMES_TWICE:
		names_put(channel);
		names_put(channel);
		return;
	case NAMES_AND_REFUSE:
		names_put(channel);
		refusal_put(channel, true);
		return;
	case DIE_NAMED:
		names_put(channel);
		_exit(0);
	default:
		names_put(channel);
	}
}

static void
measure(struct channel *channel, enum deed deed, const struct frame *frame, struct bytes payload,
    const int *fds)
{
	static const uint8_t large[IMAGE_FACT_MAX_LEN];
	uint8_t room[256];

	switch (deed) {
	case REFUSE_FILES:
		refusal_put(channel, true);
		return;
	case DIE_ASKED:
		_exit(0);
	case SAY_NOTHING_MORE:
		hang();
	case NAMES_AGAIN:
		names_put(channel);
		return;
	case MALFORMED_RECORD:
		raw_put(channel_fd(channel), FRAME_TYPE_RECORD, 40, 40);
		return;
	case LONGEST:
		record_put(channel, (struct bytes){ large,
		    IMAGE_FACT_MAX_LEN - IMAGE_FACT_SIGNATURE_LEN });
		return;
	case TOO_LONG:
		record_put(channel, (struct bytes){ large,
		    IMAGE_FACT_MAX_LEN - IMAGE_FACT_SIGNATURE_LEN + 1 });
		return;
	case TWICE:
		record_put(channel, seen(room, payload, fds, frame->nfds));
		record_put(channel, payload);
		return;
	default:
		record_put(channel, seen(room, payload, fds, frame->nfds));
	}
}

static int
helper_main(unsigned role)
{
	struct channel *channel = channel_new(CHILD_SOCKET_FD, role, FRAME_SUPERVISOR, 1 << 20);
	enum deed deed = GOOD;
	struct reason why;
	struct frame frame;
	struct blob *payload;
	int fds[FRAME_MAX_FDS];

	for (;;) {
		switch (channel_receive_fds(channel, &frame, &payload, fds, &why)) {
		case CHANNEL_FRAME:
			if (frame.job != 0)
				_exit(1);
			break;
		case CHANNEL_IDLE:
			(void)!channel_wait(channel, -1);
			continue;
		case CHANNEL_CLOSED:
		case CHANNEL_BROKEN:
			_exit(0);
		}
		if (frame.type == FRAME_TYPE_UNPACK) {
			unpack(channel, &frame, blob_bytes(payload), fds);
		} else if (frame.type == FRAME_TYPE_PAPERS) {
			deed = (enum deed)payload->data[0];
			papers(channel, deed, blob_bytes(payload));
		} else {
			measure(channel, deed, &frame, blob_bytes(payload), fds);
		}
	}
}

/* The pool under test, and what it has answered. */

struct pool {
	char    directory[64];
	struct helpers_setup setup;
	struct event_base *base;
	struct helpers *helpers;
	size_t  nfds;
	struct answer {
		enum frame_type type;
		uint64_t ticket;
		uint8_t data[9216];
		size_t  len;
	} answers[ANSWERS];
	size_t  n, taken;
};

static void
answered(void *context, enum frame_type type, uint64_t ticket, struct bytes payload)
{
	struct pool *pool = context;
	struct answer *answer = &pool->answers[pool->n++];

	assert_true(pool->n <= ANSWERS && payload.len <= sizeof answer->data);
	answer->type = type;
	answer->ticket = ticket;
	bytes_copy(answer->data, payload);
	answer->len = payload.len;
}

static size_t
fds_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

static void
program_link(const struct pool *pool, const char *name, bool made)
{
	char path[128], self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	assert_true(len > 0);
	self[len] = '\0';
	(void)snprintf(path, sizeof path, "%s/%s", pool->directory, name);
	if (made)
		assert_int_equal(symlink(self, path), 0);
	else
		(void)unlink(path);
}

static void
programs_link(const struct pool *pool, bool made)
{
	program_link(pool, "dstack-verifier-measurer", made);
	program_link(pool, "dstack-verifier-unpacker", made);
}

static void
pool_init(struct pool *pool)
{
	log_level_set(LOG_EMERG);
	*pool = (struct pool){ .directory = "/tmp/test_helpers.XXXXXX", .setup = {
		.max_measurers = MEASURERS, .download_secs = DOWNLOAD_SECS } };
	assert_non_null(mkdtemp(pool->directory));
	programs_link(pool, true);
	pool->setup.directory = pool->directory;
	helpers_keys_make(&pool->setup.keys);
	pool->base = event_base_new();
	assert_non_null(pool->base);
	pool->helpers = helpers_new(pool->base, &pool->setup, answered, pool);
	assert_non_null(pool->helpers);
	pool->nfds = fds_count();
}

/* Whoever was started is gone, and waited for; all descriptors are closed; all answers were seen. */
static void
pool_fini(struct pool *pool)
{
	helpers_free(pool->helpers);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(fds_count(), pool->nfds);
	assert_int_equal(pool->taken, pool->n);
	event_base_free(pool->base);
	programs_link(pool, false);
	assert_int_equal(rmdir(pool->directory), 0);
}

/* Descriptors that give 'a', 'b', ... and nothing more. */
static void
fds_open(int *fds, unsigned n)
{
	int ends[2];

	for (unsigned i = 0; i < n; i++) {
		const char byte = (char)('a' + i);

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		assert_int_equal(write(ends[1], &byte, 1), 1);
		(void)close(ends[1]);
		fds[i] = ends[0];
	}
}

static bool
ask_raw(struct pool *pool, enum frame_type type, uint64_t ticket, struct bytes payload,
    struct reason *why)
{
	struct frame frame = { .type = type, .len = payload.len, .job = ticket,
	    .nfds = type == FRAME_TYPE_MEASURE ? 6 : type == FRAME_TYPE_END ? 0 : 2 };
	int fds[FRAME_MAX_FDS];
	bool ok;

	fds_open(fds, frame.nfds);
	ok = helpers_ask(pool->helpers, &frame, payload, fds, why);
	for (unsigned i = 0; i < frame.nfds; i++)
		(void)close(fds[i]);
	return ok;
}

static struct bytes
image_of(enum deed deed)
{
	static uint8_t hash[32];

	memset(hash, 0x5a, sizeof hash);
	hash[0] = (uint8_t)deed;
	return BYTES_OF(hash);
}

/* The payload of MEASURE. */
static struct bytes
key_of(uint8_t room[64], enum deed deed, enum dv_fact_type type, uint32_t initrd_addr)
{
	struct dv_key key;
	size_t len;
	CBB cbb;

	memset(&key, 0, sizeof key);
	key.type = type;
	key.initrd_addr = initrd_addr;
	bytes_copy(key.image, image_of(deed));
	assert_true(CBB_init_fixed(&cbb, room, 64) && message_key_write(&cbb, &key) &&
	    CBB_finish(&cbb, NULL, &len));
	return (struct bytes){ room, len };
}

static void
ask(struct pool *pool, enum frame_type type, uint64_t ticket, enum deed deed)
{
	struct reason why = { 0 };
	uint8_t room[64];

	if (!ask_raw(pool, type, ticket, type == FRAME_TYPE_MEASURE ?
	    key_of(room, deed, DV_FACT_IMAGE, 0) :
	    type == FRAME_TYPE_END ? (struct bytes){ 0 } : image_of(deed), &why))
		fail_msg("%s", why.text);
}

static void
out_of_patience(evutil_socket_t fd, short what, void *arg)
{
	fail_msg("no answer");
}

/* The next answer, which must be of that type and under that ticket. */
static const struct answer *
await(struct pool *pool, enum frame_type type, uint64_t ticket)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECS };
	struct event *timer = evtimer_new(pool->base, out_of_patience, NULL);
	const struct answer *answer;

	assert_non_null(timer);
	assert_int_equal(evtimer_add(timer, &patience), 0);
	while (pool->taken == pool->n)
		assert_int_equal(event_base_loop(pool->base, EVLOOP_ONCE), 0);
	event_free(timer);
	answer = &pool->answers[pool->taken++];
	assert_int_equal(answer->type, type);
	assert_int_equal(answer->ticket, ticket);
	return answer;
}

/* What the fetcher is told in place of an answer. */
static void
expect_no_answer(const char *name, bool ok, bool refused, struct bytes reason, bool refuses,
    const char *wanted)
{
	if (ok || refused != refuses || !bytes_equal(reason, bytes_str(wanted)))
		fail_msg("%s: got ok=%d refused=%d \"%.*s\"", name, ok, refused, (int)reason.len,
		    (const char *)reason.ptr);
}

/* RECORD with ok=false. */
static void
await_no_record(struct pool *pool, const char *name, uint64_t ticket, bool refused,
    const char *wanted)
{
	const struct answer *answer = await(pool, FRAME_TYPE_RECORD, ticket);
	CBS in = cbs_bytes((struct bytes){ answer->data, answer->len });
	struct record_message record;
	struct reason why;

	assert_true(message_record_read(&record, &in, &why));
	expect_no_answer(name, record.ok, record.refused, record.reason, refused, wanted);
}

static void
await_unpacked(struct pool *pool, uint64_t ticket, struct unpacked_message *unpacked)
{
	const struct answer *answer = await(pool, FRAME_TYPE_UNPACKED, ticket);
	CBS in = cbs_bytes((struct bytes){ answer->data, answer->len });
	struct reason why;

	assert_true(message_unpacked_read(unpacked, &in, &why));
}

static void
await_not_unpacked(struct pool *pool, const char *name, uint64_t ticket, bool refused,
    const char *wanted)
{
	struct unpacked_message unpacked;

	await_unpacked(pool, ticket, &unpacked);
	expect_no_answer(name, unpacked.ok, unpacked.refused, unpacked.reason, refused, wanted);
}

static void
await_names(struct pool *pool, uint64_t ticket)
{
	const struct answer *answer = await(pool, FRAME_TYPE_NAMES, ticket);
	CBS in = cbs_bytes((struct bytes){ answer->data, answer->len });
	struct names_message names;
	struct reason why;

	assert_true(message_names_read(&names, &in, &why));
	assert_true(bytes_equal(names.kernel, bytes_str("kernel")));
}

/* What of RECORD is signed: signature and payload. */
static struct bytes
await_record(struct pool *pool, uint64_t ticket)
{
	const struct answer *answer = await(pool, FRAME_TYPE_RECORD, ticket);
	CBS in = cbs_bytes((struct bytes){ answer->data, answer->len });
	struct record_message record;
	struct reason why;

	assert_true(message_record_read(&record, &in, &why));
	if (!record.ok)
		fail_msg("%.*s", (int)record.reason.len, (const char *)record.reason.ptr);
	return record.payload;
}

/* Everything that can happen without waiting. */
static void
settle(struct pool *pool)
{
	assert_true(event_base_loop(pool->base, EVLOOP_NONBLOCK) >= 0);
}

/* Lets time pass.  A base that is not running asks for the time anew. */
static void
later(struct pool *pool, time_t secs)
{
	ahead_s += secs;
	settle(pool);
}

/* Waits for one child as the supervisor does: it was one of these.  How it ended. */
static int
reap(struct pool *pool)
{
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	assert_true(pid > 0);
	assert_true(helpers_reaped(pool->helpers, pid));
	assert_false(helpers_reaped(pool->helpers, pid));
	return status;
}

/* One that hung. */
static void
reap_killed(struct pool *pool)
{
	int status = reap(pool);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* Helpers that do well */

static void
unpacker_does_well(void **state)
{
	struct unpacked_message unpacked;
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_UNPACK, 7, GOOD);
	await_unpacked(&pool, 7, &unpacked);
	assert_true(unpacked.ok);
	assert_int_equal(unpacked.nbytes, 'a');         /* out of its first descriptor */
	/* The ticket is free again. */
	ask(&pool, FRAME_TYPE_UNPACK, 7, REFUSE);
	await_not_unpacked(&pool, "no good", 7, true, "no good");
	pool_fini(&pool);
}

/* What is to be signed, written down from the description of it and not with its writer. */
static size_t
message_make(uint8_t *out, uint8_t type, enum deed deed, uint32_t initrd_addr,
    struct bytes payload)
{
	uint8_t *p = out;

	memcpy(p, "dstack-verifier image fact", 27);
	p += 27;
	*p++ = type;
	*p++ = 0;
	*p++ = 1;
	bytes_copy(p, image_of(deed));
	p += 32;
	for (int shift = 24; shift >= 0; shift -= 8)
		*p++ = (uint8_t)(initrd_addr >> shift);
	for (int shift = 24; shift >= 0; shift -= 8)
		*p++ = (uint8_t)(payload.len >> shift);
	bytes_copy(p, payload);
	return (size_t)(p - out) + payload.len;
}

/* Measures, and looks at the payload and at what it was signed as. */
static void
measured(enum dv_fact_type fact, uint8_t type, uint32_t initrd_addr)
{
	uint8_t room[64], message[IMAGE_FACT_MESSAGE_MAX_LEN];
	struct bytes key = key_of(room, GOOD, fact, initrd_addr), blob, payload;
	struct reason why = { 0 };
	struct pool pool;
	size_t len;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, GOOD);
	await_names(&pool, 1);
	assert_true(ask_raw(&pool, FRAME_TYPE_MEASURE, 1, key, &why));
	blob = await_record(&pool, 1);
	payload = (struct bytes){ blob.ptr + 64, blob.len - 64 };
	/* The key, and the six descriptors in their order. */
	assert_int_equal(payload.len, key.len + 6);
	assert_memory_equal(payload.ptr, key.ptr, key.len);
	assert_memory_equal(payload.ptr + key.len, "abcdef", 6);
	len = message_make(message, type, GOOD, initrd_addr, payload);
	assert_int_equal(ED25519_verify(message, len, blob.ptr, pool.setup.keys.public_key), 1);
	pool_fini(&pool);
}

static void
record_is_signed(void **state)
{
	measured(DV_FACT_IMAGE, 1, 0);
	measured(DV_FACT_KERNEL, 2, 0x7c000000);
}

static void
keys_are_new_and_wiped(void **state)
{
	static const struct helpers_keys none;
	struct helpers_keys one, other;

	helpers_keys_make(&one);
	helpers_keys_make(&other);
	assert_memory_not_equal(one.public_key, other.public_key, sizeof one.public_key);
	assert_memory_not_equal(one.private_key, other.private_key, 32);
	helpers_keys_wipe(&one);
	assert_memory_equal(&one, &none, sizeof one);
}

static void
longest_record_fits(void **state)
{
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, LONGEST);
	await_names(&pool, 1);
	ask(&pool, FRAME_TYPE_MEASURE, 1, LONGEST);
	assert_int_equal(await_record(&pool, 1).len, IMAGE_FACT_MAX_LEN);
	pool_fini(&pool);
}

/* A helper has one question to answer; what it says after that reaches nobody. */
static void
second_answer_is_dropped(void **state)
{
	struct unpacked_message unpacked;
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, TWICE);
	await_names(&pool, 1);
	ask(&pool, FRAME_TYPE_MEASURE, 1, TWICE);
	(void)await_record(&pool, 1);
	ask(&pool, FRAME_TYPE_UNPACK, 2, TWICE);
	await_unpacked(&pool, 2, &unpacked);
	assert_int_equal(unpacked.nbytes, 'a');
	settle(&pool);
	pool_fini(&pool);
}

/* Helpers that do not */

static void
measurer_is_answered_for(void **state)
{
	static const struct {
		const char *name;
		enum deed deed;
		bool    named, refused;         /* names come first; it refuses         */
		const char *why;
	} cases[] = {
		{ "refuses the papers", REFUSE, false, true, "no good" },
		{ "refuses a file", REFUSE_FILES, true, true, "no good" },
		{ "ends", DIE, false, false, "the measurer ended" },
		{ "is killed", BE_KILLED, false, false, "the measurer ended" },
		{ "ends while measuring", DIE_ASKED, true, false, "the measurer ended" },
		{ "garbage", GARBAGE, false, false, "the measurer made no sense" },
		{ "half a frame", HALF, false, false, "the measurer made no sense" },
		{ "unpacked", OTHERS, false, false, "the measurer made no sense" },
		{ "registers", REGISTERS, false, false, "the measurer made no sense" },
		{ "no names", RECORD_FIRST, false, false, "the measurer made no sense" },
		{ "names again", NAMES_AGAIN, true, false, "the measurer made no sense" },
		{ "malformed names", MALFORMED, false, false, "the measurer made no sense" },
		{ "malformed record", MALFORMED_RECORD, true, false, "the measurer made no sense" },
		{ "too long", TOO_LONG, true, false, "the measurer made no sense" },
		{ "descriptor", DESCRIPTOR, false, false, "the measurer made no sense" },
	};
	struct pool pool;

	for (size_t i = 0; i < NELEM(cases); i++) {
		pool_init(&pool);
		ask(&pool, FRAME_TYPE_PAPERS, i + 1, cases[i].deed);
		if (cases[i].named) {
			await_names(&pool, i + 1);
			ask(&pool, FRAME_TYPE_MEASURE, i + 1, cases[i].deed);
		}
		await_no_record(&pool, cases[i].name, i + 1, cases[i].refused, cases[i].why);
		pool_fini(&pool);
	}
}

static void
unpacker_is_answered_for(void **state)
{
	static const struct {
		const char *name;
		enum deed deed;
		const char *why;
	} cases[] = {
		{ "ends", DIE, "the unpacker ended" },
		{ "is killed", BE_KILLED, "the unpacker ended" },
		{ "garbage", GARBAGE, "the unpacker made no sense" },
		{ "half a frame", HALF, "the unpacker made no sense" },
		{ "names", OTHERS, "the unpacker made no sense" },
		{ "malformed", MALFORMED, "the unpacker made no sense" },
		{ "descriptor", DESCRIPTOR, "the unpacker made no sense" },
	};
	struct pool pool;

	for (size_t i = 0; i < NELEM(cases); i++) {
		pool_init(&pool);
		ask(&pool, FRAME_TYPE_UNPACK, i + 1, cases[i].deed);
		await_not_unpacked(&pool, cases[i].name, i + 1, false, cases[i].why);
		pool_fini(&pool);
	}
}

/* A measurer that is lost while nothing is asked of it is answered for when something is. */
static void
measurer_lost_between(void **state)
{
	static const enum deed deeds[] = { DIE_NAMED, NAMES_TWICE, NAMES_AND_REFUSE };
	struct pool pool;
	pid_t pid;

	for (size_t i = 0; i < NELEM(deeds); i++) {
		pool_init(&pool);
		ask(&pool, FRAME_TYPE_PAPERS, 1, deeds[i]);
		await_names(&pool, 1);
		while ((pid = waitpid(-1, NULL, WNOHANG)) == 0)
			settle(&pool);
		assert_true(pid > 0 && helpers_reaped(pool.helpers, pid));
		ask(&pool, FRAME_TYPE_MEASURE, 1, deeds[i]);
		await_no_record(&pool, "the measurer ended", 1, false, "the measurer ended");
		pool_fini(&pool);
	}
}

/* The same when it was waited for, and the end of its socket is still to be seen. */
static void
measurer_lost_unseen(void **state)
{
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, DIE_NAMED);
	await_names(&pool, 1);
	(void)reap(&pool);
	ask(&pool, FRAME_TYPE_MEASURE, 1, DIE_NAMED);
	await_no_record(&pool, "ended", 1, false, "the measurer ended");
	pool_fini(&pool);
}

static void
helper_is_late(void **state)
{
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, SAY_NOTHING);
	ask(&pool, FRAME_TYPE_UNPACK, 2, SAY_NOTHING);
	later(&pool, HELPERS_MEASURE_SECS - MARGIN_SECS);
	assert_int_equal(pool.n, 0);
	later(&pool, MARGIN_SECS);
	await_no_record(&pool, "the measurer took too long", 1, false, "the measurer took too long");
	reap_killed(&pool);
	later(&pool, DOWNLOAD_SECS + HELPERS_UNPACK_EXTRA_SECS - HELPERS_MEASURE_SECS -
	    MARGIN_SECS);
	assert_int_equal(pool.n, 1);
	later(&pool, MARGIN_SECS);
	await_not_unpacked(&pool, "the unpacker took too long", 2, false, "the unpacker took too long");
	reap_killed(&pool);
	pool_fini(&pool);
}

/* The second question has a time of its own, and a measurer does not wait for it for ever. */
static void
measurer_is_late_later(void **state)
{
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, SAY_NOTHING_MORE);
	await_names(&pool, 1);
	later(&pool, HELPERS_MEASURE_SECS - MARGIN_SECS);
	ask(&pool, FRAME_TYPE_MEASURE, 1, SAY_NOTHING_MORE);
	later(&pool, HELPERS_MEASURE_SECS - MARGIN_SECS);
	assert_int_equal(pool.n, 1);
	later(&pool, MARGIN_SECS);
	await_no_record(&pool, "the measurer took too long", 1, false, "the measurer took too long");
	reap_killed(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 2, GOOD);
	await_names(&pool, 2);
	later(&pool, HELPERS_MEASURE_SECS);
	(void)reap(&pool);
	ask(&pool, FRAME_TYPE_MEASURE, 2, GOOD);
	await_no_record(&pool, "the measurer ended", 2, false, "the measurer ended");
	pool_fini(&pool);
}

static void
programs_are_missing(void **state)
{
	struct pool pool;

	pool_init(&pool);
	programs_link(&pool, false);
	ask(&pool, FRAME_TYPE_PAPERS, 1, GOOD);
	await_no_record(&pool, "cannot start a helper", 1, false, "cannot start a helper");
	ask(&pool, FRAME_TYPE_UNPACK, 2, GOOD);
	await_not_unpacked(&pool, "cannot start a helper", 2, false, "cannot start a helper");
	pool_fini(&pool);
}

/* How many */

static void
too_many_at_once(void **state)
{
	struct pool pool;

	pool_init(&pool);
	for (uint64_t i = 0; i < MEASURERS; i++)
		ask(&pool, FRAME_TYPE_PAPERS, 1 + i, SAY_NOTHING);
	ask(&pool, FRAME_TYPE_PAPERS, 10, GOOD);
	await_no_record(&pool, "too many helpers at once", 10, false, "too many helpers at once");
	for (uint64_t i = 0; i < HELPERS_MAX_UNPACKERS; i++)
		ask(&pool, FRAME_TYPE_UNPACK, 20 + i, SAY_NOTHING);
	ask(&pool, FRAME_TYPE_UNPACK, 30, GOOD);
	await_not_unpacked(&pool, "too many helpers at once", 30, false, "too many helpers at once");
	/* A place is free when one was let go. */
	ask(&pool, FRAME_TYPE_END, 1, GOOD);
	reap_killed(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 10, GOOD);
	await_names(&pool, 10);
	pool_fini(&pool);
}

/* One that waits for its second question counts, too. */
static void
idle_measurers_count(void **state)
{
	struct pool pool;

	pool_init(&pool);
	for (uint64_t i = 0; i < MEASURERS; i++) {
		ask(&pool, FRAME_TYPE_PAPERS, 1 + i, GOOD);
		await_names(&pool, 1 + i);
	}
	ask(&pool, FRAME_TYPE_PAPERS, 10, GOOD);
	await_no_record(&pool, "too many helpers at once", 10, false, "too many helpers at once");
	pool_fini(&pool);
}

/* However many there were, none is left lying about while others go on: nobody else waits for
 * the children of a one-shot command. */
static void
nothing_piles_up(void **state)
{
	struct pool pool;
	int n = 0;

	pool_init(&pool);
	for (uint64_t i = 1; i <= ANSWERS; i++) {
		ask(&pool, FRAME_TYPE_PAPERS, i, REFUSE);
		await_no_record(&pool, "no good", i, true, "no good");
	}
	while (waitpid(-1, NULL, 0) > 0)
		n++;
	assert_in_range(n, 0, ANSWERS / 2);
	pool_fini(&pool);
}

/* The fetcher lets go */

static void
end_means_no_answer(void **state)
{
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_END, 5, GOOD);
	ask(&pool, FRAME_TYPE_PAPERS, 1, GOOD);
	ask(&pool, FRAME_TYPE_END, 1, GOOD);
	(void)reap(&pool);
	ask(&pool, FRAME_TYPE_UNPACK, 2, SAY_NOTHING);
	ask(&pool, FRAME_TYPE_END, 2, GOOD);
	reap_killed(&pool);
	later(&pool, DOWNLOAD_SECS + HELPERS_UNPACK_EXTRA_SECS);
	assert_int_equal(pool.n, 0);
	pool_fini(&pool);
}

static void
fetcher_is_gone(void **state)
{
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, SAY_NOTHING);
	ask(&pool, FRAME_TYPE_UNPACK, 2, SAY_NOTHING);
	helpers_end(pool.helpers);
	reap_killed(&pool);
	reap_killed(&pool);
	later(&pool, DOWNLOAD_SECS + HELPERS_UNPACK_EXTRA_SECS);
	assert_int_equal(pool.n, 0);
	/* The next fetcher may use the same tickets. */
	ask(&pool, FRAME_TYPE_PAPERS, 1, GOOD);
	await_names(&pool, 1);
	pool_fini(&pool);
}

static void
other_children_are_not_helpers(void **state)
{
	struct pool pool;
	pid_t pid;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, SAY_NOTHING);
	pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(helpers_reaped(pool.helpers, pid));
	ask(&pool, FRAME_TYPE_END, 1, GOOD);
	pool_fini(&pool);
}

/* A fetcher that makes no sense: the caller is told, nothing is answered. */

static void
expect_senseless(const char *name, struct pool *pool, enum frame_type type, uint64_t ticket,
    struct bytes payload, const char *wanted)
{
	struct reason why = { 0 };
	size_t n = pool->n;
	bool ok = ask_raw(pool, type, ticket, payload, &why);

	expect_reason(name, ok, &why, wanted);
	assert_int_equal(why.kind, REASON_MALFORMED);
	assert_int_equal(pool->n, n);
}

static void
first_questions_without_sense(void **state)
{
	static const uint8_t image[33] = { GOOD };
	static const struct {
		const char *name;
		enum frame_type type;
		uint64_t ticket;
		size_t  len;
		const char *why;
	} cases[] = {
		{ "PAPERS 0", FRAME_TYPE_PAPERS, 0, 32, "PAPERS with a ticket that is in use" },
		{ "UNPACK 0", FRAME_TYPE_UNPACK, 0, 32, "UNPACK with a ticket that is in use" },
		{ "PAPERS of a measurer", FRAME_TYPE_PAPERS, 1, 32,
		    "PAPERS with a ticket that is in use" },
		{ "UNPACK of a measurer", FRAME_TYPE_UNPACK, 1, 32,
		    "UNPACK with a ticket that is in use" },
		{ "PAPERS of an unpacker", FRAME_TYPE_PAPERS, 2, 32,
		    "PAPERS with a ticket that is in use" },
		{ "UNPACK of an unpacker", FRAME_TYPE_UNPACK, 2, 32,
		    "UNPACK with a ticket that is in use" },
		{ "PAPERS of any image", FRAME_TYPE_PAPERS, 3, 0, "PAPERS without an image" },
		{ "PAPERS, short", FRAME_TYPE_PAPERS, 3, 31, "PAPERS without an image" },
		{ "UNPACK, short", FRAME_TYPE_UNPACK, 3, 31, "UNPACK without an image" },
		{ "UNPACK, long", FRAME_TYPE_UNPACK, 3, 33, "UNPACK without an image" },
		{ "SHAPE", FRAME_TYPE_SHAPE, 1, 2, "unexpected SHAPE" },
		{ "PROGRESS", FRAME_TYPE_PROGRESS, 0, 2, "unexpected PROGRESS" },
		{ "FOUND", FRAME_TYPE_FOUND, 0, 2, "unexpected FOUND" },
	};
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, SAY_NOTHING);
	ask(&pool, FRAME_TYPE_UNPACK, 2, SAY_NOTHING);
	for (size_t i = 0; i < NELEM(cases); i++)
		expect_senseless(cases[i].name, &pool, cases[i].type, cases[i].ticket,
		    (struct bytes){ image, cases[i].len }, cases[i].why);
	pool_fini(&pool);
}

static void
second_questions_without_sense(void **state)
{
	static const uint8_t collateral[] = { DV_FACT_ROOT_CA_CRL };
	uint8_t room[64], longer[64];
	struct bytes key = key_of(room, GOOD, DV_FACT_IMAGE, 0);
	struct pool pool;

	memcpy(longer, room, sizeof longer);
	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, SAY_NOTHING);
	ask(&pool, FRAME_TYPE_UNPACK, 2, SAY_NOTHING);
	ask(&pool, FRAME_TYPE_PAPERS, 3, GOOD);
	await_names(&pool, 3);
	expect_senseless("before the names", &pool, FRAME_TYPE_MEASURE, 1, key,
	    "MEASURE before an answer");
	expect_senseless("of an unpacker", &pool, FRAME_TYPE_MEASURE, 2, key,
	    "MEASURE before an answer");
	expect_senseless("empty", &pool, FRAME_TYPE_MEASURE, 3, (struct bytes){ 0 },
	    "key message is malformed");
	expect_senseless("short", &pool, FRAME_TYPE_MEASURE, 3,
	    (struct bytes){ key.ptr, key.len - 1 }, "key message is malformed");
	expect_senseless("long", &pool, FRAME_TYPE_MEASURE, 3,
	    (struct bytes){ longer, key.len + 1 }, "MEASURE message is malformed");
	expect_senseless("of a CRL", &pool, FRAME_TYPE_MEASURE, 3, BYTES_OF(collateral),
	    "MEASURE message is malformed");
	expect_senseless("another image", &pool, FRAME_TYPE_MEASURE, 3,
	    key_of(longer, REFUSE, DV_FACT_IMAGE, 0), "MEASURE of another image");
	expect_senseless("another image's kernel", &pool, FRAME_TYPE_MEASURE, 3,
	    key_of(longer, REFUSE, DV_FACT_KERNEL, 4096), "MEASURE of another image");
	pool_fini(&pool);
}

static void
second_question_twice(void **state)
{
	uint8_t room[64];
	struct bytes key = key_of(room, SAY_NOTHING_MORE, DV_FACT_IMAGE, 0);
	struct pool pool;

	pool_init(&pool);
	ask(&pool, FRAME_TYPE_PAPERS, 1, SAY_NOTHING_MORE);
	await_names(&pool, 1);
	ask(&pool, FRAME_TYPE_MEASURE, 1, SAY_NOTHING_MORE);
	expect_senseless("twice", &pool, FRAME_TYPE_MEASURE, 1, key, "MEASURE before an answer");
	/* A ticket that was never given out cannot be told from one whose measurer is gone. */
	ask(&pool, FRAME_TYPE_MEASURE, 9, GOOD);
	await_no_record(&pool, "the measurer ended", 9, false, "the measurer ended");
	pool_fini(&pool);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpacker_does_well),
		cmocka_unit_test(record_is_signed),
		cmocka_unit_test(keys_are_new_and_wiped),
		cmocka_unit_test(longest_record_fits),
		cmocka_unit_test(second_answer_is_dropped),
		cmocka_unit_test(measurer_is_answered_for),
		cmocka_unit_test(unpacker_is_answered_for),
		cmocka_unit_test(measurer_lost_between),
		cmocka_unit_test(measurer_lost_unseen),
		cmocka_unit_test(helper_is_late),
		cmocka_unit_test(measurer_is_late_later),
		cmocka_unit_test(programs_are_missing),
		cmocka_unit_test(too_many_at_once),
		cmocka_unit_test(idle_measurers_count),
		cmocka_unit_test(nothing_piles_up),
		cmocka_unit_test(end_means_no_answer),
		cmocka_unit_test(fetcher_is_gone),
		cmocka_unit_test(other_children_are_not_helpers),
		cmocka_unit_test(first_questions_without_sense),
		cmocka_unit_test(second_questions_without_sense),
		cmocka_unit_test(second_question_twice),
	};

	if (argc > 0 && strcmp(argv[0], "dstack-verifier-measurer") == 0)
		return helper_main(FRAME_MEASURER);
	if (argc > 0 && strcmp(argv[0], "dstack-verifier-unpacker") == 0)
		return helper_main(FRAME_UNPACKER);
	(void)alarm(HANG_SECS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
