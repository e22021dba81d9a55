#include "../support/sample.h"
#include "evidence/mr_config.h"
#include "testing.h"

#define C32     "2222222222222222222222222222222222222222222222222222222222222222"
#define A20     "1111111111111111111111111111111111111111"
#define K32     "3333333333333333333333333333333333333333333333333333333333333333"
#define Z15     "000000000000000000000000000000"
#define V2      "027f2ca741da9d356026ab20ca640abf06198829a128817b091bbc9aec1ed97b60" Z15
#define V3      "036b06a7d80f4eb75fdf785a6f1c28a8032cb003ea9f998ddc4700b63cad08eac4" Z15

/* attestation-and-events.md 11.2 */
static const char document[] = "{\"app_id\":\"1111111111111111111111111111111111111111\","
    "\"compose_hash\":\"2222222222222222222222222222222222222222222222222222222222222222\","
    "\"instance_id\":\"3333333333333333333333333333333333333333\","
    "\"key_provider\":\"none\",\"version\":3}";

/* Only what must be there; what is left out agrees with anything. */
#define V3_SHORT "031b764da5251043a7d6e9df1d9465ecde5b354a51866ddb9a94e1fa8640cb6bd3" Z15
static const char short_document[] = "{\"compose_hash\":"
    "\"2222222222222222222222222222222222222222222222222222222222222222\","
    "\"key_provider\":\"none\",\"app_id\":null}";

static const struct {
	const char *name, *id, *compose, *app, *provider, *document;
	enum mr_config_verdict verdict;
	const char *warning, *why;
} rows[] = {
	{ "unused", "00" C32 Z15, C32, A20, "kms", "", MR_CONFIG_NULL,
	    "MRCONFIGID has unknown version 0", NULL },
	{ "version 4", "04" C32 Z15, C32, A20, "kms", "", MR_CONFIG_NULL,
	    "MRCONFIGID has unknown version 4", NULL },
	{ "v1", "01" C32 Z15, C32, A20, "kms", "", MR_CONFIG_TRUE, NULL, NULL },
	{ "v1 other", "01" C32 Z15, K32, A20, "kms", "", 0, NULL,
	    "MRCONFIGID mismatch, quoted: 01" C32 Z15 ", expected: 01" K32 Z15 },
	{ "v1 tail", "01" C32 "000000000000000000000000000001", C32, A20, "kms", "", 0, NULL,
	    "MRCONFIGID mismatch, quoted: 01" C32 "000000000000000000000000000001"
	    ", expected: 01" C32 Z15 },
	{ "v1 long event", "01" C32 Z15, C32 "00", A20, "kms", "", 0, NULL,
	    "MRCONFIGID mismatch, quoted: 01" C32 Z15 ", expected: 01"
	    "0000000000000000000000000000000000000000000000000000000000000000" Z15 },
	{ "v2", V2, C32, A20, "kms", "", MR_CONFIG_TRUE, NULL, NULL },
	{ "v2 other kind", V2, C32, A20, "tpm", "", MR_CONFIG_FALSE,
	    "MRCONFIGID version 2 does not match the events", NULL },
	{ "v2 other app", V2, C32, "1111111111111111111111111111111111111110", "kms", "",
	    MR_CONFIG_FALSE, "MRCONFIGID version 2 does not match the events", NULL },
	{ "v2 other compose", V2, K32, A20, "kms", "", MR_CONFIG_FALSE,
	    "MRCONFIGID version 2 does not match the events", NULL },
	{ "v2 unknown kind", V2, C32, A20, "other", "", MR_CONFIG_NULL,
	    "MRCONFIGID version 2 cannot be checked with these events", NULL },
	{ "v2 short app", V2, C32, "11", "kms", "", MR_CONFIG_NULL,
	    "MRCONFIGID version 2 cannot be checked with these events", NULL },
	{ "v3", V3, C32, A20, "none", document, MR_CONFIG_TRUE, NULL, NULL },
	{ "v3 short document", V3_SHORT, C32, A20, "none", short_document, MR_CONFIG_TRUE, NULL,
	    NULL },
	{ "v3 short, other compose", V3_SHORT, K32, A20, "none", short_document, MR_CONFIG_FALSE,
	    "MRCONFIGID document does not match the events", NULL },
	{ "v3 no document", V3, C32, A20, "none", "", MR_CONFIG_NULL, NULL, NULL },
	{ "v3 other document", V3, C32, A20, "none", "{}", MR_CONFIG_FALSE,
	    "MRCONFIGID version 3 does not match the document", NULL },
	{ "v3 other compose", V3, K32, A20, "none", document, MR_CONFIG_FALSE,
	    "MRCONFIGID document does not match the events", NULL },
	{ "v3 other app", V3, C32, "11", "none", document, MR_CONFIG_FALSE,
	    "MRCONFIGID document does not match the events", NULL },
};

static void
test_rows(void **state)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct arena *arena = sample_arena();
		struct app_info app = {
			.compose_hash = sample_hex(arena, rows[i].compose),
			.app_id = sample_hex(arena, rows[i].app),
			.instance_id = sample_hex(arena,
			    "3333333333333333333333333333333333333333"),
			.key_provider = { true, bytes_str(rows[i].provider), bytes_str(K32) },
		};
		enum mr_config_verdict verdict;
		struct warnings w;
		struct reason why;
		bool ok;

		warnings_init(&w, arena);
		ok = mr_config_check(&verdict, arena, sample_hex(arena, rows[i].id), &app,
		    bytes_str(rows[i].document), &w, &why);
		sample_expect(rows[i].name, ok, &why, rows[i].why);
		if (!ok)
			continue;
		if (verdict != rows[i].verdict || w.n != (rows[i].warning != NULL) ||
		    (w.n == 1 && strcmp(w.text[0], rows[i].warning) != 0))
			fail_msg("%s: got %d \"%s\"", rows[i].name, verdict,
			    w.n != 0 ? w.text[0] : "");
	}
}

static void
test_zero(void **state)
{
	static const uint8_t id[MR_CONFIG_ID_LEN];
	struct app_info app = { 0 };
	enum mr_config_verdict verdict = MR_CONFIG_TRUE;
	struct warnings w;
	struct reason why;

	warnings_init(&w, sample_arena());
	assert_true(mr_config_check(&verdict, w.arena, BYTES_OF(id), &app, bytes_str(""), &w,
	    &why));
	assert_int_equal(verdict, MR_CONFIG_NULL);
	assert_int_equal(w.n, 0);
}

/* Numbers 0 to 3 stand for the providers; 2 is in the rows above. */
static void
test_provider_kinds(void **state)
{
	static const struct {
		const char *name, *id;
	} cases[] = {
		{ "none",
		    "022b90c730130d4ba9f7669253e5a0fb289b5688914f8e1f81efdf97e6d1142a81" Z15 },
		{ "local-sgx",
		    "02ae583d6150aa0232efb5920e909fbb8e093e19b8ce9d15784f0d42a6db1a2f8f" Z15 },
		{ "tpm",
		    "02d728d791f15fa14f415b0d71c524ec1b0816321ce9c5707e911d55f84eeb4d17" Z15 },
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct arena *arena = sample_arena();
		struct app_info app = {
			.compose_hash = sample_hex(arena, C32),
			.app_id = sample_hex(arena, A20),
			.key_provider = { true, bytes_str(cases[i].name), bytes_str("") },
		};
		enum mr_config_verdict verdict;
		struct reason why;

		assert_true(mr_config_check(&verdict, arena, sample_hex(arena, cases[i].id), &app,
		    bytes_str(""), NULL, &why));
		assert_int_equal(verdict, MR_CONFIG_TRUE);
	}
}

static void
test_bad_length(void **state)
{
	static const uint8_t id[MR_CONFIG_ID_LEN] = { 1 };
	struct app_info app = { 0 };
	enum mr_config_verdict verdict;
	struct reason why;

	assert_false(mr_config_check(&verdict, sample_arena(), (struct bytes){ id, 47 }, &app,
	    bytes_str(""), NULL, &why));
	assert_string_equal(why.text, "MRCONFIGID has 47 bytes, not 48");
	assert_int_equal(why.kind, REASON_INTERNAL);
}

static void
test_document(void **state)
{
	static const struct {
		const char *config, *document;
	} cases[] = {
		{ "{\"mr_config\":\"{\\\"a\\\":1}\"}", "{\"a\":1}" },
		{ "{\"mr_config\":null}", "" },
		{ "{\"mr_config\":{}}", "" },
		{ "{}", "" },
		{ "[]", "" },
		{ "", "" },
		{ "{\"mr_config\":\"x\"", "" },
	};
	struct bytes out;

	for (size_t i = 0; i < NELEM(cases); i++) {
		mr_config_document(&out, sample_arena(), bytes_str(cases[i].config));
		assert_true(bytes_equal(out, bytes_str(cases[i].document)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_provider_kinds),
		cmocka_unit_test(test_bad_length),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests_name("mr_config", tests, NULL, NULL);
}
