/*
 * document.h - TCB info and QE identity as Intel writes them
 *
 * Compact JSON, members in Intel's order; every member open to be wrong.  What is returned is
 * the signed object alone, without the signature around it.
 */
#ifndef TESTS_TEESIM_DOCUMENT_H
#define TESTS_TEESIM_DOCUMENT_H

#include "build.h"

#define DOCUMENT_LEVELS         24
#define DOCUMENT_MODULES        4
#define DOCUMENT_COMPONENTS     17      /* one more than there are */

struct document_component {
	unsigned svn;
	const char *category, *type;    /* NULL: no such member                        */
};

/* What every kind of level ends with. */
struct document_status {
	const char *date;               /* NULL: 2026-01-01T00:00:00Z                  */
	const char *status;             /* NULL: UpToDate                              */
	const char *advisories;         /* "INTEL-SA-1 INTEL-SA-2"; NULL: no member    */
};

struct document_level {
	struct document_component sgx[DOCUMENT_COMPONENTS], tdx[DOCUMENT_COMPONENTS];
	size_t  nsgx, ntdx;             /* ntdx 0: no member                           */
	unsigned pcesvn;
	struct document_status end;
};

/* A level of a QE or of a TDX module. */
struct document_isv_level {
	unsigned isvsvn;
	struct document_status end;
};

struct document_module {
	const char *id, *mrsigner, *attributes, *mask;  /* digits; NULL: Intel's, TDX_01 */
	struct document_isv_level levels[DOCUMENT_LEVELS];
	size_t  nlevels;
};

/* The members both documents begin with. */
struct document_head {
	const char *id;
	unsigned version, number;
	int64_t issued, next_update;
};

struct document_tcb {
	struct document_head head;
	const char *fmspc, *pceid;      /* digits                                      */
	bool    module;                 /* tdxModule                                   */
	struct document_module tdx_module;      /* id and levels are not written       */
	struct document_module modules[DOCUMENT_MODULES];
	size_t  nmodules;               /* 0: no tdxModuleIdentities                   */
	struct document_level levels[DOCUMENT_LEVELS];
	size_t  nlevels;
};

struct document_qe {
	struct document_head head;
	const char *miscselect, *miscselect_mask, *attributes, *attributes_mask, *mrsigner;
	unsigned isvprodid;
	struct document_isv_level levels[DOCUMENT_LEVELS];
	size_t  nlevels;
};

/* A level with 16 SGX components, and as many TDX ones, that are zero but the first. */
struct document_level document_level(unsigned sgx, unsigned tdx, unsigned pcesvn,
    const char *status);

struct bytes document_tcb(const struct document_tcb *tcb);
struct bytes document_qe(const struct document_qe *qe);

#endif
