/*
 * tcb_info.h - Intel's signed list of TCB levels for one FMSPC
 *
 * The reader takes the exact bytes of the `tcbInfo` object, whose signature the caller has
 * checked, and packs what matching needs.  Version 3 is the only one it can read; whether a
 * document is the right one for a quote is tcb_info_check()'s question.
 *
 * source  Intel PCS API v4, "Get TCB Info"; quote verification specification, 3.1 and 8.1
 */
#ifndef DCAP_TCB_INFO_H
#define DCAP_TCB_INFO_H

#include "core/arena.h"
#include "dcap/tcb_level.h"
#include "dstack-verifier/facts.h"

#define TCB_INFO_MAX_LEN        ((size_t)256 << 10)     /* real: 2.4 to 5.6 KB       */
#define TCB_INFO_MAX_IDENTITIES 64
#define TCB_COMPONENTS          16

struct tcb_level {
	uint8_t sgx[TCB_COMPONENTS];    /* missing ones are zero; see nsgx           */
	uint8_t tdx[TCB_COMPONENTS];
	size_t  nsgx, ntdx;             /* as many as the document had               */
	uint16_t pce_svn;
	enum tcb_status status;
	int64_t date;
	struct advisories advisories;
};

struct tdx_module {
	struct bytes id;                /* "TDX_01"; empty for tdxModule itself      */
	uint8_t mr_signer[48];
	uint8_t attributes[8];
	uint8_t attributes_mask[8];
	const struct isv_level *levels;
	size_t  nlevels;
};

struct tcb_info {
	bool    known_tee;              /* id is "SGX" or "TDX"                      */
	enum dv_tee tee;
	uint8_t version;
	int64_t issue_date, next_update;
	uint8_t fmspc[6];
	uint8_t pce_id[2];
	uint32_t tcb_type;
	uint32_t evaluation_data_number;
	bool    has_module;
	struct tdx_module module;
	const struct tdx_module *identities;
	size_t  nidentities;
	const struct tcb_level *levels; /* highest first                             */
	size_t  nlevels;
};

/*
 * tcb_info_read - the exact signed bytes
 *
 *   arena   owns everything in *out, `text` is copied
 *   fails   MALFORMED    `Failed to decode TcbInfo: ...`, `Duplicate TCB level`,
 *                        `Failed to parse TCB Info issue date`/`next update`
 *           LIMIT        past a limit above
 */
bool    tcb_info_read(struct tcb_info *out, struct bytes text, struct arena *arena,
            struct reason *why) MUST_CHECK;

/* `TCBInfo issue date is in the future`, `TCBInfo expired`; kind REFUSED. */
bool    tcb_info_window_check(const struct tcb_info *tcb, int64_t now,
            struct reason *why) MUST_CHECK;

/*
 * tcb_info_check - whether it is the document for this TEE and platform
 *
 *   fails   REFUSED  `Fmspc mismatch`, `PCEID mismatch`,
 *                    `TDX quote with non-TDX TCB info in the collateral`, ...
 */
bool    tcb_info_check(const struct tcb_info *tcb, enum dv_tee tee, const uint8_t fmspc[6],
            const uint8_t pce_id[2], struct reason *why) MUST_CHECK;

#endif
