#include "testing.h"

#include "dcap/quote.h"
#include "dcap/td_attributes.h"

#define SEPT    (UINT64_C(1) << 28)

static const uint8_t zeroes[48];
static const uint8_t ones[48] = { [47] = 1 };

static struct quote
td_quote(enum quote_body body, uint64_t attributes)
{
	struct quote quote = { .body = body };
	struct td_report *td = &quote.td;

	td->td_attributes_bits = attributes;
	td->mr_signer_seam = BYTES_OF(zeroes);
	if (body >= QUOTE_BODY_TD_15)
		td->mr_service_td = BYTES_OF(zeroes);
	if (body == QUOTE_BODY_TD_15_EXT) {
		td->init_serv_td_hash = td->cur_serv_td_hash = BYTES_OF(zeroes);
		td->init_serv_td_attributes = td->cur_serv_td_attributes =
		    (struct bytes){ zeroes, 8 };
	}
	return quote;
}

/* Every bit alone, with the one that is required. */
static void
test_bits(void **state)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		struct quote quote = td_quote(QUOTE_BODY_TD_10, SEPT | UINT64_C(1) << bit);
		struct reason why = { .text = "" };
		bool ok = report_attributes_check(&quote, false, &why);
		bool allowed = bit == 27 || bit == 28 || bit == 30 || bit == 31 || bit == 63;
		const char *text = allowed ? "" : bit == 0 ? "Debug mode is enabled" :
		    "Reserved bits in TD attributes are set";

		if (ok != allowed || strcmp(why.text, text) != 0)
			fail_msg("bit %u: got %d \"%s\"", bit, ok, why.text);
	}
}

static const struct {
	const char *name;
	uint64_t bits;
	const char *why;
} orders[] = {
	{ "none", 0, "SEPT_VE_DISABLE is not enabled" },
	{ "debug without sept", 1, "Debug mode is enabled" },
	{ "debug and tud", 3, "Reserved bits in TD attributes are set" },
	{ "debug and reserved", SEPT | 1 | 1 << 8, "Debug mode is enabled" },
	{ "reserved without sept", 1 << 8, "Reserved bits in TD attributes are set" },
};

static void
test_order(void **state)
{
	for (size_t i = 0; i < NELEM(orders); i++) {
		struct quote quote = td_quote(QUOTE_BODY_TD_10, orders[i].bits);
		struct reason why = { .text = "" };

		if (report_attributes_check(&quote, false, &why) ||
		    strcmp(why.text, orders[i].why) != 0)
			fail_msg("%s: got \"%s\"", orders[i].name, why.text);
	}
}

static void
test_service_td(void **state)
{
	for (int body = QUOTE_BODY_TD_15; body <= QUOTE_BODY_TD_15_EXT; body++) {
		struct quote quote = td_quote((enum quote_body)body, 1);
		struct reason why;

		quote.td.mr_service_td = BYTES_OF(ones);
		assert_false(report_attributes_check(&quote, false, &why));
		assert_string_equal(why.text, "Invalid MR service TD");
		assert_false(report_attributes_check(&quote, true, &why));
		assert_string_equal(why.text, "Debug mode is enabled");
		assert_false(report_dstack_check(&quote, false, &why));
		assert_string_equal(why.text, "Invalid mr service td");
		quote.td.td_attributes_bits = SEPT;
		assert_true(report_attributes_check(&quote, true, &why));
		assert_true(report_dstack_check(&quote, true, &why));
	}
}

static void
test_enclave(void **state)
{
	struct quote quote = { .body = QUOTE_BODY_SGX };
	struct reason why;

	assert_true(report_attributes_check(&quote, false, &why));
	assert_true(report_dstack_check(&quote, false, &why));
	quote.enclave.debug = true;
	assert_false(report_attributes_check(&quote, false, &why));
	assert_string_equal(why.text, "Debug mode is enabled");
	assert_false(report_dstack_check(&quote, false, &why));
	assert_string_equal(why.text, "Debug mode is not allowed");
}

static void
test_dstack(void **state)
{
	struct quote quote = td_quote(QUOTE_BODY_TD_10, SEPT);
	struct reason why;

	assert_true(report_dstack_check(&quote, false, &why));
	quote.td.td_attributes_bits = SEPT | 1;
	assert_false(report_dstack_check(&quote, false, &why));
	assert_string_equal(why.text, "Debug mode is not allowed");
	quote = td_quote(QUOTE_BODY_TD_10, SEPT);
	quote.td.mr_signer_seam = BYTES_OF(ones);
	assert_true(report_attributes_check(&quote, false, &why));
	assert_false(report_dstack_check(&quote, false, &why));
	assert_string_equal(why.text, "Invalid mr signer seam");
}

static void
test_nested_guest(void **state)
{
	struct quote quote = td_quote(QUOTE_BODY_TD_15_EXT, SEPT);
	struct reason why;

	assert_true(report_dstack_check(&quote, false, &why));
	quote.td.vmid = 1;
	assert_true(report_attributes_check(&quote, false, &why));
	assert_false(report_dstack_check(&quote, true, &why));
	assert_string_equal(why.text, "TD report is of a nested guest (vmid 1)");
}

/* Each of the four fields alone, refused and, by policy, allowed. */
static void
test_service_td_fields(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		struct quote quote = td_quote(QUOTE_BODY_TD_15_EXT, SEPT);
		struct bytes *const fields[] = {
			&quote.td.init_serv_td_hash, &quote.td.init_serv_td_attributes,
			&quote.td.cur_serv_td_hash, &quote.td.cur_serv_td_attributes,
		};
		struct reason why;

		fields[i]->ptr = ones + sizeof ones - fields[i]->len;
		assert_true(report_attributes_check(&quote, false, &why));
		assert_false(report_dstack_check(&quote, false, &why));
		assert_string_equal(why.text, "Invalid service TD fields");
		assert_true(report_dstack_check(&quote, true, &why));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_service_td),
		cmocka_unit_test(test_enclave),
		cmocka_unit_test(test_dstack),
		cmocka_unit_test(test_nested_guest),
		cmocka_unit_test(test_service_td_fields),
	};

	return cmocka_run_group_tests_name("td_attributes", tests, NULL, NULL);
}
