#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "../teesim/pki.h"
#include "dcap/cert.h"

#define NONE            ((struct bytes){ NULL, 0 })
#define BAD_DER         "BadDer"
#define BAD_EXTENSION   "ExtensionValueInvalid"
#define CRITICAL        "UnsupportedCriticalExtension"

static struct pki_cert
usual(void)
{
	return (struct pki_cert){ .issuer = "issuer", .subject = "subject", .issuer_key = 1,
		.key = 2, .key_usage = 0x80 };
}

static void
expect_cert(const char *name, struct bytes der, const char *wanted)
{
	/* A copy of its own, so that the sanitizer watches the end. */
	uint8_t *copy = malloc(der.len + 1);
	struct reason why = { .kind = REASON_NONE };
	struct cert cert;

	assert_non_null(copy);
	bytes_copy(copy, der);
	expect_reason(name, cert_read(&cert, (struct bytes){ copy, der.len }, &why), &why, wanted);
	free(copy);
}

static void
test_fields(void **state)
{
	struct pki_cert spec = usual();
	uint8_t point[PKI_POINT_LEN];
	struct reason why;
	struct cert cert;

	spec.serial = "0080";
	spec.not_before = 1526899510;
	spec.not_after = 4102444799;
	spec.sgx = pki_hex("3000");
	assert_true(cert_read(&cert, pki_cert(&spec), &why));
	pki_point(point, 2);
	assert_true(bytes_equal(cert.serial, pki_hex("0080")));
	assert_true(bytes_equal(cert.issuer, pki_name("issuer")));
	assert_true(bytes_equal(cert.subject, pki_name("subject")));
	assert_true(bytes_equal(cert.issuer_cn, bytes_str("issuer")));
	assert_true(bytes_equal(cert.subject_cn, bytes_str("subject")));
	assert_int_equal(cert.not_before, 1526899510);
	assert_int_equal(cert.not_after, 4102444799);
	assert_memory_equal(cert.point, point, sizeof point);
	assert_true(bytes_equal(cert.sgx, pki_hex("3000")));
	assert_false(cert.is_ca);
	assert_int_equal(cert.path_len, -1);
	assert_true(cert.has_key_usage);
	assert_false(cert.may_sign_crls);
	assert_false(cert.has_eku);

	spec = pki_ca;
	assert_true(cert_read(&cert, pki_cert(&spec), &why));
	assert_true(cert.is_ca);
	assert_int_equal(cert.path_len, 0);
	assert_true(cert.may_sign_crls);
	spec.key_usage = 0;
	assert_true(cert_read(&cert, pki_cert(&spec), &why));
	assert_false(cert.has_key_usage);
	assert_true(cert.may_sign_crls);
	assert_true(cert_read(&cert, pki_cert(&pki_signer), &why));
	assert_true(cert.has_eku && cert.eku_server_auth);
}

/* Fields with another content. */
static void
test_values(void **state)
{
	static const char long_serial[] = "7f00000000000000000000000000000000000000";
	static const char padded_serial[] = "00ff00000000000000000000000000000000000000";
	static const struct {
		const char *name, *serial, *path_len;
		bool    ca;
		int64_t not_before, not_after;
		const char *why;
	} cases[] = {
		{ "20 bytes of serial", long_serial, NULL, false, 0, 0, NULL },
		{ "20 bytes behind a zero", padded_serial, NULL, false, 0, 0, NULL },
		{ "21 bytes and a zero", "00ff0000000000000000000000000000000000000000", NULL, false,
		    0, 0, "InvalidSerialNumber" },
		{ "negative serial", "80", NULL, false, 0, 0, "InvalidSerialNumber" },
		{ "padded serial", "0001", NULL, false, 0, 0, BAD_DER },
		{ "empty serial", "", NULL, false, 0, 0, BAD_DER },
		{ "dates equal", NULL, NULL, false, 1600000000, 1600000000, NULL },
		{ "dates reversed", NULL, NULL, false, 1600000001, 1600000000,
		    "InvalidCertValidity" },
		{ "path length 127", NULL, "7f", true, 0, 0, NULL },
		{ "path length 128", NULL, "0080", true, 0, 0, BAD_EXTENSION },
		{ "path length padded", NULL, "0001", true, 0, 0, BAD_EXTENSION },
		{ "path length negative", NULL, "ff", true, 0, 0, BAD_EXTENSION },
		{ "path length of no CA", NULL, "00", false, 0, 0, BAD_EXTENSION },
	};
	struct pki_cert spec;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		spec = usual();
		spec.serial = cases[i].serial;
		spec.path_len = cases[i].path_len;
		spec.ca = cases[i].ca;
		spec.not_before = cases[i].not_before;
		spec.not_after = cases[i].not_after;
		expect_cert(cases[i].name, pki_cert(&spec), cases[i].why);
	}
}

static void
test_extensions(void **state)
{
	static const struct {
		const char *name;
		bool    no_constraints;
		const char *oid;
		bool    critical;
		const char *value, *why;
	} cases[] = {
		{ "unknown", false, "2a0304", false, "3000", NULL },
		{ "unknown and critical", false, "2a0304", true, "3000", CRITICAL },
		{ "SGX extension, critical", false, "2a864886f84d010d01", true, "3000", CRITICAL },
		{ "SGX extension, empty", false, "2a864886f84d010d01", false, "", BAD_EXTENSION },
		{ "key usage twice", false, "551d0f", true, "03020780", BAD_EXTENSION },
		{ "constraints twice", false, "551d13", true, "3000", BAD_EXTENSION },
		{ "alternative name, critical", false, "551d11", true, "3000", NULL },
		{ "distribution points, critical", false, "551d1f", true, "3000", NULL },
		{ "name constraints", false, "551d1e", false, "3000", CRITICAL },
		{ "policies, critical", false, "551d20", true, "3000", CRITICAL },
		{ "constraints: explicit FALSE", true, "551d13", true, "3003010100", NULL },
		{ "constraints: 01 for TRUE", true, "551d13", true, "3003010101", BAD_EXTENSION },
		{ "constraints: behind", true, "551d13", true, "30000500", BAD_EXTENSION },
		{ "constraints: inside", true, "551d13", true, "30020500", BAD_EXTENSION },
		{ "constraints: no sequence", true, "551d13", true, "3100", BAD_EXTENSION },
		{ "constraints: empty", true, "551d13", true, "", BAD_EXTENSION },
		{ "EKU empty", false, "551d25", false, "3000", BAD_EXTENSION },
		{ "EKU no OID", false, "551d25", false, "30020500", BAD_EXTENSION },
		{ "EKU behind", false, "551d25", false, "300506032a030405 00", BAD_EXTENSION },
	};
	struct pki_extension extension;
	struct pki_cert spec;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		extension = (struct pki_extension){ cases[i].oid, cases[i].critical,
		    pki_hex(cases[i].value) };
		spec = usual();
		spec.no_constraints = cases[i].no_constraints;
		spec.more = &extension;
		spec.nmore = 1;
		expect_cert(cases[i].name, pki_cert(&spec), cases[i].why);
	}
}

static void
test_key_usage(void **state)
{
	static const struct {
		const char *name, *value, *why;
		bool crls;
	} cases[] = {
		{ "cRLSign", "03020106", NULL, true },
		{ "not", "03020780", NULL, false },
		{ "no bits", "030100", NULL, false },
		{ "unused bits set", "03020107", BAD_EXTENSION, false },
		{ "nine unused bits", "03020900", BAD_EXTENSION, false },
		{ "empty", "0300", BAD_EXTENSION, false },
		{ "behind", "0302010600", BAD_EXTENSION, false },
	};
	struct pki_extension extension = { "551d0f", true, NONE };
	struct pki_cert spec;
	struct reason why;
	struct cert cert;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		extension.value = pki_hex(cases[i].value);
		spec = usual();
		spec.key_usage = 0;
		spec.more = &extension;
		spec.nmore = 1;
		ok = cert_read(&cert, pki_cert(&spec), &why);
		expect_reason(cases[i].name, ok, &why, cases[i].why);
		if (ok)
			assert_int_equal(cert.may_sign_crls, cases[i].crls);
	}
}

static void
test_many_extensions(void **state)
{
	struct pki_extension more[33];
	struct pki_cert spec = usual();
	char oids[33][9];
	size_t i;

	for (i = 0; i < NELEM(more); i++) {
		snprintf(oids[i], sizeof oids[i], "2a0304%02x", (unsigned)i);
		more[i] = (struct pki_extension){ oids[i], false, pki_hex("3000") };
	}
	spec.no_constraints = true;
	spec.key_usage = 0;
	spec.more = more;
	spec.nmore = 32;
	expect_cert("32", pki_cert(&spec), NULL);
	spec.nmore = 33;
	expect_cert("33", pki_cert(&spec), "more than 32 extensions");
}

/* Single bytes and pieces of a good certificate replaced. */
static void
test_form(void **state)
{
	struct pki_cert spec = usual();
	static const struct {
		const char *name, *what, *with, *why;
	} cases[] = {
		{ "version 1", "a003020102", "a003020100", "UnsupportedCertVersion" },
		{ "version 2", "a003020102", "a003020101", "UnsupportedCertVersion" },
		{ "version padded", "a003020102", "a004020102", BAD_DER },
		{ "key of another curve", "06082a8648ce3d030107", "06082a8648ce3d030106",
		    "UnsupportedSignatureAlgorithmForPublicKey" },
		{ "RSA key", "06072a8648ce3d0201", "06072a8648ce3d0202",
		    "UnsupportedSignatureAlgorithmForPublicKey" },
		{ "compressed point", "03420004", "03420002",
		    "UnsupportedSignatureAlgorithmForPublicKey" },
		{ "key has unused bits", "03420004", "03420104",
		    "UnsupportedSignatureAlgorithmForPublicKey" },
		{ "UTCTime without Z", "3230303130313030303030305a", "32303031303130303030303030",
		    "BadDerTime" },
		{ "month 13", "3230303130313030303030305a", "3230313330313030303030305a",
		    "BadDerTime" },
		{ "indefinite length", "30130607", "30800607",
		    "UnsupportedSignatureAlgorithmForPublicKey" },
		{ "TRUE is 01", "551d130101ff", "551d13010101", BAD_DER },
		{ "FALSE written out", "551d130101ff", "551d13010100", NULL },
	};
	struct bytes der = pki_cert(&spec);
	size_t i;

	for (i = 0; i < NELEM(cases); i++)
		expect_cert(cases[i].name,
		    pki_replace(der, pki_hex(cases[i].what), pki_hex(cases[i].with)),
		    cases[i].why);
}

/* The frame around the signed part. */
static void
test_frame(void **state)
{
	struct pki_cert spec = usual();
	struct bytes der = pki_cert(&spec), tbs, inner = pki_hex("300a06082a8648ce3d040302"),
	    sha384 = pki_hex("300a06082a8648ce3d040303"), bits = pki_hex("030400010203"), other;
	struct reason why;
	struct cert cert;
	size_t i, len;

	assert_true(cert_read(&cert, der, &why));
	tbs = cert.tbs;
	other = pki_replace(tbs, inner, sha384);
	{
		const struct {
			const char *name;
			struct bytes der;
			const char *why;
		} cases[] = {
			{ "good", pki_der(0x30, pki_join((struct bytes[]){ tbs, inner, bits }, 3)),
			    NULL },
			{ "byte behind", pki_join((struct bytes[]){ der, pki_hex("00") }, 2),
			    "TrailingData" },
			{ "inside behind", pki_der(0x30, pki_join((struct bytes[]){ tbs, inner,
			    bits, pki_hex("0500") }, 4)), BAD_DER },
			{ "algorithms differ", pki_der(0x30, pki_join((struct bytes[]){ tbs,
			    sha384, bits }, 3)), "SignatureAlgorithmMismatch" },
			{ "SHA-384", pki_der(0x30, pki_join((struct bytes[]){ other, sha384, bits },
			    3)), "UnsupportedSignatureAlgorithm" },
			{ "algorithm has NULL parameters", pki_der(0x30,
			    pki_join((struct bytes[]){ tbs, pki_hex("300c06082a8648ce3d0403020500"),
			    bits }, 3)), "SignatureAlgorithmMismatch" },
			{ "unused bits", pki_der(0x30, pki_join((struct bytes[]){ tbs, inner,
			    pki_hex("030401010202") }, 3)), BAD_DER },
			{ "no bits", pki_der(0x30, pki_join((struct bytes[]){ tbs, inner,
			    pki_hex("0300") }, 3)), BAD_DER },
			{ "long length", pki_join((struct bytes[]){ pki_hex("308300"),
			    { der.ptr + 2, der.len - 2 } }, 2), BAD_DER },
			{ "nothing", NONE, BAD_DER },
		};

		for (i = 0; i < NELEM(cases); i++)
			expect_cert(cases[i].name, cases[i].der, cases[i].why);
	}
	for (len = 0; len < der.len; len++)
		expect_cert("truncated", (struct bytes){ der.ptr, len }, BAD_DER);
}

static void
test_names(void **state)
{
	struct pki_cert spec = usual();
	struct bytes der, twice;
	struct reason why;
	struct cert cert;

	/* Two common names leave none. */
	spec.subject = "AAAAAAAAAAAAAAAAAAAA";
	der = pki_cert(&spec);
	twice = pki_hex("301f 311d 300706035504030c00 301206035504030c0b4141414141414141414141");
	assert_int_equal(twice.len, pki_name(spec.subject).len);
	der = pki_replace(der, pki_name(spec.subject), twice);
	assert_true(cert_read(&cert, der, &why));
	assert_int_equal(cert.subject_cn.len, 0);

	der = pki_cert(&spec);
	expect_cert("name: empty set", pki_replace(der, pki_name(spec.subject),
	    pki_hex("301f 3100 311b 301906035504030c124141414141414141414141414141414141 41")),
	    BAD_DER);
}

static void
test_dates(void **state)
{
	static const struct {
		const char *name;
		int64_t now;
		const char *why;
	} cases[] = {
		{ "first second", 100, NULL },
		{ "last second", 200, NULL },
		{ "before", 99, "CertNotValidYet { time: UnixTime(99), not_before: UnixTime(100) }" },
		{ "after", 201, "CertExpired { time: UnixTime(201), not_after: UnixTime(200) }" },
	};
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(cases); i++)
		expect_reason(cases[i].name, cert_dates_check(100, 200, cases[i].now, &why), &why,
		    cases[i].why);
}

static void
test_roles(void **state)
{
	static const struct {
		const char *name;
		bool    ca, no_constraints;
		const char *path_len, *eku, *leaf;
		int     n_below;
		const char *issuer;
	} cases[] = {
		{ "leaf", false, false, NULL, NULL, NULL, 0, "EndEntityUsedAsCa" },
		{ "without constraints", false, true, NULL, NULL, NULL, 0, "EndEntityUsedAsCa" },
		{ "CA", true, false, NULL, NULL, "CaUsedAsEndEntity", 5, NULL },
		{ "path length 0", true, false, "00", NULL, "CaUsedAsEndEntity", 0, NULL },
		{ "path length 0, one below", true, false, "00", NULL, "CaUsedAsEndEntity", 1,
		    "PathLenConstraintViolated" },
		{ "path length 1, one below", true, false, "01", NULL, "CaUsedAsEndEntity", 1, NULL },
		{ "CA for servers", true, false, NULL, "2b06010505070301", "CaUsedAsEndEntity", 0,
		    NULL },
		{ "CA for clients", true, false, NULL, "2b06010505070302", "CaUsedAsEndEntity", 0,
		    "RequiredEkuNotFound" },
		{ "leaf for servers", false, false, NULL, "2b06010505070301", NULL, 0,
		    "EndEntityUsedAsCa" },
		{ "leaf for clients", false, false, NULL, "2b06010505070302",
		    "RequiredEkuNotFound", 0, "EndEntityUsedAsCa" },
	};
	struct pki_cert spec;
	struct reason why;
	struct cert cert;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		spec = usual();
		spec.ca = cases[i].ca;
		spec.no_constraints = cases[i].no_constraints;
		spec.path_len = cases[i].path_len;
		spec.eku = cases[i].eku;
		assert_true(cert_read(&cert, pki_cert(&spec), &why));
		expect_reason(cases[i].name, cert_leaf_check(&cert, &why), &why, cases[i].leaf);
		expect_reason(cases[i].name, cert_issuer_check(&cert, cases[i].n_below, &why),
		    &why, cases[i].issuer);
	}
}

static void
test_verify(void **state)
{
	AUTO(signature_memo_free) struct signature_memo *memo = signature_memo_new(16);
	struct pki_cert spec = usual();
	uint8_t point[PKI_POINT_LEN];
	struct p256_key issuer, other;
	unsigned long nops = 0;
	struct reason why;
	struct cert cert;

	pki_point(point, 1);
	assert_true(p256_key_init(&issuer, BYTES_OF(point), &why));
	pki_point(point, 3);
	assert_true(p256_key_init(&other, BYTES_OF(point), &why));
	assert_true(cert_read(&cert, pki_cert(&spec), &why));
	expect_reason("good", cert_verify(&cert, &issuer, NULL, &nops, &why), &why, NULL);
	expect_reason("good", cert_verify(&cert, &issuer, memo, &nops, &why), &why, NULL);
	assert_int_equal(nops, 2);
	expect_reason("again", cert_verify(&cert, &issuer, memo, &nops, &why), &why, NULL);
	assert_int_equal(nops, 2);
	expect_reason("other key", cert_verify(&cert, &other, memo, &nops, &why), &why,
	    "InvalidSignatureForPublicKey");
	assert_int_equal(nops, 3);
	expect_reason("other key again", cert_verify(&cert, &other, memo, &nops, &why), &why,
	    "InvalidSignatureForPublicKey");
	assert_int_equal(nops, 4);
	p256_key_fini(&issuer);
	p256_key_fini(&other);
}

static void
test_genuine(void **state)
{
	static const struct {
		const char *name, *cn;
		bool    ca;
	} cases[] = {
		{ "certs/intel-sgx-root-ca.der", "Intel SGX Root CA", true },
		{ "certs/intel-sgx-pck-platform-ca.der", "Intel SGX PCK Platform CA", true },
		{ "certs/intel-sgx-pck-processor-ca.der", "Intel SGX PCK Processor CA", true },
		{ "certs/intel-sgx-tcb-signing-2018.der", "Intel SGX TCB Signing", false },
		{ "certs/intel-sgx-tcb-signing-2025.der", "Intel SGX TCB Signing", false },
	};
	struct p256_key root = { .ec = NULL };
	unsigned long nops = 0;
	struct reason why;
	struct cert cert;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		expect_reason(cases[i].name, cert_read(&cert, vector_read(cases[i].name), &why),
		    &why, NULL);
		assert_true(bytes_equal(cert.subject_cn, bytes_str(cases[i].cn)));
		assert_true(bytes_equal(cert.issuer_cn, bytes_str("Intel SGX Root CA")));
		assert_int_equal(cert.is_ca, cases[i].ca);
		assert_true(cert.crl_dp.len != 0);
		if (i == 0)
			assert_true(p256_key_init(&root, BYTES_OF(cert.point), &why));
		expect_reason(cases[i].name, cert_verify(&cert, &root, NULL, &nops, &why), &why,
		    NULL);
	}
	p256_key_fini(&root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_key_usage),
		cmocka_unit_test(test_many_extensions),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_genuine),
	};

	return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
