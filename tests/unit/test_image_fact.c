#include "testing.h"

#include <openssl/curve25519.h>

#include "measure/image_fact.h"
#include "measure/image_record.h"

static uint8_t public_key[32], private_key[64];

static int
setup(void **state)
{
	static const uint8_t seed[32] = "a key for tests";

	ED25519_keypair_from_seed(public_key, private_key, seed);
	return 0;
}

static struct image_fact_key
key_sample(void)
{
	struct image_fact_key key = { .type = IMAGE_FACT_KERNEL, .initrd_addr = 0x7ffbf000 };

	memset(key.os_image_hash.data, 0x5a, sizeof key.os_image_hash.data);
	return key;
}

/* What the supervisor does with what a measurer returned. */
static size_t
blob_make(uint8_t *blob, const struct image_fact_key *key, struct bytes payload)
{
	uint8_t message[IMAGE_FACT_MESSAGE_MAX_LEN];
	size_t len;
	CBB out;

	assert_true(CBB_init_fixed(&out, message, sizeof message));
	assert_true(image_fact_message_write(&out, key, payload) && CBB_finish(&out, NULL, &len));
	assert_true(ED25519_sign(blob, message, len, private_key));
	bytes_copy(blob + 64, payload);
	return 64 + payload.len;
}

static void
expect(const char *name, const struct image_fact_key *key, struct bytes blob,
    const uint8_t *with, const char *wanted)
{
	struct bytes payload = { 0 };
	struct reason why;
	bool ok = image_fact_verify(&payload, key, blob, with, &why);

	expect_reason(name, ok, &why, wanted);
}

static void
test_verify(void **state)
{
	static const char refused[] = "kernel fact is not signed by this service";
	struct image_fact_key key = key_sample(), other;
	uint8_t blob[128], other_key[32];
	size_t i, len = blob_make(blob, &key, bytes_str("payload"));
	struct bytes payload, all = { blob, len };
	struct reason why;

	assert_true(image_fact_verify(&payload, &key, all, public_key, &why));
	assert_true(bytes_equal(payload, bytes_str("payload")));
	for (i = 0; i < 8 * len; i++) {
		blob[i / 8] ^= (uint8_t)(1u << i % 8);
		expect("a bit", &key, all, public_key, refused);
		blob[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (i = 0; i < len; i++)
		expect("cut", &key, (struct bytes){ blob, i }, public_key, i < 64 ?
		    "kernel fact is shorter than its signature" : refused);
	expect("longer", &key, (struct bytes){ blob, len + 1 }, public_key, refused);
	other = key;
	other.type = IMAGE_FACT_RECORD;
	expect("as a record", &other, all, public_key,
	    "image record is not signed by this service");
	other = key;
	other.initrd_addr++;
	expect("another address", &other, all, public_key, refused);
	for (i = 0; i < 32; i++) {
		other = key;
		other.os_image_hash.data[i] ^= 0x80;
		expect("another image", &other, all, public_key, refused);
	}
	memcpy(other_key, public_key, 32);
	other_key[0] ^= 1;
	expect("another key", &key, all, other_key, refused);
}

/* The message, byte by byte, with fixed widths. */
static void
test_message(void **state)
{
	uint8_t wanted[27 + 1 + 2 + 32 + 4 + 4 + 3] = "dstack-verifier image fact";
	struct image_fact_key key = key_sample();
	uint8_t message[256];
	size_t len;
	CBB out;

	wanted[27] = 2;
	wanted[29] = IMAGE_RECORD_SCHEMA;
	memset(wanted + 30, 0x5a, 32);
	memcpy(wanted + 62, "\x7f\xfb\xf0\x00\0\0\0\x03" "abc", 11);
	assert_true(CBB_init_fixed(&out, message, sizeof message));
	assert_true(image_fact_message_write(&out, &key, bytes_str("abc")));
	assert_true(CBB_finish(&out, NULL, &len));
	assert_true(bytes_equal((struct bytes){ message, len }, BYTES_OF(wanted)));
}

/* A signature made under another schema number. */
static void
test_schema(void **state)
{
	uint8_t message[256], blob[128];
	struct image_fact_key key = key_sample();
	size_t len;
	CBB out;

	assert_true(CBB_init_fixed(&out, message, sizeof message));
	assert_true(image_fact_message_write(&out, &key, bytes_str("abc")));
	assert_true(CBB_finish(&out, NULL, &len));
	message[29]++;
	assert_true(ED25519_sign(blob, message, len, private_key));
	memcpy(blob + 64, "abc", 3);
	expect("schema", &key, (struct bytes){ blob, 67 }, public_key,
	    "kernel fact is not signed by this service");
}

static void
test_limits(void **state)
{
	static uint8_t zeros[IMAGE_FACT_MAX_LEN + 1], blob[IMAGE_FACT_MAX_LEN + 65];
	uint8_t message[2 * IMAGE_FACT_MAX_LEN];
	struct image_fact_key key = key_sample();
	size_t len;
	CBB out;

	key.type = IMAGE_FACT_RECORD;
	len = blob_make(blob, &key, (struct bytes){ zeros, IMAGE_FACT_MAX_LEN - 64 });
	expect("longest", &key, (struct bytes){ blob, len }, public_key, NULL);
	expect("longer", &key, (struct bytes){ blob, len + 1 }, public_key,
	    "image record has 8193 bytes, more than 8192");
	expect("empty", &key, (struct bytes){ 0 }, public_key,
	    "image record is shorter than its signature");
	assert_true(CBB_init_fixed(&out, message, sizeof message));
	assert_true(image_fact_message_write(&out, &key,
	    (struct bytes){ zeros, IMAGE_FACT_MAX_LEN }));
	CBB_cleanup(&out);
	assert_true(CBB_init_fixed(&out, message, sizeof message));
	assert_false(image_fact_message_write(&out, &key, BYTES_OF(zeros)));
	CBB_cleanup(&out);
	for (len = 0; len < 27 + 1 + 2 + 32 + 4 + 4 + 3; len++) {
		assert_true(CBB_init_fixed(&out, message, len));
		assert_false(image_fact_message_write(&out, &key, bytes_str("abc")));
		CBB_cleanup(&out);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify), cmocka_unit_test(test_message),
		cmocka_unit_test(test_schema), cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
