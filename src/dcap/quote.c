#include "dcap/quote.h"

/* Intel's QE, the only one there is. */
static const uint8_t intel_vendor[16] = {
	0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
};

static bool
too_short(struct reason *why)
{
	return reject(why, REASON_MALFORMED, "Not enough data to fill buffer");
}

static bool
too_long(struct reason *why)
{
	return reject(why, REASON_LIMIT, "Data length exceeds maximum");
}

static bool
cert_type_refuse(uint16_t type, struct reason *why)
{
	return reject(why, REASON_UNSUPPORTED, "Unsupported certification data type: %u", type);
}

/* Bytes behind a u32le length of at most `max_len`. */
static bool
sized_read(CBS *out, CBS *in, size_t max_len, struct reason *why)
{
	uint32_t len;

	if (!CBS_get_u32le(in, &len))
		return too_short(why);
	if (len > max_len)
		return too_long(why);
	if (!CBS_get_bytes(in, out, len))
		return too_short(why);
	return true;
}

static bool
header_read(struct quote_header *h, CBS *in, struct reason *why)
{
	if (!CBS_get_u16le(in, &h->version) ||
	    !CBS_get_u16le(in, &h->key_type) ||
	    !CBS_get_u32le(in, &h->tee_type) ||
	    !CBS_get_u16le(in, &h->qe_svn) ||
	    !CBS_get_u16le(in, &h->pce_svn) ||
	    !bytes_read(&h->qe_vendor, in, 16) ||
	    !bytes_read(&h->user_data, in, 20))
		return too_short(why);
	if (h->version < 3 || h->version > 5)
		return reject(why, REASON_UNSUPPORTED, "Unsupported quote version");
	return true;
}

/*
 * The six bytes that say which report follows in version 5.
 * Stricter: the size must be the type's, and a TD report needs the TDX tee_type.
 */
static bool
body_descriptor_read(struct quote *out, CBS *in, struct reason *why)
{
	uint16_t type;
	uint32_t size;

	if (!CBS_get_u16le(in, &type) || !CBS_get_u32le(in, &size))
		return too_short(why);
	if (type < QUOTE_BODY_SGX || type > QUOTE_BODY_TD_15_EXT)
		return reject(why, REASON_UNSUPPORTED, "Unsupported body type");
	out->body = (enum quote_body)type;
	if (size != quote_body_len(out->body))
		return reject(why, REASON_MALFORMED, "TD report body size mismatch");
	if (quote_is_td(out) != (out->header.tee_type == QUOTE_TEE_TDX))
		return reject(why, REASON_MALFORMED, "Invalid TEE type");
	return true;
}

static bool
body_read(struct quote *out, CBS *in, struct reason *why)
{
	switch (out->header.version) {
	case 3:
		out->body = QUOTE_BODY_SGX;
		break;
	case 4:
		if (out->header.tee_type == QUOTE_TEE_SGX)
			out->body = QUOTE_BODY_SGX;
		else if (out->header.tee_type == QUOTE_TEE_TDX)
			out->body = QUOTE_BODY_TD_10;
		else
			return reject(why, REASON_MALFORMED, "Invalid TEE type");
		break;
	default:
		if (!body_descriptor_read(out, in, why))
			return false;
		break;
	}
	if (quote_is_td(out))
		return td_report_read(&out->td, in, out->body, why);
	return enclave_report_read(&out->enclave, in, why);
}

/* Certification data 2 and 3: an encrypted PPID and the TCB, instead of certificates. */
static bool
pck_request_read(struct quote *out, size_t ppid_len, struct reason *why)
{
	struct quote_pck_request *r = &out->pck_request;
	CBS in = cbs_bytes(out->cert_data);

	if (!bytes_read(&r->encrypted_ppid, &in, ppid_len) ||
	    !bytes_read(&r->cpusvn, &in, 16) ||
	    !bytes_read(&r->pcesvn, &in, 2) ||
	    !bytes_read(&r->pceid, &in, 2) ||
	    CBS_len(&in) != 0)
		return reject(why, REASON_MALFORMED, "Failed to decode ENCRYPTED_PPID_%zu",
		    ppid_len * 8);
	r->qe_id = (struct bytes){ out->header.user_data.ptr, 16 };
	return true;
}

/* QE report, its signature, and what certifies the key that made it. */
static bool
certification_read(struct quote *out, CBS *in, struct reason *why)
{
	CBS data;
	uint16_t len;

	if (!enclave_report_read(&out->qe_report, in, why))
		return false;
	if (!bytes_read(&out->qe_signature, in, 64) ||
	    !CBS_get_u16le(in, &len) ||
	    !bytes_read(&out->qe_auth_data, in, len) ||
	    !CBS_get_u16le(in, &out->cert_type))
		return too_short(why);
	if (!sized_read(&data, in, QUOTE_CERT_MAX_LEN, why))
		return false;
	out->cert_data = bytes_cbs(&data);
	if (out->cert_type == QUOTE_CERT_PPID_2048)
		return pck_request_read(out, 2048 / 8, why);
	if (out->cert_type == QUOTE_CERT_PPID_3072)
		return pck_request_read(out, 3072 / 8, why);
	return true;
}

/* Versions 4 and 5 wrap it once more.  Stricter: with type 6, and nothing behind it inside. */
static bool
wrapped_certification_read(struct quote *out, CBS *in, struct reason *why)
{
	CBS data;
	uint16_t type;

	if (!CBS_get_u16le(in, &type))
		return too_short(why);
	if (type != QUOTE_CERT_QE_REPORT)
		return cert_type_refuse(type, why);
	if (!sized_read(&data, in, QUOTE_AUTH_MAX_LEN, why) ||
	    !certification_read(out, &data, why))
		return false;
	if (CBS_len(&data) != 0)
		return reject(why, REASON_MALFORMED,
		    "Trailing data in QE report certification data");
	return true;
}

static bool
auth_read(struct quote *out, CBS *in, struct reason *why)
{
	bool ok;

	if (!bytes_read(&out->signature, in, 64) || !bytes_read(&out->attestation_key, in, 64))
		return too_short(why);
	if (out->header.version == 3)
		ok = certification_read(out, in, why);
	else
		ok = wrapped_certification_read(out, in, why);
	if (!ok)
		return false;
	if (CBS_len(in) != 0)
		return reject(why, REASON_MALFORMED, "Trailing data in quote auth data");
	return true;
}

bool
quote_read(struct quote *out, struct bytes raw, struct reason *why)
{
	CBS in = cbs_bytes(raw), auth;

	*out = (struct quote){ .raw = raw };
	if (raw.len > QUOTE_MAX_LEN)
		return reject(why, REASON_LIMIT, "quote has %zu bytes, more than %u", raw.len,
		    QUOTE_MAX_LEN);
	if (!header_read(&out->header, &in, why) || !body_read(out, &in, why))
		return false;
	out->body_signed = (struct bytes){ raw.ptr, raw.len - CBS_len(&in) };
	if (!sized_read(&auth, &in, QUOTE_AUTH_MAX_LEN, why))
		return false;
	out->trailing_len = CBS_len(&in);       /* buffers of fixed size: often zeros */
	if (out->header.key_type != QUOTE_KEY_ECDSA_P256)
		return true;                    /* quote_check() says so              */
	return auth_read(out, &auth, why);
}

bool
quote_check(const struct quote *quote, struct reason *why)
{
	const struct quote_header *h = &quote->header;

	if (!bytes_equal(h->qe_vendor, BYTES_OF(intel_vendor)))
		return reject(why, REASON_UNSUPPORTED, "Unknown QE vendor ID");
	if (h->tee_type != QUOTE_TEE_SGX && h->tee_type != QUOTE_TEE_TDX)
		return reject(why, REASON_UNSUPPORTED, "Unsupported TEE type: %u", h->tee_type);
	if (h->tee_type == QUOTE_TEE_SGX && h->version != 3)
		return reject(why, REASON_UNSUPPORTED, "SGX TEE quote must have version 3");
	if (h->tee_type == QUOTE_TEE_TDX && h->version == 3)
		return reject(why, REASON_UNSUPPORTED, "TDX TEE quote must have version 4 or 5");
	if (h->key_type != QUOTE_KEY_ECDSA_P256)
		return reject(why, REASON_UNSUPPORTED, "Unsupported DCAP attestation key type");
	switch (quote->cert_type) {
	case QUOTE_CERT_PPID_2048:
	case QUOTE_CERT_PPID_3072:
	case QUOTE_CERT_PCK_CHAIN:
		return true;
	default:
		return cert_type_refuse(quote->cert_type, why);
	}
}
