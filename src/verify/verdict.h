/*
 * verdict.h - everything an answer says, as it is found out
 *
 * verify() fills a verdict from top to bottom and stops at the first thing that fails; the
 * renderer shows what was reached.  Zero is always "no": a verdict full of zeroes is invalid
 * and has verified nothing.  Spans point into the request, the job's arena or the context.
 */
#ifndef VERIFY_VERDICT_H
#define VERIFY_VERDICT_H

#include "dcap/dcap.h"
#include "dstack-verifier/verify.h"
#include "evidence/app_info.h"
#include "evidence/attestation.h"
#include "evidence/mr_config.h"
#include "evidence/replay.h"
#include "evidence/request.h"
#include "measure/legacy.h"
#include "measure/lite.h"
#include "measure/vm_config.h"

/*
 * Why a verdict is not "valid", for programs: `details.error.code`.  The names are part of
 * the interface and documented in dstack-verifier(1).
 */
#define VERDICT_CODES(X)                                                        \
	/* code                      stage      name                         */ \
	X(QUOTE_REQUIRED,            REQUEST,   "quote_required")               \
	X(EVENT_LOG_REQUIRED,        REQUEST,   "event_log_required")           \
	X(ATTESTATION_MALFORMED,     REQUEST,   "attestation_malformed")        \
	X(EVIDENCE_MALFORMED,        REQUEST,   "evidence_malformed")           \
	X(INPUT_UNREADABLE,          REQUEST,   "input_unreadable")             \
	X(TEE_UNSUPPORTED,           QUOTE,     "tee_unsupported")              \
	X(QUOTE_MALFORMED,           QUOTE,     "quote_malformed")              \
	X(QUOTE_UNSUPPORTED,         QUOTE,     "quote_unsupported")            \
	X(QUOTE_REFUSED,             QUOTE,     "quote_refused")                \
	X(COLLATERAL_UNAVAILABLE,    QUOTE,     "collateral_unavailable")       \
	X(REPORT_DATA_MISMATCH,      QUOTE,     "report_data_mismatch")         \
	X(EVENT_LOG_REFUSED,         EVENT_LOG, "event_log_refused")            \
	X(RTMR_MISMATCH,             EVENT_LOG, "rtmr_mismatch")                \
	X(MR_CONFIG_ID_MISMATCH,     EVENT_LOG, "mr_config_id_mismatch")        \
	X(VM_CONFIG_MALFORMED,       OS_IMAGE,  "vm_config_malformed")          \
	X(IMAGE_UNAVAILABLE,         OS_IMAGE,  "image_unavailable")            \
	X(OS_IMAGE_REFUSED,          OS_IMAGE,  "os_image_refused")             \
	X(MEASUREMENT_MISMATCH,      OS_IMAGE,  "measurement_mismatch")         \
	X(POLICY,                    POLICY,    "policy_check_failed")          \
	X(CLOCK_BEHIND_COLLATERAL,   INTERNAL,  "clock_behind_collateral")      \
	X(CLOCK_BEFORE_RELEASE,      INTERNAL,  "clock_before_release")         \
	X(DEADLINE_EXCEEDED,         INTERNAL,  "deadline_exceeded")            \
	X(INTERNAL,                  INTERNAL,  "internal")

enum verdict_code {
	VERDICT_NONE = 0,
#define VERDICT_CODE_ENUM(code, stage, name)    VERDICT_##code,
	VERDICT_CODES(VERDICT_CODE_ENUM)
#undef VERDICT_CODE_ENUM
};

/* How well something is known; the words of `details.assurance`, best first. */
enum assurance_word {
	ASSURANCE_VERIFIED,
	ASSURANCE_REPLAYED,
	ASSURANCE_SIGNED,
	ASSURANCE_SUPPLIED_BY_REQUESTER,
	ASSURANCE_NOT_CHECKED,
	ASSURANCE_NOT_APPLICABLE,
};

/* Where the OS image's measurements came from. */
enum image_source {
	IMAGE_SOURCE_NONE = 0,
	IMAGE_SOURCE_SUPPLIED_MEASUREMENT,
	IMAGE_SOURCE_IMAGE_DOWNLOAD,
};

struct verdict {
	bool    valid;                  /* set by verdict_settle() alone             */
	bool    quote_verified;
	bool    event_log_verified;
	bool    os_image_hash_verified;

	enum verdict_code code;         /* VERDICT_NONE: nothing failed so far       */
	struct reason why;              /* set together with code                    */

	const struct request *request;
	bool    has_evidence;
	struct evidence evidence;
	struct dcap_result dcap;
	bool    replayed;               /* replay holds                              */
	struct replay replay;
	bool    has_app;                /* computed from replayed events             */
	struct app_info app;
	enum mr_config_verdict mr_config;
	bool    has_config;
	struct vm_config config;
	struct digest256 os_image_hash; /* with has_config                           */
	struct lite_result lite;
	struct legacy_result legacy;
	const struct image_record *record;      /* NULL: none was read; the context's        */
	bool    image_differs;          /* the document is not that of the record    */
	enum image_source image_source;
	bool    duplicate_events;
	struct warnings warnings;

	const struct explanation *explanation;  /* NULL: not asked for, or not allowed       */

	size_t  nneeds;                 /* > 0: no verdict, these facts are missing  */
	struct dv_key needs[DV_NEEDS_MAX];
};

/* What a verdict is judged by, beside the evidence. */
struct verdict_terms {
	const struct dv_policy *policy;
	bool    external_anchor;
	bool    pinned_at;
	int64_t at;
	bool    pinned_collateral;
	int64_t now;
	bool    full_reason;
	bool    summary;
};

/*
 * verdict_fail - the verdict ends here
 *
 *   code    what failed; its first caller decides
 *   why     the text as clients see it, class prefix included; copied
 *   gives   false, always
 */
bool    verdict_fail(struct verdict *v, enum verdict_code code, const struct reason *why);

/*
 * verdict_clock_check - whether the clock can be right at all
 *
 *   A clock before the release's date is wrong.  A time fixed by the operator is exempt.
 *   gives   false with v->code set
 */
bool    verdict_clock_check(struct verdict *v, const struct verdict_terms *terms) MUST_CHECK;

/* The one place that can say "valid". */
void    verdict_settle(struct verdict *v);

const char *verdict_code_name(enum verdict_code code);
enum dv_stage verdict_code_stage(enum verdict_code code);

/* Whether the ACPI tables were recomputed and are those that were measured. */
bool    verdict_acpi_verified(const struct verdict *v);

/* "platform" or "processor". */
const char *verdict_ca_name(enum dv_pck_ca ca);

/* Whether asking again later may give another verdict on the same evidence. */
bool    verdict_retryable(const struct verdict *v);

#endif
