#include "dcap/dcap.h"

#include <stdlib.h>

#include "dcap/collateral_object.h"
#include "dcap/dcap_context.h"

/* One call's decoded certificates: a chain of 32 KiB and what hex and base64 need. */
#define SCRATCH_MAX_LEN         ((size_t)1 << 20)

static bool
parts_new(struct dcap *dcap, struct reason *why)
{
	const struct dcap_config *config = &dcap->config;

	dcap->anchor = config->anchor.len == 0 ? anchor_intel_new(why) :
	    anchor_external_new(config->anchor, why);
	if (dcap->anchor == NULL)
		return false;
	dcap->signatures = signature_memo_new(SIGNATURE_MEMO_ENTRIES);
	dcap->chains = pck_chain_memo_new(PCK_CHAIN_MEMO_ENTRIES);
	dcap->marks = marks_new();
	dcap->scratch = arena_new(SCRATCH_MAX_LEN);
	if (dcap->signatures == NULL || dcap->chains == NULL || dcap->marks == NULL ||
	    dcap->scratch == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return true;
}

bool
dcap_new(struct dcap **out, const struct dcap_config *config, struct reason *why)
{
	AUTO(dcap_free) struct dcap *dcap = calloc(1, sizeof *dcap);

	*out = NULL;
	if (dcap == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	dcap->config = *config;
	dcap->seen = INT64_MIN;
	if (!parts_new(dcap, why))
		return false;
	dcap->config.anchor = (struct bytes){ NULL, 0 };
	*out = TAKE(dcap);
	return true;
}

void
dcap_free(struct dcap *dcap)
{
	if (dcap == NULL)
		return;
	for (size_t i = 0; i < dcap->nitems; i++)
		collateral_free(dcap->items[i]);
	arena_free(dcap->scratch);
	marks_free(dcap->marks);
	pck_chain_memo_free(dcap->chains);
	signature_memo_free(dcap->signatures);
	anchor_free(dcap->anchor);
	free(dcap);
}

bool
dcap_external(const struct dcap *dcap)
{
	return !dcap->anchor->production;
}

uint64_t
dcap_operations(const struct dcap *dcap)
{
	return dcap->nops;
}

struct chain_tools
dcap_tools(struct dcap *dcap)
{
	arena_reset(dcap->scratch);
	return (struct chain_tools){
		.anchor = dcap->anchor,
		.signatures = dcap->signatures,
		.chains = dcap->chains,
		.arena = dcap->scratch,
		.nops = &dcap->nops,
	};
}

/* Where the item of a key and a kind (pinned or fetched) is; nitems: nowhere. */
static size_t
item_index(const struct dcap *dcap, const struct dv_key *key, bool pinned)
{
	size_t i;

	for (i = 0; i < dcap->nitems; i++)
		if (dcap->items[i]->pinned == pinned &&
		    collateral_key_equal(&dcap->items[i]->key, key))
			break;
	return i;
}

static struct collateral *
item_at(struct dcap *dcap, size_t i)
{
	if (i == dcap->nitems)
		return NULL;
	dcap->items[i]->used = ++dcap->nuses;
	return dcap->items[i];
}

struct collateral *
dcap_item_find(struct dcap *dcap, const struct dv_key *key)
{
	struct collateral *item = item_at(dcap, item_index(dcap, key, true));

	return item != NULL ? item : item_at(dcap, item_index(dcap, key, false));
}

/* Pinned items lie in the order in which they were given. */
struct collateral *
dcap_pinned_find(struct dcap *dcap, enum dv_fact_type type)
{
	for (size_t i = dcap->nitems; i-- > 0;)
		if (dcap->items[i]->pinned && dcap->items[i]->key.type == type)
			return dcap->items[i];
	return NULL;
}

static void
item_drop(struct dcap *dcap, size_t i)
{
	collateral_free(dcap->items[i]);
	dcap->nitems--;
	memmove(&dcap->items[i], &dcap->items[i + 1], (dcap->nitems - i) * sizeof dcap->items[0]);
}

/* Makes room for one: the fetched item that was not used for longest goes. */
static bool
room_make(struct dcap *dcap, struct reason *why)
{
	size_t oldest = dcap->nitems;

	if (dcap->nitems < DCAP_MAX_ITEMS)
		return true;
	for (size_t i = 0; i < dcap->nitems; i++)
		if (!dcap->items[i]->pinned && (oldest == dcap->nitems ||
		    dcap->items[i]->used < dcap->items[oldest]->used))
			oldest = i;
	if (oldest == dcap->nitems)
		return reject(why, REASON_LIMIT, "more than %d items of collateral",
		    DCAP_MAX_ITEMS);
	item_drop(dcap, oldest);
	return true;
}

/* Puts an item in the place of the one with its key, or behind all others. */
static bool
item_store(struct dcap *dcap, struct collateral **item, struct reason *why)
{
	size_t i = item_index(dcap, &(*item)->key, (*item)->pinned);

	if (i != dcap->nitems)
		item_drop(dcap, i);
	else if (!room_make(dcap, why))
		return false;
	(*item)->used = ++dcap->nuses;
	dcap->items[dcap->nitems++] = TAKE(*item);
	dcap->generation++;
	return true;
}

/* The release's floors are of Intel's documents, and of the time of the release. */
static bool
has_floors(const struct dcap *dcap)
{
	return !dcap->config.pinned_at && dcap->anchor->production;
}

static void
seen_raise(struct dcap *dcap, int64_t date)
{
	if (!dcap->config.pinned_at && date > dcap->seen)
		dcap->seen = date;
}

/* The same bytes again: a successful fetch of what is there. */
static struct collateral *
item_again(struct dcap *dcap, const struct collateral *item)
{
	size_t i = item_index(dcap, &item->key, false);

	if (i == dcap->nitems || dcap->items[i]->state != COLLATERAL_GOOD ||
	    memcmp(dcap->items[i]->digest, item->digest, sizeof item->digest) != 0)
		return NULL;
	if (item->fetched_at > dcap->items[i]->fetched_at)
		dcap->items[i]->fetched_at = item->fetched_at;
	return dcap->items[i];
}

/* Date rules of an item and of the certificates it came with. */
static bool
item_window_check(const struct collateral *item, int64_t now, struct reason *why)
{
	if (!collateral_window_check(item, now, why))
		return false;
	if (!collateral_current(item, now))
		return reject(why, REASON_REFUSED, "issuer chain is outside its validity");
	return true;
}

/* Genuine, but not now: kept only when nothing better is there, for the sake of its text. */
static bool
outdated_keep(struct dcap *dcap, struct collateral **item, int64_t now, struct reason *why)
{
	size_t i = item_index(dcap, &(*item)->key, false);

	if (i != dcap->nitems && collateral_current(dcap->items[i], now))
		return true;
	return item_store(dcap, item, why);
}

/* A PCK certificate is accepted when its chain verifies and it is for the TCB asked about. */
static bool
pck_offer(struct dcap *dcap, struct collateral *item, int64_t now, struct reason *why)
{
	AUTO(pck_chain_free) struct pck_chain *chain = NULL;
	const struct chain_tools tools = dcap_tools(dcap);
	const struct dv_pck_id *id = &item->key.pck;

	if (!pck_chain_verify(&chain, &tools, item->text, now, why))
		return false;
	if (memcmp(chain->pck.cpusvn, id->cpu_svn, sizeof id->cpu_svn) != 0 ||
	    chain->pck.pcesvn != (id->pce_svn[0] | id->pce_svn[1] << 8))
		return reject(why, REASON_REFUSED, "TCB level mismatch: the PCK certificate is "
		    "for another TCB, platform not re-registered");
	item->dates = (struct dv_dates){ chain->leaf.not_before, chain->leaf.not_after };
	item->valid_from = chain->leaf.not_before;
	item->valid_until = chain->leaf.not_after + 1;
	item->readable = true;
	item->state = COLLATERAL_GOOD;
	return true;
}

static bool
item_offer(struct dcap *dcap, struct collateral **item, int64_t now, struct reason *why)
{
	const struct chain_tools tools = dcap_tools(dcap);
	struct mark_values values;
	struct reason kept;

	if (!collateral_settle(*item, &tools, why) || !collateral_key_check(*item, why))
		return false;
	collateral_values(&values, *item);
	seen_raise(dcap, values.date);
	if (!marks_check(dcap->marks, &(*item)->key, &values, has_floors(dcap), now, why))
		return false;
	if (!item_window_check(*item, now, why)) {
		(void)outdated_keep(dcap, item, now, &kept);
		return false;
	}
	marks_raise(dcap->marks, &(*item)->key, &values);
	return item_store(dcap, item, why);
}

bool
dcap_offer(struct dcap *dcap, const struct dv_key *key, const struct dv_fact *fact, int64_t now,
    struct dv_dates *dates, struct reason *why)
{
	AUTO(collateral_free) struct collateral *item = NULL;
	struct collateral *same;

	if (!collateral_fetched_new(&item, key, fact, why))
		return false;
	same = item_again(dcap, item);
	if (same != NULL) {
		*dates = same->dates;
		return key->type == DV_FACT_PCK_CERTIFICATE ||
		    item_window_check(same, now, why);
	}
	if (key->type == DV_FACT_PCK_CERTIFICATE) {
		if (!pck_offer(dcap, item, now, why))
			return false;
		*dates = item->dates;
		return item_store(dcap, &item, why);
	}
	if (!item_offer(dcap, &item, now, why))
		return false;
	*dates = dcap->items[dcap->nitems - 1]->dates;
	return true;
}

bool
dcap_pin(struct dcap *dcap, struct bytes json, int64_t now, struct reason *why)
{
	struct collateral_object object;
	bool ok = true;

	if (!collateral_object_read(&object, json, dcap->config.early, why))
		return false;
	for (size_t i = 0; i < object.n && ok; i++) {
		size_t old = item_index(dcap, &object.items[i]->key, true);

		if (old != dcap->nitems && collateral_current(dcap->items[old], now) &&
		    !collateral_current(object.items[i], now))
			continue;
		ok = item_store(dcap, &object.items[i], why);
	}
	collateral_object_fini(&object);
	return ok;
}

void
dcap_unpin(struct dcap *dcap)
{
	for (size_t i = dcap->nitems; i-- > 0;)
		if (dcap->items[i]->pinned)
			item_drop(dcap, i);
}

/* Seconds that a date may lie ahead of `now` before age counts from it. */
#define AGE_SKEW_S              300

static bool
age_check(const char *what, int64_t date, int64_t max_age_secs, int64_t now,
    struct reason *why)
{
	if (date > now + AGE_SKEW_S)
		return reject(why, REASON_REFUSED, "%s is dated in the future", what);
	if (now - date > max_age_secs)
		return reject(why, REASON_REFUSED, "%s is older than %lld seconds", what,
		    (long long)max_age_secs);
	return true;
}

bool
dcap_freshness_check(const struct dcap_result *result, int64_t max_age_secs,
    uint32_t min_number, int64_t now, struct reason *why)
{
	const struct dcap_collateral *used = &result->collateral;

	if (max_age_secs > 0 &&
	    (!age_check("TCB info", used->tcb.issued, max_age_secs, now, why) ||
	    !age_check("QE identity", used->qe.issued, max_age_secs, now, why) ||
	    !age_check("PCK CRL", used->pck_crl.issued, max_age_secs, now, why)))
		return false;
	if (used->tcb_evaluation_data_number < min_number)
		return reject(why, REASON_REFUSED,
		    "TCB info has tcbEvaluationDataNumber %u, not at least %u",
		    used->tcb_evaluation_data_number, min_number);
	if (used->qe_evaluation_data_number < min_number)
		return reject(why, REASON_REFUSED,
		    "QE identity has tcbEvaluationDataNumber %u, not at least %u",
		    used->qe_evaluation_data_number, min_number);
	return true;
}
