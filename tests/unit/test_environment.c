#include "testing.h"

#include "cli/environment.h"
#include "settings_dump.h"

static const struct {
	const char *name, *variable;
	const char *dump;
} cases[] = {
	{ "other", "PATH=/bin", "" },
	{ "no key", "DSTACK_VERIFIER_=1", "" },
	{ "no equals", "DSTACK_VERIFIER_PORT", "" },
	{ "other prefix", "DSTACK_VERIFIERS_PORT=1", "" },
	{ "integer", "DSTACK_VERIFIER_PORT=8081", "port=8081" },
	{ "sign", "DSTACK_VERIFIER_PORT=-1", "port=-1" },
	{ "any case", "dstack_Verifier_Port=8081", "port=8081" },
	{ "boolean", "DSTACK_VERIFIER_WEB_PAGE=true", "web_page=true" },
	{ "no boolean", "DSTACK_VERIFIER_WEB_PAGE=True", "web_page=\"True\"" },
	{ "group", "DSTACK_VERIFIER_ATTESTATION__URLS__PCCS=https://a",
	    "attestation.urls.pccs=\"https://a\"" },
	{ "group by dots", "DSTACK_VERIFIER_ATTESTATION.URLS.PCCS=https://a",
	    "attestation.urls.pccs=\"https://a\"" },
	{ "literal with braces", "DSTACK_VERIFIER_U=https://a/mr_{OS_IMAGE_HASH}.tar.gz",
	    "u=\"https://a/mr_{OS_IMAGE_HASH}.tar.gz\"" },
	{ "list is text", "DSTACK_VERIFIER_A=[\"x\"]", "a=\"[\"x\"]\"" },
	{ "quoted", "DSTACK_VERIFIER_A=\"12\"", "a=\"12\"" },
	{ "quoted escapes", "DSTACK_VERIFIER_A=\"a\\\"b\\\\c\\n\"", "a=\"a\"b\\c\\n\"" },
	{ "open quote", "DSTACK_VERIFIER_A=\"x", "a=\"\"x\"" },
	{ "one quote", "DSTACK_VERIFIER_A=\"", "a=\"\"\"" },
	{ "empty", "DSTACK_VERIFIER_A=", "a=\"\"" },
	{ "equals in the value", "DSTACK_VERIFIER_A=b=c", "a=\"b=c\"" },
	{ "too large an integer", "DSTACK_VERIFIER_A=99999999999999999999",
	    "a=\"99999999999999999999\"" },
};

static void
test_cases(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	const char *variables[] = { NULL, NULL };
	struct settings settings;
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		variables[0] = cases[i].variable;
		settings_init(&settings, arena, ENVIRONMENT_ORIGIN);
		assert_true(environment_read(&settings, variables, &why));
		if (strcmp(settings_dump(&settings), cases[i].dump) != 0)
			fail_msg("%s: got %s", cases[i].name, settings_dump(&settings));
	}
}

static void
test_duplicate(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	const char *const variables[] = { "DSTACK_VERIFIER_PORT=1", "DSTACK_VERIFIER_port=2", NULL };
	struct settings settings;
	struct reason why;

	settings_init(&settings, arena, ENVIRONMENT_ORIGIN);
	assert_false(environment_read(&settings, variables, &why));
	assert_string_equal(why.text, "environment: `port` is given twice");
}

static void
test_find(void **state)
{
	const char *const variables[] = { "RUST_LOGS=a", "RUST_LOG=b", NULL };

	assert_string_equal(environment_find(variables, "RUST_LOG"), "b");
	assert_null(environment_find(variables, "RUST"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
