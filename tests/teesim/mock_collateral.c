#include "mock_collateral.h"

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
		.fetched_at = MOCK_NOW - 60, .tee = DV_TEE_TDX,
	};
	mock_platform(mock);
	/* Serials apart, so that a CRL can name one. */
	mock->ca.serial = "0c";
	mock->leaf.serial = "0d";
	mock->tcb_signer.serial = mock->qe_signer.serial = "0e";
	mock->root.serial = "0f";
	pki_quote_init(&mock->quote, (struct bytes){ NULL, 0 });
}

void
mock_init_sgx(struct mock *mock)
{
	struct pki_quote *q = &mock->quote;

	mock_init(mock);
	mock->tee = DV_TEE_SGX;
	mock->processor = true;
	mock->tcb.id = "SGX";
	mock->qe.id = "QE";
	mock->ca.subject = mock->leaf.issuer = mock->pck_crl.issuer = MOCK_PROCESSOR_NAME;
	q->version = 3;
	q->tee_type = 0;
	q->body_len = 384;
	memset(q->body, 0, sizeof q->body);
}

struct bytes
mock_anchor(const struct mock *mock)
{
	return pki_cert(&mock->root);
}

struct bytes
mock_pck_pem(const struct mock *mock)
{
	const struct bytes certs[] = {
		pki_cert(&mock->leaf), pki_cert(&mock->ca), pki_cert(&mock->root),
	};

	if (mock->pck_chain != NULL)
		return pki_pem(mock->pck_chain, mock->npck_chain);
	return pki_pem(certs, NELEM(certs));
}

static struct bytes
chain_pem(const struct pki_cert *first, const struct mock *mock)
{
	const struct bytes certs[] = { pki_cert(first), pki_cert(&mock->root) };

	return pki_pem(certs, NELEM(certs));
}

struct bytes
mock_chain(const struct mock *mock, enum dv_fact_type type)
{
	if (type == DV_FACT_TCB_INFO)
		return mock->tcb_chain.ptr != NULL ? mock->tcb_chain :
		    chain_pem(&mock->tcb_signer, mock);
	if (type == DV_FACT_QE_IDENTITY)
		return mock->qe_chain.ptr != NULL ? mock->qe_chain :
		    chain_pem(&mock->qe_signer, mock);
	return mock->crl_chain.ptr != NULL ? mock->crl_chain : chain_pem(&mock->ca, mock);
}

struct bytes
mock_crl(const struct mock *mock, enum dv_fact_type type)
{
	if (type == DV_FACT_ROOT_CA_CRL)
		return mock->root_crl_der.ptr != NULL ? mock->root_crl_der :
		    pki_crl(&mock->root_crl);
	return mock->pck_crl_der.ptr != NULL ? mock->pck_crl_der : pki_crl(&mock->pck_crl);
}

struct bytes
mock_quote(const struct mock *mock)
{
	struct pki_quote quote = mock->quote;

	if (quote.cert_data.len == 0)
		quote.cert_data = mock_pck_pem(mock);
	return pki_quote(&quote);
}

static struct document_head
head(const struct mock_document *d)
{
	return (struct document_head){ d->id, d->version, d->number, d->issued, d->next_update };
}

void
mock_tcb(struct document_tcb *out, const struct mock *mock)
{
	const bool tdx = mock->tee == DV_TEE_TDX;

	*out = (struct document_tcb){
		.head = head(&mock->tcb),
		.fmspc = mock->tcb_fmspc != NULL ? mock->tcb_fmspc :
		    build_str(build_digits(BYTES_OF(mock->pck.fmspc), false)),
		.pceid = build_str(build_digits(BYTES_OF(mock->pck.pceid), false)),
		.module = tdx,
		.levels = {
			document_level(mock->tcb.floor, 0, 11, "UpToDate"),
			document_level(0, 0, 5, "OutOfDate"),
		},
		.nlevels = 2,
	};
	out->levels[1].end.date = "2020-01-01T00:00:00Z";
	out->levels[1].end.advisories = "INTEL-SA-00001";
	for (size_t i = 0; i < out->nlevels && !tdx; i++)
		out->levels[i].ntdx = 0;
}

void
mock_qe(struct document_qe *out, const struct mock *mock)
{
	*out = (struct document_qe){
		.head = head(&mock->qe),
		.miscselect = "00000000", .miscselect_mask = "FFFFFFFF",
		.attributes = "00000000000000000000000000000000",
		.attributes_mask = "FBFFFFFFFFFFFFFF0000000000000000",
		.mrsigner = "4444444444444444444444444444444444444444444444444444444444444444",
		.isvprodid = 1, .levels = { { .isvsvn = mock->qe.floor } }, .nlevels = 1,
	};
}

static const struct mock_document *
document_of(const struct mock *mock, enum dv_fact_type type)
{
	return type == DV_FACT_TCB_INFO ? &mock->tcb : &mock->qe;
}

/* Members of the test's go behind the opening brace. */
static struct bytes
inserted(struct bytes text, const char *insert)
{
	if (insert == NULL)
		return text;
	return pki_join((struct bytes[]){ bytes_str("{"), bytes_str(insert),
	    { text.ptr + 1, text.len - 1 } }, 3);
}

struct bytes
mock_document_text(const struct mock *mock, enum dv_fact_type type)
{
	const struct mock_document *d = document_of(mock, type);
	struct document_tcb tcb;
	struct document_qe qe;

	if (d->text.ptr != NULL)
		return d->text;
	if (type == DV_FACT_TCB_INFO) {
		mock_tcb(&tcb, mock);
		return inserted(document_tcb(&tcb), d->insert);
	}
	mock_qe(&qe, mock);
	return inserted(document_qe(&qe), d->insert);
}

struct bytes
mock_document_signature(const struct mock *mock, enum dv_fact_type type)
{
	const struct mock_document *d = document_of(mock, type);
	struct bytes text = mock_document_text(mock, type);

	if (d->signature.ptr != NULL)
		return d->signature;
	return pki_sign_raw(d->signer_key, d->bad_signature ? (struct bytes){ text.ptr, 1 } : text);
}

struct dv_key
mock_key(const struct mock *mock, enum dv_fact_type type)
{
	struct dv_key key;

	memset(&key, 0, sizeof key);
	key.type = type;
	if (type == DV_FACT_TCB_INFO || type == DV_FACT_QE_IDENTITY)
		key.tee = mock->tee;
	if (type == DV_FACT_TCB_INFO)
		memcpy(key.fmspc, mock->pck.fmspc, sizeof key.fmspc);
	if (type == DV_FACT_PCK_CRL)
		key.ca = mock->processor ? DV_PCK_CA_PROCESSOR : DV_PCK_CA_PLATFORM;
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
		build_digits(mock_document_signature(mock, type), false),
		bytes_str("\"}"),
	};

	return (struct dv_fact){
		.body = span(pki_join(parts, NELEM(parts))),
		.chain = span(mock_chain(mock, type)),
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
			.body = span(mock_crl(mock, DV_FACT_PCK_CRL)),
			.chain = span(mock_chain(mock, DV_FACT_PCK_CRL)),
			.fetched_at = mock->fetched_at,
		};
	case DV_FACT_ROOT_CA_CRL:
		return (struct dv_fact){
			.body = span(build_digits(mock_crl(mock, DV_FACT_ROOT_CA_CRL), false)),
			.fetched_at = mock->fetched_at,
		};
	case DV_FACT_PCK_CERTIFICATE: {
		const struct bytes leaf = pki_cert(&mock->leaf);

		return (struct dv_fact){
			.body = span(pki_pem(&leaf, 1)),
			.chain = span(mock_chain(mock, DV_FACT_PCK_CRL)),
			.fetched_at = mock->fetched_at,
		};
	}
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
	build_must(0, "no such fact");
	return (struct dv_fact){ .fetched_at = 0 };
}

struct bytes
mock_object(const struct mock *mock)
{
	const struct bytes parts[] = {
		bytes_str("{\"root_ca_crl\":\""),
		build_digits(mock_crl(mock, DV_FACT_ROOT_CA_CRL), false),
		bytes_str("\",\"pck_crl\":\""),
		build_digits(mock_crl(mock, DV_FACT_PCK_CRL), false),
		bytes_str("\",\"pck_crl_issuer_chain\":\""),
		build_escaped(mock_chain(mock, DV_FACT_PCK_CRL)),
		bytes_str("\",\"tcb_info\":\""),
		build_escaped(mock_document_text(mock, DV_FACT_TCB_INFO)),
		bytes_str("\",\"tcb_info_signature\":\""),
		build_digits(mock_document_signature(mock, DV_FACT_TCB_INFO), false),
		bytes_str("\",\"tcb_info_issuer_chain\":\""),
		build_escaped(mock_chain(mock, DV_FACT_TCB_INFO)),
		bytes_str("\",\"qe_identity\":\""),
		build_escaped(mock_document_text(mock, DV_FACT_QE_IDENTITY)),
		bytes_str("\",\"qe_identity_signature\":\""),
		build_digits(mock_document_signature(mock, DV_FACT_QE_IDENTITY), false),
		bytes_str("\",\"qe_identity_issuer_chain\":\""),
		build_escaped(mock_chain(mock, DV_FACT_QE_IDENTITY)),
		bytes_str("\"}"),
	};

	return pki_join(parts, NELEM(parts));
}
