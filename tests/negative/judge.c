#include "judge.h"

#include <stdio.h>

#define ERROR_LEN       512
#define ANSWER_LEN      ((size_t)512 << 10)

static char judged[ANSWER_LEN];         /* the last answer                             */

static const char *
reason_of(struct dv_context *context, const struct judge *judge, const struct guest *m);

void
judge_init(struct judge *judge)
{
	*judge = (struct judge){ .now = GUEST_NOW };
	dv_policy_init(&judge->policy, DV_PROFILE_DROP_IN);
}

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

static struct dv_context *
context_new(const struct judge *judge, const struct guest *m)
{
	struct dv_options options = { .policy = judge->policy, .serve_stale_max_secs = 259200 };
	struct dv_context *context;
	char error[ERROR_LEN];

	if (!dv_policy_settle(&options.policy, error, sizeof error))
		fail_msg("%s", error);
	if (judge->image != NULL) {
		options.has_image_key = true;
		memcpy(options.image_key, image_service_key(), sizeof options.image_key);
	}
	if (!judge->intel_root)
		options.root_ca_tdx = span(mock_anchor(&m->intel));
	context = dv_context_new(&options, error, sizeof error);
	if (context == NULL)
		fail_msg("%s", error);
	return context;
}

/* A fixed copy of a text that goes away with its context. */
static const char *
kept_text(const char *text)
{
	static char copy[2 * ERROR_LEN];

	(void)snprintf(copy, sizeof copy, "%s", text);
	return copy;
}

const char *
judge_guest(const struct judge *judge, const struct guest *m)
{
	struct dv_context *context = context_new(judge, m);
	char error[ERROR_LEN];
	const char *reason;

	if (!judge->offer &&
	    !dv_collateral_add(context, span(m->collateral), judge->now, error, sizeof error))
		reason = kept_text(error);
	else
		reason = reason_of(context, judge, m);
	dv_context_free(context);
	return reason;
}

/* Gives a fact about an image; false when there is no such image. */
static bool
image_offer(struct dv_context *context, const struct judge *judge, const struct dv_key *key)
{
	struct dv_dates dates;
	struct dv_fact fact;
	char error[ERROR_LEN];

	if (judge->image == NULL || memcmp(judge->image->hash.data, key->image,
	    sizeof key->image) != 0)
		return false;
	fact = (struct dv_fact){ .body = span(image_service_fact(judge->image, key)) };
	if (!dv_fact_offer(context, key, &fact, judge->now, &dates, error, sizeof error))
		fail_msg("%s", error);
	return true;
}

/* Gives what is asked for; false with the reason why an item was not taken. */
static bool
offer(struct dv_context *context, const struct judge *judge, const struct guest *m,
    const struct dv_answer *answer, char error[ERROR_LEN])
{
	struct dv_dates dates;
	struct dv_fact fact;

	for (size_t i = 0; i < answer->nneeds; i++) {
		fact = mock_fact(&m->intel, answer->needs[i].type);
		if (!dv_fact_offer(context, &answer->needs[i], &fact, judge->now, &dates, error,
		    ERROR_LEN))
			return false;
	}
	return true;
}

static const char *
reason_of(struct dv_context *context, const struct judge *judge, const struct guest *m)
{
	struct dv_failure failures[DV_NEEDS_MAX];
	struct dv_request request = {
		.body = span(judge->entry == JUDGE_QUOTE ? m->quote : m->body),
		.now = judge->now, .failures = failures, .full_reason = true,
	};
	struct dv_answer answer;
	char error[ERROR_LEN];

	for (unsigned round = 0; round < 4; round++) {
		assert_true((judge->entry == JUDGE_QUOTE ? dv_quote : dv_verify)(context, &answer,
		    &request));
		if (answer.nneeds == 0)
			break;
		if (answer.needs[0].type == DV_FACT_IMAGE ||
		    answer.needs[0].type == DV_FACT_KERNEL) {
			if (!image_offer(context, judge, &answer.needs[0]))
				return "needs an image";
			continue;
		}
		if (judge->offer && !offer(context, judge, m, &answer, error))
			return kept_text(error);
		/* There is no server: what the operator gave has to do. */
		for (request.nfailures = 0; !judge->offer && request.nfailures < answer.nneeds;
		    request.nfailures++)
			failures[request.nfailures] = (struct dv_failure){
			    .key = answer.needs[request.nfailures] };
	}
	if (answer.nneeds != 0)
		return "needs collateral again";
	if ((answer.reason == NULL) != answer.valid)
		return "valid with a reason, or invalid without";
	(void)snprintf(judged, sizeof judged, "%.*s", (int)answer.json.len,
	    (const char *)answer.json.ptr);
	return answer.valid ? NULL : kept_text(answer.reason);
}

const char *
judge_answer(void)
{
	return judged;
}

bool
judge_says(const char *text)
{
	return strstr(judged, text) != NULL;
}

static bool
hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool
judge_matches(const char *reason, const char *prefix, const char *wanted)
{
	if (reason == NULL || wanted == NULL)
		return reason == wanted;
	if (strncmp(reason, prefix, strlen(prefix)) != 0)
		return false;
	reason += strlen(prefix);
	for (; *wanted != '\0'; wanted++) {
		if (*wanted == '*') {
			while (hex_digit(*reason))
				reason++;
			continue;
		}
		if (*reason++ != *wanted)
			return false;
	}
	return *reason == '\0';
}

/* Judges the row's machine, changed or as it was before. */
static const char *
row_judge(const struct table *table, const struct row *row, bool changed)
{
	struct guest m;
	struct judge judge;

	judge_init(&judge);
	guest_init(&m, 0);
	if (table->base != NULL)
		table->base(&m, &judge);
	if (changed) {
		if (row->change.stage != STAGE_NONE)
			m.change = row->change;
		if (row->prepare != NULL)
			row->prepare(&m, &judge, row->arg);
	}
	guest_build(&m);
	return judge_guest(&judge, &m);
}

void
judge_table(const struct table *table)
{
	const struct row *row;
	const char *reason;
	const void *mark;
	size_t bad = 0;

	for (size_t i = 0; i < table->n; i++) {
		row = &table->rows[i];
		mark = build_mark();
		reason = row_judge(table, row, false);
		if (reason != NULL) {
			print_error("%s: before any change: %s\n", row->name, reason);
			bad++;
		}
		reason = row_judge(table, row, true);
		if (!judge_matches(reason, table->prefix, row->why)) {
			print_error("%s: got \"%s\", wanted \"%s%s\"\n", row->name,
			    reason != NULL ? reason : "valid", row->why != NULL ?
			    table->prefix : "", row->why != NULL ? row->why : "valid");
			bad++;
		}
		build_release(mark);
	}
	print_message("# %zu cases\n", table->n);
	if (bad != 0)
		fail_msg("%zu of %zu rows", bad, table->n);
}
