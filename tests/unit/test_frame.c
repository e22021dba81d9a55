#include "testing.h"

#include "ipc/frame.h"

/* One head as bytes: type, descriptors, payload length, job. */
static bool
read_head(struct frame *out, unsigned type, unsigned nfds, uint32_t len, unsigned from,
    unsigned to, struct reason *why)
{
	uint8_t head[FRAME_HEAD_LEN];
	size_t n;
	CBB cbb;
	CBS in;

	assert_true(CBB_init_fixed(&cbb, head, sizeof head));
	assert_true(CBB_add_u16le(&cbb, (uint16_t)type) && CBB_add_u16le(&cbb, (uint16_t)nfds) &&
	    CBB_add_u32le(&cbb, len) && CBB_add_u64le(&cbb, 77) && CBB_finish(&cbb, NULL, &n));
	CBS_init(&in, head, n);
	return frame_read(out, &in, from, to, why);
}

static const struct {
	const char *name;
	unsigned type, nfds;
	uint32_t len;
	unsigned from, to;
	const char *why;                /* NULL: accepted */
} cases[] = {
	{ "job", FRAME_TYPE_JOB, 0, 17u << 20, FRAME_ACCEPTOR, FRAME_WORKER, NULL },
	{ "job to a peer of two parts", FRAME_TYPE_JOB, 0, 0,
	    FRAME_SUPERVISOR | FRAME_ACCEPTOR, FRAME_WORKER, NULL },
	{ "listen", FRAME_TYPE_LISTEN, 1, 0, FRAME_SUPERVISOR, FRAME_ACCEPTOR, NULL },
	{ "type 0", 0, 0, 0, FRAME_ACCEPTOR, FRAME_WORKER, "frame of unknown type 0" },
	{ "type 10", 10, 0, 0, FRAME_ACCEPTOR, FRAME_WORKER, "frame of unknown type 10" },
	{ "type 65535", 65535, 0, 0, FRAME_ACCEPTOR, FRAME_WORKER,
	    "frame of unknown type 65535" },
	{ "job too long", FRAME_TYPE_JOB, 0, (17u << 20) + 1, FRAME_ACCEPTOR, FRAME_WORKER,
	    "frame JOB of 17825793 bytes, at most 17825792" },
	{ "largest length", FRAME_TYPE_VERDICT, 0, UINT32_MAX, FRAME_WORKER, FRAME_ACCEPTOR,
	    "frame VERDICT of 4294967295 bytes, at most 8388608" },
	{ "descriptor with a job", FRAME_TYPE_JOB, 1, 0, FRAME_ACCEPTOR, FRAME_WORKER,
	    "frame JOB with 1 descriptors, not 0" },
	{ "listen without its descriptor", FRAME_TYPE_LISTEN, 0, 0, FRAME_SUPERVISOR,
	    FRAME_ACCEPTOR, "frame LISTEN with 0 descriptors, not 1" },
	{ "listen with two", FRAME_TYPE_LISTEN, 2, 0, FRAME_SUPERVISOR, FRAME_ACCEPTOR,
	    "frame LISTEN with 2 descriptors, not 1" },
	{ "measure", FRAME_TYPE_MEASURE, 6, 256, FRAME_SUPERVISOR, FRAME_MEASURER, NULL },
	{ "record", FRAME_TYPE_RECORD, 0, 9216, FRAME_MEASURER, FRAME_SUPERVISOR, NULL },
	{ "measure with four", FRAME_TYPE_MEASURE, 4, 0, FRAME_SUPERVISOR, FRAME_MEASURER,
	    "frame MEASURE with 4 descriptors, not 6" },
	{ "papers with three", FRAME_TYPE_PAPERS, 3, 0, FRAME_SUPERVISOR, FRAME_MEASURER,
	    "frame PAPERS with 3 descriptors, not 2" },
	{ "record too long", FRAME_TYPE_RECORD, 0, 9217, FRAME_MEASURER, FRAME_SUPERVISOR,
	    "frame RECORD of 9217 bytes, at most 9216" },
	{ "a fetcher asks to measure", FRAME_TYPE_MEASURE, 6, 0, FRAME_FETCHER, FRAME_SUPERVISOR,
	    NULL },
	{ "a fetcher asks to unpack", FRAME_TYPE_UNPACK, 2, 32, FRAME_FETCHER, FRAME_SUPERVISOR,
	    NULL },
	{ "an unpacker gets what to read and where to write", FRAME_TYPE_UNPACK, 2, 32,
	    FRAME_SUPERVISOR, FRAME_UNPACKER, NULL },
	{ "unpack without a directory", FRAME_TYPE_UNPACK, 1, 32, FRAME_FETCHER, FRAME_SUPERVISOR,
	    "frame UNPACK with 1 descriptors, not 2" },
	{ "a fetcher asks for a shape", FRAME_TYPE_SHAPE, 5, 0, FRAME_FETCHER, FRAME_SUPERVISOR,
	    "frame SHAPE from one who may not send it" },
	{ "an unpacker sends records", FRAME_TYPE_RECORD, 0, 0, FRAME_UNPACKER, FRAME_SUPERVISOR,
	    "frame RECORD from one who may not send it" },
	{ "an acceptor asks about images", FRAME_TYPE_IMAGES, 0, 34, FRAME_ACCEPTOR,
	    FRAME_FETCHER, "frame IMAGES from one who may not send it" },
	{ "a fetcher sends records", FRAME_TYPE_RECORD, 0, 0, FRAME_FETCHER, FRAME_SUPERVISOR,
	    "frame RECORD from one who may not send it" },
	{ "a worker is asked to measure", FRAME_TYPE_MEASURE, 6, 0, FRAME_SUPERVISOR,
	    FRAME_WORKER, "frame MEASURE from one who may not send it" },
	{ "a worker sends jobs", FRAME_TYPE_JOB, 0, 0, FRAME_WORKER, FRAME_ACCEPTOR,
	    "frame JOB from one who may not send it" },
	{ "a fetcher sends verdicts", FRAME_TYPE_VERDICT, 0, 0, FRAME_FETCHER, FRAME_ACCEPTOR,
	    "frame VERDICT from one who may not send it" },
	{ "a worker is asked to listen", FRAME_TYPE_LISTEN, 1, 0, FRAME_SUPERVISOR, FRAME_WORKER,
	    "frame LISTEN from one who may not send it" },
	{ "an acceptor configures", FRAME_TYPE_CONFIG, 0, 0, FRAME_ACCEPTOR, FRAME_WORKER,
	    "frame CONFIG from one who may not send it" },
};

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct reason why = { 0 };
		struct frame frame;
		bool ok = read_head(&frame, cases[i].type, cases[i].nfds, cases[i].len,
		    cases[i].from, cases[i].to, &why);

		if (ok != (cases[i].why == NULL) ||
		    (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, why.text);
		if (ok && (frame.type != cases[i].type || frame.len != cases[i].len ||
		    frame.nfds != cases[i].nfds || frame.job != 77))
			fail_msg("%s: read as another frame", cases[i].name);
	}
}

static void
test_short(void **state)
{
	static const uint8_t head[FRAME_HEAD_LEN] = { FRAME_TYPE_JOB };

	for (size_t len = 0; len < sizeof head; len++) {
		struct reason why = { 0 };
		struct frame frame;
		CBS in;

		CBS_init(&in, head, len);
		assert_false(frame_read(&frame, &in, FRAME_ACCEPTOR, FRAME_WORKER, &why));
		assert_string_equal(why.text, "frame head is shorter than 16 bytes");
	}
}

static void
test_write(void **state)
{
	static const uint8_t expected[FRAME_HEAD_LEN] = { 19, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 4,
	    3, 2, 1 };
	const struct frame frame = { .type = FRAME_TYPE_FACT, .len = 0x01020304,
	    .job = 0x0102030405060708 };
	uint8_t head[FRAME_HEAD_LEN];
	size_t n;
	CBB cbb;

	assert_true(CBB_init_fixed(&cbb, head, sizeof head));
	assert_true(frame_write(&cbb, &frame) && CBB_finish(&cbb, NULL, &n));
	assert_int_equal(n, sizeof head);
	assert_memory_equal(head, expected, sizeof head);
}

static void
test_table(void **state)
{
	assert_string_equal(frame_name(FRAME_TYPE_JOB), "JOB");
	assert_string_equal(frame_name((enum frame_type)0), "unknown");
	assert_int_equal(frame_max_len(FRAME_TYPE_NEED), 4096);
	assert_int_equal(frame_max_len((enum frame_type)0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
