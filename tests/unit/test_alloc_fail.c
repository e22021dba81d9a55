#include "alloc_fail.h"

#include <stdlib.h>

#include "core/arena.h"
#include "testing.h"

static bool
three_times(void *arg, struct reason *why)
{
	void *a = malloc(10);
	void *b = calloc(1, 10);
	void *c = realloc(NULL, 10);
	bool ok = a != NULL && b != NULL && c != NULL;

	free(a);
	free(b);
	free(c);
	return ok || reject(why, REASON_INTERNAL, "out of memory");
}

static void
test_count(void **state)
{
	assert_int_equal(alloc_fail_each(three_times, NULL), 3);
	assert_int_equal(alloc_fail_each_any(three_times, NULL), 3);
}

/* Two blocks and the arena itself. */
static bool
arena_run(void *arg, struct reason *why)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);

	if (arena == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return arena_alloc(arena, 1, why) != NULL && arena_alloc(arena, 100000, why) != NULL;
}

static void
test_arena(void **state)
{
	assert_int_equal(alloc_fail_each(arena_run, NULL), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_arena),
	};

	return cmocka_run_group_tests_name("alloc_fail", tests, NULL, NULL);
}
