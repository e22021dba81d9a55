#include "dcap/report.h"

#include <assert.h>

static bool
too_short(struct reason *why)
{
	return reject(why, REASON_MALFORMED, "Not enough data to fill buffer");
}

size_t
quote_body_len(enum quote_body body)
{
	switch (body) {
	case QUOTE_BODY_NONE:
		return 0;
	case QUOTE_BODY_SGX:
		return ENCLAVE_REPORT_LEN;
	case QUOTE_BODY_TD_10:
		return TD_REPORT_10_LEN;
	case QUOTE_BODY_TD_15:
		return TD_REPORT_15_LEN;
	case QUOTE_BODY_TD_15_EXT:
		return TD_REPORT_15_EXT_LEN;
	}
	return 0;
}

bool
enclave_report_read(struct enclave_report *out, CBS *in, struct reason *why)
{
	CBS report;

	if (!CBS_get_bytes(in, &report, ENCLAVE_REPORT_LEN))
		return too_short(why);
	*out = (struct enclave_report){ .raw = bytes_cbs(&report) };
	if (!bytes_read(&out->cpu_svn, &report, 16) ||
	    !CBS_get_u32le(&report, &out->misc_select) ||
	    !CBS_skip(&report, 28) ||           /* reserved */
	    !bytes_read(&out->attributes, &report, 16) ||
	    !bytes_read(&out->mr_enclave, &report, 32) ||
	    !CBS_skip(&report, 32) ||           /* reserved */
	    !bytes_read(&out->mr_signer, &report, 32) ||
	    !CBS_skip(&report, 96) ||           /* reserved */
	    !CBS_get_u16le(&report, &out->isv_prod_id) ||
	    !CBS_get_u16le(&report, &out->isv_svn) ||
	    !CBS_skip(&report, 60) ||           /* reserved */
	    !bytes_read(&out->report_data, &report, 64))
		return too_short(why);
	assert(CBS_len(&report) == 0);
	out->debug = (out->attributes.ptr[0] & 2) != 0;
	return true;
}

static bool
td_report_10_read(struct td_report *out, CBS *in)
{
	CBS word;

	if (!bytes_read(&out->tee_tcb_svn, in, 16) ||
	    !bytes_read(&out->mr_seam, in, 48) ||
	    !bytes_read(&out->mr_signer_seam, in, 48) ||
	    !bytes_read(&out->seam_attributes, in, 8) ||
	    !bytes_read(&out->td_attributes, in, 8) ||
	    !bytes_read(&out->xfam, in, 8) ||
	    !bytes_read(&out->mr_td, in, 48) ||
	    !bytes_read(&out->mr_config_id, in, 48) ||
	    !bytes_read(&out->mr_owner, in, 48) ||
	    !bytes_read(&out->mr_owner_config, in, 48) ||
	    !bytes_read(&out->rt_mr[0], in, 48) ||
	    !bytes_read(&out->rt_mr[1], in, 48) ||
	    !bytes_read(&out->rt_mr[2], in, 48) ||
	    !bytes_read(&out->rt_mr[3], in, 48) ||
	    !bytes_read(&out->report_data, in, 64))
		return false;
	word = cbs_bytes(out->td_attributes);
	return CBS_get_u64le(&word, &out->td_attributes_bits);
}

static bool
td_report_15_read(struct td_report *out, CBS *in)
{
	return bytes_read(&out->tee_tcb_svn2, in, 16) &&
	    bytes_read(&out->mr_service_td, in, 48);
}

static bool
td_report_ext_read(struct td_report *out, CBS *in)
{
	return CBS_get_u8(in, &out->vmid) &&
	    bytes_read(&out->td_id, in, 32) &&
	    bytes_read(&out->dev_info, in, 48) &&
	    bytes_read(&out->init_serv_td_hash, in, 48) &&
	    bytes_read(&out->init_serv_td_attributes, in, 8) &&
	    bytes_read(&out->init_cpu_svn, in, 16) &&
	    bytes_read(&out->init_tee_tcb_svn, in, 16) &&
	    bytes_read(&out->init_tee_fmspc, in, 12) &&
	    bytes_read(&out->cur_serv_td_hash, in, 48) &&
	    bytes_read(&out->cur_serv_td_attributes, in, 8);
}

bool
td_report_read(struct td_report *out, CBS *in, enum quote_body body, struct reason *why)
{
	CBS report;

	assert(body >= QUOTE_BODY_TD_10 && body <= QUOTE_BODY_TD_15_EXT);
	if (!CBS_get_bytes(in, &report, quote_body_len(body)))
		return too_short(why);
	*out = (struct td_report){ .raw = bytes_cbs(&report) };
	if (!td_report_10_read(out, &report) ||
	    (body >= QUOTE_BODY_TD_15 && !td_report_15_read(out, &report)) ||
	    (body >= QUOTE_BODY_TD_15_EXT && !td_report_ext_read(out, &report)))
		return too_short(why);
	assert(CBS_len(&report) == 0);
	return true;
}
