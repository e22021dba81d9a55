#include "../unit/testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/hex.h"
#include "core/timestamp.h"
#include "mock_collateral.h"

#define ZEROES_96       "00000000000000000000000000000000000000000000000000" \
			"0000000000000000000000000000000000000000000000"
#define SVN             ",{\"svn\":0}"
#define SVNS_15         SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN

/* Kept until the program ends, as everything of pki.h: it makes the copy. */
static struct bytes
keep_text(const char *text)
{
	struct bytes part = bytes_str(text);

	return pki_join(&part, 1);
}

void
mock_platform(struct mock *mock)
{
	mock->leaf = pki_leaf(&mock->pck);
}

void
mock_init(struct mock *mock)
{
	*mock = (struct mock){
		.pck = {
			.ppid = { 1, 2, 3 }, .cpusvn = { 5, 5 }, .pcesvn = 11,
			.fmspc = { 0xb0, 0xc0, 0x6f },
			.sgx_type = PCK_SGX_SCALABLE,
		},
		.root = pki_root, .ca = pki_ca, .tcb_signer = pki_signer, .qe_signer = pki_signer,
		.root_crl = { .issuer = PKI_ROOT_NAME, .issuer_key = PKI_ROOT,
		    .this_update = MOCK_NOW - 100 * MOCK_DAY,
		    .next_update = MOCK_NOW + 200 * MOCK_DAY },
		.pck_crl = { .issuer = PKI_CA_NAME, .issuer_key = PKI_CA,
		    .this_update = MOCK_NOW - MOCK_DAY, .next_update = MOCK_NOW + 29 * MOCK_DAY },
		.tcb = { .id = "TDX", .version = 3, .number = 20, .issued = MOCK_NOW - MOCK_DAY,
		    .next_update = MOCK_NOW + 29 * MOCK_DAY, .floor = 5,
		    .signer_key = PKI_SIGNER },
		.qe = { .id = "TD_QE", .version = 2, .number = 20,
		    .issued = MOCK_NOW - MOCK_DAY,
		    .next_update = MOCK_NOW + 29 * MOCK_DAY, .floor = 1,
		    .signer_key = PKI_SIGNER },
		.fetched_at = MOCK_NOW - 60,
	};
	mock_platform(mock);
	/* Serials apart, so that a CRL can name one. */
	mock->ca.serial = "0c";
	mock->leaf.serial = "0d";
	mock->tcb_signer.serial = mock->qe_signer.serial = "0e";
	mock->root.serial = "0f";
	pki_quote_init(&mock->quote, (struct bytes){ NULL, 0 });
}

struct bytes
mock_anchor(const struct mock *mock)
{
	return pki_cert(&mock->root);
}

static struct bytes
pck_pem(const struct mock *mock)
{
	const struct bytes certs[] = {
		pki_cert(&mock->leaf), pki_cert(&mock->ca), pki_cert(&mock->root),
	};

	return pki_pem(certs, NELEM(certs));
}

static struct bytes
chain_pem(const struct pki_cert *first, const struct mock *mock)
{
	const struct bytes certs[] = { pki_cert(first), pki_cert(&mock->root) };

	return pki_pem(certs, NELEM(certs));
}

struct bytes
mock_quote(const struct mock *mock)
{
	struct pki_quote quote = mock->quote;

	if (quote.cert_data.len == 0)
		quote.cert_data = pck_pem(mock);
	return pki_quote(&quote);
}

static void
head_print(char *out, size_t size, const struct mock_document *d)
{
	char issued[TIMESTAMP_SIZE], next_update[TIMESTAMP_SIZE];

	timestamp_text(issued, d->issued);
	timestamp_text(next_update, d->next_update);
	(void)snprintf(out, size, "%s\"id\":\"%s\",\"version\":%u,\"issueDate\":\"%s\","
	    "\"nextUpdate\":\"%s\",\"tcbEvaluationDataNumber\":%u",
	    d->insert == NULL ? "" : d->insert, d->id, d->version, issued, next_update, d->number);
}

static struct bytes
tcb_text(const struct mock *mock)
{
	char fmspc[2 * sizeof mock->pck.fmspc + 1], head[1024], text[8192];

	head_print(head, sizeof head, &mock->tcb);
	hex_text(fmspc, BYTES_OF(mock->pck.fmspc));
	(void)snprintf(text, sizeof text, "{%s,\"fmspc\":\"%s\",\"pceId\":\"0000\",\"tcbType\":0,"
	    "\"tdxModule\":{\"mrsigner\":\"" ZEROES_96 "\",\"attributes\":\"0000000000000000\","
	    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},\"tcbLevels\":["
	    "{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":%u}" SVNS_15 "],\"pcesvn\":11,"
	    "\"tdxtcbcomponents\":[{\"svn\":0}" SVNS_15 "]},\"tcbDate\":\"2026-01-01T00:00:00Z\","
	    "\"tcbStatus\":\"UpToDate\"},"
	    "{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":0}" SVNS_15 "],\"pcesvn\":5,"
	    "\"tdxtcbcomponents\":[{\"svn\":0}" SVNS_15 "]},\"tcbDate\":\"2020-01-01T00:00:00Z\","
	    "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00001\"]}]}",
	    head, mock->tcb_fmspc == NULL ? fmspc : mock->tcb_fmspc, mock->tcb.floor);
	return keep_text(text);
}

static struct bytes
qe_text(const struct mock *mock)
{
	char head[1024], text[4096];

	head_print(head, sizeof head, &mock->qe);
	(void)snprintf(text, sizeof text, "{%s,\"miscselect\":\"00000000\","
	    "\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"00000000000000000000000000000000\","
	    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
	    "\"mrsigner\":\"4444444444444444444444444444444444444444444444444444444444444444\","
	    "\"isvprodid\":1,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%u},"
	    "\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}",
	    head, mock->qe.floor);
	return keep_text(text);
}

struct bytes
mock_document_text(const struct mock *mock, enum dv_fact_type type)
{
	return type == DV_FACT_TCB_INFO ? tcb_text(mock) : qe_text(mock);
}

static const struct mock_document *
document_of(const struct mock *mock, enum dv_fact_type type)
{
	return type == DV_FACT_TCB_INFO ? &mock->tcb : &mock->qe;
}

static struct bytes
document_signature(const struct mock *mock, enum dv_fact_type type)
{
	const struct mock_document *d = document_of(mock, type);
	struct bytes text = mock_document_text(mock, type);

	return pki_sign_raw(d->signer_key, d->bad_signature ? (struct bytes){ text.ptr, 1 } : text);
}

static struct bytes
hex_digits(struct bytes from)
{
	char *digits = calloc(2, from.len + 1);
	struct bytes kept;

	assert_non_null(digits);
	hex_text(digits, from);
	kept = keep_text(digits);
	free(digits);
	return kept;
}

struct dv_key
mock_key(const struct mock *mock, enum dv_fact_type type)
{
	struct dv_key key;

	memset(&key, 0, sizeof key);
	key.type = type;
	if (type == DV_FACT_TCB_INFO || type == DV_FACT_QE_IDENTITY)
		key.tee = DV_TEE_TDX;
	if (type == DV_FACT_TCB_INFO)
		memcpy(key.fmspc, mock->pck.fmspc, sizeof key.fmspc);
	if (type == DV_FACT_PCK_CRL)
		key.ca = DV_PCK_CA_PLATFORM;
	return key;
}

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

static struct dv_fact
document_fact(const struct mock *mock, enum dv_fact_type type)
{
	const bool tcb = type == DV_FACT_TCB_INFO;
	const struct bytes parts[] = {
		bytes_str(tcb ? "{\"tcbInfo\":" : "{\"enclaveIdentity\":"),
		mock_document_text(mock, type),
		bytes_str(",\"signature\":\""),
		hex_digits(document_signature(mock, type)),
		bytes_str("\"}"),
	};

	return (struct dv_fact){
		.body = span(pki_join(parts, NELEM(parts))),
		.chain = span(chain_pem(tcb ? &mock->tcb_signer : &mock->qe_signer, mock)),
		.fetched_at = mock->fetched_at,
	};
}

struct dv_fact
mock_fact(const struct mock *mock, enum dv_fact_type type)
{
	switch (type) {
	case DV_FACT_TCB_INFO:
	case DV_FACT_QE_IDENTITY:
		return document_fact(mock, type);
	case DV_FACT_PCK_CRL:
		return (struct dv_fact){
			.body = span(pki_crl(&mock->pck_crl)),
			.chain = span(chain_pem(&mock->ca, mock)),
			.fetched_at = mock->fetched_at,
		};
	case DV_FACT_ROOT_CA_CRL:
		return (struct dv_fact){
			.body = span(hex_digits(pki_crl(&mock->root_crl))),
			.fetched_at = mock->fetched_at,
		};
	case DV_FACT_PCK_CERTIFICATE: {
		const struct bytes leaf = pki_cert(&mock->leaf);

		return (struct dv_fact){
			.body = span(pki_pem(&leaf, 1)),
			.chain = span(chain_pem(&mock->ca, mock)),
			.fetched_at = mock->fetched_at,
		};
	}
	case DV_FACT_IMAGE:
		break;
	}
	fail_msg("no such fact");
	return (struct dv_fact){ .fetched_at = 0 };
}

struct bytes
mock_escaped(struct bytes text)
{
	char *out = calloc(2, text.len + 1);
	size_t n = 0;
	struct bytes kept;

	assert_non_null(out);
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.ptr[i];

		if (c == '"' || c == '\\' || c == '\n')
			out[n++] = '\\';
		out[n++] = c == '\n' ? 'n' : c;
	}
	kept = keep_text(out);
	free(out);
	return kept;
}

struct bytes
mock_object(const struct mock *mock)
{
	const struct bytes parts[] = {
		bytes_str("{\"root_ca_crl\":\""), hex_digits(pki_crl(&mock->root_crl)),
		bytes_str("\",\"pck_crl\":\""), hex_digits(pki_crl(&mock->pck_crl)),
		bytes_str("\",\"pck_crl_issuer_chain\":\""), mock_escaped(chain_pem(&mock->ca, mock)),
		bytes_str("\",\"tcb_info\":\""),
		mock_escaped(mock_document_text(mock, DV_FACT_TCB_INFO)),
		bytes_str("\",\"tcb_info_signature\":\""),
		hex_digits(document_signature(mock, DV_FACT_TCB_INFO)),
		bytes_str("\",\"tcb_info_issuer_chain\":\""),
		mock_escaped(chain_pem(&mock->tcb_signer, mock)),
		bytes_str("\",\"qe_identity\":\""),
		mock_escaped(mock_document_text(mock, DV_FACT_QE_IDENTITY)),
		bytes_str("\",\"qe_identity_signature\":\""),
		hex_digits(document_signature(mock, DV_FACT_QE_IDENTITY)),
		bytes_str("\",\"qe_identity_issuer_chain\":\""),
		mock_escaped(chain_pem(&mock->qe_signer, mock)),
		bytes_str("\"}"),
	};

	return pki_join(parts, NELEM(parts));
}
