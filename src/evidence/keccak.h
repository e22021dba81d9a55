/*
 * keccak.h - Keccak-256 with the original padding, which no library of ours exports
 *
 *   source  the Keccak reference, version 3.0 (rate 1088, capacity 512, padding 0x01 .. 0x80)
 */
#ifndef EVIDENCE_KECCAK_H
#define EVIDENCE_KECCAK_H

#include "core/bytes.h"

#define KECCAK256_LEN   32

void    keccak256(uint8_t out[KECCAK256_LEN], struct bytes in);

#endif
