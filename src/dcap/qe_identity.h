/*
 * qe_identity.h - Intel's signed description of the quoting enclave
 *
 * source  Intel PCS API v4, "Get Quoting Enclave Identity"; quote verification
 *         specification, 3.2 and steps 21 to 26 of section 7
 */
#ifndef DCAP_QE_IDENTITY_H
#define DCAP_QE_IDENTITY_H

#include "core/arena.h"
#include "dcap/tcb_info.h"

#define QE_IDENTITY_MAX_LEN     ((size_t)64 << 10)      /* real: 0.4 to 1.2 KB       */

struct enclave_report;

struct qe_identity {
	struct bytes id;                /* "QE", "TD_QE", or one we do not accept    */
	uint8_t version;
	int64_t issue_date, next_update;
	uint32_t evaluation_data_number;
	uint8_t misc_select[4], misc_select_mask[4];
	uint8_t attributes[16], attributes_mask[16];
	uint8_t mr_signer[32];
	uint16_t isv_prod_id;
	const struct isv_level *levels;
	size_t  nlevels;
};

/* As tcb_info_read(), with the texts of `QE Identity`. */
bool    qe_identity_read(struct qe_identity *out, struct bytes text, struct arena *arena,
            struct reason *why) MUST_CHECK;

/* `QE Identity issue date is in the future`, `QE Identity expired`; kind REFUSED. */
bool    qe_identity_window_check(const struct qe_identity *qe, int64_t now,
            struct reason *why) MUST_CHECK;

/* Whether id and version are those for a quote of this TEE. */
bool    qe_identity_check(const struct qe_identity *qe, enum dv_tee tee,
            struct reason *why) MUST_CHECK;

/* Steps 21 and 23 to 25: the report is of the enclave described; REFUSED. */
bool    qe_identity_report_check(const struct qe_identity *qe,
            const struct enclave_report *report, struct reason *why) MUST_CHECK;

/* Step 26: the first level, in the document's order, that isv_svn reaches; REFUSED. */
bool    qe_identity_level_find(const struct isv_level **level, const struct qe_identity *qe,
            uint16_t isv_svn, struct reason *why) MUST_CHECK;

#endif
