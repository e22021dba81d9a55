#include <stdio.h>

#include "../support/sample.h"
#include "testing.h"

/* http-api-and-cli.md 2.1 row by row; the reason is what the error body's `detail` says. */
static const struct {
	const char *name, *body;
	int     status;
} rows[] = {
	{ "no key", "{}", 200 },
	{ "all null", "{\"quote\":null,\"event_log\":null,\"vm_config\":null,"
	    "\"attestation\":null,\"debug\":null,\"explain\":null,\"expected_report_data\":null,"
	    "\"expected_app_id\":null,\"expected_compose_hash\":null,"
	    "\"expected_os_image_hash\":null,\"allowed_tcb_statuses\":null}", 200 },
	{ "hex lower", "{\"quote\":\"ab\"}", 200 },
	{ "hex upper", "{\"quote\":\"AB\"}", 200 },
	{ "hex mixed", "{\"attestation\":\"aB\"}", 200 },
	{ "hex 0x", "{\"quote\":\"0xab\"}", 422 },
	{ "hex space", "{\"quote\":\"ab cd\"}", 422 },
	{ "hex space before", "{\"quote\":\" abcd\"}", 422 },
	{ "hex newline", "{\"attestation\":\"ab\\ncd\"}", 422 },
	{ "hex odd", "{\"quote\":\"abc\"}", 422 },
	{ "hex odd attestation", "{\"attestation\":\"abc\"}", 422 },
	{ "hex letter", "{\"attestation\":\"ag\"}", 422 },
	{ "hex empty", "{\"quote\":\"\",\"attestation\":\"\"}", 200 },
	{ "hex escaped", "{\"quote\":\"\\u0061b\"}", 200 },
	{ "quote number", "{\"quote\":1}", 422 },
	{ "quote array", "{\"quote\":[1]}", 422 },
	{ "quote object", "{\"quote\":{}}", 422 },
	{ "quote bool", "{\"quote\":true}", 422 },
	{ "attestation number", "{\"attestation\":1}", 422 },
	{ "attestation array", "{\"attestation\":[]}", 422 },
	{ "attestation object", "{\"attestation\":{}}", 422 },
	{ "event_log array", "{\"event_log\":[]}", 422 },
	{ "event_log object", "{\"event_log\":{}}", 422 },
	{ "event_log number", "{\"event_log\":0}", 422 },
	{ "vm_config object", "{\"vm_config\":{}}", 422 },
	{ "vm_config array", "{\"vm_config\":[]}", 422 },
	{ "vm_config number", "{\"vm_config\":0}", 422 },
	{ "debug string", "{\"debug\":\"true\"}", 200 },
	{ "debug bool", "{\"debug\":true}", 200 },
	{ "debug twice", "{\"debug\":true,\"debug\":1}", 200 },
	{ "quote twice", "{\"quote\":\"\",\"quote\":\"\"}", 422 },
	{ "quote twice null", "{\"quote\":null,\"quote\":null}", 422 },
	{ "quote twice by escape", "{\"quote\":null,\"\\u0071uote\":null}", 422 },
	{ "event_log twice", "{\"event_log\":\"\",\"event_log\":\"\"}", 422 },
	{ "vm_config twice", "{\"vm_config\":\"\",\"vm_config\":\"\"}", 422 },
	{ "attestation twice", "{\"attestation\":\"\",\"attestation\":\"\"}", 422 },
	{ "unknown twice", "{\"x\":1,\"x\":2}", 200 },
	{ "inside unknown twice", "{\"x\":{\"y\":1,\"y\":2}}", 200 },
	{ "other case", "{\"Quote\":1,\"QUOTE\":2,\"Attestation\":[]}", 200 },
	{ "positional", "[\"\",\"\",\"\",\"\",false]", 422 },
	{ "top null", "null", 422 },
	{ "top string", "\"x\"", 422 },
	{ "top number", "1", 422 },
	{ "top bool", "true", 422 },
	{ "empty", "", 400 },
	{ "white space", " \t\r\n", 400 },
	{ "truncated", "{\"quote\":\"ab\"", 400 },
	{ "truncated in string", "{\"quote\":\"ab", 400 },
	{ "trailing text", "{} x", 400 },
	{ "trailing object", "{}{}", 400 },
	{ "trailing comma", "{\"x\":1,}", 400 },
	{ "trailing comma in list", "{\"x\":[1,]}", 400 },
	{ "byte order mark", "\357\273\277{}", 400 },
	{ "raw control", "{\"x\":\"\001\"}", 400 },
	{ "raw newline", "{\"quote\":\"ab\ncd\"}", 400 },
	{ "lone surrogate", "{\"x\":\"\\ud800\"}", 400 },
	{ "lone low surrogate", "{\"x\":\"\\udc00\"}", 400 },
	{ "NaN", "{\"x\":NaN}", 400 },
	{ "Infinity", "{\"x\":-Infinity}", 400 },
	{ "single quotes", "{'x':1}", 400 },
	{ "comment", "{}//", 400 },
	{ "not UTF-8", "{\"x\":\"\377\"}", 400 },
	{ "overlong UTF-8", "{\"x\":\"\300\200\"}", 400 },
	{ "key not UTF-8", "{\"\377\":1}", 400 },
	{ "white space around", " \t\r\n{}\n", 200 },
	{ "ignored keys",
	    "{\"report_data\":[1],\"pccs_url\":\"http://x\",\"\":{\"a\":[{}]}}", 200 },

	{ "explain", "{\"explain\":true}", 200 },
	{ "explain string", "{\"explain\":\"true\"}", 422 },
	{ "explain twice", "{\"explain\":true,\"explain\":true}", 422 },
	{ "report data number", "{\"expected_report_data\":1}", 422 },
	{ "report data hex", "{\"expected_report_data\":\"0x\"}", 422 },
	{ "report data twice",
	    "{\"expected_report_data\":\"\",\"expected_report_data\":\"\"}", 422 },
	{ "app id number", "{\"expected_app_id\":1}", 422 },
	{ "app id odd", "{\"expected_app_id\":\"a\"}", 422 },
	{ "app id twice", "{\"expected_app_id\":\"\",\"expected_app_id\":\"\"}", 422 },
	{ "compose number", "{\"expected_compose_hash\":1}", 422 },
	{ "compose odd", "{\"expected_compose_hash\":\"a\"}", 422 },
	{ "compose twice", "{\"expected_compose_hash\":\"\",\"expected_compose_hash\":\"\"}", 422 },
	{ "image number", "{\"expected_os_image_hash\":1}", 422 },
	{ "image odd", "{\"expected_os_image_hash\":\"a\"}", 422 },
	{ "image twice", "{\"expected_os_image_hash\":\"\",\"expected_os_image_hash\":\"\"}", 422 },
	{ "statuses", "{\"allowed_tcb_statuses\":[\"UpToDate\",\"Other\"]}", 200 },
	{ "statuses string", "{\"allowed_tcb_statuses\":\"UpToDate\"}", 422 },
	{ "statuses number", "{\"allowed_tcb_statuses\":[1]}", 422 },
	{ "statuses null", "{\"allowed_tcb_statuses\":[null]}", 422 },
	{ "statuses twice", "{\"allowed_tcb_statuses\":[],\"allowed_tcb_statuses\":[]}", 422 },
};

static bool
read_body(struct request *out, struct bytes body, bool lenient, int *status, struct reason *why)
{
	return request_read(out, sample_arena(), body, lenient, status, why);
}

static void
test_rows(void **state)
{
	struct request request;
	struct reason why;
	int status;
	bool ok;

	for (size_t i = 0; i < NELEM(rows); i++) {
		why.text[0] = '\0';
		ok = read_body(&request, bytes_str(rows[i].body), false, &status, &why);
		if (status != rows[i].status || ok != (status == 200) ||
		    (!ok && why.text[0] == '\0'))
			fail_msg("%s: got %d, %d \"%s\"", rows[i].name, ok, status, why.text);
	}
}

static void
test_nul(void **state)
{
	static const uint8_t after[] = "{}", inside[] = "{\"x\":\"a\0b\"}";
	struct request request;
	struct reason why;
	int status;

	assert_false(read_body(&request, BYTES_OF(after), false, &status, &why));
	assert_int_equal(status, 400);
	assert_false(read_body(&request, (struct bytes){ inside, sizeof inside - 1 }, false,
	    &status, &why));
	assert_int_equal(status, 400);
}

/* A body of `depth` values inside one another, the object included. */
static int
depth_status(size_t depth)
{
	static char body[8192];
	struct request request;
	struct reason why;
	size_t n = 0;
	int status;

	n += (size_t)snprintf(body, sizeof body, "{\"x\":");
	memset(body + n, '[', depth - 1);
	n += depth - 1;
	memset(body + n, ']', depth - 1);
	n += depth - 1;
	body[n++] = '}';
	(void)!read_body(&request, (struct bytes){ (uint8_t *)body, n }, false, &status, &why);
	return status;
}

static void
test_depth(void **state)
{
	assert_int_equal(depth_status(REQUEST_DEPTH_MAX), 200);
	assert_int_equal(depth_status(REQUEST_DEPTH_MAX + 1), 400);
}

static void
test_values(void **state)
{
	static const char body[] =
	    "{\"quote\":\"\\u0061B\",\"event_log\":\"[\\\"\\\\n\\\"]\",\"vm_config\":\"{}\","
	    "\"explain\":true,\"expected_report_data\":\"01ff\",\"expected_app_id\":\"02\","
	    "\"expected_compose_hash\":\"03\",\"expected_os_image_hash\":\"04\","
	    "\"allowed_tcb_statuses\":[\"UpToDate\",\"\"]}";
	uint8_t padded[REPORT_DATA_LEN] = { 0x01, 0xff };
	struct request r;
	struct reason why;
	int status;

	assert_true(read_body(&r, bytes_str(body), false, &status, &why));
	assert_true(bytes_equal(r.quote.value, bytes_str("\xab")));
	assert_true(bytes_equal(r.event_log.value, bytes_str("[\"\\n\"]")));
	assert_true(bytes_equal(r.vm_config.value, bytes_str("{}")));
	assert_false(r.attestation.given);
	assert_true(r.explain);
	assert_true(bytes_equal(r.expected_report_data.value, BYTES_OF(padded)));
	assert_true(bytes_equal(r.expected_app_id.value, bytes_str("\2")));
	assert_true(bytes_equal(r.expected_compose_hash.value, bytes_str("\3")));
	assert_true(bytes_equal(r.expected_os_image_hash.value, bytes_str("\4")));
	assert_true(r.has_allowed_tcb_statuses);
	assert_int_equal(r.n_allowed_tcb_statuses, 2);
	assert_true(bytes_equal(r.allowed_tcb_statuses[0], bytes_str("UpToDate")));
	assert_int_equal(r.allowed_tcb_statuses[1].len, 0);
}

static void
test_report_data_length(void **state)
{
	char body[256], digits[2 * REPORT_DATA_LEN + 3] = { 0 };
	struct request r;
	struct reason why;
	int status;

	memset(digits, 'a', 2 * REPORT_DATA_LEN);
	snprintf(body, sizeof body, "{\"expected_report_data\":\"%s\"}", digits);
	assert_true(read_body(&r, bytes_str(body), false, &status, &why));
	memset(digits, 'a', 2 * REPORT_DATA_LEN + 2);
	snprintf(body, sizeof body, "{\"expected_report_data\":\"%s\"}", digits);
	assert_false(read_body(&r, bytes_str(body), false, &status, &why));
	assert_int_equal(status, 422);
	assert_string_equal(why.text, "\"expected_report_data\" has 65 bytes, more than 64");
}

static void
test_lenient(void **state)
{
	static const char body[] = "{\"event_log\":[ {\"a\":1} ],\"vm_config\":{\"b\": 2}}";
	struct request r;
	struct reason why;
	int status;

	assert_true(read_body(&r, bytes_str(body), true, &status, &why));
	assert_true(bytes_equal(r.event_log.value, bytes_str("[ {\"a\":1} ]")));
	assert_true(bytes_equal(r.vm_config.value, bytes_str("{\"b\": 2}")));
	/* The other way round stays wrong. */
	assert_false(read_body(&r, bytes_str("{\"event_log\":{}}"), true, &status, &why));
	assert_int_equal(status, 422);
	assert_false(read_body(&r, bytes_str("{\"vm_config\":[]}"), true, &status, &why));
	assert_int_equal(status, 422);
}

static void
test_form(void **state)
{
	static const struct {
		const char *body, *why;
		enum request_form form;
	} cases[] = {
		{ "{}", "Quote is required", 0 },
		{ "{\"event_log\":\"[]\"}", "Quote is required", 0 },
		{ "{\"quote\":\"\"}", "Event log is required", 0 },
		{ "{\"quote\":\"\",\"event_log\":null}", "Event log is required", 0 },
		{ "{\"quote\":\"\",\"event_log\":\"\"}", NULL, REQUEST_QUOTE },
		{ "{\"quote\":\"\",\"event_log\":\"\",\"attestation\":\"\"}", NULL,
		    REQUEST_ATTESTATION },
		{ "{\"attestation\":\"\"}", NULL, REQUEST_ATTESTATION },
	};
	struct request r;
	struct reason why;
	enum request_form form;
	int status;
	bool ok;

	for (size_t i = 0; i < NELEM(cases); i++) {
		assert_true(read_body(&r, bytes_str(cases[i].body), false, &status, &why));
		ok = request_form(&form, &r, &why);
		sample_expect(cases[i].body, ok, &why, cases[i].why);
		if (ok)
			assert_int_equal(form, cases[i].form);
	}
}

static void
test_outer(void **state)
{
	struct reason why;

	(void)reject(&why, REASON_MALFORMED, "Empty attestation bytes");
	assert_int_equal(request_outer_len(&why), strlen(why.text));
	(void)reject_as(&why, ATTESTATION_DECODE_FAILED);
	assert_int_equal(request_outer_len(&why), strlen(ATTESTATION_DECODE_FAILED));
}

/* A small arena is our trouble, not a fault of the request. */
static void
test_small_arenas(void **state)
{
	static const char body[] =
	    "{\"quote\":\"abcd\",\"event_log\":\"\\n\",\"vm_config\":\"\\n\","
	    "\"expected_report_data\":\"00\",\"allowed_tcb_statuses\":[\"\\n\"]}";
	struct request r;
	struct reason why;
	int status;

	for (size_t max = 1;; max += 8) {
		AUTO(arena_free) struct arena *arena = arena_new(max);

		assert_non_null(arena);
		if (request_read(&r, arena, bytes_str(body), false, &status, &why))
			break;
		assert_int_equal(why.kind, REASON_LIMIT);
		assert_int_equal(status, 200);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_report_data_length),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_outer),
		cmocka_unit_test(test_small_arenas),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
