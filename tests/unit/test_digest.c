#include "core/digest.h"
#include "core/hex.h"
#include "testing.h"

static void
hex_is(struct bytes digest, const char *wanted)
{
	char text[2 * SHA512_DIGEST_LENGTH + 1];

	hex_text(text, digest);
	assert_string_equal(text, wanted);
}

/* FIPS 180-4's "abc", and the empty message. */
static void
test_known(void **state)
{
	const struct bytes abc = bytes_str("abc"), none = { NULL, 0 };
	const struct bytes parts[] = { bytes_str("a"), { NULL, 0 }, bytes_str("bc") };
	struct digest256 d256, e256;
	struct digest384 d384, e384;
	struct digest512 d512, e512;

	digest256_of(&d256, abc);
	hex_is(BYTES_OF(d256.data),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest384_of(&d384, abc);
	hex_is(BYTES_OF(d384.data),
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	    "8086072ba1e7cc2358baeca134c825a7");
	digest512_of(&d512, abc);
	hex_is(BYTES_OF(d512.data),
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
	digest256_of_parts(&e256, parts, NELEM(parts));
	digest384_of_parts(&e384, parts, NELEM(parts));
	digest512_of_parts(&e512, parts, NELEM(parts));
	assert_true(digest256_equal(&d256, &e256));
	assert_true(digest384_equal(&d384, &e384));
	assert_true(digest512_equal(&d512, &e512));
	digest256_of(&e256, none);
	hex_is(BYTES_OF(e256.data),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest384_of(&e384, none);
	digest512_of(&e512, none);
	assert_false(digest256_equal(&d256, &e256));
	assert_false(digest384_equal(&d384, &e384));
	assert_false(digest512_equal(&d512, &e512));
}

static void
test_extend(void **state)
{
	struct digest384 reg = { { 0 } }, event, wanted;
	uint8_t both[96] = { 0 };

	digest384_of(&event, bytes_str("abc"));
	memcpy(both + 48, event.data, 48);
	digest384_of(&wanted, BYTES_OF(both));
	digest384_extend(&reg, &event);
	assert_true(digest384_equal(&reg, &wanted));
	/* A register extended with itself. */
	memcpy(both, reg.data, 48);
	memcpy(both + 48, reg.data, 48);
	digest384_of(&wanted, BYTES_OF(both));
	digest384_extend(&reg, &reg);
	assert_true(digest384_equal(&reg, &wanted));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_extend),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
