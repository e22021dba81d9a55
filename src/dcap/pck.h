/*
 * pck.h - what Intel's SGX extension of a PCK certificate says about the platform
 */
#ifndef DCAP_PCK_H
#define DCAP_PCK_H

#include "core/bytes.h"
#include "core/reason.h"
#include "dstack-verifier/facts.h"

enum pck_sgx_type {
	PCK_SGX_STANDARD = 0,
	PCK_SGX_SCALABLE = 1,
	PCK_SGX_SCALABLE_INTEGRITY = 2,
};

struct pck {
	uint8_t ppid[16];
	uint8_t cpusvn[16];             /* the 16 SGX TCB components */
	uint16_t pcesvn;
	uint8_t pceid[2];
	uint8_t fmspc[6];
	enum pck_sgx_type sgx_type;
	bool    has_instance_id;        /* platform CA only          */
	uint8_t instance_id[16];
	bool    has_configuration;      /* platform CA only          */
	bool    dynamic_platform;       /* false when absent         */
	bool    cached_keys;
	bool    smt_enabled;
};

/*
 * pck_read - the extension's value
 *
 *   fails   MALFORMED    "Intel extension path <OID> is missing", "CpuSvn length mismatch",
 *                        "PceSvn length mismatch", "Fmspc length mismatch",
 *                        "Ppid length mismatch", "PceId length mismatch",
 *                        "Intel extension is malformed", "Intel extension repeats <OID>",
 *                        "Intel extension has some but not all TCB components",
 *                        "Intel extension's TCB components differ from CpuSvn"
 *
 * Unknown OIDs are skipped.  Components .2.1 to .2.16 are optional, since the simulator has none.
 *   source  Intel SGX PCK Certificate and CRL Profile Specification
 */
bool    pck_read(struct pck *out, struct bytes extension, struct reason *why) MUST_CHECK;

/*
 * pck_ca_read - platform or processor, from the issuer's common name
 *
 *   exact   Intel's anchor: the two exact names; else "Processor" or "Platform" inside it do
 *   fails   REFUSED      "Unknown PCK issuer"
 */
bool    pck_ca_read(enum dv_pck_ca *out, struct bytes issuer_cn, bool exact,
    struct reason *why) MUST_CHECK;

#endif
