#include <assert.h>

#include "core/hex.h"
#include "dcap/dcap_context.h"
#include "dcap/quote_verify.h"
#include "dcap/td_attributes.h"

/* How far `now` may lie behind a date that a signature has vouched for. */
#define CLOCK_SKEW_S            300

/* The four items a verdict rests on, in the order in which they are judged. */
enum item {
	ITEM_ROOT_CRL = 0,
	ITEM_PCK_CRL,
	ITEM_TCB,
	ITEM_QE,
	ITEM_COUNT,
};

/* One verification under way. */
struct run {
	struct dcap *dcap;
	const struct dcap_request *request;
	struct dcap_result *out;
	struct chain_tools tools;
	struct pck_chain *chain;
	struct memo_key qe_key;         /* of the QE report's signature              */
	bool    qe_hit;                 /* it was remembered                         */
	struct collateral *items[ITEM_COUNT];
};

static enum dv_tee
run_tee(const struct run *run)
{
	return quote_is_td(&run->out->quote) ? DV_TEE_TDX : DV_TEE_SGX;
}

/* Whether fetching this key makes no sense any more. */
static bool
key_failed(const struct run *run, const struct dv_key *key)
{
	if (run->request->offline)
		return true;
	for (size_t i = 0; i < run->request->nfailed; i++)
		if (collateral_key_equal(&run->request->failed[i], key))
			return true;
	return false;
}

static void
need_add(struct run *run, const struct dv_key *key)
{
	assert(run->out->nneeds < DCAP_NEEDS_MAX);
	run->out->needs[run->out->nneeds++] = *key;
}

static bool
unavailable(const struct dv_key *key, struct reason *why)
{
	char name[COLLATERAL_NAME_SIZE];

	collateral_name(name, key);
	return reject(why, REASON_UNAVAILABLE, "collateral unavailable: %s", name);
}

/* The collateral is at fault, not the evidence: a later fetch may mend it. */
static bool
retryable(const struct collateral *item, struct reason *why)
{
	if (!item->pinned)
		why->kind = REASON_UNAVAILABLE;
	return false;
}

static bool
clock_check(struct run *run, struct reason *why)
{
	const struct dcap *dcap = run->dcap;

	if (dcap->config.pinned_at || dcap->seen == INT64_MIN ||
	    run->request->now + CLOCK_SKEW_S >= dcap->seen)
		return true;
	run->out->clock_behind = true;
	return reject(why, REASON_UNAVAILABLE,
	    "system clock is behind signed collateral");
}

/* The key of a `pckcert` request, from certification data of type 2 or 3. */
static void
pck_key(struct dv_key *key, const struct quote *quote)
{
	const struct quote_pck_request *from = &quote->pck_request;

	memset(key, 0, sizeof *key);
	key->type = DV_FACT_PCK_CERTIFICATE;
	assert(from->encrypted_ppid.len <= sizeof key->pck.encrypted_ppid);
	bytes_copy(key->pck.qe_id, from->qe_id);
	bytes_copy(key->pck.encrypted_ppid, from->encrypted_ppid);
	key->pck.encrypted_ppid_len = from->encrypted_ppid.len;
	bytes_copy(key->pck.cpu_svn, from->cpusvn);
	bytes_copy(key->pck.pce_svn, from->pcesvn);
	bytes_copy(key->pck.pce_id, from->pceid);
}

/* The PEM text of the PCK chain; an empty one means that a need was noted. */
static bool
pck_text_find(struct bytes *text, struct run *run, struct reason *why)
{
	const struct quote *quote = &run->out->quote;
	struct collateral *item;
	struct dv_key key;

	*text = quote->cert_data;
	if (quote->cert_type == QUOTE_CERT_PCK_CHAIN)
		return true;
	*text = (struct bytes){ NULL, 0 };
	pck_key(&key, quote);
	item = dcap_item_find(run->dcap, &key);
	if (item == NULL)
		item = dcap_pinned_find(run->dcap, DV_FACT_PCK_CERTIFICATE);
	if (item != NULL) {
		*text = item->text;
		return true;
	}
	if (key_failed(run, &key))
		return unavailable(&key, why);
	need_add(run, &key);
	return true;
}

static void
platform_fill(struct dcap_result *out, const struct pck_chain *chain)
{
	const struct pck *pck = &chain->pck;
	struct dcap_platform *to = &out->platform;

	out->has_platform = true;
	memcpy(to->ppid, pck->ppid, sizeof to->ppid);
	to->has_piid = pck->has_instance_id;
	memcpy(to->piid, pck->instance_id, sizeof to->piid);
	memcpy(to->fmspc, pck->fmspc, sizeof to->fmspc);
	memcpy(to->pce_id, pck->pceid, sizeof to->pce_id);
	memcpy(to->cpu_svn, pck->cpusvn, sizeof to->cpu_svn);
	to->pce_svn = pck->pcesvn;
	to->ca = chain->ca_kind;
	to->dynamic_platform = pck->dynamic_platform;
	to->cached_keys = pck->cached_keys;
	to->smt_enabled = pck->smt_enabled;
}

static bool
qe_debug_check(const struct quote *quote, struct reason *why)
{
	if (quote->qe_report.debug)
		return reject(why, REASON_REFUSED,
		    "QE report validation failed: Debug mode is enabled");
	return true;
}

/*
 * The first half: everything that needs no collateral.  What fails here is final, and
 * nothing has been asked for, but for the certificate of types 2 and 3 itself.
 */
static bool
authenticate(struct run *run, struct reason *why)
{
	const struct quote *quote = &run->out->quote;
	unsigned long *nops = run->tools.nops;
	struct bytes pem;

	if (!pck_text_find(&pem, run, why))
		return false;
	if (run->out->nneeds != 0)
		return true;
	if (!pck_chain_verify(&run->chain, &run->tools, pem, run->request->now, why))
		return false;
	platform_fill(run->out, run->chain);
	return qe_report_verify(&run->qe_key, &run->qe_hit, quote, &run->chain->leaf.key,
	    run->tools.signatures, nops, why) &&
	    qe_binding_check(quote, why) &&
	    qe_debug_check(quote, why) &&
	    quote_verify(quote, nops, why) &&
	    report_attributes_check(quote, run->request->allow_service_td, why);
}

static bool
parse(struct run *run, struct reason *why)
{
	struct dcap_result *out = run->out;

	if (!quote_read(&out->quote, run->request->quote, why))
		return reject_as(why, "Failed to parse quote");
	out->has_quote = true;
	return quote_check(&out->quote, why);
}

static void
item_key(struct dv_key *key, const struct run *run, enum item which)
{
	memset(key, 0, sizeof *key);
	switch (which) {
	case ITEM_ROOT_CRL:
		key->type = DV_FACT_ROOT_CA_CRL;
		return;
	case ITEM_PCK_CRL:
		key->type = DV_FACT_PCK_CRL;
		key->ca = run->chain->ca_kind;
		return;
	case ITEM_TCB:
		key->type = DV_FACT_TCB_INFO;
		memcpy(key->fmspc, run->chain->pck.fmspc, sizeof key->fmspc);
		break;
	case ITEM_QE:
		key->type = DV_FACT_QE_IDENTITY;
		break;
	case ITEM_COUNT:
		break;
	}
	key->tee = run_tee(run);
	key->early = run->dcap->config.early;
}

/* Section 12.4: when an item should be fetched again, and when it must not serve any more. */
static void
item_age(bool *refetch, bool *too_old, const struct run *run, const struct collateral *item)
{
	const struct dcap_config *config = &run->dcap->config;
	int64_t max_age = item->key.type == DV_FACT_ROOT_CA_CRL ?
	    config->root_crl_max_age_secs : config->max_age_secs;
	int64_t stale = config->serve_stale_max_secs > max_age ?
	    config->serve_stale_max_secs : max_age;
	int64_t clock = run->request->clock != 0 ? run->request->clock : run->request->now;
	int64_t age;

	*refetch = !collateral_current(item, run->request->now);
	*too_old = false;
	if (item->fetched_at == 0)
		return;
	age = clock - item->fetched_at;
	if (max_age > 0 && age > max_age)
		*refetch = true;
	if (stale > 0 && age > stale)
		*refetch = *too_old = true;
}

/* One item: found, asked for, or given up. */
static bool
item_get(struct run *run, enum item which, struct reason *why)
{
	struct collateral *item;
	struct dv_key key;
	bool failed, refetch = true, too_old = false;

	item_key(&key, run, which);
	failed = key_failed(run, &key);
	item = dcap_item_find(run->dcap, &key);
	if (item == NULL && failed)
		item = dcap_pinned_find(run->dcap, key.type);
	if (item != NULL && item->pinned)
		refetch = false;
	else if (item != NULL)
		item_age(&refetch, &too_old, run, item);
	if (refetch && !failed) {
		need_add(run, &key);
		return true;
	}
	if (item == NULL || too_old)
		return unavailable(&key, why);
	run->items[which] = item;
	return true;
}

/* All that is missing, in one answer. */
static bool
items_get(struct run *run, struct reason *why)
{
	struct reason first = { .kind = REASON_NONE };
	bool ok = true;

	/* TCB info first: of several missing items its name tells most. */
	static const enum item order[] = { ITEM_TCB, ITEM_QE, ITEM_PCK_CRL, ITEM_ROOT_CRL };

	for (size_t i = 0; i < NELEM(order); i++)
		if (!item_get(run, order[i], why) && ok) {
			ok = false;
			first = *why;
		}
	if (!ok)
		*why = first;
	return ok;
}

/* Dates before signatures: who looks at stale collateral wants to read that it is stale. */
static bool
windows_check(const struct run *run, struct reason *why)
{
	static const enum item order[] = { ITEM_TCB, ITEM_QE, ITEM_ROOT_CRL, ITEM_PCK_CRL };
	int64_t now = run->request->now;

	for (size_t i = 0; i < NELEM(order); i++) {
		const struct collateral *item = run->items[order[i]];

		if (item->readable && !collateral_window_check(item, now, why))
			return retryable(item, why);
	}
	return true;
}

static bool
items_settle(const struct run *run, struct reason *why)
{
	for (size_t i = 0; i < ITEM_COUNT; i++)
		if (!collateral_settle(run->items[i], &run->tools, why))
			return false;
	return true;
}

static bool
revocation_check(const struct run *run, struct bytes issuer, struct bytes serial, bool is_ca,
    struct reason *why)
{
	const struct crl *const crls[] = {
		run->items[ITEM_ROOT_CRL]->crl,
		run->items[ITEM_PCK_CRL]->crl,
	};

	return crl_revocation_check(crls, NELEM(crls), issuer, serial, is_ca, run->request->now,
	    why);
}

/* Step 2: the anchor against its own CRL. */
static bool
anchor_revocation_check(const struct run *run, struct reason *why)
{
	const struct cert *anchor = &run->dcap->anchor->cert;

	return revocation_check(run, anchor->issuer, anchor->serial, true, why);
}

/* Steps 11 and 14: the signer of a document, by date and revocation. */
static bool
signer_check(const struct run *run, enum item which, struct reason *why)
{
	const struct collateral *item = run->items[which];
	const struct chain_cert *signer = &item->signer;
	struct bytes root = run->dcap->anchor->cert.subject;

	if (!cert_dates_check(signer->not_before, signer->not_after, run->request->now, why)) {
		(void)reject_as(why, "Failed to verify certificate chain");
		return retryable(item, why);
	}
	if (!revocation_check(run, root, chain_cert_serial(signer), false, why))
		return reject_as(why, "Failed to verify certificate chain");
	return true;
}

/* Whatever CRL speaks for the leaf must be signed by the CA of the quote's own chain. */
static bool
leaf_crl_verify(const struct run *run, struct reason *why)
{
	const struct pck_chain *chain = run->chain;

	for (size_t i = ITEM_ROOT_CRL; i <= ITEM_PCK_CRL; i++) {
		struct collateral *item = run->items[i];

		if (!bytes_equal(crl_issuer(item->crl), pck_chain_ca_name(chain)))
			continue;
		if (!chain->ca_may_sign_crls)
			return reject(why, REASON_REFUSED, "IssuerNotCrlSigner");
		if (!collateral_crl_verify(item, &chain->ca.key, run->tools.nops, why))
			return false;
	}
	return true;
}

static bool
chain_revocation_check(const struct run *run, struct reason *why)
{
	const struct pck_chain *chain = run->chain;
	struct bytes root = run->dcap->anchor->cert.subject;

	if (!leaf_crl_verify(run, why) ||
	    !revocation_check(run, root, chain_cert_serial(&chain->ca), true, why) ||
	    !revocation_check(run, pck_chain_ca_name(chain), chain_cert_serial(&chain->leaf),
	    false, why))
		return reject_as(why, "Failed to verify certificate chain");
	return true;
}

/* Steps 21 and 23 to 26; only then is the QE report's signature worth remembering. */
static bool
qe_check(const struct run *run, struct reason *why)
{
	const struct qe_identity *identity = &run->items[ITEM_QE]->qe;
	const struct enclave_report *report = &run->out->quote.qe_report;
	const struct isv_level *level;

	if (!qe_identity_report_check(identity, report, why) ||
	    !qe_identity_level_find(&level, identity, report->isv_svn, why))
		return false;
	if (!run->qe_hit)
		signature_memo_add(run->dcap->signatures, &run->qe_key, run->chain->pck.ppid);
	return true;
}

static void
numbers_fill(struct tcb_numbers *out, const struct run *run)
{
	const struct quote *quote = &run->out->quote;
	const struct td_report *td = &quote->td;

	*out = (struct tcb_numbers){
		.tee = run_tee(run),
		.pce_svn = run->chain->pck.pcesvn,
		.qe_isv_svn = quote->qe_report.isv_svn,
	};
	memcpy(out->cpu_svn, run->chain->pck.cpusvn, sizeof out->cpu_svn);
	bytes_copy(out->tee_tcb_svn, td->tee_tcb_svn);
	bytes_copy(out->mr_signer_seam, td->mr_signer_seam);
	bytes_copy(out->seam_attributes, td->seam_attributes);
	out->has_tee_tcb_svn2 = td->tee_tcb_svn2.len != 0;
	bytes_copy(out->tee_tcb_svn2, td->tee_tcb_svn2);
}

static bool
tcb_judge(struct run *run, struct arena *arena, struct reason *why)
{
	const struct tcb_info *tcb = &run->items[ITEM_TCB]->tcb;
	const struct pck *pck = &run->chain->pck;
	struct tcb_numbers numbers;

	numbers_fill(&numbers, run);
	return tcb_info_check(tcb, numbers.tee, pck->fmspc, pck->pceid, why) &&
	    tcb_match(&run->out->tcb, &numbers, tcb, &run->items[ITEM_QE]->qe,
	    run->dcap->config.tcb_rule, arena, why);
}

/* cRLNumber's own bytes, of the right-aligned ones that a CRL keeps. */
static bool
number_copy(struct bytes *out, const struct crl *crl, struct arena *arena, struct reason *why)
{
	struct bytes number = BYTES_OF(crl->number);

	*out = (struct bytes){ NULL, 0 };
	if (!crl->has_number)
		return true;
	while (number.len > 1 && number.ptr[0] == 0) {
		number.ptr++;
		number.len--;
	}
	return arena_copy(arena, out, number, why);
}

static bool
collateral_fill(const struct run *run, struct arena *arena, struct reason *why)
{
	struct dcap_collateral *to = &run->out->collateral;
	struct collateral *const *items = run->items;

	*to = (struct dcap_collateral){
		.tcb_evaluation_data_number = items[ITEM_TCB]->tcb.evaluation_data_number,
		.qe_evaluation_data_number = items[ITEM_QE]->qe.evaluation_data_number,
		.tcb = items[ITEM_TCB]->dates,
		.qe = items[ITEM_QE]->dates,
		.root_crl = items[ITEM_ROOT_CRL]->dates,
		.pck_crl = items[ITEM_PCK_CRL]->dates,
		.generation = run->dcap->generation,
	};
	to->has_fetched_at = true;
	for (size_t i = 0; i < ITEM_COUNT; i++) {
		if (items[i]->pinned)
			to->pinned = true;
		if (items[i]->pinned || items[i]->fetched_at == 0)
			to->has_fetched_at = false;
		else if (to->fetched_at == 0 || items[i]->fetched_at < to->fetched_at)
			to->fetched_at = items[i]->fetched_at;
	}
	if (!to->has_fetched_at)
		to->fetched_at = 0;
	return number_copy(&to->root_crl_number, items[ITEM_ROOT_CRL]->crl, arena, why) &&
	    number_copy(&to->pck_crl_number, items[ITEM_PCK_CRL]->crl, arena, why);
}

/* A pair of CRLs may have been given the wrong way round: each tells itself whose it is. */
static void
crls_order(struct run *run)
{
	struct bytes root = run->dcap->anchor->cert.subject;
	struct collateral *pck = run->items[ITEM_PCK_CRL];

	if (pck->crl != NULL && bytes_equal(crl_issuer(pck->crl), root)) {
		run->items[ITEM_PCK_CRL] = run->items[ITEM_ROOT_CRL];
		run->items[ITEM_ROOT_CRL] = pck;
	}
}

static bool
warn(struct dcap_result *out, const char *text, struct arena *arena, struct reason *why)
{
	assert(out->nwarnings < DCAP_WARNINGS_MAX);
	return arena_copy(arena, &out->warnings[out->nwarnings++], bytes_str(text), why);
}

static bool
warnings_fill(const struct run *run, struct arena *arena, struct reason *why)
{
	struct dcap_result *out = run->out;
	const struct bytes service_td = out->quote.td.mr_service_td;
	char text[sizeof "mr_service_td is " + 2 * 48] = "mr_service_td is ";

	if (out->tcb.has_current && !out->tcb.current_found &&
	    !warn(out, "tee_tcb_svn2 matches no TCB level", arena, why))
		return false;
	if (bytes_zero(service_td))
		return true;
	hex_text(text + strlen(text), service_td);
	return warn(out, text, arena, why);
}

/* The second half: with all four items at hand. */
static bool
judge(struct run *run, struct arena *arena, struct reason *why)
{
	enum dv_tee tee = run_tee(run);

	return windows_check(run, why) &&
	    items_settle(run, why) &&
	    anchor_revocation_check(run, why) &&
	    signer_check(run, ITEM_TCB, why) &&
	    signer_check(run, ITEM_QE, why) &&
	    qe_identity_check(&run->items[ITEM_QE]->qe, tee, why) &&
	    chain_revocation_check(run, why) &&
	    qe_check(run, why) &&
	    tcb_judge(run, arena, why) &&
	    collateral_fill(run, arena, why) &&
	    warnings_fill(run, arena, why);
}

static enum dcap_outcome
verify(struct run *run, struct arena *arena, struct reason *why)
{
	if (!clock_check(run, why) ||
	    !anchor_check(run->dcap->anchor, run->request->now, why) ||
	    !parse(run, why) ||
	    !authenticate(run, why))
		return DCAP_REFUSED;
	if (run->out->nneeds == 0 && !items_get(run, why))
		return DCAP_REFUSED;
	if (run->out->nneeds != 0)
		return DCAP_NEEDS;
	crls_order(run);
	return judge(run, arena, why) ? DCAP_VERIFIED : DCAP_REFUSED;
}

enum dcap_outcome
dcap_verify(struct dcap_result *out, struct dcap *dcap, const struct dcap_request *request,
    struct arena *arena, struct reason *why)
{
	struct run run = {
		.dcap = dcap,
		.request = request,
		.out = out,
		.tools = dcap_tools(dcap),
	};

	*out = (struct dcap_result){ .outcome = DCAP_REFUSED };
	*why = (struct reason){ .kind = REASON_NONE };
	out->outcome = verify(&run, arena, why);
	if (out->outcome != DCAP_NEEDS)
		out->nneeds = 0;
	pck_chain_free(run.chain);
	return out->outcome;
}
