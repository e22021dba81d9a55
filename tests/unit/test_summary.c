#include "testing.h"

#include "../support/verdict_sample.h"
#include "verify/explain.h"
#include "verify/summary.h"

static void
nothing(struct verdict_sample *s)
{
}

#define CHANGE(name, ...)                                                                       \
static void                                                                                     \
name(struct verdict_sample *s)                                                                  \
{                                                                                               \
	__VA_ARGS__;                                                                            \
}

#define V       s->verdict
#define TCB     s->verdict.dcap.tcb

static struct bytes ids[2];

CHANGE(refused, verdict_sample_fail(s, VERDICT_QUOTE_REFUSED, REASON_REFUSED);
    V.quote_verified = V.event_log_verified = V.os_image_hash_verified = false)
CHANGE(not_judged, verdict_sample_fail(s, VERDICT_IMAGE_UNAVAILABLE, REASON_UNAVAILABLE);
    V.event_log_verified = V.os_image_hash_verified = false)
CHANGE(listed, s->policy.allowed_os_image_hashes = verdict_sample_list(VERDICT_SAMPLE_IMAGE))
CHANGE(advice, ids[0] = bytes_str("A-1"); ids[1] = bytes_str("A-2"); listed(s);
    TCB.advisories = ((struct advisories){ ids, 2 }); TCB.has_shortfall = true;
    TCB.status = TCB.intel_status = TCB_SW_HARDENING_NEEDED)
CHANGE(too_low, TCB.status = TCB.intel_status = TCB_OUT_OF_DATE; TCB.has_shortfall = true; listed(s);
    TCB.nshortfall = 6;
    TCB.shortfall[0] = ((struct tcb_shortfall){ TCB_COMPONENT_SGX, true, 0, 1, 2 });
    TCB.shortfall[1] = ((struct tcb_shortfall){ TCB_COMPONENT_TDX, true, 1, 3, 4 });
    TCB.shortfall[2] = ((struct tcb_shortfall){ TCB_COMPONENT_TDX, true, 2, 5, 6 });
    TCB.shortfall[3] = ((struct tcb_shortfall){ TCB_COMPONENT_PCESVN, false, 0, 11, 13 });
    TCB.shortfall[4] = ((struct tcb_shortfall){ TCB_COMPONENT_TDX_MODULE, false, 0, 3, 5 });
    TCB.shortfall[5] = ((struct tcb_shortfall){ TCB_COMPONENT_QE, false, 0, 4, 8 }))

static const struct explanation explanation = {
	.first_divergence = "RTMR0: acpi-tables, event 2 of the log",
	.likely_cause = { "the machine has another shape than vm_config says: cpu_count is 4" },
}, no_explanation;
CHANGE(explained, refused(s); V.explanation = &explanation)
CHANGE(nothing_to_explain, refused(s); V.explanation = &no_explanation)

#define IDENTITY                                                                                \
	"  app id          (none)\n"                                                            \
	"  compose hash    (none)\n"                                                            \
	"  instance id     (none)\n"                                                            \
	"  OS image        " VERDICT_SAMPLE_IMAGE "\n"                                          \
	"                  "
#define CONFIRMED       IDENTITY "confirmed\n"
#define UNCONFIRMED                                                                             \
	IDENTITY "as the requester describes it; no list and no published image confirms it\n"

static const struct {
	const char *name;
	void    (*change)(struct verdict_sample *);
	const char *text;
} cases[] = {
	{ "valid", nothing, "VALID  dstack-tdx\n" UNCONFIRMED
	    "  TCB             UpToDate\n"
	    "  strict profile  unknown (os_image: not confirmed, os_image: dev not known)\n" },
	{ "valid and listed", listed, "VALID  dstack-tdx\n" CONFIRMED
	    "  TCB             UpToDate\n"
	    "  strict profile  accept\n" },
	{ "refused", refused, "NOT VALID  a reason\n" },
	{ "explained", explained, "NOT VALID  a reason\n"
	    "  differs first   RTMR0: acpi-tables, event 2 of the log\n"
	    "  likely cause    the machine has another shape than vm_config says: cpu_count is 4\n" },
	{ "nothing to explain", nothing_to_explain, "NOT VALID  a reason\n" },
	{ "not judged", not_judged, "NOT JUDGED  a reason\n"
	    "  TCB             UpToDate\n"
	    "  strict profile  unknown (os_image: not confirmed, os_image: dev not known, "
	    "unavailable: image_unavailable)\n" },
	{ "advice", advice, "VALID  dstack-tdx\n" CONFIRMED
	    "  TCB             SWHardeningNeeded; A-1, A-2\n"
	    "                  no number is too low: the status comes from configuration or "
	    "hardening advice\n"
	    "  strict profile  accept\n" },
	{ "too low", too_low, "VALID  dstack-tdx\n" CONFIRMED
	    "  TCB             OutOfDate\n"
	    "  out of date     sgx component 0 is 1 and needs 2: update the BIOS and microcode\n"
	    "                  tdx component 1 is 3 and needs 4: update the TDX module\n"
	    "                  tdx component 2 is 5 and needs 6: update the BIOS and microcode\n"
	    "                  pcesvn is 11 and needs 13: update the PCE\n"
	    "                  tdx_module is 3 and needs 5: update the TDX module\n"
	    "                  qe is 4 and needs 8: update the quoting enclave\n"
	    "  strict profile  reject (tcb_status: OutOfDate)\n" },
};

static void
test_cases(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);

	assert_non_null(arena);
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct verdict_sample s;

		verdict_sample_init(&s);
		cases[i].change(&s);
		assert_string_equal(summary_of(arena, &s.verdict, &s.terms), cases[i].text);
	}
}

CHANGE(sgx, V.dcap.quote.body = QUOTE_BODY_SGX; V.dcap.quote.header.version = 3)

static void
test_quote(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct verdict_sample s;

	assert_non_null(arena);
	verdict_sample_init(&s);
	assert_string_equal(summary_of_quote(arena, &s.verdict), "VERIFIED  TDX quote, version 4\n"
	    "  TCB             UpToDate\n");
	sgx(&s);
	assert_string_equal(summary_of_quote(arena, &s.verdict), "VERIFIED  SGX quote, version 3\n"
	    "  TCB             UpToDate\n");
	refused(&s);
	assert_string_equal(summary_of_quote(arena, &s.verdict), "REFUSED  a reason\n");
	verdict_sample_init(&s);
	not_judged(&s);
	s.verdict.quote_verified = false;
	assert_string_equal(summary_of_quote(arena, &s.verdict), "NOT JUDGED  a reason\n");
}

/* What does not fit is left out, whole lines and parts of them; without memory there is none. */
static void
test_too_long(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20), *none = arena_new(16);
	static struct bytes many[2000];
	static const uint8_t long_id[65];
	struct verdict_sample s;
	const char *text;

	assert_true(arena != NULL && none != NULL);
	verdict_sample_init(&s);
	for (size_t i = 0; i < NELEM(many); i++)
		many[i] = bytes_str("A-1");
	s.verdict.dcap.tcb.advisories = (struct advisories){ many, NELEM(many) };
	text = summary_of(arena, &s.verdict, &s.terms);
	assert_true(strlen(text) < 4096);
	/* What is shorter still finds room behind what was left out. */
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_non_null(strstr(text, "UpToDate; A-1, A-1, "));
	/* No identifier has more than 64 bytes; an event's payload may have. */
	verdict_sample_init(&s);
	s.verdict.app.app_id = BYTES_OF(long_id);
	text = summary_of(arena, &s.verdict, &s.terms);
	assert_null(strstr(text, "app id"));
	assert_non_null(strstr(text, "compose hash"));
	assert_string_equal(summary_of(none, &s.verdict, &s.terms), "");
	assert_string_equal(summary_of_quote(none, &s.verdict), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
