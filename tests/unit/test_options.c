#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

#include "cli/options.h"

#define ARGS_MAX        16

static const struct {
	const char *name, *args;        /* one space between two                   */
	enum options_mode mode;
	const char *file, *why;
} cases[] = {
	{ "none", "", MODE_SERVER, NULL, NULL },
	{ "help", "-h", MODE_HELP, NULL, NULL },
	{ "long help", "--verify x --help", MODE_HELP, NULL, NULL },
	{ "version", "--version", MODE_VERSION, NULL, NULL },
	{ "verify", "--verify f.json", MODE_VERIFY, "f.json", NULL },
	{ "verify=", "--verify=f.json", MODE_VERIFY, "f.json", NULL },
	{ "standard input", "--verify -", MODE_VERIFY, "-", NULL },
	{ "verify-cert", "--verify-cert c.pem --require-image", MODE_VERIFY_CERT, "c.pem", NULL },
	{ "both", "--verify-cert c.pem --verify f", MODE_VERIFY, "f", NULL },
	{ "quote", "quote q.bin", MODE_QUOTE, "q.bin", NULL },
	{ "quote from standard input", "quote -", MODE_QUOTE, "-", NULL },
	{ "options around quote", "--at 1 quote --collateral c q.bin", MODE_QUOTE, "q.bin", NULL },
	{ "measure", "measure dir vm.json", MODE_MEASURE, "dir", NULL },
	{ "a file like an option", "quote -- --at", MODE_QUOTE, "--at", NULL },

	{ "unknown", "--foo", 0, NULL, "unexpected argument --foo" },
	{ "unknown after words", "quote x --foo", 0, NULL, "unexpected argument --foo" },
	{ "unknown letter", "-x", 0, NULL, "unexpected argument -x" },
	{ "unknown command", "foo", 0, NULL, "unexpected argument foo" },
	{ "later command", "probe", 0, NULL, "the command probe is not built yet" },
	{ "images of what kind", "images", 0, NULL,
	    "images needs one of list, fetch, verify, pin, unpin, evict" },
	{ "images, another word", "images drop", 0, NULL,
	    "images needs one of list, fetch, verify, pin, unpin, evict" },
	{ "images fetch without a hash", "images fetch", 0, NULL, "images fetch needs a HASH" },
	{ "images pin without a hash", "images pin", 0, NULL, "images pin needs a HASH" },
	{ "images unpin without a hash", "images unpin", 0, NULL, "images unpin needs a HASH" },
	{ "images list of one", "images list 00", 0, NULL, "unexpected argument 00" },
	{ "images, a word too many", "images verify 00 11", 0, NULL, "unexpected argument 11" },
	{ "images, a short hash", "images evict 00", 0, NULL,
	    "images: an image's HASH has 64 hex digits" },
	{ "images, a hash of other letters", "images fetch "
	    "000000000000000000000000000000000000000000000000000000000000000g", 0, NULL,
	    "images: an image's HASH has 64 hex digits" },
	{ "images list", "images list", MODE_IMAGES, NULL, NULL },
	{ "images fetch", "images fetch "
	    "00000000000000000000000000000000000000000000000000000000000000aF", MODE_IMAGES, NULL,
	    NULL },
	{ "images evict what is too much", "images evict", MODE_IMAGES, NULL, NULL },
	{ "no value", "--verify", 0, NULL, "--verify needs a value" },
	{ "no value of config", "-c", 0, NULL, "-c needs a value" },
	{ "value for a flag", "--version=1", 0, NULL, "unexpected argument --version=1" },
	{ "quote without file", "quote", 0, NULL, "quote needs one FILE" },
	{ "quote with two files", "quote a b", 0, NULL, "quote needs one FILE" },
	{ "measure without a shape", "measure dir", 0, NULL,
	    "measure needs IMAGE_DIR and VM_CONFIG" },
	{ "measure with two", "measure a b c", 0, NULL, "measure needs IMAGE_DIR and VM_CONFIG" },
	{ "file too many", "--verify a b", 0, NULL, "unexpected argument b" },
	{ "verify and quote", "--verify a quote b", 0, NULL, "unexpected argument quote" },
	{ "verify twice", "--verify a --verify b", 0, NULL, "--verify is given twice" },
	{ "config twice", "-c a --config b", 0, NULL, "--config is given twice" },
	{ "at twice", "--at 1 --at 1", 0, NULL, "--at is given twice" },
	{ "image without certificate", "--verify a --require-image", 0, NULL,
	    "--require-image goes with --verify-cert" },
};

static bool
args_read(struct options *out, const char *args, struct reason *why)
{
	static char text[4096], program[] = "dstack-verifier";
	static char *argv[ARGS_MAX + 2];
	char *rest = *args == '\0' ? NULL : text;
	int argc = 1;

	(void)snprintf(text, sizeof text, "%s", args);
	argv[0] = program;
	while (rest != NULL && argc <= ARGS_MAX)
		argv[argc++] = strsep(&rest, " ");
	argv[argc] = NULL;
	return options_read(out, argc, argv, why);
}

static void
test_cases(void **state)
{
	struct options options;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		ok = args_read(&options, cases[i].args, &why);
		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, ok ? "" : why.text);
		if (!ok)
			continue;
		if (options.mode != cases[i].mode)
			fail_msg("%s: mode %d", cases[i].name, (int)options.mode);
		if (cases[i].file != NULL && strcmp(options.file, cases[i].file) != 0)
			fail_msg("%s: file %s", cases[i].name, options.file);
	}
}

static void
test_values(void **state)
{
	struct options options;
	struct reason why;

	assert_true(args_read(&options, "--verify f", &why));
	assert_false(options.has_at);
	assert_null(options.config_path);
	assert_true(args_read(&options, "-c p --collateral a --verify f --collateral b --at 5", &why));
	assert_string_equal(options.config_path, "p");
	assert_int_equal(options.ncollateral, 2);
	assert_string_equal(options.collateral[1], "b");
	assert_true(options.has_at);
	assert_int_equal(options.at, 5);
	assert_true(args_read(&options, "--verify f --at 2026-06-04T01:22:11Z", &why));
	assert_int_equal(options.at, 1780536131);
}

static void
test_at(void **state)
{
	static const char *const bad[] = {
		"--at -1", "--at now", "--at 1.5", "--at 2026-06-04", "--at 2026-06-04T01:22:11",
		"--at 2026-06-04T01:22:11+02:00", "--at 2026-02-30T00:00:00Z",
		"--at 99999999999999999999", "--at 0x10",
	};
	struct options options;
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(bad); i++) {
		if (args_read(&options, bad[i], &why))
			fail_msg("accepted %s", bad[i]);
		if (strncmp(why.text, bad[i], strlen(bad[i])) != 0)
			fail_msg("%s: %s", bad[i], why.text);
	}
}

static void
test_collateral_max(void **state)
{
	char *argv[2 * OPTIONS_COLLATERAL_MAX + 8], option[] = "--collateral", value[] = "x";
	struct options options;
	struct reason why;
	int argc;

	for (argc = 1; argc < 2 * OPTIONS_COLLATERAL_MAX + 3; argc += 2) {
		argv[argc] = option;
		argv[argc + 1] = value;
	}
	argv[0] = value;
	argv[argc] = NULL;
	assert_false(options_read(&options, argc, argv, &why));
	assert_string_equal(why.text, "more than 64 times --collateral");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_collateral_max),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
