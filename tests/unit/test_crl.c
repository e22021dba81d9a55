#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "../teesim/pki.h"
#include "alloc_fail.h"
#include "dcap/crl.h"

#define NONE            ((struct bytes){ NULL, 0 })
#define BAD_DER         "Failed to parse CRL: BadDer"
#define CRITICAL        "Failed to parse CRL: UnsupportedCriticalExtension"
#define IDP             "551d1c"
#define BAD_EXTENSION   "Failed to parse CRL: ExtensionValueInvalid"
#define BAD_IDP         "Failed to parse CRL: UnsupportedCrlIssuingDistributionPoint"
#define BAD_NUMBER      "Failed to parse CRL: InvalidCrlNumber"
#define BAD_SERIAL      "Failed to parse CRL: InvalidSerialNumber"
/* The version and what follows it up to the issuer. */
#define VERSION(v)      v "300a06082a8648ce3d04030230"
#define INDIRECT        "Failed to parse CRL: UnsupportedIndirectCrl"

static struct pki_crl
usual(void)
{
	return (struct pki_crl){ .issuer = "issuer", .issuer_key = 1 };
}

static void
expect_crl(const char *name, struct bytes der, const char *wanted)
{
	AUTO(crl_free) struct crl *crl = NULL;
	uint8_t *copy = malloc(der.len + 1);
	struct reason why = { .kind = REASON_NONE };

	assert_non_null(copy);
	bytes_copy(copy, der);
	expect_reason(name, crl_read(&crl, (struct bytes){ copy, der.len }, &why), &why, wanted);
	assert_int_equal(crl == NULL, wanted != NULL);
	free(copy);
}

static struct crl *
crl_make(const struct pki_crl *spec)
{
	struct crl *crl = NULL;
	struct reason why;

	expect_reason("a good CRL", crl_read(&crl, pki_crl(spec), &why), &why, NULL);
	return crl;
}

static void
test_fields(void **state)
{
	static const struct pki_revoked revoked[] = { { "0300", NONE }, { "05", NONE } };
	struct pki_crl spec = usual();
	AUTO(crl_free) struct crl *crl = NULL;
	uint8_t number[CRL_NUMBER_MAX_LEN] = { 0 };

	number[18] = 0x80;
	number[19] = 7;
	spec.number = "008007";
	spec.this_update = 1600000000;
	spec.next_update = 1600086400;
	spec.revoked = revoked;
	spec.nrevoked = NELEM(revoked);
	crl = crl_make(&spec);
	assert_true(bytes_equal(crl_issuer(crl), pki_name("issuer")));
	assert_int_equal(crl->this_update, 1600000000);
	assert_int_equal(crl->next_update, 1600086400);
	assert_true(crl->has_number);
	assert_memory_equal(crl->number, number, sizeof number);
	assert_int_equal(crl->n_revoked, 2);
	assert_false(crl->only_user || crl->only_ca);
	assert_true(crl_has(crl, pki_hex("05")));
	assert_true(crl_has(crl, pki_hex("0300")));
	assert_false(crl_has(crl, pki_hex("03")));
	assert_false(crl_has(crl, pki_hex("0005")));
	assert_false(crl_has(crl, NONE));
	assert_false(crl_has(crl, pki_hex("00112233445566778899aabbccddeeff001122334455")));
}

static void
test_extensions(void **state)
{
	static const struct {
		const char *name, *oid;
		bool    critical;
		const char *value, *why;
	} cases[] = {
		{ "unknown", "2a0304", false, "0500", NULL },
		{ "unknown and critical", "2a0304", true, "0500", CRITICAL },
		{ "number twice", "551d14", false, "020101", BAD_EXTENSION },
		{ "delta", "551d1b", true, "020101", "Failed to parse CRL: UnsupportedDeltaCrl" },
		{ "delta, not critical", "551d1b", false, "020101",
		    "Failed to parse CRL: UnsupportedDeltaCrl" },
		{ "scope: all", IDP, true, "3000", NULL },
		{ "scope: leaves", IDP, true, "30038101ff", NULL },
		{ "scope: CAs", IDP, true, "30038201ff", NULL },
		{ "scope: both", IDP, true, "30068101ff8201ff", BAD_IDP },
		{ "scope: reasons", IDP, true, "300483020780", BAD_IDP },
		{ "scope: indirect", IDP, true, "30038401ff", INDIRECT },
		{ "scope: attributes", IDP, true, "30038501ff", BAD_IDP },
		{ "scope: name", IDP, true, "3002a000", BAD_IDP },
		{ "scope: flag 01", IDP, true, "3003810101", BAD_EXTENSION },
		{ "scope: flag empty", IDP, true, "30028100", BAD_EXTENSION },
		{ "scope: unknown", IDP, true, "30038601ff", BAD_EXTENSION },
		{ "scope: behind", IDP, true, "30000500", BAD_EXTENSION },
		{ "scope: no sequence", IDP, true, "3100", BAD_EXTENSION },
	};
	struct pki_extension more;
	struct pki_crl spec;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		more = (struct pki_extension){ cases[i].oid, cases[i].critical,
		    pki_hex(cases[i].value) };
		spec = usual();
		spec.more = &more;
		spec.nmore = 1;
		expect_crl(cases[i].name, pki_crl(&spec), cases[i].why);
	}
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *name, *number, *why;
	} cases[] = {
		{ "20 bytes", "7f00000000000000000000000000000000000000", NULL },
		{ "20 bytes behind a zero", "00ff00000000000000000000000000000000000000", NULL },
		{ "21 bytes", "7f0000000000000000000000000000000000000000", BAD_NUMBER },
		{ "22 bytes", "00ff0000000000000000000000000000000000000000", BAD_NUMBER },
		{ "negative", "80", BAD_NUMBER },
		{ "padded", "0001", BAD_DER },
	};
	struct pki_crl spec = usual();
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		spec.number = cases[i].number;
		expect_crl(cases[i].name, pki_crl(&spec), cases[i].why);
	}
}

static void
test_entries(void **state)
{
	static const struct {
		const char *name, *serial, *extensions, *why;
	} cases[] = {
		{ "plain", "05", "", NULL },
		{ "reason", "05", "300a 0603551d15 04030a0101", NULL },
		{ "unknown", "05", "3007 06022a03 0401 00", NULL },
		{ "unknown and critical", "05", "300a 06022a03 0101ff 0401 00", CRITICAL },
		{ "other issuer", "05", "3008 0603551d1d 040100", INDIRECT },
		{ "reason twice", "05", "300a0603551d1504030a0101 300a0603551d1504030a0101",
		    BAD_EXTENSION },
		{ "negative serial", "ff", "", BAD_SERIAL },
		{ "long serial", "7f000000000000000000000000000000000000000000", "", BAD_SERIAL },
		{ "padded serial", "0001", "", BAD_DER },
		{ "no extension", "05", "0500", BAD_DER },
	};
	struct pki_revoked revoked;
	struct pki_crl spec;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		revoked = (struct pki_revoked){ cases[i].serial, pki_hex(cases[i].extensions) };
		spec = usual();
		spec.revoked = &revoked;
		spec.nrevoked = 1;
		expect_crl(cases[i].name, pki_crl(&spec), cases[i].why);
	}
}

static void
test_form(void **state)
{
	static const struct {
		const char *name, *what, *with, *why;
	} cases[] = {
		{ "version 1", VERSION("020101"), VERSION("020100"),
		    "Failed to parse CRL: UnsupportedCrlVersion" },
		{ "version 3", VERSION("020101"), VERSION("020102"),
		    "Failed to parse CRL: UnsupportedCrlVersion" },
		{ "no version", VERSION("020101"), VERSION("030101"),
		    "Failed to parse CRL: UnsupportedCrlVersion" },
		{ "date without Z", "170d3230303130313030303030305a",
		    "170d32303031303130303030303030", "Failed to parse CRL: BadDerTime" },
		{ "no nextUpdate", "180f32", "1a0f32", "Failed to parse CRL: BadDerTime" },
		{ "extensions with another tag", "a00e300c", "a10e300c", BAD_DER },
	};
	struct pki_crl spec = usual();
	struct bytes der = pki_crl(&spec);
	size_t i, len;

	for (i = 0; i < NELEM(cases); i++)
		expect_crl(cases[i].name,
		    pki_replace(der, pki_hex(cases[i].what), pki_hex(cases[i].with)),
		    cases[i].why);
	expect_crl("byte behind", pki_join((struct bytes[]){ der, pki_hex("00") }, 2),
	    "Failed to parse CRL: TrailingData");
	for (len = 0; len < der.len; len++)
		expect_crl("truncated", (struct bytes){ der.ptr, len }, BAD_DER);
}

static void
test_verify(void **state)
{
	struct pki_crl spec = usual();
	AUTO(crl_free) struct crl *crl = crl_make(&spec);
	uint8_t point[PKI_POINT_LEN];
	struct p256_key key;
	unsigned long nops = 0;
	struct reason why;

	pki_point(point, 1);
	assert_true(p256_key_init(&key, BYTES_OF(point), &why));
	expect_reason("good", crl_verify(crl, &key, &nops, &why), &why, NULL);
	crl->digest[0] ^= 1;
	expect_reason("changed", crl_verify(crl, &key, &nops, &why), &why,
	    "InvalidCrlSignatureForPublicKey");
	crl->digest[0] ^= 1;
	p256_key_fini(&key);
	pki_point(point, 2);
	assert_true(p256_key_init(&key, BYTES_OF(point), &why));
	expect_reason("other key", crl_verify(crl, &key, &nops, &why), &why,
	    "InvalidCrlSignatureForPublicKey");
	assert_int_equal(nops, 3);
	p256_key_fini(&key);
}

static void
test_dates(void **state)
{
	static const struct {
		const char *name;
		int64_t now;
		const char *why;
	} cases[] = {
		{ "300 s early", 1600000000 - 300, NULL },
		{ "301 s early", 1600000000 - 301, "CrlNotYetValid" },
		{ "last second", 1600086399, NULL },
		{ "equal", 1600086400, "CrlExpired { time: UnixTime(1600086400), "
		    "next_update: UnixTime(1600086400) }" },
	};
	struct pki_crl spec = usual();
	AUTO(crl_free) struct crl *crl = NULL;
	struct reason why;
	size_t i;

	spec.this_update = 1600000000;
	spec.next_update = 1600086400;
	crl = crl_make(&spec);
	for (i = 0; i < NELEM(cases); i++)
		expect_reason(cases[i].name, crl_dates_check(crl, cases[i].now, &why), &why,
		    cases[i].why);
}

static struct crl *
scoped(const char *issuer, const char *serial, const char *idp)
{
	const struct pki_revoked revoked = { serial, NONE };
	struct pki_extension more = { IDP, true, NONE };
	struct pki_crl spec = usual();

	spec.issuer = issuer;
	spec.revoked = &revoked;
	spec.nrevoked = 1;
	if (idp != NULL) {
		more.value = pki_hex(idp);
		spec.more = &more;
		spec.nmore = 1;
	}
	return crl_make(&spec);
}

static void
test_revocation(void **state)
{
	static const struct {
		const char *name, *issuer, *serial;
		bool    is_ca;
		int64_t now;
		const char *why;
	} cases[] = {
		{ "not listed", "root", "07", true, 1600000000, NULL },
		{ "revoked", "root", "05", true, 1600000000, "CertRevoked" },
		{ "only another issuer's", "ca", "05", false, 1600000000, NULL },
		{ "second list", "ca", "06", false, 1600000000, "CertRevoked" },
		{ "no list", "other", "06", false, 1600000000, "UnknownRevocationStatus" },
		{ "leaves' list, leaf", "leaves", "08", false, 1600000000, "CertRevoked" },
		{ "leaves' list, CA", "leaves", "08", true, 1600000000,
		    "UnknownRevocationStatus" },
		{ "CAs' list, CA", "cas", "09", true, 1600000000, "CertRevoked" },
		{ "CAs' list, leaf", "cas", "09", false, 1600000000, "UnknownRevocationStatus" },
		{ "expired before revoked", "root", "05", true, 4102444800,
		    "CrlExpired { time: UnixTime(4102444800), "
		    "next_update: UnixTime(4102444800) }" },
		{ "early", "root", "05", true, 1500000000, "CrlNotYetValid" },
	};
	struct crl *crls[5] = { scoped("root", "05", NULL), NULL, scoped("ca", "06", NULL),
	    scoped("leaves", "08", "30038101ff"), scoped("cas", "09", "30038201ff") };
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(cases); i++)
		expect_reason(cases[i].name, crl_revocation_check(
		    (const struct crl *const *)crls, NELEM(crls), pki_name(cases[i].issuer),
		    pki_hex(cases[i].serial), cases[i].is_ca, cases[i].now, &why), &why,
		    cases[i].why);
	for (i = 0; i < NELEM(crls); i++)
		crl_free(crls[i]);
}

/* A list as long as is allowed, in an order made to be bad; every serial is found. */
static void
test_long_list(void **state)
{
	enum { ENTRY = 2 + 6 + 15, N = (CRL_MAX_LEN - 512) / ENTRY };
	static const char date[] = "200101000000Z";
	struct pki_crl spec = usual();
	struct bytes short_der = pki_crl(&spec), list, head, tail, der;
	AUTO(crl_free) struct crl *crl = NULL;
	struct reason why;
	uint8_t *p = malloc(N * ENTRY), *out = p, lengths[3][6], serial[4];
	struct bytes issuer = pki_name("issuer");
	const uint8_t *at;
	uint32_t i, n;
	size_t k, total, inner;

	assert_non_null(p);
	for (i = 0; i < N; i++) {
		n = 0x40000000 + (i % 2 == 0 ? i : N * 2 - i);
		*out++ = 0x30;
		*out++ = ENTRY - 2;
		*out++ = 2;
		*out++ = 4;
		for (k = 0; k < 4; k++)
			*out++ = (uint8_t)(n >> (24 - 8 * k));
		*out++ = 0x17;
		*out++ = 13;
		memcpy(out, date, 13);
		out += 13;
	}
	list = (struct bytes){ p, (size_t)(out - p) };
	/* The list goes in before the extensions, behind the two dates. */
	at = memmem(short_der.ptr, short_der.len, issuer.ptr, issuer.len);
	assert_non_null(at);
	at += issuer.len + 15 + 17;
	head = (struct bytes){ short_der.ptr + 4, (size_t)(at - short_der.ptr) - 4 };
	while (head.ptr[0] != 0x02) {           /* inside of the signed part */
		head.ptr++;
		head.len--;
	}
	tail = (struct bytes){ at, 16 };        /* the extensions: a00e 300c .. */
	assert_int_equal(tail.ptr[0], 0xa0);
	inner = head.len + 5 + list.len + tail.len;
	total = 5 + inner + 12 + 5;
	for (k = 0; k < 3; k++) {
		n = (uint32_t)(k == 0 ? total : k == 1 ? inner : list.len);
		memcpy(lengths[k], (uint8_t[]){ 0x30, 0x83, (uint8_t)(n >> 16),
		    (uint8_t)(n >> 8), (uint8_t)n }, 5);
	}
	der = pki_join((struct bytes[]){ { lengths[0], 5 }, { lengths[1], 5 }, head,
	    { lengths[2], 5 }, list, tail, pki_hex("300a06082a8648ce3d040302 0303000102") }, 7);
	free(p);
	assert_true(der.len <= CRL_MAX_LEN);
	expect_reason("long", crl_read(&crl, der, &why), &why, NULL);
	assert_int_equal(crl->n_revoked, N);
	for (i = 0; i < N; i++) {
		n = 0x40000000 + (i % 2 == 0 ? i : N * 2 - i);
		for (k = 0; k < 4; k++)
			serial[k] = (uint8_t)(n >> (24 - 8 * k));
		if (!crl_has(crl, BYTES_OF(serial)))
			fail_msg("serial %u is not found", n);
	}
	assert_false(crl_has(crl, pki_hex("40000001")));
}

static void
test_limits(void **state)
{
	static uint8_t big[CRL_MAX_LEN + 1];

	expect_crl("too long", BYTES_OF(big),
	    "Failed to parse CRL: CRL is longer than 4194304 bytes");
}

/* Genuine ones, inside collateral. */
static void
test_genuine(void **state)
{
	static const struct {
		const char *file, *member;
		size_t  n_revoked;
	} cases[] = {
		{ "collateral/tdx-b0c06f000000-20250619-ev17.json", "root_ca_crl", 0 },
		{ "collateral/tdx-b0c06f000000-20250619-ev17.json", "pck_crl", 44 },
		{ "collateral/sgx-00906ed50000-20250527-ev17.json", "pck_crl", 0 },
	};
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		struct bytes text = vector_read(cases[i].file), der;
		AUTO(crl_free) struct crl *crl = NULL;
		struct reason why;
		char label[32];
		const char *at, *end;
		char *hex;

		snprintf(label, sizeof label, "\"%s\"", cases[i].member);
		at = strstr((const char *)text.ptr, label);
		assert_non_null(at);
		at = strchr(at + strlen(label), '"') + 1;
		end = strchr(at, '"');
		hex = strndup(at, (size_t)(end - at));

		assert_non_null(hex);
		der = pki_hex(hex);
		free(hex);
		expect_reason(cases[i].member, crl_read(&crl, der, &why), &why, NULL);
		assert_int_equal(crl->n_revoked, cases[i].n_revoked);
		assert_true(crl->has_number && crl->number[CRL_NUMBER_MAX_LEN - 1] == 1);
	}
}

static bool
read_once(void *arg, struct reason *why)
{
	AUTO(crl_free) struct crl *crl = NULL;

	return crl_read(&crl, *(struct bytes *)arg, why);
}

static void
test_no_memory(void **state)
{
	static const struct pki_revoked revoked = { "05", NONE };
	struct pki_crl spec = usual();
	struct bytes der;

	spec.revoked = &revoked;
	spec.nrevoked = 1;
	der = pki_crl(&spec);
	assert_int_equal(alloc_fail_each(read_once, &der), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_revocation),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_genuine),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("crl", tests, NULL, NULL);
}
