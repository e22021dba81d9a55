#include <openssl/sha.h>

#include "pki.h"

void
pki_quote_init(struct pki_quote *q, struct bytes cert_data)
{
	static const uint8_t vendor[16] = {
		0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
		0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
	};

	*q = (struct pki_quote){
		.version = 4, .key_type = 2, .tee_type = 0x81, .body_type = 2, .body_len = 584,
		.qe_auth = pki_hex(
		    "0000000000000000000000000000000000000000000000000000000000000000"),
		.outer_type = 6, .cert_type = 5, .cert_data = cert_data,
		.user_data = "0123456789abcdefghi",
		.pck_key = PKI_PCK, .attestation_key = PKI_ATTESTATION,
	};
	memcpy(q->vendor, vendor, sizeof vendor);
	q->body[123] = 0x10;                    /* td_attributes: SEPT_VE_DISABLE */
	memset(q->qe_report + 128, 0x44, 32);   /* mr_signer                      */
	q->qe_report[256] = 1;                  /* isv_prod_id                    */
	q->qe_report[258] = 1;                  /* isv_svn                        */
	q->user_data[19] = 'j';
}

static struct bytes
quote_signed(const struct pki_quote *q)
{
	CBB cbb;

	MUST(CBB_init(&cbb, 1024));
	MUST(CBB_add_u16le(&cbb, q->version) && CBB_add_u16le(&cbb, q->key_type));
	MUST(CBB_add_u32le(&cbb, q->tee_type) && CBB_add_u16le(&cbb, q->qe_svn) &&
	    CBB_add_u16le(&cbb, q->pce_svn));
	MUST(CBB_add_bytes(&cbb, q->vendor, sizeof q->vendor));
	MUST(CBB_add_bytes(&cbb, q->user_data, sizeof q->user_data));
	if (q->version == 5)
		MUST(CBB_add_u16le(&cbb, q->body_type) && CBB_add_u32le(&cbb,
		    q->body_size != 0 ? q->body_size : (uint32_t)q->body_len));
	MUST(CBB_add_bytes(&cbb, q->body, q->body_len));
	return build_finish(&cbb);
}

/* QE report, signature, QE auth data, certification data. */
static struct bytes
quote_certification(const struct pki_quote *q, struct bytes point)
{
	uint8_t report[sizeof q->qe_report];
	struct bytes bound, signature;
	CBB cbb;

	memcpy(report, q->qe_report, sizeof report);
	if (!q->keep_report_data) {
		bound = pki_join((struct bytes[]){ point, q->qe_auth }, 2);
		SHA256(bound.ptr, bound.len, report + 320);
	}
	signature = q->qe_signature != NULL ? (struct bytes){ q->qe_signature, 64 } :
	    pki_sign_raw(q->pck_key, BYTES_OF(report));
	MUST(CBB_init(&cbb, 4096));
	MUST(CBB_add_bytes(&cbb, report, sizeof report));
	MUST(CBB_add_bytes(&cbb, signature.ptr, signature.len));
	MUST(CBB_add_u16le(&cbb, (uint16_t)q->qe_auth.len));
	MUST(CBB_add_bytes(&cbb, q->qe_auth.ptr, q->qe_auth.len));
	MUST(CBB_add_u16le(&cbb, q->cert_type));
	MUST(CBB_add_u32le(&cbb, (uint32_t)q->cert_data.len));
	MUST(CBB_add_bytes(&cbb, q->cert_data.ptr, q->cert_data.len));
	MUST(CBB_add_bytes(&cbb, q->inner_tail.ptr, q->inner_tail.len));
	return build_finish(&cbb);
}

struct bytes
pki_quote(const struct pki_quote *q)
{
	struct bytes head = quote_signed(q), certification, auth, signature;
	uint8_t point[PKI_POINT_LEN];
	CBB cbb;

	pki_point(point, q->attestation_key);
	if (q->attestation_point != NULL)
		memcpy(point + 1, q->attestation_point, PKI_POINT_LEN - 1);
	signature = q->signature != NULL ? (struct bytes){ q->signature, 64 } :
	    pki_sign_raw(q->attestation_key, head);
	certification = quote_certification(q, (struct bytes){ point + 1, PKI_POINT_LEN - 1 });

	MUST(CBB_init(&cbb, 4096));
	MUST(CBB_add_bytes(&cbb, signature.ptr, signature.len));
	MUST(CBB_add_bytes(&cbb, point + 1, PKI_POINT_LEN - 1));
	if (q->version != 3)
		MUST(CBB_add_u16le(&cbb, q->outer_type) &&
		    CBB_add_u32le(&cbb, (uint32_t)certification.len));
	MUST(CBB_add_bytes(&cbb, certification.ptr, certification.len));
	MUST(CBB_add_bytes(&cbb, q->auth_tail.ptr, q->auth_tail.len));
	auth = build_finish(&cbb);

	MUST(CBB_init(&cbb, 8192));
	MUST(CBB_add_bytes(&cbb, head.ptr, head.len));
	MUST(CBB_add_u32le(&cbb, (uint32_t)auth.len));
	MUST(CBB_add_bytes(&cbb, auth.ptr, auth.len));
	MUST(CBB_add_bytes(&cbb, q->tail.ptr, q->tail.len));
	return build_finish(&cbb);
}
