#include "dcap/td_attributes.h"

#include "dcap/quote.h"

#define TD_DEBUG                UINT64_C(0x0000000000000001)
#define TD_TUD_RESERVED         UINT64_C(0x00000000000000fe)    /* 1 to 7: untrusted debug   */
#define TD_SEPT_VE_DISABLE      UINT64_C(0x0000000010000000)

/*
 * Every bit but LASS (27), SEPT_VE_DISABLE (28), PKS (30), KL (31) and PERFMON (63).
 * Stricter: bit 39, which the Rust verifier leaves free by a slip, is reserved and refused;
 * LASS and PERFMON, which it refuses, weaken nothing and are set by genuine machines.
 */
#define TD_REFUSED              UINT64_C(0x7fffffff27ffffff)

/* Inferred from the names of the fields of body type 4, which no genuine quote has shown yet. */
static const bool refuse_nested_guest = true;
static const bool refuse_service_td_fields = true;

static bool
td_attributes_check(uint64_t bits, struct reason *why)
{
	if ((bits & TD_TUD_RESERVED) != 0)
		return reject(why, REASON_REFUSED, "Reserved bits in TD attributes are set");
	if ((bits & TD_DEBUG) != 0)
		return reject(why, REASON_REFUSED, "Debug mode is enabled");
	if ((bits & TD_REFUSED) != 0)
		return reject(why, REASON_REFUSED, "Reserved bits in TD attributes are set");
	if ((bits & TD_SEPT_VE_DISABLE) == 0)
		return reject(why, REASON_REFUSED, "SEPT_VE_DISABLE is not enabled");
	return true;
}

bool
report_attributes_check(const struct quote *quote, bool allow_service_td, struct reason *why)
{
	if (!quote_is_td(quote)) {
		if (quote->enclave.debug)
			return reject(why, REASON_REFUSED, "Debug mode is enabled");
		return true;
	}
	if (!allow_service_td && !bytes_zero(quote->td.mr_service_td))
		return reject(why, REASON_REFUSED, "Invalid MR service TD");
	return td_attributes_check(quote->td.td_attributes_bits, why);
}

static bool
service_td_check(const struct td_report *td, struct reason *why)
{
	if (!bytes_zero(td->init_serv_td_hash) || !bytes_zero(td->init_serv_td_attributes) ||
	    !bytes_zero(td->cur_serv_td_hash) || !bytes_zero(td->cur_serv_td_attributes))
		return reject(why, REASON_REFUSED, "Invalid service TD fields");
	return true;
}

bool
report_dstack_check(const struct quote *quote, bool allow_service_td, struct reason *why)
{
	const struct td_report *td = &quote->td;

	if (!quote_is_td(quote)) {
		if (quote->enclave.debug)
			return reject(why, REASON_REFUSED, "Debug mode is not allowed");
		return true;
	}
	if (!allow_service_td && !bytes_zero(td->mr_service_td))
		return reject(why, REASON_REFUSED, "Invalid mr service td");
	if (refuse_nested_guest && td->vmid != 0)
		return reject(why, REASON_REFUSED, "TD report is of a nested guest (vmid %u)",
		    td->vmid);
	if (refuse_service_td_fields && !allow_service_td && !service_td_check(td, why))
		return false;
	if ((td->td_attributes_bits & TD_DEBUG) != 0)
		return reject(why, REASON_REFUSED, "Debug mode is not allowed");
	if (!bytes_zero(td->mr_signer_seam))
		return reject(why, REASON_REFUSED, "Invalid mr signer seam");
	return true;
}
