#include <stdio.h>

#include "../teesim/encode.h"
#include "../support/sample.h"
#include "testing.h"

/* ---- the vectors of attestation-and-events.md 4.3 ---- */

static const char pod[] =
    "83a776657273696f6e01a8706c6174666f726d82a46b696e64a3746478a46461746182a571756f74"
    "65940102cc80ccffa96576656e745f6c6f679285a3696d7203aa6576656e745f74797065ce080000"
    "01a6646967657374c402aabba56576656e74a3706f64ad6576656e745f7061796c6f6164c402dead"
    "87a3696d7203aa6576656e745f74797065ce08000001a6646967657374c400a56576656e74a178ad"
    "6576656e745f7061796c6f6164c400a776657273696f6e02a8707265696d616765a437623764a573"
    "7461636b82a46b696e64aa64737461636b2d706f64a46461746184ab7265706f72745f64617461dc"
    "0040070707070707070707070707070707070707070707070707070707070707070707070707070707"
    "07070707070707070707070707070707070707070707070707ae72756e74696d655f6576656e7473"
    "9183a56576656e74a3706f64a77061796c6f6164c402cafea776657273696f6e02a6636f6e666967"
    "a27b7db37265706f72745f646174615f7061796c6f6164a27b7d";

static const char gcp[] =
    "83a776657273696f6e01a8706c6174666f726d82a46b696e64a76763702d746478a46461746183a5"
    "71756f74659101a96576656e745f6c6f6790a974706d5f71756f746586a76d657373616765c40101"
    "a97369676e6174757265c40102aa7063725f76616c7565739183a5696e64657800a9616c676f7269"
    "74686da6736861323536a576616c7565c40103a7616b5f63657274c400a8706c6174666f726da367"
    "6370a96576656e745f6c6f679182a97063725f696e64657802a6646967657374c40104a573746163"
    "6b82a46b696e64a664737461636ba46461746183ab7265706f72745f64617461920000ae72756e74"
    "696d655f6576656e747390a6636f6e666967a0";

static void
test_pod(void **state)
{
	struct arena *arena = sample_arena();
	struct bytes raw = sample_hex(arena, pod);
	struct evidence e;
	struct reason why;

	if (!attestation_read(&e, arena, raw, &why))
		fail_msg("%s", why.text);
	assert_int_equal(e.variant, EVIDENCE_TDX);
	assert_true(e.pod);
	assert_true(bytes_equal(e.quote, bytes_str("\x01\x02\x80\xff")));
	assert_int_equal(e.log.n, 2);
	assert_int_equal(e.log.event[0].imr, 3);
	assert_int_equal(e.log.event[0].type, EVENT_TYPE_RUNTIME);
	assert_int_equal(e.log.event[0].version, 1);
	assert_false(e.log.event[0].has_preimage);
	assert_true(bytes_equal(e.log.event[0].digest, bytes_str("\xaa\xbb")));
	assert_true(bytes_equal(e.log.event[0].name, bytes_str("pod")));
	assert_true(bytes_equal(e.log.event[0].payload, bytes_str("\xde\xad")));
	assert_int_equal(e.log.event[1].version, 2);
	assert_int_equal(e.log.event[1].digest.len, 0);
	assert_true(e.log.event[1].has_preimage);
	assert_true(bytes_equal(e.log.event[1].preimage, bytes_str("7b7d")));
	assert_int_equal(e.report_data.len, REPORT_DATA_LEN);
	assert_int_equal(e.report_data.ptr[63], 7);
	assert_int_equal(e.runtime.n, 1);
	assert_int_equal(e.runtime.event[0].version, 2);
	assert_true(bytes_equal(e.runtime.event[0].payload, bytes_str("\xca\xfe")));
	assert_true(bytes_equal(e.config, bytes_str("{}")));
	assert_true(bytes_equal(e.report_data_payload, bytes_str("{}")));
	assert_true(bytes_equal(encode_v1(&e, 0), raw));
	assert_false(evidence_check_report_data(&e, &why));
	assert_string_equal(why.text, "report_data does not match report_data_payload");
}

static void
test_gcp(void **state)
{
	struct arena *arena = sample_arena();
	struct bytes raw = sample_hex(arena, gcp);
	struct evidence e;
	struct reason why;

	if (!attestation_read(&e, arena, raw, &why))
		fail_msg("%s", why.text);
	assert_int_equal(e.variant, EVIDENCE_GCP_TDX);
	assert_int_equal(e.tpm.platform, TPM_PLATFORM_GCP);
	assert_int_equal(e.tpm.n_pcrs, 1);
	assert_true(bytes_equal(e.tpm.pcrs[0].algorithm, bytes_str("sha256")));
	assert_int_equal(e.tpm.events[0].pcr, 2);
	assert_true(bytes_equal(e.vm_config, bytes_str("{}")));
	assert_true(bytes_equal(encode_v1(&e, 0), raw));
	assert_false(evidence_check_report_data(&e, &why));
	assert_string_equal(why.text, "stack.report_data must be 64 bytes");
}

/* ---- what the decoder tolerates, 4.2 ---- */

#define VERSION1        "a776657273696f6e01"
#define PLATFORM(map)   "a8706c6174666f726d" map
#define STACK(map)      "a5737461636b" map
#define KIND_NITRO      "a46b696e64ad6e6974726f2d656e636c617665"
#define KIND_DSTACK     "a46b696e64a664737461636b"
#define DATA            "a464617461"
#define NSM             "a96e736d5f71756f7465"
#define REPORT_DATA     "ab7265706f72745f64617461"
#define EVENTS          "ae72756e74696d655f6576656e7473"
#define CONFIG          "a6636f6e666967"
#define EVENT           "a56576656e74"
#define PAYLOAD         "a77061796c6f6164"
#define EVENT_VERSION   "a776657273696f6e"

#define KIND_TDX        "a46b696e64a3746478"
#define KIND_GCP        "a46b696e64a76763702d746478"
#define KIND_SNP        "a46b696e64a77365762d736e70"
#define QUOTE           "a571756f7465"
#define LOG             "a96576656e745f6c6f67"
#define IMR             "a3696d72"
#define TYPE            "aa6576656e745f74797065"
#define EVENT_PAYLOAD   "ad6576656e745f7061796c6f6164"
#define PREIMAGE        "a8707265696d616765"
#define TPM_QUOTE       "a974706d5f71756f7465"
#define MESSAGE         "a76d657373616765"
#define SIGNATURE       "a97369676e6174757265"
#define PCRS            "aa7063725f76616c756573"
#define AK_CERT         "a7616b5f63657274"
#define TPM_PLATFORM    "a8706c6174666f726d"

#define TDX_OF(log)     PLATFORM("82" KIND_TDX DATA "82" QUOTE "90" LOG log)
#define EVENT_OF(imr)   TDX_OF("9184" IMR imr TYPE "0a" EVENT "a0" EVENT_PAYLOAD "c400")
#define GCP_OF(pcrs, platform, events)                                          \
    PLATFORM("82" KIND_GCP DATA "83" QUOTE "90" LOG "90" TPM_QUOTE "86" MESSAGE \
    "c400" SIGNATURE "c400" PCRS pcrs AK_CERT "c400" TPM_PLATFORM platform LOG events)

#define NITRO           PLATFORM("82" KIND_NITRO DATA "81" NSM "9101")
#define NITRO_OF(value) PLATFORM("82" KIND_NITRO DATA "81" NSM value)
#define STACK_OF(events)                                                        \
    STACK("82" KIND_DSTACK DATA "83" REPORT_DATA "90" EVENTS events CONFIG "a0")
#define PLAIN           STACK_OF("90")

static const struct {
	const char *name, *hex, *why;
} rows[] = {
	{ "least", "83" VERSION1 NITRO PLAIN, NULL },
	{ "map16", "de0003" VERSION1 NITRO PLAIN, NULL },
	{ "map32", "df00000003" VERSION1 NITRO PLAIN, NULL },
	{ "other order", "83" PLAIN NITRO VERSION1, NULL },
	{ "data first", "83" VERSION1 PLATFORM("82" DATA "81" NSM "9101" KIND_NITRO) PLAIN, NULL },
	{ "unknown at top", "84" VERSION1 "a16190" NITRO PLAIN, NULL },
	{ "third beside kind", "83" VERSION1 PLATFORM("83" KIND_NITRO "a161c0" DATA "81" NSM "9101")
	    PLAIN, NULL },
	{ "unknown in data", "83" VERSION1 PLATFORM("82" KIND_NITRO DATA "82"
	    "a161cb0000000000000000" NSM "9101") PLAIN, NULL },
	{ "bin for an array", "83" VERSION1 NITRO_OF("c40101") PLAIN, NULL },
	{ "wide bytes", "83" VERSION1 NITRO_OF("94" "cc01" "cd0001" "ce00000001"
	    "cf00000000000000ff") PLAIN, NULL },
	{ "signed bytes", "83" VERSION1 NITRO_OF("94" "d001" "d10001" "d200000001"
	    "d300000000000000ff") PLAIN, NULL },
	{ "version wide", "83" "a776657273696f6ecd0001" NITRO PLAIN, NULL },
	{ "event", "83" VERSION1 NITRO STACK_OF("9182" EVENT "a161" PAYLOAD "c401ff"), NULL },
	{ "event v2", "83" VERSION1 NITRO STACK_OF("9183" EVENT "a161" PAYLOAD "c401ff"
	    EVENT_VERSION "02"), NULL },
	{ "payload array", "83" VERSION1 NITRO STACK_OF("9182" EVENT "a161" PAYLOAD "91ccff"),
	    NULL },

	{ "version 2", "83" "a776657273696f6e02" NITRO PLAIN,
	    "version: unsupported attestation version: expected 1, got 2" },
	{ "version 0", "83" "a776657273696f6e00" NITRO PLAIN,
	    "version: unsupported attestation version: expected 1, got 0" },
	{ "version 2^64-1", "83" "a776657273696f6ecfffffffffffffffff" NITRO PLAIN,
	    "version: unsupported attestation version: expected 1, got 18446744073709551615" },
	{ "no version", "82" NITRO PLAIN, "version: is missing" },
	{ "no platform", "82" VERSION1 PLAIN, "platform: is missing" },
	{ "no stack", "82" VERSION1 NITRO, "stack: is missing" },
	{ "version twice", "84" VERSION1 VERSION1 NITRO PLAIN, "version: occurs twice" },
	{ "platform twice", "84" VERSION1 NITRO NITRO PLAIN, "platform: occurs twice" },
	{ "stack twice", "84" VERSION1 NITRO PLAIN PLAIN, "stack: occurs twice" },
	{ "no kind", "83" VERSION1 PLATFORM("81" DATA "81" NSM "9101") PLAIN,
	    "platform: kind: is missing" },
	{ "no data", "83" VERSION1 PLATFORM("81" KIND_NITRO) PLAIN, "platform: data: is missing" },
	{ "kind twice", "83" VERSION1 PLATFORM("83" KIND_NITRO KIND_NITRO DATA "81" NSM "9101")
	    PLAIN,
	    "platform: kind: occurs twice" },
	{ "data twice", "83" VERSION1 PLATFORM("83" KIND_NITRO DATA "81" NSM "9101" DATA "80")
	    PLAIN,
	    "platform: data: occurs twice" },
	{ "unknown kind", "83" VERSION1 PLATFORM("82" "a46b696e64a178" DATA "80") PLAIN,
	    "platform: kind: is unknown" },
	{ "kind of the other enum", "83" VERSION1 PLATFORM("82" KIND_DSTACK DATA "80") PLAIN,
	    "platform: kind: is unknown" },
	{ "kind as index", "83" VERSION1 PLATFORM("82" "a46b696e6402" DATA "80") PLAIN,
	    "platform: kind: is an integer, not a string" },
	{ "positional", "83" VERSION1 PLATFORM("92" "ad6e6974726f2d656e636c617665" "81" NSM "9101")
	    PLAIN, "platform: is an array, not a map" },
	{ "data positional", "83" VERSION1 PLATFORM("82" KIND_NITRO DATA "919101") PLAIN,
	    "platform: data: is an array, not a map" },
	{ "member missing", "83" VERSION1 PLATFORM("82" KIND_NITRO DATA "80") PLAIN,
	    "platform: data: nsm_quote: is missing" },
	{ "member twice", "83" VERSION1 PLATFORM("82" KIND_NITRO DATA "82" NSM "9101" NSM "9101")
	    PLAIN,
	    "platform: data: nsm_quote: occurs twice" },
	{ "integer key", "84" VERSION1 "0101" NITRO PLAIN, "key: is an integer, not a string" },
	{ "byte of 256", "83" VERSION1 NITRO_OF("91cd0100") PLAIN,
	    "platform: data: nsm_quote: byte 0: is not from 0 to 255" },
	{ "negative byte", "83" VERSION1 NITRO_OF("91ff") PLAIN,
	    "platform: data: nsm_quote: byte 0: is not from 0 to 255" },
	{ "float byte", "83" VERSION1 NITRO_OF("91ca3f800000") PLAIN,
	    "platform: data: nsm_quote: byte 0: is a float, not an integer" },
	{ "text for bytes", "83" VERSION1 NITRO_OF("a161") PLAIN,
	    "platform: data: nsm_quote: is a string, not bytes" },
	{ "array longer than the rest", "83" VERSION1 NITRO_OF("ddffffffff"),
	    "platform: data: nsm_quote: has 4294967295 items, but 0 bytes are left" },
	{ "event version 3", "83" VERSION1 NITRO STACK_OF("9183" EVENT "a161" PAYLOAD "c400"
	    EVENT_VERSION "03"),
	    "stack: data: runtime_events: event 0: version: unknown event log version: 3" },
	{ "event without name", "83" VERSION1 NITRO STACK_OF("9181" PAYLOAD "c400"),
	    "stack: data: runtime_events: event 0: event: is missing" },
	{ "event without payload", "83" VERSION1 NITRO STACK_OF("9181" EVENT "a161"),
	    "stack: data: runtime_events: event 0: payload: is missing" },
	{ "tdx event", "83" VERSION1 EVENT_OF("ceffffffff") PLAIN, NULL },
	{ "imr 2^32", "83" VERSION1 EVENT_OF("cf0000000100000000") PLAIN,
	    "platform: data: event_log: event 0: imr: is more than 4294967295" },
	{ "imr float", "83" VERSION1 EVENT_OF("ca3f800000") PLAIN,
	    "platform: data: event_log: event 0: imr: is a float, not an integer" },
	{ "imr negative", "83" VERSION1 EVENT_OF("ff") PLAIN,
	    "platform: data: event_log: event 0: imr: is negative" },
	{ "preimage nil", "83" VERSION1 TDX_OF("9185" IMR "00" TYPE "0a" EVENT "a0" EVENT_PAYLOAD
	    "c400" PREIMAGE "c0") PLAIN, NULL },
	{ "preimage bytes", "83" VERSION1 TDX_OF("9185" IMR "00" TYPE "0a" EVENT "a0"
	    EVENT_PAYLOAD "c400" PREIMAGE "c400") PLAIN,
	    "platform: data: event_log: event 0: preimage: is bytes, not a string" },
	{ "no imr", "83" VERSION1 TDX_OF("9183" TYPE "0a" EVENT "a0" EVENT_PAYLOAD "c400") PLAIN,
	    "platform: data: event_log: event 0: imr: is missing" },
	{ "no type", "83" VERSION1 TDX_OF("9183" IMR "00" EVENT "a0" EVENT_PAYLOAD "c400") PLAIN,
	    "platform: data: event_log: event 0: event_type: is missing" },
	{ "log is no array", "83" VERSION1 TDX_OF("a0") PLAIN,
	    "platform: data: event_log: is a string, not an array" },
	{ "event is no map", "83" VERSION1 TDX_OF("9100") PLAIN,
	    "platform: data: event_log: event 0: is an integer, not a map" },
	{ "event version float", "83" VERSION1 NITRO STACK_OF("9183" EVENT "a161" PAYLOAD "c400"
	    EVENT_VERSION "ca3f800000"),
	    "stack: data: runtime_events: event 0: version: is a float, not an integer" },
	{ "version float", "83" "a776657273696f6eca3f800000" NITRO PLAIN,
	    "version: is a float, not an integer" },
	{ "gcp", "83" VERSION1 GCP_OF("90", "a3676370", "90") PLAIN, NULL },
	{ "PCRs are no array", "83" VERSION1 GCP_OF("a0", "a3676370", "90") PLAIN,
	    "platform: data: tpm_quote: pcr_values: is a string, not an array" },
	{ "PCR is no map", "83" VERSION1 GCP_OF("9100", "a3676370", "90") PLAIN,
	    "platform: data: tpm_quote: pcr_values: item 0: is an integer, not a map" },
	{ "TPM platform", "83" VERSION1 GCP_OF("90", "a3676371", "90") PLAIN,
	    "platform: data: tpm_quote: platform: is unknown" },
	{ "TPM platform number", "83" VERSION1 GCP_OF("90", "01", "90") PLAIN,
	    "platform: data: tpm_quote: platform: is an integer, not a string" },
	{ "TPM events", "83" VERSION1 GCP_OF("90", "a3676370", "91c0") PLAIN,
	    "platform: data: tpm_quote: event_log: item 0: is nil, not a map" },
	{ "certificates are no array", "83" VERSION1 PLATFORM("82" KIND_SNP DATA "81"
	    "aa636572745f636861696e" "c0") PLAIN,
	    "platform: data: cert_chain: is nil, not an array" },
	{ "certificate is text", "83" VERSION1 PLATFORM("82" KIND_SNP DATA "81"
	    "aa636572745f636861696e" "91a0") PLAIN,
	    "platform: data: cert_chain: certificate 0: is a string, not bytes" },
	{ "data before a bad kind", "83" VERSION1 PLATFORM("82" DATA "80" "a46b696e64a178") PLAIN,
	    "platform: kind: is unknown" },
	{ "bad data before kind", "83" VERSION1 PLATFORM("82" DATA "c1" KIND_NITRO) PLAIN,
	    "platform: data: holds the byte c1, which is no value" },
	{ "other data before kind", "83" VERSION1 PLATFORM("82" DATA "80" KIND_NITRO) PLAIN,
	    "platform: data: nsm_quote: is missing" },
	{ "name not UTF-8", "83" VERSION1 NITRO STACK_OF("9182" EVENT "a1ff" PAYLOAD "c400"),
	    "stack: data: runtime_events: event 0: event: is not UTF-8" },
};

static void
test_rows(void **state)
{
	struct evidence out;
	struct reason why;
	char wanted[512];
	bool ok;

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct arena *arena = sample_arena();

		snprintf(wanted, sizeof wanted, "Failed to decode attestaion: %s",
		    rows[i].why != NULL ? rows[i].why : "");
		ok = attestation_read(&out, arena, sample_hex(arena, rows[i].hex), &why);
		sample_expect(rows[i].name, ok, &why, rows[i].why != NULL ? wanted : NULL);
	}
}

/* An unknown member that nests `depth` arrays; MessagePack may go 16 deep, the map included. */
static bool
nested(size_t depth, struct reason *why)
{
	char hex[1024] = "84" VERSION1 "a161";
	struct arena *arena = sample_arena();
	struct evidence out;

	for (size_t i = 0; i + 1 < depth; i++)
		strcat(hex, "91");
	strcat(hex, "90" NITRO PLAIN);
	return attestation_read(&out, arena, sample_hex(arena, hex), why);
}

static void
test_depth(void **state)
{
	struct reason why;

	assert_true(nested(11, &why));
	assert_false(nested(17, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
}

static struct evidence
limits_evidence(struct event *events, size_t n)
{
	static uint8_t report_data[REPORT_DATA_LEN];

	for (size_t i = 0; i < n; i++)
		events[i] = (struct event){ .imr = 3, .type = EVENT_TYPE_RUNTIME, .version = 1 };
	return (struct evidence){ .variant = EVIDENCE_SEV_SNP, .runtime = { events, n },
		.report_data = BYTES_OF(report_data) };
}

static void
test_limits(void **state)
{
	static struct event events[EVENT_LOG_MAX + 1];
	static uint8_t payload[EVENT_PAYLOAD_MAX + 1];
	struct arena *arena = sample_arena();
	struct evidence e = limits_evidence(events, EVENT_LOG_MAX), out;
	struct tpm_pcr pcrs[ATTESTATION_PCRS_MAX + 1] = { 0 };
	static struct tpm_event tpm_events[ATTESTATION_TPM_EVENTS_MAX + 1];
	struct reason why;

	e.n_certs = ATTESTATION_CERTS_MAX;
	assert_true(attestation_read(&out, arena, encode_v1(&e, 0), &why));
	e = limits_evidence(events, EVENT_LOG_MAX + 1);
	assert_false(attestation_read(&out, arena, encode_v1(&e, 0), &why));
	assert_string_equal(why.text, "Failed to decode attestaion: stack: data: runtime_events: "
	    "4097 events are more than 4096");
	e = limits_evidence(events, 1);
	events[0].payload = (struct bytes){ payload, EVENT_PAYLOAD_MAX };
	assert_true(attestation_read(&out, arena, encode_v1(&e, 0), &why));
	events[0].payload.len++;
	assert_false(attestation_read(&out, arena, encode_v1(&e, 0), &why));
	assert_int_equal(why.kind, REASON_LIMIT);

	e = limits_evidence(events, 0);
	e.variant = EVIDENCE_GCP_TDX;
	e.tpm.pcrs = pcrs;
	e.tpm.n_pcrs = ATTESTATION_PCRS_MAX;
	e.tpm.events = tpm_events;
	e.tpm.n_events = ATTESTATION_TPM_EVENTS_MAX;
	assert_true(attestation_read(&out, arena, encode_v1(&e, 0), &why));
	e.tpm.n_pcrs++;
	assert_false(attestation_read(&out, arena, encode_v1(&e, 0), &why));
	assert_string_equal(why.text, "Failed to decode attestaion: platform: data: tpm_quote: "
	    "pcr_values: 65 items are more than 64");
	e.tpm.n_pcrs--;
	e.tpm.n_events++;
	assert_false(attestation_read(&out, arena, encode_v1(&e, 0), &why));
	assert_string_equal(why.text, "Failed to decode attestaion: platform: data: tpm_quote: "
	    "event_log: 4097 items are more than 4096");
}

static void
test_many_certs(void **state)
{
	/* 17 certificates do not fit the struct, so the bytes are written by hand. */
	static const char hex[] = "83" VERSION1 PLATFORM("82" "a46b696e64a77365762d736e70" DATA "83"
	    "a67265706f7274" "90" "aa636572745f636861696e" "dc0011"
	    "9090909090909090909090909090909090" "a96d725f636f6e666967" "a0") PLAIN;
	struct arena *arena = sample_arena();
	struct evidence out;
	struct reason why;

	assert_false(attestation_read(&out, arena, sample_hex(arena, hex), &why));
	assert_string_equal(why.text, "Failed to decode attestaion: platform: data: cert_chain: "
	    "17 certificates are more than 16");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pod),
		cmocka_unit_test(test_gcp),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many_certs),
	};

	return cmocka_run_group_tests_name("attestation_v1", tests, NULL, NULL);
}
