#include "testing.h"

#include <stdlib.h>

#include "dcap/tcb_info.h"
#include "../teesim/pki.h"

#define ARENA_MAX_LEN   ((size_t)8 << 20)

#define ZEROES_96       "00000000000000000000000000000000000000000000000000" \
			"0000000000000000000000000000000000000000000000"
#define SVN             "{\"svn\":0},"
#define SVNS_15         SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN SVN "{\"svn\":1}]"

/* The document that every row below changes in one place. */
static const char document[] =
    "{\"id\":\"TDX\",\"version\":3,"
    "\"issueDate\":\"2025-06-19T10:16:03Z\",\"nextUpdate\":\"2025-07-19T10:16:04Z\","
    "\"fmspc\":\"B0c06F000000\",\"pceId\":\"0001\",\"tcbType\":0,"
    "\"tcbEvaluationDataNumber\":17,"
    "\"tdxModule\":{\"mrsigner\":\"" ZEROES_96 "\",\"attributes\":\"0000000000000000\","
    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},"
    "\"tdxModuleIdentities\":[{\"id\":\"TDX_03\",\"mrsigner\":\"" ZEROES_96 "\","
    "\"attributes\":\"0000000000000001\",\"attributesMask\":\"FFFFFFFFFFFFFF0F\","
    "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":3},\"tcbDate\":\"2024-03-13T00:00:01Z\","
    "\"tcbStatus\":\"UpToDate\"}]}],"
    "\"tcbLevels\":["
    "{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":1}," SVNS_15 ",\"pcesvn\":5,"
    "\"tdxtcbcomponents\":[{\"svn\":2}," SVNS_15 "},\"tcbDate\":\"2018-01-04T00:00:00Z\","
    "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00106\",\"INTEL-SA-00115\"]},"
    "{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":3,\"category\":\"BIOS\"}," SVNS_15
    ",\"pcesvn\":11,"
    "\"tdxtcbcomponents\":[{\"svn\":4}," SVNS_15 "},\"tcbDate\":\"2024-03-13T00:00:00Z\","
    "\"tcbStatus\":\"SWHardeningNeeded\"}]}";

static struct tcb_info tcb;
static struct arena *arena;

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

static bool
read_changed(const char *what, const char *with, struct reason *why)
{
	struct bytes text = bytes_str(document);

	if (what != NULL)
		text = pki_replace(text, bytes_str(what), bytes_str(with));
	return tcb_info_read(&tcb, text, arena, why);
}

static void
test_content(void **state)
{
	struct reason why;

	assert_true(read_changed(NULL, NULL, &why));
	assert_true(tcb.known_tee && tcb.tee == DV_TEE_TDX);
	assert_int_equal(tcb.version, 3);
	assert_int_equal(tcb.issue_date, 1750328163);
	assert_int_equal(tcb.next_update, 1752920164);
	assert_memory_equal(tcb.fmspc, "\xb0\xc0\x6f\0\0\0", 6);
	assert_memory_equal(tcb.pce_id, "\0\1", 2);
	assert_int_equal(tcb.evaluation_data_number, 17);
	assert_true(tcb.has_module);
	assert_int_equal(tcb.nidentities, 1);
	assert_int_equal(tcb.identities[0].nlevels, 1);
	assert_int_equal(tcb.identities[0].levels[0].isv_svn, 3);
	assert_int_equal(tcb.identities[0].attributes[7], 1);
	assert_int_equal(tcb.identities[0].attributes_mask[7], 0x0f);
	assert_int_equal(tcb.nlevels, 2);
	assert_int_equal(tcb.levels[0].sgx[0], 3);      /* sorted: highest first     */
	assert_int_equal(tcb.levels[0].sgx[15], 1);
	assert_int_equal(tcb.levels[0].tdx[0], 4);
	assert_int_equal(tcb.levels[0].pce_svn, 11);
	assert_int_equal(tcb.levels[0].status, TCB_SW_HARDENING_NEEDED);
	assert_int_equal(tcb.levels[0].advisories.n, 0);
	assert_int_equal(tcb.levels[1].advisories.n, 2);
	assert_true(bytes_equal(tcb.levels[1].advisories.ids[1], bytes_str("INTEL-SA-00115")));
	assert_int_equal(tcb.levels[1].date, 1515024000);
}

static const struct {
	const char *name, *what, *with, *why;
} cases[] = {
#define BAD     "Failed to decode TcbInfo: "
	{ "unknown keys", "\"tcbType\":0", "\"tcbType\":0,\"new\":[{}]", NULL },
	{ "no module", "\"tdxModule\":{", "\"tdxModulf\":{", NULL },
	{ "no identities", "\"tdxModuleIdentities\"", "\"tdxModuleIdentitiez\"", NULL },
	{ "another tee", "\"TDX\"", "\"TDY\"", NULL },
	{ "white space", "\"version\":3", "\"version\" : 3\n", NULL },
	{ "identities null", "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":null,\"x\":[",
	    BAD "\"tdxModuleIdentities\" is null, not an array" },
	{ "no id", "\"id\":\"TDX\",", "", BAD "\"id\" is missing" },
	{ "version too big", "\"version\":3", "\"version\":256",
	    BAD "\"version\" is more than 255" },
	{ "version as text", "\"version\":3", "\"version\":\"3\"",
	    BAD "\"version\" is a string, not a number" },
	{ "version 3.0", "\"version\":3", "\"version\":3.0",
	    BAD "\"version\" is not a plain unsigned integer" },
	{ "negative", "\"version\":3", "\"version\":-3",
	    BAD "\"version\" is not a plain unsigned integer" },
	{ "exponent", "\"version\":3", "\"version\":3e0",
	    BAD "\"version\" is not a plain unsigned integer" },
	{ "fmspc short", "B0c06F000000", "B0c06F0000", BAD "\"fmspc\" has 5 bytes, not 6" },
	{ "pceid not hex", "\"0001\"", "\"000g\"", BAD "\"pceId\" is not hex at digit 3" },
	{ "mrsigner short", "\"tdxModule\":{\"mrsigner\":\"00", "\"tdxModule\":{\"mrsigner\":\"",
	    BAD "\"mrsigner\" has 47 bytes, not 48" },
	{ "module attributes", "\"attributes\":\"0000000000000000\"", "\"attributes\":\"00\"",
	    BAD "\"attributes\" has 1 bytes, not 8" },
	{ "module mask", "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"", "\"attributesMas\":\"00\"",
	    BAD "\"attributesMask\" is missing" },
	{ "identity attributes", "\"attributes\":\"0000000000000001\"",
	    "\"attributes\":\"00000000000001\"", BAD "\"attributes\" has 7 bytes, not 8" },
	{ "number too big", "Number\":17", "Number\":4294967296",
	    BAD "\"tcbEvaluationDataNumber\" is more than 4294967295" },
	{ "type too big", "\"tcbType\":0", "\"tcbType\":4294967296",
	    BAD "\"tcbType\" is more than 4294967295" },
	{ "svn too big", "{\"svn\":4}", "{\"svn\":256}", BAD "\"svn\" is more than 255" },
	{ "pcesvn too big", "\"pcesvn\":11", "\"pcesvn\":65536",
	    BAD "\"pcesvn\" is more than 65535" },
	{ "isvsvn too big", "\"isvsvn\":3", "\"isvsvn\":256", BAD "\"isvsvn\" is more than 255" },
	{ "status unknown", "\"SWHardeningNeeded\"", "\"Fine\"", BAD "unknown tcbStatus" },
	{ "status computed", "\"SWHardeningNeeded\"", "\"TDRelaunchAdvised\"",
	    BAD "unknown tcbStatus" },
	{ "tcbDate form", "2018-01-04T00:00:00Z", "2018-01-04T00:00:00.0Z",
	    BAD "\"tcbDate\": @" },
	{ "advisory with a space", "INTEL-SA-00106", "INTEL SA-00106",
	    BAD "an advisory id is not a name" },
	{ "advisory empty", "INTEL-SA-00106", "", BAD "an advisory id is not a name" },
	{ "advisory long", "INTEL-SA-00106",
	    "0123456789012345678901234567890123456789012345678901234567890123x",
	    BAD "an advisory id is not a name" },
	{ "advisories null", "\"advisoryIDs\":[", "\"advisoryIDs\":null,\"x\":[",
	    BAD "\"advisoryIDs\" is null, not an array" },
	{ "long string", "\"TDX_03\"",
	    "\"01234567890123456789012345678901234567890123456789012345678901234567890123"
	    "45678901234567890123456789012345678901234567890123456789\"",
	    BAD "\"id\" is longer than 128 bytes" },
	{ "levels null", "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevels\":null,\"x\":[{\"tcb\":{\"sgx",
	    BAD "\"tcbLevels\" is null, not an array" },
	{ "duplicate key", "\"tcbType\":0", "\"tcbType\":0,\"tcbType\":0", BAD "@" },
	{ "trailing text", "\"tcbStatus\":\"SWHardeningNeeded\"}]}",
	    "\"tcbStatus\":\"SWHardeningNeeded\"}]}x", BAD "@" },
	{ "duplicate level",
	    "{\"svn\":3,\"category\":\"BIOS\"}," SVNS_15 ",\"pcesvn\":11,"
	    "\"tdxtcbcomponents\":[{\"svn\":4}",
	    "{\"svn\":1}," SVNS_15 ",\"pcesvn\":5,\"tdxtcbcomponents\":[{\"svn\":2}",
	    BAD "Duplicate TCB level" },
	{ "level differs in tdx only",
	    "{\"svn\":3,\"category\":\"BIOS\"}," SVNS_15 ",\"pcesvn\":11,",
	    "{\"svn\":1}," SVNS_15 ",\"pcesvn\":5,", NULL },
	{ "issue date form", "2025-06-19T10:16:03Z", "2025-06-19T10:16:03+00:00",
	    "Failed to parse TCB Info issue date: \"issueDate\": @" },
	{ "next update form", "2025-07-19T10:16:04Z", "2025-07-32T10:16:03Z",
	    "Failed to parse TCB Info next update: \"nextUpdate\": @" },
	{ "a version 2 document", "sgxtcbcomponents\":[{\"svn\":3", "sgxtcbcomp01svn\":[{\"svn\":3",
	    BAD "\"sgxtcbcomponents\" is missing" },
#undef BAD
};

/* `@` at the end of a wanted text: what follows is another reader's. */
static bool
text_matches(const char *got, const char *want)
{
	size_t len = strlen(want);

	if (len != 0 && want[len - 1] == '@')
		return strncmp(got, want, len - 1) == 0 && got[len - 1] != '\0';
	return strcmp(got, want) == 0;
}

static void
test_reads(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct reason why = { .text = "" };
		bool ok = read_changed(cases[i].what, cases[i].with, &why);

		if (ok != (cases[i].why == NULL) || (!ok && !text_matches(why.text, cases[i].why)))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, why.text);
	}
}

/* The document with n copies of `piece` before `what`. */
static bool
read_repeated(const char *what, const char *piece, size_t n)
{
	struct bytes *parts = calloc(n + 1, sizeof *parts);
	struct reason why;
	bool ok;

	assert_non_null(parts);
	for (size_t i = 0; i < n; i++)
		parts[i] = bytes_str(piece);
	parts[n++] = bytes_str(what);
	ok = tcb_info_read(&tcb, pki_replace(bytes_str(document), bytes_str(what),
	    pki_join(parts, n)), arena, &why);
	if (!ok)
		assert_int_equal(why.kind, REASON_LIMIT);
	free(parts);
	return ok;
}

#define MODULE_LEVEL    "{\"tcb\":{\"isvsvn\":3},\"tcbDate\":\"2024-03-13T00:00:01Z\","      \
			"\"tcbStatus\":\"UpToDate\"}"

#define IDENTITY        "{\"id\":\"TDX_03\",\"mrsigner\":\"" ZEROES_96 "\","              \
			"\"attributes\":\"0000000000000001\","                             \
			"\"attributesMask\":\"FFFFFFFFFFFFFF0F\","                         \
			"\"tcbLevels\":[" MODULE_LEVEL "]}"

static void
test_limits(void **state)
{
	static const char advisory[] = "\"INTEL-SA-00106\",";

	assert_true(read_repeated(advisory, advisory, TCB_MAX_ADVISORIES - 2));
	assert_false(read_repeated(advisory, advisory, TCB_MAX_ADVISORIES - 1));
	assert_true(read_repeated(MODULE_LEVEL, MODULE_LEVEL ",", TCB_MAX_LEVELS - 1));
	assert_false(read_repeated(MODULE_LEVEL, MODULE_LEVEL ",", TCB_MAX_LEVELS));
	assert_false(read_repeated("{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":3", "{},",
	    TCB_MAX_LEVELS - 1));
	assert_true(read_repeated(IDENTITY, IDENTITY ",", TCB_INFO_MAX_IDENTITIES - 1));
	assert_false(read_repeated(IDENTITY, IDENTITY ",", TCB_INFO_MAX_IDENTITIES));
}

/* SGX components go before the PCESVN. */
static void
test_order(void **state)
{
	struct reason why;

	assert_true(read_changed("\"pcesvn\":5", "\"pcesvn\":50", &why));
	assert_int_equal(tcb.levels[0].sgx[0], 3);
	assert_int_equal(tcb.levels[1].pce_svn, 50);
}

static void
test_window(void **state)
{
	struct reason why;

	assert_true(read_changed(NULL, NULL, &why));
	assert_true(tcb_info_window_check(&tcb, tcb.issue_date, &why));
	assert_true(tcb_info_window_check(&tcb, tcb.next_update, &why));
	assert_false(tcb_info_window_check(&tcb, tcb.issue_date - 1, &why));
	assert_string_equal(why.text, "TCBInfo issue date is in the future");
	assert_false(tcb_info_window_check(&tcb, tcb.next_update + 1, &why));
	assert_string_equal(why.text, "TCBInfo expired");
}

static const struct {
	const char *name, *what, *with;
	enum dv_tee tee;
	const char *fmspc, *pce_id, *why;
} uses[] = {
#define FMSPC   "\xb0\xc0\x6f\0\0\0"
	{ "right", NULL, NULL, DV_TEE_TDX, FMSPC, "\0\1", NULL },
	{ "fmspc", NULL, NULL, DV_TEE_TDX, "\xb0\xc0\x6f\0\0\1", "\0\1", "Fmspc mismatch" },
	{ "pceid", NULL, NULL, DV_TEE_TDX, FMSPC, "\1\1", "PCEID mismatch" },
	{ "tee", NULL, NULL, DV_TEE_SGX, FMSPC, "\0\1",
	    "SGX quote with non-SGX TCB info in the collateral" },
	{ "sgx", "\"TDX\"", "\"SGX\"", DV_TEE_SGX, FMSPC, "\0\1", NULL },
	{ "sgx version 1", "\"TDX\",\"version\":3", "\"SGX\",\"version\":1", DV_TEE_SGX, FMSPC,
	    "\0\1", "SGX quote with non-SGX TCB info in the collateral" },
	{ "sgx for tdx", "\"TDX\"", "\"SGX\"", DV_TEE_TDX, FMSPC, "\0\1",
	    "TDX quote with non-TDX TCB info in the collateral" },
	{ "neither", "\"TDX\"", "\"TDY\"", DV_TEE_TDX, FMSPC, "\0\1",
	    "TDX quote with non-TDX TCB info in the collateral" },
	{ "version 2", "\"version\":3", "\"version\":2", DV_TEE_TDX, FMSPC, "\0\1",
	    "TDX quote with non-TDX TCB info in the collateral" },
#undef FMSPC
};

static void
test_check(void **state)
{
	for (size_t i = 0; i < NELEM(uses); i++) {
		struct reason why = { .text = "" };
		bool ok;

		assert_true(read_changed(uses[i].what, uses[i].with, &why));
		ok = tcb_info_check(&tcb, uses[i].tee, (const uint8_t *)uses[i].fmspc,
		    (const uint8_t *)uses[i].pce_id, &why);
		if (ok != (uses[i].why == NULL) || (!ok && strcmp(why.text, uses[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", uses[i].name, ok, why.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests_name("tcb_info", tests, setup, teardown);
}
