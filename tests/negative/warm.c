/*
 * Warm, then changed: quote-verification.md 11.4, 12.4 and 12.5.
 *
 * A context judged a machine valid; then the world changes, and not one byte of the request.  What
 * a context remembers must not outlive it.
 */
#include <stdio.h>

#include "judge.h"

#define FAILED          "Quote verification failed: failed to verify TDX quote: "
#define CHAIN_FAILED    FAILED "Failed to verify certificate chain: "

enum { TCB = 1, QE = 2, PCK_CRL = 4, ROOT_CRL = 8, NOTHING = 0 };

static const struct {
	int     bit;
	enum dv_fact_type type;
} items[] = {
	{ TCB, DV_FACT_TCB_INFO }, { QE, DV_FACT_QE_IDENTITY }, { PCK_CRL, DV_FACT_PCK_CRL },
	{ ROOT_CRL, DV_FACT_ROOT_CA_CRL },
};

struct case_row {
	const char *name;
	void    (*before)(struct guest *guest);         /* while it is still valid     */
	void    (*change)(struct guest *guest);         /* of the collateral           */
	int     offered;                                /* these items anew            */
	int64_t later;                                  /* seconds                     */
	const char *offer_error;                        /* of an item that is refused  */
	const char *why;                                /* NULL: valid                 */
	bool    retryable;
};

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

static struct dv_context *
context_new(const struct guest *g)
{
	struct dv_options options = {
		.root_ca_tdx = span(mock_anchor(&g->intel)), .serve_stale_max_secs = 259200,
	};
	struct dv_context *context;
	char error[512];

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	assert_true(dv_policy_settle(&options.policy, error, sizeof error));
	context = dv_context_new(&options, error, sizeof error);
	if (context == NULL)
		fail_msg("%s", error);
	return context;
}

/* Empty when all were taken, else why one was not. */
static const char *
offer(struct dv_context *context, const struct guest *g, int which, int64_t now)
{
	static char error[512];
	struct dv_dates dates;
	struct dv_fact fact;
	struct dv_key key;

	for (size_t i = 0; i < NELEM(items); i++) {
		if ((which & items[i].bit) == 0)
			continue;
		key = mock_key(&g->intel, items[i].type);
		fact = mock_fact(&g->intel, items[i].type);
		fact.fetched_at = now;
		if (!dv_fact_offer(context, &key, &fact, now, &dates, error, sizeof error))
			return error;
	}
	return "";
}

/* Asks; nothing more can be fetched. */
static void
ask(struct dv_context *context, struct dv_answer *answer, struct bytes body, int64_t now)
{
	struct dv_failure failures[DV_NEEDS_MAX];
	struct dv_request request = { .body = span(body), .now = now, .failures = failures };

	for (unsigned round = 0; round < 2; round++) {
		assert_true(dv_verify(context, answer, &request));
		for (request.nfailures = 0; request.nfailures < answer->nneeds; request.nfailures++)
			failures[request.nfailures] = (struct dv_failure){
			    .key = answer->needs[request.nfailures] };
	}
}

static void
case_run(const struct case_row *row)
{
	const void *mark = build_mark();
	struct dv_context *context;
	struct dv_answer answer;
	struct bytes body;
	const char *error;
	struct guest g;

	guest_init(&g, 0);
	if (row->before != NULL)
		row->before(&g);
	guest_build(&g);
	body = g.body;
	context = context_new(&g);
	error = offer(context, &g, TCB | QE | PCK_CRL | ROOT_CRL, GUEST_NOW);
	if (*error != '\0')
		fail_msg("%s: %s", row->name, error);
	for (unsigned i = 0; i < 3; i++) {
		ask(context, &answer, body, GUEST_NOW);
		if (!answer.valid)
			fail_msg("%s: before any change: %s", row->name, answer.reason);
	}
	assert_int_equal(answer.public_key_operations, 1);

	g.intel.tcb.text = g.intel.tcb.signature = g.intel.qe.text = g.intel.qe.signature = EMPTY;
	g.intel.pck_crl_der = g.intel.root_crl_der = EMPTY;
	if (row->change != NULL)
		row->change(&g);
	error = offer(context, &g, row->offered, GUEST_NOW + row->later);
	if (strcmp(error, row->offer_error != NULL ? row->offer_error : "") != 0)
		fail_msg("%s: offer: \"%s\"", row->name, error);
	for (unsigned i = 0; i < 2; i++) {
		ask(context, &answer, body, GUEST_NOW + row->later);
		if (!judge_matches(answer.reason, "", row->why) ||
		    answer.valid != (row->why == NULL) || answer.retryable != row->retryable)
			fail_msg("%s: %d %d \"%s\"", row->name, answer.valid, answer.retryable,
			    answer.reason != NULL ? answer.reason : "");
	}
	dv_context_free(context);
	build_release(mark);
}

/* ---- what changes ---- */

static const struct pki_revoked leaf_serial = { "0d", { NULL, 0 } };
static const struct pki_revoked ca_serial = { "0c", { NULL, 0 } };
static const struct pki_revoked signer_serial = { "0e", { NULL, 0 } };

static void
newer_crl(struct pki_crl *crl, const struct pki_revoked *revoked)
{
	crl->this_update = GUEST_NOW - 60;
	crl->number = "02";
	crl->revoked = revoked;
	crl->nrevoked = 1;
}

static void
leaf_revoked(struct guest *g)
{
	newer_crl(&g->intel.pck_crl, &leaf_serial);
}

static void
ca_revoked(struct guest *g)
{
	newer_crl(&g->intel.root_crl, &ca_serial);
}

static void
signer_revoked(struct guest *g)
{
	newer_crl(&g->intel.root_crl, &signer_serial);
}

static void
ca_ends(struct guest *g)
{
	g->intel.ca.not_after = GUEST_NOW + 10;
}

static void
leaf_ends(struct guest *g)
{
	g->intel.leaf.not_after = GUEST_NOW + 10;
}

static void
signer_ends(struct guest *g)
{
	g->intel.tcb_signer.not_after = GUEST_NOW + 10;
}

static void
root_ends(struct guest *g)
{
	g->intel.root.not_after = GUEST_NOW + 10;
}

static void
tcb_ends(struct guest *g)
{
	g->intel.tcb.next_update = GUEST_NOW + 10;
}

static void
qe_ends(struct guest *g)
{
	g->intel.qe.next_update = GUEST_NOW + 10;
}

static void
pck_crl_ends(struct guest *g)
{
	g->intel.pck_crl.next_update = GUEST_NOW + 10;
}

static void
root_crl_ends(struct guest *g)
{
	g->intel.root_crl.next_update = GUEST_NOW + 10;
}

static void
newer(struct mock_document *document)
{
	document->issued = GUEST_NOW - 60;
	document->number++;
}

static void
tcb_revoked(struct guest *g)
{
	struct document_tcb tcb;

	newer(&g->intel.tcb);
	mock_tcb(&tcb, &g->intel);
	for (size_t i = 0; i < tcb.nlevels; i++)
		tcb.levels[i].end.status = "Revoked";
	g->intel.tcb.text = document_tcb(&tcb);
}

/* No level is left for the platform. */
static void
tcb_raised(struct guest *g)
{
	struct document_tcb tcb;

	newer(&g->intel.tcb);
	mock_tcb(&tcb, &g->intel);
	tcb.nlevels = 1;
	tcb.levels[0].sgx[0].svn++;
	g->intel.tcb.text = document_tcb(&tcb);
}

static void
qe_raised(struct guest *g)
{
	newer(&g->intel.qe);
	g->intel.qe.floor = 2;
}

static void
qe_other_signer(struct guest *g)
{
	struct document_qe qe;

	newer(&g->intel.qe);
	mock_qe(&qe, &g->intel);
	qe.mrsigner = "4544444444444444444444444444444444444444444444444444444444444444";
	g->intel.qe.text = document_qe(&qe);
}

static void
tcb_older(struct guest *g)
{
	g->intel.tcb.issued--;
}

static void
tcb_smaller(struct guest *g)
{
	newer(&g->intel.tcb);
	g->intel.tcb.number -= 2;
}

static void
qe_older(struct guest *g)
{
	g->intel.qe.issued--;
}

static void
qe_smaller(struct guest *g)
{
	newer(&g->intel.qe);
	g->intel.qe.number -= 2;
}

static void
pck_crl_older(struct guest *g)
{
	g->intel.pck_crl.this_update--;
}

static void
pck_crl_smaller(struct guest *g)
{
	g->intel.pck_crl.this_update++;
	g->intel.pck_crl.number = "00";
}

static void
root_crl_older(struct guest *g)
{
	g->intel.root_crl.this_update--;
}

static void
root_crl_smaller(struct guest *g)
{
	g->intel.root_crl.this_update++;
	g->intel.root_crl.number = "00";
}

static void
tcb_forged(struct guest *g)
{
	newer(&g->intel.tcb);
	g->intel.tcb.signer_key = PKI_ATTESTATION;
}

static void
qe_forged(struct guest *g)
{
	newer(&g->intel.qe);
	g->intel.qe.signer_key = PKI_ATTESTATION;
}

static void
pck_crl_forged(struct guest *g)
{
	newer_crl(&g->intel.pck_crl, &leaf_serial);
	g->intel.pck_crl.issuer_key = PKI_ATTESTATION;
}

static void
root_crl_forged(struct guest *g)
{
	newer_crl(&g->intel.root_crl, &ca_serial);
	g->intel.root_crl.issuer_key = PKI_ATTESTATION;
}

static void
tcb_other_platform(struct guest *g)
{
	newer(&g->intel.tcb);
	g->intel.tcb_fmspc = "000000000001";
}

#define SIGNED_AT       (-MOCK_DAY)     /* newest date of the four items               */
#define STALE           259200

static const struct case_row rows[] = {
	{ "nothing changed", NULL, NULL, NOTHING, 0, NULL, NULL, false },
	{ "the same items "
	    "again", NULL, NULL, TCB | QE | PCK_CRL | ROOT_CRL, 60, NULL, NULL, false },
	{ "leaf "
	    "revoked", NULL, leaf_revoked, PCK_CRL, 60, NULL, CHAIN_FAILED "CertRevoked", false },
	{ "PCK CA revoked", NULL, ca_revoked, ROOT_CRL, 60, NULL, CHAIN_FAILED "CertRevoked",
	    false },
	{ "TCB signer revoked", NULL, signer_revoked, ROOT_CRL, 60, NULL,
	    CHAIN_FAILED "CertRevoked", false },
	{ "PCK CA in its last second", ca_ends, NULL, NOTHING, 10, NULL, NULL, false },
	{ "PCK CA expired", ca_ends, NULL, NOTHING, 11, NULL, CHAIN_FAILED
	    "CertExpired { time: UnixTime(1800000011), not_after: UnixTime(1800000010) }", false },
	{ "leaf in its last second", leaf_ends, NULL, NOTHING, 10, NULL, NULL, false },
	{ "leaf expired", leaf_ends, NULL, NOTHING, 11, NULL, CHAIN_FAILED
	    "CertExpired { time: UnixTime(1800000011), not_after: UnixTime(1800000010) }", false },
	{ "TCB signer in its last second", signer_ends, NULL, NOTHING, 10, NULL, NULL, false },
	{ "TCB signer expired", signer_ends, NULL, NOTHING, 11, NULL, CHAIN_FAILED
	    "CertExpired { time: UnixTime(1800000011), not_after: UnixTime(1800000010) }", true },
	{ "anchor in its last second", root_ends, NULL, NOTHING, 10, NULL, NULL, false },
	{ "anchor expired", root_ends, NULL, NOTHING, 11, NULL, FAILED "Failed to load root ca: "
	    "CertExpired { time: UnixTime(1800000011), not_after: UnixTime(1800000010) }", false },
	{ "TCB info in its last second", tcb_ends, NULL, NOTHING, 10, NULL, NULL, false },
	{ "TCB info expired", tcb_ends, NULL, NOTHING, 11, NULL, FAILED "TCBInfo expired", true },
	{ "QE identity in its last second", qe_ends, NULL, NOTHING, 10, NULL, NULL, false },
	{ "QE identity expired", qe_ends, NULL, NOTHING, 11, NULL, FAILED "QE Identity expired",
	    true },
	{ "PCK CRL in its last second", pck_crl_ends, NULL, NOTHING, 9, NULL, NULL, false },
	{ "PCK CRL expired", pck_crl_ends, NULL, NOTHING, 10, NULL, FAILED
	    "CrlExpired { time: UnixTime(1800000010), next_update: UnixTime(1800000010) }", true },
	{ "root CRL in its last second", root_crl_ends, NULL, NOTHING, 9, NULL, NULL, false },
	{ "root CRL expired", root_crl_ends, NULL, NOTHING, 10, NULL, FAILED
	    "CrlExpired { time: UnixTime(1800000010), next_update: UnixTime(1800000010) }", true },
	{ "TCB level revoked", NULL, tcb_revoked, TCB, 60, NULL,
	    FAILED "TCB status is invalid: Revoked", false },
	{ "TCB level raised", NULL, tcb_raised, TCB, 60, NULL,
	    FAILED "No matching TCB level found", false },
	{ "QE level raised", NULL, qe_raised, QE, 60, NULL,
	    FAILED "QE ISVSVN 1 is below minimum required 2 from QE Identity", false },
	{ "QE of another signer", NULL, qe_other_signer, QE, 60, NULL,
	    FAILED "QE MRSIGNER mismatch: expected "
	    "4544444444444444444444444444444444444444444444444444444444444444, got "
	    "4444444444444444444444444444444444444444444444444444444444444444", false },
	{ "older TCB info again", NULL, tcb_older, TCB, 60, "older than one already verified", NULL,
	    false },
	{ "TCB info of a smaller number", NULL, tcb_smaller, TCB, 60,
	    "number smaller than one already verified", NULL, false },
	{ "older QE identity again", NULL, qe_older, QE, 60, "older than one already verified",
	    NULL, false },
	{ "QE identity of a smaller number", NULL, qe_smaller, QE, 60,
	    "number smaller than one already verified", NULL, false },
	{ "older PCK CRL again", NULL, pck_crl_older, PCK_CRL, 60,
	    "older than one already verified", NULL, false },
	{ "PCK CRL of a smaller number", NULL, pck_crl_smaller, PCK_CRL, 60,
	    "number smaller than one already verified", NULL, false },
	{ "older root CRL again", NULL, root_crl_older, ROOT_CRL, 60,
	    "older than one already verified", NULL, false },
	{ "root CRL of a smaller number", NULL, root_crl_smaller, ROOT_CRL, 60,
	    "number smaller than one already verified", NULL, false },
	{ "forged TCB info displaces nothing", NULL, tcb_forged, TCB, 60,
	    "Signature is invalid for tcb_info in quote_collateral", NULL, false },
	{ "forged QE identity displaces nothing", NULL, qe_forged, QE, 60,
	    "Signature is invalid for qe_identity in quote_collateral", NULL, false },
	{ "forged PCK CRL displaces nothing", NULL, pck_crl_forged, PCK_CRL, 60,
	    "InvalidCrlSignatureForPublicKey", NULL, false },
	{ "forged root CRL displaces nothing", NULL, root_crl_forged, ROOT_CRL, 60,
	    "InvalidCrlSignatureForPublicKey", NULL, false },
	{ "clock stepped back behind the newest date", NULL, NULL, NOTHING, SIGNED_AT - 301, NULL,
	    "Internal error: system clock is behind signed collateral", true },
	{ "clock stepped back by the allowance", NULL, NULL, NOTHING, SIGNED_AT - 300, NULL,
	    FAILED "TCBInfo issue date is in the future", true },
	{ "clock stepped back by one second too many", NULL, NULL, NOTHING, SIGNED_AT - 1, NULL,
	    FAILED "TCBInfo issue date is in the future", true },
	{ "clock stepped back to the newest date", NULL, NULL, NOTHING, SIGNED_AT, NULL, NULL,
	    false },
	{ "items that still serve", NULL, NULL, NOTHING, STALE, NULL, NULL, false },
	{ "items that serve no more", NULL, NULL, NOTHING, STALE + 1, NULL,
	    FAILED "collateral unavailable: TCB info for FMSPC B0C06F000000", true },
	{ "TCB info of another platform", NULL, tcb_other_platform, TCB, 60,
	    "TCB info is of another platform", NULL, false },
};

static void
test_changes(void **state)
{
	for (size_t i = 0; i < NELEM(rows); i++)
		case_run(&rows[i]);
	print_message("# %zu cases\n", NELEM(rows));
}

/* The same request under a look-alike root: nothing of the first context helps. */
static void
test_another_anchor(void **state)
{
	struct dv_context *context;
	struct dv_answer answer;
	struct guest g, other;

	guest_init(&g, 0);
	guest_build(&g);
	guest_init(&other, 0);
	other.intel.root.key = other.intel.root.issuer_key = 50;
	context = context_new(&other);
	ask(context, &answer, g.body, GUEST_NOW);
	assert_false(answer.valid);
	assert_string_equal(answer.reason, CHAIN_FAILED "UnknownIssuer");
	dv_context_free(context);
	/* Without the root in the chain it is the signature that does not fit. */
	guest_init(&g, 0);
	g.intel.npck_chain = 2;
	g.intel.pck_chain = (const struct bytes[]){ pki_cert(&g.intel.leaf),
	    pki_cert(&g.intel.ca) };
	guest_build(&g);
	context = context_new(&other);
	ask(context, &answer, g.body, GUEST_NOW);
	assert_string_equal(answer.reason, CHAIN_FAILED "InvalidSignatureForPublicKey");
	dv_context_free(context);
}

/* A platform's QE report beside the chain of another, warm for both. */
static void
test_report_of_another(void **state)
{
	struct dv_context *context;
	struct dv_answer answer;
	struct guest a, b, mixed;

	guest_init(&a, 0);
	guest_init(&b, 0);
	b.intel.leaf.key = b.intel.quote.pck_key = 60;
	b.intel.leaf.serial = "11";
	guest_init(&mixed, 0);
	mixed.intel.leaf = b.intel.leaf;
	guest_build(&a);
	guest_build(&b);
	guest_build(&mixed);
	context = context_new(&a);
	assert_string_equal(offer(context, &a, TCB | QE | PCK_CRL | ROOT_CRL, GUEST_NOW), "");
	ask(context, &answer, a.body, GUEST_NOW);
	assert_true(answer.valid);
	ask(context, &answer, b.body, GUEST_NOW);
	assert_true(answer.valid);
	ask(context, &answer, mixed.body, GUEST_NOW);
	assert_string_equal(answer.reason, FAILED "Signature is invalid for qe_report in quote");
	dv_context_free(context);
}

/* Evidence of a genuine-looking root asks for nothing. */
static void
test_no_need(void **state)
{
	const struct change broken[] = {
		FLIP(STAGE_QUOTE, 1154, "01"), FLIP(STAGE_QUOTE, 700, "01"),
		FLIP(STAGE_QUOTE, 48, "01"), FLIP(STAGE_QUOTE, 636, "01"),
	};
	struct dv_request request = { .now = GUEST_NOW };
	struct dv_context *context;
	struct dv_answer answer;
	struct guest g;

	for (size_t i = 0; i < NELEM(broken); i++) {
		guest_init(&g, 0);
		g.change = broken[i];
		guest_build(&g);
		context = context_new(&g);
		request.body = span(g.body);
		assert_true(dv_verify(context, &answer, &request));
		assert_int_equal(answer.nneeds, 0);
		assert_false(answer.valid);
		dv_context_free(context);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_another_anchor),
		cmocka_unit_test(test_report_of_another),
		cmocka_unit_test(test_no_need),
	};

	return cmocka_run_group_tests_name("warm", tests, NULL, NULL);
}
