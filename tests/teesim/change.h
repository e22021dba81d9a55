/*
 * change.h - one thing done to bytes on their way into evidence
 *
 * A sound machine plus one change is a negative test.  A change names the stage whose bytes it
 * is done to; whatever is built above that stage is built, hashed, replayed and signed with the
 * changed bytes.
 */
#ifndef TESTS_TEESIM_CHANGE_H
#define TESTS_TEESIM_CHANGE_H

#include "build.h"

enum stage {
	STAGE_NONE = 0,
	STAGE_DOCUMENT,         /* measurement.tdx.cbor                                */
	STAGE_CHECKSUM,         /* sha256sum.txt                                       */
	STAGE_VM_CONFIG,        /* its JSON text                                       */
	STAGE_REPORT,           /* the report, before it is signed                     */
	STAGE_QE_REPORT,        /* likewise, without its report_data                   */
	STAGE_SGX,              /* the SGX extension of the PCK certificate            */
	STAGE_PCK_PEM,          /* the chain in the quote                              */
	STAGE_PCK_ID,           /* what names the certificate in its place             */
	STAGE_QUOTE,            /* after all is signed                                 */
	STAGE_LOG,              /* form B: the event log's JSON text                   */
	STAGE_ATTESTATION,      /* form A: the encoded attestation                     */
	STAGE_BODY,             /* the request's JSON text                             */
	STAGE_TCB,              /* TCB info, before it is signed                       */
	STAGE_QE,               /* QE identity, likewise                               */
	STAGE_TCB_SENT,         /* TCB info after it was signed                        */
	STAGE_QE_SENT,
	STAGE_TCB_SIGNATURE,
	STAGE_QE_SIGNATURE,
	STAGE_ROOT_CRL,         /* DER, signed                                         */
	STAGE_PCK_CRL,
	STAGE_COLLATERAL,       /* the object of all items                             */
};

enum change_kind {
	CHANGE_PATCH = 0,       /* bytes of hex `with` over those at `at`              */
	CHANGE_INSERT,          /* hex `with` in front of `at`                         */
	CHANGE_FLIP,            /* bits of hex `with` at `at`                          */
	CHANGE_APPEND,          /* hex `with`                                          */
	CHANGE_CUT,             /* the last `at` bytes go                              */
	CHANGE_KEEP,            /* the first `at` bytes stay                           */
	CHANGE_REPLACE,         /* text `what`, first found, by text `with`            */
	CHANGE_SET,             /* all of it is text `with`                            */
};

struct change {
	enum stage stage;
	enum change_kind kind;
	size_t  at;
	const char *what, *with;
};

/* For tables. */
#define PATCH(stage, at, hex)           { stage, CHANGE_PATCH, at, NULL, hex }
#define INSERT(stage, at, hex)          { stage, CHANGE_INSERT, at, NULL, hex }
#define FLIP(stage, at, hex)            { stage, CHANGE_FLIP, at, NULL, hex }
#define APPEND(stage, hex)              { stage, CHANGE_APPEND, 0, NULL, hex }
#define CUT(stage, n)                   { stage, CHANGE_CUT, n, NULL, NULL }
#define KEEP(stage, n)                  { stage, CHANGE_KEEP, n, NULL, NULL }
#define REPLACE(stage, what, with)      { stage, CHANGE_REPLACE, 0, what, with }
#define SET(stage, text)                { stage, CHANGE_SET, 0, NULL, text }

/* The bytes of a stage, changed if the change is about that stage. */
struct bytes change_apply(const struct change *change, enum stage stage, struct bytes in);

#endif
