/*
 * evidence.h - one real attestation in the three forms that clients send
 *
 * The form it was captured in is V0.  V1 and the GetQuote form are made of what V0 holds, so
 * that all three are judged alike and their costs can be compared.
 */
#ifndef TESTS_BENCH_EVIDENCE_H
#define TESTS_BENCH_EVIDENCE_H

#include "core/bytes.h"

#define EVIDENCE_NOW    INT64_C(1780536131)     /* when its collateral was current */

enum evidence_body { BODY_QUOTE, BODY_V0, BODY_V1, BODIES };

extern const char *const evidence_names[BODIES];

/* A file under tests/vectors; ends the program when there is none. */
struct bytes file_read(const char *name);

/* Three bodies of POST /verify; ends the program when it cannot make them. */
void    evidence_bodies(struct bytes bodies[BODIES]);

#endif
