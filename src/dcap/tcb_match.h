/*
 * tcb_match.h - how current a platform is, by its numbers and Intel's signed documents
 *
 * Two rules are known.  UPSTREAM is that of the Rust verifier: all 16 TDX components count,
 * and the most severe status of platform, TDX module and QE wins.  INTEL is that of Intel's
 * library 1.27: components 0 and 1 are left to the module identity when there is one, the
 * statuses converge, and a TD report 1.5 is judged a second time by its current numbers.
 * Both are always computed, so that an answer can say when they differ.
 *
 * source  quote verification specification, sections 8.1 to 8.4
 */
#ifndef DCAP_TCB_MATCH_H
#define DCAP_TCB_MATCH_H

#include "core/arena.h"
#include "dcap/tcb_status.h"
#include "dstack-verifier/facts.h"
#include "dstack-verifier/policy.h"

struct tcb_info;
struct qe_identity;

/* What of the evidence is compared. */
struct tcb_numbers {
	enum dv_tee tee;
	uint8_t cpu_svn[16];            /* of the PCK certificate, never of the report */
	uint16_t pce_svn;
	uint16_t qe_isv_svn;
	uint8_t tee_tcb_svn[16];        /* TDX: at launch                            */
	bool    has_tee_tcb_svn2;       /* body types 3 and 4                        */
	uint8_t tee_tcb_svn2[16];       /* TDX: now                                  */
	uint8_t mr_signer_seam[48];
	uint8_t seam_attributes[8];
};

/* One of the three parts a status is made of. */
struct tcb_part {
	bool    found;                  /* false: not there (SGX has no module), no level */
	enum tcb_status status;
	struct advisories advisories;
	int64_t tcb_date;               /* of the level that matched                 */
	bool    has_better;             /* a higher level is not out of date         */
	int64_t better_date;            /* tcbDate of the nearest such level         */
};

enum tcb_component {
	TCB_COMPONENT_SGX = 0,
	TCB_COMPONENT_TDX,
	TCB_COMPONENT_PCESVN,
	TCB_COMPONENT_TDX_MODULE,
	TCB_COMPONENT_QE,
};

/* A number that is below the highest level of the collateral. */
struct tcb_shortfall {
	enum tcb_component component;
	bool    has_index;              /* SGX and TDX components: 0 to 15           */
	unsigned index;
	unsigned have, needs;
};

#define TCB_SHORTFALL_MAX       35      /* 16 + 16 + pcesvn + module + QE            */

/* "sgx", "tdx", "pcesvn", "tdx_module", "qe" */
const char *tcb_component_name(enum tcb_component component);

/*
 * What an operator updates to raise a number: "bios_microcode", "tdx_module", "pce", "qe".
 * TDX components 0 and 1 are the module's, the others come with BIOS and microcode.
 */
const char *tcb_shortfall_update(const struct tcb_shortfall *shortfall);

struct tcb_match {
	enum dv_tcb_rule rule;          /* the configured one, whose status counts   */
	enum tcb_status status;         /* merged, by that rule                      */
	struct advisories advisories;   /* merged: platform, module, QE              */

	struct tcb_part level;          /* the platform's level alone                */
	struct tcb_part module;         /* found: TDX with a module identity         */
	struct tcb_part qe;
	enum tcb_status platform_status;        /* level and module merged, without the QE */
	struct advisories platform_advisories;

	bool    upstream_found;         /* upstream's rule finds a level             */
	enum tcb_status upstream_status;
	bool    intel_found;            /* Intel's rule finds levels, for both svns  */
	enum tcb_status intel_status;

	bool    has_current;            /* the report has a tee_tcb_svn2             */
	bool    current_found;
	enum tcb_status current_status; /* judge(tee_tcb_svn2), by Intel's rule      */

	/*
	 * platform_grace_period: outdated as soon as one part is out of date.  outdated_since
	 * is the earliest tcbDate of a better level among those parts; not has_outdated_since:
	 * no better level is known for one of them, so that no grace applies.
	 */
	bool    outdated;
	bool    has_outdated_since;
	int64_t outdated_since;

	bool    has_shortfall;          /* some status is not UpToDate: the list is meant to be
					 * shown, also when it is empty              */
	size_t  nshortfall;
	struct tcb_shortfall shortfall[TCB_SHORTFALL_MAX];
};

/*
 * tcb_match - judge the numbers by both rules
 *
 *   arena   holds the merged lists of advisories, with copies of their strings
 *   fails   REFUSED      no level, a module that is not Intel's, Revoked; by `rule`
 *           MALFORMED    a level that was reached does not have 16 components
 *           LIMIT, INTERNAL      the arena's
 */
bool    tcb_match(struct tcb_match *out, const struct tcb_numbers *numbers,
            const struct tcb_info *tcb, const struct qe_identity *qe, enum dv_tcb_rule rule,
            struct arena *arena, struct reason *why) MUST_CHECK;

#endif
