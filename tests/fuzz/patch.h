/*
 * patch.h - genuine bytes with a few changes, which the input lists
 *
 * A fuzzer that changes an encoded attestation spends its time on the encoding.  So the input
 * of some targets is a list of patches, each
 *
 *      operation (bits 0-1: replace, insert, delete, flip bits; the rest chooses the part),
 *      position (2 bytes, big endian, modulo the part's length), length (1 byte), bytes
 *
 * that are applied one after the other.  No patch at all is genuine evidence.
 */
#ifndef TESTS_FUZZ_PATCH_H
#define TESTS_FUZZ_PATCH_H

#include "fuzz.h"

#define PATCHES_MAX     32

/* Applies the whole list; the parts become copies in the arena. */
void    patches_apply(struct bytes *parts, size_t nparts, struct bytes list, struct arena *arena);

#endif
