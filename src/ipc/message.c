#include "ipc/message.h"

#include <assert.h>

/* Bounds on lists in a configuration; the frame's own length bounds their sum. */
#define LIST_MAX        65536

static bool
malformed(struct reason *why, const char *what)
{
	return reject(why, REASON_MALFORMED, "%s message is malformed", what);
}

static bool
bool_read(bool *out, CBS *in)
{
	uint8_t value;

	if (!CBS_get_u8(in, &value) || value > 1)
		return false;
	*out = value != 0;
	return true;
}

static bool
bool_write(CBB *out, bool value)
{
	return CBB_add_u8(out, value);
}

static bool
i64_read(int64_t *out, CBS *in)
{
	uint64_t value;

	if (!CBS_get_u64le(in, &value))
		return false;
	*out = (int64_t)value;
	return true;
}

static bool
i64_write(CBB *out, int64_t value)
{
	return CBB_add_u64le(out, (uint64_t)value);
}

/* A length and as many bytes. */
static bool
span_read(struct bytes *out, CBS *in)
{
	uint32_t len;
	CBS value;

	if (!CBS_get_u32le(in, &len) || !CBS_get_bytes(in, &value, len))
		return false;
	*out = bytes_cbs(&value);
	return true;
}

static bool
span_write(CBB *out, struct bytes value)
{
	return value.len <= UINT32_MAX && CBB_add_u32le(out, (uint32_t)value.len) &&
	    CBB_add_bytes(out, value.ptr, value.len);
}

static struct bytes
bytes_span(struct dv_span span)
{
	return (struct bytes){ span.ptr, span.len };
}

static struct dv_span
span_bytes(struct bytes bytes)
{
	return (struct dv_span){ bytes.ptr, bytes.len };
}

/* Keys */

/* Which members a type of fact has; the others are zero, on the wire too. */
struct key_shape {
	bool    known, tee, ca, early, fmspc, image, initrd_addr, pck;
};

static struct key_shape
key_shape(unsigned type)
{
	switch (type) {
	case DV_FACT_TCB_INFO:
		return (struct key_shape){ .known = true, .tee = true, .early = true,
		    .fmspc = true };
	case DV_FACT_QE_IDENTITY:
		return (struct key_shape){ .known = true, .tee = true, .early = true };
	case DV_FACT_PCK_CRL:
		return (struct key_shape){ .known = true, .ca = true };
	case DV_FACT_ROOT_CA_CRL:
		return (struct key_shape){ .known = true };
	case DV_FACT_PCK_CERTIFICATE:
		return (struct key_shape){ .known = true, .pck = true };
	case DV_FACT_IMAGE:
		return (struct key_shape){ .known = true, .image = true };
	case DV_FACT_KERNEL:
		return (struct key_shape){ .known = true, .image = true, .initrd_addr = true };
	default:
		return (struct key_shape){ 0 };
	}
}

static bool
pck_id_read(struct dv_pck_id *pck, CBS *in)
{
	struct bytes ppid;

	if (!CBS_copy_bytes(in, pck->qe_id, sizeof pck->qe_id) || !span_read(&ppid, in) ||
	    (ppid.len != 256 && ppid.len != 384) ||
	    !CBS_copy_bytes(in, pck->cpu_svn, sizeof pck->cpu_svn) ||
	    !CBS_copy_bytes(in, pck->pce_svn, sizeof pck->pce_svn) ||
	    !CBS_copy_bytes(in, pck->pce_id, sizeof pck->pce_id))
		return false;
	bytes_copy(pck->encrypted_ppid, ppid);
	pck->encrypted_ppid_len = ppid.len;
	return true;
}

static bool
pck_id_write(CBB *out, const struct dv_pck_id *pck)
{
	return CBB_add_bytes(out, pck->qe_id, sizeof pck->qe_id) &&
	    span_write(out, (struct bytes){ pck->encrypted_ppid, pck->encrypted_ppid_len }) &&
	    CBB_add_bytes(out, pck->cpu_svn, sizeof pck->cpu_svn) &&
	    CBB_add_bytes(out, pck->pce_svn, sizeof pck->pce_svn) &&
	    CBB_add_bytes(out, pck->pce_id, sizeof pck->pce_id);
}

bool
message_key_read(struct dv_key *key, CBS *in, struct reason *why)
{
	struct key_shape shape;
	uint8_t type, tee = 0, ca = 0;

	memset(key, 0, sizeof *key);
	if (!CBS_get_u8(in, &type))
		return malformed(why, "key");
	shape = key_shape(type);
	if (!shape.known ||
	    (shape.tee && (!CBS_get_u8(in, &tee) || (tee != DV_TEE_SGX && tee != DV_TEE_TDX))) ||
	    (shape.ca && (!CBS_get_u8(in, &ca) ||
	    (ca != DV_PCK_CA_PROCESSOR && ca != DV_PCK_CA_PLATFORM))) ||
	    (shape.early && !bool_read(&key->early, in)) ||
	    (shape.fmspc && !CBS_copy_bytes(in, key->fmspc, sizeof key->fmspc)) ||
	    (shape.image && !CBS_copy_bytes(in, key->image, sizeof key->image)) ||
	    (shape.initrd_addr && !CBS_get_u32le(in, &key->initrd_addr)) ||
	    (shape.pck && !pck_id_read(&key->pck, in)))
		return malformed(why, "key");
	key->type = type;
	key->tee = tee;
	key->ca = ca;
	return true;
}

bool
message_key_write(CBB *out, const struct dv_key *key)
{
	struct key_shape shape = key_shape(key->type);

	assert(shape.known);
	return CBB_add_u8(out, (uint8_t)key->type) &&
	    (!shape.tee || CBB_add_u8(out, (uint8_t)key->tee)) &&
	    (!shape.ca || CBB_add_u8(out, (uint8_t)key->ca)) &&
	    (!shape.early || bool_write(out, key->early)) &&
	    (!shape.fmspc || CBB_add_bytes(out, key->fmspc, sizeof key->fmspc)) &&
	    (!shape.image || CBB_add_bytes(out, key->image, sizeof key->image)) &&
	    (!shape.initrd_addr || CBB_add_u32le(out, key->initrd_addr)) &&
	    (!shape.pck || pck_id_write(out, &key->pck));
}

/* Failures */

static bool
failure_read(struct dv_failure *failure, CBS *in, struct reason *why)
{
	uint16_t status, len;
	CBS refusal;

	if (!message_key_read(&failure->key, in, why))
		return false;
	if (!CBS_get_u16le(in, &status) || !bool_read(&failure->retryable, in) ||
	    !CBS_get_u16le(in, &len) ||
	    len > MESSAGE_MAX_REFUSAL_LEN || !CBS_get_bytes(in, &refusal, len))
		return malformed(why, "failure");
	failure->http_status = status;
	failure->refusal = span_bytes(bytes_cbs(&refusal));
	return true;
}

static bool
failure_write(CBB *out, const struct dv_failure *failure)
{
	return failure->refusal.len <= MESSAGE_MAX_REFUSAL_LEN &&
	    message_key_write(out, &failure->key) &&
	    CBB_add_u16le(out, (uint16_t)failure->http_status) &&
	    bool_write(out, failure->retryable) &&
	    CBB_add_u16le(out, (uint16_t)failure->refusal.len) &&
	    CBB_add_bytes(out, failure->refusal.ptr, failure->refusal.len);
}

bool
message_failed_read(struct dv_failure *failure, CBS *in, struct reason *why)
{
	if (!failure_read(failure, in, why))
		return false;
	return CBS_len(in) == 0 || malformed(why, "FAILED");
}

bool
message_failed_write(CBB *out, const struct dv_failure *failure)
{
	return failure_write(out, failure);
}

/* Jobs and verdicts */

bool
message_job_read(struct job_head *head, struct bytes *body, CBS *in, struct reason *why)
{
	uint8_t kind, nfailures;

	if (!CBS_get_u8(in, &kind) || kind < JOB_VERIFY || kind > JOB_FAULT ||
	    !bool_read(&head->full_reason, in) || !bool_read(&head->summary, in) ||
	    !CBS_get_u8(in, &nfailures) || nfailures > MESSAGE_MAX_FAILURES)
		return malformed(why, "JOB");
	for (size_t i = 0; i < nfailures; i++)
		if (!failure_read(&head->failures[i], in, why))
			return false;
	head->kind = kind;
	head->nfailures = nfailures;
	*body = bytes_cbs(in);
	return true;
}

bool
message_job_write(CBB *out, const struct job_head *head)
{
	assert(head->nfailures <= MESSAGE_MAX_FAILURES);
	if (!CBB_add_u8(out, (uint8_t)head->kind) || !bool_write(out, head->full_reason) ||
	    !bool_write(out, head->summary) || !CBB_add_u8(out, (uint8_t)head->nfailures))
		return false;
	for (size_t i = 0; i < head->nfailures; i++)
		if (!failure_write(out, &head->failures[i]))
			return false;
	return true;
}

bool
message_verdict_read(struct verdict_head *head, struct bytes *text, CBS *in, struct reason *why)
{
	uint16_t status;
	uint8_t stage;

	if (!CBS_get_u16le(in, &status) ||
	    (status != 200 && status != 400 && status != 422) ||
	    !bool_read(&head->valid, in) || !bool_read(&head->retryable, in) ||
	    !bool_read(&head->unavailable, in) ||
	    !CBS_get_u8(in, &stage) || stage > DV_STAGE_INTERNAL ||
	    !CBS_get_u32le(in, &head->public_key_operations) || !span_read(&head->summary, in))
		return malformed(why, "VERDICT");
	if (head->valid && (status != 200 || head->retryable || head->unavailable ||
	    stage != DV_STAGE_NONE))
		return malformed(why, "VERDICT");
	head->http_status = status;
	head->stage = stage;
	*text = bytes_cbs(in);
	return true;
}

bool
message_verdict_write(CBB *out, const struct verdict_head *head)
{
	return CBB_add_u16le(out, (uint16_t)head->http_status) && bool_write(out, head->valid) &&
	    bool_write(out, head->retryable) && bool_write(out, head->unavailable) &&
	    CBB_add_u8(out, (uint8_t)head->stage) &&
	    CBB_add_u32le(out, head->public_key_operations) && span_write(out, head->summary);
}

/* Facts */

bool
message_need_read(struct dv_key keys[DV_NEEDS_MAX], size_t *n, CBS *in, struct reason *why)
{
	*n = 0;
	while (CBS_len(in) != 0) {
		if (*n == DV_NEEDS_MAX)
			return malformed(why, "NEED");
		if (!message_key_read(&keys[*n], in, why))
			return false;
		(*n)++;
	}
	return *n != 0 || malformed(why, "NEED");
}

bool
message_need_write(CBB *out, const struct dv_key *keys, size_t n)
{
	assert(n > 0 && n <= DV_NEEDS_MAX);
	for (size_t i = 0; i < n; i++)
		if (!message_key_write(out, &keys[i]))
			return false;
	return true;
}

bool
message_fact_read(struct fact_message *fact, CBS *in, struct reason *why)
{
	struct bytes body, chain;

	if (!message_key_read(&fact->key, in, why))
		return false;
	if (!CBS_get_u64le(in, &fact->serial) || !bool_read(&fact->candidate, in) ||
	    !bool_read(&fact->refresh, in) || !bool_read(&fact->stale, in) ||
	    !i64_read(&fact->fact.fetched_at, in) || !span_read(&chain, in) ||
	    !span_read(&body, in) || CBS_len(in) != 0)
		return malformed(why, "fact");
	fact->fact.body = span_bytes(body);
	fact->fact.chain = span_bytes(chain);
	return true;
}

bool
message_fact_write(CBB *out, const struct fact_message *fact)
{
	return message_key_write(out, &fact->key) && CBB_add_u64le(out, fact->serial) &&
	    bool_write(out, fact->candidate) && bool_write(out, fact->refresh) &&
	    bool_write(out, fact->stale) && i64_write(out, fact->fact.fetched_at) &&
	    span_write(out, bytes_span(fact->fact.chain)) &&
	    span_write(out, bytes_span(fact->fact.body));
}

bool
message_checked_read(struct checked_message *checked, CBS *in, struct reason *why)
{
	if (!message_key_read(&checked->key, in, why))
		return false;
	if (!CBS_get_u64le(in, &checked->serial) || !bool_read(&checked->accepted, in) ||
	    !i64_read(&checked->dates.issued, in) ||
	    !i64_read(&checked->dates.next_update, in) ||
	    !CBS_get_u64le(in, &checked->dates.number) || !span_read(&checked->reason, in) ||
	    CBS_len(in) != 0)
		return malformed(why, "CHECKED");
	return true;
}

bool
message_checked_write(CBB *out, const struct checked_message *checked)
{
	return message_key_write(out, &checked->key) && CBB_add_u64le(out, checked->serial) &&
	    bool_write(out, checked->accepted) && i64_write(out, checked->dates.issued) &&
	    i64_write(out, checked->dates.next_update) &&
	    CBB_add_u64le(out, checked->dates.number) && span_write(out, checked->reason);
}

/* A worker's configuration */

static bool
text_read(const char **out, struct arena *arena, CBS *in, struct reason *why)
{
	struct bytes text;

	if (!span_read(&text, in) || memchr(text.ptr, '\0', text.len) != NULL)
		return malformed(why, "CONFIG");
	if (!arena_copy(arena, &text, text, why))
		return false;
	*out = (const char *)text.ptr;
	return true;
}

static bool
list_read(struct dv_list *list, struct arena *arena, CBS *in, struct reason *why)
{
	const char **items;
	uint32_t n;

	if (!bool_read(&list->given, in) || !CBS_get_u32le(in, &n) || n > LIST_MAX ||
	    n > CBS_len(in))
		return malformed(why, "CONFIG");
	items = arena_array(arena, n, sizeof *items, why);
	if (items == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!text_read(&items[i], arena, in, why))
			return false;
	list->items = items;
	list->n = n;
	return true;
}

static bool
list_write(CBB *out, const struct dv_list *list)
{
	if (!bool_write(out, list->given) || list->n > LIST_MAX ||
	    !CBB_add_u32le(out, (uint32_t)list->n))
		return false;
	for (size_t i = 0; i < list->n; i++)
		if (!span_write(out, bytes_str(list->items[i])))
			return false;
	return true;
}

/*
 * Every member of struct dv_policy, once: reading and writing are made from this list, so
 * that neither can forget one.  ENUM names the last value there is.
 */
#define POLICY_MEMBERS(ENUM, U32, I64, BOOL, LIST, TEXT)        \
	ENUM(profile, DV_PROFILE_STRICT)                        \
	ENUM(tcb_rule, DV_TCB_RULE_INTEL)                       \
	ENUM(tcb_update, DV_TCB_UPDATE_EARLY)                   \
	U32(minimum_measurement_version)                        \
	BOOL(reject_duplicate_events)                           \
	BOOL(allow_explain)                                     \
	BOOL(lenient_json)                                      \
	U32(allowed_tcb_statuses)                               \
	U32(allowed_qe_tcb_statuses)                            \
	LIST(rejected_advisory_ids)                             \
	LIST(allowed_advisory_ids)                              \
	I64(max_collateral_age_secs)                            \
	U32(min_tcb_evaluation_data_number)                     \
	LIST(allowed_os_image_hashes)                           \
	LIST(allowed_app_ids)                                   \
	LIST(allowed_compose_hashes)                            \
	ENUM(os_image_anchor, DV_OS_IMAGE_LISTED)               \
	LIST(allowed_platforms)                                 \
	LIST(denied_platforms)                                  \
	BOOL(allow_service_td)                                  \
	LIST(allowed_key_providers)                             \
	LIST(allowed_tee_variants)                              \
	BOOL(reject_dev_images)                                 \
	TEXT(minimum_os_version)                                \
	I64(platform_grace_period_secs)                         \
	BOOL(allow_dynamic_platform)                            \
	BOOL(allow_cached_keys)                                 \
	BOOL(allow_smt)

static bool
policy_read(struct dv_policy *policy, struct arena *arena, CBS *in, struct reason *why)
{
	uint8_t value8;
	uint32_t value32;

#define READ_ENUM(member, max)                                                  \
	if (!CBS_get_u8(in, &value8) || value8 > (max))                         \
		return malformed(why, "CONFIG");                                \
	policy->member = value8;
#define READ_U32(member)                                                        \
	if (!CBS_get_u32le(in, &value32))                                       \
		return malformed(why, "CONFIG");                                \
	policy->member = value32;
#define READ_I64(member)                                                        \
	if (!i64_read(&policy->member, in))                                     \
		return malformed(why, "CONFIG");
#define READ_BOOL(member)                                                       \
	if (!bool_read(&policy->member, in))                                    \
		return malformed(why, "CONFIG");
#define READ_LIST(member)                                                       \
	if (!list_read(&policy->member, arena, in, why))                        \
		return false;
#define READ_TEXT(member)                                                       \
	if (!text_read(&policy->member, arena, in, why))                        \
		return false;
	POLICY_MEMBERS(READ_ENUM, READ_U32, READ_I64, READ_BOOL, READ_LIST, READ_TEXT)
	return true;
}

static bool
policy_write(CBB *out, const struct dv_policy *policy)
{
#define WRITE_ENUM(member, max) CBB_add_u8(out, (uint8_t)policy->member) &&
#define WRITE_U32(member)       CBB_add_u32le(out, policy->member) &&
#define WRITE_I64(member)       i64_write(out, policy->member) &&
#define WRITE_BOOL(member)      bool_write(out, policy->member) &&
#define WRITE_LIST(member)      list_write(out, &policy->member) &&
#define WRITE_TEXT(member)      span_write(out, bytes_str(policy->member)) &&
	return POLICY_MEMBERS(WRITE_ENUM, WRITE_U32, WRITE_I64, WRITE_BOOL, WRITE_LIST, WRITE_TEXT)
	    true;
}

static bool
options_read(struct dv_options *options, struct arena *arena, CBS *in, struct reason *why)
{
	struct bytes root;

	*options = (struct dv_options){ 0 };
	if (!policy_read(&options->policy, arena, in, why))
		return false;
	if (!span_read(&root, in) || !i64_read(&options->serve_stale_max_secs, in) ||
	    !i64_read(&options->collateral_max_cache_age_secs, in) ||
	    !i64_read(&options->root_crl_max_cache_age_secs, in) ||
	    !bool_read(&options->has_image_key, in) ||
	    !CBS_copy_bytes(in, options->image_key, sizeof options->image_key) ||
	    !bool_read(&options->pinned_at, in) || !i64_read(&options->at, in))
		return malformed(why, "CONFIG");
	if (!arena_copy(arena, &root, root, why))
		return false;
	options->root_ca_tdx = span_bytes(root);
	return true;
}

static bool
options_write(CBB *out, const struct dv_options *options)
{
	return policy_write(out, &options->policy) &&
	    span_write(out, bytes_span(options->root_ca_tdx)) &&
	    i64_write(out, options->serve_stale_max_secs) &&
	    i64_write(out, options->collateral_max_cache_age_secs) &&
	    i64_write(out, options->root_crl_max_cache_age_secs) &&
	    bool_write(out, options->has_image_key) &&
	    CBB_add_bytes(out, options->image_key, sizeof options->image_key) &&
	    bool_write(out, options->pinned_at) && i64_write(out, options->at);
}

bool
message_worker_config_read(struct worker_config *config, struct arena *arena, CBS *in,
    struct reason *why)
{
	if (!options_read(&config->options, arena, in, why))
		return false;
	if (!CBS_get_u32le(in, &config->npins) || CBS_len(in) != 0)
		return malformed(why, "CONFIG");
	return true;
}

bool
message_worker_config_write(CBB *out, const struct worker_config *config)
{
	return options_write(out, &config->options) && CBB_add_u32le(out, config->npins);
}

bool
message_acceptor_config_read(struct acceptor_config *config, CBS *in, struct reason *why)
{
	uint16_t status;

	if (!CBS_get_u64le(in, &config->max_body_bytes) ||
	    !CBS_get_u64le(in, &config->max_connections) ||
	    !CBS_get_u64le(in, &config->queue_max_jobs) ||
	    !CBS_get_u64le(in, &config->parked_max_jobs) ||
	    !CBS_get_u64le(in, &config->parked_max_bytes) ||
	    !CBS_get_u32le(in, &config->keep_alive_secs) ||
	    !CBS_get_u32le(in, &config->header_timeout_secs) ||
	    !CBS_get_u32le(in, &config->body_timeout_secs) ||
	    !CBS_get_u32le(in, &config->write_timeout_secs) ||
	    !CBS_get_u32le(in, &config->request_deadline_secs) ||
	    !CBS_get_u32le(in, &config->image_download_timeout_secs) ||
	    !CBS_get_u32le(in, &config->drain_deadline_secs) ||
	    !CBS_get_u16le(in, &status) || (status != 200 && status != 503) ||
	    !bool_read(&config->strict_http, in) || !CBS_get_u8(in, &config->log_level) ||
	    CBS_len(in) != 0)
		return malformed(why, "CONFIG");
	config->unavailable_status = status;
	return true;
}

bool
message_acceptor_config_write(CBB *out, const struct acceptor_config *config)
{
	return CBB_add_u64le(out, config->max_body_bytes) &&
	    CBB_add_u64le(out, config->max_connections) &&
	    CBB_add_u64le(out, config->queue_max_jobs) &&
	    CBB_add_u64le(out, config->parked_max_jobs) &&
	    CBB_add_u64le(out, config->parked_max_bytes) &&
	    CBB_add_u32le(out, config->keep_alive_secs) &&
	    CBB_add_u32le(out, config->header_timeout_secs) &&
	    CBB_add_u32le(out, config->body_timeout_secs) &&
	    CBB_add_u32le(out, config->write_timeout_secs) &&
	    CBB_add_u32le(out, config->request_deadline_secs) &&
	    CBB_add_u32le(out, config->image_download_timeout_secs) &&
	    CBB_add_u32le(out, config->drain_deadline_secs) &&
	    CBB_add_u16le(out, (uint16_t)config->unavailable_status) &&
	    bool_write(out, config->strict_http) && CBB_add_u8(out, config->log_level);
}

bool
message_fetcher_config_read(struct fetcher_config *config, struct arena *arena, CBS *in,
    struct reason *why)
{
	if (!list_read(&config->pccs_urls, arena, in, why) ||
	    !text_read(&config->cache_dir, arena, in, why))
		return false;
	if (!i64_read(&config->collateral_max_cache_age_secs, in) ||
	    !i64_read(&config->root_crl_max_cache_age_secs, in) ||
	    !i64_read(&config->serve_stale_max_secs, in) ||
	    !bool_read(&config->pinned_at, in) || !i64_read(&config->at, in))
		return malformed(why, "CONFIG");
	if (!text_read(&config->image_download_url, arena, in, why))
		return false;
	if (!CBS_get_u32le(in, &config->image_download_timeout_secs) ||
	    !CBS_get_u64le(in, &config->image_cache_max_bytes) ||
	    !CBS_get_u32le(in, &config->max_measurers) ||
	    !bool_read(&config->has_image_key, in) ||
	    !CBS_copy_bytes(in, config->image_key, sizeof config->image_key) ||
	    !bool_read(&config->progress, in) ||
	    !CBS_get_u8(in, &config->log_level) || CBS_len(in) != 0)
		return malformed(why, "CONFIG");
	return true;
}

bool
message_fetcher_config_write(CBB *out, const struct fetcher_config *config)
{
	return list_write(out, &config->pccs_urls) &&
	    span_write(out, bytes_str(config->cache_dir)) &&
	    i64_write(out, config->collateral_max_cache_age_secs) &&
	    i64_write(out, config->root_crl_max_cache_age_secs) &&
	    i64_write(out, config->serve_stale_max_secs) &&
	    bool_write(out, config->pinned_at) && i64_write(out, config->at) &&
	    span_write(out, bytes_str(config->image_download_url)) &&
	    CBB_add_u32le(out, config->image_download_timeout_secs) &&
	    CBB_add_u64le(out, config->image_cache_max_bytes) &&
	    CBB_add_u32le(out, config->max_measurers) &&
	    bool_write(out, config->has_image_key) &&
	    CBB_add_bytes(out, config->image_key, sizeof config->image_key) &&
	    bool_write(out, config->progress) && CBB_add_u8(out, config->log_level);
}

bool
message_worker_read(struct worker_message *worker, CBS *in, struct reason *why)
{
	if (!CBS_get_u32le(in, &worker->slot) || !span_read(&worker->deadline, in) ||
	    !span_read(&worker->internal, in) || CBS_len(in) != 0)
		return malformed(why, "WORKER");
	return true;
}

bool
message_worker_write(CBB *out, const struct worker_message *worker)
{
	return CBB_add_u32le(out, worker->slot) && span_write(out, worker->deadline) &&
	    span_write(out, worker->internal);
}

bool
message_stuck_read(uint32_t *slot, CBS *in, struct reason *why)
{
	return (CBS_get_u32le(in, slot) && CBS_len(in) == 0) || malformed(why, "STUCK");
}

bool
message_stuck_write(CBB *out, uint32_t slot)
{
	return CBB_add_u32le(out, slot);
}

bool
message_ready_read(struct ready_message *ready, CBS *in, struct reason *why)
{
	if (!bool_read(&ready->ok, in) || !CBS_get_u32le(in, &ready->pin) ||
	    !span_read(&ready->reason, in) ||
	    !span_read(&ready->deadline, in) || !span_read(&ready->internal, in) ||
	    CBS_len(in) != 0)
		return malformed(why, "READY");
	return true;
}

bool
message_ready_write(CBB *out, const struct ready_message *ready)
{
	return bool_write(out, ready->ok) && CBB_add_u32le(out, ready->pin) &&
	    span_write(out, ready->reason) &&
	    span_write(out, ready->deadline) && span_write(out, ready->internal);
}

/* Measuring */

bool
message_unpacked_read(struct unpacked_message *unpacked, CBS *in, struct reason *why)
{
	if (!bool_read(&unpacked->ok, in) || !bool_read(&unpacked->refused, in) ||
	    !CBS_get_u64le(in, &unpacked->nbytes) || !span_read(&unpacked->reason, in) ||
	    CBS_len(in) != 0)
		return malformed(why, "UNPACKED");
	/* Either what is there, or why nothing is. */
	if (unpacked->ok ? unpacked->refused || unpacked->reason.len != 0 :
	    unpacked->nbytes != 0 || unpacked->reason.len == 0)
		return malformed(why, "UNPACKED");
	return true;
}

bool
message_unpacked_write(CBB *out, const struct unpacked_message *unpacked)
{
	return bool_write(out, unpacked->ok) && bool_write(out, unpacked->refused) &&
	    CBB_add_u64le(out, unpacked->nbytes) && span_write(out, unpacked->reason);
}

bool
message_names_read(struct names_message *names, CBS *in, struct reason *why)
{
	if (!span_read(&names->firmware, in) || !span_read(&names->kernel, in) ||
	    !span_read(&names->initrd, in) || CBS_len(in) != 0)
		return malformed(why, "NAMES");
	return true;
}

bool
message_names_write(CBB *out, const struct names_message *names)
{
	return span_write(out, names->firmware) && span_write(out, names->kernel) &&
	    span_write(out, names->initrd);
}

bool
message_record_read(struct record_message *record, CBS *in, struct reason *why)
{
	if (!bool_read(&record->ok, in) || !bool_read(&record->refused, in) ||
	    !span_read(&record->payload, in) || !span_read(&record->reason, in) ||
	    CBS_len(in) != 0)
		return malformed(why, "RECORD");
	/* Either what was measured, or why not. */
	if (record->ok ? record->refused || record->reason.len != 0 || record->payload.len == 0 :
	    record->payload.len != 0 || record->reason.len == 0)
		return malformed(why, "RECORD");
	return true;
}

bool
message_record_write(CBB *out, const struct record_message *record)
{
	return bool_write(out, record->ok) && bool_write(out, record->refused) &&
	    span_write(out, record->payload) && span_write(out, record->reason);
}

bool
message_registers_read(struct registers_message *registers, CBS *in, struct reason *why)
{
	if (!span_read(&registers->json, in) || !span_read(&registers->text, in) ||
	    CBS_len(in) != 0)
		return malformed(why, "REGISTERS");
	return true;
}

bool
message_registers_write(CBB *out, const struct registers_message *registers)
{
	return span_write(out, registers->json) && span_write(out, registers->text);
}

bool
message_images_read(struct images_message *images, CBS *in, struct reason *why)
{
	uint8_t operation;

	if (!CBS_get_u8(in, &operation) || operation < IMAGES_LIST || operation > IMAGES_EVICT ||
	    !bool_read(&images->has_hash, in) ||
	    !CBS_copy_bytes(in, images->hash, sizeof images->hash) || CBS_len(in) != 0)
		return malformed(why, "IMAGES");
	images->operation = operation;
	return true;
}

bool
message_images_write(CBB *out, const struct images_message *images)
{
	return CBB_add_u8(out, (uint8_t)images->operation) && bool_write(out, images->has_hash) &&
	    CBB_add_bytes(out, images->hash, sizeof images->hash);
}

bool
message_images_done_read(struct images_done_message *done, CBS *in, struct reason *why)
{
	if (!bool_read(&done->ok, in) || !span_read(&done->json, in) ||
	    !span_read(&done->text, in) || CBS_len(in) != 0)
		return malformed(why, "IMAGES_DONE");
	return true;
}

bool
message_images_done_write(CBB *out, const struct images_done_message *done)
{
	return bool_write(out, done->ok) && span_write(out, done->json) &&
	    span_write(out, done->text);
}

bool
message_progress_read(struct progress_message *progress, CBS *in, struct reason *why)
{
	if (!CBS_copy_bytes(in, progress->hash, sizeof progress->hash) ||
	    !CBS_get_u64le(in, &progress->received) || !CBS_get_u64le(in, &progress->total) ||
	    CBS_len(in) != 0)
		return malformed(why, "PROGRESS");
	return true;
}

bool
message_progress_write(CBB *out, const struct progress_message *progress)
{
	return CBB_add_bytes(out, progress->hash, sizeof progress->hash) &&
	    CBB_add_u64le(out, progress->received) && CBB_add_u64le(out, progress->total);
}
