#include "testing.h"

#include "../teesim/pki.h"
#include "alloc_fail.h"
#include "dcap/anchor.h"

static void
test_intel(void **state)
{
	struct reason why;
	AUTO(anchor_free) struct anchor *anchor = anchor_intel_new(&why);
	unsigned long nops = 0;

	assert_non_null(anchor);
	assert_true(anchor->production);
	assert_true(bytes_equal(anchor->cert.der, vector_read("certs/intel-sgx-root-ca.der")));
	assert_true(cert_verify(&anchor->cert, &anchor->key, NULL, &nops, &why));
	expect_reason("first", anchor_check(anchor, 1526899510, &why), &why, NULL);
	expect_reason("last", anchor_check(anchor, 2524607999, &why), &why, NULL);
	expect_reason("early", anchor_check(anchor, 1526899509, &why), &why,
	    "Failed to load root ca: CertNotValidYet { time: UnixTime(1526899509), "
	    "not_before: UnixTime(1526899510) }");
	expect_reason("late", anchor_check(anchor, 2524608000, &why), &why,
	    "Failed to load root ca: CertExpired { time: UnixTime(2524608000), "
	    "not_after: UnixTime(2524607999) }");
}

static struct bytes
root(const char *issuer, unsigned issuer_key, bool ca)
{
	struct pki_cert spec = pki_root;

	spec.issuer = issuer;
	spec.issuer_key = issuer_key;
	spec.ca = ca;
	return pki_cert(&spec);
}

static void
test_external(void **state)
{
	static uint8_t big[ANCHOR_MAX_LEN + 1];
	struct bytes good = pki_cert(&pki_root), off_curve = pki_hex("03420004"),
	    pem = pki_pem(&good, 1);
	const struct {
		const char *name;
		struct bytes file;
		const char *why;
	} cases[] = {
		{ "DER", good, NULL },
		{ "PEM", pem, NULL },
		{ "the first of two", pki_join((struct bytes[]){ pem, pki_pem(&(struct bytes){
		    off_curve.ptr, off_curve.len }, 1) }, 2), NULL },
		{ "byte behind", pki_join((struct bytes[]){ good, pki_hex("00") }, 2),
		    "trailing data in TDX root CA" },
		{ "no certificate", pki_hex("3000"),
		    "failed to parse TDX root CA certificate: BadDer" },
		{ "empty", { NULL, 0 }, "failed to parse TDX root CA certificate: BadDer" },
		{ "PEM of a key", bytes_str("-----BEGIN PUBLIC KEY-----\nMAA=\n"),
		    "failed to parse TDX root CA PEM: PEM marker is not BEGIN CERTIFICATE" },
		{ "no CA", root(PKI_ROOT_NAME, PKI_ROOT, false), "TDX root certificate is not a CA" },
		{ "not self-issued", root("somebody", PKI_ROOT, true),
		    "TDX root certificate is not self-issued" },
		{ "signed by another", root(PKI_ROOT_NAME, PKI_CA, true),
		    "TDX root certificate is not signed by itself" },
		{ "an intermediate", pki_cert(&pki_ca), "TDX root certificate is not self-issued" },
		{ "key off the curve", pki_patch(good, (size_t)((const uint8_t *)memmem(good.ptr,
		    good.len, off_curve.ptr, 4) - good.ptr) + 10, "00000000000000"),
		    "failed to parse TDX root CA certificate: P-256 key is not on the curve" },
		{ "too long", BYTES_OF(big), "TDX root CA has 65537 bytes, more than 65536" },
	};
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		AUTO(anchor_free) struct anchor *anchor = anchor_external_new(cases[i].file, &why);

		expect_reason(cases[i].name, anchor != NULL, &why, cases[i].why);
		if (anchor != NULL)
			assert_false(anchor->production);
	}
}

static bool
load_once(void *arg, struct reason *why)
{
	AUTO(anchor_free) struct anchor *anchor = anchor_external_new(*(struct bytes *)arg, why);

	return anchor != NULL;
}

static void
test_no_memory(void **state)
{
	struct bytes good = pki_cert(&pki_root), pem = pki_pem(&good, 1);

	assert_true(alloc_fail_each_any(load_once, &pem) > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intel),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("anchor", tests, NULL, NULL);
}
