#include "testing.h"

static void
test_size_add(void **state)
{
	size_t sum = 7;

	assert_true(size_add(&sum, SIZE_MAX - 1, 1));
	assert_true(sum == SIZE_MAX);
	sum = 7;
	assert_false(size_add(&sum, SIZE_MAX, 1));
	assert_int_equal(sum, 7);
}

static void
test_size_mul(void **state)
{
	size_t product = 7;

	assert_true(size_mul(&product, SIZE_MAX / 2, 2));
	assert_true(product == SIZE_MAX - 1);
	product = 7;
	assert_false(size_mul(&product, SIZE_MAX / 2 + 1, 2));
	assert_int_equal(product, 7);
}

static void
test_bytes_empty(void **state)
{
	struct bytes nothing = { NULL, 0 };
	uint8_t byte = 1;

	bytes_copy(&byte, nothing);
	assert_int_equal(byte, 1);
	assert_true(bytes_equal(nothing, nothing));
	assert_false(bytes_equal(nothing, (struct bytes){ &byte, 1 }));
	assert_true(bytes_zero(nothing));
}

static void
test_bytes_zero(void **state)
{
	uint8_t data[64] = { 0 };
	size_t i;

	assert_true(bytes_zero(BYTES_OF(data)));
	for (i = 0; i < sizeof data; i++) {
		data[i] = 0x80;
		assert_false(bytes_zero(BYTES_OF(data)));
		data[i] = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_add),
		cmocka_unit_test(test_size_mul),
		cmocka_unit_test(test_bytes_empty),
		cmocka_unit_test(test_bytes_zero),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
