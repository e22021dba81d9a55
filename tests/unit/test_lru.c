#include "testing.h"

#include <stdlib.h>

#include "dcap/lru.h"

static unsigned ndropped;

static void
drop(void *value)
{
	ndropped++;
	free(value);
}

/* Keys that all fall in one bucket, but for `spread`. */
static const uint8_t *
key(unsigned n, bool spread)
{
	static uint8_t bytes[LRU_KEY_LEN];

	memset(bytes, 0, sizeof bytes);
	memcpy(bytes + (spread ? 0 : 8), &n, sizeof n);
	return bytes;
}

static const uint8_t *
owner(unsigned n)
{
	static uint8_t bytes[LRU_OWNER_LEN];

	memset(bytes, 0, sizeof bytes);
	memcpy(bytes + 8, &n, sizeof n);        /* one bucket too */
	return bytes;
}

static void
test_order(void **state)
{
	AUTO(lru_free) struct lru *lru = lru_new(3, 1, NULL);
	void *value = NULL;

	assert_false(lru_find(lru, key(1, false), NULL));
	lru_add(lru, key(1, false), NULL, (void *)(uintptr_t)11);
	lru_add(lru, key(2, false), NULL, (void *)(uintptr_t)12);
	lru_add(lru, key(3, false), NULL, (void *)(uintptr_t)13);
	assert_true(lru_find(lru, key(1, false), &value));
	assert_ptr_equal(value, (void *)(uintptr_t)11);
	lru_add(lru, key(4, false), NULL, NULL);        /* 2 is the least recently used */
	assert_false(lru_find(lru, key(2, false), NULL));
	assert_true(lru_find(lru, key(1, false), NULL));
	assert_true(lru_find(lru, key(3, false), NULL));
	assert_true(lru_find(lru, key(4, false), NULL));
	assert_int_equal(lru_count(lru), 3);
}

static void
test_replace(void **state)
{
	AUTO(lru_free) struct lru *lru = lru_new(3, 1, drop);
	char *first = strdup("first"), *second = strdup("second");
	void *value;

	ndropped = 0;
	lru_add(lru, key(1, true), NULL, first);
	lru_add(lru, key(1, true), NULL, second);
	assert_int_equal(ndropped, 1);
	assert_int_equal(lru_count(lru), 1);
	assert_true(lru_find(lru, key(1, true), &value));
	assert_string_equal(value, "second");
}

static void
test_owner(void **state)
{
	AUTO(lru_free) struct lru *lru = lru_new(100, 4, NULL);
	unsigned i;

	lru_add(lru, key(1000, true), owner(2), NULL);
	lru_add(lru, key(1001, true), NULL, NULL);
	for (i = 0; i < 50; i++) {
		lru_add(lru, key(i, true), owner(1), NULL);
		assert_true(lru_find(lru, key(0, true), NULL));         /* in use: stays */
	}
	assert_int_equal(lru_count(lru), 6);
	assert_true(lru_find(lru, key(1000, true), NULL));
	assert_true(lru_find(lru, key(1001, true), NULL));
	assert_true(lru_find(lru, key(49, true), NULL));
	assert_true(lru_find(lru, key(47, true), NULL));
	assert_false(lru_find(lru, key(46, true), NULL));
}

/* Against a list that is searched from end to end. */
static void
test_model(void **state)
{
	enum { MAX = 37, KEYS = 90, OWNERS = 12, PER = 3, STEPS = 40000 };
	static unsigned used[KEYS], owned[KEYS];        /* 0: not there; owner + 1 */
	AUTO(lru_free) struct lru *lru = lru_new(MAX, PER, drop);
	unsigned i, k, n, step, mine, oldest, own, seed = 1, live = 0;

	ndropped = 0;
	for (step = 1; step <= STEPS; step++) {
		seed = seed * 1103515245 + 12345;
		k = seed / 65536 % KEYS;
		if (step % 3 != 0) {
			assert_int_equal(lru_find(lru, key(k, k % 2), NULL), used[k] != 0);
			if (used[k] != 0)
				used[k] = step;
			continue;
		}
		own = k % 4 == 0 ? 0 : k % OWNERS + 1;
		lru_add(lru, key(k, k % 2), own == 0 ? NULL : owner(own), strdup("x"));
		used[k] = 0;
		for (i = n = mine = 0, oldest = KEYS; i < KEYS; i++)
			if (used[i] != 0 && own != 0 && owned[i] == own) {
				mine++;
				if (oldest == KEYS || used[i] < used[oldest])
					oldest = i;
			}
		if (mine >= PER)
			used[oldest] = 0;
		for (i = 0, oldest = KEYS; i < KEYS; i++)
			if (used[i] != 0) {
				n++;
				if (oldest == KEYS || used[i] < used[oldest])
					oldest = i;
			}
		if (n == MAX)
			used[oldest] = 0;
		used[k] = step;
		owned[k] = own;
	}
	for (k = 0; k < KEYS; k++) {
		assert_int_equal(lru_find(lru, key(k, k % 2), NULL), used[k] != 0);
		live += used[k] != 0;
	}
	assert_int_equal(lru_count(lru), live);
	assert_int_equal(ndropped, STEPS / 3 - live);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests_name("lru", tests, NULL, NULL);
}
