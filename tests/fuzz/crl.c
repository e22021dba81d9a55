#include "dcap/crl.h"

#include <openssl/x509.h>

#include "fuzz.h"

#define NOW     INT64_C(1780536131)

/* What both accept has as many entries to BoringSSL, which looks into names and so refuses more. */
static void
compare(const struct crl *crl, struct bytes der)
{
	const uint8_t *p = der.ptr;
	X509_CRL *other = d2i_X509_CRL(NULL, &p, (long)der.len);
	STACK_OF(X509_REVOKED) *revoked;

	if (other == NULL)
		return;
	fuzz_must(p == der.ptr + der.len, "longer than BoringSSL finds");
	revoked = X509_CRL_get_REVOKED(other);
	fuzz_must(crl->n_revoked == (revoked == NULL ? 0 : sk_X509_REVOKED_num(revoked)),
	    "another number of entries than BoringSSL finds");
	X509_CRL_free(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes der = { data, len };
	AUTO(crl_free) struct crl *crl = NULL;
	const struct crl *list[1];
	struct reason why = { 0 };

	if (!fuzz_sense(crl_read(&crl, der, &why), &why)) {
		fuzz_must(crl == NULL, "a CRL in spite of the refusal");
		return 0;
	}
	compare(crl, der);
	for (size_t i = 0; i < crl->n_revoked; i++)
		fuzz_must(crl_has(crl, (struct bytes){ crl->revoked[i].bytes,
		    crl->revoked[i].len }), "an entry that is not found");
	(void)crl_has(crl, (struct bytes){ data, len < 20 ? len : 20 });
	(void)fuzz_sense(crl_dates_check(crl, NOW, &why), &why);
	list[0] = crl;
	(void)fuzz_sense(crl_revocation_check(list, 1, crl_issuer(crl),
	    bytes_str("\1\2\3"), false, crl->this_update, &why), &why);
	return 0;
}
