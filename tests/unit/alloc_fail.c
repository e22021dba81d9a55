#include "alloc_fail.h"

#include <stdlib.h>

#include <json-c/json_tokener.h>

#include "testing.h"

/* More than any test needs; a run that never succeeds must end. */
#define RUNS_MAX        100000u

static bool counting;
static unsigned until_failure;          /* allocations that still succeed      */
static bool failed;

/* Whether the call that is being made has to fail. */
static bool
fail_now(void)
{
	if (!counting)
		return false;
	if (until_failure > 0) {
		until_failure--;
		return false;
	}
	failed = true;
	counting = false;
	return true;
}

/* The linker's --wrap sends calls of f() to __wrap_f(), and ours of __real_f() to f(). */

void   *__real_malloc(size_t size);
void   *__real_calloc(size_t n, size_t size);
void   *__real_realloc(void *p, size_t size);
struct json_tokener *__real_json_tokener_new_ex(int depth);
struct json_object *__real_json_tokener_parse_ex(struct json_tokener *tokener,
    const char *text, int len);

void   *__wrap_malloc(size_t size);
void   *__wrap_calloc(size_t n, size_t size);
void   *__wrap_realloc(void *p, size_t size);
struct json_tokener *__wrap_json_tokener_new_ex(int depth);
struct json_object *__wrap_json_tokener_parse_ex(struct json_tokener *tokener,
    const char *text, int len);

void *
__wrap_malloc(size_t size)
{
	return fail_now() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fail_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fail_now() ? NULL : __real_realloc(p, size);
}

/* json-c is a shared library, whose own calls are out of the linker's reach. */

struct json_tokener *
__wrap_json_tokener_new_ex(int depth)
{
	return fail_now() ? NULL : __real_json_tokener_new_ex(depth);
}

struct json_object *
__wrap_json_tokener_parse_ex(struct json_tokener *tokener, const char *text, int len)
{
	return fail_now() ? NULL : __real_json_tokener_parse_ex(tokener, text, len);
}

static unsigned
run_all(bool (*run)(void *arg, struct reason *why), void *arg, bool internal)
{
	for (unsigned n = 0; n < RUNS_MAX; n++) {
		struct reason why = { REASON_NONE, "" };
		bool ok;

		until_failure = n;
		failed = false;
		counting = true;
		ok = run(arg, &why);
		counting = false;
		if (!failed) {
			if (!ok)
				fail_msg("fails with all its memory: %s", why.text);
			return n;
		}
		if (ok)
			fail_msg("succeeds without its allocation %u", n);
		if (why.kind == REASON_NONE || (internal && why.kind != REASON_INTERNAL))
			fail_msg("allocation %u: %s \"%s\"", n, reason_kind_name(why.kind), why.text);
	}
	fail_msg("needs more than %u allocations", RUNS_MAX);
	return 0;
}

unsigned
alloc_fail_each(bool (*run)(void *arg, struct reason *why), void *arg)
{
	return run_all(run, arg, true);
}

unsigned
alloc_fail_each_any(bool (*run)(void *arg, struct reason *why), void *arg)
{
	return run_all(run, arg, false);
}
