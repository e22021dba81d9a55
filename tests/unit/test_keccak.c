#include "../support/sample.h"
#include "evidence/keccak.h"
#include "testing.h"

/* attestation-and-events.md 10: keccak256 of "app-data:test content"; the rest is well known. */
static void
test_keccak256(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" },
		{ "abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45" },
		{ "app-data:test content",
		    "71d9e489e5d4046e8c1a5ef5137a88d940c77db95de9a5eadcde469c4fc50c29" },
	};
	struct arena *arena = sample_arena();
	uint8_t out[KECCAK256_LEN];

	for (size_t i = 0; i < NELEM(cases); i++) {
		keccak256(out, bytes_str(cases[i].in));
		assert_memory_equal(out, sample_hex(arena, cases[i].out).ptr, sizeof out);
	}
}

/* The rate is 136 bytes: padding alone, in one byte, and in a block of its own. */
static void
test_block_edges(void **state)
{
	static const struct {
		size_t  len;
		const char *out;
	} cases[] = {
		{ 134, "861e165162f806cd361c4421a48f205820ddf4deb02db9f041f48e179ddada97" },
		{ 135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62" },
		{ 136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e" },
		{ 137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db" },
		{ 271, "7c974895b2a88303ff2dc6b58f438ceb0b298cac91099ac0539cc0f477506191" },
		{ 272, "fdf2ec49e749960d3c8521a0219af8d03e30e2b3bf19bd16150ee0eaf133d66e" },
		{ 273, "4f707289a9c3ccd0c4a51f2f17339f5dd171d371c04ff7783b735b5b22682eaf" },
	};
	struct arena *arena = sample_arena();
	uint8_t in[512], out[KECCAK256_LEN];

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)i;
	for (size_t i = 0; i < NELEM(cases); i++) {
		keccak256(out, (struct bytes){ in, cases[i].len });
		assert_memory_equal(out, sample_hex(arena, cases[i].out).ptr, sizeof out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keccak256),
		cmocka_unit_test(test_block_edges),
	};

	return cmocka_run_group_tests_name("keccak", tests, NULL, NULL);
}
