#include <stdio.h>

#include "../support/sample.h"
#include "evidence/event_log.h"
#include "testing.h"

#define REST    "\"event_type\":134217729,\"event\":\"x\",\"event_payload\":\"\""

/* attestation-and-events.md 5.3 and the form B rows of section 14. */
static const struct {
	const char *name, *text, *why;
} rows[] = {
	{ "empty list", "[]", NULL },
	{ "least", "[{\"imr\":3," REST "}]", NULL },
	{ "unknown key", "[{\"imr\":3,\"x\":[null]," REST "}]", NULL },
	{ "hex in both cases", "[{\"imr\":3,\"digest\":\"aB\"," REST "}]", NULL },
	{ "preimage null", "[{\"imr\":3,\"preimage\":null," REST "}]", NULL },
	{ "version 2", "[{\"imr\":3,\"version\":2," REST "}]", NULL },
	{ "most", "[{\"imr\":4294967295," REST "}]", NULL },

	{ "empty text", "", "event log: JSON is empty" },
	{ "object", "{}", "event log: \"event_log\" is an object, not an array" },
	{ "element", "[1]", "event log: event 0: \"event\" is a number, not an object" },
	{ "positional", "[[3,134217729,\"\",\"x\",\"\"]]",
	    "event log: event 0: \"event\" is an array, not an object" },
	{ "two texts", "[] []", "event log: JSON has more text after the value at byte 3" },
	{ "no imr", "[{" REST "}]", "event log: event 0: \"imr\" is missing" },
	{ "no type", "[{\"imr\":3,\"event\":\"\",\"event_payload\":\"\"}]",
	    "event log: event 0: \"event_type\" is missing" },
	{ "no name", "[{\"imr\":3,\"event_type\":1,\"event_payload\":\"\"}]",
	    "event log: event 0: \"event\" is missing" },
	{ "no payload", "[{\"imr\":3,\"event_type\":1,\"event\":\"\"}]",
	    "event log: event 0: \"event_payload\" is missing" },
	{ "alias", "[{\"imr\":3,\"event_type\":1,\"event\":\"\",\"payload\":\"\"}]",
	    "event log: event 0: \"event_payload\" is missing" },
	{ "second is bad", "[{\"imr\":3," REST "},{}]", "event log: event 1: \"imr\" is missing" },
	{ "imr negative", "[{\"imr\":-1," REST "}]",
	    "event log: event 0: \"imr\" is not a plain unsigned integer" },
	{ "imr fraction", "[{\"imr\":3.0," REST "}]",
	    "event log: event 0: \"imr\" is not a plain unsigned integer" },
	{ "imr 2^32", "[{\"imr\":4294967296," REST "}]",
	    "event log: event 0: \"imr\" is more than 4294967295" },
	{ "imr string", "[{\"imr\":\"3\"," REST "}]",
	    "event log: event 0: \"imr\" is a string, not a number" },
	{ "imr null", "[{\"imr\":null," REST "}]",
	    "event log: event 0: \"imr\" is null, not a number" },
	{ "digest null", "[{\"imr\":3,\"digest\":null," REST "}]",
	    "event log: event 0: \"digest\" is null, not a string" },
	{ "digest odd", "[{\"imr\":3,\"digest\":\"abc\"," REST "}]",
	    "event log: event 0: \"digest\" has an odd number of hex digits" },
	{ "digest 0x", "[{\"imr\":3,\"digest\":\"0xab\"," REST "}]",
	    "event log: event 0: \"digest\" is not hex at digit 1" },
	{ "digest space", "[{\"imr\":3,\"digest\":\"ab cd \"," REST "}]",
	    "event log: event 0: \"digest\" is not hex at digit 2" },
	{ "version null", "[{\"imr\":3,\"version\":null," REST "}]",
	    "event log: event 0: \"version\" is null, not a number" },
	{ "version 0", "[{\"imr\":3,\"version\":0," REST "}]",
	    "event log: event 0: unknown event log version: 0" },
	{ "version 3", "[{\"imr\":3,\"version\":3," REST "}]",
	    "event log: event 0: unknown event log version: 3" },
	{ "preimage number", "[{\"imr\":3,\"preimage\":1," REST "}]",
	    "event log: event 0: \"preimage\" is a number, not a string" },
};

static void
test_rows(void **state)
{
	struct event_list log;
	struct reason why;
	bool ok;

	for (size_t i = 0; i < NELEM(rows); i++) {
		ok = event_log_read(&log, sample_arena(), bytes_str(rows[i].text), &why);
		sample_expect(rows[i].name, ok, &why, rows[i].why);
	}
}

/* Every key twice is refused, also one that nobody knows. */
static void
test_duplicates(void **state)
{
	static const char *const members[] = {
		"\"imr\":3", "\"event_type\":134217729", "\"digest\":\"\"", "\"event\":\"x\"",
		"\"event_payload\":\"\"", "\"version\":1", "\"preimage\":null", "\"other\":1",
	};
	struct event_list log;
	struct reason why;
	char text[512];

	for (size_t twice = 0; twice < NELEM(members); twice++) {
		size_t n = (size_t)snprintf(text, sizeof text, "[{");

		for (size_t i = 0; i < NELEM(members); i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s,", members[i]);
		snprintf(text + n, sizeof text - n, "%s}]", members[twice]);
		if (event_log_read(&log, sample_arena(), bytes_str(text), &why))
			fail_msg("%s", text);
		assert_non_null(strstr(why.text, "event log: "));
	}
}

static void
test_values(void **state)
{
	static const char text[] =
	    "[{\"preimage\":\"7B\",\"version\":2,\"event_payload\":\"00fF\","
	    "\"event\":\"a\\u0000\\n\","
	    "\"digest\":\"aB\",\"event_type\":10,\"imr\":7},{\"imr\":0,\"event_type\":1,"
	    "\"event\":\"\",\"event_payload\":\"\"}]";
	struct event_list log;
	struct reason why;

	assert_true(event_log_read(&log, sample_arena(), bytes_str(text), &why));
	assert_int_equal(log.n, 2);
	assert_int_equal(log.event[0].imr, 7);
	assert_int_equal(log.event[0].type, 10);
	assert_int_equal(log.event[0].version, 2);
	assert_true(log.event[0].has_preimage);
	assert_true(bytes_equal(log.event[0].preimage, bytes_str("7B")));
	assert_true(bytes_equal(log.event[0].digest, bytes_str("\xab")));
	assert_true(bytes_equal(log.event[0].name, (struct bytes){ (const uint8_t *)"a\0\n", 3 }));
	assert_true(bytes_equal(log.event[0].payload,
	    (struct bytes){ (const uint8_t *)"\0\xff", 2 }));
	assert_int_equal(log.event[1].version, 1);
	assert_false(log.event[1].has_preimage);
	assert_int_equal(log.event[1].digest.len, 0);
}

/* n events of which the last has a payload of len bytes. */
static bool
big_log_read(size_t n, size_t len, struct reason *why)
{
	static const char event[] =
	    "{\"imr\":3,\"event_type\":1,\"event\":\"\",\"event_payload\":\"";
	static char text[1u << 20];
	struct event_list log;
	size_t at = 0;

	text[at++] = '[';
	for (size_t i = 0; i < n; i++) {
		memcpy(text + at, event, strlen(event));
		at += strlen(event);
		if (i == n - 1) {
			memset(text + at, 'a', 2 * len);
			at += 2 * len;
		}
		memcpy(text + at, "\"},", 3);
		at += 3;
	}
	text[at - 1] = ']';
	return event_log_read(&log, sample_arena(), (struct bytes){ (uint8_t *)text, at }, why);
}

static void
test_limits(void **state)
{
	struct reason why;

	assert_true(big_log_read(EVENT_LOG_MAX, 0, &why));
	assert_false(big_log_read(EVENT_LOG_MAX + 1, 0, &why));
	assert_string_equal(why.text, "event log: 4097 events are more than 4096");
	assert_true(big_log_read(1, EVENT_PAYLOAD_MAX, &why));
	assert_false(big_log_read(1, EVENT_PAYLOAD_MAX + 1, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
}

static void
test_small_arenas(void **state)
{
	static const char text[] = "[{\"imr\":3,\"digest\":\"ab\"," REST "},{\"imr\":3," REST "}]";
	struct event_list log;
	struct reason why;
	size_t max;

	for (max = 1;; max += 8) {
		AUTO(arena_free) struct arena *arena = arena_new(max);

		assert_non_null(arena);
		if (event_log_read(&log, arena, bytes_str(text), &why))
			break;
		assert_int_equal(why.kind, REASON_LIMIT);
	}
	assert_true(max > 2 * sizeof(struct event));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_small_arenas),
	};

	return cmocka_run_group_tests_name("event_log_json", tests, NULL, NULL);
}
