/*
 * assurance.h - what the booleans of an answer mean, and what the strict profile would say
 *
 * `is_valid` and the *_verified members keep the meaning that clients of the Rust verifier
 * know, which differs by platform and by path.  The assurance says for each proof, in fixed
 * words, what was really done; the appraisal says whether that is enough.
 */
#ifndef VERIFY_ASSURANCE_H
#define VERIFY_ASSURANCE_H

#include "verify/verdict.h"

struct assurance {
	enum assurance_word quote;
	enum assurance_word tcb;
	enum assurance_word event_log;
	enum assurance_word boot_events;
	enum assurance_word os_image;
	enum assurance_word acpi_tables;
	enum assurance_word identity;   /* never ranks above os_image                */
	enum assurance_word freshness;
	enum assurance_word revocation;
	enum assurance_word platform;
};

enum appraisal_verdict {
	APPRAISAL_REJECT = 0,
	APPRAISAL_UNKNOWN,
	APPRAISAL_ACCEPT,
};

/* All texts there can be at once: "evidence: ..." is alone, two rows exclude each other. */
#define APPRAISAL_UNMET_MAX     7

struct appraisal {
	enum appraisal_verdict verdict;
	size_t  nunmet;
	char    unmet[APPRAISAL_UNMET_MAX][64];
};

/* "verified", "replayed", ... */
const char *assurance_word_name(enum assurance_word word);

/* "accept", "reject", "unknown" */
const char *appraisal_verdict_name(enum appraisal_verdict verdict);

/* How well each proof is known; meaningful once the quote is verified. */
void    assurance_of(struct assurance *out, const struct verdict *v,
            const struct verdict_terms *terms);

/*
 * appraise - what profile "strict" says of the evidence, enforced or not
 *
 *   A refusal by the operator's or the requester's own policy does not count: the appraisal
 *   is then what the evidence deserves.
 */
void    appraise(struct appraisal *out, const struct verdict *v,
            const struct verdict_terms *terms);

#endif
