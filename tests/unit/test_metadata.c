#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "measure/metadata.h"

#define FILES   "\"bios\":\"a\",\"kernel\":\"b\",\"initrd\":\"c\""
#define BASE    FILES ",\"cmdline\":\"x\""

static struct arena *arena;

static int
setup(void **state)
{
	arena = arena_new(1u << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static const struct {
	const char *name, *text;
	const char *why;        /* NULL: accepted; what follows the prefix */
} cases[] = {
	{ "least", "{" BASE "}", NULL },
	{ "unknown members, also twice", "{" BASE ",\"x\":1,\"x\":{\"y\":[]}}", NULL },
	{ "no JSON", "", "JSON is empty" },
	{ "no object", "[]", "\"metadata.json\" is an array, not an object" },
	{ "text behind it", "{" BASE "}x", "JSON has more text after the value at byte 52" },
	{ "no cmdline", "{" FILES "}", "\"cmdline\" is missing" },
	{ "no bios", "{\"cmdline\":\"\"}", "\"bios\" is missing" },
	{ "no kernel", "{\"cmdline\":\"\",\"bios\":\"a\"}", "\"kernel\" is missing" },
	{ "no initrd", "{\"cmdline\":\"\",\"bios\":\"a\",\"kernel\":\"b\"}",
	    "\"initrd\" is missing" },
	{ "null kernel", "{\"cmdline\":\"\",\"bios\":\"a\",\"kernel\":null}",
	    "\"kernel\" is null, not a string" },
	{ "cmdline is a number", "{" FILES ",\"cmdline\":1}",
	    "\"cmdline\" is a number, not a string" },
	{ "cmdline twice", "{" BASE ",\"cmdline\":\"x\"}", "\"cmdline\" occurs more than once" },
	{ "bios twice", "{" BASE ",\"bios\":\"a\"}", "\"bios\" occurs more than once" },
	{ "kernel twice", "{" BASE ",\"kernel\":\"a\"}", "\"kernel\" occurs more than once" },
	{ "version twice", "{" BASE ",\"version\":\"1\",\"version\":\"1\"}",
	    "\"version\" occurs more than once" },
	{ "is_dev twice", "{" BASE ",\"is_dev\":true,\"is_dev\":false}",
	    "\"is_dev\" occurs more than once" },
	{ "kernel_header_normalized twice",
	    "{" BASE ",\"kernel_header_normalized\":true,\"kernel_header_normalized\":true}",
	    "\"kernel_header_normalized\" occurs more than once" },
	{ "ovmf_variant twice", "{" BASE ",\"ovmf_variant\":null,\"ovmf_variant\":null}",
	    "\"ovmf_variant\" occurs more than once" },
	{ "bios above", "{\"cmdline\":\"\",\"bios\":\"../a\"}",
	    "\"bios\" is not a plain file name" },
	{ "bios below", "{\"cmdline\":\"\",\"bios\":\"a/b\"}",
	    "\"bios\" is not a plain file name" },
	{ "bios elsewhere", "{\"cmdline\":\"\",\"bios\":\"/dev/zero\"}",
	    "\"bios\" is not a plain file name" },
	{ "bios nowhere", "{\"cmdline\":\"\",\"bios\":\"\"}", "\"bios\" is not a plain file name" },
	{ "kernel is the manifest",
	    "{\"cmdline\":\"\",\"bios\":\"a\",\"kernel\":\"sha256sum.txt\"}",
	    "\"kernel\" is not a plain file name" },
	{ "initrd above", "{\"cmdline\":\"\",\"bios\":\"a\",\"kernel\":\"a\",\"initrd\":\"..\"}",
	    "\"initrd\" is not a plain file name" },
	{ "is_dev null", "{" BASE ",\"is_dev\":null}", "\"is_dev\" is null, not a boolean" },
	{ "is_dev a string", "{" BASE ",\"is_dev\":\"true\"}",
	    "\"is_dev\" is a string, not a boolean" },
	{ "normalized a number", "{" BASE ",\"kernel_header_normalized\":1}",
	    "\"kernel_header_normalized\" is a number, not a boolean" },
	{ "version null", "{" BASE ",\"version\":null}", "\"version\" is null, not a string" },
	{ "variant null", "{" BASE ",\"ovmf_variant\":null}", NULL },
	{ "variant", "{" BASE ",\"ovmf_variant\":\"pre202505\"}", NULL },
	{ "variant that was withdrawn", "{" BASE ",\"ovmf_variant\":\"stable202505\"}",
	    "unsupported ovmf_variant \"stable202505\"" },
	{ "variant unknown", "{" BASE ",\"ovmf_variant\":\"pre\"}",
	    "\"ovmf_variant\" is not \"pre202505\"" },
	{ "variant a number", "{" BASE ",\"ovmf_variant\":1}",
	    "\"ovmf_variant\" is a number, not a string" },
};

static void
test_cases(void **state)
{
	struct metadata metadata;
	char wanted[200];
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		arena_reset(arena);
		ok = metadata_read(&metadata, arena, bytes_str(cases[i].text), &why);
		snprintf(wanted, sizeof wanted, "Failed to parse image metadata: %s",
		    cases[i].why != NULL ? cases[i].why : "");
		expect_reason(cases[i].name, ok, &why, cases[i].why != NULL ? wanted : NULL);
	}
}

static void
test_values(void **state)
{
	static const char text[] =
	    "{\"bios\":\"ovmf.fd\",\"kernel\":\"bzImage\",\"initrd\":\"i.gz\","
	    "\"cmdline\":\" a\\u00e9 \",\"version\":\"0.6.0\",\"is_dev\":true,"
	    "\"kernel_header_normalized\":true}";
	struct metadata m;
	struct reason why;

	assert_true(metadata_read(&m, arena, bytes_str(text), &why));
	assert_string_equal(m.bios, "ovmf.fd");
	assert_string_equal(m.kernel, "bzImage");
	assert_string_equal(m.initrd, "i.gz");
	assert_true(bytes_equal(m.cmdline, bytes_str(" a\xc3\xa9 ")));
	assert_true(bytes_equal(m.version, bytes_str("0.6.0")));
	assert_true(m.is_dev && m.kernel_header_normalized);
	assert_int_equal(m.ovmf, OVMF_PRE202505);
	assert_true(metadata_read(&m, arena, bytes_str("{" BASE "}"), &why));
	assert_int_equal(m.version.len, 0);
	assert_false(m.is_dev || m.kernel_header_normalized);
	assert_int_equal(m.ovmf, OVMF_PRE202505);
}

/* Limits, each one step inside and one outside. */
static void
test_limits(void **state)
{
	static char text[METADATA_MAX_LEN + 2];
	struct metadata m;
	struct reason why;
	size_t len;

	len = (size_t)snprintf(text, sizeof text, "{" BASE ",\"version\":\"%128s\"}", "");
	assert_true(metadata_read(&m, arena, (struct bytes){ (uint8_t *)text, len }, &why));
	len = (size_t)snprintf(text, sizeof text, "{" BASE ",\"version\":\"%129s\"}", "");
	assert_false(metadata_read(&m, arena, (struct bytes){ (uint8_t *)text, len }, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	memset(text, ' ', sizeof text);
	memcpy(text, "{" BASE "}", strlen("{" BASE "}"));
	assert_true(metadata_read(&m, arena,
	    (struct bytes){ (uint8_t *)text, METADATA_MAX_LEN }, &why));
	assert_false(metadata_read(&m, arena,
	    (struct bytes){ (uint8_t *)text, METADATA_MAX_LEN + 1 }, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	len = (size_t)snprintf(text, sizeof text,
	    "{\"cmdline\":\"\",\"kernel\":\"b\",\"initrd\":\"c\",\"bios\":\"%0255d\"}", 0);
	assert_true(metadata_read(&m, arena, (struct bytes){ (uint8_t *)text, len }, &why));
	len = (size_t)snprintf(text, sizeof text,
	    "{\"cmdline\":\"\",\"kernel\":\"b\",\"initrd\":\"c\",\"bios\":\"%0256d\"}", 0);
	assert_false(metadata_read(&m, arena, (struct bytes){ (uint8_t *)text, len }, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_values),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
