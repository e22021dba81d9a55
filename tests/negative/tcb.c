/*
 * TCB levels and statuses: quote-verification.md 8, steps 26, 30 and 31.
 *
 * Advisory: GHSA-6q6c-vvf9-fj3w (a level with too few components matched everything).
 */
#include <stdio.h>

#include "judge.h"

#define N_STATUSES      7
#define REVOKED         6
#define NO_LEVEL        "No matching TCB level found"

static const char *const statuses[N_STATUSES] = {
	"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
	"ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked",
};
enum { UP_TO_DATE, SW_HARDENING, CONFIGURATION, CONFIGURATION_SW, OUT_OF_DATE,
	OUT_OF_DATE_CONFIGURATION };

/* A module of version 1 with an identity; the platform is at the first of two levels. */
static void
with_identity(struct document_tcb *tcb, struct guest *g, const char *status)
{
	mock_tcb(tcb, &g->intel);
	tcb->nmodules = 1;
	tcb->modules[0] = (struct document_module){
		.id = "TDX_01", .nlevels = 1,
		.levels = { { 3, { NULL, status, "INTEL-SA-MODULE INTEL-SA-BOTH" } } },
	};
	g->intel.quote.body[TD_TEE_TCB_SVN] = 3;
	g->intel.quote.body[TD_TEE_TCB_SVN + 1] = 1;
}

static void
qe_status(struct guest *g, const char *status)
{
	struct document_qe qe;

	mock_qe(&qe, &g->intel);
	qe.levels[0].end = (struct document_status){ NULL, status, "INTEL-SA-BOTH INTEL-SA-QE" };
	g->intel.qe.text = document_qe(&qe);
}

/* ---- every status with each other ---- */

static unsigned
worse(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static unsigned
upstream_rule(unsigned platform, unsigned module, unsigned qe)
{
	return worse(worse(platform, module), qe);
}

/* The words of a QE and of a module are fewer; N_STATUSES: refused for that. */
static unsigned
intel_rule(unsigned platform, unsigned module, unsigned qe)
{
	if (qe == SW_HARDENING || qe == CONFIGURATION_SW)
		return N_STATUSES;
	if (module != UP_TO_DATE && module != OUT_OF_DATE && module != REVOKED)
		return N_STATUSES;
	if (qe == REVOKED || module == REVOKED || platform == REVOKED)
		return REVOKED;
	if (qe != OUT_OF_DATE && module != OUT_OF_DATE)
		return platform;
	if (platform <= SW_HARDENING)
		return OUT_OF_DATE;
	return platform <= CONFIGURATION_SW ? OUT_OF_DATE_CONFIGURATION : platform;
}

static const char *
status_reason(unsigned status, unsigned module, unsigned qe)
{
	static char text[128];

	if (status == REVOKED)
		return "TCB status is invalid: Revoked";
	if (status != N_STATUSES)
		return NULL;
	if (qe == SW_HARDENING || qe == CONFIGURATION_SW)
		(void)snprintf(text, sizeof text, "QE TCB status %s is not one of a QE",
		    statuses[qe]);
	else
		(void)snprintf(text, sizeof text, "TDX module TCB status %s is not one of a module",
		    statuses[module]);
	return text;
}

static void
status_case(enum dv_tcb_rule rule, unsigned platform, unsigned module, unsigned qe)
{
	const void *mark = build_mark();
	const unsigned wanted = (rule == DV_TCB_RULE_INTEL ? intel_rule : upstream_rule)(platform,
	    module, qe);
	struct document_tcb tcb;
	struct judge judge;
	struct guest g;
	const char *reason;
	char said[128];

	judge_init(&judge);
	judge.entry = JUDGE_QUOTE;
	judge.policy.tcb_rule = rule;
	guest_init(&g, 0);
	with_identity(&tcb, &g, statuses[module]);
	tcb.levels[0].end = (struct document_status){ NULL, statuses[platform], "INTEL-SA-TCB" };
	g.intel.tcb.text = document_tcb(&tcb);
	qe_status(&g, statuses[qe]);
	guest_build(&g);
	reason = judge_guest(&judge, &g);
	(void)snprintf(said, sizeof said,
	    "\"tcb_status\":\"%s\",\"advisory_ids\":[\"INTEL-SA-TCB\","
	    "\"INTEL-SA-MODULE\",\"INTEL-SA-BOTH\",\"INTEL-SA-QE\"]",
	    wanted < N_STATUSES ? statuses[wanted] : "");
	if (!judge_matches(reason, "Quote verification failed: ",
	    status_reason(wanted, module, qe)) || (reason == NULL && !judge_says(said)))
		fail_msg("rule %d: platform %s, module %s, QE %s: %s", rule, statuses[platform],
		    statuses[module], statuses[qe], reason != NULL ? reason : "another status");
	build_release(mark);
}

static void
test_statuses(void **state)
{
	for (unsigned platform = 0; platform < N_STATUSES; platform++)
		for (unsigned module = 0; module < N_STATUSES; module++)
			for (unsigned qe = 0; qe < N_STATUSES; qe++) {
				status_case(DV_TCB_RULE_UPSTREAM, platform, module, qe);
				status_case(DV_TCB_RULE_INTEL, platform, module, qe);
			}
	print_message("# %d cases\n", 2 * N_STATUSES * N_STATUSES * N_STATUSES);
}

/* ---- relaunch: the platform was updated while the TD ran ---- */

static const char *
relaunch_rule(unsigned launch, unsigned current)
{
	const bool outdated = launch == OUT_OF_DATE || launch == OUT_OF_DATE_CONFIGURATION;

	if (launch == REVOKED || current == REVOKED)
		return NULL;
	if (!outdated || current >= OUT_OF_DATE)
		return statuses[launch];
	return launch == OUT_OF_DATE && current <= SW_HARDENING ? "TDRelaunchAdvised" :
	    "TDRelaunchAdvisedConfigurationNeeded";
}

static void
relaunch_case(unsigned launch, unsigned current)
{
	const void *mark = build_mark();
	const char *reason, *wanted = relaunch_rule(launch, current);
	struct document_tcb tcb;
	struct judge judge;
	struct guest g;
	char said[128];

	judge_init(&judge);
	judge.entry = JUDGE_QUOTE;
	judge.policy.tcb_rule = DV_TCB_RULE_INTEL;
	guest_init(&g, 0);
	g.intel.quote.version = 5;
	g.intel.quote.body_type = 3;
	g.intel.quote.body_len = 648;
	g.intel.quote.body[TD_TEE_TCB_SVN + 2] = 1;
	g.intel.quote.body[TD_TEE_TCB_SVN2 + 2] = 2;
	mock_tcb(&tcb, &g.intel);
	tcb.levels[1] = tcb.levels[0];
	tcb.levels[0].tdx[2].svn = 1;
	tcb.levels[0].end.status = statuses[launch];
	tcb.levels[1].tdx[2].svn = 2;
	tcb.levels[1].end.status = statuses[current];
	g.intel.tcb.text = document_tcb(&tcb);
	guest_build(&g);
	reason = judge_guest(&judge, &g);
	(void)snprintf(said, sizeof said, "\"tcb_status\":\"%s\"", wanted != NULL ? wanted : "");
	if (!judge_matches(reason, "Quote verification failed: ",
	    wanted == NULL ? "TCB status is invalid: Revoked" : NULL) ||
	    (wanted != NULL && !judge_says(said)))
		fail_msg("launch %s, current %s: %s", statuses[launch], statuses[current],
		    reason != NULL ? reason : "another status");
	build_release(mark);
}

static void
test_relaunch(void **state)
{
	for (unsigned launch = 0; launch < N_STATUSES; launch++)
		for (unsigned current = 0; current < N_STATUSES; current++)
			relaunch_case(launch, current);
	print_message("# %d cases\n", N_STATUSES * N_STATUSES);
}

/* ---- levels ---- */

/* The order of levels in the document means nothing: all 24 of four. */
static void
test_shuffled(void **state)
{
	struct document_level levels[4];
	struct document_tcb tcb;
	struct judge judge;
	struct guest g;
	unsigned ncases = 0;

	judge_init(&judge);
	judge.entry = JUDGE_QUOTE;
	for (unsigned order = 0; order < 256; order++) {
		const unsigned at[] = { order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 };

		if ((1u << at[0] | 1u << at[1] | 1u << at[2] | 1u << at[3]) != 15)
			continue;
		guest_init(&g, 0);
		mock_tcb(&tcb, &g.intel);
		levels[0] = document_level(6, 0, 11, "ConfigurationNeeded");
		levels[1] = document_level(5, 0, 11, "SWHardeningNeeded");
		levels[2] = document_level(5, 0, 10, "OutOfDate");
		levels[3] = document_level(0, 0, 0, "OutOfDateConfigurationNeeded");
		for (unsigned i = 0; i < 4; i++)
			tcb.levels[at[i]] = levels[i];
		tcb.nlevels = 4;
		g.intel.tcb.text = document_tcb(&tcb);
		guest_build(&g);
		assert_null(judge_guest(&judge, &g));
		assert_true(judge_says("\"tcb_status\":\"SWHardeningNeeded\""));
		ncases++;
	}
	assert_int_equal(ncases, 24);
	print_message("# %u cases\n", ncases);
}

/* One level alone, which the platform reaches just so. */
static void
one_level(struct document_tcb *tcb, struct guest *g)
{
	mock_tcb(tcb, &g->intel);
	tcb->nlevels = 1;
	for (unsigned i = 0; i < 16; i++) {
		tcb->levels[0].sgx[i].svn = g->intel.pck.cpusvn[i];
		tcb->levels[0].tdx[i].svn = g->intel.quote.body[TD_TEE_TCB_SVN + i];
	}
	tcb->levels[0].pcesvn = g->intel.pck.pcesvn;
}

static void
at_level(struct guest *g, struct judge *judge)
{
	struct document_tcb tcb;

	one_level(&tcb, g);
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
sgx_component(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	one_level(&tcb, g);
	tcb.levels[0].sgx[arg].svn++;
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
tdx_component(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	one_level(&tcb, g);
	tcb.levels[0].tdx[arg].svn++;
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
pcesvn(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	one_level(&tcb, g);
	tcb.levels[0].pcesvn++;
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
sgx_count(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	one_level(&tcb, g);
	tcb.levels[0].nsgx = (size_t)arg;
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
tdx_count(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	one_level(&tcb, g);
	tcb.levels[0].ntdx = (size_t)arg;
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
all_revoked(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	one_level(&tcb, g);
	tcb.levels[0].end.status = "Revoked";
	g->intel.tcb.text = document_tcb(&tcb);
}

static const struct row level_rows[] = {
	{ "PCESVN one too low", pcesvn, 0, {0}, NO_LEVEL },
	{ "GHSA-6q6c-vvf9-fj3w: no SGX component", sgx_count, 0, {0},
	    "SGX component count mismatch: expected 16, got 0" },
	{ "GHSA-6q6c-vvf9-fj3w: 1 SGX component", sgx_count, 1, {0},
	    "SGX component count mismatch: expected 16, got 1" },
	{ "GHSA-6q6c-vvf9-fj3w: 15 SGX components", sgx_count, 15, {0},
	    "SGX component count mismatch: expected 16, got 15" },
	{ "GHSA-6q6c-vvf9-fj3w: 17 SGX components", sgx_count, 17, {0},
	    "SGX component count mismatch: expected 16, got 17" },
	{ "GHSA-6q6c-vvf9-fj3w: no TDX component", tdx_count, 0, {0},
	    "TDX component count mismatch: expected 16, got 0" },
	{ "GHSA-6q6c-vvf9-fj3w: 1 TDX component", tdx_count, 1, {0},
	    "TDX component count mismatch: expected 16, got 1" },
	{ "GHSA-6q6c-vvf9-fj3w: 15 TDX components", tdx_count, 15, {0},
	    "TDX component count mismatch: expected 16, got 15" },
	{ "GHSA-6q6c-vvf9-fj3w: 17 TDX components", tdx_count, 17, {0},
	    "TDX component count mismatch: expected 16, got 17" },
	{ "the level is revoked", all_revoked, 0, {0}, "TCB status is invalid: Revoked" },
};

#define PREFIX  "Quote verification failed: failed to verify TDX quote: "

static void
test_levels(void **state)
{
	struct row rows[32];
	char names[32][32];

	judge_table(&(struct table){ PREFIX, at_level, level_rows, NELEM(level_rows) });
	for (int i = 0; i < 32; i++) {
		(void)snprintf(names[i], sizeof names[i], "%s component %d one too low",
		    i < 16 ? "SGX" : "TDX", i % 16);
		rows[i] = (struct row){ .name = names[i],
		    .prepare = i < 16 ? sgx_component : tdx_component, .arg = i % 16,
		    .why = NO_LEVEL };
	}
	judge_table(&(struct table){ PREFIX, at_level, rows, NELEM(rows) });
}

/* ---- module identities ---- */

static void
identity(struct guest *g, struct judge *judge)
{
	struct document_tcb tcb;

	with_identity(&tcb, g, "UpToDate");
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
module_version(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.body[TD_TEE_TCB_SVN + 1] = (uint8_t)arg;
}

static void
module_svn(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.body[TD_TEE_TCB_SVN] = (uint8_t)arg;
}

static void
no_module_levels(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	with_identity(&tcb, g, "UpToDate");
	tcb.modules[0].nlevels = 0;
	g->intel.tcb.text = document_tcb(&tcb);
}

/* tdxModule fits, the identity does not: the identity counts. */
static void
identity_signer(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	with_identity(&tcb, g, "UpToDate");
	tcb.modules[0].mrsigner = "0100000000000000000000000000000000000000000000000000000000000000"
	    "00000000000000000000000000000000";
	g->intel.tcb.text = document_tcb(&tcb);
}

static const struct row module_rows[] = {
	{ "module version 2 without identity", module_version, 2, {0},
	    "No TDX module identity with id TDX_02 found in TCB Info" },
	{ "module version 255 without identity", module_version, 255, {0},
	    "No TDX module identity with id TDX_FF found in TCB Info" },
	{ "module version 0", module_version, 0, {0}, NULL },
	{ "module ISVSVN 2", module_svn, 2, {0},
	    "TDX module ISVSVN 2 is below minimum required from TDX module TCB levels" },
	{ "module ISVSVN 0", module_svn, 0, {0},
	    "TDX module ISVSVN 0 is below minimum required from TDX module TCB levels" },
	{ "module identity without levels", no_module_levels, 0, {0},
	    "TDX module ISVSVN 3 is below minimum required from TDX module TCB levels" },
	{ "module identity of another signer", identity_signer, 0, {0},
	    "TDX module MRSIGNER mismatch: expected "
	    "010000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	    "000000000000, got "
	    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	    "000000000000" },
	{ "identity id in small letters", NULL, 0, REPLACE(STAGE_TCB, "TDX_01", "tdx_01"), NULL },
	{ "identity id is another", NULL, 0, REPLACE(STAGE_TCB, "TDX_01", "TDX_1"),
	    "No TDX module identity with id TDX_01 found in TCB Info" },
	{ "module level unknown", NULL, 0, REPLACE(STAGE_TCB, "UpToDate", "Unknown"),
	    "Failed to decode TcbInfo: unknown tcbStatus" },
	{ "module isvsvn 256", NULL, 0, REPLACE(STAGE_TCB, "\"isvsvn\":3", "\"isvsvn\":256"),
	    "Failed to decode TcbInfo: \"isvsvn\" is more than 255" },
};

static void
test_modules(void **state)
{
	judge_table(&(struct table){ PREFIX, identity, module_rows, NELEM(module_rows) });
}

/* ---- tee_tcb_svn2 that matches nothing ---- */

static void
version_5(struct guest *g, struct judge *judge)
{
	struct document_tcb tcb;

	judge->policy.tcb_rule = DV_TCB_RULE_INTEL;
	g->intel.quote.version = 5;
	g->intel.quote.body_type = 3;
	g->intel.quote.body_len = 648;
	g->intel.quote.body[TD_TEE_TCB_SVN + 5] = g->intel.quote.body[TD_TEE_TCB_SVN2 + 5] = 1;
	one_level(&tcb, g);
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
current_low(struct guest *g, struct judge *judge, int arg)
{
	judge->policy.tcb_rule = (enum dv_tcb_rule)arg;
	g->intel.quote.body[TD_TEE_TCB_SVN2 + 5] = 0;
}

static const struct row current_rows[] = {
	{ "tee_tcb_svn2 below, Intel's rule", current_low, DV_TCB_RULE_INTEL, {0}, NO_LEVEL },
	{ "tee_tcb_svn2 below, upstream's rule", current_low, DV_TCB_RULE_UPSTREAM, {0}, NULL },
};

static void
test_current(void **state)
{
	judge_table(&(struct table){ PREFIX, version_5, current_rows, NELEM(current_rows) });
	assert_true(judge_says("tee_tcb_svn2 matches no TCB level"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_relaunch),
		cmocka_unit_test(test_shuffled),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_current),
	};

	return cmocka_run_group_tests_name("tcb", tests, NULL, NULL);
}
