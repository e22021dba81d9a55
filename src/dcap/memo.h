/*
 * memo.h - signatures and PCK chains that were found valid once
 *
 * That a signature is right never changes, so it is remembered; dates, revocation, TCB and policy
 * change, so none of them is.  Only successes enter.  Both memos are bounded, forget the least
 * recently used entry first, and keep at most MEMO_PER_PLATFORM entries of one platform (PPID), so
 * that the owner of one genuine machine, who can have any number of reports signed and write a
 * chain in any number of ways, cannot push out everybody else's.
 *
 * Buckets are chosen by bits of the key's SHA-256 without a secret salt: an entry costs its owner
 * a signature rooted in Intel's key and one of his MEMO_PER_PLATFORM places, so there is no way to
 * grow a bucket cheaply.
 */
#ifndef DCAP_MEMO_H
#define DCAP_MEMO_H

#include <openssl/sha.h>

#include "core/bytes.h"
#include "dcap/ecdsa.h"

#define SIGNATURE_MEMO_ENTRIES  65536
#define PCK_CHAIN_MEMO_ENTRIES  4096
#define MEMO_PER_PLATFORM       4
#define MEMO_PPID_LEN           16

struct memo_key {
	uint8_t bytes[SHA256_DIGEST_LENGTH];
};

/* Signatures of one domain never stand for those of another. */
enum memo_domain {
	MEMO_CERTIFICATE = 1,
	MEMO_QE_REPORT = 2,
};

/*
 * signature_memo_key - SHA-256 over domain, issuer's key, digest of the signed bytes, signature
 *
 * The issuer's key is part of it: a QE report remembered by its own bytes alone would pass beside
 * the PCK chain of another platform.
 */
void    signature_memo_key(struct memo_key *out, enum memo_domain domain,
    const struct p256_key *issuer, const uint8_t digest[SHA256_DIGEST_LENGTH],
    struct bytes signature);

struct signature_memo;

/* A memo of at most max_entries; NULL when memory is out. */
struct signature_memo *signature_memo_new(size_t max_entries);
void    signature_memo_free(struct signature_memo *memo);
AUTO_DEFINE(struct signature_memo, signature_memo_free)

/* Whether the signature was found valid before; a hit becomes the most recently used. */
bool    signature_memo_find(struct signature_memo *memo, const struct memo_key *key);

/*
 * signature_memo_add - remember a signature that has just been found valid
 *
 *   ppid    16 bytes of the platform whose QE signed it, and then at most MEMO_PER_PLATFORM of
 *           the platform are kept, the oldest goes; NULL for a certificate: no such bound
 */
void    signature_memo_add(struct signature_memo *memo, const struct memo_key *key,
    const uint8_t *ppid);

/* Entries now in it. */
size_t  signature_memo_count(const struct signature_memo *memo);

struct pck_chain;
struct pck_chain_memo;

/* A memo of at most max_entries chains; NULL when memory is out.  See pck_chain.h. */
struct pck_chain_memo *pck_chain_memo_new(size_t max_entries);
void    pck_chain_memo_free(struct pck_chain_memo *memo);
AUTO_DEFINE(struct pck_chain_memo, pck_chain_memo_free)

/* The key of a chain: SHA-256 over the anchor's key and the certification data. */
void    pck_chain_memo_key(struct memo_key *out, const struct p256_key *anchor,
    struct bytes cert_data);

/* A new reference to the chain, NULL when it is not there. */
struct pck_chain *pck_chain_memo_find(struct pck_chain_memo *memo, const struct memo_key *key);

/* Remembers a chain; takes a reference of its own. */
void    pck_chain_memo_add(struct pck_chain_memo *memo, const struct memo_key *key,
    struct pck_chain *chain);
size_t  pck_chain_memo_count(const struct pck_chain_memo *memo);

#endif
