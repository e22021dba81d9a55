#include "testing.h"

#include "../teesim/pki.h"
#include "alloc_fail.h"
#include "dcap/pck_chain.h"

#define NOW             INT64_C(1750400000)
#define CHAIN           "Failed to verify certificate chain: "
#define BAD_SIGNATURE   CHAIN "InvalidSignatureForPublicKey"
#define UNKNOWN         CHAIN "UnknownIssuer"
#define NOT_A_SIGNER    "TCB signing certificate is not one"
#define ARENA           (1u << 20)

static const struct pck platform = { .ppid = { 1, 2, 3 }, .pcesvn = 11 };

struct fixture {
	struct anchor *anchor;
	struct arena *arena;
	unsigned long nops;
	struct chain_tools tools;
};

static void
setup(struct fixture *f)
{
	struct reason why;

	*f = (struct fixture){ .arena = arena_new(ARENA) };
	f->anchor = anchor_external_new(pki_cert(&pki_root), &why);
	assert_non_null(f->anchor);
	f->tools = (struct chain_tools){ .anchor = f->anchor, .arena = f->arena,
		.nops = &f->nops };
}

static void
teardown(struct fixture *f)
{
	anchor_free(f->anchor);
	arena_free(f->arena);
}

static void
expect_chain(struct fixture *f, const char *name, struct bytes pem, const char *wanted)
{
	AUTO(pck_chain_free) struct pck_chain *chain = NULL;
	struct reason why;

	expect_reason(name, pck_chain_verify(&chain, &f->tools, pem, NOW, &why), &why, wanted);
	assert_int_equal(chain == NULL, wanted != NULL);
}

static struct bytes
chain_of(const struct pki_cert *leaf, const struct pki_cert *ca)
{
	return pki_pem((struct bytes[]){ pki_cert(leaf), pki_cert(ca), pki_cert(&pki_root) }, 3);
}

static void
test_result(void **state)
{
	struct pki_cert leaf = pki_leaf(&platform);
	struct pck_chain *chain;
	uint8_t point[PKI_POINT_LEN];
	struct fixture f;
	struct reason why;

	setup(&f);
	leaf.serial = "0102";
	leaf.not_before = 1700000000;
	leaf.not_after = 1800000000;
	assert_true(pck_chain_verify(&chain, &f.tools, chain_of(&leaf, &pki_ca), NOW, &why));
	assert_int_equal(f.nops, 2);
	assert_memory_equal(&chain->pck, &platform, sizeof platform);
	assert_int_equal(chain->ca_kind, DV_PCK_CA_PLATFORM);
	assert_true(bytes_equal(chain_cert_serial(&chain->leaf), pki_hex("0102")));
	assert_true(bytes_equal(chain_cert_serial(&chain->ca), pki_hex("2a")));
	assert_int_equal(chain->leaf.not_before, 1700000000);
	assert_int_equal(chain->leaf.not_after, 1800000000);
	assert_true(bytes_equal(pck_chain_ca_name(chain), pki_name(PKI_CA_NAME)));
	assert_true(chain->ca_may_sign_crls);
	pki_point(point, PKI_PCK);
	assert_memory_equal(chain->leaf.key.point, point, sizeof point);
	pki_point(point, PKI_CA);
	assert_memory_equal(chain->ca.key.point, point, sizeof point);
	pck_chain_free(chain);
	teardown(&f);
}

/* The list as a whole. */
static void
test_lists(void **state)
{
	struct pki_cert leaf_spec = pki_leaf(&platform), fake_spec = pki_root, twin_spec = pki_ca;
	struct bytes leaf = pki_cert(&leaf_spec), ca = pki_cert(&pki_ca), root = pki_cert(&pki_root),
	    signer = pki_cert(&pki_signer), junk = pki_hex("3000"), fake, twin;
	struct fixture f;
	size_t i;

	fake_spec.key = fake_spec.issuer_key = 9;
	fake = pki_cert(&fake_spec);
	twin_spec.key = 9;
	twin = pki_cert(&twin_spec);
	{
		const struct {
			const char *name;
			struct bytes certs[5];
			size_t  n;
			const char *why;
		} cases[] = {
			{ "usual", { leaf, ca, root }, 3, NULL },
			{ "without root", { leaf, ca }, 2, NULL },
			{ "any order behind the leaf", { leaf, root, signer, ca }, 4, NULL },
			{ "damaged extra", { leaf, junk, ca, junk }, 4, NULL },
			{ "leaf only", { leaf }, 1, "Certificate chain is too short in quote" },
			{ "without CA", { leaf, root }, 2, UNKNOWN },
			{ "damaged CA", { leaf, junk, root }, 3, CHAIN "BadDer" },
			{ "damaged leaf", { junk, ca, root }, 3,
			    "Failed to parse PCK certificate: BadDer" },
			{ "CA first", { ca, leaf, root }, 3, CHAIN "CaUsedAsEndEntity" },
			{ "root with another key", { leaf, ca, fake }, 3, UNKNOWN },
			{ "CA of the same name, another key", { leaf, twin, root }, 3,
			    BAD_SIGNATURE },
			{ "signer as leaf", { signer, ca }, 2, UNKNOWN },
		};

		setup(&f);
		for (i = 0; i < NELEM(cases); i++)
			expect_chain(&f, cases[i].name, pki_pem(cases[i].certs, cases[i].n),
			    cases[i].why);
		teardown(&f);
	}
	setup(&f);
	expect_chain(&f, "no PEM", bytes_str("x"),
	    "Failed to extract PCK certificates from quote: no PEM block");
	teardown(&f);
}

/* One thing wrong in leaf or CA. */
static void
test_certificates(void **state)
{
	static const struct {
		const char *name;
		struct pki_cert leaf, ca;       /* what is set replaces */
		bool    drop_sgx;
		const char *why;
	} cases[] = {
		{ "leaf not yet valid", { .not_before = NOW + 1 }, { .ca = true }, false, CHAIN
		    "CertNotValidYet { time: UnixTime(1750400000), "
		    "not_before: UnixTime(1750400001) }" },
		{ "leaf valid from now", { .not_before = NOW }, { .ca = true }, false, NULL },
		{ "leaf valid until now", { .not_after = NOW }, { .ca = true }, false, NULL },
		{ "leaf expired", { .not_after = NOW - 1 }, { .ca = true }, false, CHAIN
		    "CertExpired { time: UnixTime(1750400000), "
		    "not_after: UnixTime(1750399999) }" },
		{ "CA expired", { .ca = false }, { .ca = true, .not_after = NOW - 1 }, false, CHAIN
		    "CertExpired { time: UnixTime(1750400000), "
		    "not_after: UnixTime(1750399999) }" },
		{ "CA not yet valid", { .ca = false }, { .ca = true, .not_before = NOW + 1 }, false,
		    CHAIN "CertNotValidYet { time: UnixTime(1750400000), "
		    "not_before: UnixTime(1750400001) }" },
		{ "leaf is a CA", { .ca = true }, { .ca = true }, false,
		    CHAIN "CaUsedAsEndEntity" },
		{ "CA is none", { .ca = false }, { .ca = false }, false,
		    CHAIN "EndEntityUsedAsCa" },
		{ "leaf signed by another", { .issuer_key = 9 }, { .ca = true }, false,
		    BAD_SIGNATURE },
		{ "CA signed by another", { .ca = false }, { .ca = true, .issuer_key = 9 }, false,
		    BAD_SIGNATURE },
		{ "CA of another root", { .ca = false }, { .ca = true, .issuer = "x" }, false,
		    UNKNOWN },
		{ "leaf of another CA", { .issuer = "x" }, { .ca = true }, false, UNKNOWN },
		{ "leaf for clients", { .eku = "2b06010505070302" }, { .ca = true }, false,
		    CHAIN "RequiredEkuNotFound" },
		{ "no SGX extension", { .ca = false }, { .ca = true }, true,
		    "Intel extension not found" },
	};
	struct pki_cert leaf, ca;
	struct fixture f;
	size_t i;

	setup(&f);
	for (i = 0; i < NELEM(cases); i++) {
		leaf = pki_leaf(&platform);
		ca = pki_ca;
		leaf.not_before = cases[i].leaf.not_before;
		leaf.not_after = cases[i].leaf.not_after;
		leaf.ca = cases[i].leaf.ca;
		if (cases[i].leaf.issuer != NULL)
			leaf.issuer = cases[i].leaf.issuer;
		if (cases[i].leaf.issuer_key != 0)
			leaf.issuer_key = cases[i].leaf.issuer_key;
		if (cases[i].leaf.eku != NULL)
			leaf.eku = cases[i].leaf.eku;
		if (cases[i].drop_sgx)
			leaf.sgx.len = 0;
		ca.ca = cases[i].ca.ca;
		ca.path_len = ca.ca ? "00" : NULL;
		ca.not_before = cases[i].ca.not_before;
		ca.not_after = cases[i].ca.not_after;
		if (cases[i].ca.issuer != NULL)
			ca.issuer = cases[i].ca.issuer;
		if (cases[i].ca.issuer_key != 0)
			ca.issuer_key = cases[i].ca.issuer_key;
		expect_chain(&f, cases[i].name, chain_of(&leaf, &ca), cases[i].why);
	}
	teardown(&f);
}

static void
test_names(void **state)
{
	struct pki_cert leaf = pki_leaf(&platform), ca = pki_ca;
	struct fixture f;

	setup(&f);
	ca.subject = leaf.issuer = "Mock CA";
	expect_chain(&f, "no known name", chain_of(&leaf, &ca), "Unknown PCK issuer");
	f.anchor->production = true;
	leaf = pki_leaf(&platform);
	expect_chain(&f, "under Intel's root", chain_of(&leaf, &pki_ca), "Unknown PCK issuer");
	ca.subject = leaf.issuer = "Intel SGX PCK Processor CA";
	expect_chain(&f, "Intel's name", chain_of(&leaf, &ca), NULL);
	teardown(&f);
}

/* A remembered chain costs nothing, and is asked for its dates again. */
static void
test_memo(void **state)
{
	AUTO(signature_memo_free) struct signature_memo *signatures = signature_memo_new(16);
	AUTO(pck_chain_memo_free) struct pck_chain_memo *chains = pck_chain_memo_new(16);
	struct pki_cert leaf = pki_leaf(&platform), ca = pki_ca;
	struct pck_chain *first, *again;
	struct fixture f;
	struct reason why;
	struct bytes ca_der, pem;

	setup(&f);
	f.tools.signatures = signatures;
	f.tools.chains = chains;
	leaf.not_before = NOW - 10;
	leaf.not_after = NOW + 10;
	ca.not_before = NOW - 5;
	ca.not_after = NOW + 5;
	ca_der = pki_cert(&ca);
	pem = pki_pem((struct bytes[]){ pki_cert(&leaf), ca_der }, 2);
	expect_reason("first", pck_chain_verify(&first, &f.tools, pem, NOW, &why), &why, NULL);
	assert_int_equal(f.nops, 2);
	expect_reason("again", pck_chain_verify(&again, &f.tools, pem, NOW, &why), &why, NULL);
	assert_int_equal(f.nops, 2);
	assert_ptr_equal(again, first);
	pck_chain_free(again);
	expect_reason("CA expired", pck_chain_verify(&again, &f.tools, pem, NOW + 6, &why), &why,
	    CHAIN "CertExpired { time: UnixTime(1750400006), not_after: UnixTime(1750400005) }");
	expect_reason("leaf expired", pck_chain_verify(&again, &f.tools, pem, NOW + 11, &why), &why,
	    CHAIN "CertExpired { time: UnixTime(1750400011), not_after: UnixTime(1750400010) }");
	expect_reason("CA too new", pck_chain_verify(&again, &f.tools, pem, NOW - 6, &why), &why,
	    CHAIN "CertNotValidYet { time: UnixTime(1750399994), "
	    "not_before: UnixTime(1750399995) }");
	assert_null(again);

	/* Written otherwise: another entry, but the signatures are known. */
	pem = pki_join((struct bytes[]){ bytes_str("text\n"), pem }, 2);
	expect_reason("other text", pck_chain_verify(&again, &f.tools, pem, NOW, &why), &why, NULL);
	assert_int_equal(f.nops, 2);
	assert_int_equal(pck_chain_memo_count(chains), 2);
	pck_chain_free(again);

	/* What failed is not remembered. */
	leaf.issuer_key = 9;
	pem = pki_pem((struct bytes[]){ pki_cert(&leaf), ca_der }, 2);
	expect_reason("bad", pck_chain_verify(&again, &f.tools, pem, NOW, &why), &why,
	    BAD_SIGNATURE);
	expect_reason("bad", pck_chain_verify(&again, &f.tools, pem, NOW, &why), &why,
	    BAD_SIGNATURE);
	assert_int_equal(f.nops, 4);
	assert_int_equal(pck_chain_memo_count(chains), 2);
	pck_chain_free(first);
	teardown(&f);
}

static void
expect_signer(struct fixture *f, const char *name, struct bytes pem, const char *wanted)
{
	struct chain_cert signer;
	struct reason why;

	expect_reason(name, signer_chain_verify(&signer, &f->tools, "TCB Info", pem, &why), &why,
	    wanted);
	chain_cert_fini(&signer);
}

static void
test_signer(void **state)
{
	struct pki_cert leaf = pki_leaf(&platform), with_sgx = pki_signer, other = pki_signer,
	    as_ca = pki_signer, nested = pki_signer, clients = pki_signer, fake_root = pki_root;
	struct bytes root = pki_cert(&pki_root), good = pki_cert(&pki_signer);
	struct fixture f;

	with_sgx.sgx = leaf.sgx;
	other.issuer_key = 9;
	as_ca.ca = true;
	nested.issuer = PKI_CA_NAME;
	nested.issuer_key = PKI_CA;
	clients.eku = "2b06010505070302";
	fake_root.key = fake_root.issuer_key = 9;
	setup(&f);
	expect_signer(&f, "good", pki_pem((struct bytes[]){ good, root }, 2), NULL);
	assert_int_equal(f.nops, 1);
	expect_signer(&f, "alone", pki_pem(&good, 1), "Certificate chain is too short for TCB Info");
	expect_signer(&f, "no PEM", bytes_str(""),
	    "Failed to extract certificates for TCB Info: no PEM block");
	expect_signer(&f, "damaged", pki_pem((struct bytes[]){ pki_hex("3000"), root }, 2),
	    "Failed to parse TCB Info leaf certificate: BadDer");
	expect_signer(&f, "CA", pki_pem((struct bytes[]){ pki_cert(&as_ca), root }, 2),
	    CHAIN "CaUsedAsEndEntity");
	expect_signer(&f, "clients", pki_pem((struct bytes[]){ pki_cert(&clients), root }, 2),
	    CHAIN "RequiredEkuNotFound");
	expect_signer(&f, "under a CA", pki_pem((struct bytes[]){ pki_cert(&nested),
	    pki_cert(&pki_ca), root }, 3), UNKNOWN);
	expect_signer(&f, "signed by another", pki_pem((struct bytes[]){ pki_cert(&other), root },
	    2), BAD_SIGNATURE);
	expect_signer(&f, "root with another key", pki_pem((struct bytes[]){ good,
	    pki_cert(&fake_root) }, 2), UNKNOWN);
	expect_signer(&f, "a PCK certificate", pki_pem((struct bytes[]){ pki_cert(&with_sgx), root },
	    2), NOT_A_SIGNER);
	f.anchor->production = true;
	expect_signer(&f, "Intel's root", pki_pem((struct bytes[]){ good, root }, 2), NOT_A_SIGNER);
	other = pki_signer;
	other.subject = "Intel SGX TCB Signing";
	expect_signer(&f, "Intel's name", pki_pem((struct bytes[]){ pki_cert(&other), root }, 2),
	    NULL);
	teardown(&f);
}

struct attempt {
	struct fixture f;
	struct bytes pem;
};

static bool
verify_once(void *arg, struct reason *why)
{
	struct attempt *a = arg;
	AUTO(pck_chain_memo_free) struct pck_chain_memo *chains = pck_chain_memo_new(4);
	AUTO(pck_chain_free) struct pck_chain *chain = NULL;

	if (chains == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	arena_reset(a->f.arena);
	a->f.tools.chains = chains;
	return pck_chain_verify(&chain, &a->f.tools, a->pem, NOW, why);
}

static void
test_no_memory(void **state)
{
	struct pki_cert leaf = pki_leaf(&platform);
	struct attempt attempt = { .pem = chain_of(&leaf, &pki_ca) };

	setup(&attempt.f);
	assert_true(alloc_fail_each_any(verify_once, &attempt) > 10);
	teardown(&attempt.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_signer),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("pck_chain", tests, NULL, NULL);
}
