/*
 * report.h - the two kinds of report inside a quote
 *
 * An SGX enclave report (the body of an SGX quote, and the QE's own report in every quote) and
 * an Intel TDX TD report in its three sizes.  Nothing is copied: every field is a span into the
 * quote, of the fixed length that is noted, so it lives as long as the quote's bytes.
 * Nothing is judged here.
 */
#ifndef DCAP_REPORT_H
#define DCAP_REPORT_H

#include "core/bytes.h"
#include "core/reason.h"

#define ENCLAVE_REPORT_LEN      384
#define TD_REPORT_10_LEN        584
#define TD_REPORT_15_LEN        648
#define TD_REPORT_15_EXT_LEN    885

/* Body types of a version 5 quote; versions 3 and 4 are given the one they imply. */
enum quote_body {
	QUOTE_BODY_NONE = 0,
	QUOTE_BODY_SGX = 1,             /* enclave report                              */
	QUOTE_BODY_TD_10 = 2,           /* TD report 1.0                               */
	QUOTE_BODY_TD_15 = 3,           /* TD report 1.5: tee_tcb_svn2, mr_service_td  */
	QUOTE_BODY_TD_15_EXT = 4,       /* TD report 1.5 extended                      */
};

struct enclave_report {
	struct bytes raw;               /* all 384 bytes: what the QE signature covers */
	struct bytes cpu_svn;           /* 16                                          */
	uint32_t misc_select;
	struct bytes attributes;        /* 16                                          */
	struct bytes mr_enclave;        /* 32                                          */
	struct bytes mr_signer;         /* 32                                          */
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	struct bytes report_data;       /* 64                                          */
	bool    debug;                  /* attributes: byte 0, bit 1                   */
};

struct td_report {
	struct bytes raw;               /* 584, 648 or 885 bytes                       */
	struct bytes tee_tcb_svn;       /* 16                                          */
	struct bytes mr_seam;           /* 48                                          */
	struct bytes mr_signer_seam;    /* 48                                          */
	struct bytes seam_attributes;   /* 8                                           */
	struct bytes td_attributes;     /* 8                                           */
	struct bytes xfam;              /* 8                                           */
	struct bytes mr_td;             /* 48                                          */
	struct bytes mr_config_id;      /* 48                                          */
	struct bytes mr_owner;          /* 48                                          */
	struct bytes mr_owner_config;   /* 48                                          */
	struct bytes rt_mr[4];          /* 48 each                                     */
	struct bytes report_data;       /* 64                                          */
	uint64_t td_attributes_bits;    /* td_attributes as a little-endian word       */

	/* Body types 3 and 4; empty otherwise. */
	struct bytes tee_tcb_svn2;      /* 16                                          */
	struct bytes mr_service_td;     /* 48                                          */

	/* Body type 4; empty (vmid 0) otherwise. */
	uint8_t vmid;
	struct bytes td_id;                     /* 32                                  */
	struct bytes dev_info;                  /* 48                                  */
	struct bytes init_serv_td_hash;         /* 48                                  */
	struct bytes init_serv_td_attributes;   /* 8                                   */
	struct bytes init_cpu_svn;              /* 16                                  */
	struct bytes init_tee_tcb_svn;          /* 16                                  */
	struct bytes init_tee_fmspc;            /* 12                                  */
	struct bytes cur_serv_td_hash;          /* 48                                  */
	struct bytes cur_serv_td_attributes;    /* 8                                   */
};

/* The length of a body type's report; 0 for a type that does not exist. */
size_t  quote_body_len(enum quote_body body);

/*
 * enclave_report_read - the 384 bytes of an SGX report
 *
 *   fails   MALFORMED    "Not enough data to fill buffer"
 *   source  Intel SDM volume 3D, REPORTBODY
 */
bool    enclave_report_read(struct enclave_report *out, CBS *in, struct reason *why) MUST_CHECK;

/*
 * td_report_read - a TD report of body type 2, 3 or 4
 *
 *   body    one of the three QUOTE_BODY_TD_*, anything else is the caller's bug
 *   fails   MALFORMED    "Not enough data to fill buffer"
 *   source  Intel TDX DCAP quoting library API, quote format appendix; body type 4 from the
 *           structures of Intel's verification library
 */
bool    td_report_read(struct td_report *out, CBS *in, enum quote_body body,
    struct reason *why) MUST_CHECK;

#endif
