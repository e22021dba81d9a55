/*
 * facts.h - what verify() may ask the world for
 *
 * A fact is named by a typed key and carries its own proof: collateral is signed by Intel,
 * the record of an image by the service that measured it.  Whoever delivers one can withhold it,
 * never forge it.
 */
#ifndef DSTACK_VERIFIER_FACTS_H
#define DSTACK_VERIFIER_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns; `ptr` may be NULL only when `len` is 0. */
struct dv_span {
	const uint8_t *ptr;
	size_t  len;
};

enum dv_fact_type {
	DV_FACT_TCB_INFO = 1,           /* tee, fmspc, update                        */
	DV_FACT_QE_IDENTITY,            /* tee, update                               */
	DV_FACT_PCK_CRL,                /* ca                                        */
	DV_FACT_ROOT_CA_CRL,
	DV_FACT_PCK_CERTIFICATE,        /* pck                                       */
	DV_FACT_IMAGE,                  /* image                                     */
	DV_FACT_KERNEL,                 /* image, initrd_addr                        */
};

enum dv_tee {
	DV_TEE_SGX = 1,
	DV_TEE_TDX,
};

enum dv_pck_ca {
	DV_PCK_CA_PROCESSOR = 1,
	DV_PCK_CA_PLATFORM,
};

/* What names a PCK certificate that a quote does not carry (certification types 2 and 3). */
struct dv_pck_id {
	uint8_t qe_id[16];
	uint8_t encrypted_ppid[384];
	size_t  encrypted_ppid_len;     /* 256 or 384                                */
	uint8_t cpu_svn[16];
	uint8_t pce_svn[2];             /* little endian, as in the quote            */
	uint8_t pce_id[2];
};

/* Members that a type does not name are zero, so that two equal keys are equal bytes. */
struct dv_key {
	enum dv_fact_type type;
	enum dv_tee tee;
	enum dv_pck_ca ca;
	bool    early;                  /* the `update` kind: early, else standard   */
	uint8_t fmspc[6];
	uint8_t image[32];              /* os_image_hash                             */
	uint32_t initrd_addr;           /* where QEMU puts the image's initrd        */
	struct dv_pck_id pck;
};

struct dv_fact {
	struct dv_span body;            /* as the server sent it; of an image and a kernel: as
					 * the service signed it                     */
	struct dv_span chain;           /* the issuer chain header, decoded PEM; may be empty */
	int64_t fetched_at;
};

struct dv_dates {
	int64_t issued;                 /* issueDate or thisUpdate                   */
	int64_t next_update;
	uint64_t number;                /* tcbEvaluationDataNumber, or a CRL number that fits;
					 * else 0: of the same kind, smaller is older */
};

#endif
