/*
 * dv_quote(): the whole answer for each kind of report, against the tables of the quote format,
 * and what of it is null when the quote is refused or cannot be judged.
 */
#include "testing.h"

#include "../support/mock_world.h"
#include "../teesim/build.h"
#include "verify/quote.h"

/* A field of a report: hex, or a number of this many bytes. */
struct field {
	const char *name;
	size_t  at, len;
	bool    number;
};

static const struct field enclave_fields[] = {
	{ "cpu_svn", 0, 16, false }, { "misc_select", 16, 4, false },
	{ "attributes", 48, 16, false }, { "mr_enclave", 64, 32, false },
	{ "mr_signer", 128, 32, false }, { "isv_prod_id", 256, 2, true },
	{ "isv_svn", 258, 2, true }, { "report_data", 320, 64, false },
};

static const struct field td_fields[] = {
	{ "tee_tcb_svn", 0, 16, false }, { "mr_seam", 16, 48, false },
	{ "mr_signer_seam", 64, 48, false }, { "seam_attributes", 112, 8, false },
	{ "td_attributes", 120, 8, false }, { "xfam", 128, 8, false },
	{ "mr_td", 136, 48, false }, { "mr_config_id", 184, 48, false },
	{ "mr_owner", 232, 48, false }, { "mr_owner_config", 280, 48, false },
	{ "rt_mr0", 328, 48, false }, { "rt_mr1", 376, 48, false }, { "rt_mr2", 424, 48, false },
	{ "rt_mr3", 472, 48, false }, { "report_data", 520, 64, false },
	/* 1.5 */
	{ "tee_tcb_svn2", 584, 16, false }, { "mr_service_td", 600, 48, false },
	/* 1.5 extended */
	{ "vmid", 648, 1, true }, { "td_id", 649, 32, false }, { "dev_info", 681, 48, false },
	{ "init_serv_td_hash", 729, 48, false }, { "init_serv_td_attributes", 777, 8, false },
	{ "init_cpu_svn", 785, 16, false }, { "init_tee_tcb_svn", 801, 16, false },
	{ "init_tee_fmspc", 817, 12, false }, { "cur_serv_td_hash", 829, 48, false },
	{ "cur_serv_td_attributes", 877, 8, false },
};

#define TD_10_FIELDS    15
#define TD_15_FIELDS    17

static const char *
report_text(const uint8_t *body, const struct field *fields, size_t n)
{
	const char *text = "{";

	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		unsigned number = body[f->at] | (f->len == 2 ? body[f->at + 1] << 8 : 0);
		const char *value = f->number ? build_str(build_text("%u", number)) :
		    build_str(build_text("\"%s\"", build_str(build_digits(
		    (struct bytes){ body + f->at, f->len }, false))));

		text = build_str(build_text("%s%s\"%s\":%s", text, i == 0 ? "" : ",", f->name,
		    value));
	}
	return build_str(build_text("%s}", text));
}

/* Every field another value, but for those that a sound report has zero. */
static void
body_fill(struct mock *mock, size_t len)
{
	uint8_t *body = mock->quote.body;

	for (size_t i = 0; i < len; i++)
		body[i] = (uint8_t)(7 * i + 1);
	mock->quote.body_len = len;
	if (len == 384) {
		body[48] = 0x05;                /* attributes without DEBUG */
		return;
	}
	body[0] = body[1] = 0;                  /* no module version        */
	memset(body + 64, 0, 56);               /* Intel's module           */
	memcpy(body + 120, "\0\0\0\x10\0\0\0\0", 8);
	if (len > 584) {
		body[584] = body[585] = 0;
		memset(body + 600, 0, 48);
	}
}

static const struct {
	const char *name;
	unsigned version, body_type;
	size_t  body_len, nfields;
} kinds[] = {
	{ "sgx", 3, 0, 384, NELEM(enclave_fields) },
	{ "tdx", 4, 0, 584, TD_10_FIELDS },
	{ "tdx", 5, 2, 584, TD_10_FIELDS },
	{ "tdx", 5, 3, 648, TD_15_FIELDS },
	{ "tdx", 5, 4, 885, NELEM(td_fields) },
};

static void
kind_setup(struct world *w, size_t k)
{
	world_init(w);
	w->pin = true;
	if (kinds[k].version == 3)
		mock_init_sgx(&w->mock);
	body_fill(&w->mock, kinds[k].body_len);
	w->mock.quote.version = (uint16_t)kinds[k].version;
	w->mock.quote.body_type = (uint16_t)kinds[k].body_type;
}

static void
quote_ask_of(struct world *w)
{
	struct bytes quote = mock_quote(&w->mock);
	const struct dv_request request = {
		.body = { quote.ptr, quote.len }, .now = w->now, .failures = w->failures,
		.nfailures = w->nfailures,
	};

	if (w->context == NULL)
		world_context(w);
	assert_true(dv_quote(w->context, &w->answer, &request));
	w->json = build_str((struct bytes){ w->answer.json.ptr, w->answer.json.len });
}

static void
test_kinds(void **state)
{
	for (size_t k = 0; k < NELEM(kinds); k++) {
		bool sgx = kinds[k].version == 3;
		struct world w;
		const char *want;

		kind_setup(&w, k);
		quote_ask_of(&w);
		want = build_str(build_text("{\"quote_verified\":true,\"tee\":\"%s\","
		    "\"quote_version\":%u,\"fmspc\":\"b0c06f000000\",\"pck_ca\":\"%s\","
		    "\"tcb_status\":\"UpToDate\",\"advisory_ids\":[],"
		    "\"platform_tcb_status\":\"UpToDate\",\"qe_tcb_status\":\"UpToDate\",%s"
		    "\"tcb_evaluation_data_number\":20,\"report\":%s,"
		    "\"pinned\":{\"at\":null,\"collateral\":true},\"reason\":null}",
		    kinds[k].name, kinds[k].version, sgx ? "processor" : "platform",
		    kinds[k].body_len > 584 ? "\"current_tcb_status\":\"UpToDate\"," : "",
		    report_text(w.mock.quote.body, sgx ? enclave_fields : td_fields,
		    kinds[k].nfields)));
		assert_string_equal(w.json, want);
		assert_true(w.answer.valid);
		assert_null(w.answer.reason);
		assert_int_equal(w.answer.stage, DV_STAGE_NONE);
		world_fini(&w);
	}
}

#define UNKNOWN "\"tcb_status\":null,\"advisory_ids\":null,\"platform_tcb_status\":null," \
		"\"qe_tcb_status\":null,"

/* No quote: nothing is known.  A quote: what it says of itself.  A chain: whose it is. */
static void
test_refused(void **state)
{
	struct world w;

	kind_setup(&w, 1);
	w.mock.quote.version = 6;
	quote_ask_of(&w);
	world_expect(&w, "no quote", "{\"quote_verified\":false,\"tee\":null,\"quote_version\":null,"
	    "\"fmspc\":null,\"pck_ca\":null," UNKNOWN "\"tcb_evaluation_data_number\":null,"
	    "\"report\":null,\"pinned\":{\"at\":null,\"collateral\":true},"
	    "\"reason\":\"Quote verification failed: Failed to parse quote: ");
	assert_false(w.answer.valid);
	assert_int_equal(w.answer.stage, DV_STAGE_QUOTE);
	world_fini(&w);

	kind_setup(&w, 3);
	w.builtin_root = true;
	quote_ask_of(&w);
	world_expect(&w, "no chain", "\"tee\":\"tdx\",\"quote_version\":5,\"fmspc\":null,"
	    "\"pck_ca\":null," UNKNOWN "\"current_tcb_status\":null,"
	    "\"tcb_evaluation_data_number\":null,\"report\":{\"tee_tcb_svn\":\"0000");
	assert_string_equal(w.answer.reason, "Quote verification failed: "
	    "Failed to verify certificate chain: UnknownIssuer");
	world_fini(&w);

	kind_setup(&w, 1);
	w.mock.quote.pck_key = 50;
	quote_ask_of(&w);
	world_expect(&w, "no QE", "\"fmspc\":\"b0c06f000000\",\"pck_ca\":\"platform\"," UNKNOWN
	    "\"tcb_evaluation_data_number\":null,");
	world_fini(&w);
}

/* A current TCB that matches no level, by the default rule. */
static void
test_current(void **state)
{
	struct world w;

	kind_setup(&w, 3);
	w.mock.quote.body[585] = 9;
	quote_ask_of(&w);
	assert_true(w.answer.valid);
	world_expect(&w, "current", ",\"current_tcb_status\":null,");
	world_fini(&w);
}

static void
test_needs(void **state)
{
	struct world w;

	kind_setup(&w, 1);
	w.pin = false;
	w.offer[0] = w.offer[1] = w.offer[2] = w.offer[3] = false;
	quote_ask_of(&w);
	assert_int_equal(w.answer.nneeds, 4);
	assert_int_equal(w.answer.json.len, 0);
	for (size_t i = 0; i < 4; i++) {
		struct dv_key key = mock_key(&w.mock, world_kinds[i]);

		assert_memory_equal(&w.answer.needs[i], &key, sizeof key);
		w.failures[w.nfailures++] = (struct dv_failure){ .key = key };
	}
	quote_ask_of(&w);
	assert_int_equal(w.answer.nneeds, 0);
	assert_string_equal(w.answer.reason, "Quote verification failed: "
	    "collateral unavailable: TCB info for FMSPC B0C06F000000");
	assert_true(w.answer.retryable && w.answer.unavailable && !w.answer.valid);
	world_expect(&w, "no collateral", ",\"pinned\":null,\"reason\":\"Quote verification failed: ");
	world_fini(&w);
}

/* dstack's own rules are not asked here; the format's on service TDs are, unless allowed. */
static void
test_rules(void **state)
{
	struct world w;

	kind_setup(&w, 4);
	assert_int_not_equal(w.mock.quote.body[648], 0);        /* vmid */
	w.mock.quote.body[600] = 1;
	quote_ask_of(&w);
	assert_string_equal(w.answer.reason, "Quote verification failed: Invalid MR service TD");
	world_fini(&w);
	w.policy.allow_service_td = true;
	quote_ask_of(&w);
	assert_true(w.answer.valid);
	world_fini(&w);
}

static void
test_clock(void **state)
{
	struct world w;

	kind_setup(&w, 1);
	w.now = 1600000000;
	quote_ask_of(&w);
	assert_string_equal(w.answer.reason,
	    "Internal error: system clock is before the release date");
	assert_int_equal(w.answer.stage, DV_STAGE_INTERNAL);
	assert_true(w.answer.retryable);
	world_fini(&w);

	kind_setup(&w, 1);
	w.pin = false;
	w.mock.tcb.issued = MOCK_NOW + 301;
	quote_ask_of(&w);
	assert_string_equal(w.answer.reason,
	    "Internal error: system clock is behind signed collateral");
	assert_int_equal(w.answer.stage, DV_STAGE_INTERNAL);
	world_fini(&w);
}

/* What a failure of each kind is called. */
static void
test_codes(void **state)
{
	static const struct {
		enum reason_kind kind;
		enum verdict_code code;
	} rows[] = {
		{ REASON_MALFORMED, VERDICT_QUOTE_MALFORMED }, { REASON_LIMIT, VERDICT_QUOTE_MALFORMED },
		{ REASON_UNSUPPORTED, VERDICT_QUOTE_UNSUPPORTED },
		{ REASON_UNAVAILABLE, VERDICT_COLLATERAL_UNAVAILABLE },
		{ REASON_REFUSED, VERDICT_QUOTE_REFUSED }, { REASON_NONE, VERDICT_QUOTE_REFUSED },
		{ REASON_INTERNAL, VERDICT_INTERNAL },
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		assert_int_equal(quote_code(rows[i].kind), rows[i].code);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_current),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
