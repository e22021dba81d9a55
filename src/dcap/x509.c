#include "dcap/x509.h"

/* AlgorithmIdentifier { ecdsa-with-SHA256 }, without parameters (RFC 5758, 3.2). */
static const uint8_t ecdsa_sha256[] = {
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
};

static bool
bad_der(struct reason *why)
{
	return reject(why, REASON_MALFORMED, "BadDer");
}

bool
x509_frame_read(struct x509_frame *out, struct bytes der, struct reason *why)
{
	CBS in = cbs_bytes(der), frame, tbs, bits;
	uint8_t unused;

	if (!CBS_get_asn1(&in, &frame, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	if (CBS_len(&in) != 0)
		return reject(why, REASON_MALFORMED, "TrailingData");
	if (!CBS_get_asn1_element(&frame, &tbs, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1_element(&frame, &out->algorithm, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&frame, &bits, CBS_ASN1_BITSTRING) ||
	    !CBS_get_u8(&bits, &unused) || unused != 0 ||
	    CBS_len(&frame) != 0)
		return bad_der(why);
	out->tbs = bytes_cbs(&tbs);
	out->signature = bytes_cbs(&bits);
	if (!CBS_get_asn1(&tbs, &out->in, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	return true;
}

bool
x509_algorithm_read(const struct x509_frame *frame, CBS *in, struct reason *why)
{
	CBS algorithm;

	if (!CBS_get_asn1_element(in, &algorithm, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	if (!bytes_equal(bytes_cbs(&algorithm), bytes_cbs(&frame->algorithm)))
		return reject(why, REASON_MALFORMED, "SignatureAlgorithmMismatch");
	if (!bytes_equal(bytes_cbs(&algorithm), BYTES_OF(ecdsa_sha256)))
		return reject(why, REASON_UNSUPPORTED, "UnsupportedSignatureAlgorithm");
	return true;
}

bool
x509_integer_read(struct bytes *out, CBS *in, size_t max_len, const char *text,
    struct reason *why)
{
	CBS integer;
	int negative;

	if (!CBS_get_asn1(in, &integer, CBS_ASN1_INTEGER) ||
	    !CBS_is_valid_asn1_integer(&integer, &negative))
		return bad_der(why);
	if (negative || CBS_len(&integer) > max_len)
		return reject(why, REASON_MALFORMED, "%s", text);
	*out = bytes_cbs(&integer);
	return true;
}

/* Compat: an explicit FALSE is not DER, but common certificate libraries write it. */
bool
x509_boolean_read(bool *out, CBS *in)
{
	int value = 0;

	*out = false;
	if (CBS_peek_asn1_tag(in, CBS_ASN1_BOOLEAN) && !CBS_get_asn1_bool(in, &value))
		return false;
	*out = value != 0;
	return true;
}

static bool
extension_read(struct x509_extension *out, CBS *in)
{
	CBS extension;

	return CBS_get_asn1(in, &extension, CBS_ASN1_SEQUENCE) &&
	    CBS_get_asn1(&extension, &out->oid, CBS_ASN1_OBJECT) &&
	    x509_boolean_read(&out->critical, &extension) &&
	    CBS_get_asn1(&extension, &out->value, CBS_ASN1_OCTETSTRING) &&
	    CBS_len(&extension) == 0;
}

bool
x509_extensions_read(CBS *in,
    bool (*each)(void *ctx, struct x509_extension *extension, struct reason *why), void *ctx,
    struct reason *why)
{
	struct bytes seen[X509_MAX_EXTENSIONS];
	struct x509_extension extension;
	size_t i, n;

	for (n = 0; CBS_len(in) != 0; n++) {
		if (n == X509_MAX_EXTENSIONS)
			return reject(why, REASON_LIMIT, "more than %d extensions",
			    X509_MAX_EXTENSIONS);
		if (!extension_read(&extension, in))
			return bad_der(why);
		seen[n] = bytes_cbs(&extension.oid);
		for (i = 0; i < n; i++)
			if (bytes_equal(seen[i], seen[n]))
				return reject(why, REASON_MALFORMED, "ExtensionValueInvalid");
		if (!each(ctx, &extension, why))
			return false;
	}
	return true;
}

uint8_t
x509_id_ce(const CBS *oid)
{
	const uint8_t *p = CBS_data(oid);

	return CBS_len(oid) == 3 && p[0] == 0x55 && p[1] == 0x1d ? p[2] : 0;
}
