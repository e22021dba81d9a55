/*
 * measure_testing.h - measurement documents for tests, written member by member
 */
#ifndef TESTS_UNIT_MEASURE_TESTING_H
#define TESTS_UNIT_MEASURE_TESTING_H

#include "core/arena.h"
#include "measure/tdx_document.h"

/* What upstream's tool writes for these members, in its order; version 4 with a cmdline. */
struct bytes document_write(struct arena *arena, const struct tdx_document *doc);

/* A document of version 4 that passes all checks, of easily told digests. */
struct tdx_document document_sample(void);

/* Pieces of CBOR.  `out` has to have room; nothing is checked. */
bool    cbor_head_write(CBB *out, unsigned major, uint64_t n);
bool    cbor_text_write(CBB *out, const char *text);
bool    cbor_bytes_write(CBB *out, struct bytes bytes);

#endif
