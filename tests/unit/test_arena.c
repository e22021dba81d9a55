#include <stdalign.h>

#include "core/arena.h"
#include "testing.h"

#include "alloc_fail.h"

static void
test_alloc(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct reason why;
	uint8_t *before = NULL;

	assert_non_null(arena);
	for (size_t len = 0; len < 300; len++) {
		uint8_t *p = arena_alloc(arena, len, &why);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		assert_true(bytes_zero((struct bytes){ p, len }));
		memset(p, 0xff, len);
		if (before != NULL)
			assert_true(len == 1 || p != before);
		before = p;
	}
}

/* Memory comes zeroed after a reset too, and the first block is the same one. */
static void
test_reset(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct reason why;
	uint8_t *first, *again;

	assert_non_null(arena);
	arena_reset(arena);
	first = arena_alloc(arena, 1000, &why);
	assert_non_null(first);
	memset(first, 0xff, 1000);
	for (int i = 0; i < 20; i++)
		assert_non_null(arena_alloc(arena, 40000, &why));
	arena_reset(arena);
	again = arena_alloc(arena, 1000, &why);
	assert_ptr_equal(first, again);
	assert_true(bytes_zero((struct bytes){ again, 1000 }));
}

static void
test_limit(void **state)
{
	static const size_t lens[] = { 1024, 1025, SIZE_MAX - 1, SIZE_MAX };
	struct reason why;

	for (size_t i = 0; i < NELEM(lens); i++) {
		AUTO(arena_free) struct arena *arena = arena_new(1024);

		assert_non_null(arena);
		if (i == 0) {
			assert_non_null(arena_alloc(arena, lens[i], &why));
			assert_null(arena_alloc(arena, 1, &why));
			arena_reset(arena);
			assert_non_null(arena_alloc(arena, lens[i], &why));
			assert_null(arena_alloc(arena, 1, &why));
		} else {
			assert_null(arena_alloc(arena, lens[i], &why));
		}
		assert_int_equal(why.kind, REASON_LIMIT);
		assert_string_equal(why.text, "input needs more than 1024 bytes of memory");
	}
}

static void
test_array(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1024);
	struct reason why;

	assert_non_null(arena);
	assert_non_null(arena_array(arena, 4, 256, &why));
	assert_null(arena_array(arena, SIZE_MAX / 2, 3, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_string_equal(why.text, "input needs more than 1024 bytes of memory");
}

static void
test_copy(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1024);
	struct reason why;
	struct bytes out;

	assert_non_null(arena);
	assert_true(arena_copy(arena, &out, bytes_str("abc"), &why));
	assert_int_equal(out.len, 3);
	assert_string_equal((const char *)out.ptr, "abc");
	assert_true(arena_copy(arena, &out, (struct bytes){ NULL, 0 }, &why));
	assert_int_equal(out.len, 0);
	assert_int_equal(out.ptr[0], 0);
	assert_false(arena_copy(arena, &out, (struct bytes){ (const uint8_t *)"", SIZE_MAX }, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	arena_free(NULL);
}

static bool
run_without_memory(void *arg, struct reason *why)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct bytes out;

	if (arena == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return arena_alloc(arena, 100000, why) != NULL && arena_array(arena, 100, 1000, why) != NULL &&
	    arena_copy(arena, &out, bytes_str("x"), why);
}

static void
test_no_memory(void **state)
{
	assert_int_equal(alloc_fail_each(run_without_memory, NULL), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
