#include "testing.h"

#include <sys/mman.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/hex.h"

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

#define MESSAGE_LEN     1200

/* The end of a page, behind which nothing may be read. */
static uint8_t *
page_end(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(pages != MAP_FAILED && page >= MESSAGE_LEN);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	return pages + page;
}

/*
 * Digests of messages of every length, all of them hashed again; the values are those of another
 * implementation.  How many blocks there are, and where they begin, decides which code runs.
 */
static void
test_lengths(void **state)
{
	uint8_t *const end = page_end();
	SHA256_CTX all256;
	SHA512_CTX all384, all512;
	struct digest256 d256;
	struct digest384 d384;
	struct digest512 d512;

	SHA256_Init(&all256);
	SHA384_Init(&all384);
	SHA512_Init(&all512);
	for (size_t len = 0; len <= MESSAGE_LEN; len++) {
		const struct bytes message = { end - len, len };

		for (size_t i = 0; i < len; i++)
			end[i - len] = (uint8_t)(7 * i + 1);
		digest256_of(&d256, message);
		digest384_of(&d384, message);
		digest512_of(&d512, message);
		SHA256_Update(&all256, d256.data, sizeof d256.data);
		SHA384_Update(&all384, d384.data, sizeof d384.data);
		SHA512_Update(&all512, d512.data, sizeof d512.data);
	}
	SHA256_Final(d256.data, &all256);
	SHA384_Final(d384.data, &all384);
	SHA512_Final(d512.data, &all512);
	hex_is(BYTES_OF(d256.data),
	    "9b65066e87d156733e45b70a3c9bce59b0332fa02e2c7c0883cc66325801be6a");
	hex_is(BYTES_OF(d384.data),
	    "f7a338665d1c7c38fdd790ecd4faedd3e2655f5bd3586fab314ce6475163e04d"
	    "61d3d534a81336872e892b1f81a511fc");
	hex_is(BYTES_OF(d512.data),
	    "f3f73f23adf9997b9987af4880feec20482be02843a1f8a5d89a5f8fa6c9d8b1"
	    "ea2ede7d2b422ee1e76106298b4f7aa2fc7638fffb798303e8380c150ed5952c");
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
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_extend),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
