/*
 * The calls of verify.h beside a judged request: what is no request, faults, bad facts.
 */
#include "testing.h"

#include "../support/mock_world.h"
#include "../teesim/build.h"

#define NOTHING                                                                                 \
	"\"details\":{\"quote_verified\":false,\"event_log_verified\":false,"                     \
	"\"os_image_hash_verified\":false,\"acpi_tables_verified\":false,"                      \
	"\"os_image_is_dev\":null,\"os_image_version\":null,\"tee_variant\":null,"              \
	"\"report_data\":null,\"tcb_status\":null,\"advisory_ids\":[],\"key_provider\":null,"   \
	"\"app_info\":null,\"warnings\":["
#define ERROR_OF(stage, code, kind, retryable)                                                    \
	"\"error\":{\"stage\":\"" stage "\",\"code\":\"" code "\",\"kind\":\"" kind             \
	"\",\"retryable\":" #retryable "}"
/* 400 and 422 are no answers. */
static void
test_bad_request(void **state)
{
	static const struct {
		const char *body;
		int     status;
	} rows[] = {
		{ "", 400 }, { "{", 400 }, { "[]", 422 }, { "{\"quote\":1}", 422 },
	};
	struct world m;

	world_init(&m);
	for (size_t i = 0; i < NELEM(rows); i++) {
		const struct dv_request request = {
			.body = { (const uint8_t *)rows[i].body, strlen(rows[i].body) },
			.now = MOCK_NOW,
		};

		world_context(&m);
		assert_true(dv_verify(m.context, &m.answer, &request));
		assert_int_equal(m.answer.http_status, rows[i].status);
		assert_int_equal(m.answer.stage, DV_STAGE_REQUEST);
		assert_int_equal(m.answer.json.len, 0);
		assert_false(m.answer.valid);
		assert_int_not_equal(strlen(m.answer.reason), 0);
	}
	world_fini(&m);
}

/* Made for those who ask for it; a fault outside the call is told with it. */
static void
test_summary(void **state)
{
	struct dv_request request = { .body = { (const uint8_t *)"{}", 2 }, .now = MOCK_NOW };
	struct world m;

	world_init(&m);
	world_context(&m);
	assert_true(dv_verify(m.context, &m.answer, &request));
	assert_null(m.answer.summary);
	request.summary = true;
	assert_true(dv_verify(m.context, &m.answer, &request));
	assert_memory_equal(m.answer.summary, "NOT VALID  ", 11);
	request.body = (struct dv_span){ (const uint8_t *)"x", 1 };
	assert_true(dv_quote(m.context, &m.answer, &request));
	assert_memory_equal(m.answer.summary, "REFUSED  ", 9);
	request.summary = false;
	assert_true(dv_quote(m.context, &m.answer, &request));
	assert_null(m.answer.summary);
	assert_true(dv_fault_answer(m.context, &m.answer, DV_FAULT_INPUT, "no such file"));
	assert_memory_equal(m.answer.summary, "NOT VALID  ", 11);
	world_fini(&m);
}

/* A request that needs more memory than a job may take is answered, and the fault is not its own. */
static void
test_too_large(void **state)
{
	enum { ELEMENTS = 4000000 };
	static char body[2 * ELEMENTS + 16] = "{\"x\":[0";
	struct dv_request request = { .body = { (const uint8_t *)body, 0 }, .now = MOCK_NOW };
	size_t len = strlen(body);
	struct world m;

	for (size_t i = 0; i < ELEMENTS - 1; i++) {
		body[len++] = ',';
		body[len++] = '0';
	}
	body[len++] = ']';
	body[len++] = '}';
	request.body.len = len;
	world_init(&m);
	world_context(&m);
	assert_true(dv_verify(m.context, &m.answer, &request));
	assert_int_equal(m.answer.http_status, 200);
	assert_int_equal(m.answer.stage, DV_STAGE_INTERNAL);
	assert_false(m.answer.valid);
	m.json = build_str((struct bytes){ m.answer.json.ptr, m.answer.json.len });
	world_expect(&m, "too large", ERROR_OF("internal", "internal", "limit", false));
	world_expect(&m, "too large", "\"reason\":\"Internal error: input needs more than ");
	world_fini(&m);
}

static void
test_faults(void **state)
{
	static const struct {
		enum dv_fault fault;
		const char *text, *reason, *error;
	} rows[] = {
		{ DV_FAULT_INPUT, "Failed to read file x", "Internal error: Failed to read file x",
		    ERROR_OF("request", "input_unreadable", "malformed", false) },
		{ DV_FAULT_DEADLINE, NULL, "Internal error: deadline exceeded",
		    ERROR_OF("internal", "deadline_exceeded", "internal", true) },
		{ DV_FAULT_DEADLINE, "too late", "Internal error: too late",
		    ERROR_OF("internal", "deadline_exceeded", "internal", true) },
		{ DV_FAULT_INTERNAL, NULL, "Internal error: internal fault",
		    ERROR_OF("internal", "internal", "internal", false) },
	};
	struct world m;

	world_init(&m);
	m.pinned_at = true;
	world_ask(&m);
	for (size_t i = 0; i < NELEM(rows); i++) {
		memset(&m.answer, 0xff, sizeof m.answer);
		assert_true(dv_fault_answer(m.context, &m.answer, rows[i].fault, rows[i].text));
		m.json = build_str((struct bytes){ m.answer.json.ptr, m.answer.json.len });
		assert_string_equal(m.answer.reason, rows[i].reason);
		assert_false(m.answer.valid);
		world_expect(&m, rows[i].reason, NOTHING);
		world_expect(&m, rows[i].reason, rows[i].error);
		world_expect(&m, rows[i].reason, ",\"pinned\":{\"at\":1800000000,\"collateral\":false}}");
		assert_int_equal(m.answer.nneeds, 0);
		assert_int_equal(m.answer.http_status, 200);
		assert_int_equal(m.answer.public_key_operations, 0);
		assert_null(strstr(m.json, "appraisal"));
		assert_null(strstr(m.json, "assurance"));
	}
	world_fini(&m);
}

static void
test_context_new(void **state)
{
	static const uint8_t junk[] = "junk";
	struct dv_options options = { .root_ca_tdx = { junk, sizeof junk } };
	char error[512] = "";

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	assert_null(dv_context_new(&options, error, sizeof error));
	assert_string_not_equal(error, "");
	dv_context_free(NULL);
}

/* Offered and refused: nothing changes, and the error says why. */
static void
test_bad_facts(void **state)
{
	struct world m;
	struct dv_key key;
	struct dv_fact fact;
	struct dv_dates dates;
	char error[512] = "";

	world_init(&m);
	m.offer[0] = false;
	world_context(&m);
	m.mock.tcb.bad_signature = true;
	key = mock_key(&m.mock, DV_FACT_TCB_INFO);
	fact = mock_fact(&m.mock, DV_FACT_TCB_INFO);
	assert_false(dv_fact_offer(m.context, &key, &fact, m.now, &dates, error, sizeof error));
	assert_string_not_equal(error, "");
	world_ask(&m);
	assert_int_equal(m.answer.nneeds, 1);
	assert_memory_equal(&m.answer.needs[0], &key, sizeof key);
	m.mock.tcb.bad_signature = false;
	fact = mock_fact(&m.mock, DV_FACT_TCB_INFO);
	assert_true(dv_fact_offer(m.context, &key, &fact, m.now, &dates, error, sizeof error));
	assert_int_equal(dates.issued, m.mock.tcb.issued);
	assert_int_equal(dates.next_update, m.mock.tcb.next_update);
	assert_int_equal(dates.number, m.mock.tcb.number);
	world_ask(&m);
	assert_true(m.answer.valid);
	error[0] = '\0';
	assert_false(dv_collateral_add(m.context, (struct dv_span){ NULL, 0 }, m.now, error,
	    sizeof error));
	assert_string_not_equal(error, "");
	world_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_request),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_context_new),
		cmocka_unit_test(test_bad_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
