#include "testing.h"

#include <openssl/bn.h>
#include <openssl/err.h>

#include "../teesim/pki.h"
#include "alloc_fail.h"
#include "dcap/ecdsa.h"

#define INVALID "InvalidSignatureForPublicKey"

static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
static const char message[] = "a report";

static void
digest_make(uint8_t out[SHA256_DIGEST_LENGTH])
{
	SHA256((const uint8_t *)message, strlen(message), out);
}

static void
key_make(struct p256_key *key, unsigned n)
{
	uint8_t point[PKI_POINT_LEN];
	struct reason why;

	pki_point(point, n);
	assert_true(p256_key_init(key, BYTES_OF(point), &why));
}

static void
test_key(void **state)
{
	static const struct {
		const char *name;
		size_t  skip, len;
		int     flip;           /* byte to change, -1: none */
		const char *why;
	} cases[] = {
		{ "65 bytes", 0, 65, -1, NULL },
		{ "64 bytes", 1, 64, -1, NULL },
		{ "66 bytes", 0, 66, -1, "P-256 key has 66 bytes" },
		{ "63 bytes", 0, 63, -1, "P-256 key has 63 bytes" },
		{ "nothing", 0, 0, -1, "P-256 key has 0 bytes" },
		{ "compressed", 0, 65, 0, "P-256 key is not an uncompressed point" },
		{ "X changed", 0, 65, 32, "P-256 key is not on the curve" },
		{ "Y changed", 0, 65, 64, "P-256 key is not on the curve" },
	};
	uint8_t point[PKI_POINT_LEN + 1] = { 0 };
	struct p256_key key;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		pki_point(point, 1);
		if (cases[i].flip >= 0)
			point[cases[i].flip] ^= 1;
		ok = p256_key_init(&key, (struct bytes){ point + cases[i].skip, cases[i].len },
		    &why);
		expect_reason(cases[i].name, ok, &why, cases[i].why);
		p256_key_fini(&key);
		assert_true(ERR_peek_error() == 0);
	}
	memset(point, 0xff, sizeof point);      /* coordinates above p */
	point[0] = 4;
	expect_reason("above p", p256_key_init(&key, (struct bytes){ point, 65 }, &why), &why,
	    "P-256 key is not on the curve");
	memset(point + 1, 0, 64);
	expect_reason("zero", p256_key_init(&key, (struct bytes){ point, 65 }, &why), &why,
	    "P-256 key is not on the curve");
}

/* The same signature with n - s for s: one of the two is high, both are good. */
static struct bytes
other_s(struct bytes signature)
{
	struct bytes n = pki_hex(order);
	BIGNUM *s = BN_bin2bn(signature.ptr + 32, 32, NULL), *bn = BN_bin2bn(n.ptr, n.len, NULL);
	uint8_t raw[64];

	assert_true(BN_sub(s, bn, s));
	memcpy(raw, signature.ptr, 32);
	assert_true(BN_bn2bin_padded(raw + 32, 32, s));
	BN_free(s);
	BN_free(bn);
	return pki_join(&(struct bytes){ raw, sizeof raw }, 1);
}

static void
test_raw(void **state)
{
	struct bytes good = pki_sign_raw(1, bytes_str(message)), r = { good.ptr, 32 },
	    s = { good.ptr + 32, 32 };
	const struct {
		const char *name;
		struct bytes signature;
		const char *why;
	} cases[] = {
		{ "good", good, NULL },
		{ "the other s", other_s(good), NULL },
		{ "r zero", pki_join((struct bytes[]){ pki_hex(zero), s }, 2), INVALID },
		{ "s zero", pki_join((struct bytes[]){ r, pki_hex(zero) }, 2), INVALID },
		{ "r is n", pki_join((struct bytes[]){ pki_hex(order), s }, 2), INVALID },
		{ "s is n", pki_join((struct bytes[]){ r, pki_hex(order) }, 2), INVALID },
		{ "swapped", pki_join((struct bytes[]){ s, r }, 2), INVALID },
		{ "another key's", pki_sign_raw(2, bytes_str(message)), INVALID },
		{ "another message's", pki_sign_raw(1, bytes_str("x")), INVALID },
		{ "63 bytes", { good.ptr, 63 }, INVALID },
		{ "65 bytes", pki_join((struct bytes[]){ good, pki_hex("00") }, 2), INVALID },
		{ "nothing", { NULL, 0 }, INVALID },
		{ "DER", pki_sign_der(1, bytes_str(message)), INVALID },
	};
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct p256_key key;
	struct reason why;
	unsigned long nops = 0;
	size_t i;

	digest_make(digest);
	key_make(&key, 1);
	for (i = 0; i < NELEM(cases); i++) {
		expect_reason(cases[i].name,
		    ecdsa_verify_raw(&key, digest, cases[i].signature, &nops, &why), &why,
		    cases[i].why);
		assert_true(ERR_peek_error() == 0);
	}
	assert_int_equal(nops, 9);      /* those of 64 bytes */
	p256_key_fini(&key);
}

static void
test_der(void **state)
{
	struct bytes good = pki_sign_der(1, bytes_str(message)), inner = { good.ptr + 2,
	    good.len - 2 };
	const struct {
		const char *name;
		struct bytes signature;
		const char *why;
	} cases[] = {
		{ "good", good, NULL },
		{ "byte behind", pki_join((struct bytes[]){ good, pki_hex("00") }, 2), INVALID },
		{ "one short", { good.ptr, good.len - 1 }, INVALID },
		{ "long form of the length", pki_join((struct bytes[]){ pki_hex("3081"),
		    { good.ptr + 1, good.len - 1 } }, 2), INVALID },
		{ "element behind", pki_der(0x30, pki_join((struct bytes[]){ inner,
		    pki_hex("0500") }, 2)), INVALID },
		{ "r negative", pki_hex("3006 0201ff 020101"), INVALID },
		{ "r padded", pki_hex("3007 02020001 020101"), INVALID },
		{ "zeros", pki_hex("3006 020100 020100"), INVALID },
		{ "raw", pki_sign_raw(1, bytes_str(message)), INVALID },
		{ "nothing", { NULL, 0 }, INVALID },
	};
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct p256_key key;
	struct reason why;
	unsigned long nops = 0;
	size_t i;

	digest_make(digest);
	key_make(&key, 1);
	for (i = 0; i < NELEM(cases); i++) {
		expect_reason(cases[i].name,
		    ecdsa_verify_der(&key, digest, cases[i].signature, &nops, &why), &why,
		    cases[i].why);
		assert_true(ERR_peek_error() == 0);
	}
	p256_key_fini(&key);
}

static void
test_copy(void **state)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct p256_key key, copy, other;
	struct reason why;
	unsigned long nops = 0;

	digest_make(digest);
	key_make(&key, 1);
	key_make(&other, 2);
	p256_key_copy(&copy, &key);
	assert_true(p256_key_equal(&copy, &key));
	assert_false(p256_key_equal(&copy, &other));
	p256_key_fini(&key);
	assert_true(ecdsa_verify_raw(&copy, digest, pki_sign_raw(1, bytes_str(message)), &nops,
	    &why));
	p256_key_fini(&copy);
	p256_key_fini(&other);
}

static void
test_refuse(void **state)
{
	struct reason why = { .kind = REASON_REFUSED, .text = "x" };

	assert_false(ecdsa_refuse(&why, "QE"));
	assert_string_equal(why.text, "QE");
	why = (struct reason){ .kind = REASON_INTERNAL, .text = "out of memory" };
	assert_false(ecdsa_refuse(&why, "QE"));
	assert_string_equal(why.text, "out of memory");
}

static bool
verify_once(void *arg, struct reason *why)
{
	struct bytes *signatures = arg;
	uint8_t digest[SHA256_DIGEST_LENGTH], point[PKI_POINT_LEN];
	struct p256_key key;
	unsigned long nops = 0;
	bool ok;

	digest_make(digest);
	pki_point(point, 1);
	if (!p256_key_init(&key, BYTES_OF(point), why))
		return false;
	ok = ecdsa_verify_raw(&key, digest, signatures[0], &nops, why) &&
	    ecdsa_verify_der(&key, digest, signatures[1], &nops, why);
	p256_key_fini(&key);
	return ok;
}

static void
test_no_memory(void **state)
{
	struct bytes signatures[2] = { pki_sign_raw(1, bytes_str(message)),
	    pki_sign_der(1, bytes_str(message)) };

	assert_true(alloc_fail_each_any(verify_once, signatures) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_der),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("ecdsa", tests, NULL, NULL);
}
