/*
 * siphash.h - SipHash-2-4, a keyed digest of 64 bits
 *
 * For knowing a body again in the log, and for hash tables whose keys come from outside: whoever
 * does not know the key cannot make two inputs meet.  No replacement for a cryptographic hash.
 */
#ifndef SERVER_SIPHASH_H
#define SERVER_SIPHASH_H

#include "core/bytes.h"

#define SIPHASH_KEY_LEN 16

/*
 * siphash - the digest of `data` under a key
 *
 *   source  Aumasson, Bernstein: SipHash, a fast short-input PRF (2012)
 */
uint64_t siphash(const uint8_t key[SIPHASH_KEY_LEN], struct bytes data);

#endif
