#include "testing.h"

#include "../teesim/pki.h"
#include "dcap/report.h"

#define SHORT   "Not enough data to fill buffer"

/* A report whose every byte says where it lies. */
static uint8_t pattern[1024];

static void
fill(void)
{
	size_t i;

	for (i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 7 + i / 256);
}

static void
expect_field(const char *name, struct bytes field, size_t at, size_t len)
{
	if (field.ptr != pattern + at || field.len != len)
		fail_msg("%s: %zu bytes at %td, wanted %zu at %zu", name, field.len,
		    field.ptr - pattern, len, at);
}

static void
test_enclave(void **state)
{
	CBS in = cbs_bytes((struct bytes){ pattern, ENCLAVE_REPORT_LEN + 1 });
	struct enclave_report r;
	struct reason why;

	fill();
	assert_true(enclave_report_read(&r, &in, &why));
	assert_int_equal(CBS_len(&in), 1);
	expect_field("raw", r.raw, 0, 384);
	expect_field("cpu_svn", r.cpu_svn, 0, 16);
	expect_field("attributes", r.attributes, 48, 16);
	expect_field("mr_enclave", r.mr_enclave, 64, 32);
	expect_field("mr_signer", r.mr_signer, 128, 32);
	expect_field("report_data", r.report_data, 320, 64);
	assert_int_equal(r.misc_select, 0x857e7770);
	assert_int_equal(r.isv_prod_id, 0x0801);
	assert_int_equal(r.isv_svn, 0x160f);
	assert_false(r.debug);

	pattern[48] = 2;
	in = cbs_bytes((struct bytes){ pattern, ENCLAVE_REPORT_LEN });
	assert_true(enclave_report_read(&r, &in, &why));
	assert_true(r.debug);
	pattern[48] = 0xfd;
	in = cbs_bytes((struct bytes){ pattern, ENCLAVE_REPORT_LEN });
	assert_true(enclave_report_read(&r, &in, &why));
	assert_false(r.debug);

	in = cbs_bytes((struct bytes){ pattern, ENCLAVE_REPORT_LEN - 1 });
	expect_reason("short", enclave_report_read(&r, &in, &why), &why, SHORT);
}

static void
expect_td_10(const struct td_report *r)
{
	expect_field("tee_tcb_svn", r->tee_tcb_svn, 0, 16);
	expect_field("mr_seam", r->mr_seam, 16, 48);
	expect_field("mr_signer_seam", r->mr_signer_seam, 64, 48);
	expect_field("seam_attributes", r->seam_attributes, 112, 8);
	expect_field("td_attributes", r->td_attributes, 120, 8);
	expect_field("xfam", r->xfam, 128, 8);
	expect_field("mr_td", r->mr_td, 136, 48);
	expect_field("mr_config_id", r->mr_config_id, 184, 48);
	expect_field("mr_owner", r->mr_owner, 232, 48);
	expect_field("mr_owner_config", r->mr_owner_config, 280, 48);
	expect_field("rt_mr0", r->rt_mr[0], 328, 48);
	expect_field("rt_mr1", r->rt_mr[1], 376, 48);
	expect_field("rt_mr2", r->rt_mr[2], 424, 48);
	expect_field("rt_mr3", r->rt_mr[3], 472, 48);
	expect_field("report_data", r->report_data, 520, 64);
	assert_true(r->td_attributes_bits == UINT64_C(0x79726b645d564f48));
}

static void
expect_td_ext(const struct td_report *r)
{
	assert_int_equal(r->vmid, pattern[648]);
	expect_field("td_id", r->td_id, 649, 32);
	expect_field("dev_info", r->dev_info, 681, 48);
	expect_field("init_serv_td_hash", r->init_serv_td_hash, 729, 48);
	expect_field("init_serv_td_attributes", r->init_serv_td_attributes, 777, 8);
	expect_field("init_cpu_svn", r->init_cpu_svn, 785, 16);
	expect_field("init_tee_tcb_svn", r->init_tee_tcb_svn, 801, 16);
	expect_field("init_tee_fmspc", r->init_tee_fmspc, 817, 12);
	expect_field("cur_serv_td_hash", r->cur_serv_td_hash, 829, 48);
	expect_field("cur_serv_td_attributes", r->cur_serv_td_attributes, 877, 8);
}

static void
test_td(void **state)
{
	static const struct {
		enum quote_body body;
		size_t  len;
	} cases[] = {
		{ QUOTE_BODY_TD_10, 584 },
		{ QUOTE_BODY_TD_15, 648 },
		{ QUOTE_BODY_TD_15_EXT, 885 },
	};
	struct td_report r;
	struct reason why;
	size_t i;
	CBS in;

	fill();
	for (i = 0; i < NELEM(cases); i++) {
		in = cbs_bytes((struct bytes){ pattern, cases[i].len + 1 });
		assert_int_equal(quote_body_len(cases[i].body), cases[i].len);
		assert_true(td_report_read(&r, &in, cases[i].body, &why));
		assert_int_equal(CBS_len(&in), 1);
		expect_field("raw", r.raw, 0, cases[i].len);
		expect_td_10(&r);
		if (cases[i].body >= QUOTE_BODY_TD_15) {
			expect_field("tee_tcb_svn2", r.tee_tcb_svn2, 584, 16);
			expect_field("mr_service_td", r.mr_service_td, 600, 48);
		} else {
			assert_int_equal(r.tee_tcb_svn2.len, 0);
			assert_int_equal(r.mr_service_td.len, 0);
		}
		if (cases[i].body == QUOTE_BODY_TD_15_EXT)
			expect_td_ext(&r);
		else
			assert_int_equal(r.td_id.len, 0);
		in = cbs_bytes((struct bytes){ pattern, cases[i].len - 1 });
		expect_reason("short", td_report_read(&r, &in, cases[i].body, &why), &why, SHORT);
	}
	assert_int_equal(quote_body_len(QUOTE_BODY_NONE), 0);
	assert_int_equal(quote_body_len(QUOTE_BODY_SGX), 384);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enclave),
		cmocka_unit_test(test_td),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
