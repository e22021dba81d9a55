/*
 * The simulator writes what the world writes: genuine evidence taken apart and written again is
 * the same bytes, and genuine machines have the registers that it computes.
 *
 * Attestations of either encoding and measurement documents have the same proof in
 * tests/unit/test_attestation.c and tests/unit/test_lite.c; certificates and CRLs are shown to
 * OpenSSL by tests/integration/teesim.sh.
 */
#include <glob.h>
#include <stdio.h>

#include "judge.h"

#include "../support/sample.h"
#include "core/json.h"
#include "dcap/cert.h"
#include "dcap/pem.h"
#include "measure/tdx_document.h"

/* Runs for each file; fails when there are fewer than so many. */
static void
each_file(const char *pattern, size_t least, void (*run)(const char *name, struct bytes file))
{
	size_t skip = strlen(vector_path("")), n;
	glob_t found;

	assert_int_equal(glob(vector_path(pattern), 0, NULL, &found), 0);
	for (n = 0; n < found.gl_pathc; n++)
		run(found.gl_pathv[n], vector_read(found.gl_pathv[n] + skip));
	globfree(&found);
	if (n < least)
		fail_msg("%s: %zu files", pattern, n);
}

static struct bytes
cut(struct bytes from, size_t at, size_t len)
{
	assert_true(at <= from.len && len <= from.len - at);
	return (struct bytes){ from.ptr + at, len };
}

static size_t
le(struct bytes from, size_t at, unsigned size)
{
	const struct bytes b = cut(from, at, size);
	size_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (size_t)b.ptr[i] << (8 * i);
	return value;
}

/* ---- quotes ---- */

/* By the offsets of the specification, not by the reader. */
static void
quote_take(struct pki_quote *q, struct bytes raw)
{
	size_t at = 48, rest, auth;

	pki_quote_init(q, EMPTY);
	q->version = (uint16_t)le(raw, 0, 2);
	q->key_type = (uint16_t)le(raw, 2, 2);
	q->tee_type = (uint32_t)le(raw, 4, 4);
	q->qe_svn = (uint16_t)le(raw, 8, 2);
	q->pce_svn = (uint16_t)le(raw, 10, 2);
	bytes_copy(q->vendor, cut(raw, 12, 16));
	bytes_copy(q->user_data, cut(raw, 28, 20));
	q->body_len = q->tee_type == 0 ? 384 : 584;
	if (q->version == 5) {
		q->body_type = (uint16_t)le(raw, 48, 2);
		q->body_len = le(raw, 50, 4);
		at = 54;
	}
	bytes_copy(q->body, cut(raw, at, q->body_len));
	at += q->body_len;
	auth = le(raw, at, 4);
	rest = at + 4 + auth;
	q->signature = cut(raw, at + 4, 64).ptr;
	q->attestation_point = cut(raw, at + 68, 64).ptr;
	at += 132;
	if (q->version != 3) {
		q->outer_type = (uint16_t)le(raw, at, 2);
		at += 6;
	}
	bytes_copy(q->qe_report, cut(raw, at, 384));
	q->keep_report_data = true;
	q->qe_signature = cut(raw, at + 384, 64).ptr;
	q->qe_auth = cut(raw, at + 450, le(raw, at + 448, 2));
	at += 450 + q->qe_auth.len;
	q->cert_type = (uint16_t)le(raw, at, 2);
	q->cert_data = cut(raw, at + 6, le(raw, at + 2, 4));
	q->tail = cut(raw, rest, raw.len - rest);
}

/* The extension of the leaf, read by the verifier and written by the simulator. */
static void
extension_rewrite(const char *name, struct bytes pem)
{
	struct arena *arena = arena_new((size_t)1 << 20);
	struct pem_chain chain;
	struct cert leaf;
	struct pck pck;
	struct reason why;

	assert_non_null(arena);
	if (!pem_chain_read(&chain, arena, pem, &why) || !cert_read(&leaf, chain.der[0], &why) ||
	    !pck_read(&pck, leaf.sgx, &why))
		fail_msg("%s: %s", name, why.text);
	if (!bytes_equal(pki_sgx(&pck, true), leaf.sgx))
		fail_msg("%s: another SGX extension", name);
	arena_free(arena);
}

static void
quote_rewrite(const char *name, struct bytes raw)
{
	const void *mark = build_mark();
	struct pki_quote q;

	quote_take(&q, raw);
	if (!bytes_equal(pki_quote(&q), raw))
		fail_msg("%s: another quote", name);
	if (q.cert_type == 5)
		extension_rewrite(name, q.cert_data);
	build_release(mark);
}

static void
test_quotes(void **state)
{
	each_file("quotes/*/*.bin", 20, quote_rewrite);
}

/* ---- collateral ---- */

static struct arena *arena;

static const char *
text_of(const struct json *object, const char *key)
{
	struct bytes text;
	struct reason why;

	if (json_find(object, key) == NULL)
		return NULL;
	if (!json_str(&text, arena, object, key, 4096, &why))
		fail_msg("%s", why.text);
	return build_str(text);
}

static unsigned
number_of(const struct json *object, const char *key)
{
	uint64_t value;
	struct reason why;

	if (!json_u64(&value, object, key, UINT32_MAX, &why))
		fail_msg("%s", why.text);
	return (unsigned)value;
}

static const struct json *
object_of(const struct json *object, const char *key)
{
	const struct json *found = json_find(object, key);

	assert_non_null(found);
	return found;
}

static struct document_status
status_of(const struct json *level)
{
	struct document_status out = {
		.date = text_of(level, "tcbDate"), .status = text_of(level, "tcbStatus"),
	};
	const struct json *list = json_find(level, "advisoryIDs"), *item;
	struct bytes id;
	struct reason why;
	CBB all;

	if (list == NULL)
		return out;
	MUST(CBB_init(&all, 64));
	for (item = json_first(list); item != NULL; item = json_next(item)) {
		if (!json_value_str(&id, arena, item, "id", 64, &why))
			fail_msg("%s", why.text);
		build_add_text(&all, item != json_first(list) ? " " : "");
		build_add(&all, id);
	}
	out.advisories = build_str(build_finish(&all));
	return out;
}

static size_t
isv_levels_of(struct document_isv_level *levels, const struct json *object)
{
	const struct json *level;
	size_t n = 0;

	for (level = json_first(object_of(object, "tcbLevels")); level != NULL;
	    level = json_next(level)) {
		assert_true(n < DOCUMENT_LEVELS);
		levels[n].isvsvn = number_of(object_of(level, "tcb"), "isvsvn");
		levels[n++].end = status_of(level);
	}
	return n;
}

static size_t
components_of(struct document_component *out, const struct json *list)
{
	const struct json *c;
	size_t n = 0;

	for (c = list != NULL ? json_first(list) : NULL; c != NULL; c = json_next(c)) {
		assert_true(n < DOCUMENT_COMPONENTS);
		out[n++] = (struct document_component){ number_of(c, "svn"),
		    text_of(c, "category"), text_of(c, "type") };
	}
	return n;
}

static void
module_of(struct document_module *out, const struct json *object)
{
	out->mrsigner = text_of(object, "mrsigner");
	out->attributes = text_of(object, "attributes");
	out->mask = text_of(object, "attributesMask");
}

static int64_t
date_of(const struct json *object, const char *key)
{
	static const int days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int y, mon, d, h, m, s;

	assert_int_equal(sscanf(text_of(object, key), "%d-%d-%dT%d:%d:%dZ", &y, &mon, &d, &h, &m,
	    &s), 6);
	d += days[mon - 1] + (mon > 2 && y % 4 == 0) + (y - 1970) * 365 + (y - 1969) / 4 - 1;
	return (((int64_t)d * 24 + h) * 60 + m) * 60 + s;
}

static struct document_head
head_of(const struct json *root)
{
	return (struct document_head){
		.id = text_of(root, "id"), .version = number_of(root, "version"),
		.number = number_of(root, "tcbEvaluationDataNumber"),
		.issued = date_of(root, "issueDate"), .next_update = date_of(root, "nextUpdate"),
	};
}

static struct bytes
tcb_rewritten(const struct json *root)
{
	static struct document_tcb tcb;
	const struct json *item = json_find(root, "tdxModule"), *inner;

	tcb = (struct document_tcb){ .head = head_of(root), .fmspc = text_of(root, "fmspc"),
	    .pceid = text_of(root, "pceId"), .module = item != NULL };
	if (item != NULL)
		module_of(&tcb.tdx_module, item);
	item = json_find(root, "tdxModuleIdentities");
	for (item = item != NULL ? json_first(item) : NULL; item != NULL; item = json_next(item)) {
		struct document_module *m = &tcb.modules[tcb.nmodules++];

		assert_true(tcb.nmodules <= DOCUMENT_MODULES);
		m->id = text_of(item, "id");
		module_of(m, item);
		m->nlevels = isv_levels_of(m->levels, item);
	}
	for (item = json_first(object_of(root, "tcbLevels")); item != NULL;
	    item = json_next(item)) {
		struct document_level *level = &tcb.levels[tcb.nlevels++];

		assert_true(tcb.nlevels <= DOCUMENT_LEVELS);
		inner = object_of(item, "tcb");
		level->nsgx = components_of(level->sgx, object_of(inner, "sgxtcbcomponents"));
		level->ntdx = components_of(level->tdx, json_find(inner, "tdxtcbcomponents"));
		level->pcesvn = number_of(inner, "pcesvn");
		level->end = status_of(item);
	}
	return document_tcb(&tcb);
}

static struct bytes
qe_rewritten(const struct json *root)
{
	struct document_qe qe = {
		.head = head_of(root), .miscselect = text_of(root, "miscselect"),
		.miscselect_mask = text_of(root, "miscselectMask"),
		.attributes = text_of(root, "attributes"),
		.attributes_mask = text_of(root, "attributesMask"),
		.mrsigner = text_of(root, "mrsigner"), .isvprodid = number_of(root, "isvprodid"),
	};

	qe.nlevels = isv_levels_of(qe.levels, root);
	return document_qe(&qe);
}

static void
collateral_rewrite(const char *name, struct bytes file)
{
	static const struct json_limits limits = { 4u << 20, 32, 65536, false };
	const char *const keys[] = { "tcb_info", "qe_identity" };
	const void *mark = build_mark();
	const struct json *object, *root;
	struct bytes text;
	struct reason why;

	arena = arena_new((size_t)32 << 20);
	for (size_t i = 0; i < NELEM(keys); i++) {
		if (!json_read(&object, arena, file, &limits, &why) ||
		    !json_str(&text, arena, object, keys[i], 1u << 20, &why) ||
		    !json_read(&root, arena, text, &limits, &why))
			fail_msg("%s: %s", name, why.text);
		if (!bytes_equal((i == 0 ? tcb_rewritten : qe_rewritten)(root), text))
			fail_msg("%s: another %s", name, keys[i]);
	}
	arena_free(arena);
	build_release(mark);
}

static void
test_collateral(void **state)
{
	each_file("collateral/*.json", 20, collateral_rewrite);
}

/* ---- logs and registers ---- */

static const char *const captures[] = {
	"dstack-verifier/tdx-lite-attestation.json", "attestations/tdx-lite-normalized-attestation.json",
	"attestations/tdx-lite-v1-attest.json", "dstack-verifier/quote-report.json",
};

static void
test_replay(void **state)
{
	uint8_t reg[EVENT_DIGEST_LEN];
	struct sample s;

	for (size_t i = 0; i < NELEM(captures); i++) {
		sample_load(&s, captures[i]);
		events_replay(reg, &s.evidence.runtime);
		if (memcmp(reg, s.quoted.rtmr[3].ptr, sizeof reg) != 0)
			fail_msg("%s: another RTMR3", captures[i]);
	}
}

/* A GetQuote log is the guest's own text. */
static void
test_log(void **state)
{
	struct sample s;

	sample_load(&s, "dstack-verifier/quote-report.json");
	assert_true(bytes_equal(events_json(&s.evidence.log), s.request.event_log.value));
}

/* Document and shape of a genuine machine give its four registers, by the simulator's own code. */
static void
test_launch(void **state)
{
	struct event events[LAUNCH_EVENTS];
	uint8_t rtmr[3][EVENT_DIGEST_LEN];
	struct acpi_digests acpi;
	struct acpi_blobs blobs;
	struct tdx_document image;
	struct vm_config config;
	struct sample s;
	struct reason why;

	for (size_t i = 0; i < 3; i++) {
		sample_load(&s, captures[i]);
		if (!vm_config_read(&config, s.arena, s.evidence.vm_config, &why) ||
		    !tdx_document_read(&image, config.tdx.measurement, 3, &why) ||
		    !acpi_generate(&blobs, s.arena, &config.shape, ACPI_NEWEST, &why))
			fail_msg("%s: %s", captures[i], why.text);
		acpi_digest(&acpi, &blobs);
		launch_events(events, &image, &image_layout, config.shape.memory_size,
		    config.shape.memory_size >= LAUNCH_SPLIT_FROM, &acpi);
		launch_replay(rtmr, events);
		for (size_t r = 0; r < 3; r++)
			if (memcmp(rtmr[r], s.quoted.rtmr[r].ptr, EVENT_DIGEST_LEN) != 0)
				fail_msg("%s: another RTMR%zu", captures[i], r);
		assert_true(bytes_equal(image_witness(&image_layout), image.td_hob));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_collateral),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_launch),
	};

	return cmocka_run_group_tests_name("honest", tests, NULL, NULL);
}
