#include <stdio.h>

#include "../support/sample.h"
#include "core/json.h"
#include "evidence/mr_config.h"
#include "evidence/replay.h"
#include "testing.h"

static bool
replays(struct sample *s, struct replay *replay, struct reason *why)
{
	return event_list_hash(&s->evidence.runtime, s->arena, why) &&
	    replay_run(replay, &s->evidence.log, &s->evidence.runtime, why) &&
	    replay_check(replay, s->quoted.rtmr, why);
}

/* ---- all real logs ---- */

static bool
expected_match(const struct json *entry, size_t i)
{
	const struct json *matches, *item;
	struct reason why;
	bool out;

	assert_true(json_array(&matches, entry, "replay_matches", &why));
	item = json_first(matches);
	while (i-- > 0)
		item = json_next(item);
	assert_true(json_value_bool(&out, item, "match", &why));
	return out;
}

/* Rules 13.1 to 13.7 hold for a genuine log, register by register as the list says. */
static size_t
log_check(const struct json *entry)
{
	struct sample s;
	struct replay replay;
	struct reason why;
	struct app_info app;
	struct warnings w;
	enum mr_config_verdict verdict;
	const char *file;
	size_t n = 0;

	assert_true(json_text(&file, sample_arena(), entry, "file", 256, &why));
	sample_load(&s, file);
	if (!event_log_check(&s.evidence.log, &s.evidence.runtime, &why) ||
	    !event_log_check_preimages(&s.evidence.log, s.arena, &why) ||
	    !event_log_check_duplicates(&s.evidence.runtime, &why) ||
	    !replay_run(&replay, &s.evidence.log, &s.evidence.runtime, &why))
		fail_msg("%s: %s", file, why.text);
	for (size_t i = 0; i < EVENT_RTMRS; i++) {
		assert_true(replay.covered[i]);
		assert_int_equal(bytes_equal(BYTES_OF(replay.rtmr[i].data), s.quoted.rtmr[i]),
		    expected_match(entry, i));
		n += expected_match(entry, i);
	}
	assert_int_equal(replay_check(&replay, s.quoted.rtmr, &why), n == EVENT_RTMRS);
	warnings_init(&w, s.arena);
	assert_true(app_info_tdx(&app, s.arena, &s.quoted, &s.evidence.runtime, false, &w, &why));
	if (!mr_config_check(&verdict, s.arena, s.quoted.mr_config_id, &app, bytes_str(""), &w,
	    &why))
		fail_msg("%s: %s", file, why.text);
	assert_int_equal(verdict, s.quoted.mr_config_id.ptr[0] == 1 ? MR_CONFIG_TRUE :
	    MR_CONFIG_NULL);
	if (w.n != 0)
		fail_msg("%s: %s", file, w.text[0]);
	return n;
}

static void
test_all_logs(void **state)
{
	const struct json_limits limits = { 1u << 20, 8, 100000, false };
	struct bytes text = vector_read("attestations/eventlogs.json");
	const struct json *root, *entry;
	struct reason why;
	size_t n = 0, n_all = 0;

	if (!json_read(&root, sample_arena(), text, &limits, &why))
		fail_msg("%s", why.text);
	for (entry = json_first(root); entry != NULL; entry = json_next(entry)) {
		n_all += log_check(entry) == EVENT_RTMRS;
		n++;
	}
	assert_int_equal(n, 58);
	assert_int_equal(n_all, 55);
}

/* ---- single files ---- */

static void
test_lite_coverage(void **state)
{
	static const struct {
		const char *file;
		bool    boot;
	} cases[] = {
		{ "dstack-verifier/tdx-lite-attestation.json", false },
		{ "attestations/tdx-lite-normalized-attestation.json", false },
		{ "attestations/tdx-lite-v1-attest.json", true },
		{ "dstack/guest-agent-attestation.bin", true },
	};
	struct sample s;
	struct replay replay;
	struct reason why;

	for (size_t i = 0; i < NELEM(cases); i++) {
		sample_load(&s, cases[i].file);
		if (!event_log_check(&s.evidence.log, &s.evidence.runtime, &why) ||
		    !replays(&s, &replay, &why))
			fail_msg("%s: %s", cases[i].file, why.text);
		assert_true(replay.covered[3]);
		for (size_t r = 0; r < 3; r++)
			if (replay.covered[r] != cases[i].boot)
				fail_msg("%s: RTMR%zu %d", cases[i].file, r, replay.covered[r]);
	}
}

/* A stripped log with one more boot event is a full log again, and a wrong one. */
static void
test_one_more_event(void **state)
{
	struct sample s;
	struct replay replay;
	struct reason why;
	struct event *more;
	uint8_t digest[48] = { 1 };

	sample_load(&s, "dstack-verifier/tdx-lite-attestation.json");
	more = arena_array(s.arena, s.evidence.log.n + 1, sizeof *more, &why);
	memcpy(more, s.evidence.log.event, s.evidence.log.n * sizeof *more);
	more[s.evidence.log.n] = (struct event){ .imr = 1, .type = 4, .version = 1,
		.digest = BYTES_OF(digest) };
	s.evidence.log = (struct event_list){ more, s.evidence.log.n + 1 };
	assert_false(replays(&s, &replay, &why));
	assert_non_null(strstr(why.text, "RTMR0 mismatch, quoted: f8438db36b96f85d"));
	assert_true(replay.covered[0] && replay.covered[1] && !replay.covered[2]);

	more[s.evidence.log.n - 1].digest.len = 47;
	assert_false(replays(&s, &replay, &why));
	assert_string_equal(why.text, "event 12 of RTMR1 has a digest of 47 bytes, not 48");
}

static void
test_changes(void **state)
{
	static const char mismatch3[] = "RTMR3 mismatch, quoted: 0f787c3877f3e95095d5a4d13dd0fe"
	    "0233803b30120d8469866719dc28f519ce021fe1e53459121e7a5a4443147185a8, replayed: ";
	struct sample s;
	struct event_list *runtime = &s.evidence.runtime;
	struct replay replay;
	struct reason why;
	struct event e;
	uint8_t byte;

	sample_load(&s, "dstack-verifier/quote-report.json");
	assert_true(replays(&s, &replay, &why));

	e = runtime->event[1];
	runtime->event[1] = runtime->event[2];
	runtime->event[2] = e;
	assert_false(replays(&s, &replay, &why));
	assert_memory_equal(why.text, mismatch3, strlen(mismatch3));
	assert_int_equal(strlen(why.text), strlen(mismatch3) + 96);

	runtime->event[2] = runtime->event[1];
	runtime->event[1] = e;
	assert_true(replays(&s, &replay, &why));

	byte = (uint8_t)(runtime->event[1].payload.ptr[3] ^ 0x20);
	e.payload = (struct bytes){ &byte, 1 };
	runtime->event[1].payload = e.payload;
	assert_false(replays(&s, &replay, &why));
	sample_load(&s, "dstack-verifier/quote-report.json");
	runtime->n--;
	assert_false(replays(&s, &replay, &why));
	runtime->n = 0;
	assert_false(replays(&s, &replay, &why));
}

/* Events past "system-ready" count, and so does their absence. */
static void
test_ready_first(void **state)
{
	struct event e[] = {
		{ .name = bytes_str("system-ready"), .version = 1 },
		{ .name = bytes_str("app-id"), .version = 1 },
	};
	struct event_list all = { e, 2 }, first = { e, 1 };
	struct digest384 a, b;
	struct reason why;

	assert_true(event_list_hash(&all, sample_arena(), &why));
	replay_runtime(&a, &all, NULL);
	replay_runtime(&b, &first, NULL);
	assert_false(digest384_equal(&a, &b));
	replay_runtime(&a, &all, "system-ready");
	assert_true(digest384_equal(&a, &b));
	/* Without that event all count. */
	replay_runtime(&a, &all, "boot-mr-done");
	replay_runtime(&b, &all, NULL);
	assert_true(digest384_equal(&a, &b));
}

static void
test_boot_time_register(void **state)
{
	struct sample s;
	struct digest384 rtmr;

	sample_load(&s, "dstack-verifier/tdx-lite-attestation.json");
	replay_runtime(&rtmr, &s.evidence.runtime, "boot-mr-done");
	assert_true(bytes_equal(BYTES_OF(rtmr.data), sample_hex(s.arena,
	    "f3358e2e735973e425869f2985a5f469e59a116352fa1156ad34c8a10a93b27e"
	    "614b2cf2d8319fb25405e553a8b05626")));
}

static void
test_empty(void **state)
{
	static const uint8_t zero[48];
	struct event_list none = { NULL, 0 };
	struct replay replay;
	struct reason why;

	assert_true(replay_run(&replay, &none, &none, &why));
	assert_true(bytes_equal(BYTES_OF(replay.rtmr[3].data), BYTES_OF(zero)));
	assert_true(replay.covered[3] && !replay.covered[0]);
}

/* Every bit of every reported digest of a boot event counts. */
static void
test_digest_bits(void **state)
{
	struct sample s;
	struct replay replay;
	struct reason why;
	uint8_t flipped[48];

	sample_load(&s, "dstack-verifier/quote-report.json");
	for (size_t i = 0; i < s.evidence.log.n; i++) {
		struct event *e = &s.evidence.log.event[i];
		struct bytes digest = e->digest;

		for (size_t bit = 0; bit < 8 * digest.len; bit++) {
			bytes_copy(flipped, digest);
			flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
			e->digest = BYTES_OF(flipped);
			if (event_log_check(&s.evidence.log, &s.evidence.runtime, &why) &&
			    replays(&s, &replay, &why))
				fail_msg("event %zu, bit %zu", i, bit);
			e->digest = digest;
		}
	}
}

/*
 * Every bit of every name and payload of a runtime event counts, in the list that is replayed
 * and in the other one.  Of boot events neither is measured: a digest stands for them, and only
 * the three ACPI events of a lite attestation are looked at (upstream-delta.md 10).
 */
static bool
bit_is_refused(struct sample *s, struct bytes *field, size_t bit)
{
	struct bytes kept = *field, copy;
	struct replay replay;
	struct reason why;
	bool refused;

	assert_true(arena_copy(s->arena, &copy, kept, &why));
	((uint8_t *)(uintptr_t)copy.ptr)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	*field = copy;
	refused = !event_list_hash(&s->evidence.runtime, s->arena, &why) ||
	    !event_log_check(&s->evidence.log, &s->evidence.runtime, &why) ||
	    !replays(s, &replay, &why);
	*field = kept;
	return refused;
}

static void
list_bits(struct sample *s, struct event_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct bytes *fields[] = { &list->event[i].name, &list->event[i].payload };

		if (list->event[i].type != EVENT_TYPE_RUNTIME)
			continue;
		for (size_t f = 0; f < NELEM(fields); f++)
			for (size_t bit = 0; bit < 8 * fields[f]->len; bit++)
				if (!bit_is_refused(s, fields[f], bit))
					fail_msg("event %zu, field %zu, bit %zu", i, f, bit);
	}
}

static void
test_content_bits(void **state)
{
	struct sample s;

	sample_load(&s, "dstack-verifier/quote-report.json");
	list_bits(&s, &s.evidence.log);
	list_bits(&s, &s.evidence.runtime);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_logs),
		cmocka_unit_test(test_lite_coverage),
		cmocka_unit_test(test_one_more_event),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_ready_first),
		cmocka_unit_test(test_boot_time_register),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_digest_bits),
		cmocka_unit_test(test_content_bits),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
