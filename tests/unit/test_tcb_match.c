#include "testing.h"

#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"
#include "dcap/tcb_match.h"

#define ARENA_MAX_LEN   ((size_t)1 << 20)
#define ID(text)        { (const uint8_t *)(text), sizeof(text) - 1 }

static struct arena *arena;
static struct tcb_match match;

/* Level 1 is out of date; module TDX_01 has 5 and 3; the QE 4 and 2. */
static const struct bytes ids_level[] = { ID("A"), ID("A"), ID("B") };
static const struct bytes ids_module[] = { ID("B"), ID("C") };
static const struct bytes ids_qe[] = { ID("C"), ID("A"), ID("D") };

struct bench {
	struct tcb_level levels[3];
	struct isv_level module_levels[2];
	struct tdx_module identity;
	struct isv_level qe_levels[3];
	struct tcb_info tcb;
	struct qe_identity qe;
	struct tcb_numbers numbers;
};

static int
setup(void **state)
{
	arena = arena_new(ARENA_MAX_LEN);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static struct tcb_level
level(uint8_t sgx0, uint8_t tdx0, uint8_t tdx2, uint16_t pce_svn, enum tcb_status status,
    int64_t date)
{
	return (struct tcb_level){
		.sgx = { sgx0, [15] = 1 }, .tdx = { tdx0, 0, tdx2 },
		.nsgx = 16, .ntdx = 16, .pce_svn = pce_svn, .status = status, .date = date,
	};
}

/* A platform on the highest level, with a module of version 1. */
static void
bench_init(struct bench *b)
{
	*b = (struct bench){
		.levels = {
			level(5, 5, 7, 11, TCB_UP_TO_DATE, 300),
			level(4, 4, 6, 11, TCB_OUT_OF_DATE, 200),
			level(3, 3, 0, 5, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, 100),
		},
		.module_levels = {
			{ .isv_svn = 5, .status = TCB_UP_TO_DATE, .date = 250 },
			{ .isv_svn = 3, .status = TCB_OUT_OF_DATE, .date = 150 },
		},
		.identity = { .id = ID("tdx_01") },
		.qe_levels = {
			{ .isv_svn = 4, .status = TCB_UP_TO_DATE, .date = 260 },
			{ .isv_svn = 3, .status = TCB_OUT_OF_DATE, .date = 255 },
			{ .isv_svn = 2, .status = TCB_REVOKED, .date = 50 },
		},
		.tcb = { .known_tee = true, .tee = DV_TEE_TDX, .has_module = true },
		.numbers = {
			.tee = DV_TEE_TDX, .cpu_svn = { 5, [15] = 1 }, .pce_svn = 11,
			.qe_isv_svn = 4, .tee_tcb_svn = { 5, 1, 7 },
		},
	};
	memset(b->tcb.module.attributes_mask, 0xff, 8);
	memset(b->identity.attributes_mask, 0xff, 8);
	b->tcb.levels = b->levels;
	b->tcb.nlevels = NELEM(b->levels);
	b->identity.levels = b->module_levels;
	b->identity.nlevels = NELEM(b->module_levels);
	b->tcb.identities = &b->identity;
	b->tcb.nidentities = 1;
	b->qe.levels = b->qe_levels;
	b->qe.nlevels = NELEM(b->qe_levels);
}

static bool
bench_match(const struct bench *b, enum dv_tcb_rule rule, struct reason *why)
{
	return tcb_match(&match, &b->numbers, &b->tcb, &b->qe, rule, arena, why);
}

/* What is changed in the bench before each row. */
enum change {
	NOTHING, CPU, PCE, TDX2, TDX0, SVN2_AT_15, MODULE_OLD, MODULE_UNKNOWN, MODULE_TOO_OLD,
	NO_MODULE, NO_IDENTITIES, NO_VERSION, SIGNER, SEAM, SEAM_OUTSIDE, SEAM_SET, QE_OLD,
	QE_REVOKED, QE_TOO_OLD, QE_NO_LEVELS, BELOW_ALL, NO_LEVELS, SGX_COUNT, TDX_COUNT,
	COUNT_NOT_REACHED, SGX_QUOTE, MODULE_WORD, QE_HARDENING, REVOKED,
};

static void
bench_change(struct bench *b, enum change change)
{
	struct tcb_numbers *n = &b->numbers;

	switch (change) {
	case NOTHING: break;
	case CPU: n->cpu_svn[0] = 4; break;
	case PCE: n->pce_svn = 5; break;
	case TDX2: n->tee_tcb_svn[2] = 6; break;
	case TDX0: n->tee_tcb_svn[0] = 4; b->module_levels[0].isv_svn = 4; break;
	case SVN2_AT_15: b->levels[0].tdx[15] = 1; break;
	case MODULE_OLD: n->tee_tcb_svn[0] = 5; b->module_levels[0].isv_svn = 6; break;
	case MODULE_UNKNOWN: n->tee_tcb_svn[1] = 0xab; break;
	case MODULE_TOO_OLD: b->module_levels[0].isv_svn = b->module_levels[1].isv_svn = 6; break;
	case NO_MODULE: b->tcb.has_module = false; break;
	case NO_IDENTITIES: b->tcb.nidentities = 0; break;
	case NO_VERSION: n->tee_tcb_svn[1] = 0; b->tcb.nidentities = 0; break;
	case SIGNER: n->mr_signer_seam[47] = 1; break;
	case SEAM: n->seam_attributes[3] = 1; break;
	case SEAM_OUTSIDE: b->identity.attributes_mask[3] = 0; n->seam_attributes[3] = 1; break;
	case SEAM_SET: b->identity.attributes[3] = 1; n->seam_attributes[3] = 1; break;
	case QE_OLD: n->qe_isv_svn = 3; break;
	case QE_REVOKED: n->qe_isv_svn = 2; break;
	case QE_TOO_OLD: n->qe_isv_svn = 1; break;
	case QE_NO_LEVELS: b->qe.nlevels = 0; break;
	case BELOW_ALL: n->cpu_svn[15] = 0; break;
	case NO_LEVELS: b->tcb.nlevels = 0; break;
	case SGX_COUNT: b->levels[0].nsgx = 15; break;
	case TDX_COUNT: b->levels[0].ntdx = 17; break;
	case COUNT_NOT_REACHED: b->levels[2].nsgx = b->levels[2].ntdx = 0; break;
	case SGX_QUOTE: n->tee = DV_TEE_SGX; n->tee_tcb_svn[0] = 0; b->levels[0].ntdx = 0; break;
	case MODULE_WORD: b->module_levels[0].status = TCB_SW_HARDENING_NEEDED; break;
	case QE_HARDENING: b->qe_levels[0].status = TCB_SW_HARDENING_NEEDED; break;
	case REVOKED: b->levels[0].status = TCB_REVOKED; break;
	}
}

#define ZEROES_95 "00000000000000000000000000000000000000000000000000000000000000000000000000" \
		  "000000000000000000000"

static const struct {
	const char *name;
	enum change change;
	const char *upstream, *intel;   /* status, or why refused                    */
} cases[] = {
	{ "nothing", NOTHING, "UpToDate", "UpToDate" },
	{ "cpu svn", CPU, "OutOfDate", "OutOfDate" },
	{ "pce svn", PCE, "OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded" },
	{ "tdx component 2", TDX2, "OutOfDate", "OutOfDate" },
	{ "tdx component 0 is the module's", TDX0, "OutOfDate", "UpToDate" },
	{ "tdx component 15", SVN2_AT_15, "OutOfDate", "OutOfDate" },
	{ "module out of date", MODULE_OLD, "OutOfDate", "OutOfDate" },
	{ "module unknown", MODULE_UNKNOWN,
	    "No TDX module identity with id TDX_AB found in TCB Info",
	    "No TDX module identity with id TDX_AB found in TCB Info" },
	{ "module below all", MODULE_TOO_OLD, "TDX module ISVSVN 5 is below minimum required "
	    "from TDX module TCB levels", "TDX module ISVSVN 5 is below minimum required "
	    "from TDX module TCB levels" },
	{ "no tdxModule", NO_MODULE, "TDX module identity check: TDX TCB Info is missing "
	    "tdxModule field", "TDX module identity check: TDX TCB Info is missing "
	    "tdxModule field" },
	{ "no identities", NO_IDENTITIES, "TDX TCB Info is missing tdxModuleIdentities field",
	    "TDX TCB Info is missing tdxModuleIdentities field" },
	{ "no module version", NO_VERSION, "UpToDate", "UpToDate" },
	{ "mr_signer_seam", SIGNER, "TDX module MRSIGNER mismatch: expected " ZEROES_95 "0, got "
	    ZEROES_95 "1", "TDX module MRSIGNER mismatch: expected " ZEROES_95 "0, got "
	    ZEROES_95 "1" },
	{ "seam attributes", SEAM, "TDX module SEAMATTRIBUTES mismatch at byte 3: expected 00, "
	    "got 01", "TDX module SEAMATTRIBUTES mismatch at byte 3: expected 00, got 01" },
	{ "seam attributes outside", SEAM_OUTSIDE,
	    "TDX module SEAMATTRIBUTES has bits set outside mask at byte 3",
	    "TDX module SEAMATTRIBUTES has bits set outside mask at byte 3" },
	{ "seam attributes set", SEAM_SET, "TDX module SEAMATTRIBUTES is not zero",
	    "TDX module SEAMATTRIBUTES is not zero" },
	{ "QE out of date", QE_OLD, "OutOfDate", "OutOfDate" },
	{ "QE revoked", QE_REVOKED, "TCB status is invalid: Revoked",
	    "TCB status is invalid: Revoked" },
	{ "QE below all", QE_TOO_OLD, "QE ISVSVN 1 is below minimum required 2 from QE Identity",
	    "QE ISVSVN 1 is below minimum required 2 from QE Identity" },
	{ "QE without levels", QE_NO_LEVELS, "No TCB levels found in QE Identity",
	    "No TCB levels found in QE Identity" },
	{ "below all levels", BELOW_ALL, "No matching TCB level found",
	    "No matching TCB level found" },
	{ "no levels", NO_LEVELS, "No matching TCB level found", "No matching TCB level found" },
	{ "15 SGX components", SGX_COUNT, "SGX component count mismatch: expected 16, got 15",
	    "SGX component count mismatch: expected 16, got 15" },
	{ "17 TDX components", TDX_COUNT, "TDX component count mismatch: expected 16, got 17",
	    "TDX component count mismatch: expected 16, got 17" },
	{ "count of a level behind", COUNT_NOT_REACHED, "UpToDate", "UpToDate" },
	{ "SGX has no TDX components", SGX_QUOTE, "UpToDate", "UpToDate" },
	{ "module status that is none", MODULE_WORD, "SWHardeningNeeded",
	    "TDX module TCB status SWHardeningNeeded is not one of a module" },
	{ "QE status that is none", QE_HARDENING, "SWHardeningNeeded",
	    "QE TCB status SWHardeningNeeded is not one of a QE" },
	{ "revoked", REVOKED, "TCB status is invalid: Revoked",
	    "TCB status is invalid: Revoked" },
};

static void
test_rules(void **state)
{
	for (size_t i = 0; i < 2 * NELEM(cases); i++) {
		enum dv_tcb_rule rule = i % 2 == 0 ? DV_TCB_RULE_UPSTREAM : DV_TCB_RULE_INTEL;
		const char *want = i % 2 == 0 ? cases[i / 2].upstream : cases[i / 2].intel;
		struct reason why;
		struct bench b;
		const char *got;

		bench_init(&b);
		bench_change(&b, cases[i / 2].change);
		got = bench_match(&b, rule, &why) ? tcb_status_name(match.status) : why.text;
		if (strcmp(got, want) != 0)
			fail_msg("%s: got \"%s\"", cases[i / 2].name, got);
	}
}

/* Both rules are there whichever counts. */
static void
test_other_rule(void **state)
{
	struct reason why;
	struct bench b;

	bench_init(&b);
	bench_change(&b, TDX0);
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_true(match.intel_found && match.upstream_found);
	assert_int_equal(match.intel_status, TCB_UP_TO_DATE);
	assert_int_equal(match.upstream_status, TCB_OUT_OF_DATE);
	bench_change(&b, QE_HARDENING);
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_false(match.intel_found);
}

static void
test_advisories(void **state)
{
	static const char *const want[] = { "A", "A", "B", "C", "D" };
	struct reason why;
	struct bench b;

	bench_init(&b);
	b.levels[0].advisories = (struct advisories){ ids_level, NELEM(ids_level) };
	b.module_levels[0].advisories = (struct advisories){ ids_module, NELEM(ids_module) };
	b.qe_levels[0].advisories = (struct advisories){ ids_qe, NELEM(ids_qe) };
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_int_equal(match.advisories.n, NELEM(want));
	for (size_t i = 0; i < NELEM(want); i++)
		assert_true(bytes_equal(match.advisories.ids[i], bytes_str(want[i])));
	assert_int_equal(match.platform_advisories.n, 4);
	assert_int_equal(match.qe.advisories.n, 3);
	assert_ptr_not_equal(match.qe.advisories.ids[0].ptr, ids_qe[0].ptr);
}

static bool
asks_configuration(unsigned status)
{
	return status == TCB_CONFIGURATION_NEEDED || status == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED ||
	    status == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
}

static const char *
relaunch_status(unsigned launch, unsigned current)
{
	if (launch == TCB_REVOKED || current == TCB_REVOKED)
		return "TCB status is invalid: Revoked";
	if ((launch == TCB_OUT_OF_DATE || launch == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED) &&
	    current < TCB_OUT_OF_DATE)
		return asks_configuration(launch) || asks_configuration(current) ?
		    "TDRelaunchAdvisedConfigurationNeeded" : "TDRelaunchAdvised";
	return tcb_status_name((enum tcb_status)launch);
}

/* Launched on level 1, now on level 0: the seven statuses of each against one another. */
static void
test_relaunch(void **state)
{
	for (unsigned i = 0; i < TCB_STATUS_IN_DOCUMENTS * TCB_STATUS_IN_DOCUMENTS; i++) {
		unsigned launch = i / TCB_STATUS_IN_DOCUMENTS, now = i % TCB_STATUS_IN_DOCUMENTS;
		struct reason why;
		struct bench b;
		const char *got;

		bench_init(&b);
		b.levels[0].status = (enum tcb_status)now;
		b.levels[1].status = (enum tcb_status)launch;
		b.numbers.has_tee_tcb_svn2 = true;
		memcpy(b.numbers.tee_tcb_svn2, b.numbers.tee_tcb_svn, 16);
		b.numbers.tee_tcb_svn[2] = 6;
		got = bench_match(&b, DV_TCB_RULE_INTEL, &why) ? tcb_status_name(match.status) :
		    why.text;
		if (strcmp(got, relaunch_status(launch, now)) != 0)
			fail_msg("%u, %u: got \"%s\"", launch, now, got);
		if (launch == TCB_REVOKED)
			continue;
		assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
		assert_int_equal(match.status, launch);
		assert_true(match.has_current && match.current_found);
		assert_int_equal(match.current_status, now);
	}
}

static void
test_current_without_level(void **state)
{
	struct reason why;
	struct bench b;

	bench_init(&b);
	b.numbers.has_tee_tcb_svn2 = true;
	b.numbers.tee_tcb_svn2[1] = 1;
	assert_false(bench_match(&b, DV_TCB_RULE_INTEL, &why));
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_true(match.has_current && !match.current_found && !match.intel_found);
	b.numbers.tee_tcb_svn2[0] = 5;          /* module in order, no platform level   */
	b.levels[2].tdx[3] = 1;
	assert_false(bench_match(&b, DV_TCB_RULE_INTEL, &why));
	assert_string_equal(why.text, "No matching TCB level found");
}

/* Intel's rule: how a QE's or a module's status changes the platform's seven. */
static const struct {
	enum tcb_status part;
	const char *results[TCB_STATUS_IN_DOCUMENTS];
} convergence[] = {
#define OOD     "OutOfDate"
#define OODC    "OutOfDateConfigurationNeeded"
#define GONE    "TCB status is invalid: Revoked"
	{ TCB_UP_TO_DATE, { "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
	    "ConfigurationAndSWHardeningNeeded", OOD, OODC, GONE } },
	{ TCB_OUT_OF_DATE, { OOD, OOD, OODC, OODC, OOD, OODC, GONE } },
	{ TCB_REVOKED, { GONE, GONE, GONE, GONE, GONE, GONE, GONE } },
#undef OOD
#undef OODC
#undef GONE
};

static void
test_convergence(void **state)
{
	for (size_t i = 0; i < NELEM(convergence) * TCB_STATUS_IN_DOCUMENTS * 2; i++) {
		size_t row = i / 2 / TCB_STATUS_IN_DOCUMENTS;
		size_t platform = i / 2 % TCB_STATUS_IN_DOCUMENTS;
		struct reason why;
		struct bench b;
		const char *got;

		bench_init(&b);
		b.levels[0].status = (enum tcb_status)platform;
		if (i % 2 == 0)
			b.qe_levels[0].status = convergence[row].part;
		else
			b.module_levels[0].status = convergence[row].part;
		got = bench_match(&b, DV_TCB_RULE_INTEL, &why) ? tcb_status_name(match.status) :
		    why.text;
		if (strcmp(got, convergence[row].results[platform]) != 0)
			fail_msg("%zu, %zu: got \"%s\"", row, platform, got);
	}
}

/* Configuration asked of a QE changes nothing by Intel's rule and counts by upstream's. */
static void
test_qe_configuration(void **state)
{
	struct reason why;
	struct bench b;

	bench_init(&b);
	b.qe_levels[0].status = TCB_CONFIGURATION_NEEDED;
	assert_true(bench_match(&b, DV_TCB_RULE_INTEL, &why));
	assert_int_equal(match.status, TCB_UP_TO_DATE);
	assert_int_equal(match.qe.status, TCB_CONFIGURATION_NEEDED);
	assert_true(match.has_shortfall);
	assert_int_equal(match.nshortfall, 0);
	assert_int_equal(match.upstream_status, TCB_CONFIGURATION_NEEDED);
}

static void
shortfall_expect(size_t i, const char *component, int index, unsigned have, unsigned needs,
    const char *update)
{
	const struct tcb_shortfall *s = &match.shortfall[i];

	assert_true(i < match.nshortfall);
	assert_string_equal(tcb_component_name(s->component), component);
	assert_int_equal(s->has_index, index >= 0);
	if (index >= 0)
		assert_int_equal(s->index, index);
	assert_int_equal(s->have, have);
	assert_int_equal(s->needs, needs);
	assert_string_equal(tcb_shortfall_update(s), update);
}

static void
test_shortfall(void **state)
{
	struct reason why;
	struct bench b;

	bench_init(&b);
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_false(match.has_shortfall);
	b.numbers.cpu_svn[0] = 3;
	b.numbers.pce_svn = 5;
	b.numbers.tee_tcb_svn[0] = 3;
	b.numbers.tee_tcb_svn[2] = 1;
	b.numbers.qe_isv_svn = 3;
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_int_equal(match.nshortfall, 6);
	shortfall_expect(0, "sgx", 0, 3, 5, "bios_microcode");
	shortfall_expect(1, "tdx", 0, 3, 5, "tdx_module");
	shortfall_expect(2, "tdx", 2, 1, 7, "bios_microcode");
	shortfall_expect(3, "pcesvn", -1, 5, 11, "pce");
	shortfall_expect(4, "tdx_module", -1, 3, 5, "tdx_module");
	shortfall_expect(5, "qe", -1, 3, 4, "qe");
	assert_true(bench_match(&b, DV_TCB_RULE_INTEL, &why));
	assert_int_equal(match.nshortfall, 5);
	shortfall_expect(1, "tdx", 2, 1, 7, "bios_microcode");
}

/* A current TCB that is not in order calls for the list, too: it says what is too low. */
static void
test_shortfall_current(void **state)
{
	struct reason why;
	struct bench b;

	bench_init(&b);
	b.numbers.has_tee_tcb_svn2 = true;
	memcpy(b.numbers.tee_tcb_svn2, b.numbers.tee_tcb_svn, 16);
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_false(match.has_shortfall);
	b.numbers.tee_tcb_svn2[1] = 9;          /* a module nobody lists */
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_false(match.current_found);
	assert_int_equal(match.status, TCB_UP_TO_DATE);
	assert_true(match.has_shortfall);
}

/* The longest list there can be. */
static void
test_shortfall_all(void **state)
{
	struct reason why;
	struct bench b;

	bench_init(&b);
	memset(b.levels[0].sgx, 9, 16);
	memset(b.levels[0].tdx, 9, 16);
	b.levels[0].pce_svn = 99;
	memset(b.levels[2].sgx, 0, 16);
	memset(b.levels[2].tdx, 0, 16);
	b.numbers.cpu_svn[15] = 0;
	b.numbers.tee_tcb_svn[0] = 3;
	b.numbers.qe_isv_svn = 3;
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_int_equal(match.nshortfall, TCB_SHORTFALL_MAX);
}

static void
test_outdated(void **state)
{
	struct reason why;
	struct bench b;

	bench_init(&b);
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_false(match.outdated || match.has_outdated_since);
	b.numbers.cpu_svn[0] = 4;               /* level 1; level 0 is better            */
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_true(match.outdated && match.has_outdated_since);
	assert_int_equal(match.outdated_since, 300);
	assert_int_equal(match.level.tcb_date, 200);
	b.numbers.qe_isv_svn = 3;               /* its better level is older             */
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_int_equal(match.outdated_since, 260);
	b.levels[0].status = TCB_OUT_OF_DATE;   /* nothing better is known               */
	assert_true(bench_match(&b, DV_TCB_RULE_UPSTREAM, &why));
	assert_true(match.outdated && !match.has_outdated_since);
	assert_int_equal(match.outdated_since, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_other_rule),
		cmocka_unit_test(test_advisories),
		cmocka_unit_test(test_relaunch),
		cmocka_unit_test(test_current_without_level),
		cmocka_unit_test(test_convergence),
		cmocka_unit_test(test_qe_configuration),
		cmocka_unit_test(test_shortfall),
		cmocka_unit_test(test_shortfall_all),
		cmocka_unit_test(test_shortfall_current),
		cmocka_unit_test(test_outdated),
	};

	return cmocka_run_group_tests_name("tcb_match", tests, setup, teardown);
}
