#include "dcap/cert.h"

#include <inttypes.h>

#include "core/timestamp.h"
#include "dcap/x509.h"

/* SubjectPublicKeyInfo { ecPublicKey, prime256v1 }, up to and with the "no unused bits". */
static const uint8_t p256_spki[] = {
	0x30, 0x59, 0x30, 0x13,
	0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
	0x03, 0x42, 0x00,
};
static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
/* 1.2.840.113741.1.13.1 */
static const uint8_t oid_sgx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
/* 1.3.6.1.5.5.7.3.1 */
static const uint8_t oid_server_auth[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01 };

#define KEY_USAGE_CRL_SIGN      6       /* bit of keyUsage */
#define PATH_LEN_MAX            127     /* of pathLenConstraint: one byte of INTEGER */

static bool
bad_der(struct reason *why)
{
	return reject(why, REASON_MALFORMED, "BadDer");
}

static bool
bad_extension(struct reason *why)
{
	return reject(why, REASON_MALFORMED, "ExtensionValueInvalid");
}

/* One relative name; two common names leave none, so that nobody picks the wrong one. */
static bool
name_part_read(struct bytes *cn, size_t *ncn, CBS *in)
{
	CBS set, pair, oid, value;

	if (!CBS_get_asn1(in, &set, CBS_ASN1_SET) || CBS_len(&set) == 0)
		return false;
	while (CBS_len(&set) != 0) {
		if (!CBS_get_asn1(&set, &pair, CBS_ASN1_SEQUENCE) ||
		    !CBS_get_asn1(&pair, &oid, CBS_ASN1_OBJECT) ||
		    !CBS_get_any_asn1(&pair, &value, NULL) ||
		    CBS_len(&pair) != 0)
			return false;
		if (!bytes_equal(bytes_cbs(&oid), BYTES_OF(oid_common_name)))
			continue;
		*cn = ++*ncn == 1 ? bytes_cbs(&value) : (struct bytes){ NULL, 0 };
	}
	return true;
}

static bool
name_read(struct bytes *name, struct bytes *cn, CBS *in, struct reason *why)
{
	CBS element, parts;
	size_t ncn = 0;

	if (!CBS_get_asn1_element(in, &element, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	*name = bytes_cbs(&element);
	if (!CBS_get_asn1(&element, &parts, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	while (CBS_len(&parts) != 0)
		if (!name_part_read(cn, &ncn, &parts))
			return bad_der(why);
	return true;
}

static bool
validity_read(struct cert *out, CBS *in, struct reason *why)
{
	CBS validity;

	if (!CBS_get_asn1(in, &validity, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	if (!timestamp_x509_read(&out->not_before, &validity, why) ||
	    !timestamp_x509_read(&out->not_after, &validity, why))
		return reject(why, REASON_MALFORMED, "BadDerTime");
	if (CBS_len(&validity) != 0)
		return bad_der(why);
	if (out->not_before > out->not_after)
		return reject(why, REASON_MALFORMED, "InvalidCertValidity");
	return true;
}

/* The one kind of key there is in Intel's chains, by its fixed encoding. */
static bool
key_read(struct cert *out, CBS *in, struct reason *why)
{
	CBS spki, head;

	if (!CBS_get_asn1_element(in, &spki, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	if (!CBS_get_bytes(&spki, &head, sizeof p256_spki) ||
	    !bytes_equal(bytes_cbs(&head), BYTES_OF(p256_spki)) ||
	    !CBS_copy_bytes(&spki, out->point, sizeof out->point) ||
	    CBS_len(&spki) != 0 || out->point[0] != 4)
		return reject(why, REASON_UNSUPPORTED,
		    "UnsupportedSignatureAlgorithmForPublicKey");
	return true;
}

static bool
basic_constraints_read(struct cert *out, CBS *value)
{
	CBS in;
	uint64_t path_len;

	if (!CBS_get_asn1(value, &in, CBS_ASN1_SEQUENCE) ||
	    !x509_boolean_read(&out->is_ca, &in))
		return false;
	if (CBS_len(&in) != 0) {
		if (!out->is_ca || !CBS_get_asn1_uint64(&in, &path_len) ||
		    path_len > PATH_LEN_MAX)
			return false;
		out->path_len = (int)path_len;
	}
	return CBS_len(&in) == 0;
}

static bool
key_usage_read(struct cert *out, CBS *value)
{
	CBS bits;

	if (!CBS_get_asn1(value, &bits, CBS_ASN1_BITSTRING) || !CBS_is_valid_asn1_bitstring(&bits))
		return false;
	out->has_key_usage = true;
	out->may_sign_crls = CBS_asn1_bitstring_has_bit(&bits, KEY_USAGE_CRL_SIGN);
	return true;
}

static bool
eku_read(struct cert *out, CBS *value)
{
	CBS in, oid;

	if (!CBS_get_asn1(value, &in, CBS_ASN1_SEQUENCE) || CBS_len(&in) == 0)
		return false;
	out->has_eku = true;
	while (CBS_len(&in) != 0) {
		if (!CBS_get_asn1(&in, &oid, CBS_ASN1_OBJECT))
			return false;
		if (bytes_equal(bytes_cbs(&oid), BYTES_OF(oid_server_auth)))
			out->eku_server_auth = true;
	}
	return true;
}

static bool
other_extension_read(struct cert *out, const struct x509_extension *extension, struct reason *why)
{
	if (extension->critical)
		return reject(why, REASON_UNSUPPORTED, "UnsupportedCriticalExtension");
	if (bytes_equal(bytes_cbs(&extension->oid), BYTES_OF(oid_sgx))) {
		if (CBS_len(&extension->value) == 0)
			return bad_extension(why);
		out->sgx = bytes_cbs(&extension->value);
	}
	return true;
}

static bool
extension_read(void *ctx, struct x509_extension *extension, struct reason *why)
{
	struct cert *out = ctx;
	CBS *value = &extension->value;
	bool ok;

	switch (x509_id_ce(&extension->oid)) {
	case ID_CE_BASIC_CONSTRAINTS:
		ok = basic_constraints_read(out, value);
		break;
	case ID_CE_KEY_USAGE:
		ok = key_usage_read(out, value);
		break;
	case ID_CE_EXTENDED_KEY_USAGE:
		ok = eku_read(out, value);
		break;
	case ID_CE_CRL_DISTRIBUTION_POINTS:
		out->crl_dp = bytes_cbs(value);
		return true;
	case ID_CE_SUBJECT_ALT_NAME:    /* means nothing here, critical or not */
		return true;
	case ID_CE_NAME_CONSTRAINTS:    /* Stricter: also when not critical    */
		return reject(why, REASON_UNSUPPORTED, "UnsupportedCriticalExtension");
	default:
		return other_extension_read(out, extension, why);
	}
	if (!ok || CBS_len(value) != 0)
		return bad_extension(why);
	return true;
}

/* [3] EXPLICIT, the last member; unique identifiers ([1], [2]) are refused by that. */
static bool
extensions_read(struct cert *out, CBS *in, struct reason *why)
{
	CBS explicit, list;
	int present;

	if (!CBS_get_optional_asn1(in, &explicit, &present,
	    CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 3) ||
	    CBS_len(in) != 0)
		return bad_der(why);
	if (!present)
		return true;
	if (!CBS_get_asn1(&explicit, &list, CBS_ASN1_SEQUENCE) || CBS_len(&explicit) != 0)
		return bad_der(why);
	return x509_extensions_read(&list, extension_read, out, why);
}

/* [0] EXPLICIT INTEGER 2. */
static bool
version_read(CBS *in, struct reason *why)
{
	CBS explicit;
	uint64_t version = 0;
	int present;

	if (!CBS_get_optional_asn1(in, &explicit, &present,
	    CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0))
		return bad_der(why);
	if (present && (!CBS_get_asn1_uint64(&explicit, &version) || CBS_len(&explicit) != 0))
		return bad_der(why);
	if (version != 2)
		return reject(why, REASON_UNSUPPORTED, "UnsupportedCertVersion");
	return true;
}

bool
cert_read(struct cert *out, struct bytes der, struct reason *why)
{
	struct x509_frame frame;

	*out = (struct cert){ .der = der, .path_len = -1, .may_sign_crls = true };
	if (der.len > CERT_MAX_LEN)
		return reject(why, REASON_LIMIT, "certificate is longer than %u bytes",
		    CERT_MAX_LEN);
	if (!x509_frame_read(&frame, der, why))
		return false;
	out->tbs = frame.tbs;
	out->signature = frame.signature;
	return version_read(&frame.in, why) &&
	    x509_integer_read(&out->serial, &frame.in, CERT_SERIAL_MAX_LEN,
	    "InvalidSerialNumber", why) &&
	    x509_algorithm_read(&frame, &frame.in, why) &&
	    name_read(&out->issuer, &out->issuer_cn, &frame.in, why) &&
	    validity_read(out, &frame.in, why) &&
	    name_read(&out->subject, &out->subject_cn, &frame.in, why) &&
	    key_read(out, &frame.in, why) &&
	    extensions_read(out, &frame.in, why);
}

bool
cert_dates_check(int64_t not_before, int64_t not_after, int64_t now, struct reason *why)
{
	if (now < not_before)
		return reject(why, REASON_REFUSED,
		    "CertNotValidYet { time: UnixTime(%" PRId64 "), "
		    "not_before: UnixTime(%" PRId64 ") }", now, not_before);
	if (now > not_after)
		return reject(why, REASON_REFUSED,
		    "CertExpired { time: UnixTime(%" PRId64 "), "
		    "not_after: UnixTime(%" PRId64 ") }", now, not_after);
	return true;
}

/* Compat: no EKU is fine, one without serverAuth is not, whatever the certificate is for. */
static bool
eku_check(const struct cert *cert, struct reason *why)
{
	if (cert->has_eku && !cert->eku_server_auth)
		return reject(why, REASON_REFUSED, "RequiredEkuNotFound");
	return true;
}

bool
cert_leaf_check(const struct cert *cert, struct reason *why)
{
	if (cert->is_ca)
		return reject(why, REASON_REFUSED, "CaUsedAsEndEntity");
	return eku_check(cert, why);
}

bool
cert_issuer_check(const struct cert *cert, int n_below, struct reason *why)
{
	if (!cert->is_ca)
		return reject(why, REASON_REFUSED, "EndEntityUsedAsCa");
	if (cert->path_len >= 0 && n_below > cert->path_len)
		return reject(why, REASON_REFUSED, "PathLenConstraintViolated");
	return eku_check(cert, why);
}

bool
cert_verify(const struct cert *cert, const struct p256_key *issuer,
    struct signature_memo *memo, unsigned long *nops, struct reason *why)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct memo_key key;

	SHA256(cert->tbs.ptr, cert->tbs.len, digest);
	if (memo == NULL)
		return ecdsa_verify_der(issuer, digest, cert->signature, nops, why);
	signature_memo_key(&key, MEMO_CERTIFICATE, issuer, digest, cert->signature);
	if (signature_memo_find(memo, &key))
		return true;
	if (!ecdsa_verify_der(issuer, digest, cert->signature, nops, why))
		return false;
	signature_memo_add(memo, &key, NULL);
	return true;
}
