#include "testing.h"

#include <stdlib.h>

#include "core/hex.h"
#include "measure/td_hob.h"

/* The section table of every dstack firmware seen so far. */
#define RANGES  "801009040006" "0902" "0b02" "1010"

static bool
measure(char digest[97], const char *witness_hex, uint64_t memory_size, struct reason *why)
{
	uint8_t witness[512];
	struct digest384 out;
	struct td_hob hob;
	size_t len = strlen(witness_hex);

	assert_true(len <= 2 * sizeof witness);
	assert_true(hex_decode(witness, bytes_str(witness_hex), why));
	if (!td_hob_witness_read(&hob, (struct bytes){ witness, len / 2 }, why) ||
	    !td_hob_measure(&out, &hob, memory_size, why))
		return false;
	hex_text(digest, BYTES_OF(out.data));
	return true;
}

/* From the specification; 2 GiB and 64 GiB are from quotes of real machines. */
static void
test_known(void **state)
{
	static const struct {
		uint64_t memory_size;
		const char *digest;
	} cases[] = {
		{ 1ull << 30, "1055c9b9a1fc534e688560e2304e18c8597b7261818cf61fb163d40c130547309b75"
		    "0575947a4dcaedbdce4b8d0535f2" },
		{ 2ull << 30, "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fdacbb"
		    "37948f821ebaf8bc9c938ba8a749" },
		{ 0xaffff000, "4e7f62d8d6e4185576116da418582a3b0b73e9ce0837d8f9b14969fa1b23828025bc"
		    "6fe96cdb2e85d4e9e1af41f40334" },
		{ 0xb0000000, "8eb1a02074362aa0761541cdb4dc3f1788dfeb4538803b241477848e26de294dbe91"
		    "7ab56c5628732679b3abc168c2de" },
		{ 64ull << 30, "8ae1e425351df7992c444586eff99d35af3b779aa2b0e981cb4b73bc5b279f2ade1"
		    "9b6a62a203fc3c3bbdaae80af596d" },
		{ 1ull << 40, "d6d8d853b6454f838d98c5573d6a098cffc51902151aea2c6a384cf1e1a27d10f9a6"
		    "5cf4504dd94e96c6079438d062f1" },
	};
	struct reason why;
	char digest[97];
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		assert_true(measure(digest, RANGES, cases[i].memory_size, &why));
		assert_string_equal(digest, cases[i].digest);
	}
}

static void
test_witness(void **state)
{
	struct bytes witness;
	struct reason why;
	struct td_hob hob;
	uint8_t bytes[12];

	assert_true(hex_decode(bytes, bytes_str(RANGES), &why));
	witness = BYTES_OF(bytes);
	assert_true(td_hob_witness_read(&hob, witness, &why));
	assert_true(hob.address == 0x809000);
	assert_int_equal(hob.n_ranges, 4);
	assert_true(hob.ranges[0].start == 0x800000 && hob.ranges[0].end == 0x806000);
	assert_true(hob.ranges[3].start == 0x810000 && hob.ranges[3].end == 0x820000);
}

/* Rows of tests/vectors/measure/td_hob.txt: digests and refusals alike. */
static void
test_vectors(void **state)
{
	char *text = strdup((const char *)vector_read("measure/td_hob.txt").ptr);
	char *line, *next = text, *witness, *memory, *want;
	struct reason why;
	char got[97];
	unsigned n = 0;

	while ((line = strsep(&next, "\n")) != NULL && *line != '\0') {
		witness = strsep(&line, "\t");
		memory = strsep(&line, "\t");
		want = line;
		n++;
		if (!measure(got, witness, strtoull(memory, NULL, 10), &why)) {
			if (strcmp(why.text, want) != 0)
				fail_msg("line %u: got \"%s\"", n, why.text);
		} else if (strcmp(got, want) != 0)
			fail_msg("line %u: got %s", n, got);
	}
	assert_true(n > 130);
	free(text);
}

static void
test_kinds(void **state)
{
	struct reason why;
	char got[97];

	assert_false(measure(got, "000041", 0, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_false(measure(got, "0000", 0, &why));
	assert_int_equal(why.kind, REASON_MALFORMED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_witness),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
