/*
 * Event logs and attestations: attestation-and-events.md 2 to 8, 11.1 and 13.
 *
 * In a full log the events 0 to 12 are of RTMR0, 13 to 17 of RTMR1, 18 and 19 of RTMR2, and from
 * 20 on of RTMR3: system-preparing, app-id, compose-hash, instance-id, boot-mr-done,
 * os-image-hash, key-provider, storage-fs, system-ready.
 */
#include <stdio.h>

#include <openssl/sha.h>

#include "judge.h"

#define FAILED          "Quote verification failed: "
#define DIFFER          "event log and runtime events differ"
#define RTMR3           "RTMR3 mismatch, quoted: *, replayed: *"
#define FIRST_RUNTIME   20

static void
v0_stripped(struct guest *g, struct judge *judge)
{
}

static void
v0_full(struct guest *g, struct judge *judge)
{
	g->full_log = true;
}

static void
v1_stripped(struct guest *g, struct judge *judge)
{
	g->form = GUEST_V1;
}

static void
v1_full(struct guest *g, struct judge *judge)
{
	g->form = GUEST_V1;
	g->full_log = true;
}

static void
getquote(struct guest *g, struct judge *judge)
{
	g->form = GUEST_GETQUOTE;
	g->full_log = true;
}

/* Version 2 events, each with its preimage. */
static void
preimages(struct guest *g, struct judge *judge)
{
	g->form = GUEST_GETQUOTE;
	g->full_log = true;
	for (size_t i = 0; i < g->nruntime; i++) {
		g->runtime[i].version = 2;
		g->runtime[i].has_preimage = true;
		g->runtime[i].preimage = build_digits(events_preimage(&g->runtime[i]), false);
	}
}

/* ---- the log alone ---- */

/* The log as it is, to be spoiled. */
static struct event *
log_of(struct guest *g)
{
	const struct change change = g->change;

	g->change = (struct change){ .stage = STAGE_NONE };
	guest_build(g);
	g->change = change;
	g->keep_log = true;
	return g->log;
}

static struct bytes
flipped(struct bytes in)
{
	const struct change flip = FLIP(STAGE_NONE, 0, "01");

	return change_apply(&flip, STAGE_NONE, in);
}

static void
digest_bit(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	log[arg].digest = flipped(log[arg].digest);
}

static void
digest_short(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].digest.len = 47;
}

static void
digest_long(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	log[arg].digest = build_join((struct bytes[]){ log[arg].digest, bytes_str("x") }, 2);
}

static void
digest_none(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].digest = EMPTY;
}

static void
swap(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g), event = log[arg];

	log[arg] = log[arg + 1];
	log[arg + 1] = event;
}

static void
drop(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	memmove(log + arg, log + arg + 1, (--g->nlog - (size_t)arg) * sizeof *log);
}

static void
repeat(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	memmove(log + arg + 1, log + arg, (g->nlog++ - (size_t)arg) * sizeof *log);
}

static void
to_register_0(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].imr = 0;
}

static void
to_register_3(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].imr = 3;
}

static void
to_register_4(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].imr = 4;
}

static void
to_register_max(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].imr = UINT32_MAX;
}

static void
to_type_10(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].type = 10;
}

static void
rename_event(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].name = bytes_str("something-else");
}

static void
other_payload(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].payload = bytes_str("another payload");
}

static void
other_payload_no_digest(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	log[arg].payload = bytes_str("another payload");
	log[arg].digest = EMPTY;
}

static void
long_name(struct guest *g, struct judge *judge, int arg)
{
	static char name[258];

	memset(name, 'n', 257);
	log_of(g)[arg].name = bytes_str(name);
}

static const struct row log_rows[] = {
	{ "TD HOB digest", digest_bit, 0, {0}, "RTMR0 mismatch, quoted: *, replayed: *" },
	{ "BootOrder digest", digest_bit, 12, {0}, "RTMR0 mismatch, quoted: *, replayed: *" },
	{ "ACPI digest of a full log", digest_bit, 8, {0},
	    "RTMR0 mismatch, quoted: *, replayed: *" },
	{ "kernel digest", digest_bit, 13, {0}, "RTMR1 mismatch, quoted: *, replayed: *" },
	{ "command line digest", digest_bit, 18, {0}, "RTMR2 mismatch, quoted: *, replayed: *" },
	{ "initrd digest", digest_bit, 19, {0}, "RTMR2 mismatch, quoted: *, replayed: *" },
	{ "firmware event of 47 bytes", digest_short, 3, {0},
	    "event 3 of RTMR0 has a digest of 47 bytes, not 48" },
	{ "kernel event of 49 bytes", digest_long, 13, {0},
	    "event 13 of RTMR1 has a digest of 49 bytes, not 48" },
	{ "firmware event without digest", digest_none, 12, {0},
	    "event 12 of RTMR0 has a digest of 0 bytes, not 48" },
	{ "firmware events reordered", swap, 0, {0}, "RTMR0 mismatch, quoted: *, replayed: *" },
	{ "kernel events reordered", swap, 13, {0}, "RTMR1 mismatch, quoted: *, replayed: *" },
	{ "RTMR2 events reordered", swap, 18, {0}, "RTMR2 mismatch, quoted: *, replayed: *" },
	{ "events of two registers reordered", swap, 12, {0}, NULL },
	{ "firmware event dropped", drop, 5, {0}, "RTMR0 mismatch, quoted: *, replayed: *" },
	{ "kernel event dropped", drop, 17, {0}, "RTMR1 mismatch, quoted: *, replayed: *" },
	{ "initrd event dropped", drop, 19, {0}, "RTMR2 mismatch, quoted: *, replayed: *" },
	{ "firmware event repeated", repeat, 2, {0}, "RTMR0 mismatch, quoted: *, replayed: *" },
	{ "initrd event repeated", repeat, 19, {0}, "RTMR2 mismatch, quoted: *, replayed: *" },
	{ "runtime event in RTMR0", to_register_0, 21, {0},
	    "event 21 of type 134217729 is in register 0" },
	{ "runtime event in register 4", to_register_4, 21, {0},
	    "event 21 of type 134217729 is in register 4" },
	{ "runtime event in register 2^32-1", to_register_max, 28, {0},
	    "event 28 of type 134217729 is in register 4294967295" },
	{ "firmware event in RTMR3", to_register_3, 0, {0},
	    "event 0 of type 2147483659 is in register 3" },
	{ "ACPI event in RTMR3", to_register_3, 8, {0}, "event 8 of type 10 is in register 3" },
	{ "firmware event in register 4", to_register_4, 7, {0},
	    "event 7 of type 4 is in register 4" },
	{ "runtime event called an ACPI event", to_type_10, 21, {0},
	    "event 21 of type 10 is in register 3" },
	{ "firmware event moved to RTMR0", to_register_0, 13, {0},
	    "RTMR0 mismatch, quoted: *, replayed: *" },
	{ "runtime digest wrong", digest_bit, 21, {0},
	    "runtime event 1 digest does not match its content" },
	{ "runtime digest of 47 bytes", digest_short, 28, {0},
	    "runtime event 8 digest does not match its content" },
	{ "runtime event without digest", digest_none, 21, {0}, NULL },
	{ "runtime events reordered in the log", swap, 21, {0}, DIFFER },
	{ "runtime event dropped from the log", drop, 21, {0}, DIFFER },
	{ "last runtime event dropped from the log", drop, 28, {0}, DIFFER },
	{ "runtime event repeated in the log", repeat, 28, {0}, DIFFER },
	{ "runtime event renamed in the log", rename_event, 21, {0}, DIFFER },
	{ "right digest with other payload", other_payload, 21, {0}, DIFFER },
	{ "no digest with other payload", other_payload_no_digest, 22, {0}, DIFFER },
	{ "event with a name of 257 bytes", long_name, 2, {0},
	    "event 2 has a name of 257 bytes, more than 256" },
};

/* ---- what was extended, and what is said of it ---- */

/* The registers stay those of the sound machine. */
static void
registers_kept(struct guest *g)
{
	(void)log_of(g);
	g->keep_log = false;
	g->keep_registers = true;
}

static void
payload_changed(struct guest *g, struct judge *judge, int arg)
{
	registers_kept(g);
	g->runtime[arg].payload = bytes_str("another payload");
}

static void
name_changed(struct guest *g, struct judge *judge, int arg)
{
	registers_kept(g);
	g->runtime[arg].name = bytes_str("another-name");
}

static void
runtime_swapped(struct guest *g, struct judge *judge, int arg)
{
	struct event event = g->runtime[arg];

	registers_kept(g);
	g->runtime[arg] = g->runtime[arg + 1];
	g->runtime[arg + 1] = event;
}

static void
runtime_cut(struct guest *g, struct judge *judge, int arg)
{
	registers_kept(g);
	g->nruntime -= (size_t)arg;
}

static void
runtime_added(struct guest *g, struct judge *judge, int arg)
{
	registers_kept(g);
	guest_insert(g, (size_t)arg, 1, "app-id", bytes_str("01234567890123456789"));
}

static void
runtime_version(struct guest *g, struct judge *judge, int arg)
{
	registers_kept(g);
	g->runtime[arg].version = 2;
}

static void
no_runtime(struct guest *g, struct judge *judge, int arg)
{
	registers_kept(g);
	g->nruntime = 0;
}

static void
added_after_ready(struct guest *g, struct judge *judge, int arg)
{
	guest_insert(g, g->nruntime, 1, "app-id", bytes_str("01234567890123456789"));
}

static const struct row replay_rows[] = {
	{ "app-id of another application", payload_changed, 1, {0}, RTMR3 },
	{ "compose-hash of another application", payload_changed, 2, {0}, RTMR3 },
	{ "key-provider of somebody else", payload_changed, 6, {0}, RTMR3 },
	{ "payload of the last event", payload_changed, 8, {0}, RTMR3 },
	{ "first event renamed", name_changed, 0, {0}, RTMR3 },
	{ "last event renamed", name_changed, 8, {0}, RTMR3 },
	{ "first events reordered", runtime_swapped, 0, {0}, RTMR3 },
	{ "last events reordered", runtime_swapped, 7, {0}, RTMR3 },
	{ "last event kept back", runtime_cut, 1, {0}, RTMR3 },
	{ "all but the first event kept back", runtime_cut, 8, {0}, RTMR3 },
	{ "no event at all", no_runtime, 0, {0}, RTMR3 },
	{ "an event in front that was not extended", runtime_added, 0, {0}, RTMR3 },
	{ "a second app-id that was not extended", runtime_added, 2, {0}, RTMR3 },
	{ "app-id after system-ready that was not extended", runtime_added, 9, {0}, RTMR3 },
	{ "app-id after system-ready", added_after_ready, 0, {0}, NULL },
	{ "RTMR3 of the quote", NULL, 0, PATCH(STAGE_REPORT, TD_RTMR3, "00000000"), RTMR3 },
};

/* ---- names that can be read in two ways ---- */

static const char *const known[] = {
	"system-preparing", "app-id", "compose-hash", "upgraded-app-id", "init-script-hash",
	"gpu-policy-hash", "gpu-attestation", "instance-id", "boot-mr-done", "mr-kms",
	"os-image-hash", "key-provider", "storage-fs", "rootfs-hash", "system-ready",
};

/* A genuine event NAME with payload a:b is told as NAME:a with payload b: the same digest. */
static void
relabelled(struct guest *g, struct judge *judge, int arg)
{
	guest_insert(g, 3, 1, known[arg], bytes_str("a:b"));
	registers_kept(g);
	g->runtime[3].name = build_text("%s:a", known[arg]);
	g->runtime[3].payload = bytes_str("b");
}

static void
test_relabelled(void **state)
{
	struct row rows[NELEM(known)];
	char names[NELEM(known)][64];

	for (size_t i = 0; i < NELEM(known); i++) {
		(void)snprintf(names[i], sizeof names[i], "%s relabelled around \":\"", known[i]);
		rows[i] = (struct row){ .name = names[i], .prepare = relabelled, .arg = (int)i,
		    .why = "runtime event 3 has an ambiguous name" };
	}
	judge_table(&(struct table){ FAILED, v0_stripped, rows, NELEM(rows) });
}

static void
other_colon(struct guest *g, struct judge *judge, int arg)
{
	guest_insert(g, 3, 1, arg == 0 ? "my:event" : "app-identity:x", bytes_str("payload"));
}

static void
long_runtime_name(struct guest *g, struct judge *judge, int arg)
{
	char name[300];

	memset(name, 'n', sizeof name);
	name[arg] = '\0';
	guest_insert(g, 3, 1, name, EMPTY);
}

/* Extended by the guest and in the runtime list; the log has none of RTMR3. */
static void
log_without_runtime(struct guest *g)
{
	(void)log_of(g);
	g->nlog = 3;
}

static void
long_name_runtime_only(struct guest *g, struct judge *judge, int arg)
{
	long_runtime_name(g, judge, arg);
	log_without_runtime(g);
}

static const struct row name_rows[] = {
	{ "a name of our own with a colon", other_colon, 0, {0}, NULL },
	{ "a name that begins like a known one", other_colon, 1, {0}, NULL },
	{ "a name of 256 bytes", long_runtime_name, 256, {0}, NULL },
	{ "a name of 257 bytes", long_runtime_name, 257, {0},
	    "event 6 has a name of 257 bytes, more than 256" },
	{ "a name of 257 bytes, not in the log", long_name_runtime_only, 257, {0},
	    "runtime event 3 has a name of 257 bytes, more than 256" },
};

/* ---- two lists ---- */

/* The runtime list is what RTMR3 holds; the log tells something else. */
static void
two_lists(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g), *mine = &log[3 + arg];

	mine->payload = bytes_str("what somebody would like to be true");
}

static void
two_lists_version(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[3 + arg].version = 2;
}

static void
one_list(struct guest *g, struct judge *judge, int arg)
{
	log_without_runtime(g);
}

static const struct row lists_rows[] = {
	{ "two lists that disagree on app-id", two_lists, 1, {0}, DIFFER },
	{ "two lists that disagree on the last event", two_lists, 8, {0}, DIFFER },
	{ "two lists that disagree on a version", two_lists_version, 1, {0}, DIFFER },
	{ "a log without runtime events", one_list, 0, {0}, NULL },
};

/* ---- preimages of version 2 ---- */

static void
preimage_text(struct guest *g, struct judge *judge, int arg)
{
	static const char *const texts[] = { "", "7", "zz", "0x7b7d", "7b7d" };

	log_of(g)[21].preimage = bytes_str(texts[arg]);
}

static void
preimage_of_other(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	log[21].preimage = log[22].preimage;
}

static void
preimage_and_digest(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	log[21].preimage = log[22].preimage;
	log[21].digest = log[22].digest;
}

/* The same JSON with a blank in it, and its digest. */
static void
not_canonical(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);
	const struct change blank = REPLACE(STAGE_NONE, "{\"name\":", "{\"name\": ");
	const struct bytes text = change_apply(&blank, STAGE_NONE, events_preimage(&log[21]));

	log[21].preimage = build_digits(text, false);
	log[21].digest = arg == 0 ? events_sha384(&text, 1) : EMPTY;
}

static void
no_preimage(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	log[21].has_preimage = false;
	if (arg != 0)
		log[21].digest = EMPTY;
}

static void
digest_wrong_v2(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	log[21].has_preimage = false;
	log[21].digest = flipped(log[21].digest);
}

#define PREIMAGES       "Failed to validate TDX V2 event digest preimages: "

static const struct row preimage_rows[] = {
	{ "preimage with an odd digit", preimage_text, 1, {0}, PREIMAGES
	    "V2 runtime event 21 has a malformed digest preimage: has an odd number of hex "
	    "digits" },
	{ "preimage is not hex", preimage_text, 2, {0}, PREIMAGES
	    "V2 runtime event 21 has a malformed digest preimage: is not hex at digit 0" },
	{ "preimage with 0x", preimage_text, 3, {0}, PREIMAGES
	    "V2 runtime event 21 has a malformed digest preimage: is not hex at digit 1" },
	{ "preimage is empty", preimage_text, 0, {0}, PREIMAGES
	    "V2 runtime event 21 digest does not match its preimage" },
	{ "preimage is {}", preimage_text, 4, {0}, PREIMAGES
	    "V2 runtime event 21 digest does not match its preimage" },
	{ "preimage of another event", preimage_of_other, 0, {0}, PREIMAGES
	    "V2 runtime event 21 digest does not match its preimage" },
	{ "preimage and digest of another event", preimage_and_digest, 0, {0}, PREIMAGES
	    "V2 runtime event 21 preimage is not the canonical event representation" },
	{ "preimage with a blank", not_canonical, 0, {0}, PREIMAGES
	    "V2 runtime event 21 preimage is not the canonical event representation" },
	{ "preimage with a blank, no digest", not_canonical, 1, {0}, PREIMAGES
	    "V2 runtime event 21 preimage is not the canonical event representation" },
	{ "digest only", no_preimage, 0, {0}, NULL },
	{ "neither preimage nor digest", no_preimage, 1, {0}, NULL },
	{ "wrong digest without preimage", digest_wrong_v2, 0, {0},
	    "runtime event 1 digest does not match its content" },
};

/* ---- report data and MRCONFIGID ---- */

static void
report_data(struct guest *g, struct judge *judge, int arg)
{
	g->evidence.report_data = build_random(1, "report data", 0, (size_t)arg);
}

/* The stack of pods: report_data is a digest of the payload. */
static void
pod(struct guest *g, struct judge *judge)
{
	uint8_t digest[SHA512_DIGEST_LENGTH];
	const char text[] = "app-data:{\"a\":1}";

	g->form = GUEST_V1;
	g->pod = true;
	g->pod_payload = bytes_str("{\"a\":1}");
	SHA512((const uint8_t *)text, strlen(text), digest);
	memcpy(g->intel.quote.body + TD_REPORT_DATA, digest, sizeof digest);
}

static void
pod_payload(struct guest *g, struct judge *judge, int arg)
{
	g->pod_payload = bytes_str(arg == 0 ? "{\"a\":2}" : "");
}

static const struct row report_rows[] = {
	{ "report data of 63 bytes", report_data, 63, {0}, "stack.report_data must be 64 bytes" },
	{ "report data of 65 bytes", report_data, 65, {0}, "stack.report_data must be 64 bytes" },
	{ "report data of 0 bytes", report_data, 0, {0}, "stack.report_data must be 64 bytes" },
	{ "report data of another quote", report_data, 64, {0}, "tdx report_data mismatch" },
	{ "MRCONFIGID of another application", NULL, 0,
	    PATCH(STAGE_REPORT, TD_MR_CONFIG_ID + 1, "ffff"),
	    "MRCONFIGID mismatch, quoted: *, expected: *" },
	{ "MRCONFIGID with a tail", NULL, 0, PATCH(STAGE_REPORT, TD_MR_CONFIG_ID + 47, "01"),
	    "MRCONFIGID mismatch, quoted: *, expected: *" },
	{ "MRCONFIGID not used", NULL, 0, PATCH(STAGE_REPORT, TD_MR_CONFIG_ID,
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000"), NULL },
};

static const struct row pod_rows[] = {
	{ "another pod payload", pod_payload, 0, {0},
	    "report_data does not match report_data_payload" },
	{ "no pod payload", pod_payload, 1, {0},
	    "report_data does not match report_data_payload" },
};

static void
nested_guest(struct guest *g, struct judge *judge)
{
	g->intel.quote.version = 5;
	g->intel.quote.body_type = 4;
	g->intel.quote.body_len = 885;
}

static const struct row nested_rows[] = {
	{ "nested guest", NULL, 0, PATCH(STAGE_REPORT, TD_VMID, "01"),
	    "TD report is of a nested guest (vmid 1)" },
	{ "nested guest 255", NULL, 0, PATCH(STAGE_REPORT, TD_VMID, "ff"),
	    "TD report is of a nested guest (vmid 255)" },
	{ "init_serv_td_hash", NULL, 0, PATCH(STAGE_REPORT, 729, "01"),
	    "Invalid service TD fields" },
	{ "init_serv_td_attributes", NULL, 0, PATCH(STAGE_REPORT, 784, "01"),
	    "Invalid service TD fields" },
	{ "cur_serv_td_hash", NULL, 0, PATCH(STAGE_REPORT, 876, "80"),
	    "Invalid service TD fields" },
	{ "cur_serv_td_attributes", NULL, 0, PATCH(STAGE_REPORT, 877, "01"),
	    "Invalid service TD fields" },
	{ "td_id is shown", NULL, 0, PATCH(STAGE_REPORT, 649, "01"), NULL },
	{ "dev_info is shown", NULL, 0, PATCH(STAGE_REPORT, 681, "01"), NULL },
};

#define TABLE(base, rows)       judge_table(&(struct table){ FAILED, base, rows, NELEM(rows) })

static void
test_log(void **state)
{
	TABLE(v0_full, log_rows);
	TABLE(v1_full, log_rows);
}

static void
test_replay(void **state)
{
	TABLE(v0_stripped, replay_rows);
	TABLE(v1_full, replay_rows);
	TABLE(getquote, replay_rows);
}

static const struct row version_rows[] = {
	{ "an event told as version 2", runtime_version, 2, {0}, RTMR3 },
};

static void
test_names(void **state)
{
	TABLE(v0_stripped, name_rows);
	TABLE(v1_stripped, version_rows);
	TABLE(getquote, version_rows);
}

static void
test_lists(void **state)
{
	TABLE(v1_stripped, lists_rows);
}

static void
test_preimages(void **state)
{
	TABLE(preimages, preimage_rows);
}

static void
test_report(void **state)
{
	TABLE(v1_stripped, report_rows);
	TABLE(pod, pod_rows);
	TABLE(nested_guest, nested_rows);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_relabelled),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_preimages),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
