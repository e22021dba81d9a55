#include "testing.h"

#include <stdlib.h>

#include "../teesim/pki.h"
#include "alloc_fail.h"
#include "dcap/memo.h"
#include "dcap/pck_chain.h"

static void
key_make(struct memo_key *out, enum memo_domain domain, unsigned issuer, uint8_t digest,
    const char *signature)
{
	uint8_t all[SHA256_DIGEST_LENGTH] = { digest };
	struct p256_key key = { .ec = NULL };

	pki_point(key.point, issuer);
	signature_memo_key(out, domain, &key, all, bytes_str(signature));
}

/* What was signed, by whom, as what, and the signature: each of them counts. */
static void
test_key(void **state)
{
	AUTO(signature_memo_free) struct signature_memo *memo = signature_memo_new(16);
	struct memo_key key;

	key_make(&key, MEMO_QE_REPORT, 1, 7, "signature");
	assert_false(signature_memo_find(memo, &key));
	signature_memo_add(memo, &key, NULL);
	assert_true(signature_memo_find(memo, &key));
	key_make(&key, MEMO_CERTIFICATE, 1, 7, "signature");
	assert_false(signature_memo_find(memo, &key));
	key_make(&key, MEMO_QE_REPORT, 2, 7, "signature");
	assert_false(signature_memo_find(memo, &key));
	key_make(&key, MEMO_QE_REPORT, 1, 8, "signature");
	assert_false(signature_memo_find(memo, &key));
	key_make(&key, MEMO_QE_REPORT, 1, 7, "signaturf");
	assert_false(signature_memo_find(memo, &key));
	key_make(&key, MEMO_QE_REPORT, 1, 7, "signature");
	assert_true(signature_memo_find(memo, &key));
}

static void
test_bound(void **state)
{
	AUTO(signature_memo_free) struct signature_memo *memo = signature_memo_new(16);
	struct memo_key key;
	unsigned i;

	for (i = 0; i < 100; i++) {
		key_make(&key, MEMO_CERTIFICATE, 1, (uint8_t)i, "s");
		signature_memo_add(memo, &key, NULL);
	}
	assert_int_equal(signature_memo_count(memo), 16);
	for (i = 0; i < 100; i++) {
		key_make(&key, MEMO_CERTIFICATE, 1, (uint8_t)i, "s");
		assert_int_equal(signature_memo_find(memo, &key), i >= 84);
	}
}

/* 100 reports of one platform leave the entries of other platforms in place. */
static void
test_platform(void **state)
{
	AUTO(signature_memo_free) struct signature_memo *memo = signature_memo_new(16);
	uint8_t one[MEMO_PPID_LEN] = { 1 }, other[MEMO_PPID_LEN] = { 2 };
	struct memo_key key;
	unsigned i;

	for (i = 200; i < 204; i++) {
		key_make(&key, MEMO_QE_REPORT, 2, (uint8_t)i, "s");
		signature_memo_add(memo, &key, other);
	}
	for (i = 0; i < 100; i++) {
		key_make(&key, MEMO_QE_REPORT, 1, (uint8_t)i, "s");
		signature_memo_add(memo, &key, one);
	}
	assert_int_equal(signature_memo_count(memo), 2 * MEMO_PER_PLATFORM);
	for (i = 200; i < 204; i++) {
		key_make(&key, MEMO_QE_REPORT, 2, (uint8_t)i, "s");
		assert_true(signature_memo_find(memo, &key));
	}
	for (i = 0; i < 100; i++) {
		key_make(&key, MEMO_QE_REPORT, 1, (uint8_t)i, "s");
		assert_int_equal(signature_memo_find(memo, &key), i >= 96);
	}
}

static struct pck_chain *
chain_make(unsigned ppid)
{
	struct pck_chain *chain = calloc(1, sizeof *chain);

	assert_non_null(chain);
	chain->nrefs = 1;
	memcpy(chain->pck.ppid, &ppid, sizeof ppid);
	return chain;
}

static void
test_chains(void **state)
{
	AUTO(pck_chain_memo_free) struct pck_chain_memo *memo = pck_chain_memo_new(8);
	struct p256_key anchor = { .ec = NULL }, other = { .ec = NULL };
	struct pck_chain *chain, *first;
	struct memo_key key;
	unsigned i;

	pki_point(anchor.point, 1);
	pki_point(other.point, 2);
	pck_chain_memo_key(&key, &anchor, bytes_str("first"));
	assert_null(pck_chain_memo_find(memo, &key));
	first = chain_make(1000);
	pck_chain_memo_add(memo, &key, first);
	chain = pck_chain_memo_find(memo, &key);
	assert_ptr_equal(chain, first);
	assert_int_equal(chain->nrefs, 3);
	pck_chain_free(chain);
	pck_chain_memo_key(&key, &other, bytes_str("first"));
	assert_null(pck_chain_memo_find(memo, &key));
	pck_chain_memo_key(&key, &anchor, bytes_str("firsu"));
	assert_null(pck_chain_memo_find(memo, &key));

	/* One platform, its chain written in many ways. */
	for (i = 0; i < 20; i++) {
		chain = chain_make(7);
		pck_chain_memo_key(&key, &anchor, (struct bytes){ (uint8_t *)&i, sizeof i });
		pck_chain_memo_add(memo, &key, chain);
		pck_chain_free(chain);
	}
	assert_int_equal(pck_chain_memo_count(memo), 1 + MEMO_PER_PLATFORM);
	for (i = 0; i < 20; i++) {
		chain = chain_make(100 + i);
		pck_chain_memo_key(&key, &other, (struct bytes){ (uint8_t *)&i, sizeof i });
		pck_chain_memo_add(memo, &key, chain);
		pck_chain_free(chain);
	}
	assert_int_equal(pck_chain_memo_count(memo), 8);

	/* Evicted long since, and still ours. */
	pck_chain_memo_key(&key, &anchor, bytes_str("first"));
	assert_null(pck_chain_memo_find(memo, &key));
	assert_int_equal(first->nrefs, 1);
	pck_chain_free(first);
}

static bool
new_once(void *arg, struct reason *why)
{
	AUTO(signature_memo_free) struct signature_memo *signatures = signature_memo_new(4);
	AUTO(pck_chain_memo_free) struct pck_chain_memo *chains = NULL;

	if (signatures != NULL)
		chains = pck_chain_memo_new(4);
	return chains != NULL || reject(why, REASON_INTERNAL, "out of memory");
}

static void
test_no_memory(void **state)
{
	assert_int_equal(alloc_fail_each(new_once, NULL), 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_platform),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("memo", tests, NULL, NULL);
}
