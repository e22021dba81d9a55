/*
 * encode.h - struct evidence back into the wire forms, for tests
 *
 * So that a test can take real evidence apart, change one thing, and hand it in again.
 */
#ifndef TESTS_TEESIM_ENCODE_H
#define TESTS_TEESIM_ENCODE_H

#include "build.h"
#include "evidence/attestation.h"

/* How V1 may differ from what guests write. */
#define ENCODE_DATA_FIRST       1u      /* `data` before `kind`                       */
#define ENCODE_SWAPPED          2u      /* bin where guests write arrays, and the reverse */
#define ENCODE_EXTRA            4u      /* an unknown member in every map             */

/* SCALE; version and preimage of events are lost, as in real V0. */
struct bytes encode_v0(const struct evidence *evidence);

/* MessagePack, with the shortest form of every integer and length. */
struct bytes encode_v1(const struct evidence *evidence, unsigned flags);

#endif
