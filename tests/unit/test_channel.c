/*
 * test_channel.c - frames over a socket, cut and joined in every way
 */
#include "testing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/channel.h"

/* Bytes as an acceptor would send them to a worker, and the worker's channel. */
struct pair {
	int     raw;
	struct channel *channel;
};

static void
pair_init(struct pair *pair)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pair->raw = fds[0];
	pair->channel = channel_new(fds[1], FRAME_WORKER, FRAME_ACCEPTOR, (size_t)1 << 20);
	assert_non_null(pair->channel);
}

static void
pair_fini(struct pair *pair)
{
	if (pair->raw != -1)
		(void)close(pair->raw);
	channel_free(pair->channel);
}

/* A JOB whose payload is `len` bytes of its own number. */
static size_t
job_put(uint8_t *to, uint8_t number, size_t len)
{
	const struct frame frame = { .type = FRAME_TYPE_JOB, .len = len, .job = number };
	CBB cbb;
	size_t written;

	assert_true(CBB_init_fixed(&cbb, to, FRAME_HEAD_LEN));
	assert_true(frame_write(&cbb, &frame));
	assert_true(CBB_finish(&cbb, NULL, &written));
	memset(to + FRAME_HEAD_LEN, number, len);
	return FRAME_HEAD_LEN + len;
}

static void
job_check(const struct frame *frame, struct blob *payload, uint8_t number, size_t len)
{
	assert_int_equal(frame->type, FRAME_TYPE_JOB);
	assert_int_equal(frame->job, number);
	assert_int_equal(payload->len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(payload->data[i], number);
	blob_free(payload);
}

static const size_t lens[] = { 0, 1, 17000, CHANNEL_AHEAD - 17, CHANNEL_AHEAD, CHANNEL_AHEAD + 1,
    3, 100000, 16, 15, 0, 0, 40 };

/* All frames above, written in pieces of `piece` bytes, read after each. */
static void
pieces(size_t piece)
{
	struct pair pair;
	struct frame frame;
	struct blob *payload;
	struct reason why = { 0 };
	uint8_t *all = malloc((size_t)1 << 20);
	size_t len = 0, got = 0;
	int fd;

	assert_non_null(all);
	for (size_t i = 0; i < NELEM(lens); i++)
		len += job_put(all + len, (uint8_t)(i + 1), lens[i]);
	pair_init(&pair);
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		enum channel_event event;

		assert_int_equal(write(pair.raw, all + at, n), (ssize_t)n);
		while ((event = channel_receive(pair.channel, &frame, &payload, &fd, &why)) ==
		    CHANNEL_FRAME) {
			job_check(&frame, payload, (uint8_t)(got + 1), lens[got]);
			assert_int_equal(fd, -1);
			got++;
		}
		assert_int_equal(event, CHANNEL_IDLE);
	}
	assert_int_equal(got, NELEM(lens));
	(void)close(pair.raw);
	pair.raw = -1;
	assert_int_equal(channel_receive(pair.channel, &frame, &payload, &fd, &why),
	    CHANNEL_CLOSED);
	pair_fini(&pair);
	free(all);
}

static void
test_pieces(void **state)
{
	static const size_t sizes[] = { 7, 16, 17, 4096, 17016, 17017, 40000, 100000 };

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++)
		pieces(sizes[i]);
}

/* Frames with descriptors and without, sent in one go: each descriptor with its own frame. */
static void
test_descriptors(void **state)
{
	struct channel *from, *to;
	struct reason why = { 0 };
	struct frame frame;
	struct blob *payload;
	struct stat sent[2], got;
	int fds[2], files[2], fd;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	from = channel_new(fds[0], FRAME_SUPERVISOR, FRAME_ACCEPTOR, (size_t)1 << 20);
	to = channel_new(fds[1], FRAME_ACCEPTOR, FRAME_SUPERVISOR, (size_t)1 << 20);
	assert_non_null(from);
	assert_non_null(to);
	assert_int_equal(pipe(files), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(fstat(files[i], &sent[i]), 0);
	assert_true(channel_send(from, FRAME_TYPE_CONFIG, 0, BYTES_OF("abc"), NULL, -1, &why));
	for (size_t i = 0; i < 2; i++)
		assert_true(channel_send(from, FRAME_TYPE_WORKER, 0, BYTES_OF("defg"), NULL,
		    files[i], &why));
	assert_true(channel_send(from, FRAME_TYPE_DRAIN, 0, (struct bytes){ 0 }, NULL, -1, &why));

	assert_int_equal(channel_receive(to, &frame, &payload, &fd, &why), CHANNEL_FRAME);
	assert_int_equal(frame.type, FRAME_TYPE_CONFIG);
	assert_int_equal(fd, -1);
	blob_free(payload);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(channel_receive(to, &frame, &payload, &fd, &why), CHANNEL_FRAME);
		assert_int_equal(frame.type, FRAME_TYPE_WORKER);
		assert_int_equal(fstat(fd, &got), 0);
		assert_int_equal(got.st_ino, sent[i].st_ino);
		blob_free(payload);
		(void)close(fd);
		(void)close(files[i]);
	}
	assert_int_equal(channel_receive(to, &frame, &payload, &fd, &why), CHANNEL_FRAME);
	assert_int_equal(frame.type, FRAME_TYPE_DRAIN);
	assert_int_equal(fd, -1);
	blob_free(payload);
	assert_int_equal(channel_receive(to, &frame, &payload, &fd, &why), CHANNEL_IDLE);
	channel_free(from);
	channel_free(to);
}

static void
fd_check(int fd, const struct stat *sent)
{
	struct stat got;

	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(got.st_ino, sent->st_ino);
	(void)close(fd);
}

/* Two frames with several descriptors each, in order, and none with the frame between. */
static void
test_several(void **state)
{
	struct channel *from, *to;
	struct reason why = { 0 };
	struct frame frame;
	struct blob *payload;
	struct stat sent[6];
	int fds[2], files[6], got[FRAME_MAX_FDS];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	from = channel_new(fds[0], FRAME_SUPERVISOR, FRAME_MEASURER, (size_t)1 << 20);
	to = channel_new(fds[1], FRAME_MEASURER, FRAME_SUPERVISOR, (size_t)1 << 20);
	for (size_t i = 0; i < 6; i += 2)
		assert_int_equal(pipe(files + i), 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(fstat(files[i], &sent[i]), 0);
	assert_true(channel_send_fds(from, FRAME_TYPE_MEASURE, 0, BYTES_OF("key"), NULL, files, 6,
	    &why));
	assert_true(channel_send_fds(from, FRAME_TYPE_PAPERS, 0, (struct bytes){ 0 }, NULL,
	    files + 4, 2, &why));
	for (unsigned n = 6; n != 0; n = n == 6 ? 2 : 0) {
		assert_int_equal(channel_receive_fds(to, &frame, &payload, got, &why),
		    CHANNEL_FRAME);
		assert_int_equal(frame.nfds, n);
		blob_free(payload);
		for (unsigned i = 0; i < n; i++)
			fd_check(got[i], &sent[n == 6 ? i : 4 + i]);
	}
	assert_int_equal(channel_receive_fds(to, &frame, &payload, got, &why), CHANNEL_IDLE);
	/* Who expects one at most is not sent six. */
	assert_true(channel_send_fds(from, FRAME_TYPE_MEASURE, 0, BYTES_OF("key"), NULL, files, 6,
	    &why));
	assert_int_equal(channel_receive(to, &frame, &payload, got, &why), CHANNEL_BROKEN);
	assert_string_equal(why.text, "frame MEASURE is not expected");
	for (size_t i = 0; i < 6; i++)
		(void)close(files[i]);
	channel_free(from);
	channel_free(to);
}

/* As many descriptors as told beside a head that announces `announced`. */
static void
miscounted(unsigned told, uint8_t announced, const char *wanted)
{
	const uint8_t head[FRAME_HEAD_LEN] = { FRAME_TYPE_MEASURE, 0, announced };
	struct iovec iov = { (void *)(uintptr_t)head, sizeof head };
	union {
		struct cmsghdr head;
		char    room[CMSG_SPACE(7 * sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = CMSG_SPACE(told * sizeof(int)) };
	int fds[2], seven[7], got[FRAME_MAX_FDS];
	struct reason why = { 0 };
	struct channel *to;
	struct frame frame;
	struct blob *payload;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	to = channel_new(fds[1], FRAME_MEASURER, FRAME_SUPERVISOR, (size_t)1 << 20);
	for (size_t i = 0; i < NELEM(seven); i++)
		seven[i] = fds[0];
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(told * sizeof(int));
	memcpy(CMSG_DATA(&control.head), seven, told * sizeof(int));
	assert_int_equal(sendmsg(fds[0], &msg, 0), sizeof head);
	assert_int_equal(channel_receive_fds(to, &frame, &payload, got, &why), CHANNEL_BROKEN);
	assert_string_equal(why.text, wanted);
	(void)close(fds[0]);
	channel_free(to);
}

static void
test_miscounted(void **state)
{
	(void)state;
	miscounted(4, 6, "frame MEASURE without the descriptor it announces");
	miscounted(7, 6, "more descriptors than announced");
	miscounted(4, 4, "frame MEASURE with 4 descriptors, not 6");
}

static const struct {
	const char *name;
	uint8_t bytes[24];
	size_t  len;
	const char *why;
} bad[] = {
	{ "unknown type", { 99 }, 16, "frame of unknown type 99" },
	{ "from another", { FRAME_TYPE_VERDICT }, 16,
	    "frame VERDICT from one who may not send it" },
	{ "too long", { FRAME_TYPE_JOB, 0, 0, 0, 1, 0, 0x10, 1 }, 16,
	    "frame JOB of 17825793 bytes, at most 17825792" },
	{ "announces a descriptor", { FRAME_TYPE_JOB, 0, 1 }, 16,
	    "frame JOB with 1 descriptors, not 0" },
	{ "ends in the head", { FRAME_TYPE_JOB }, 15, "peer ended inside a frame" },
	{ "ends in the payload", { FRAME_TYPE_JOB, 0, 0, 0, 8 }, 23,
	    "peer ended inside a frame" },
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++) {
		struct pair pair;
		struct frame frame;
		struct blob *payload = NULL;
		struct reason why = { 0 };
		enum channel_event event;
		int fd;

		pair_init(&pair);
		assert_int_equal(write(pair.raw, bad[i].bytes, bad[i].len), (ssize_t)bad[i].len);
		(void)close(pair.raw);
		pair.raw = -1;
		do
			event = channel_receive(pair.channel, &frame, &payload, &fd, &why);
		while (event == CHANNEL_IDLE);
		if (event != CHANNEL_BROKEN || strcmp(why.text, bad[i].why) != 0)
			fail_msg("%s: event %d \"%s\"", bad[i].name, event, why.text);
		pair_fini(&pair);
	}
}

/* A descriptor beside a frame that has none. */
static void
test_stray_descriptor(void **state)
{
	uint8_t job[FRAME_HEAD_LEN];
	struct iovec iov = { job, sizeof job };
	union {
		struct cmsghdr head;
		char    room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = sizeof control.room };
	struct pair pair;
	struct frame frame;
	struct blob *payload;
	struct reason why = { 0 };
	int fd;

	(void)state;
	pair_init(&pair);
	(void)job_put(job, 1, 0);
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &pair.raw, sizeof pair.raw);
	assert_int_equal(sendmsg(pair.raw, &msg, 0), sizeof job);
	assert_int_equal(channel_receive(pair.channel, &frame, &payload, &fd, &why),
	    CHANNEL_FRAME);
	assert_int_equal(fd, -1);
	blob_free(payload);
	assert_int_equal(channel_receive(pair.channel, &frame, &payload, &fd, &why),
	    CHANNEL_BROKEN);
	assert_string_equal(why.text, "a descriptor that no frame announced");
	pair_fini(&pair);
}

/* A peer that does not read: frames wait up to the bound, and leave when it does. */
static void
test_pending(void **state)
{
	AUTO(blob_free) struct blob *body = blob_new((size_t)300 << 10);
	struct channel *from, *to;
	struct frame frame;
	struct blob *payload;
	struct reason why = { 0 };
	int fds[2], fd;
	size_t n = 0;

	(void)state;
	assert_non_null(body);
	memset(body->data, 7, body->len);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	from = channel_new(fds[0], FRAME_ACCEPTOR, FRAME_WORKER, (size_t)1 << 20);
	to = channel_new(fds[1], FRAME_WORKER, FRAME_ACCEPTOR, (size_t)1 << 20);
	assert_non_null(from);
	assert_non_null(to);
	while (channel_send(from, FRAME_TYPE_JOB, 7, BYTES_OF("\7\7\7"), body, -1, &why))
		n++;
	assert_string_equal(why.text, "peer does not take its frames");
	assert_true(n >= 3 && channel_pending(from));
	for (size_t i = 0; i < n;) {
		assert_true(channel_flush(from, &why));
		if (channel_receive(to, &frame, &payload, &fd, &why) != CHANNEL_FRAME)
			continue;
		assert_int_equal(payload->len, body->len + 4);
		assert_int_equal(payload->data[4], 7);
		blob_free(payload);
		i++;
	}
	assert_false(channel_pending(from));
	channel_free(from);
	channel_free(to);
}

/* Counts frames, and refuses the third. */
static bool
third_refused(void *context, const struct frame *frame, struct bytes payload,
    const int fds[FRAME_MAX_FDS], struct reason *why)
{
	int *n = context;

	assert_int_equal(payload.len, 2);
	return ++*n < 3 || reject(why, REASON_MALFORMED, "not a third");
}

static void
test_serve(void **state)
{
	uint8_t two[2 * (FRAME_HEAD_LEN + 2)];
	struct reason why = { 0 };
	struct pair pair;
	int n = 0;

	(void)job_put(two + job_put(two, 1, 2), 2, 2);
	pair_init(&pair);
	assert_int_equal(write(pair.raw, two, sizeof two), (ssize_t)sizeof two);
	assert_true(channel_serve(pair.channel, third_refused, &n, &why));
	assert_int_equal(n, 2);
	assert_int_equal(write(pair.raw, two, sizeof two), (ssize_t)sizeof two);
	assert_false(channel_serve(pair.channel, third_refused, &n, &why));
	assert_int_equal(n, 3);
	assert_string_equal(why.text, "not a third");

	/* The rest is taken, then the peer's end is no fault. */
	why = (struct reason){ 0 };
	n = 0;
	(void)close(pair.raw);
	pair.raw = -1;
	assert_true(channel_serve(pair.channel, third_refused, &n, &why));
	assert_int_equal(n, 1);
	assert_false(channel_serve(pair.channel, third_refused, &n, &why));
	assert_int_equal(n, 1);
	assert_int_equal(why.kind, REASON_NONE);
	pair_fini(&pair);
}

static void
test_blob_resize(void **state)
{
	struct blob *blob = blob_new(3);

	(void)state;
	assert_non_null(blob);
	memcpy(blob->data, "abc", 3);
	assert_true(blob_resize(&blob, 100000));
	assert_int_equal(blob->len, 100000);
	assert_memory_equal(blob->data, "abc", 3);
	assert_false(blob_resize(&blob, SIZE_MAX));
	assert_int_equal(blob->len, 100000);
	blob_free(blob);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_miscounted),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_stray_descriptor),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_serve),
		cmocka_unit_test(test_blob_resize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
