/* Simulated machines of every form and shape are valid under their own root and no other. */

#include <stdio.h>

#include "judge.h"

static void
expect(struct guest *m, const struct judge *judge, const char *name, const char *wanted)
{
	const char *reason;

	guest_build(m);
	reason = judge_guest(judge, m);
	if (!judge_matches(reason, "", wanted))
		fail_msg("%s: %s", name, reason != NULL ? reason : "valid");
}

static void
test_forms(void **state)
{
	static const char *const names[] = { "V0", "V1", "GetQuote" };
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	for (unsigned form = 0; form < NELEM(names); form++)
		for (unsigned full = 0; full < 2; full++)
			for (unsigned offer = 0; offer < 2; offer++) {
				guest_init(&m, 1 + form);
				m.form = form;
				m.full_log = full;
				judge.offer = offer;
				expect(&m, &judge, names[form], NULL);
			}
}

static void
test_legacy(void **state)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	guest_init(&m, 0);
	m.legacy = true;
	expect(&m, &judge, "legacy", "needs an image");
}

static void
test_documents(void **state)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	guest_init(&m, 0);
	m.image.kernel_header_normalized = false;
	m.shape.memory_size = UINT64_C(64) << 30;
	expect(&m, &judge, "version 4, not normalized", NULL);
	guest_init(&m, 0);
	m.image.kernel_header_normalized = false;
	m.image.version = 3;
	m.image.cmdline_sha384 = build_random(0, "cmdline", 0, 48);
	m.image.cmdline = EMPTY;
	expect(&m, &judge, "version 3", NULL);
	guest_init(&m, 0);
	m.shape.qemu_version = bytes_str("8.2.2");
	expect(&m, &judge, "two pass by release", NULL);
	guest_init(&m, 0);
	m.page_order = "true";
	expect(&m, &judge, "two pass by word", NULL);
}

static void
test_shapes(void **state)
{
	static const struct acpi_node nodes[] = { { true, 5 }, { true, 9 } };
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	guest_init(&m, 0);
	m.shape.num_gpus = 2;
	m.shape.num_nvswitches = 1;
	m.shape.pci_hole64_size = UINT64_C(1) << 44;
	expect(&m, &judge, "GPUs", NULL);
	guest_init(&m, 0);
	m.shape.cpu_count = 64;
	m.shape.hotplug_off = false;
	m.shape.memory_size = UINT64_C(256) << 30;
	expect(&m, &judge, "64 CPUs", NULL);
	guest_init(&m, 0);
	m.shape.cpu_count = 4;
	m.shape.memory_size = UINT64_C(8) << 30;
	m.shape.numa_nodes = nodes;
	m.shape.n_numa_nodes = NELEM(nodes);
	expect(&m, &judge, "two nodes", NULL);
}

/* Version 2 events are in V1 and GetQuote only. */
static void
test_version_2(void **state)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	for (unsigned full = 0; full < 4; full++) {
		guest_init(&m, 0);
		m.form = full & 1 ? GUEST_V1 : GUEST_GETQUOTE;
		m.full_log = full & 2;
		for (size_t i = 0; i < m.nruntime; i++) {
			m.runtime[i].version = 2;
			m.runtime[i].has_preimage = true;
			m.runtime[i].preimage = build_digits(events_preimage(&m.runtime[i]),
			    false);
		}
		expect(&m, &judge, "version 2", NULL);
	}
}

static void
test_quotes(void **state)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	for (unsigned body = 2; body <= 4; body++) {
		guest_init(&m, 0);
		m.intel.quote.version = 5;
		m.intel.quote.body_type = (uint16_t)body;
		m.intel.quote.body_len = body == 2 ? 584 : body == 3 ? 648 : 885;
		judge.entry = JUDGE_VERIFY;
		expect(&m, &judge, "version 5", NULL);
		judge.entry = JUDGE_QUOTE;
		expect(&m, &judge, "quote of version 5", NULL);
	}
	guest_init(&m, 0);
	mock_init_sgx(&m.intel);
	for (unsigned offer = 0; offer < 2; offer++) {
		judge.offer = offer;
		expect(&m, &judge, "SGX", NULL);
	}
}

static void
test_intel_root(void **state)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	judge.intel_root = true;
	for (unsigned form = 0; form < 3; form++) {
		guest_init(&m, form);
		m.form = form;
		expect(&m, &judge, "under Intel's root", "Quote verification failed: "
		    "failed to verify TDX quote: Failed to verify certificate chain: "
		    "UnknownIssuer");
	}
	judge.entry = JUDGE_QUOTE;
	guest_init(&m, 0);
	mock_init_sgx(&m.intel);
	expect(&m, &judge, "SGX under Intel's root", "Quote verification failed: "
	    "Failed to verify certificate chain: UnknownIssuer");
}

/* The same seed is the same machine to the byte, another one is another. */
static void
test_seeds(void **state)
{
	struct guest a, b, c;

	guest_init(&a, 7);
	guest_init(&b, 7);
	guest_init(&c, 8);
	guest_build(&a);
	guest_build(&b);
	guest_build(&c);
	assert_true(bytes_equal(a.body, b.body));
	assert_true(bytes_equal(a.collateral, b.collateral));
	assert_false(bytes_equal(a.body, c.body));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_intel_root),
		cmocka_unit_test(test_seeds),
	};

	return cmocka_run_group_tests_name("machines", tests, NULL, NULL);
}
