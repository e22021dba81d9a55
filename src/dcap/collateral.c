#include "dcap/collateral.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/hex.h"
#include "core/json.h"

/* All that one item may keep; a PCK CRL dominates: its DER, and room to decode hex. */
#define ITEM_MAX_LEN            ((size_t)16 << 20)

/* The envelope of a document: two members and what is inside. */
#define ENVELOPE_LIMITS         { .text_len = (size_t)320 << 10,                \
	    .depth = TCB_JSON_DEPTH + 1, .values = TCB_JSON_MAX_VALUES }

#define NO_MEMORY(why)          reject((why), REASON_INTERNAL, "out of memory")

void
collateral_free(struct collateral *item)
{
	if (item == NULL)
		return;
	chain_cert_fini(&item->signer);
	crl_free(item->crl);
	arena_free(item->arena);
	free(item);
}

static const char *
ca_name(enum dv_pck_ca ca)
{
	return ca == DV_PCK_CA_PROCESSOR ? "processor" : "platform";
}

void
collateral_name(char name[COLLATERAL_NAME_SIZE], const struct dv_key *key)
{
	char fmspc[2 * sizeof key->fmspc + 1] = "";

	switch (key->type) {
	case DV_FACT_TCB_INFO:
		hex_encode_upper(fmspc, BYTES_OF(key->fmspc));
		(void)snprintf(name, COLLATERAL_NAME_SIZE, "TCB info for FMSPC %s", fmspc);
		return;
	case DV_FACT_QE_IDENTITY:
		(void)snprintf(name, COLLATERAL_NAME_SIZE, "QE identity");
		return;
	case DV_FACT_PCK_CRL:
		(void)snprintf(name, COLLATERAL_NAME_SIZE, "PCK CRL (%s)", ca_name(key->ca));
		return;
	case DV_FACT_ROOT_CA_CRL:
		(void)snprintf(name, COLLATERAL_NAME_SIZE, "root CA CRL");
		return;
	case DV_FACT_PCK_CERTIFICATE:
		(void)snprintf(name, COLLATERAL_NAME_SIZE, "PCK certificate");
		return;
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
	(void)snprintf(name, COLLATERAL_NAME_SIZE, "item");
}

static bool
pck_id_equal(const struct dv_pck_id *a, const struct dv_pck_id *b)
{
	return memcmp(a->qe_id, b->qe_id, sizeof a->qe_id) == 0 &&
	    a->encrypted_ppid_len == b->encrypted_ppid_len &&
	    memcmp(a->encrypted_ppid, b->encrypted_ppid, sizeof a->encrypted_ppid) == 0 &&
	    memcmp(a->cpu_svn, b->cpu_svn, sizeof a->cpu_svn) == 0 &&
	    memcmp(a->pce_svn, b->pce_svn, sizeof a->pce_svn) == 0 &&
	    memcmp(a->pce_id, b->pce_id, sizeof a->pce_id) == 0;
}

bool
collateral_key_equal(const struct dv_key *a, const struct dv_key *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case DV_FACT_TCB_INFO:
		return a->tee == b->tee && a->early == b->early &&
		    memcmp(a->fmspc, b->fmspc, sizeof a->fmspc) == 0;
	case DV_FACT_QE_IDENTITY:
		return a->tee == b->tee && a->early == b->early;
	case DV_FACT_PCK_CRL:
		return a->ca == b->ca;
	case DV_FACT_ROOT_CA_CRL:
		return true;
	case DV_FACT_PCK_CERTIFICATE:
		return pck_id_equal(&a->pck, &b->pck);
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
	return false;
}

static bool
is_document(enum dv_fact_type type)
{
	return type == DV_FACT_TCB_INFO || type == DV_FACT_QE_IDENTITY;
}

static bool
is_crl(enum dv_fact_type type)
{
	return type == DV_FACT_PCK_CRL || type == DV_FACT_ROOT_CA_CRL;
}

static size_t
text_max_len(enum dv_fact_type type)
{
	switch (type) {
	case DV_FACT_TCB_INFO:
		return TCB_INFO_MAX_LEN;
	case DV_FACT_QE_IDENTITY:
		return QE_IDENTITY_MAX_LEN;
	case DV_FACT_PCK_CRL:
		return CRL_MAX_LEN;
	case DV_FACT_ROOT_CA_CRL:
		return COLLATERAL_ROOT_CRL_MAX_LEN;
	case DV_FACT_PCK_CERTIFICATE:
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
	return PEM_MAX_LEN;
}

static void
digest_set(struct collateral *item)
{
	const struct bytes parts[] = { item->text, item->signature, item->chain };
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	for (size_t i = 0; i < NELEM(parts); i++) {
		uint64_t len = parts[i].len;

		SHA256_Update(&ctx, &len, sizeof len);
		SHA256_Update(&ctx, parts[i].ptr, parts[i].len);
	}
	SHA256_Final(item->digest, &ctx);
}

static struct collateral *
item_new(const struct dv_key *key, struct reason *why)
{
	struct collateral *item = calloc(1, sizeof *item);

	if (item == NULL) {
		(void)NO_MEMORY(why);
		return NULL;
	}
	item->key = *key;
	item->arena = arena_new(ITEM_MAX_LEN);
	if (item->arena == NULL) {
		free(item);
		(void)NO_MEMORY(why);
		return NULL;
	}
	return item;
}

/* The document's name in texts and its member in an envelope. */
static const char *
document_what(enum dv_fact_type type)
{
	return type == DV_FACT_TCB_INFO ? "TCB Info" : "QE Identity";
}

/* Section 4.4: the signed bytes are the member's value without insignificant white space. */
static bool
document_open(struct collateral *item, struct bytes body, struct reason *why)
{
	static const struct json_limits limits = ENVELOPE_LIMITS;
	AUTO(arena_free) struct arena *scratch = arena_new(ITEM_MAX_LEN);
	const char *what = document_what(item->key.type);
	const struct json *root, *document;
	struct bytes text;
	uint8_t signature[P256_SIGNATURE_LEN];

	if (scratch == NULL)
		return NO_MEMORY(why);
	if (!json_read(&root, scratch, body, &limits, why) ||
	    !json_value_check(root, JSON_OBJECT, "response", why) ||
	    !json_object(&document, root,
	    item->key.type == DV_FACT_TCB_INFO ? "tcbInfo" : "enclaveIdentity", why) ||
	    !json_compact(&text, scratch, json_span(document), why))
		return reject_as(why, "%s should be valid JSON", what);
	if (!json_hex(signature, root, "signature", sizeof signature, why))
		return reject_as(why, "%s signature must be valid hex", what);
	if (text.len > text_max_len(item->key.type))
		return reject(why, REASON_LIMIT, "%s has more than %zu bytes", what,
		    text_max_len(item->key.type));
	return arena_copy(item->arena, &item->text, text, why) &&
	    arena_copy(item->arena, &item->signature, BYTES_OF(signature), why);
}

static struct bytes
trim(struct bytes text)
{
	while (text.len != 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL)
		text.len--;
	while (text.len != 0 && strchr(" \t\r\n", text.ptr[0]) != NULL) {
		text.ptr++;
		text.len--;
	}
	return text;
}

/* DER, or its digits: a PCCS answers `rootcacrl` in hex.  DER begins with 0x30, as does "0". */
static bool
crl_open(struct collateral *item, struct bytes body, struct reason *why)
{
	size_t most = text_max_len(item->key.type);
	struct bytes digits = trim(body);

	if (digits.len >= 2 && digits.ptr[0] == '3' && digits.ptr[1] == '0') {
		if (!hex_decode_arena(&item->text, item->arena, digits, most, why))
			return reject_as(why, "Failed to decode hex-encoded %s",
			    item->key.type == DV_FACT_PCK_CRL ? "PCK CRL" : "root CA CRL");
		return true;
	}
	if (body.len > most)
		return reject(why, REASON_LIMIT, "CRL has more than %zu bytes", most);
	return arena_copy(item->arena, &item->text, body, why);
}

/* Leaf, then the header's chain, as one PEM text. */
static bool
pck_open(struct collateral *item, struct bytes body, struct bytes chain, struct reason *why)
{
	uint8_t *text;
	size_t len = body.len + 1 + chain.len;

	if (body.len > PEM_MAX_LEN || len > PEM_MAX_LEN)
		return reject(why, REASON_LIMIT, "PCK chain has more than %u bytes",
		    PEM_MAX_LEN);
	text = arena_alloc(item->arena, len, why);
	if (text == NULL)
		return false;
	bytes_copy(text, body);
	text[body.len] = '\n';
	bytes_copy(text + body.len + 1, chain);
	item->text = (struct bytes){ text, len };
	return true;
}

static bool
fetched_open(struct collateral *item, struct bytes body, struct bytes chain, struct reason *why)
{
	if (chain.len > PEM_MAX_LEN)
		return reject(why, REASON_LIMIT, "issuer chain has more than %u bytes",
		    PEM_MAX_LEN);
	if (!arena_copy(item->arena, &item->chain, chain, why))
		return false;
	if (is_document(item->key.type))
		return document_open(item, body, why);
	if (is_crl(item->key.type))
		return crl_open(item, body, why);
	if (item->key.type == DV_FACT_PCK_CERTIFICATE)
		return pck_open(item, body, chain, why);
	return reject(why, REASON_MALFORMED, "not an item of collateral");
}

bool
collateral_fetched_new(struct collateral **out, const struct dv_key *key,
    const struct dv_fact *fact, struct reason *why)
{
	AUTO(collateral_free) struct collateral *item = item_new(key, why);
	struct bytes body = { fact->body.ptr, fact->body.len };
	struct bytes chain = { fact->chain.ptr, fact->chain.len };

	*out = NULL;
	if (item == NULL || !fetched_open(item, body, chain, why))
		return false;
	item->fetched_at = fact->fetched_at;
	digest_set(item);
	*out = TAKE(item);
	return true;
}

/* The number that only grows; 0 for a CRL without one, or with one of more than 64 bits. */
static uint64_t
item_number(const struct collateral *item)
{
	uint64_t number = 0;

	if (item->key.type == DV_FACT_TCB_INFO)
		return item->tcb.evaluation_data_number;
	if (item->key.type == DV_FACT_QE_IDENTITY)
		return item->qe.evaluation_data_number;
	for (size_t i = 0; i < sizeof item->crl->number; i++) {
		if (number >> 56 != 0)
			return 0;
		number = number << 8 | item->crl->number[i];
	}
	return number;
}

static void
window_set(struct collateral *item, int64_t issued, int64_t next_update)
{
	item->dates = (struct dv_dates){ .issued = issued, .next_update = next_update,
	    .number = item_number(item) };
	if (is_crl(item->key.type)) {
		item->valid_from = issued - CRL_SKEW_S;
		item->valid_until = next_update;
	} else {
		item->valid_from = issued;
		item->valid_until = next_update + 1;
	}
	item->readable = true;
}

static void
window_narrow(struct collateral *item, int64_t not_before, int64_t not_after)
{
	if (not_before > item->valid_from)
		item->valid_from = not_before;
	if (not_after < item->valid_until - 1)
		item->valid_until = not_after + 1;
}

static bool
content_read(struct collateral *item, struct reason *why)
{
	switch (item->key.type) {
	case DV_FACT_TCB_INFO:
		if (!tcb_info_read(&item->tcb, item->text, item->arena, why))
			return false;
		window_set(item, item->tcb.issue_date, item->tcb.next_update);
		return true;
	case DV_FACT_QE_IDENTITY:
		if (!qe_identity_read(&item->qe, item->text, item->arena, why))
			return false;
		window_set(item, item->qe.issue_date, item->qe.next_update);
		return true;
	case DV_FACT_PCK_CRL:
	case DV_FACT_ROOT_CA_CRL:
		if (!crl_read(&item->crl, item->text, why))
			return false;
		window_set(item, item->crl->this_update, item->crl->next_update);
		return true;
	case DV_FACT_PCK_CERTIFICATE:
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
	return true;
}

static void
item_spoil(struct collateral *item, const struct reason *why)
{
	item->state = COLLATERAL_BAD;
	item->why = *why;
}

static bool
has_text(struct bytes where, const char *what)
{
	return memmem(where.ptr, where.len, what, strlen(what)) != NULL;
}

/* What the operator's file names only by what it holds. */
static void
key_fill(struct collateral *item)
{
	struct dv_key *key = &item->key;

	switch (key->type) {
	case DV_FACT_TCB_INFO:
		if (item->tcb.known_tee)
			key->tee = item->tcb.tee;
		memcpy(key->fmspc, item->tcb.fmspc, sizeof key->fmspc);
		break;
	case DV_FACT_QE_IDENTITY:
		if (bytes_equal(item->qe.id, bytes_str("QE")))
			key->tee = DV_TEE_SGX;
		else if (bytes_equal(item->qe.id, bytes_str("TD_QE")))
			key->tee = DV_TEE_TDX;
		break;
	case DV_FACT_PCK_CRL:
		if (has_text(crl_issuer(item->crl), "Processor"))
			key->ca = DV_PCK_CA_PROCESSOR;
		else if (has_text(crl_issuer(item->crl), "Platform"))
			key->ca = DV_PCK_CA_PLATFORM;
		break;
	case DV_FACT_ROOT_CA_CRL:
	case DV_FACT_PCK_CERTIFICATE:
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
}

bool
collateral_pinned_new(struct collateral **out, const struct dv_key *key, struct bytes text,
    struct bytes signature, struct bytes chain, struct reason *why)
{
	AUTO(collateral_free) struct collateral *item = item_new(key, why);
	struct reason unreadable;

	*out = NULL;
	if (item == NULL ||
	    !arena_copy(item->arena, &item->text, text, why) ||
	    !arena_copy(item->arena, &item->signature, signature, why) ||
	    !arena_copy(item->arena, &item->chain, chain, why))
		return false;
	item->pinned = true;
	digest_set(item);
	if (content_read(item, &unreadable)) {
		key_fill(item);
	} else if (unreadable.kind != REASON_INTERNAL) {
		item_spoil(item, &unreadable);
	} else {
		*why = unreadable;
		return false;
	}
	*out = TAKE(item);
	return true;
}

static bool
document_verify(struct collateral *item, const struct chain_tools *tools, struct reason *why)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	if (!signer_chain_verify(&item->signer, tools, document_what(item->key.type),
	    item->chain, why))
		return false;
	if (item->signature.len != P256_SIGNATURE_LEN)
		return reject(why, REASON_REFUSED, "Invalid key length");
	SHA256(item->text.ptr, item->text.len, digest);
	if (!ecdsa_verify_raw(&item->signer.key, digest, item->signature, tools->nops, why))
		return ecdsa_refuse(why, item->key.type == DV_FACT_TCB_INFO ?
		    "Signature is invalid for tcb_info in quote_collateral" :
		    "Signature is invalid for qe_identity in quote_collateral");
	return true;
}

/* The CA that signed a fetched PCK CRL: from the response header's chain, under the anchor. */
static bool
crl_ca_find(struct cert *out, const struct collateral *item, const struct chain_tools *tools,
    struct reason *why)
{
	struct pem_chain pem;

	if (!pem_chain_read(&pem, tools->arena, item->chain, why))
		return reject_as(why, "PCK CRL issuer chain");
	for (size_t i = 0; i < pem.n; i++) {
		if (!cert_read(out, pem.der[i], why))
			return reject_as(why, "PCK CRL issuer chain");
		if (bytes_equal(out->subject, crl_issuer(item->crl)))
			return true;
	}
	return reject(why, REASON_REFUSED, "PCK CRL issuer chain: UnknownIssuer");
}

static bool
crl_ca_verify(const struct cert *ca, const struct collateral *item,
    const struct chain_tools *tools, struct reason *why)
{
	enum dv_pck_ca kind;

	if (!bytes_equal(ca->issuer, tools->anchor->cert.subject))
		return reject(why, REASON_REFUSED, "UnknownIssuer");
	if (!cert_issuer_check(ca, 0, why) ||
	    !cert_verify(ca, &tools->anchor->key, tools->signatures, tools->nops, why) ||
	    !pck_ca_read(&kind, ca->subject_cn, tools->anchor->production, why))
		return false;
	if (!ca->may_sign_crls)
		return reject(why, REASON_REFUSED, "IssuerNotCrlSigner");
	if (kind != item->key.ca)
		return reject(why, REASON_REFUSED, "PCK CRL is of another CA");
	return true;
}

bool
collateral_crl_verify(struct collateral *item, const struct p256_key *key, unsigned long *nops,
    struct reason *why)
{
	if (memcmp(item->crl_key, key->point, sizeof item->crl_key) == 0)
		return true;
	if (!crl_verify(item->crl, key, nops, why))
		return false;
	memcpy(item->crl_key, key->point, sizeof item->crl_key);
	return true;
}

static bool
pck_crl_verify(struct collateral *item, const struct chain_tools *tools, struct reason *why)
{
	struct p256_key key;
	struct cert ca;
	bool ok;

	if (!crl_ca_find(&ca, item, tools, why))
		return false;
	if (!crl_ca_verify(&ca, item, tools, why))
		return reject_as(why, "PCK CRL issuer chain");
	if (!p256_key_init(&key, BYTES_OF(ca.point), why))
		return false;
	ok = collateral_crl_verify(item, &key, tools->nops, why);
	p256_key_fini(&key);
	if (ok)
		window_narrow(item, ca.not_before, ca.not_after);
	return ok;
}

static bool
crl_settle(struct collateral *item, const struct chain_tools *tools, struct reason *why)
{
	if (bytes_equal(crl_issuer(item->crl), tools->anchor->cert.subject))
		return collateral_crl_verify(item, &tools->anchor->key, tools->nops, why);
	if (item->pinned)
		return true;
	if (item->key.type == DV_FACT_ROOT_CA_CRL)
		return reject(why, REASON_REFUSED, "root CA CRL is of another CA");
	return pck_crl_verify(item, tools, why);
}

static bool
settle(struct collateral *item, const struct chain_tools *tools, struct reason *why)
{
	if (is_document(item->key.type)) {
		if (!document_verify(item, tools, why) ||
		    (!item->readable && !content_read(item, why)))
			return false;
		window_narrow(item, item->signer.not_before, item->signer.not_after);
		return true;
	}
	if (is_crl(item->key.type))
		return (item->readable || content_read(item, why)) &&
		    crl_settle(item, tools, why);
	return true;
}

bool
collateral_settle(struct collateral *item, const struct chain_tools *tools, struct reason *why)
{
	if (item->state == COLLATERAL_UNSETTLED) {
		if (settle(item, tools, why)) {
			item->state = COLLATERAL_GOOD;
			return true;
		}
		if (why->kind == REASON_INTERNAL)
			return false;
		item_spoil(item, why);
	}
	if (item->state == COLLATERAL_GOOD)
		return true;
	*why = item->why;
	return false;
}

bool
collateral_window_check(const struct collateral *item, int64_t now, struct reason *why)
{
	switch (item->key.type) {
	case DV_FACT_TCB_INFO:
		return tcb_info_window_check(&item->tcb, now, why);
	case DV_FACT_QE_IDENTITY:
		return qe_identity_window_check(&item->qe, now, why);
	case DV_FACT_PCK_CRL:
	case DV_FACT_ROOT_CA_CRL:
		return crl_dates_check(item->crl, now, why);
	case DV_FACT_PCK_CERTIFICATE:
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
	return true;
}

bool
collateral_key_check(const struct collateral *item, struct reason *why)
{
	const struct dv_key *key = &item->key;

	if (key->type == DV_FACT_TCB_INFO &&
	    (!item->tcb.known_tee || item->tcb.tee != key->tee ||
	    memcmp(item->tcb.fmspc, key->fmspc, sizeof key->fmspc) != 0))
		return reject(why, REASON_REFUSED, "TCB info is of another platform");
	if (key->type == DV_FACT_QE_IDENTITY && !qe_identity_check(&item->qe, key->tee, why))
		return false;
	return true;
}

void
collateral_values(struct mark_values *values, const struct collateral *item)
{
	*values = (struct mark_values){
		.date = item->dates.issued,
		.next_update = item->dates.next_update,
	};
	if (item->key.type == DV_FACT_TCB_INFO)
		mark_number(values->number, item->tcb.evaluation_data_number);
	else if (item->key.type == DV_FACT_QE_IDENTITY)
		mark_number(values->number, item->qe.evaluation_data_number);
	else if (is_crl(item->key.type) && item->crl->has_number)
		memcpy(values->number, item->crl->number, sizeof values->number);
}
