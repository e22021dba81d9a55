/*
 * More of something than we agree to look at: quote-verification.md 12.2 and 12.3.  One under
 * each limit is valid.
 */
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"

#include "dcap/cert.h"

#define TCB_FAILED      "Failed to decode TcbInfo: "
#define QE_FAILED       "Failed to decode QeIdentity: "

/* Text `n` times, numbered, in place of what opens a list. */
static struct change
many(enum stage stage, const char *what, const char *format, int n)
{
	CBB out;

	MUST(CBB_init(&out, 4096));
	build_add_text(&out, what);
	for (int i = 0; i < n; i++) {
		char text[512];

		/* The numbers make each another; formats take two at most. */
		(void)snprintf(text, sizeof text, "%s", format);
		for (char *at = strstr(text, "NNN"); at != NULL; at = strstr(text, "NNN")) {
			char digits[4];

			(void)snprintf(digits, sizeof digits, "%03d", i % 1000);
			memcpy(at, digits, 3);
		}
		build_add_text(&out, text);
	}
	return (struct change){ stage, CHANGE_REPLACE, 0, what, build_str(build_finish(&out)) };
}

#define LEVEL_END       "\"tcbDate\":\"2020-01-01T00:00:00Z\",\"tcbStatus\":\"OutOfDate\"},"
#define MODULE \
	"{\"id\":\"TDX_NNN\",\"mrsigner\":\"0000000000000000000000000000000000000000000000000000" \
	"00000000000000000000000000000000000000000000\",\"attributes\":\"0000000000000000\"," \
	"\"attributesMask\":\"0000000000000000\",\"tcbLevels\":[]},"

/* The PCESVNs differ, since no level may occur twice; none is reached. */
static void
tcb_levels(struct guest *g, struct judge *judge, int arg)
{
	g->change = many(STAGE_TCB, "\"tcbLevels\":[",
	    "{\"tcb\":{\"sgxtcbcomponents\":[],\"pcesvn\":1NNN}," LEVEL_END, arg);
}

static void
modules(struct guest *g, struct judge *judge, int arg)
{
	struct change change = many(STAGE_TCB, "[", MODULE, arg);
	char *text = (char *)(uintptr_t)build_str(build_copy(change.with));

	/* A list of its own in front of the other members, without the last comma. */
	text[strlen(text) - 1] = '\0';
	g->change = (struct change){ STAGE_TCB, CHANGE_REPLACE, 0, "\"tdxModule\"",
	    build_str(build_text("\"tdxModuleIdentities\":%s],\"tdxModule\"", text)) };
}

static void
advisories(struct guest *g, struct judge *judge, int arg)
{
	g->change = many(STAGE_TCB, "\"advisoryIDs\":[", "\"INTEL-SA-0NNN\",", arg);
}

static void
qe_levels(struct guest *g, struct judge *judge, int arg)
{
	g->change = many(STAGE_QE, "\"tcbLevels\":[",
	    "{\"tcb\":{\"isvsvn\":1NNN}," LEVEL_END, arg);
}

/* A common name so long that the whole name is. */
static void
ca_name(struct guest *g, struct judge *judge, int arg)
{
	char *name = (char *)(uintptr_t)build_str(build_random(0, "name", 0, (size_t)arg));

	memset(name, 'n', (size_t)arg);
	memcpy(name, "Platform", 8);
	g->intel.ca.subject = g->intel.leaf.issuer = g->intel.pck_crl.issuer = name;
}

static void
crl_name(struct guest *g, struct judge *judge, int arg)
{
	char *name = (char *)(uintptr_t)build_str(build_random(0, "name", 0, (size_t)arg));

	memset(name, 'n', (size_t)arg);
	g->intel.pck_crl.issuer = name;
}

/* In the middle of an event, where enough bytes follow for as many events as are promised. */
static void
cut_in_event(struct guest *g, struct judge *judge, int arg)
{
	struct guest copy = *g;

	guest_build(&copy);
	/* The quote at 4, a count of one byte, events of 79 and 77 bytes, half of a register. */
	g->change = (struct change)KEEP(STAGE_ATTESTATION, 4 + copy.quote.len + 1 + 79 + 77 + 2);
}

static void
witness(struct guest *g, struct judge *judge, int arg)
{
	g->image.td_hob = build_hex("80100901ffefffffffffff0701");
}

static const struct row rows[] = {
	{ "256 levels", tcb_levels, 254, {0}, NULL },
	{ "257 levels", tcb_levels, 255, {0}, TCB_FAILED "more than 256 levels" },
	{ "64 module identities", modules, 64, {0}, NULL },
	{ "65 module identities", modules, 65, {0},
	    TCB_FAILED "more than 64 TDX module identities" },
	{ "1024 advisories", advisories, 1023, {0}, NULL },
	{ "1025 advisories", advisories, 1024, {0}, TCB_FAILED "more than 1024 advisories" },
	{ "256 levels of a QE", qe_levels, 255, {0}, NULL },
	{ "257 levels of a QE", qe_levels, 256, {0}, QE_FAILED "more than 256 levels" },
	{ "CA name of 512 bytes", ca_name, 491, {0}, NULL },
	{ "CA name of 513 bytes", ca_name, 492, {0}, "PCK CA name is longer than 512 bytes" },
	{ "CRL issuer of 1025 bytes", crl_name, 1004, {0},
	    "Failed to parse CRL: CRL issuer name is longer than 1024 bytes" },
};

static const struct row cut_rows[] = {
	{ "cut in a number of 4 bytes", cut_in_event, 0, {0}, "Internal error: Failed to decode "
	    "attestaion: event_log: event 2: imr: is shorter than 4 bytes" },
	{ "range end past the address space", witness, 0, {0}, "OS image hash verification failed: "
	    "Failed to compute TDX expected measurements without image download: failed to "
	    "measure TD HOB from witness: TD HOB range end overflow" },
};

#define PREFIX  "Quote verification failed: failed to verify TDX quote: "

static void
test_documents(void **state)
{
	judge_table(&(struct table){ PREFIX, NULL, rows, NELEM(rows) });
	judge_table(&(struct table){ "", NULL, cut_rows, NELEM(cut_rows) });
}

/* ---- what comes by other ways ---- */

static struct dv_context *
context_new(const struct guest *g)
{
	struct bytes root = mock_anchor(&g->intel);
	struct dv_options options = { .root_ca_tdx = { root.ptr, root.len } };
	struct dv_context *context;
	char error[512];

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	assert_true(dv_policy_settle(&options.policy, error, sizeof error));
	context = dv_context_new(&options, error, sizeof error);
	assert_non_null(context);
	return context;
}

static void
test_offers(void **state)
{
	struct dv_context *context;
	struct dv_dates dates;
	struct dv_fact fact;
	struct dv_key key;
	struct guest g;
	char error[512];

	guest_init(&g, 0);
	guest_build(&g);
	context = context_new(&g);
	key = mock_key(&g.intel, DV_FACT_ROOT_CA_CRL);
	fact = mock_fact(&g.intel, DV_FACT_ROOT_CA_CRL);
	fact.body.len--;
	assert_false(dv_fact_offer(context, &key, &fact, GUEST_NOW, &dates, error, sizeof error));
	assert_string_equal(error, "Failed to decode hex-encoded root CA CRL: "
	    "has an odd number of hex digits");
	memset(&key, 0, sizeof key);
	key.type = (enum dv_fact_type)0;
	assert_false(dv_fact_offer(context, &key, &fact, GUEST_NOW, &dates, error, sizeof error));
	assert_string_equal(error, "not an item of collateral");
	dv_context_free(context);
}

/* An operator's files of ever more platforms. */
static void
test_pins(void **state)
{
	struct dv_context *context;
	struct bytes object;
	struct guest g;
	char error[512] = "", fmspc[13];
	unsigned i;

	guest_init(&g, 0);
	guest_build(&g);
	context = context_new(&g);
	for (i = 0; i < 100000; i++) {
		const void *mark = build_mark();

		(void)snprintf(fmspc, sizeof fmspc, "%012x", i);
		g.intel.tcb_fmspc = fmspc;
		g.intel.tcb.text = EMPTY;
		object = build_text("{\"tcb_info\":\"%s\",\"tcb_info_signature\":\"%0128d\","
		    "\"tcb_info_issuer_chain\":\"x\"}", build_str(build_escaped(
		    mock_document_text(&g.intel, DV_FACT_TCB_INFO))), 0);
		if (!dv_collateral_add(context, (struct dv_span){ object.ptr, object.len },
		    GUEST_NOW, error, sizeof error))
			break;
		build_release(mark);
	}
	if (strncmp(error, "more than ", 10) != 0 || strstr(error, " items of collateral") == NULL)
		fail_msg("after %u: \"%s\", not \"more than %d items of collateral\"", i, error,
		    (int)i);
	dv_context_free(context);
}

/* PEM blocks are shorter than certificates may be, so that only a DER anchor could be so long. */
static void
test_certificate(void **state)
{
	uint8_t *der = calloc(1, CERT_MAX_LEN + 1);
	struct cert cert;
	struct reason why;

	assert_non_null(der);
	assert_false(cert_read(&cert, (struct bytes){ der, CERT_MAX_LEN + 1 }, &why));
	assert_string_equal(why.text, "certificate is longer than 65536 bytes");
	assert_false(cert_read(&cert, (struct bytes){ der, CERT_MAX_LEN }, &why));
	assert_string_equal(why.text, "BadDer");
	free(der);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_certificate),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
