#include <stdio.h>

#include "../teesim/encode.h"
#include "../support/sample.h"
#include "testing.h"

/* 64 bytes of report_data and an empty config. */
#define RD      "0000000000000000000000000000000000000000000000000000000000000000" \
    "0000000000000000000000000000000000000000000000000000000000000000"

/* attestation-and-events.md 3.1 and 3.2; hex after the version byte */
static const struct {
	const char *name, *hex, *why;
} rows[] = {
	{ "tdx, all empty", "00" "00" "00" "00" RD "00", NULL },
	{ "nitro enclave", "02" "00" "00" RD "00", NULL },
	{ "snp", "03" "00" "00" "00" "00" RD "00", NULL },
	{ "snp 16 certs", "03" "00" "40" "00000000000000000000000000000000" "00" "00" RD "00",
	    NULL },
	{ "nitro tpm", "04" "00" "00" RD "00", NULL },
	{ "no variant", "", "platform: is missing" },
	{ "variant 5", "05" "00" "00" RD "00", "platform: unknown index 5" },
	{ "variant 255", "ff" "00" "00" RD "00", "platform: unknown index 255" },
	{ "length in two bytes", "02" "0100" "00" RD "00",
	    "nsm_quote: compact integer 0 is not in its shortest form" },
	{ "63 in two bytes", "02" "fd00" RD RD "00",
	    "nsm_quote: compact integer 63 is not in its shortest form" },
	{ "64 in four bytes", "02" "02010000" RD RD,
	    "nsm_quote: compact integer 64 is not in its shortest form" },
	{ "0 in five bytes", "02" "0300000000" RD,
	    "nsm_quote: compact integer 0 is not in its shortest form" },
	{ "six bytes", "02" "0700000000ff" RD, "nsm_quote: compact integer is wider than 32 bits" },
	{ "length cut", "02" "01", "nsm_quote: compact integer is cut short" },
	{ "longer than the rest", "02" "0800", "nsm_quote: has 2 bytes, but 1 are left" },
	{ "huge length", "02" "03ffffffff", "nsm_quote: has 4294967295 bytes, but 0 are left" },
	{ "2^30 certs", "03" "00" "0300000040",
	    "cert_chain: has 1073741824 items, but 0 bytes are left" },
	{ "17 certs", "03" "00" "44" "0000000000000000000000000000000000" "00" "00" RD "00",
	    "cert_chain: has more than 16 items" },
	{ "4097 events in none", "02" "00" "0540",
	    "runtime_events: has 4097 items, but 0 bytes are left" },
	{ "events that cannot be there", "02" "00" "80" "0000",
	    "runtime_events: has 32 items, but 2 bytes are left" },
	{ "bad name", "02" "00" "04" "04ff" "00" RD "00",
	    "runtime_events: event 0: event: is not UTF-8" },
	{ "bad config", "02" "00" "00" RD "04ff", "config: is not UTF-8" },
	{ "short report_data", "02" "00" "00" "0000", "report_data: is shorter than 64 bytes" },
	{ "ends in cert", "03" "00" "04" "08aa", "cert_chain: has 2 bytes, but 1 are left" },
	{ "ends in report", "03" "08aa", "report: has 2 bytes, but 1 are left" },
	{ "ends before mr_config", "03" "00" "00", "mr_config: compact integer is cut short" },
	{ "ends before config", "02" "00" "00" RD, "config: compact integer is cut short" },
	{ "ends after event", "00" "00" "04" "00000000" "00000000" "00" "00" "00",
	    "runtime_events: compact integer is cut short" },
	{ "ends in event", "00" "00" "04" "00000000" "00000000" "00" "00" "04",
	    "event_log: event 0: payload: has 1 bytes, but 0 are left" },
	{ "ends in PCR", "01" "00" "00" "00" "00" "04" "000000000000",
	    "tpm_quote: ak_cert: compact integer is cut short" },
	{ "ends in PCR value", "01" "00" "00" "00" "00" "04" "000000000008",
	    "tpm_quote: pcr_values: item 0: value: has 2 bytes, but 0 are left" },
	{ "ends before TPM platform", "01" "00" "00" "00" "00" "00" "00",
	    "tpm_quote: platform: is missing" },
	{ "ends in TPM event", "01" "00" "00" "00" "00" "00" "00" "00" "04" "0000000004",
	    "tpm_quote: event_log: item 0: digest: has 1 bytes, but 0 are left" },
	{ "bad TPM platform", "01" "00" "00" "00" "00" "00" "00" "04" "00" "00" RD "00",
	    "tpm_quote: platform: unknown index 4" },
	{ "gcp", "01" "00" "00" "00" "00" "00" "00" "03" "00" "00" RD "00", NULL },
};

static void
test_rows(void **state)
{
	struct evidence out;
	struct reason why;
	char hex[1024], wanted[512];
	bool ok;

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct arena *arena = sample_arena();

		snprintf(hex, sizeof hex, "00%s", rows[i].hex);
		snprintf(wanted, sizeof wanted, "Failed to decode attestaion: %s",
		    rows[i].why != NULL ? rows[i].why : "");
		ok = attestation_read(&out, arena, sample_hex(arena, hex), &why);
		sample_expect(rows[i].name, ok, &why, rows[i].why != NULL ? wanted : NULL);
	}
}

static void
expect_v0(const struct evidence *e, const char *want)
{
	struct arena *arena = sample_arena();
	struct evidence out;
	struct reason why;
	bool ok = attestation_read(&out, arena, encode_v0(e), &why);

	sample_expect("limit", ok, &why, want);
}

static void
test_event_limits(void **state)
{
	static struct event events[EVENT_LOG_MAX + 1];
	static uint8_t payload[EVENT_PAYLOAD_MAX + 1], report_data[REPORT_DATA_LEN];
	struct evidence e = { .variant = EVIDENCE_TDX, .report_data = BYTES_OF(report_data) };

	e.log = e.runtime = (struct event_list){ events, EVENT_LOG_MAX };
	expect_v0(&e, NULL);
	e.log.n = 0;
	e.runtime.n++;
	expect_v0(&e, "Failed to decode attestaion: runtime_events: has more than 4096 items");
	e.log.n = e.runtime.n;
	expect_v0(&e, "Failed to decode attestaion: event_log: has more than 4096 items");
	e.log.n = e.runtime.n = 1;
	events[0].payload = (struct bytes){ payload, EVENT_PAYLOAD_MAX };
	expect_v0(&e, NULL);
	events[0].payload.len++;
	expect_v0(&e, "Failed to decode attestaion: event_log: event 0: payload: "
	    "is longer than 65536 bytes");
	e.log.n = 0;
	expect_v0(&e, "Failed to decode attestaion: runtime_events: event 0: payload: "
	    "is longer than 65536 bytes");
}

static void
test_tpm_limits(void **state)
{
	static struct tpm_event events[ATTESTATION_TPM_EVENTS_MAX + 1];
	static uint8_t report_data[REPORT_DATA_LEN];
	struct tpm_pcr pcrs[ATTESTATION_PCRS_MAX + 1] = { 0 };
	struct evidence e = { .variant = EVIDENCE_GCP_TDX, .report_data = BYTES_OF(report_data) };

	e.tpm.pcrs = pcrs;
	e.tpm.n_pcrs = ATTESTATION_PCRS_MAX;
	e.tpm.events = events;
	e.tpm.n_events = ATTESTATION_TPM_EVENTS_MAX;
	expect_v0(&e, NULL);
	e.tpm.n_pcrs++;
	expect_v0(&e, "Failed to decode attestaion: tpm_quote: pcr_values: "
	    "has more than 64 items");
	e.tpm.n_pcrs--;
	e.tpm.n_events++;
	expect_v0(&e, "Failed to decode attestaion: tpm_quote: event_log: "
	    "has more than 4096 items");
}

/* The byte map of attestation-and-events.md 3.3. */
static void
test_lite_fixture(void **state)
{
	struct sample s;
	struct evidence *e = &s.evidence;

	sample_load(&s, "dstack-verifier/tdx-lite-attestation.json");
	assert_int_equal(s.raw.len, 7305);
	assert_int_equal(e->variant, EVIDENCE_TDX);
	assert_ptr_equal(e->quote.ptr, s.raw.ptr + 4);
	assert_int_equal(e->quote.len, 5006);
	assert_int_equal(e->log.n, 12);
	assert_int_equal(e->log.event[0].type, EVENT_TYPE_ACPI);
	assert_int_equal(e->log.event[0].digest.len, 48);
	assert_true(bytes_equal(e->log.event[0].name, bytes_str("acpi-loader")));
	assert_true(bytes_equal(e->log.event[0].payload, bytes_str("ACPI DATA")));
	assert_int_equal(e->runtime.n, 9);
	assert_true(bytes_equal(e->runtime.event[0].name, bytes_str("system-preparing")));
	assert_ptr_equal(e->report_data.ptr, s.raw.ptr + 6196);
	assert_ptr_equal(e->config.ptr, s.raw.ptr + 6262);
	assert_int_equal(e->config.len, 1043);
}

static void
test_snp_fixture(void **state)
{
	struct sample s;
	struct evidence *e = &s.evidence;

	sample_load(&s, "dstack-verifier/sev-snp-attestation.json");
	assert_int_equal(s.raw.len, 8292);
	assert_int_equal(e->variant, EVIDENCE_SEV_SNP);
	assert_ptr_equal(e->document.ptr, s.raw.ptr + 4);
	assert_int_equal(e->document.len, 1184);
	assert_int_equal(e->n_certs, 2);
	assert_int_equal(e->runtime.n, 9);
	assert_ptr_equal(e->report_data.ptr, s.raw.ptr + 6270);
	assert_true(s.raw.ptr + 8292 == e->config.ptr + e->config.len);
}

static void
test_nitro_fixture(void **state)
{
	struct sample s;

	sample_load(&s, "dstack/nitro_attestation_framed.bin");
	assert_int_equal(s.raw.len, 4709);
	assert_int_equal(s.evidence.variant, EVIDENCE_NITRO_ENCLAVE);
	assert_ptr_equal(s.evidence.document.ptr, s.raw.ptr + 4);
	assert_int_equal(s.evidence.document.len, 4526);
	assert_int_equal(s.evidence.runtime.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_event_limits),
		cmocka_unit_test(test_tpm_limits),
		cmocka_unit_test(test_lite_fixture),
		cmocka_unit_test(test_snp_fixture),
		cmocka_unit_test(test_nitro_fixture),
	};

	return cmocka_run_group_tests_name("attestation_v0", tests, NULL, NULL);
}
