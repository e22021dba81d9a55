/*
 * Whole answers of the library, byte for byte those that tests/tools/expected_answer.py computed
 * from the specification; tests/integration/answers.sh asks the program the same.
 */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/config.h"
#include "dstack-verifier/verify.h"

#define COLUMNS         6
#define ERROR_LEN       512

/* A row of answers/index: name, time, collateral, configuration, request, inner words. */
enum { NAME, AT, COLLATERAL, CONFIG, REQUEST, INNER };

static const char *
path_of(const char *directory, const char *name, const char *suffix)
{
	static char path[256];

	(void)snprintf(path, sizeof path, "%s%s%s", directory, name, suffix);
	return path;
}

static bool
given(const char *word)
{
	return strcmp(word, "-") != 0;
}

static struct config *
config_of(const char *name)
{
	static const char *const environment[] = { NULL };
	struct config_source source = { .environment = environment };
	struct config *config;
	struct reason why;

	source.path = given(name) ? vector_path(path_of("answers/", name, "")) : "/none";
	if (!config_load(&config, &source, &why))
		fail_msg("%s", why.text);
	return config;
}

static struct dv_context *
context_of(char *const column[COLUMNS], const struct config *config)
{
	const struct dv_options options = {
		.policy = config->policy,
		.pinned_at = true,
		.at = atoll(column[AT]),
	};
	char error[ERROR_LEN];
	struct dv_context *context = dv_context_new(&options, error, sizeof error);
	struct bytes json;

	if (context == NULL)
		fail_msg("%s", error);
	if (given(column[COLLATERAL])) {
		json = vector_read(column[COLLATERAL]);
		if (!dv_collateral_add(context, (struct dv_span){ json.ptr, json.len },
		    options.at, error, sizeof error))
			fail_msg("%s", error);
	}
	return context;
}

/* Asks until there is an answer; what is needed cannot be had. */
static struct dv_answer
ask(struct dv_context *context, char *const column[COLUMNS], bool full_reason)
{
	struct bytes body = vector_read(column[REQUEST]);
	struct dv_failure failures[2 * DV_NEEDS_MAX];
	struct dv_answer answer;
	struct dv_request request = {
		.body = { body.ptr, body.len }, .now = atoll(column[AT]), .failures = failures,
		.full_reason = full_reason,
	};

	for (;;) {
		assert_true(dv_verify(context, &answer, &request));
		if (answer.nneeds == 0)
			return answer;
		assert_in_range(request.nfailures + answer.nneeds, 1, NELEM(failures));
		for (size_t i = 0; i < answer.nneeds; i++)
			failures[request.nfailures++] =
			    (struct dv_failure){ .key = answer.needs[i] };
	}
}

/* The expected text, with the inner words left out where HTTP does not show them. */
static struct bytes
expected_of(char *const column[COLUMNS], bool full_reason)
{
	static char text[65536];
	struct bytes file = vector_read(path_of("answers/", column[NAME], ".json"));
	const char *inner = column[INNER];
	char *at;

	assert_true(file.len > 0 && file.len < sizeof text && file.ptr[file.len - 1] == '\n');
	memcpy(text, file.ptr, file.len - 1);
	text[file.len - 1] = '\0';
	at = inner == NULL || full_reason ? NULL : strstr(text, inner);
	if (at != NULL && strstr(text, "\"reason\":\"Internal error: ") != NULL)
		memmove(at - 2, at + strlen(inner), strlen(at + strlen(inner)) + 1);
	return bytes_str(text);
}

static void
row_check(char *const column[COLUMNS])
{
	AUTO(config_free) struct config *config = config_of(column[CONFIG]);
	struct dv_context *context = context_of(column, config);
	struct dv_answer answer;

	/* Both forms of a reason, and the second time warm. */
	for (int full = 0; full < 2; full++) {
		answer = ask(context, column, full == 1);
		assert_int_equal(answer.http_status, 200);
		if (!bytes_equal((struct bytes){ answer.json.ptr, answer.json.len },
		    expected_of(column, full == 1)))
			fail_msg("%s: %.*s", column[NAME], (int)answer.json.len,
			    (const char *)answer.json.ptr);
	}
	dv_context_free(context);
}

/* Splits a row in place; the last column is the rest of the line. */
static void
row_split(char *column[COLUMNS], char *line)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		char *blank = i == INNER || line == NULL ? NULL : strchr(line, ' ');

		column[i] = line;
		if (blank != NULL)
			*blank++ = '\0';
		line = blank;
	}
	assert_non_null(column[REQUEST]);
}

static void
test_answers(void **state)
{
	struct bytes file = vector_read("answers/index");
	char *text = strndup((const char *)file.ptr, file.len), *rest, *line;
	char *column[COLUMNS];
	size_t n = 0;

	assert_non_null(text);
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		if (line[0] == '#')
			continue;
		row_split(column, line);
		row_check(column);
		n++;
	}
	assert_in_range(n, 20, 100);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
