/*
 * mock_collateral.h - a platform that does not exist, with all that Intel would sign for it
 *
 * mock_init() makes a sound world; a test then spoils one part of it and takes the quote and
 * the four items of collateral, as a server sends them or as the object of --collateral.
 */
#ifndef TESTS_TEESIM_MOCK_COLLATERAL_H
#define TESTS_TEESIM_MOCK_COLLATERAL_H

#include "core/bytes.h"
#include "document.h"
#include "dstack-verifier/facts.h"
#include "pki.h"

#define MOCK_NOW        INT64_C(1800000000)
#define MOCK_DAY        INT64_C(86400)
#define MOCK_PROCESSOR_NAME     "Mock Intel SGX PCK Processor CA"

struct mock_document {
	const char *id;
	unsigned version, number;
	int64_t issued, next_update;
	unsigned floor;                 /* cpu_svn[0] or isv_svn that is up to date  */
	unsigned signer_key;
	bool    bad_signature;
	const char *insert;             /* members put at the document's front       */
	struct bytes text;              /* all of it; NULL: as the members say      */
	struct bytes signature;         /* 64 bytes; NULL: of the text              */
};

struct mock {
	struct pck pck;
	struct pki_cert root, ca, leaf, tcb_signer, qe_signer;
	struct pki_crl root_crl, pck_crl;
	struct mock_document tcb, qe;
	const char *tcb_fmspc;          /* digits; NULL: the platform's              */
	struct pki_quote quote;         /* cert_data is made by mock_quote()         */
	int64_t fetched_at;
	enum dv_tee tee;
	bool    processor;              /* the PCK CA's kind                         */
	const struct bytes *pck_chain;  /* certificates in the quote; NULL: leaf, CA, root */
	size_t  npck_chain;
	struct bytes crl_chain, tcb_chain, qe_chain;    /* PEM; NULL: signer and root */
	struct bytes root_crl_der, pck_crl_der;         /* NULL: as the CRLs say     */
};

void    mock_init(struct mock *mock);

/* The same for SGX: a processor CA, a quote of version 3 and the identity of its QE. */
void    mock_init_sgx(struct mock *mock);

/* The leaf anew, after mock->pck was changed. */
void    mock_platform(struct mock *mock);

struct bytes mock_anchor(const struct mock *mock);
struct bytes mock_quote(const struct mock *mock);

/* The chain that the quote carries. */
struct bytes mock_pck_pem(const struct mock *mock);

/* The documents as the members of *mock say, for a test to go on from. */
void    mock_tcb(struct document_tcb *out, const struct mock *mock);
void    mock_qe(struct document_qe *out, const struct mock *mock);

/* The signed text of the document of a type. */
struct bytes mock_document_text(const struct mock *mock, enum dv_fact_type type);

/* Its signature, 64 bytes. */
struct bytes mock_document_signature(const struct mock *mock, enum dv_fact_type type);

/* The key of an item for this platform, and what a server would send for it. */
struct dv_key mock_key(const struct mock *mock, enum dv_fact_type type);
struct dv_fact mock_fact(const struct mock *mock, enum dv_fact_type type);

/* The issuer chain that goes with an item, as PEM, and a CRL as DER. */
struct bytes mock_chain(const struct mock *mock, enum dv_fact_type type);
struct bytes mock_crl(const struct mock *mock, enum dv_fact_type type);

/* All four items as the JSON object of section 3. */
struct bytes mock_object(const struct mock *mock);

#endif
