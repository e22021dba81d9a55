#include "dcap/crl.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/timestamp.h"
#include "dcap/x509.h"

#define CRL_VERSION_2           1       /* as it is encoded */

static bool
bad_der(struct reason *why)
{
	return reject(why, REASON_MALFORMED, "BadDer");
}

static bool
unsupported(struct reason *why, const char *name)
{
	return reject(why, REASON_UNSUPPORTED, "%s", name);
}

/* Any total order would do; this one needs the fewest steps. */
static int
serial_compare(const struct crl_serial *a, const struct crl_serial *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a->len);
}

static void
serial_sink(struct crl_serial *heap, size_t root, size_t n)
{
	struct crl_serial moving = heap[root];
	size_t child;

	while ((child = 2 * root + 1) < n) {
		if (child + 1 < n && serial_compare(&heap[child], &heap[child + 1]) < 0)
			child++;
		if (serial_compare(&moving, &heap[child]) >= 0)
			break;
		heap[root] = heap[child];
		root = child;
	}
	heap[root] = moving;
}

/*
 * Heapsort: n log n for any input, in place.  glibc's qsort() asks the kernel how much memory
 * there is, which a sandboxed worker may not.
 */
static void
serials_sort(struct crl_serial *serials, size_t n)
{
	struct crl_serial last;
	size_t i;

	for (i = 1; i < n && serial_compare(&serials[i - 1], &serials[i]) <= 0; i++)
		;
	if (i >= n)
		return;         /* as some CAs write them */
	for (i = n / 2; i-- > 0;)
		serial_sink(serials, i, n);
	for (i = n; i-- > 1;) {
		last = serials[i];
		serials[i] = serials[0];
		serials[0] = last;
		serial_sink(serials, 0, i);
	}
}

/* Extensions of one revoked certificate: only those that would make it mean something else. */
static bool
entry_extension_read(void *ctx, struct x509_extension *extension, struct reason *why)
{
	(void)ctx;
	switch (x509_id_ce(&extension->oid)) {
	case ID_CE_CERTIFICATE_ISSUER:
		return unsupported(why, "UnsupportedIndirectCrl");
	case ID_CE_CRL_REASON:
		return true;    /* revoked is revoked */
	default:
		if (extension->critical)
			return unsupported(why, "UnsupportedCriticalExtension");
		return true;
	}
}

static bool
entry_read(struct bytes *serial, CBS *in, struct reason *why)
{
	CBS entry, extensions;
	int64_t when;

	if (!CBS_get_asn1(in, &entry, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	if (!x509_integer_read(serial, &entry, CERT_SERIAL_MAX_LEN, "InvalidSerialNumber", why))
		return false;
	if (!timestamp_x509_read(&when, &entry, why))
		return reject(why, REASON_MALFORMED, "BadDerTime");
	if (CBS_len(&entry) == 0)
		return true;
	if (!CBS_get_asn1(&entry, &extensions, CBS_ASN1_SEQUENCE) || CBS_len(&entry) != 0)
		return bad_der(why);
	return x509_extensions_read(&extensions, entry_extension_read, NULL, why);
}

/* Counts before it allocates, so that memory follows what is really there. */
static bool
entries_read(struct crl *out, const CBS *list, struct reason *why)
{
	struct bytes serial;
	CBS in = *list;
	size_t i, n;

	for (n = 0; CBS_len(&in) != 0; n++)
		if (!entry_read(&serial, &in, why))
			return false;
	if (n == 0)
		return true;
	out->revoked = calloc(n, sizeof *out->revoked);
	if (out->revoked == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	in = *list;
	for (i = 0; i < n; i++) {
		if (!entry_read(&serial, &in, why))
			return false;
		out->revoked[i].len = (uint8_t)serial.len;
		bytes_copy(out->revoked[i].bytes, serial);
	}
	out->n_revoked = n;
	serials_sort(out->revoked, n);
	return true;
}

static bool
number_read(struct crl *out, CBS *value, struct reason *why)
{
	struct bytes number;

	/* One more for the zero in front of a number whose first bit is set. */
	if (!x509_integer_read(&number, value, CRL_NUMBER_MAX_LEN + 1, "InvalidCrlNumber", why))
		return false;
	if (number.len > CRL_NUMBER_MAX_LEN && number.ptr[0] != 0)
		return reject(why, REASON_MALFORMED, "InvalidCrlNumber");
	if (number.len > CRL_NUMBER_MAX_LEN) {
		number.ptr++;
		number.len--;
	}
	bytes_copy(out->number + CRL_NUMBER_MAX_LEN - number.len, number);
	out->has_number = true;
	return CBS_len(value) == 0 || bad_der(why);
}

/* A member of issuingDistributionPoint: [tag] IMPLICIT BOOLEAN DEFAULT FALSE. */
static bool
idp_flag_read(bool *out, CBS *in, unsigned tag)
{
	CBS content;
	int present;
	uint8_t value;

	*out = false;
	if (!CBS_get_optional_asn1(in, &content, &present, CBS_ASN1_CONTEXT_SPECIFIC | tag))
		return false;
	if (!present)
		return true;
	if (!CBS_get_u8(&content, &value) || CBS_len(&content) != 0 ||
	    (value != 0 && value != 0xff))
		return false;
	*out = value != 0;
	return true;
}

/*
 * Which certificates the list is about (RFC 5280, 5.2.5).
 * Stricter: a distribution point's name is not compared with the certificate's but refused;
 * neither Intel nor the simulator writes one.
 */
static bool
idp_read(struct crl *out, CBS *value, struct reason *why)
{
	CBS in, skipped;
	bool indirect, attribute;
	int has_name, has_reasons;

	if (!CBS_get_asn1(value, &in, CBS_ASN1_SEQUENCE) || CBS_len(value) != 0 ||
	    !CBS_get_optional_asn1(&in, &skipped, &has_name,
	    CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) ||
	    !idp_flag_read(&out->only_user, &in, 1) ||
	    !idp_flag_read(&out->only_ca, &in, 2) ||
	    !CBS_get_optional_asn1(&in, &skipped, &has_reasons, CBS_ASN1_CONTEXT_SPECIFIC | 3) ||
	    !idp_flag_read(&indirect, &in, 4) ||
	    !idp_flag_read(&attribute, &in, 5) ||
	    CBS_len(&in) != 0)
		return reject(why, REASON_MALFORMED, "ExtensionValueInvalid");
	if (indirect)
		return unsupported(why, "UnsupportedIndirectCrl");
	if (has_name || has_reasons || attribute || (out->only_user && out->only_ca))
		return unsupported(why, "UnsupportedCrlIssuingDistributionPoint");
	return true;
}

static bool
extension_read(void *ctx, struct x509_extension *extension, struct reason *why)
{
	struct crl *out = ctx;

	switch (x509_id_ce(&extension->oid)) {
	case ID_CE_CRL_NUMBER:
		return number_read(out, &extension->value, why);
	case ID_CE_DELTA_CRL:
		return unsupported(why, "UnsupportedDeltaCrl");
	case ID_CE_ISSUING_DISTRIBUTION_POINT:
		return idp_read(out, &extension->value, why);
	default:
		if (extension->critical)
			return unsupported(why, "UnsupportedCriticalExtension");
		return true;
	}
}

static bool
extensions_read(struct crl *out, CBS *in, struct reason *why)
{
	CBS explicit, list;

	if (!CBS_get_asn1(in, &explicit,
	    CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) ||
	    CBS_len(in) != 0 ||
	    !CBS_get_asn1(&explicit, &list, CBS_ASN1_SEQUENCE) ||
	    CBS_len(&explicit) != 0)
		return bad_der(why);
	return x509_extensions_read(&list, extension_read, out, why);
}

static bool
issuer_read(struct crl *out, CBS *in, struct reason *why)
{
	CBS name;

	if (!CBS_get_asn1_element(in, &name, CBS_ASN1_SEQUENCE))
		return bad_der(why);
	if (CBS_len(&name) > sizeof out->issuer)
		return reject(why, REASON_LIMIT, "CRL issuer name is longer than %d bytes",
		    CRL_NAME_MAX_LEN);
	out->issuer_len = CBS_len(&name);
	bytes_copy(out->issuer, bytes_cbs(&name));
	return true;
}

static bool
dates_read(struct crl *out, CBS *in, struct reason *why)
{
	/* nextUpdate is optional in RFC 5280's syntax and mandatory in its text. */
	if (!timestamp_x509_read(&out->this_update, in, why) ||
	    !timestamp_x509_read(&out->next_update, in, why))
		return reject(why, REASON_MALFORMED, "BadDerTime");
	return true;
}

static bool
signature_read(struct crl *out, const struct x509_frame *frame, struct reason *why)
{
	if (frame->signature.len > sizeof out->signature)
		return bad_der(why);
	out->signature_len = frame->signature.len;
	bytes_copy(out->signature, frame->signature);
	SHA256(frame->tbs.ptr, frame->tbs.len, out->digest);
	return true;
}

static bool
fields_read(struct crl *out, struct bytes der, struct reason *why)
{
	struct x509_frame frame;
	uint64_t version;
	CBS list;

	if (der.len > CRL_MAX_LEN)
		return reject(why, REASON_LIMIT, "CRL is longer than %u bytes", CRL_MAX_LEN);
	if (!x509_frame_read(&frame, der, why))
		return false;
	/* Version 1 has no such member. */
	if (!CBS_peek_asn1_tag(&frame.in, CBS_ASN1_INTEGER))
		return unsupported(why, "UnsupportedCrlVersion");
	if (!CBS_get_asn1_uint64(&frame.in, &version))
		return bad_der(why);
	if (version != CRL_VERSION_2)
		return unsupported(why, "UnsupportedCrlVersion");
	if (!x509_algorithm_read(&frame, &frame.in, why) ||
	    !issuer_read(out, &frame.in, why) ||
	    !dates_read(out, &frame.in, why) ||
	    !signature_read(out, &frame, why))
		return false;
	if (CBS_peek_asn1_tag(&frame.in, CBS_ASN1_SEQUENCE)) {
		if (!CBS_get_asn1(&frame.in, &list, CBS_ASN1_SEQUENCE))
			return bad_der(why);
		if (!entries_read(out, &list, why))
			return false;
	}
	return extensions_read(out, &frame.in, why);
}

bool
crl_read(struct crl **out, struct bytes der, struct reason *why)
{
	AUTO(crl_free) struct crl *crl = calloc(1, sizeof *crl);

	*out = NULL;
	if (crl == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!fields_read(crl, der, why))
		return reject_as(why, "Failed to parse CRL");
	*out = TAKE(crl);
	return true;
}

void
crl_free(struct crl *crl)
{
	if (crl == NULL)
		return;
	free(crl->revoked);
	free(crl);
}

bool
crl_verify(const struct crl *crl, const struct p256_key *issuer, unsigned long *nops,
    struct reason *why)
{
	struct bytes signature = { crl->signature, crl->signature_len };

	if (!ecdsa_verify_der(issuer, crl->digest, signature, nops, why))
		return ecdsa_refuse(why, "InvalidCrlSignatureForPublicKey");
	return true;
}

bool
crl_dates_check(const struct crl *crl, int64_t now, struct reason *why)
{
	/* Stricter: upstream does not look at thisUpdate. */
	if (now < crl->this_update - CRL_SKEW_S)
		return reject(why, REASON_REFUSED, "CrlNotYetValid");
	if (now >= crl->next_update)
		return reject(why, REASON_REFUSED,
		    "CrlExpired { time: UnixTime(%" PRId64 "), "
		    "next_update: UnixTime(%" PRId64 ") }", now, crl->next_update);
	return true;
}

bool
crl_has(const struct crl *crl, struct bytes serial)
{
	struct crl_serial wanted = { .len = (uint8_t)serial.len };
	size_t low = 0, high = crl->n_revoked, middle;
	int order;

	if (serial.len > sizeof wanted.bytes)
		return false;   /* cert_read() and entry_read() know no such serial */
	bytes_copy(wanted.bytes, serial);
	while (low < high) {
		middle = low + (high - low) / 2;
		order = serial_compare(&crl->revoked[middle], &wanted);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

const struct crl *
crl_find(const struct crl *const crls[], size_t n, struct bytes issuer, bool is_ca)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (crls[i] == NULL || !bytes_equal(crl_issuer(crls[i]), issuer))
			continue;
		if (is_ca ? crls[i]->only_user : crls[i]->only_ca)
			continue;
		return crls[i];
	}
	return NULL;
}

bool
crl_revocation_check(const struct crl *const crls[], size_t n, struct bytes issuer,
    struct bytes serial, bool is_ca, int64_t now, struct reason *why)
{
	const struct crl *crl = crl_find(crls, n, issuer, is_ca);

	if (crl == NULL)
		return reject(why, REASON_REFUSED, "UnknownRevocationStatus");
	if (!crl_dates_check(crl, now, why))
		return false;
	if (crl_has(crl, serial))
		return reject(why, REASON_REFUSED, "CertRevoked");
	return true;
}
