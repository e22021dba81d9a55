#include "dcap/memo.h"

#include <stdlib.h>

#include "dcap/lru.h"
#include "dcap/pck_chain.h"

struct signature_memo {
	struct lru *lru;
};

struct pck_chain_memo {
	struct lru *lru;
};

void
signature_memo_key(struct memo_key *out, enum memo_domain domain,
    const struct p256_key *issuer, const uint8_t digest[SHA256_DIGEST_LENGTH],
    struct bytes signature)
{
	const uint8_t name = (uint8_t)domain;
	SHA256_CTX sha;

	/* All but the last are of fixed length, so no two inputs run together. */
	SHA256_Init(&sha);
	SHA256_Update(&sha, &name, sizeof name);
	SHA256_Update(&sha, issuer->point, sizeof issuer->point);
	SHA256_Update(&sha, digest, SHA256_DIGEST_LENGTH);
	SHA256_Update(&sha, signature.ptr, signature.len);
	SHA256_Final(out->bytes, &sha);
}

struct signature_memo *
signature_memo_new(size_t max_entries)
{
	AUTO(signature_memo_free) struct signature_memo *memo = calloc(1, sizeof *memo);

	if (memo == NULL)
		return NULL;
	memo->lru = lru_new(max_entries, MEMO_PER_PLATFORM, NULL);
	if (memo->lru == NULL)
		return NULL;
	return TAKE(memo);
}

void
signature_memo_free(struct signature_memo *memo)
{
	if (memo == NULL)
		return;
	lru_free(memo->lru);
	free(memo);
}

bool
signature_memo_find(struct signature_memo *memo, const struct memo_key *key)
{
	return lru_find(memo->lru, key->bytes, NULL);
}

void
signature_memo_add(struct signature_memo *memo, const struct memo_key *key, const uint8_t *ppid)
{
	lru_add(memo->lru, key->bytes, ppid, NULL);
}

size_t
signature_memo_count(const struct signature_memo *memo)
{
	return lru_count(memo->lru);
}

static void
chain_drop(void *value)
{
	pck_chain_free(value);
}

struct pck_chain_memo *
pck_chain_memo_new(size_t max_entries)
{
	AUTO(pck_chain_memo_free) struct pck_chain_memo *memo = calloc(1, sizeof *memo);

	if (memo == NULL)
		return NULL;
	memo->lru = lru_new(max_entries, MEMO_PER_PLATFORM, chain_drop);
	if (memo->lru == NULL)
		return NULL;
	return TAKE(memo);
}

void
pck_chain_memo_free(struct pck_chain_memo *memo)
{
	if (memo == NULL)
		return;
	lru_free(memo->lru);
	free(memo);
}

void
pck_chain_memo_key(struct memo_key *out, const struct p256_key *anchor, struct bytes cert_data)
{
	SHA256_CTX sha;

	SHA256_Init(&sha);
	SHA256_Update(&sha, anchor->point, sizeof anchor->point);
	SHA256_Update(&sha, cert_data.ptr, cert_data.len);
	SHA256_Final(out->bytes, &sha);
}

struct pck_chain *
pck_chain_memo_find(struct pck_chain_memo *memo, const struct memo_key *key)
{
	void *value;

	if (!lru_find(memo->lru, key->bytes, &value))
		return NULL;
	return pck_chain_ref(value);
}

void
pck_chain_memo_add(struct pck_chain_memo *memo, const struct memo_key *key,
    struct pck_chain *chain)
{
	lru_add(memo->lru, key->bytes, chain->pck.ppid, pck_chain_ref(chain));
}

size_t
pck_chain_memo_count(const struct pck_chain_memo *memo)
{
	return lru_count(memo->lru);
}
