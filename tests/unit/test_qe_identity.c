#include "testing.h"

#include "dcap/qe_identity.h"
#include "dcap/report.h"
#include "../teesim/pki.h"

#define ARENA_MAX_LEN   ((size_t)1 << 20)
#define SIGNER          "dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5"
#define SIGNER_UPPER    "DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5"

static const char document[] =
    "{\"id\":\"TD_QE\",\"version\":2,"
    "\"issueDate\":\"2025-06-19T10:32:27Z\",\"nextUpdate\":\"2025-07-19T10:32:28Z\","
    "\"tcbEvaluationDataNumber\":17,\"miscselect\":\"01000080\","
    "\"miscselectMask\":\"FFFFFF7F\",\"attributes\":\"11000000000000000000000000000000\","
    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"" SIGNER "\","
    "\"isvprodid\":2,\"tcbLevels\":["
    "{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},"
    "{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2020-03-13T00:00:00Z\",\"tcbStatus\":\"OutOfDate\","
    "\"advisoryIDs\":[\"INTEL-SA-00001\"]}]}";

static struct arena *arena;
static struct qe_identity qe;

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
	return qe_identity_read(&qe, text, arena, why);
}

static void
test_content(void **state)
{
	struct reason why;

	assert_true(read_changed(NULL, NULL, &why));
	assert_true(bytes_equal(qe.id, bytes_str("TD_QE")));
	assert_int_equal(qe.version, 2);
	assert_int_equal(qe.issue_date, 1750329147);
	assert_int_equal(qe.next_update, 1752921148);
	assert_int_equal(qe.evaluation_data_number, 17);
	assert_int_equal(qe.isv_prod_id, 2);
	assert_int_equal(qe.nlevels, 2);
	assert_int_equal(qe.levels[1].isv_svn, 2);
	assert_int_equal(qe.levels[1].status, TCB_OUT_OF_DATE);
	assert_int_equal(qe.levels[1].advisories.n, 1);
}

static const struct {
	const char *name, *what, *with, *why;
} cases[] = {
#define BAD     "Failed to decode QeIdentity: "
	{ "unknown key", "\"version\":2", "\"version\":2,\"x\":null", NULL },
	{ "no levels", "[{\"tcb\":{\"isvsvn\":4}", "[],\"x\":[{\"tcb\":{\"isvsvn\":4}", NULL },
	{ "no id", "\"id\":\"TD_QE\",", "", BAD "\"id\" is missing" },
	{ "version", "\"version\":2", "\"version\":\"2\"",
	    BAD "\"version\" is a string, not a number" },
	{ "number", "Number\":17", "Number\":1.5",
	    BAD "\"tcbEvaluationDataNumber\" is not a plain unsigned integer" },
	{ "miscselect", "\"01000080\"", "\"010000\"", BAD "\"miscselect\" has 3 bytes, not 4" },
	{ "miscselectMask", "\"miscselectMask\":", "\"m\":", BAD "\"miscselectMask\" is missing" },
	{ "attributes", "\"11000000000000000000000000000000\"", "\"11\"",
	    BAD "\"attributes\" has 1 bytes, not 16" },
	{ "attributesMask", "\"FBFFFFFFFFFFFFFF0000000000000000\"", "\"zz\"",
	    BAD "\"attributesMask\" has 1 bytes, not 16" },
	{ "mrsigner", SIGNER, "00", BAD "\"mrsigner\" has 1 bytes, not 32" },
	{ "isvprodid", "\"isvprodid\":2", "\"isvprodid\":65536",
	    BAD "\"isvprodid\" is more than 65535" },
	{ "isvsvn", "\"isvsvn\":4", "\"isvsvn\":65536", BAD "\"isvsvn\" is more than 65535" },
	{ "status", "\"OutOfDate\"", "\"Outofdate\"", BAD "unknown tcbStatus" },
	{ "issue date", "\"issueDate\":", "\"issue\":",
	    "Failed to parse QE Identity issue date: \"issueDate\" is missing" },
	{ "next update", "\"nextUpdate\":", "\"next\":",
	    "Failed to parse QE Identity next update: \"nextUpdate\" is missing" },
#undef BAD
};

static void
test_reads(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct reason why = { .text = "" };
		bool ok = read_changed(cases[i].what, cases[i].with, &why);

		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, why.text);
	}
}

static void
test_window(void **state)
{
	struct reason why;

	assert_true(read_changed(NULL, NULL, &why));
	assert_true(qe_identity_window_check(&qe, qe.issue_date, &why));
	assert_true(qe_identity_window_check(&qe, qe.next_update, &why));
	assert_false(qe_identity_window_check(&qe, qe.issue_date - 1, &why));
	assert_string_equal(why.text, "QE Identity issue date is in the future");
	assert_false(qe_identity_window_check(&qe, qe.next_update + 1, &why));
	assert_string_equal(why.text, "QE Identity expired");
}

static const struct {
	const char *id;
	unsigned version;
	enum dv_tee tee;
	bool    ok;
} ids[] = {
	{ "TD_QE", 2, DV_TEE_TDX, true }, { "TD_QE", 3, DV_TEE_TDX, true },
	{ "TD_QE", 1, DV_TEE_TDX, false }, { "TD_QE", 4, DV_TEE_TDX, false },
	{ "QE", 2, DV_TEE_SGX, true }, { "QE", 3, DV_TEE_SGX, false },
	{ "QE", 2, DV_TEE_TDX, false }, { "TD_QE", 2, DV_TEE_SGX, false },
	{ "QVE", 2, DV_TEE_SGX, false }, { "QAE", 2, DV_TEE_TDX, false },
};

static void
test_ids(void **state)
{
	for (size_t i = 0; i < NELEM(ids); i++) {
		struct reason why = { .text = "" };

		assert_true(read_changed(NULL, NULL, &why));
		qe.id = bytes_str(ids[i].id);
		qe.version = (uint8_t)ids[i].version;
		assert_int_equal(qe_identity_check(&qe, ids[i].tee, &why), ids[i].ok);
		if (!ids[i].ok)
			assert_non_null(strstr(why.text,
			    "Unsupported QE Identity id/version for the quote TEE type: "));
	}
}

/* The report of the QE described; a row changes one byte of it. */
static const struct {
	const char *name;
	size_t  at;
	uint8_t byte;
	const char *why;
} reports[] = {
	{ "right", 0, 0, NULL },
	{ "cpu svn is free", 3, 9, NULL },
	{ "mr_signer", 128, 0xdd, "QE MRSIGNER mismatch: expected " SIGNER_UPPER ", got DD"
	    "9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5" },
	{ "isv_prod_id", 257, 1, "QE ISVPRODID mismatch: expected 2, got 258" },
	{ "misc_select", 16, 3, "QE MISCSELECT mismatch: expected 00000001, got 00000003" },
	{ "misc_select unmasked", 19, 0x80, NULL },
	{ "misc_select last", 19, 0x40,
	    "QE MISCSELECT mismatch: expected 00000001, got 40000001" },
	{ "attributes", 48, 0x31, "QE ATTRIBUTES mismatch at byte 0: expected 11, got 31" },
	{ "attributes unmasked bit", 48, 0x15, NULL },
	{ "attributes last masked", 55, 1,
	    "QE ATTRIBUTES mismatch at byte 7: expected 00, got 01" },
	{ "xfrm is unmasked", 56, 1, NULL },
};

static void
report_make(uint8_t raw[ENCLAVE_REPORT_LEN])
{
	struct bytes signer = pki_hex(SIGNER);

	memset(raw, 0, ENCLAVE_REPORT_LEN);
	raw[16] = 1;
	raw[48] = 0x11;
	memcpy(raw + 128, signer.ptr, signer.len);
	raw[256] = 2;
}

static void
test_reports(void **state)
{
	for (size_t i = 0; i < NELEM(reports); i++) {
		uint8_t raw[ENCLAVE_REPORT_LEN];
		struct enclave_report report;
		struct reason why = { .text = "" };
		CBS in;
		bool ok;

		report_make(raw);
		if (reports[i].at != 0)
			raw[reports[i].at] = reports[i].byte;
		CBS_init(&in, raw, sizeof raw);
		assert_true(enclave_report_read(&report, &in, &why));
		assert_true(read_changed(NULL, NULL, &why));
		ok = qe_identity_report_check(&qe, &report, &why);
		if (ok != (reports[i].why == NULL) ||
		    (!ok && strcmp(why.text, reports[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", reports[i].name, ok, why.text);
	}
}

static void
test_levels(void **state)
{
	const struct isv_level *level;
	struct reason why;

	assert_true(read_changed(NULL, NULL, &why));
	assert_true(qe_identity_level_find(&level, &qe, 4, &why));
	assert_int_equal(level->status, TCB_UP_TO_DATE);
	assert_true(qe_identity_level_find(&level, &qe, 3, &why));
	assert_int_equal(level->status, TCB_OUT_OF_DATE);
	assert_true(qe_identity_level_find(&level, &qe, 2, &why));
	assert_false(qe_identity_level_find(&level, &qe, 1, &why));
	assert_string_equal(why.text,
	    "QE ISVSVN 1 is below minimum required 2 from QE Identity");
	qe.nlevels = 0;
	assert_false(qe_identity_level_find(&level, &qe, 4, &why));
	assert_string_equal(why.text, "No TCB levels found in QE Identity");
}

/* The first that is reached counts, not the best. */
static void
test_level_order(void **state)
{
	const struct isv_level *level;
	struct reason why;

	assert_true(read_changed("\"isvsvn\":4", "\"isvsvn\":1", &why));
	assert_true(qe_identity_level_find(&level, &qe, 4, &why));
	assert_int_equal(level->isv_svn, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_level_order),
	};

	return cmocka_run_group_tests_name("qe_identity", tests, setup, teardown);
}
