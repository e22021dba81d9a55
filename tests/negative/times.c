/*
 * Every validity edge, by one second: quote-verification.md 5.  Each window is set so narrow that
 * nothing else ends with it.
 */
#include <stdio.h>

#include "judge.h"

#define CHAIN_FAILED    "Failed to verify certificate chain: "

/* The clock at GUEST_NOW plus `arg`. */
#define EDGE(name, statement)                                           \
static void                                                             \
name(struct guest *g, struct judge *judge, int arg)                     \
{                                                                       \
	struct mock *m = &g->intel;                                     \
	const int64_t at = GUEST_NOW;                                   \
									\
	judge->now = GUEST_NOW + arg;                                   \
	statement;                                                      \
}

EDGE(tcb_from, m->tcb.issued = at)
EDGE(tcb_until, m->tcb.next_update = at)
EDGE(qe_from, m->qe.issued = at)
EDGE(qe_until, m->qe.next_update = at)
EDGE(root_crl_from, m->root_crl.this_update = at)
EDGE(root_crl_until, m->root_crl.next_update = at)
EDGE(pck_crl_from, m->pck_crl.this_update = at)
EDGE(pck_crl_until, m->pck_crl.next_update = at)
EDGE(leaf_from, m->leaf.not_before = at)
EDGE(leaf_until, m->leaf.not_after = at)
EDGE(ca_from, m->ca.not_before = at)
EDGE(ca_until, m->ca.not_after = at)
EDGE(tcb_signer_from, m->tcb_signer.not_before = at)
EDGE(tcb_signer_until, m->tcb_signer.not_after = at)
EDGE(qe_signer_from, m->qe_signer.not_before = at)
EDGE(qe_signer_until, m->qe_signer.not_after = at)
EDGE(root_from, m->root.not_before = at)
EDGE(root_until, m->root.not_after = at)

#define EARLY   "CertNotValidYet { time: UnixTime(1799999999), not_before: UnixTime(1800000000) }"
#define LATE    "CertExpired { time: UnixTime(1800000001), not_after: UnixTime(1800000000) }"
#define CRL_LATE "CrlExpired { time: UnixTime(1800000000), next_update: UnixTime(1800000000) }"

static const struct row rows[] = {
	{ "TCB info, a second before", tcb_from, -1, {0}, "TCBInfo issue date is in the future" },
	{ "TCB info, first second", tcb_from, 0, {0}, NULL },
	{ "TCB info, last second", tcb_until, 0, {0}, NULL },
	{ "TCB info, a second after", tcb_until, 1, {0}, "TCBInfo expired" },
	{ "QE identity, a second before", qe_from, -1, {0},
	    "QE Identity issue date is in the future" },
	{ "QE identity, first second", qe_from, 0, {0}, NULL },
	{ "QE identity, last second", qe_until, 0, {0}, NULL },
	{ "QE identity, a second after", qe_until, 1, {0}, "QE Identity expired" },
	{ "root CRL, 301 seconds before", root_crl_from, -301, {0}, "CrlNotYetValid" },
	{ "root CRL, 300 seconds before", root_crl_from, -300, {0}, NULL },
	{ "root CRL, last second", root_crl_until, -1, {0}, NULL },
	{ "root CRL, a second after", root_crl_until, 0, {0}, CRL_LATE },
	{ "PCK CRL, 301 seconds before", pck_crl_from, -301, {0}, "CrlNotYetValid" },
	{ "PCK CRL, 300 seconds before", pck_crl_from, -300, {0}, NULL },
	{ "PCK CRL, last second", pck_crl_until, -1, {0}, NULL },
	{ "PCK CRL, a second after", pck_crl_until, 0, {0}, CRL_LATE },
	{ "leaf, a second before", leaf_from, -1, {0}, CHAIN_FAILED EARLY },
	{ "leaf, first second", leaf_from, 0, {0}, NULL },
	{ "leaf, last second", leaf_until, 0, {0}, NULL },
	{ "leaf, a second after", leaf_until, 1, {0}, CHAIN_FAILED LATE },
	{ "PCK CA, a second before", ca_from, -1, {0}, CHAIN_FAILED EARLY },
	{ "PCK CA, first second", ca_from, 0, {0}, NULL },
	{ "PCK CA, last second", ca_until, 0, {0}, NULL },
	{ "PCK CA, a second after", ca_until, 1, {0}, CHAIN_FAILED LATE },
	{ "TCB signer, a second before", tcb_signer_from, -1, {0}, CHAIN_FAILED EARLY },
	{ "TCB signer, first second", tcb_signer_from, 0, {0}, NULL },
	{ "TCB signer, last second", tcb_signer_until, 0, {0}, NULL },
	{ "TCB signer, a second after", tcb_signer_until, 1, {0}, CHAIN_FAILED LATE },
	{ "QE signer, a second before", qe_signer_from, -1, {0}, CHAIN_FAILED EARLY },
	{ "QE signer, first second", qe_signer_from, 0, {0}, NULL },
	{ "QE signer, last second", qe_signer_until, 0, {0}, NULL },
	{ "QE signer, a second after", qe_signer_until, 1, {0}, CHAIN_FAILED LATE },
	{ "anchor, a second before", root_from, -1, {0}, "Failed to load root ca: " EARLY },
	{ "anchor, first second", root_from, 0, {0}, NULL },
	{ "anchor, last second", root_until, 0, {0}, NULL },
	{ "anchor, a second after", root_until, 1, {0}, "Failed to load root ca: " LATE },
};

/* ---- how dates are written ---- */

#define DATE    "2027-01-14T08:00:00Z"
#define TCB_DATE        "Failed to parse TCB Info issue date: \"issueDate\": "
#define QE_DATE         "Failed to parse QE Identity next update: \"nextUpdate\": "
#define FORM    "time is not of the form YYYY-MM-DDTHH:MM:SSZ"

static const struct row date_rows[] = {
	{ "date with an offset", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-14T08:00:00+00:00"),
	    TCB_DATE FORM },
	{ "date with a fraction", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-14T08:00:00.0Z"),
	    TCB_DATE FORM },
	{ "date without a zone", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-14T08:00:00"),
	    TCB_DATE FORM },
	{ "date with a blank", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-14 08:00:00Z"),
	    TCB_DATE FORM },
	{ "date with a small t", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-14t08:00:00Z"),
	    TCB_DATE FORM },
	{ "month 13", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-13-14T08:00:00Z"),
	    "Failed to parse TCB Info issue date: \"issueDate\": no such day: 2027-13-14" },
	{ "month 0", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-00-14T08:00:00Z"),
	    "Failed to parse TCB Info issue date: \"issueDate\": no such day: 2027-00-14" },
	{ "day 32", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-32T08:00:00Z"),
	    "Failed to parse TCB Info issue date: \"issueDate\": no such day: 2027-01-32" },
	{ "29 February 2027", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-02-29T08:00:00Z"),
	    "Failed to parse TCB Info issue date: \"issueDate\": no such day: 2027-02-29" },
	{ "hour 24", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-14T24:00:00Z"),
	    "Failed to parse TCB Info issue date: \"issueDate\": no such time of day: 24:00:00" },
	{ "minute 60", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-14T08:60:00Z"),
	    "Failed to parse TCB Info issue date: \"issueDate\": no such time of day: 08:60:00" },
	{ "second 60", NULL, 0, REPLACE(STAGE_TCB, DATE, "2027-01-14T08:00:60Z"),
	    "Failed to parse TCB Info issue date: \"issueDate\": no such time of day: 08:00:60" },
	{ "year 1969", NULL, 0, REPLACE(STAGE_TCB, DATE, "1969-01-14T08:00:00Z"),
	    "Failed to parse TCB Info issue date: \"issueDate\": year 1969 is before 1970" },
	{ "date a number", NULL, 0, REPLACE(STAGE_TCB, "\"" DATE "\"", "1799913600"),
	    "Failed to parse TCB Info issue date: \"issueDate\" is a number, not a string" },
	{ "next update empty", NULL, 0, REPLACE(STAGE_QE, "\"nextUpdate\":\"2027-02-13T08:00:00Z\"",
	    "\"nextUpdate\":\"\""), QE_DATE FORM },
};

#define PREFIX  "Quote verification failed: failed to verify TDX quote: "

static void
test_edges(void **state)
{
	judge_table(&(struct table){ PREFIX, NULL, rows, NELEM(rows) });
}

static void
test_dates(void **state)
{
	judge_table(&(struct table){ PREFIX, NULL, date_rows, NELEM(date_rows) });
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests_name("times", tests, NULL, NULL);
}
