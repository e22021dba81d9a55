#include "dcap/cert.h"

#include <openssl/x509.h>

#include "dcap/pck.h"
#include "fuzz.h"

#define NOW     INT64_C(1780536131)

/*
 * What both accept is the same to BoringSSL.  It refuses more: names are nothing but bytes to us,
 * and so is most of what an extension holds that says nothing of Intel's chains.
 */
static void
compare(const struct cert *cert)
{
	const uint8_t *p = cert->der.ptr;
	X509 *other = d2i_X509(NULL, &p, (long)cert->der.len);
	const ASN1_BIT_STRING *key;
	const ASN1_INTEGER *serial;

	if (other == NULL)
		return;
	fuzz_must(p == cert->der.ptr + cert->der.len, "longer than BoringSSL finds");
	key = X509_get0_pubkey_bitstr(other);
	fuzz_must(bytes_equal(BYTES_OF(cert->point),
	    (struct bytes){ ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key) }),
	    "another key than BoringSSL finds");
	serial = X509_get0_serialNumber(other);
	fuzz_must(cert->serial.len >= (size_t)ASN1_STRING_length(serial),
	    "another serial number than BoringSSL finds");
	fuzz_must(X509_get_version(other) == 2, "another version than BoringSSL finds");
	X509_free(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes der = { data, len };
	struct reason why = { 0 };
	enum dv_pck_ca ca;
	struct cert cert;
	struct pck pck;

	if (!fuzz_sense(cert_read(&cert, der, &why), &why))
		return 0;
	fuzz_within(cert.tbs, der);
	fuzz_within(cert.signature, der);
	fuzz_within(cert.serial, cert.tbs);
	fuzz_within(cert.issuer, cert.tbs);
	fuzz_within(cert.subject, cert.tbs);
	fuzz_within(cert.issuer_cn, cert.issuer);
	fuzz_within(cert.subject_cn, cert.subject);
	fuzz_within(cert.sgx, cert.tbs);
	fuzz_within(cert.crl_dp, cert.tbs);
	fuzz_must(cert.not_before <= cert.not_after, "dates in the wrong order");
	compare(&cert);
	(void)fuzz_sense(cert_dates_check(cert.not_before, cert.not_after, NOW, &why), &why);
	(void)fuzz_sense(cert_leaf_check(&cert, &why), &why);
	(void)fuzz_sense(cert_issuer_check(&cert, 1, &why), &why);
	(void)fuzz_sense(pck_ca_read(&ca, cert.issuer_cn, true, &why), &why);
	(void)fuzz_sense(pck_ca_read(&ca, cert.issuer_cn, false, &why), &why);
	if (cert.sgx.len != 0)
		(void)fuzz_sense(pck_read(&pck, cert.sgx, &why), &why);
	return 0;
}
