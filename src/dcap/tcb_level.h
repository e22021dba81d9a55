/*
 * tcb_level.h - what the levels of TCB info and QE identity have in common
 *
 * Each level says from which number on it holds, since when, how good that is, and which
 * advisories are open there.
 */
#ifndef DCAP_TCB_LEVEL_H
#define DCAP_TCB_LEVEL_H

#include "core/arena.h"
#include "core/json.h"
#include "dcap/tcb_status.h"

#define TCB_MAX_LEVELS          256
#define TCB_MAX_ADVISORIES      1024    /* of one document                           */
#define TCB_ADVISORY_MAX_LEN    64
#define TCB_STRING_MAX_LEN      128
#define TCB_JSON_DEPTH          16
#define TCB_JSON_MAX_VALUES     65536

/* A level that is one number: of a TDX module or of a QE.  In the document's order. */
struct isv_level {
	uint16_t isv_svn;
	enum tcb_status status;
	int64_t date;
	struct advisories advisories;
};

/* Where the parts of one document go while it is read. */
struct tcb_reader {
	struct arena *arena;            /* keeps what is read                        */
	struct arena *scratch;          /* JSON nodes, gone afterwards               */
	size_t  nadvisories;            /* so far, of TCB_MAX_ADVISORIES             */
};

/* tcbStatus, tcbDate and advisoryIDs of one level object. */
bool    tcb_level_read(enum tcb_status *status, int64_t *date, struct advisories *advisories,
            struct tcb_reader *reader, const struct json *level, struct reason *why) MUST_CHECK;

/* The array `tcbLevels` of levels whose `tcb` is { "isvsvn": 0..max_svn }. */
bool    isv_levels_read(const struct isv_level **levels, size_t *nlevels,
            struct tcb_reader *reader, const struct json *object, uint16_t max_svn,
            struct reason *why) MUST_CHECK;

/* The first level, in the document's order, that isv_svn reaches; NULL: none. */
const struct isv_level *isv_level_find(const struct isv_level *levels, size_t nlevels,
            unsigned isv_svn);

/* A date member of the form YYYY-MM-DDTHH:MM:SSZ. */
bool    tcb_date_read(int64_t *out, struct tcb_reader *reader, const struct json *object,
            const char *key, struct reason *why) MUST_CHECK;

#endif
