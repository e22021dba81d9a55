#include <stdio.h>

#include "../support/sample.h"
#include "core/hex.h"
#include "evidence/event_log.h"
#include "testing.h"

#define RT      EVENT_TYPE_RUNTIME

static struct bytes
text(const char *s)
{
	return bytes_str(s);
}

static struct event
runtime_event(const char *name, const char *payload)
{
	return (struct event){ .imr = 3, .type = RT, .version = 1, .name = text(name),
		.payload = text(payload) };
}

/* ---- digests ---- */

/* attestation-and-events.md 6.3 */
static void
test_digest_vectors(void **state)
{
	static const struct {
		uint32_t version;
		const char *name, *payload, *digest;
	} cases[] = {
		{ 1, "system-preparing", "", "f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5"
		    "784e7157c362c06536f5ddacdad4451693f48fcc72fff624" },
		{ 1, "boot-mr-done", "", "98bd7e6bd3952720b65027fd494834045d06b4a714bf737a"
		    "06b874638b3ea00ff402f7f583e3e3b05e921c8570433ac6" },
		{ 1, "system-ready", "", "1a76b2a80a0be71eae59f80945d876351a7a3fb8e9fd1ff1"
		    "cede5734aa84ea11fd72b4edfbb6f04e5a85edd114c751bd" },
		{ 1, "app-id", "deadbeef", "67b4be4efed0893cfa2bb1d35dca209ad8348b4c97f98080"
		    "7bcde8b9a0f26398dd0923d6eccb5aa2096d98046da8740f" },
		{ 2, "compose-hash", "abcd", "9dde1673f544faa94b921825209593ddde08d0baf9cd6990"
		    "175dffaf3081f1bb10311d56de189491feb33842a050ad7b" },
		{ 2, "system-ready", "", "8c748e7cf5aa7ef37f036bd15cb78308279511a408bcd2aa"
		    "b352802cccd79cf07d7d5e4d174c5b311f2d98f35f53ccd6" },
	};
	struct arena *arena = sample_arena();
	struct reason why;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct event e = runtime_event(cases[i].name, "");
		struct event_list list = { &e, 1 };

		e.version = cases[i].version;
		e.payload = sample_hex(arena, cases[i].payload);
		assert_true(event_list_hash(&list, arena, &why));
		assert_true(bytes_equal(BYTES_OF(e.computed.data),
		    sample_hex(arena, cases[i].digest)));
	}
}

/* RFC 8785 3.2.2.2, byte by byte. */
static void
test_canonical_escapes(void **state)
{
	static const struct {
		const char *name;
		size_t  len;
		const char *written;
	} cases[] = {
		{ "\"\\/", 3, "\\\"\\\\/" },
		{ "\b\t\n\f\r", 5, "\\b\\t\\n\\f\\r" },
		{ "\0\1\x0b\x0e\x1f", 5, "\\u0000\\u0001\\u000b\\u000e\\u001f" },
		{ " ~\x7f", 3, " ~\x7f" },
		{ "\u00e9\u2028\U0001f600", 9, "\u00e9\u2028\U0001f600" },
	};
	struct arena *arena = sample_arena();
	struct bytes out;
	struct reason why;
	char wanted[256];

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct event e = { .version = 2,
			.name = { (const uint8_t *)cases[i].name, cases[i].len } };

		e.payload = sample_hex(arena, "0aF0");
		assert_true(event_preimage(&out, arena, &e, &why));
		snprintf(wanted, sizeof wanted,
		    "{\"name\":\"%s\",\"payload\":\"0af0\",\"type\":134217729}", cases[i].written);
		if (!bytes_equal(out, text(wanted)))
			fail_msg("%s: %.*s", wanted, (int)out.len, (const char *)out.ptr);
	}
}

/* ---- rules ---- */

static const struct event_list none;

static bool
check(struct event_list log, struct event_list runtime, struct reason *why)
{
	if (!event_list_hash(&runtime, sample_arena(), why))
		return false;
	return event_log_check(&log, &runtime, why);
}

static void
test_registers(void **state)
{
	static const struct {
		uint32_t imr, type;
		const char *why;
	} cases[] = {
		{ 0, 10, NULL },
		{ 2, 6, NULL },
		{ 0, RT, "event 0 of type 134217729 is in register 0" },
		{ 2, RT, "event 0 of type 134217729 is in register 2" },
		{ 3, 10, "event 0 of type 10 is in register 3" },
		{ 4, 10, "event 0 of type 10 is in register 4" },
		{ 4, RT, "event 0 of type 134217729 is in register 4" },
		{ UINT32_MAX, 1, "event 0 of type 1 is in register 4294967295" },
	};
	struct reason why;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct event e = { .imr = cases[i].imr, .type = cases[i].type, .version = 1 };
		bool ok = check((struct event_list){ &e, 1 }, none, &why);

		sample_expect("register", ok, &why, cases[i].why);
	}
}

static void
test_names(void **state)
{
	static char name[EVENT_NAME_MAX + 2];
	struct event log = { .imr = 0, .type = 10 }, runtime;
	struct reason why;

	memset(name, 'n', EVENT_NAME_MAX);
	log.name = text(name);
	runtime = runtime_event(name, "");
	assert_true(check((struct event_list){ &log, 1 }, none, &why));
	assert_true(check(none, (struct event_list){ &runtime, 1 }, &why));
	name[EVENT_NAME_MAX] = 'n';
	log.name = runtime.name = text(name);
	assert_false(check((struct event_list){ &log, 1 }, none, &why));
	assert_string_equal(why.text, "event 0 has a name of 257 bytes, more than 256");
	assert_false(check(none, (struct event_list){ &runtime, 1 }, &why));
	assert_string_equal(why.text, "runtime event 0 has a name of 257 bytes, more than 256");
}

static void
test_ambiguous(void **state)
{
	static const struct {
		uint32_t version;
		const char *name, *why;
	} cases[] = {
		{ 1, "system-preparing:x", "runtime event 0 has an ambiguous name" },
		{ 1, "app-id:", "runtime event 0 has an ambiguous name" },
		{ 1, "compose-hash:x", "runtime event 0 has an ambiguous name" },
		{ 1, "upgraded-app-id:x", "runtime event 0 has an ambiguous name" },
		{ 1, "init-script-hash:x", "runtime event 0 has an ambiguous name" },
		{ 1, "gpu-policy-hash:x", "runtime event 0 has an ambiguous name" },
		{ 1, "gpu-attestation:x", "runtime event 0 has an ambiguous name" },
		{ 1, "instance-id:x", "runtime event 0 has an ambiguous name" },
		{ 1, "boot-mr-done:", "runtime event 0 has an ambiguous name" },
		{ 1, "mr-kms:x", "runtime event 0 has an ambiguous name" },
		{ 1, "os-image-hash:x", "runtime event 0 has an ambiguous name" },
		{ 1, "key-provider:{\"name\"", "runtime event 0 has an ambiguous name" },
		{ 1, "storage-fs:x", "runtime event 0 has an ambiguous name" },
		{ 1, "rootfs-hash:x", "runtime event 0 has an ambiguous name" },
		{ 1, "system-ready:", "runtime event 0 has an ambiguous name" },
		{ 2, "app-id:x", NULL },
		{ 1, "app-id", NULL },
		{ 1, "app-idx:", NULL },
		{ 1, "xapp-id:", NULL },
		{ 1, "a:b", NULL },
	};
	struct reason why;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct event e = runtime_event(cases[i].name, "y");
		bool ok;

		e.version = cases[i].version;
		ok = check(none, (struct event_list){ &e, 1 }, &why);
		sample_expect(cases[i].name, ok, &why, cases[i].why);
	}
}

/* The attack of 13.5 on real evidence: same register, another key provider. */
static void
test_relabelled(void **state)
{
	struct sample s;
	struct event_list *runtime;
	struct reason why;
	struct digest384 before;

	sample_load(&s, "dstack-verifier/tdx-lite-attestation.json");
	runtime = &s.evidence.runtime;
	for (size_t i = 0; i < runtime->n; i++) {
		struct event *e = &runtime->event[i];
		const char name[] = "key-provider:{\"name\"";

		if (!bytes_equal(e->name, text("key-provider")))
			continue;
		before = e->computed;
		e->name = text(name);
		e->payload.ptr += strlen("{\"name\":");
		e->payload.len -= strlen("{\"name\":");
		assert_true(event_list_hash(runtime, s.arena, &why));
		assert_true(digest384_equal(&before, &e->computed));
		assert_false(event_log_check(&none, runtime, &why));
		assert_string_equal(why.text, "runtime event 6 has an ambiguous name");
		return;
	}
	fail_msg("no key-provider");
}

static void
test_agreement(void **state)
{
	struct event a[3], b[3];
	struct event_list log = { a, 3 }, runtime = { b + 1, 2 };
	struct reason why;
	const char *differ = "event log and runtime events differ";

	a[0] = (struct event){ .imr = 0, .type = 10, .version = 1 };
	a[1] = b[1] = runtime_event("one", "1");
	a[2] = b[2] = runtime_event("two", "2");
	assert_true(check(log, runtime, &why));
	/* A log that says nothing of runtime events says nothing wrong. */
	assert_true(check((struct event_list){ a, 1 }, runtime, &why));
	assert_true(check(none, runtime, &why));

	sample_expect("short log", check((struct event_list){ a, 2 }, runtime, &why), &why, differ);
	sample_expect("short runtime", check(log, (struct event_list){ b + 1, 1 }, &why), &why,
	    differ);
	sample_expect("no runtime", check(log, none, &why), &why, differ);
	b[2].name = text("tw0");
	sample_expect("name", check(log, runtime, &why), &why, differ);
	b[2] = a[2];
	b[2].payload = text("3");
	sample_expect("payload", check(log, runtime, &why), &why, differ);
	b[2] = a[2];
	b[2].version = 2;
	sample_expect("version", check(log, runtime, &why), &why, differ);
	b[2] = a[1];
	b[1] = a[2];
	sample_expect("order", check(log, runtime, &why), &why, differ);
}

/* ---- digest and preimage as reported ---- */

static const char canonical[] = "{\"name\":\"n\",\"payload\":\"ff\",\"type\":134217729}";
static const char spaced[] = "{\"name\":\"n\", \"payload\":\"ff\",\"type\":134217729}";

/* attestation-and-events.md 8 (last table) and 13.2; digest is SHA-384 of that text */
static const struct {
	const char *name;
	uint32_t version;
	const char *digest_of, *preimage, *raw_preimage, *why;
} reported[] = {
	{ "v2 both", 2, canonical, canonical, NULL, NULL },
	{ "v2 preimage", 2, NULL, canonical, NULL, NULL },
	{ "v2 digest", 2, canonical, NULL, NULL, NULL },
	{ "v2 neither", 2, NULL, NULL, NULL, NULL },
	{ "v2 wrong digest", 2, "x", NULL, NULL,
	    "runtime event 0 digest does not match its content" },
	{ "v2 wrong digest, preimage", 2, "x", canonical, NULL,
	    "Failed to validate TDX V2 event digest preimages: "
	    "V2 runtime event 1 digest does not match its preimage" },
	{ "v2 wrong preimage", 2, canonical, "x", NULL,
	    "Failed to validate TDX V2 event digest preimages: "
	    "V2 runtime event 1 digest does not match its preimage" },
	{ "v2 wrong preimage alone", 2, NULL, "x", NULL,
	    "Failed to validate TDX V2 event digest preimages: "
	    "V2 runtime event 1 preimage is not the canonical event representation" },
	{ "v2 not canonical", 2, spaced, spaced, NULL,
	    "Failed to validate TDX V2 event digest preimages: "
	    "V2 runtime event 1 preimage is not the canonical event representation" },
	{ "v2 not hex", 2, NULL, NULL, "7g",
	    "Failed to validate TDX V2 event digest preimages: "
	    "V2 runtime event 1 has a malformed digest preimage: is not hex at digit 1" },
	{ "v2 empty preimage", 2, NULL, NULL, "",
	    "Failed to validate TDX V2 event digest preimages: "
	    "V2 runtime event 1 preimage is not the canonical event representation" },
	{ "v1 digest", 1, "\1\0\0\10:n:\xff", NULL, NULL, NULL },
	{ "v1 wrong digest", 1, canonical, NULL, NULL,
	    "runtime event 0 digest does not match its content" },
	{ "v1 wrong digest, preimage", 1, "x", "x", NULL,
	    "runtime event 0 digest does not match its content" },
	{ "v1 wrong preimage", 1, NULL, canonical, NULL,
	    "Failed to validate TDX V2 event digest preimages: "
	    "V1 runtime event 1 preimage is not the canonical event representation" },
};

static struct bytes
v1_or_text(const char *s)
{
	/* The V1 preimage holds NULs. */
	if (s[0] == '\1')
		return (struct bytes){ (const uint8_t *)s, 8 };
	return text(s);
}

static void
test_reported(void **state)
{
	struct digest384 digest;
	struct reason why;
	bool ok;

	for (size_t i = 0; i < NELEM(reported); i++) {
		struct arena *arena = sample_arena();
		struct event runtime = runtime_event("n", "\xff"), log[2];
		struct event_list list = { log, 2 };

		runtime.version = reported[i].version;
		log[0] = (struct event){ .imr = 0, .type = 10, .version = 1 };
		log[1] = runtime;
		if (reported[i].digest_of != NULL) {
			digest384_of(&digest, v1_or_text(reported[i].digest_of));
			log[1].digest = BYTES_OF(digest.data);
		}
		log[1].has_preimage = reported[i].preimage != NULL ||
		    reported[i].raw_preimage != NULL;
		if (reported[i].preimage != NULL)
			log[1].preimage = text(hex_text_arena(arena, text(reported[i].preimage),
			    &why));
		if (reported[i].raw_preimage != NULL)
			log[1].preimage = text(reported[i].raw_preimage);
		ok = check(list, (struct event_list){ &runtime, 1 }, &why) &&
		    event_log_check_preimages(&list, arena, &why);
		sample_expect(reported[i].name, ok, &why, reported[i].why);
	}
}

/* ---- names ---- */

static void
test_find(void **state)
{
	struct event e[] = {
		runtime_event("app-id", "1"), runtime_event("app-id", "2"),
		runtime_event("system-ready", ""), runtime_event("late", "3"),
	};
	struct event_list list = { e, NELEM(e) };

	assert_ptr_equal(event_find(&list, "app-id"), &e[0]);
	assert_null(event_find(&list, "late"));
	assert_null(event_find(&list, "absent"));
	assert_null(event_find(&(struct event_list){ e + 2, 2 }, "late"));
	assert_ptr_equal(event_find(&(struct event_list){ e + 3, 1 }, "late"), &e[3]);
}

static void
test_duplicates(void **state)
{
	static const char *const single[] = { "app-id", "compose-hash", "instance-id",
		"key-provider", "boot-mr-done" };
	struct reason why;
	struct warnings w;

	for (size_t i = 0; i < NELEM(single); i++) {
		struct event e[] = { runtime_event(single[i], "1"), runtime_event("x", ""),
			runtime_event(single[i], "2") };
		struct event_list list = { e, NELEM(e) };
		char wanted[128];

		warnings_init(&w, sample_arena());
		assert_int_equal(event_log_duplicates(&list, &w), 1);
		snprintf(wanted, sizeof wanted, "runtime event 2 repeats %s, the first one counts",
		    single[i]);
		assert_string_equal(w.text[0], wanted);
		assert_false(event_log_check_duplicates(&list, &why));
		snprintf(wanted, sizeof wanted, "runtime event 2 repeats %s", single[i]);
		assert_string_equal(why.text, wanted);
		/* After the end it is application data. */
		e[1] = runtime_event("system-ready", "");
		assert_int_equal(event_log_duplicates(&list, &w), 0);
		assert_true(event_log_check_duplicates(&list, &why));
	}
}

static void
test_many_valued(void **state)
{
	struct event e[] = { runtime_event("init-script-hash", "1"),
		runtime_event("init-script-hash", "1"), runtime_event("x", ""),
		runtime_event("x", "") };
	struct reason why;

	assert_true(event_log_check_duplicates(&(struct event_list){ e, NELEM(e) }, &why));
}

/* ---- lite ---- */

static void
test_acpi(void **state)
{
	static const struct {
		const char *name, *names[4], *payload;
		size_t  digest_len;
		const char *why;
	} cases[] = {
		{ "good", { "acpi-loader", "acpi-rsdp", "acpi-tables" }, "ACPI DATA", 48, NULL },
		{ "other order", { "acpi-tables", "acpi-loader", "acpi-rsdp" }, "ACPI DATA", 48,
		    NULL },
		{ "two", { "acpi-loader", "acpi-rsdp" }, "ACPI DATA", 48,
		    "TDX lite attestation requires exactly 3 RTMR0 ACPI DATA events; "
		    "found 2 candidates and 2 RTMR0 events" },
		{ "four", { "acpi-loader", "acpi-rsdp", "acpi-tables", "x" }, "ACPI DATA", 48,
		    "TDX lite attestation requires exactly 3 RTMR0 ACPI DATA events; "
		    "found 4 candidates and 4 RTMR0 events" },
		{ "payload", { "acpi-loader", "acpi-rsdp", "acpi-tables" }, "ACPI DATA\n", 48,
		    "TDX lite attestation requires exactly 3 RTMR0 ACPI DATA events; "
		    "found 0 candidates and 3 RTMR0 events" },
		{ "name", { "acpi-loader", "acpi-rsdq", "acpi-tables" }, "ACPI DATA", 48,
		    "TDX lite attestation requires exactly one RTMR0 ACPI DATA event "
		    "named acpi-rsdp; found 0" },
		{ "name twice", { "acpi-loader", "acpi-loader", "acpi-tables" }, "ACPI DATA", 48,
		    "TDX lite attestation requires exactly one RTMR0 ACPI DATA event "
		    "named acpi-loader; found 2" },
		{ "no digest", { "acpi-loader", "acpi-rsdp", "acpi-tables" }, "ACPI DATA", 0,
		    "TDX RTMR0 ACPI DATA event acpi-loader has invalid digest length 0, "
		    "expected 48" },
		{ "digest", { "acpi-loader", "acpi-rsdp", "acpi-tables" }, "ACPI DATA", 47,
		    "TDX RTMR0 ACPI DATA event acpi-loader has invalid digest length 47, "
		    "expected 48" },
	};
	static const uint8_t digest[48];
	const struct event *acpi[EVENT_ACPIS];
	struct reason why;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct event e[4];
		struct event_list list = { e, 0 };
		bool ok;

		for (; list.n < 4 && cases[i].names[list.n] != NULL; list.n++)
			e[list.n] = (struct event){ .imr = 0, .type = EVENT_TYPE_ACPI,
				.name = text(cases[i].names[list.n]),
				.payload = text(cases[i].payload),
				.digest = { digest, cases[i].digest_len } };
		ok = event_log_acpi(acpi, &list, &why);
		sample_expect(cases[i].name, ok, &why, cases[i].why);
		if (ok) {
			assert_true(bytes_equal(acpi[EVENT_ACPI_LOADER]->name,
			    text("acpi-loader")));
			assert_true(bytes_equal(acpi[EVENT_ACPI_RSDP]->name, text("acpi-rsdp")));
			assert_true(bytes_equal(acpi[EVENT_ACPI_TABLES]->name,
			    text("acpi-tables")));
		}
	}
}

static bool
hash_and_check(struct arena *arena, struct reason *why)
{
	struct event log = runtime_event("n", "\xff");
	struct event_list list = { &log, 1 }, runtime;

	log.version = 2;
	log.has_preimage = true;
	log.preimage = text("7b226e616d65223a226e222c227061796c6f6164223a226666222c22747970"
	    "65223a3133343231373732397d");
	return event_log_runtime(&runtime, arena, &list, why) &&
	    event_list_hash(&runtime, arena, why) &&
	    event_log_check(&list, &runtime, why) &&
	    event_log_check_preimages(&list, arena, why);
}

static void
test_small_arenas(void **state)
{
	struct reason why;
	size_t max;

	for (max = 1;; max += 8) {
		AUTO(arena_free) struct arena *arena = arena_new(max);

		assert_non_null(arena);
		if (hash_and_check(arena, &why))
			break;
		assert_int_equal(why.kind, REASON_LIMIT);
	}
	assert_true(max > sizeof(struct event));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_vectors),
		cmocka_unit_test(test_canonical_escapes),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_relabelled),
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_reported),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_many_valued),
		cmocka_unit_test(test_acpi),
		cmocka_unit_test(test_small_arenas),
	};

	return cmocka_run_group_tests_name("event_log", tests, NULL, NULL);
}
