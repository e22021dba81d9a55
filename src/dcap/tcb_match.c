#include "dcap/tcb_match.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

#include "core/hex.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"

/* Components 0 and 1 of tee_tcb_svn are the TDX module's: its ISVSVN and its major version. */
#define SVN_MODULE              0
#define SVN_MODULE_VERSION      1
#define SVN_BEHIND_MODULE       2

/* Stricter: Intel's library wants all of SEAMATTRIBUTES zero. */
static const bool seam_attributes_zero = true;

/* Stricter: Intel refuses a module with a version when the document lists no identities. */
static const bool identities_required = true;

/* Stricter: a TD whose present TCB is revoked is refused, whatever it was at launch. */
static const bool refuse_revoked_current = true;

/* What one tee_tcb_svn comes to. */
struct evaluation {
	struct tcb_part level;
	struct tcb_part module;
};

/* The documents, the numbers, and the level of the QE, which both rules share. */
struct matcher {
	const struct tcb_numbers *numbers;
	const struct tcb_info *tcb;
	const struct qe_identity *qe;
	struct tcb_part qe_part;
};

const char *
tcb_component_name(enum tcb_component component)
{
	static const char *const names[] = {
		[TCB_COMPONENT_SGX] = "sgx",
		[TCB_COMPONENT_TDX] = "tdx",
		[TCB_COMPONENT_PCESVN] = "pcesvn",
		[TCB_COMPONENT_TDX_MODULE] = "tdx_module",
		[TCB_COMPONENT_QE] = "qe",
	};

	assert((size_t)component < NELEM(names));
	return names[component];
}

const char *
tcb_shortfall_update(const struct tcb_shortfall *shortfall)
{
	switch (shortfall->component) {
	case TCB_COMPONENT_TDX:
		if (shortfall->index < SVN_BEHIND_MODULE)
			return "tdx_module";
		break;
	case TCB_COMPONENT_PCESVN:
		return "pce";
	case TCB_COMPONENT_TDX_MODULE:
		return "tdx_module";
	case TCB_COMPONENT_QE:
		return "qe";
	case TCB_COMPONENT_SGX:
		break;
	}
	return "bios_microcode";
}

static bool
reaches(const uint8_t have[TCB_COMPONENTS], const uint8_t needs[TCB_COMPONENTS], size_t first)
{
	for (size_t i = first; i < TCB_COMPONENTS; i++)
		if (have[i] < needs[i])
			return false;
	return true;
}

static bool
components_check(const char *what, size_t n, struct reason *why)
{
	if (n != TCB_COMPONENTS)
		return reject(why, REASON_MALFORMED,
		    "%s component count mismatch: expected %d, got %zu", what, TCB_COMPONENTS, n);
	return true;
}

/* The first component of `svn` that the level is asked for. */
static size_t
first_component(const uint8_t svn[16], enum dv_tcb_rule rule)
{
	return rule == DV_TCB_RULE_INTEL && svn[SVN_MODULE_VERSION] > 0 ? SVN_BEHIND_MODULE : 0;
}

/* Section 8.2: the highest level that all numbers reach. */
static bool
level_find(size_t *index, const struct matcher *m, const uint8_t svn[16],
    enum dv_tcb_rule rule, struct reason *why)
{
	const struct tcb_numbers *have = m->numbers;

	for (size_t i = 0; i < m->tcb->nlevels; i++) {
		const struct tcb_level *level = &m->tcb->levels[i];

		if (have->pce_svn < level->pce_svn)
			continue;
		if (!components_check("SGX", level->nsgx, why))
			return false;
		if (!reaches(have->cpu_svn, level->sgx, 0))
			continue;
		if (have->tee == DV_TEE_TDX) {
			if (!components_check("TDX", level->ntdx, why))
				return false;
			if (!reaches(svn, level->tdx, first_component(svn, rule)))
				continue;
		}
		*index = i;
		return true;
	}
	return reject(why, REASON_REFUSED, "No matching TCB level found");
}

/* A level that is in order again: what grace periods count from. */
static bool
is_better(enum tcb_status status)
{
	return !tcb_status_outdated(status) && status != TCB_REVOKED;
}

static void
platform_part(struct tcb_part *part, const struct tcb_info *tcb, size_t index)
{
	const struct tcb_level *level = &tcb->levels[index];

	*part = (struct tcb_part){
		.found = true,
		.status = level->status,
		.advisories = level->advisories,
		.tcb_date = level->date,
	};
	while (index-- > 0)
		if (is_better(tcb->levels[index].status)) {
			part->has_better = true;
			part->better_date = tcb->levels[index].date;
			return;
		}
}

static void
isv_part(struct tcb_part *part, const struct isv_level *levels, size_t nlevels,
    const struct isv_level *found)
{
	const struct isv_level *better = NULL;

	*part = (struct tcb_part){
		.found = true,
		.status = found->status,
		.advisories = found->advisories,
		.tcb_date = found->date,
	};
	for (size_t i = 0; i < nlevels; i++)
		if (levels[i].isv_svn > found->isv_svn && is_better(levels[i].status) &&
		    (better == NULL || levels[i].isv_svn < better->isv_svn))
			better = &levels[i];
	if (better != NULL) {
		part->has_better = true;
		part->better_date = better->date;
	}
}

/* The identity TDX_xx of a module with a version; *out is NULL when there is none to look for. */
static bool
identity_find(const struct tdx_module **out, const struct tcb_info *tcb,
    const uint8_t svn[16], struct reason *why)
{
	char id[sizeof "TDX_FF"];

	*out = NULL;
	if (svn[SVN_MODULE_VERSION] == 0)
		return true;
	if (tcb->nidentities == 0) {
		if (identities_required)
			return reject(why, REASON_REFUSED,
			    "TDX TCB Info is missing tdxModuleIdentities field");
		return true;
	}
	(void)snprintf(id, sizeof id, "TDX_%02X", svn[SVN_MODULE_VERSION]);
	for (size_t i = 0; i < tcb->nidentities; i++) {
		const struct tdx_module *identity = &tcb->identities[i];

		if (identity->id.len == strlen(id) &&
		    strncasecmp((const char *)identity->id.ptr, id, strlen(id)) == 0) {
			*out = identity;
			return true;
		}
	}
	return reject(why, REASON_REFUSED,
	    "No TDX module identity with id %s found in TCB Info", id);
}

static bool
mr_signer_check(const struct tdx_module *expected, const uint8_t mr_signer[48],
    struct reason *why)
{
	char want[2 * 48 + 1] = "", got[2 * 48 + 1] = "";

	if (memcmp(mr_signer, expected->mr_signer, sizeof expected->mr_signer) == 0)
		return true;
	hex_encode_upper(want, BYTES_OF(expected->mr_signer));
	hex_encode_upper(got, (struct bytes){ mr_signer, sizeof expected->mr_signer });
	return reject(why, REASON_REFUSED, "TDX module MRSIGNER mismatch: expected %s, got %s",
	    want, got);
}

/* Section 8.3, the part that is about who made the module and how it was started. */
static bool
seam_check(const struct tdx_module *expected, const struct tcb_numbers *have,
    struct reason *why)
{
	if (!mr_signer_check(expected, have->mr_signer_seam, why))
		return false;
	for (size_t i = 0; i < sizeof expected->attributes; i++) {
		uint8_t mask = expected->attributes_mask[i];
		uint8_t got = have->seam_attributes[i];

		if ((expected->attributes[i] & mask) != (got & mask))
			return reject(why, REASON_REFUSED,
			    "TDX module SEAMATTRIBUTES mismatch at byte %zu: "
			    "expected %02X, got %02X", i, expected->attributes[i] & mask,
			    got & mask);
		if ((got & ~mask & 0xff) != 0)
			return reject(why, REASON_REFUSED,
			    "TDX module SEAMATTRIBUTES has bits set outside mask at byte %zu", i);
	}
	if (seam_attributes_zero && !bytes_zero(BYTES_OF(have->seam_attributes)))
		return reject(why, REASON_REFUSED, "TDX module SEAMATTRIBUTES is not zero");
	return true;
}

/* Section 8.3; `launch`: compare signer and attributes too, which are those of tee_tcb_svn. */
static bool
module_match(struct tcb_part *part, const struct matcher *m, const uint8_t svn[16],
    bool launch, struct reason *why)
{
	const struct tcb_info *tcb = m->tcb;
	const struct tdx_module *identity;
	const struct isv_level *level;

	*part = (struct tcb_part){ .found = false };
	if (launch && !tcb->has_module)
		return reject(why, REASON_REFUSED, "TDX module identity check: "
		    "TDX TCB Info is missing tdxModule field");
	if (!identity_find(&identity, tcb, svn, why))
		return false;
	if (launch && !seam_check(identity != NULL ? identity : &tcb->module, m->numbers, why))
		return false;
	if (identity == NULL)
		return true;
	level = isv_level_find(identity->levels, identity->nlevels, svn[SVN_MODULE]);
	if (level == NULL)
		return reject(why, REASON_REFUSED, "TDX module ISVSVN %u is below minimum "
		    "required from TDX module TCB levels", svn[SVN_MODULE]);
	isv_part(part, identity->levels, identity->nlevels, level);
	return true;
}

static bool
evaluate(struct evaluation *out, const struct matcher *m, const uint8_t svn[16],
    enum dv_tcb_rule rule, bool launch, struct reason *why)
{
	size_t index = 0;

	*out = (struct evaluation){ .level.found = false };
	if (!level_find(&index, m, svn, rule, why))
		return false;
	platform_part(&out->level, m->tcb, index);
	return m->numbers->tee != DV_TEE_TDX ||
	    module_match(&out->module, m, svn, launch, why);
}

/* Intel's rule: how an outdated or revoked part changes the platform's status. */
static enum tcb_status
converge(enum tcb_status platform, const struct tcb_part *part)
{
	if (!part->found)
		return platform;
	if (part->status == TCB_REVOKED || platform == TCB_REVOKED)
		return TCB_REVOKED;
	if (part->status != TCB_OUT_OF_DATE)
		return platform;
	switch (platform) {
	case TCB_UP_TO_DATE:
	case TCB_SW_HARDENING_NEEDED:
		return TCB_OUT_OF_DATE;
	case TCB_CONFIGURATION_NEEDED:
	case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
	case TCB_OUT_OF_DATE:
	case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
	case TCB_REVOKED:
	case TCB_TD_RELAUNCH_ADVISED:
	case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
		break;
	}
	return platform;
}

/* Upstream's rule: the worse of the two. */
static enum tcb_status
worse(enum tcb_status platform, const struct tcb_part *part)
{
	return part->found ? tcb_status_worse(platform, part->status) : platform;
}

/* The statuses that Intel's library knows for a QE and for a module. */
static bool
words_check(const struct tcb_part *qe, const struct tcb_part *module, struct reason *why)
{
	const unsigned module_words = 1u << TCB_UP_TO_DATE | 1u << TCB_OUT_OF_DATE |
	    1u << TCB_REVOKED;
	const unsigned qe_words = module_words | 1u << TCB_CONFIGURATION_NEEDED |
	    1u << TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;

	if ((qe_words & 1u << qe->status) == 0)
		return reject(why, REASON_REFUSED, "QE TCB status %s is not one of a QE",
		    tcb_status_name(qe->status));
	if (module->found && (module_words & 1u << module->status) == 0)
		return reject(why, REASON_REFUSED,
		    "TDX module TCB status %s is not one of a module",
		    tcb_status_name(module->status));
	return true;
}

/* judge() of section 8.4. */
static bool
intel_judge(enum tcb_status *status, struct evaluation *eval, const struct matcher *m,
    const uint8_t svn[16], bool launch, struct reason *why)
{
	if (!evaluate(eval, m, svn, DV_TCB_RULE_INTEL, launch, why) ||
	    !words_check(&m->qe_part, &eval->module, why))
		return false;
	*status = converge(converge(eval->level.status, &eval->module), &m->qe_part);
	return true;
}

static bool
asks_configuration(enum tcb_status status)
{
	return status == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED ||
	    status == TCB_CONFIGURATION_NEEDED ||
	    status == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
}

/* The platform was updated while the TD kept running. */
static enum tcb_status
relaunch(enum tcb_status launch, enum tcb_status current)
{
	if (!tcb_status_outdated(launch) || current > TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED)
		return launch;
	return asks_configuration(launch) || asks_configuration(current) ?
	    TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED : TCB_TD_RELAUNCH_ADVISED;
}

static bool
revoked_check(enum tcb_status status, struct reason *why)
{
	if (status == TCB_REVOKED)
		return reject(why, REASON_REFUSED, "TCB status is invalid: Revoked");
	return true;
}

/* The whole of Intel's rule; out->current_* as a by-product. */
static bool
intel_match(struct tcb_match *out, struct evaluation *eval, const struct matcher *m,
    struct reason *why)
{
	const struct tcb_numbers *have = m->numbers;
	struct reason no_launch = { .kind = REASON_NONE }, no_current = { .kind = REASON_NONE };
	struct evaluation now;
	bool launched;

	launched = intel_judge(&out->intel_status, eval, m, have->tee_tcb_svn, true, &no_launch);
	out->has_current = have->has_tee_tcb_svn2;
	if (out->has_current)
		out->current_found = intel_judge(&out->current_status, &now, m,
		    have->tee_tcb_svn2, false, &no_current);
	out->intel_found = launched && (!out->has_current || out->current_found);
	if (!launched)
		*why = no_launch;
	else if (!out->intel_found)
		*why = no_current;
	if (!out->intel_found)
		return false;
	if (out->has_current)
		out->intel_status = relaunch(out->intel_status, out->current_status);
	if (refuse_revoked_current && out->has_current && out->current_status == TCB_REVOKED)
		out->intel_status = TCB_REVOKED;
	return revoked_check(out->intel_status, why);
}

static bool
upstream_match(struct tcb_match *out, struct evaluation *eval, const struct matcher *m,
    struct reason *why)
{
	if (!evaluate(eval, m, m->numbers->tee_tcb_svn, DV_TCB_RULE_UPSTREAM, true, why))
		return false;
	out->upstream_found = true;
	out->upstream_status = worse(worse(eval->level.status, &eval->module), &m->qe_part);
	return revoked_check(out->upstream_status, why);
}

static bool
has_advisory(const struct bytes *ids, size_t n, struct bytes id)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_equal(ids[i], id))
			return true;
	return false;
}

/* Appends copies of those that are not there yet; of the first list duplicates are kept. */
static bool
advisories_append(struct bytes *ids, size_t *n, const struct advisories *more, bool keep,
    struct arena *arena, struct reason *why)
{
	for (size_t i = 0; i < more->n; i++) {
		if (!keep && has_advisory(ids, *n, more->ids[i]))
			continue;
		if (!arena_copy(arena, &ids[*n], more->ids[i], why))
			return false;
		++*n;
	}
	return true;
}

/* Platform, module, QE in this order; *nplatform: how many come before the QE's. */
static bool
advisories_merge(struct tcb_match *out, struct arena *arena, struct reason *why)
{
	size_t most = out->level.advisories.n + out->module.advisories.n + out->qe.advisories.n;
	struct bytes *ids = NULL;
	size_t n = 0;

	if (most != 0) {
		ids = arena_array(arena, most, sizeof *ids, why);
		if (ids == NULL)
			return false;
	}
	if (!advisories_append(ids, &n, &out->level.advisories, true, arena, why) ||
	    !advisories_append(ids, &n, &out->module.advisories, false, arena, why))
		return false;
	out->platform_advisories = (struct advisories){ ids, n };
	if (!advisories_append(ids, &n, &out->qe.advisories, false, arena, why))
		return false;
	out->advisories = (struct advisories){ ids, n };
	return true;
}

/* Gives a part a list of its own, so that nothing points into the collateral. */
static bool
advisories_own(struct tcb_part *part, struct arena *arena, struct reason *why)
{
	struct bytes *ids;
	size_t n = 0;

	if (part->advisories.n == 0)
		return true;
	ids = arena_array(arena, part->advisories.n, sizeof *ids, why);
	if (ids == NULL || !advisories_append(ids, &n, &part->advisories, true, arena, why))
		return false;
	part->advisories = (struct advisories){ ids, n };
	return true;
}

static void
shortfall_add(struct tcb_match *out, enum tcb_component component, bool has_index, size_t index,
    unsigned have, unsigned needs)
{
	if (have >= needs)
		return;
	assert(out->nshortfall < TCB_SHORTFALL_MAX);
	out->shortfall[out->nshortfall++] = (struct tcb_shortfall){
		.component = component,
		.has_index = has_index,
		.index = (unsigned)index,
		.have = have,
		.needs = needs,
	};
}

static unsigned
highest_isv_svn(const struct isv_level *levels, size_t nlevels)
{
	unsigned highest = 0;

	for (size_t i = 0; i < nlevels; i++)
		if (levels[i].isv_svn > highest)
			highest = levels[i].isv_svn;
	return highest;
}

/* Each number below the highest level, so that an operator knows what to update. */
static void
shortfall_find(struct tcb_match *out, const struct matcher *m)
{
	const struct tcb_numbers *have = m->numbers;
	const struct tcb_level *top = &m->tcb->levels[0];
	const struct tdx_module *identity = NULL;
	struct reason ignored;

	for (size_t i = 0; i < TCB_COMPONENTS; i++)
		shortfall_add(out, TCB_COMPONENT_SGX, true, i, have->cpu_svn[i], top->sgx[i]);
	if (have->tee == DV_TEE_TDX) {
		for (size_t i = first_component(have->tee_tcb_svn, out->rule);
		    i < TCB_COMPONENTS; i++)
			shortfall_add(out, TCB_COMPONENT_TDX, true, i, have->tee_tcb_svn[i],
			    top->tdx[i]);
	}
	shortfall_add(out, TCB_COMPONENT_PCESVN, false, 0, have->pce_svn, top->pce_svn);
	if (have->tee == DV_TEE_TDX &&
	    identity_find(&identity, m->tcb, have->tee_tcb_svn, &ignored) && identity != NULL)
		shortfall_add(out, TCB_COMPONENT_TDX_MODULE, false, 0,
		    have->tee_tcb_svn[SVN_MODULE],
		    highest_isv_svn(identity->levels, identity->nlevels));
	shortfall_add(out, TCB_COMPONENT_QE, false, 0, have->qe_isv_svn,
	    highest_isv_svn(m->qe->levels, m->qe->nlevels));
}

static void
outdated_find(struct tcb_match *out)
{
	const struct tcb_part *parts[] = { &out->level, &out->module, &out->qe };

	out->has_outdated_since = true;
	for (size_t i = 0; i < NELEM(parts); i++) {
		if (!parts[i]->found || !tcb_status_outdated(parts[i]->status))
			continue;
		if (!parts[i]->has_better)
			out->has_outdated_since = false;
		if (!out->outdated || parts[i]->better_date < out->outdated_since)
			out->outdated_since = parts[i]->better_date;
		out->outdated = true;
	}
	if (!out->outdated || !out->has_outdated_since) {
		out->has_outdated_since = false;
		out->outdated_since = 0;
	}
}

static void
platform_status_set(struct tcb_match *out)
{
	out->platform_status = out->rule == DV_TCB_RULE_INTEL ?
	    converge(out->level.status, &out->module) : worse(out->level.status, &out->module);
}

/* Whether anything is less than UpToDate, so that a shortfall is of interest. */
static bool
not_up_to_date(const struct tcb_match *out)
{
	return out->status != TCB_UP_TO_DATE || out->platform_status != TCB_UP_TO_DATE ||
	    out->qe.status != TCB_UP_TO_DATE ||
	    (out->has_current &&
	    (!out->current_found || out->current_status != TCB_UP_TO_DATE));
}

static bool
finish(struct tcb_match *out, const struct matcher *m, const struct evaluation *eval,
    struct arena *arena, struct reason *why)
{
	out->level = eval->level;
	out->module = eval->module;
	out->qe = m->qe_part;
	out->status = out->rule == DV_TCB_RULE_INTEL ? out->intel_status : out->upstream_status;
	platform_status_set(out);
	outdated_find(out);
	out->has_shortfall = not_up_to_date(out);
	if (out->has_shortfall)
		shortfall_find(out, m);
	return advisories_merge(out, arena, why) &&
	    advisories_own(&out->level, arena, why) &&
	    advisories_own(&out->module, arena, why) &&
	    advisories_own(&out->qe, arena, why);
}

bool
tcb_match(struct tcb_match *out, const struct tcb_numbers *numbers, const struct tcb_info *tcb,
    const struct qe_identity *qe, enum dv_tcb_rule rule, struct arena *arena,
    struct reason *why)
{
	struct matcher m = { .numbers = numbers, .tcb = tcb, .qe = qe };
	struct reason no_upstream = { .kind = REASON_NONE }, no_intel = { .kind = REASON_NONE };
	struct evaluation upstream, intel;
	const struct isv_level *level;
	bool by_upstream, by_intel;

	*out = (struct tcb_match){ .rule = rule };
	if (!qe_identity_level_find(&level, qe, numbers->qe_isv_svn, why))
		return false;
	isv_part(&m.qe_part, qe->levels, qe->nlevels, level);
	by_upstream = upstream_match(out, &upstream, &m, &no_upstream);
	by_intel = intel_match(out, &intel, &m, &no_intel);
	if (rule == DV_TCB_RULE_INTEL ? !by_intel : !by_upstream) {
		*why = rule == DV_TCB_RULE_INTEL ? no_intel : no_upstream;
		return false;
	}
	return finish(out, &m, rule == DV_TCB_RULE_INTEL ? &intel : &upstream, arena, why);
}
