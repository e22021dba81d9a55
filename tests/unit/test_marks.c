#include "testing.h"

#include "dcap/marks.h"

#define DAY     INT64_C(86400)
#define START   INT64_C(1800000000)     /* behind every floor */

static const struct dv_key tcb_key = { .type = DV_FACT_TCB_INFO, .tee = DV_TEE_TDX };

static struct mark_values
values(int64_t date, uint32_t number)
{
	struct mark_values v = { .date = date, .next_update = date + 30 * DAY };

	mark_number(v.number, number);
	return v;
}

/* After an item of START with number 20, one of each row. */
static const struct {
	const char *name;
	int64_t date;
	uint32_t number;
	int64_t now;
	const char *why;
} cases[] = {
	{ "the same", START, 20, START, NULL },
	{ "newer", START + 1, 21, START, NULL },
	{ "older", START - 1, 20, START, "older than one already verified" },
	{ "older, greater number", START - 1, 21, START, "older than one already verified" },
	{ "newer, smaller number", START + 1, 19, START + 1,
	    "number smaller than one already verified" },
	{ "smaller number on its last day", START + 1, 19, START + 30 * DAY,
	    "number smaller than one already verified" },
	{ "smaller number, mark lapsed", START + 1, 19, START + 30 * DAY + 1, NULL },
	{ "older, mark lapsed", START - 1, 20, START + 31 * DAY,
	    "older than one already verified" },
};

static void
test_marks(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct marks *marks = marks_new();
		struct mark_values first = values(START, 20);
		struct mark_values next = values(cases[i].date, cases[i].number);
		struct reason why = { .text = "" };
		bool ok;

		assert_non_null(marks);
		assert_true(marks_check(marks, &tcb_key, &first, true, START, &why));
		marks_raise(marks, &tcb_key, &first);
		ok = marks_check(marks, &tcb_key, &next, true, cases[i].now, &why);
		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, why.text);
		if (!ok)
			assert_int_equal(why.kind, REASON_UNAVAILABLE);
		marks_free(marks);
	}
}

/* Going from early back to standard, whose numbers are smaller, works; so do other platforms. */
static void
test_keys(void **state)
{
	struct marks *marks = marks_new();
	struct mark_values high = values(START, 21), low = values(START - DAY, 19);
	struct dv_key early = tcb_key, other = tcb_key, sgx = tcb_key;
	struct reason why;

	assert_non_null(marks);
	early.early = true;
	other.fmspc[5] = 1;
	sgx.tee = DV_TEE_SGX;
	marks_raise(marks, &early, &high);
	assert_false(marks_check(marks, &early, &low, true, START, &why));
	assert_true(marks_check(marks, &tcb_key, &low, true, START, &why));
	assert_true(marks_check(marks, &other, &low, true, START, &why));
	assert_true(marks_check(marks, &sgx, &low, true, START, &why));
	marks_free(marks);
}

/* Raised twice: the second counts. */
static void
test_raised_again(void **state)
{
	struct marks *marks = marks_new();
	struct mark_values first = values(START, 20), between = values(START + 5, 20);
	struct mark_values second = values(START + 10, 20);
	struct reason why;

	assert_non_null(marks);
	marks_raise(marks, &tcb_key, &first);
	marks_raise(marks, &tcb_key, &second);
	assert_false(marks_check(marks, &tcb_key, &between, true, START, &why));
	marks_free(marks);
}

/* At most MARKS_MAX; the least recently raised goes. */
static void
test_bound(void **state)
{
	struct marks *marks = marks_new();
	struct mark_values high = values(START, 21), low = values(START - DAY, 21);
	struct dv_key key = tcb_key;
	struct reason why;

	assert_non_null(marks);
	for (unsigned i = 0; i <= MARKS_MAX; i++) {
		key.fmspc[0] = key.fmspc[1] = 0;
		if (i == MARKS_MAX)             /* the first is raised again */
			marks_raise(marks, &key, &high);
		key.fmspc[0] = (uint8_t)(i >> 8);
		key.fmspc[1] = (uint8_t)i;
		marks_raise(marks, &key, &high);
	}
	assert_false(marks_check(marks, &key, &low, true, START, &why));
	key.fmspc[0] = key.fmspc[1] = 0;
	assert_false(marks_check(marks, &key, &low, true, START, &why));
	key.fmspc[1] = 1;
	assert_true(marks_check(marks, &key, &low, true, START, &why));
	key.fmspc[1] = 2;
	assert_false(marks_check(marks, &key, &low, true, START, &why));
	marks_free(marks);
}

static const struct dv_key floor_keys[] = {
	{ .type = DV_FACT_TCB_INFO, .tee = DV_TEE_TDX },
	{ .type = DV_FACT_TCB_INFO, .tee = DV_TEE_SGX, .early = true },
	{ .type = DV_FACT_QE_IDENTITY, .tee = DV_TEE_TDX },
	{ .type = DV_FACT_QE_IDENTITY, .tee = DV_TEE_SGX },
	{ .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PLATFORM },
	{ .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PROCESSOR },
	{ .type = DV_FACT_ROOT_CA_CRL },
};

static void
test_floors(void **state)
{
	for (size_t i = 0; i < NELEM(floor_keys); i++) {
		const struct dv_key *key = &floor_keys[i];
		struct marks *marks = marks_new();
		struct mark_values v;
		struct reason why;
		uint32_t number;
		int64_t date;

		assert_non_null(marks);
		floor_find(&date, &number, key);
		assert_true(number > 0);
		v = values(date, number);
		assert_true(marks_check(marks, key, &v, true, date, &why));
		v = values(date, number - 1);
		assert_false(marks_check(marks, key, &v, true, date, &why));
		assert_string_equal(why.text, "number smaller than this release allows");
		v = values(date - 1, number);
		assert_int_equal(marks_check(marks, key, &v, true, date, &why),
		    false);
		assert_string_equal(why.text, "older than this release allows");
		marks_free(marks);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_raised_again),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_floors),
	};

	return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
