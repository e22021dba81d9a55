/*
 * The release floors: oldest date and smallest number of collateral that this release takes
 * under Intel's anchor.  Written anew at each release from what Intel serves on that day;
 * a floor above that day's collateral would refuse genuine items.
 *
 * Those here are of the newest public standard collateral of July 2026.  Numbers of TCB info
 * hold for any FMSPC, whose dates differ.
 */
#include "dcap/marks.h"

static const struct {
	enum dv_fact_type type;
	enum dv_tee tee;                /* 0: any                                    */
	enum dv_pck_ca ca;              /* 0: any                                    */
	int64_t date;                   /* 0: none                                   */
	uint32_t number;                /* evaluation or CRL number                  */
} floors[] = {
	{ DV_FACT_TCB_INFO, 0, 0, INT64_C(0), 19 },
	/* 2026-06-29T01:42:43Z */
	{ DV_FACT_QE_IDENTITY, DV_TEE_TDX, 0, INT64_C(1782697363), 19 },
	/* 2025-06-19T10:01:18Z */
	{ DV_FACT_QE_IDENTITY, DV_TEE_SGX, 0, INT64_C(1750327278), 17 },
	/* 2026-07-23T22:07:20Z */
	{ DV_FACT_PCK_CRL, 0, DV_PCK_CA_PLATFORM, INT64_C(1784844440), 1 },
	/* 2025-06-19T10:23:18Z */
	{ DV_FACT_PCK_CRL, 0, DV_PCK_CA_PROCESSOR, INT64_C(1750328598), 1 },
	/* 2026-02-26T13:04:00Z */
	{ DV_FACT_ROOT_CA_CRL, 0, 0, INT64_C(1772111040), 1 },
};

void
floor_find(int64_t *date, uint32_t *number, const struct dv_key *key)
{
	*date = 0;
	*number = 0;
	for (size_t i = 0; i < NELEM(floors); i++)
		if (floors[i].type == key->type &&
		    (floors[i].tee == 0 || floors[i].tee == key->tee) &&
		    (floors[i].ca == 0 || floors[i].ca == key->ca)) {
			*date = floors[i].date;
			*number = floors[i].number;
			return;
		}
}
