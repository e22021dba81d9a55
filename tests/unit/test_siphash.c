#include "testing.h"

#include "server/siphash.h"

/* The authors' vectors: key and message count up from 0. */
static const struct {
	size_t  len;
	uint64_t digest;
} cases[] = {
	{ 0, UINT64_C(0x726fdb47dd0e0e31) },
	{ 1, UINT64_C(0x74f839c593dc67fd) },
	{ 2, UINT64_C(0x0d6c8009d9a94f5a) },
	{ 3, UINT64_C(0x85676696d7fb7e2d) },
	{ 7, UINT64_C(0xab0200f58b01d137) },
	{ 8, UINT64_C(0x93f5f5799a932462) },
	{ 15, UINT64_C(0xa129ca6149be45e5) },
	{ 63, UINT64_C(0x958a324ceb064572) },
};

static void
test_siphash(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	for (size_t i = 0; i < NELEM(cases); i++) {
		uint64_t digest = siphash(bytes, (struct bytes){ bytes, cases[i].len });

		if (digest != cases[i].digest)
			fail_msg("%zu bytes: %016llx", cases[i].len, (unsigned long long)digest);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
