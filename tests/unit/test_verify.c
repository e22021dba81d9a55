/*
 * dv_verify() on machines that do not exist: what each stage leaves in the answer, what is asked
 * for, and what an answer does not depend on.
 */
#include "testing.h"

#include <stdio.h>

#include "../support/mock_world.h"
#include "../teesim/build.h"
#include "evidence/mr_config.h"
#include "measure/vm_config.h"

#define DETAILS(q, e, i, a)                                                                     \
	"\"details\":{\"quote_verified\":" #q ",\"event_log_verified\":" #e                     \
	",\"os_image_hash_verified\":" #i ",\"acpi_tables_verified\":" #a ","
#define NOTHING DETAILS(false, false, false, false)                                             \
	"\"os_image_is_dev\":null,\"os_image_version\":null,\"tee_variant\":null,"              \
	"\"report_data\":null,\"tcb_status\":null,\"advisory_ids\":[],\"key_provider\":null,"   \
	"\"app_info\":null,\"warnings\":["
#define QUOTE   DETAILS(true, false, false, false)                                              \
	"\"os_image_is_dev\":null,\"os_image_version\":null,\"tee_variant\":\"dstack-tdx\","
#define QUOTE_ACPI      DETAILS(true, false, false, true)
#define ALL     DETAILS(true, true, true, true)

#define ERROR_(stage, code, kind, retryable)                                                    \
	"\"error\":{\"stage\":\"" stage "\",\"code\":\"" code "\",\"kind\":\"" kind             \
	"\",\"retryable\":" #retryable "}"
#define APPRAISAL(verdict, unmet)                                                               \
	"\"appraisal\":{\"profile\":\"strict\",\"verdict\":\"" verdict "\",\"unmet\":[" unmet "]}"

#define FAILED          "Quote verification failed: "
#define DCAP            FAILED "failed to verify TDX quote: "
#define IMAGE           "OS image hash verification failed: "
#define LEGACY_HASH     "5151515151515151515151515151515151515151515151515151515151515151"
#define LEGACY          "{\"os_image_hash\":\"" LEGACY_HASH "\"}"
#define DOWNLOAD        IMAGE "Failed to download image " LEGACY_HASH ": Failed to download image: "

#define MR_CONFIG       "{\"compose_hash\":\"" WORLD_APP_ID "2573d54e0d2ddaaade77caa9\"}"

/* ---- what is changed ---- */

static void
nothing(struct world *m)
{
}

#define CHANGE(name, ...)                                                                       \
static void                                                                                     \
name(struct world *m)                                                                         \
{                                                                                               \
	__VA_ARGS__;                                                                            \
}

static struct dv_list
list(const char *const *item)
{
	return (struct dv_list){ .given = true, .n = 1, .items = item };
}

/* Lists of one item, one of each kind; texts live as long as the program. */
static struct dv_list
list_of(const char *text)
{
	static const char *items[64];
	static size_t n;

	assert_true(n < NELEM(items));
	items[n] = text;
	return list(&items[n++]);
}

static struct bytes
config_hash(const struct world *m)
{
	struct vm_config config;
	struct reason why;

	assert_true(vm_config_read(&config, m->sample.arena, m->evidence.vm_config, &why));
	return config.os_image_hash;
}

static void
fail_item(struct world *m, size_t i)
{
	m->offer[i] = false;
	m->failures[m->nfailures++] =
	    (struct dv_failure){ .key = mock_key(&m->mock, world_kinds[i]) };
}

static void
fail_image(struct world *m, struct bytes hash, unsigned status)
{
	struct dv_failure *failure = &m->failures[m->nfailures++];

	failure->http_status = status;
	failure->key.type = DV_FACT_IMAGE;
	bytes_copy(failure->key.image, hash);
}

static void
legacy(struct world *m, unsigned status)
{
	uint8_t hash[32];

	memset(hash, 0x51, sizeof hash);
	world_config(m, LEGACY);
	fail_image(m, BYTES_OF(hash), status);
}

static struct event *
log_event(struct world *m, uint32_t imr)
{
	for (size_t i = 0; i < m->evidence.log.n; i++)
		if (m->evidence.log.event[i].imr == imr)
			return &((struct event *)(uintptr_t)m->evidence.log.event)[i];
	fail_msg("no event of register %u", imr);
	return NULL;
}

static void
version5(struct world *m, uint16_t body_type)
{
	m->mock.quote.version = 5;
	m->mock.quote.body_type = body_type;
	m->mock.quote.body_len = body_type == 3 ? 648 : 885;
}

CHANGE(no_evidence, m->body = build_copy("{}"))
CHANGE(no_log, m->body = build_copy("{\"quote\":\"00\"}"))
CHANGE(no_attestation, m->body = build_copy("{\"attestation\":\"\"}"))
CHANGE(no_attestation_full, no_attestation(m); m->full_reason = true)
CHANGE(no_quote, m->body = build_copy("{\"quote\":\"00\",\"event_log\":\"[]\"}"))
CHANGE(no_quote_full, no_quote(m); m->full_reason = true)

static struct bytes
form_b(struct world *m, const struct pki_quote *quote)
{
	m->mock.quote = *quote;
	return build_text("{\"quote\":\"%s\",\"event_log\":\"[]\",\"vm_config\":\"{}\"}",
	    build_str(build_digits(mock_quote(&m->mock), false)));
}

static void
sgx_form_b(struct world *m)
{
	struct mock sgx;

	mock_init_sgx(&sgx);
	m->body = form_b(m, &sgx.quote);
	m->full_reason = true;
}

static void
sgx_form_a(struct world *m)
{
	struct mock sgx;

	mock_init_sgx(&sgx);
	m->evidence.quote = mock_quote(&sgx);
	m->failures[0].key.type = DV_FACT_IMAGE;
}

CHANGE(nitro, m->evidence.variant = EVIDENCE_NITRO_ENCLAVE; m->evidence.document = build_copy("d"))
CHANGE(short_quote, m->evidence.quote = build_copy("abc"))
CHANGE(quote_version, m->mock.quote.version = 6)
CHANGE(bad_qe, m->mock.quote.pck_key = 50)
CHANGE(other_root, m->builtin_root = true)
CHANGE(no_tcb, fail_item(m, 0))
CHANGE(no_qe, fail_item(m, 1))
CHANGE(no_pck_crl, fail_item(m, 2))
CHANGE(no_root_crl, fail_item(m, 3))
CHANGE(no_tcb_no_crl, fail_item(m, 3); fail_item(m, 0))
CHANGE(expired, m->mock.tcb.next_update = MOCK_NOW - 1; fail_item(m, 0); m->offer[0] = true)
CHANGE(expired_pinned, m->mock.tcb.next_update = MOCK_NOW - 1; m->pin = true)
CHANGE(stale, m->mock.fetched_at = MOCK_NOW - m->serve_stale_max_secs - 1;
    for (size_t i = 0; i < 4; i++) { fail_item(m, i); m->offer[i] = true; })
CHANGE(pod, m->v1 = true; m->evidence.pod = true;
    m->evidence.report_data_payload = bytes_str("another"))
CHANGE(report_data, m->mock.quote.body[520] ^= 1)
CHANGE(other_rtmr3, m->keep_rtmr3 = true)
CHANGE(other_rtmr3_no_tcb, other_rtmr3(m); fail_item(m, 0))
CHANGE(event_elsewhere, log_event(m, 3)->imr = 2)
CHANGE(event_lists_differ, log_event(m, 3)->name = bytes_str("another"))
CHANGE(mr_config_1, m->mock.quote.body[184] = 1)
CHANGE(mr_config_9, m->mock.quote.body[184] = 9)

static void
preimage(struct world *m)
{
	struct event *e = log_event(m, 3);

	m->v1 = true;
	e->has_preimage = true;
	e->preimage = bytes_str("no hex");
}

static void
mr_config_document_of(struct world *m, const char *signed_document)
{
	struct digest256 hash;
	struct bytes text = m->evidence.vm_config;

	mr_config_v3_hash(&hash, bytes_str(signed_document));
	m->mock.quote.body[184] = 3;
	memcpy(m->mock.quote.body + 185, hash.data, sizeof hash.data);
	m->evidence.config = m->evidence.vm_config = build_text("{\"mr_config\":\"%s\",%s",
	    build_str(build_escaped(bytes_str(MR_CONFIG))), build_str(text) + 1);
}

CHANGE(mr_config_3, mr_config_document_of(m, MR_CONFIG))
CHANGE(mr_config_3_other, mr_config_document_of(m, "{}"))
CHANGE(service_td, version5(m, 3); m->mock.quote.body[600] = 7)
CHANGE(service_td_allowed, service_td(m); m->policy.allow_service_td = true)
CHANGE(current, version5(m, 3))
CHANGE(nested, version5(m, 4); m->mock.quote.body[648] = 1)
CHANGE(config_broken, world_config(m, "{"))
CHANGE(config_empty, world_config(m, "{}"))
CHANGE(no_document, world_config(m, "{\"os_image_hash\":\"" LEGACY_HASH
    "\",\"tdx_attestation_variant\":\"lite\"}"))
CHANGE(version_4, m->policy.minimum_measurement_version = 4)
CHANGE(other_mrtd, m->mock.quote.body[136] ^= 1)
CHANGE(legacy_404, legacy(m, 404))
CHANGE(legacy_410, legacy(m, 410))
CHANGE(legacy_500, legacy(m, 500))
CHANGE(legacy_unreachable, legacy(m, 0))
CHANGE(legacy_not_listed, world_config(m, LEGACY);
    m->policy.allowed_os_image_hashes = list_of(WORLD_APP_ID))
CHANGE(listed, m->policy.allowed_os_image_hashes =
    list_of(build_str(build_digits(config_hash(m), false))))
CHANGE(listed_other, m->policy.allowed_os_image_hashes = list_of(LEGACY_HASH))
CHANGE(anchor_listed, m->policy.os_image_anchor = DV_OS_IMAGE_LISTED)
CHANGE(anchor_listed_it, listed(m); m->policy.os_image_anchor = DV_OS_IMAGE_LISTED)
CHANGE(published, m->policy.os_image_anchor = DV_OS_IMAGE_PUBLISHED;
    fail_image(m, config_hash(m), 404))
CHANGE(published_not_listed, listed_other(m); m->policy.os_image_anchor = DV_OS_IMAGE_PUBLISHED)
CHANGE(unsettled, dv_policy_init(&m->policy, DV_PROFILE_STRICT); fail_image(m, config_hash(m), 0))

static void
strict(struct world *m)
{
	char error[512];

	dv_policy_init(&m->policy, DV_PROFILE_STRICT);
	assert_true(dv_policy_settle(&m->policy, error, sizeof error));
	fail_image(m, config_hash(m), 404);
}

static void
strict_listed(struct world *m)
{
	char error[512];

	dv_policy_init(&m->policy, DV_PROFILE_STRICT);
	listed(m);
	assert_true(dv_policy_settle(&m->policy, error, sizeof error));
}

static void
duplicate(struct world *m)
{
	struct event_list *lists[] = { &m->evidence.log, &m->evidence.runtime };

	for (size_t k = 0; k < NELEM(lists); k++) {
		struct reason why;
		struct event *to = arena_array(m->sample.arena, lists[k]->n + 1, sizeof *to, &why);

		assert_non_null(to);
		/* The first one named app-id, again behind itself. */
		for (size_t i = 0, n = 0; i < lists[k]->n; i++) {
			to[n++] = lists[k]->event[i];
			if (bytes_equal(lists[k]->event[i].name, bytes_str("app-id")))
				to[n++] = lists[k]->event[i];
		}
		*lists[k] = (struct event_list){ to, lists[k]->n + 1 };
	}
}

CHANGE(duplicate_refused, duplicate(m); m->policy.reject_duplicate_events = true)
CHANGE(duplicate_listed, duplicate(m); listed(m))
CHANGE(out_of_date, m->mock.tcb.floor = 9)
CHANGE(out_of_date_strict, strict_listed(m); m->mock.tcb.floor = 9)
CHANGE(clock_behind, m->mock.tcb.issued = MOCK_NOW + 301)
CHANGE(clock_close, m->mock.tcb.issued = MOCK_NOW + 300; fail_item(m, 0); m->offer[0] = true)
CHANGE(before_release, m->now = 1600000000)
CHANGE(before_release_pinned, m->now = 1600000000; m->pinned_at = true; m->pin = true)
CHANGE(fresh, m->insert = build_str(build_text("\"expected_report_data\":\"%s\"",
    build_str(build_digits(m->evidence.report_data, false)))))
CHANGE(not_fresh, m->insert = "\"expected_report_data\":\"00\"")
CHANGE(other_app_expected, m->insert = "\"expected_app_id\":\"\"")
CHANGE(platform_listed, m->policy.allowed_platforms =
    list_of("01020300000000000000000000000000"))
CHANGE(platform_device, struct digest256 id; digest256_of(&id, BYTES_OF(m->mock.pck.ppid));
    m->policy.allowed_platforms = list_of(build_str(build_digits(BYTES_OF(id.data), false))))
CHANGE(platform_other, m->policy.allowed_platforms = list_of("0102"))

#define NOT_CONFIRMED   "\"os_image: not confirmed\",\"os_image: dev not known\""
#define WORDS(image, identity)                                                                  \
	"\"boot_events\":\"not_checked\",\"os_image\":\"" image "\",\"acpi_tables\":\"verified\"," \
	"\"identity\":\"" identity "\","

/* `why` NULL: valid; a final "*": how it begins. */
static const struct {
	const char *name;
	void    (*change)(struct world *);
	const char *why;
	enum dv_stage stage;
	const char *has[4];
} cases[] = {
	/* The case that matters: all of it is its owner's word, and valid as upstream has it. */
	{ "own kernel, own document, somebody else's app", nothing, NULL, DV_STAGE_NONE,
	    { ALL, WORDS("supplied_by_requester", "supplied_by_requester")
	    "\"freshness\":\"not_checked\",\"revocation\":\"verified\","
	    "\"platform\":\"not_checked\",\"trust_anchor\":\"external\"}",
	    APPRAISAL("unknown", NOT_CONFIRMED), "\"app_id\":\"" WORLD_APP_ID "\"" } },
	{ "the same under strict", strict, IMAGE "Failed to download image *", DV_STAGE_OS_IMAGE,
	    { QUOTE_ACPI, ERROR_("os_image", "image_unavailable", "unavailable", true),
	    APPRAISAL("unknown", NOT_CONFIRMED ",\"unavailable: image_unavailable\"") } },
	{ "strict, never settled", unsettled, IMAGE "Failed to download image *",
	    DV_STAGE_OS_IMAGE, { QUOTE_ACPI } },
	{ "strict, the operator's own list", strict_listed, NULL, DV_STAGE_NONE,
	    { ALL, WORDS("verified", "replayed"), APPRAISAL("accept", "") } },

	{ "no evidence", no_evidence, "Internal error: Quote is required", DV_STAGE_REQUEST,
	    { NOTHING, ERROR_("request", "quote_required", "malformed", false) } },
	{ "no log", no_log, "Internal error: Event log is required", DV_STAGE_REQUEST,
	    { NOTHING, ERROR_("request", "event_log_required", "malformed", false) } },
	{ "no attestation", no_attestation, "Internal error: Failed to decode attestaion",
	    DV_STAGE_REQUEST,
	    { NOTHING, ERROR_("request", "attestation_malformed", "malformed", false) } },
	{ "no attestation, one-shot", no_attestation_full,
	    "Internal error: Failed to decode attestaion: Empty attestation bytes",
	    DV_STAGE_REQUEST, { NOTHING } },
	{ "no quote", no_quote, "Internal error: Failed to create attestation", DV_STAGE_REQUEST,
	    { NOTHING, ERROR_("request", "evidence_malformed", "malformed", false) } },
	{ "no quote, one-shot", no_quote_full,
	    "Internal error: Failed to create attestation: Invalid TDX quote*", DV_STAGE_REQUEST,
	    { NOTHING } },
	{ "SGX, form B", sgx_form_b,
	    "Internal error: Failed to create attestation: Invalid TDX report", DV_STAGE_REQUEST,
	    { NOTHING } },
	{ "SGX, form A", sgx_form_a, FAILED "no td report", DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "quote_unsupported", "unsupported", false) } },
	{ "another TEE", nitro, FAILED "evidence of dstack-nitro-enclave is not supported",
	    DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "tee_unsupported", "unsupported", false),
	    APPRAISAL("reject", "\"evidence: tee_unsupported\"") } },
	{ "a short quote", short_quote, DCAP "Failed to parse quote: *", DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "quote_malformed", "malformed", false) } },
	{ "a quote of version 6", quote_version, DCAP "Failed to parse quote: *", DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "quote_unsupported", "unsupported", false) } },
	{ "another PCK", bad_qe, DCAP "Signature is invalid for qe_report in quote",
	    DV_STAGE_QUOTE, { NOTHING, ERROR_("quote", "quote_refused", "refused", false),
	    APPRAISAL("reject", "\"evidence: quote_refused\"") } },
	{ "Intel's root", other_root, DCAP "Failed to verify certificate chain: UnknownIssuer",
	    DV_STAGE_QUOTE, { NOTHING, ERROR_("quote", "quote_refused", "refused", false) } },
	{ "no TCB info", no_tcb, DCAP "collateral unavailable: TCB info for FMSPC B0C06F000000",
	    DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "collateral_unavailable", "unavailable", true),
	    APPRAISAL("unknown", "\"unavailable: collateral_unavailable\"") } },
	{ "no QE identity", no_qe, DCAP "collateral unavailable: QE identity", DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "collateral_unavailable", "unavailable", true) } },
	{ "no PCK CRL", no_pck_crl, DCAP "collateral unavailable: PCK CRL (platform)",
	    DV_STAGE_QUOTE, { NOTHING } },
	{ "no root CRL", no_root_crl, DCAP "collateral unavailable: root CA CRL", DV_STAGE_QUOTE,
	    { NOTHING } },
	{ "two items missing", no_tcb_no_crl,
	    DCAP "collateral unavailable: TCB info for FMSPC B0C06F000000", DV_STAGE_QUOTE,
	    { NOTHING } },
	{ "TCB info expired", expired, DCAP "TCBInfo expired", DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "collateral_unavailable", "unavailable", true) } },
	{ "TCB info expired, the operator's", expired_pinned, DCAP "TCBInfo expired",
	    DV_STAGE_QUOTE, { NOTHING, ERROR_("quote", "quote_refused", "refused", false) } },
	{ "too long since a fetch", stale,
	    DCAP "collateral unavailable: TCB info for FMSPC B0C06F000000", DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "collateral_unavailable", "unavailable", true) } },

	{ "payload of a pod", pod, FAILED "report_data does not match report_data_payload",
	    DV_STAGE_QUOTE, { NOTHING, ERROR_("quote", "report_data_mismatch", "refused", false) } },
	{ "other report data", report_data, FAILED "tdx report_data mismatch", DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "report_data_mismatch", "refused", false) } },
	{ "another RTMR3", other_rtmr3, FAILED "RTMR3 mismatch, quoted: 0000*",
	    DV_STAGE_EVENT_LOG, { NOTHING, ERROR_("event_log", "rtmr_mismatch", "refused", false) } },
	{ "another RTMR3 and no TCB info", other_rtmr3_no_tcb, FAILED "RTMR3 mismatch, quoted: *",
	    DV_STAGE_EVENT_LOG, { NOTHING, ERROR_("event_log", "rtmr_mismatch", "refused", false) } },
	{ "an event in another register", event_elsewhere, FAILED "event *", DV_STAGE_EVENT_LOG,
	    { NOTHING, ERROR_("event_log", "event_log_refused", "refused", false) } },
	{ "two logs", event_lists_differ, FAILED "event log and runtime events differ",
	    DV_STAGE_EVENT_LOG, { NOTHING } },
	{ "a preimage", preimage, FAILED "*", DV_STAGE_EVENT_LOG,
	    { NOTHING, ERROR_("event_log", "event_log_refused", "refused", false) } },
	{ "MRCONFIGID 1 of another app", mr_config_1, FAILED "MRCONFIGID mismatch, quoted: 0100*",
	    DV_STAGE_EVENT_LOG,
	    { NOTHING, ERROR_("event_log", "mr_config_id_mismatch", "refused", false) } },
	{ "MRCONFIGID 9", mr_config_9, NULL, DV_STAGE_NONE,
	    { "\"warnings\":[\"MRCONFIGID has unknown version 9\"]",
	    "\"mr_config_id_verified\":null" } },
	{ "MRCONFIGID 3", mr_config_3, NULL, DV_STAGE_NONE,
	    { "\"warnings\":[]", "\"mr_config_id_verified\":true" } },
	{ "MRCONFIGID 3 of another document", mr_config_3_other, NULL, DV_STAGE_NONE,
	    { "\"warnings\":[\"MRCONFIGID version 3 does not match the document\"]",
	    "\"mr_config_id_verified\":false" } },
	{ "service TD", service_td, DCAP "Invalid MR service TD", DV_STAGE_QUOTE,
	    { NOTHING, ERROR_("quote", "quote_refused", "refused", false) } },
	{ "service TD allowed", service_td_allowed, NULL, DV_STAGE_NONE,
	    { ALL, "\"warnings\":[\"mr_service_td is 0700" } },
	{ "TD report 1.5", current, NULL, DV_STAGE_NONE,
	    { ALL, "\"current_tcb_status\":\"UpToDate\",\"mr_config_id\":" } },
	{ "a nested guest", nested, FAILED "TD report is of a nested guest (vmid 1)",
	    DV_STAGE_QUOTE, { NOTHING, ERROR_("quote", "quote_refused", "refused", false) } },

	{ "a broken configuration", config_broken,
	    IMAGE "Failed to decode VM config: Failed to parse vm config: *", DV_STAGE_OS_IMAGE,
	    { QUOTE, ERROR_("os_image", "vm_config_malformed", "malformed", false),
	    APPRAISAL("reject", "\"evidence: vm_config_malformed\"") } },
	{ "no image hash", config_empty, IMAGE "os_image_hash has 0 bytes, not 32",
	    DV_STAGE_OS_IMAGE,
	    { QUOTE, ERROR_("os_image", "vm_config_malformed", "refused", false) } },
	{ "no document", no_document,
	    IMAGE "tdx lite attestation requires vm_config.tdx_measurement", DV_STAGE_OS_IMAGE,
	    { QUOTE, ERROR_("os_image", "os_image_refused", "refused", false) } },
	{ "document of version 3", version_4,
	    IMAGE "failed to decode vm_config.tdx_measurement CBOR: *", DV_STAGE_OS_IMAGE,
	    { QUOTE, ERROR_("os_image", "os_image_refused", "unsupported", false) } },
	{ "another firmware", other_mrtd, IMAGE "MRs do not match: MRTD mismatch: expected=*",
	    DV_STAGE_OS_IMAGE,
	    { QUOTE_ACPI, ERROR_("os_image", "measurement_mismatch", "refused", false) } },
	{ "legacy, 404", legacy_404, DOWNLOAD "HTTP status 404 Not Found", DV_STAGE_OS_IMAGE,
	    { QUOTE, ERROR_("os_image", "image_unavailable", "unavailable", true),
	    APPRAISAL("unknown", "\"os_image: dev not known\",\"unavailable: image_unavailable\""),
	    "\"os_image\":\"not_checked\",\"acpi_tables\":\"not_checked\","
	    "\"identity\":\"not_checked\"" } },
	{ "legacy, 410", legacy_410, DOWNLOAD "HTTP status 410 Gone", DV_STAGE_OS_IMAGE,
	    { QUOTE } },
	{ "legacy, 500", legacy_500, DOWNLOAD "server not reachable", DV_STAGE_OS_IMAGE,
	    { QUOTE } },
	{ "legacy, not reachable", legacy_unreachable, DOWNLOAD "server not reachable",
	    DV_STAGE_OS_IMAGE, { QUOTE } },
	{ "legacy, not listed", legacy_not_listed,
	    "Policy check failed: os_image_hash " LEGACY_HASH " is not allowed", DV_STAGE_POLICY,
	    { QUOTE, ERROR_("policy", "policy_check_failed", "refused", false),
	    APPRAISAL("unknown", "\"os_image: dev not known\"") } },
	{ "listed", listed, NULL, DV_STAGE_NONE,
	    { ALL, WORDS("verified", "replayed"), APPRAISAL("accept", "") } },
	{ "another one listed", listed_other, "Policy check failed: os_image_hash *",
	    DV_STAGE_POLICY, { ALL, APPRAISAL("unknown", NOT_CONFIRMED) } },
	{ "anchor: listed", anchor_listed_it, NULL, DV_STAGE_NONE, { ALL } },
	{ "anchor: listed, no list", anchor_listed, "Policy check failed: os_image_hash *",
	    DV_STAGE_POLICY, { ALL } },
	{ "anchor: published", published, IMAGE "Failed to download image *", DV_STAGE_OS_IMAGE,
	    { QUOTE_ACPI } },
	{ "anchor: published, not listed", published_not_listed,
	    "Policy check failed: os_image_hash *", DV_STAGE_POLICY, { QUOTE_ACPI } },

	{ "an event twice", duplicate, NULL, DV_STAGE_NONE,
	    { ALL, APPRAISAL("reject", NOT_CONFIRMED ",\"event_log: duplicate events\"") } },
	{ "an event twice, listed", duplicate_listed, NULL, DV_STAGE_NONE,
	    { ALL, APPRAISAL("reject", "\"event_log: duplicate events\"") } },
	{ "an event twice, refused", duplicate_refused,
	    "Policy check failed: runtime event *", DV_STAGE_POLICY, { ALL } },
	{ "out of date", out_of_date, NULL, DV_STAGE_NONE,
	    { ALL, APPRAISAL("reject", "\"tcb_status: OutOfDate\"," NOT_CONFIRMED),
	    "\"tcb_shortfall\":[{\"component\":\"sgx\",\"index\":0,\"have\":5,\"needs\":9,"
	    "\"update\":\"bios_microcode\"}]", "\"advisory_ids\":[\"INTEL-SA-00001\"]" } },
	{ "out of date, strict", out_of_date_strict,
	    "Policy check failed: tcb_status OutOfDate is not allowed", DV_STAGE_POLICY,
	    { ALL, APPRAISAL("reject", "\"tcb_status: OutOfDate\"") } },
	{ "clock behind", clock_behind, "Internal error: system clock is behind signed collateral",
	    DV_STAGE_INTERNAL,
	    { NOTHING, ERROR_("internal", "clock_behind_collateral", "unavailable", true) } },
	{ "clock just not behind", clock_close, DCAP "TCBInfo issue date is in the future",
	    DV_STAGE_QUOTE, { NOTHING } },
	{ "before the release", before_release,
	    "Internal error: system clock is before the release date", DV_STAGE_INTERNAL,
	    { NOTHING, ERROR_("internal", "clock_before_release", "unavailable", true) } },
	{ "before the release, pinned", before_release_pinned,
	    DCAP "TCBInfo issue date is in the future", DV_STAGE_QUOTE,
	    { NOTHING } },

	{ "fresh", fresh, NULL, DV_STAGE_NONE, { ALL, "\"freshness\":\"verified\"" } },
	{ "not fresh", not_fresh, "Policy check failed: expected_report_data does not match",
	    DV_STAGE_POLICY, { ALL, "\"freshness\":\"not_checked\"" } },
	{ "another app expected", other_app_expected,
	    "Policy check failed: expected_app_id does not match", DV_STAGE_POLICY, { ALL } },
	{ "platform listed", platform_listed, NULL, DV_STAGE_NONE,
	    { ALL, "\"platform\":\"verified\"" } },
	{ "platform listed by device id", platform_device, NULL, DV_STAGE_NONE,
	    { ALL, "\"platform\":\"verified\"" } },
	{ "platform not listed", platform_other, "Policy check failed: platform is not allowed",
	    DV_STAGE_POLICY, { ALL, "\"platform\":\"not_checked\"" } },
};

static bool
reason_as(const char *reason, const char *want)
{
	size_t len = want == NULL ? 0 : strlen(want);

	if (reason == NULL || want == NULL)
		return reason == want;
	if (want[len - 1] == '*')
		return strncmp(reason, want, len - 1) == 0;
	return strcmp(reason, want) == 0;
}

static void
case_check(size_t i)
{
	struct world m;
	bool valid = cases[i].why == NULL;

	world_init(&m);
	cases[i].change(&m);
	world_ask(&m);
	if (m.answer.nneeds != 0 || !reason_as(m.answer.reason, cases[i].why))
		fail_msg("%s: %zu needs, \"%s\"", cases[i].name, m.answer.nneeds,
		    m.answer.reason == NULL ? "valid" : m.answer.reason);
	if (m.answer.valid != valid || m.answer.stage != cases[i].stage ||
	    m.answer.http_status != 200)
		fail_msg("%s: valid %d, stage %d, status %d", cases[i].name, m.answer.valid,
		    m.answer.stage, m.answer.http_status);
	world_expect(&m, cases[i].name, valid ? "{\"is_valid\":true," : "{\"is_valid\":false,");
	assert_int_equal(strstr(m.json, "\"retryable\":true") != NULL, m.answer.retryable);
	assert_int_equal(strstr(m.json, "\"kind\":\"unavailable\"") != NULL, m.answer.unavailable);
	assert_int_equal(strstr(m.json, "\"boot_info\":{") != NULL, valid);
	assert_int_equal(strstr(m.json, "\"event_os_image_hash\":") != NULL, valid);
	for (size_t k = 0; k < NELEM(cases[i].has) && cases[i].has[k] != NULL; k++)
		world_expect(&m, cases[i].name, cases[i].has[k]);
	world_fini(&m);
}

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++)
		case_check(i);
}

/* ---- needs ---- */

static void
expect_needs(struct world *m, const enum dv_fact_type *types, size_t n)
{
	world_ask(m);
	assert_int_equal(m->answer.nneeds, n);
	assert_int_equal(m->answer.json.len, 0);
	assert_false(m->answer.valid);
	for (size_t i = 0; i < n; i++) {
		struct dv_key key = mock_key(&m->mock, types[i]);

		assert_memory_equal(&m->answer.needs[i], &key, sizeof key);
	}
}

/* What is missing, all at once and in one order; what failed is not asked for again. */
static void
test_needs(void **state)
{
	struct world m;

	for (unsigned there = 0; there < 15; there++) {
		enum dv_fact_type types[4];
		size_t n = 0;

		world_init(&m);
		for (size_t i = 0; i < 4; i++) {
			m.offer[i] = there >> i & 1;
			if (!m.offer[i])
				types[n++] = world_kinds[i];
		}
		expect_needs(&m, types, n);
		/* PCK CA, leaf, QE report and quote; the CA once, with or for its CRL. */
		assert_in_range(m.answer.public_key_operations, there == 0 ? 4 : 3, 4);
		world_fini(&m);
	}
}

/* Nothing is asked for on behalf of evidence that cannot be valid. */
static void
test_cheap_first(void **state)
{
	static void (*const changes[])(struct world *) = {
		bad_qe, other_root, other_rtmr3, report_data, event_lists_differ, preimage, service_td,
		sgx_form_a, short_quote,
	};

	for (size_t i = 0; i < NELEM(changes); i++) {
		struct world m;

		world_init(&m);
		memset(m.offer, 0, sizeof m.offer);
		changes[i](&m);
		world_ask(&m);
		if (m.answer.nneeds != 0 || m.answer.retryable)
			fail_msg("%zu: %zu needs, %s", i, m.answer.nneeds, m.json);
		world_fini(&m);
	}
}

/* An image is asked for by its hash alone, and another's failure does not count. */
static void
test_image_need(void **state)
{
	static const uint8_t zeroes[32];
	struct world m;
	struct dv_key want;

	world_init(&m);
	world_config(&m, LEGACY);
	fail_image(&m, BYTES_OF(zeroes), 404);
	m.failures[m.nfailures] = m.failures[0];
	m.failures[m.nfailures].key.type = DV_FACT_TCB_INFO;
	memset(m.failures[m.nfailures++].key.image, 0x51, 32);
	world_ask(&m);
	memset(&want, 0, sizeof want);
	want.type = DV_FACT_IMAGE;
	memset(want.image, 0x51, sizeof want.image);
	assert_int_equal(m.answer.nneeds, 1);
	assert_memory_equal(&m.answer.needs[0], &want, sizeof want);
	world_fini(&m);
}

/* ---- what an answer does not depend on ---- */

static const char *
without(const char *json, const char *from)
{
	const char *at = strstr(json, from);
	const char *end;

	assert_non_null(at);
	end = strchr(at + strlen(from), '}');
	assert_non_null(end);
	return build_str(build_text("%.*s%s", (int)(at - json), json, end));
}

/* Facts as fetched and the same as --collateral has them: one answer, but for saying so. */
static void
test_fetched_and_pinned(void **state)
{
	struct world fetched, pinned;
	const char *text;

	world_init(&fetched);
	world_ask(&fetched);
	world_expect(&fetched, "fetched", ",\"fetched_age_secs\":60}},\"reason\":null}");
	world_init(&pinned);
	pinned.pin = true;
	world_ask(&pinned);
	world_expect(&pinned, "pinned",
	    ",\"fetched_age_secs\":null},\"pinned\":{\"at\":null,\"collateral\":true}},");
	text = build_str(pki_replace(bytes_str(pinned.json),
	    bytes_str(",\"pinned\":{\"at\":null,\"collateral\":true}"), bytes_str("")));
	assert_string_equal(without(text, "\"fetched_age_secs\":"),
	    without(fetched.json, "\"fetched_age_secs\":"));
	world_fini(&fetched);
	world_fini(&pinned);
}

/* A fixed time hides the age too. */
static void
test_pinned_at(void **state)
{
	struct world m;

	world_init(&m);
	m.pinned_at = true;
	world_ask(&m);
	world_expect(&m, "at", ",\"fetched_age_secs\":null},"
	    "\"pinned\":{\"at\":1800000000,\"collateral\":false}},\"reason\":null}");
	world_fini(&m);
}

/* A context that has judged all of them before gives the same as a fresh one. */
static void
test_warm(void **state)
{
	struct world fresh, warm;

	world_init(&warm);
	world_ask(&warm);
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct dv_context *context = warm.context;
		const char *json;

		if (cases[i].change == other_root || cases[i].change == clock_behind)
			continue;
		world_init(&fresh);
		cases[i].change(&fresh);
		/* Only those that change evidence: facts, policy and time are the context's. */
		if (fresh.policy.allowed_os_image_hashes.given || fresh.nfailures != 0 ||
		    fresh.pin || fresh.now != MOCK_NOW || fresh.mock.tcb.floor != 5)
			continue;
		world_context(&fresh);
		world_ask(&fresh);
		json = fresh.json;
		world_fini(&fresh);
		if (memcmp(&fresh.policy, &warm.policy, sizeof warm.policy) != 0)
			continue;
		fresh.context = context;
		world_ask(&fresh);
		assert_string_equal(fresh.json, json);
	}
	assert_int_equal(warm.answer.valid, true);
	world_ask(&warm);
	assert_true(warm.answer.valid);
	assert_int_equal(warm.answer.public_key_operations, 1);
	world_fini(&warm);
}

/* The profile never changes what the appraisal says of evidence that is judged to its end. */
static void
test_appraisal_of_profiles(void **state)
{
	static void (*const changes[])(struct world *) = {
		nothing, out_of_date, duplicate, bad_qe, no_tcb, legacy_404,
	};

	for (size_t i = 0; i < NELEM(changes); i++) {
		struct world loose, tight;
		const char *a, *b;

		world_init(&loose);
		listed(&loose);
		world_init(&tight);
		strict_listed(&tight);
		changes[i](&loose);
		changes[i](&tight);
		if (changes[i] == legacy_404)
			loose.policy.allowed_os_image_hashes =
			    tight.policy.allowed_os_image_hashes = list_of(LEGACY_HASH);
		world_ask(&loose);
		world_ask(&tight);
		a = strstr(loose.json, "\"appraisal\":");
		b = strstr(tight.json, "\"appraisal\":");
		assert_true(a != NULL && b != NULL);
		assert_memory_equal(a, b, (size_t)(strchr(a, '}') - a));
		world_fini(&loose);
		world_fini(&tight);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_cheap_first),
		cmocka_unit_test(test_image_need),
		cmocka_unit_test(test_fetched_and_pinned),
		cmocka_unit_test(test_pinned_at),
		cmocka_unit_test(test_warm),
		cmocka_unit_test(test_appraisal_of_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
