/*
 * A context, its collateral, a request and a quote, with each allocation failing in turn: no
 * answer, or one that is not valid, and never one that says less.
 */
#include "testing.h"

#include "../support/mock_world.h"
#include "alloc_fail.h"

/* Made beforehand: the tests' own allocations are not what is tried. */
static struct bytes anchor, object, body, quote;

static int
setup(void **state)
{
	static struct world w;

	world_init(&w);
	anchor = mock_anchor(&w.mock);
	object = mock_object(&w.mock);
	body = world_body(&w);
	quote = mock_quote(&w.mock);
	return 0;
}

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

static bool
judge(struct dv_context *context, bool whole, struct reason *why)
{
	const struct dv_request request = {
		.body = span(whole ? body : quote), .now = MOCK_NOW, .summary = true,
	};
	struct dv_answer answer;
	bool ok = whole ? dv_verify(context, &answer, &request) :
	    dv_quote(context, &answer, &request);

	if (!ok)
		return reject(why, REASON_INTERNAL, "no answer");
	if (answer.json.len == 0)       /* an answer without its text: as if it had gone well */
		return true;
	if (answer.valid && strlen(answer.summary) > 0)
		return true;
	return reject(why, REASON_INTERNAL, "%s", answer.valid ? "no summary" :
	    answer.reason != NULL ? answer.reason : "facts are needed");
}

static bool
run(void *arg, struct reason *why)
{
	const bool *whole = (const bool *)arg;
	struct dv_options options = { .root_ca_tdx = span(anchor) };
	struct dv_context *context;
	char error[512] = "";
	bool ok;

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	context = dv_context_new(&options, error, sizeof error);
	if (context == NULL)    /* without a word why: as if it had gone well */
		return error[0] == '\0' || reject(why, REASON_INTERNAL, "%s", error);
	ok = dv_collateral_add(context, span(object), MOCK_NOW, error, sizeof error) ?
	    judge(context, *whole, why) : reject(why, REASON_INTERNAL, "%s", error);
	dv_context_free(context);
	return ok;
}

static void
test_verify(void **state)
{
	bool whole = true;

	assert_in_range(alloc_fail_each_any(run, &whole), 50, 10000);
}

static void
test_quote(void **state)
{
	bool whole = false;

	assert_in_range(alloc_fail_each_any(run, &whole), 50, 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
