#include "../support/sample.h"
#include "evidence/replay.h"
#include "testing.h"

/* attestation-and-events.md 12: hex, lower case; NULL: the page does not say. */
static const struct {
	const char *file, *ppid;
	const char *app_id, *compose_hash, *instance_id, *provider, *provider_id;
	const char *device_id, *mr_system, *mr_aggregated;
	const char *boot_mr_system, *boot_mr_aggregated, *image_hash;
} examples[] = {
	{
		.file = "dstack-verifier/tdx-lite-attestation.json",
		.ppid = "40deaac75f87cf05e92fbf18224aa576",
		.app_id = "86b0e55f2fa8e4fb69d890f14f54d5612707646e",
		.compose_hash =
		    "86b0e55f2fa8e4fb69d890f14f54d5612707646e2573d54e0d2ddaaade77caa9",
		.instance_id = "050bf89570575fe8fab4cb8f0a62a9e64efe8ead",
		.provider = "kms",
		.device_id = "318a579a74326db98e209c5ffd7fd1e51a73bb1979c6408298a827a90ed268d0",
		.mr_system = "118f754a080ecb8527df65656ee4e7e97b891cf488ad6a38886ff0dbca0c8f70",
		.mr_aggregated =
		    "c758fa624b62536ca77504c4c52745e70880220a178a615a859c52f8b101d2ee",
		.boot_mr_system =
		    "37a91fd6aac229d83a1850be9bf017455d1cf4815e8fcb77332119de7e1a52f7",
		.boot_mr_aggregated =
		    "f4e6117e0fdea4b23b5f32a2a59e7b7b99b64df237a9536fb2cb5ca2a270145e",
		.image_hash = "07a2388c7a6a1b6a646d443f1517990a4ec294471d63146cda9d56972765051d",
	}, {
		.file = "dstack-verifier/quote-report.json",
		.ppid = "897d3eb76ea887b783f9ad3d0771034b",
		.app_id = "3763bc34552cf3a27ff71ad5f7a90471562a1a2d",
		.compose_hash =
		    "3763bc34552cf3a27ff71ad5f7a90471562a1a2df552dfc1998cba2d60da27e7",
		.instance_id = "c3714eb66990eace777b4e664c16e09375dec4c9",
		.provider = "local-sgx",
		.provider_id = "1b7a49378403249b6986a907844cab0921eca32dd47e657f3c10311ccaeccf8b",
		.device_id = "ea0ba482106a22ecb76b59b95fed32b5cc3a81534b27ee01a25a10a87cca7d03",
		.mr_system = "e1ae776a1492d4f87937b7e563d265c16300be4aba5d748207587023bb7dbb75",
		.mr_aggregated =
		    "233c659f83048505bb1ef7f105245aa80f5d04e3d096c329da272d7ee13fbf38",
		.boot_mr_aggregated =
		    "f9a9159f75a175a0a65052b78f764a312456db56f5c397c600d08445ab68937b",
	},
};

static void
expect_hex(const char *what, struct bytes got, const char *want)
{
	if (want != NULL && !bytes_equal(got, sample_hex(sample_arena(), want)))
		fail_msg("%s is not %s", what, want);
}

static void
test_examples(void **state)
{
	struct sample s;
	struct app_info app;
	struct warnings w;
	struct reason why;

	for (size_t i = 0; i < NELEM(examples); i++) {
		sample_load(&s, examples[i].file);
		s.quoted.ppid = sample_hex(s.arena, examples[i].ppid);
		warnings_init(&w, s.arena);
		assert_true(app_info_tdx(&app, s.arena, &s.quoted, &s.evidence.runtime, false, &w,
		    &why));
		assert_int_equal(w.n, 0);
		assert_false(app.duplicate_events);
		expect_hex("app_id", app.app_id, examples[i].app_id);
		expect_hex("compose_hash", app.compose_hash, examples[i].compose_hash);
		expect_hex("instance_id", app.instance_id, examples[i].instance_id);
		expect_hex("device_id", BYTES_OF(app.device_id.data), examples[i].device_id);
		expect_hex("mr_system", BYTES_OF(app.mr_system.data), examples[i].mr_system);
		expect_hex("mr_aggregated", BYTES_OF(app.mr_aggregated.data),
		    examples[i].mr_aggregated);
		assert_true(app.key_provider.known);
		assert_true(bytes_equal(app.key_provider.name, bytes_str(examples[i].provider)));
		if (examples[i].provider_id != NULL)
			assert_true(bytes_equal(app.key_provider.id,
			    bytes_str(examples[i].provider_id)));
		assert_int_equal(app.n_init_script_hashes, 0);
		expect_hex("os-image-hash", app.event_os_image_hash, examples[i].image_hash);
		assert_int_equal(app.has_event_os_image_hash, examples[i].image_hash != NULL);
	}
}

static void
test_boottime(void **state)
{
	struct sample s;
	struct app_info app;
	struct reason why;

	for (size_t i = 0; i < NELEM(examples); i++) {
		sample_load(&s, examples[i].file);
		assert_true(app_info_tdx(&app, s.arena, &s.quoted, &s.evidence.runtime, true, NULL,
		    &why));
		expect_hex("mr_system", BYTES_OF(app.mr_system.data), examples[i].boot_mr_system);
		expect_hex("mr_aggregated", BYTES_OF(app.mr_aggregated.data),
		    examples[i].boot_mr_aggregated);
		assert_int_equal(app.key_provider_info.len, 0);
		assert_false(app.key_provider.known);
		expect_hex("app_id", app.app_id, examples[i].app_id);
	}
}

/* A guest of 0.6: no os-image-hash event, key provider none (README-fixtures of the vectors). */
static void
test_newer(void **state)
{
	static const char *const files[] = {
		"attestations/tdx-lite-normalized-attestation.json",
		"attestations/tdx-lite-v1-attest.json",
	};
	struct sample s;
	struct app_info app;
	struct reason why;

	for (size_t i = 0; i < NELEM(files); i++) {
		sample_load(&s, files[i]);
		assert_true(app_info_tdx(&app, s.arena, &s.quoted, &s.evidence.runtime, false, NULL,
		    &why));
		assert_false(app.has_event_os_image_hash);
		assert_true(bytes_equal(app.key_provider.name, bytes_str("none")));
		assert_int_equal(app.app_id.len, 20);
		assert_int_equal(app.compose_hash.len, 32);
	}
}

static struct event
runtime_event(const char *name, size_t len)
{
	static const uint8_t payload[128] = "p";

	return (struct event){ .imr = 3, .type = EVENT_TYPE_RUNTIME, .version = 1,
		.name = bytes_str(name), .payload = { payload, len } };
}

static void
info_of(struct app_info *app, struct warnings *w, struct event *events, size_t n)
{
	static const uint8_t zero[48];
	struct app_info_quote quote = {
		.mrtd = BYTES_OF(zero), .mr_config_id = BYTES_OF(zero),
		.mr_owner = BYTES_OF(zero), .mr_owner_config = BYTES_OF(zero),
		.rtmr = { BYTES_OF(zero), BYTES_OF(zero), BYTES_OF(zero), BYTES_OF(zero) },
	};
	struct event_list list = { events, n };
	struct reason why;

	warnings_init(w, sample_arena());
	assert_true(event_list_hash(&list, w->arena, &why));
	assert_true(app_info_tdx(app, w->arena, &quote, &list, false, w, &why));
}

static void
test_lengths(void **state)
{
	static const struct {
		const char *name;
		size_t  len;
		const char *warning;
	} cases[] = {
		{ "app-id", 20, NULL },
		{ "app-id", 21, "event app-id has 21 bytes, not 20" },
		{ "app-id", 0, "event app-id has 0 bytes, not 20" },
		{ "compose-hash", 32, NULL },
		{ "compose-hash", 31, "event compose-hash has 31 bytes, not 32" },
		{ "instance-id", 20, NULL },
		{ "instance-id", 0, NULL },
		{ "instance-id", 32, "event instance-id has 32 bytes, not 20" },
		{ "init-script-hash", 32, NULL },
		{ "init-script-hash", 33, "event init-script-hash has 33 bytes, not 32" },
		{ "other", 7, NULL },
	};
	struct app_info app;
	struct warnings w;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct event e = runtime_event(cases[i].name, cases[i].len);

		info_of(&app, &w, &e, 1);
		if (w.n != (cases[i].warning != NULL) ||
		    (w.n == 1 && strcmp(w.text[0], cases[i].warning) != 0))
			fail_msg("%s %zu: \"%s\"", cases[i].name, cases[i].len,
			    w.n != 0 ? w.text[0] : "");
	}
}

static void
test_no_events(void **state)
{
	struct app_info app;
	struct warnings w;

	info_of(&app, &w, NULL, 0);
	assert_int_equal(app.app_id.len, 0);
	assert_int_equal(app.compose_hash.len, 0);
	assert_int_equal(app.instance_id.len, 0);
	assert_false(app.key_provider.known);
	assert_false(app.has_event_os_image_hash);
	assert_int_equal(app.n_init_script_hashes, 0);
	assert_int_equal(w.n, 0);
}

static void
test_order(void **state)
{
	struct event e[] = {
		runtime_event("init-script-hash", 32), runtime_event("app-id", 20),
		runtime_event("init-script-hash", 31), runtime_event("app-id", 19),
		runtime_event("system-ready", 0), runtime_event("init-script-hash", 30),
		runtime_event("compose-hash", 32),
	};
	struct app_info app;
	struct warnings w;

	info_of(&app, &w, e, NELEM(e));
	assert_int_equal(app.app_id.len, 20);
	assert_true(app.duplicate_events);
	assert_int_equal(app.n_init_script_hashes, 2);
	assert_int_equal(app.init_script_hashes[0].len, 32);
	assert_int_equal(app.init_script_hashes[1].len, 31);
	assert_int_equal(app.compose_hash.len, 0);
	assert_int_equal(w.n, 2);
	/* Ready at once: nothing is identity. */
	e[0] = runtime_event("system-ready", 0);
	info_of(&app, &w, e, NELEM(e));
	assert_int_equal(app.app_id.len, 0);
	assert_int_equal(app.n_init_script_hashes, 0);
	assert_false(app.duplicate_events);
}

static void
test_key_provider(void **state)
{
	static const struct {
		const char *payload;
		const char *name, *id;          /* NULL: not known                */
	} cases[] = {
		{ "{\"name\":\"kms\",\"id\":\"ab\"}", "kms", "ab" },
		{ "{\"id\":\"\",\"more\":[1],\"name\":\"\"}", "", "" },
		{ "{\"name\":\"k\\u006ds\",\"id\":\"\\n\"}", "kms", "\n" },
		{ "", NULL, NULL },
		{ "{}", NULL, NULL },
		{ "[\"kms\",\"ab\"]", NULL, NULL },
		{ "{\"name\":\"kms\"}", NULL, NULL },
		{ "{\"name\":\"kms\",\"id\":null}", NULL, NULL },
		{ "{\"name\":1,\"id\":\"ab\"}", NULL, NULL },
		{ "\"name\"", NULL, NULL },
		{ "{\"name\":\"a\",\"name\":\"b\",\"id\":\"\"}", NULL, NULL },
		{ "{\"name\":\"kms\",\"id\":\"ab\"} ", "kms", "ab" },
		{ "{\"name\":\"kms\",\"id\":\"ab\"}x", NULL, NULL },
		{ "\377", NULL, NULL },
	};
	struct key_provider provider;
	struct reason why;

	for (size_t i = 0; i < NELEM(cases); i++) {
		assert_true(key_provider_read(&provider, sample_arena(),
		    bytes_str(cases[i].payload), &why));
		if (provider.known != (cases[i].name != NULL))
			fail_msg("%s", cases[i].payload);
		if (!provider.known) {
			assert_int_equal(provider.name.len + provider.id.len, 0);
			continue;
		}
		assert_true(bytes_equal(provider.name, bytes_str(cases[i].name)));
		assert_true(bytes_equal(provider.id, bytes_str(cases[i].id)));
	}
}

/* Any of the three makes all three count. */
static void
test_owner_fields(void **state)
{
	static const uint8_t zero[48], one[48] = { 1 };
	const struct bytes z = BYTES_OF(zero), o = BYTES_OF(one);
	struct app_info_quote quote = {
		.mrtd = z, .rtmr = { z, z, z, z }, .mr_config_id = z, .mr_owner = z,
		.mr_owner_config = z,
	};
	struct bytes *const fields[] = { &quote.mr_config_id, &quote.mr_owner,
		&quote.mr_owner_config };
	struct event_list none = { NULL, 0 };
	struct digest256 plain, wanted;
	struct app_info app;
	struct reason why;

	digest256_of_parts(&plain, (const struct bytes[]){ z, z, z, z, z }, 5);
	assert_true(app_info_tdx(&app, sample_arena(), &quote, &none, false, NULL, &why));
	assert_true(digest256_equal(&app.mr_aggregated, &plain));
	for (size_t i = 0; i < NELEM(fields); i++) {
		struct bytes parts[] = { z, z, z, z, z, z, z, z };

		*fields[i] = o;
		parts[5 + i] = o;
		digest256_of_parts(&wanted, parts, NELEM(parts));
		assert_true(app_info_tdx(&app, sample_arena(), &quote, &none, false, NULL, &why));
		assert_true(digest256_equal(&app.mr_aggregated, &wanted));
		*fields[i] = z;
	}
}

static void
test_small_arenas(void **state)
{
	struct sample s;
	struct app_info app;
	struct reason why;

	sample_load(&s, "dstack-verifier/quote-report.json");
	for (size_t max = 1;; max += 64) {
		AUTO(arena_free) struct arena *arena = arena_new(max);

		assert_non_null(arena);
		if (app_info_tdx(&app, arena, &s.quoted, &s.evidence.runtime, false, NULL, &why))
			break;
		assert_int_equal(why.kind, REASON_LIMIT);
	}
	assert_true(app.key_provider.known);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_boottime),
		cmocka_unit_test(test_newer),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_no_events),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_key_provider),
		cmocka_unit_test(test_owner_fields),
		cmocka_unit_test(test_small_arenas),
	};

	return cmocka_run_group_tests_name("app_info", tests, NULL, NULL);
}
