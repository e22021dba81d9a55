/*
 * The bytes of attestations and requests: attestation-and-events.md 2 to 5, and the input rules of
 * http-api-and-cli.md 2.1 that can be seen from here.
 *
 * V0 of the sound machine: 00 00, compact length of the quote at 2, quote at 4.
 */
#include <stdio.h>

#include "judge.h"

#define INTERNAL        "Internal error: "
#define DECODE          "Failed to decode attestaion: "
#define CREATE          "Failed to create attestation: "

static void
v0(struct guest *g, struct judge *judge)
{
}

static void
v1(struct guest *g, struct judge *judge)
{
	g->form = GUEST_V1;
}

static void
getquote(struct guest *g, struct judge *judge)
{
	g->form = GUEST_GETQUOTE;
	g->full_log = true;
}

/* Cuts behind, so that what follows is missing; `arg` counts from the end of a part. */
enum part { END_OF_QUOTE, END_OF_LOG, END_OF_RUNTIME, END_OF_REPORT_DATA };

static size_t
part_end(struct guest *g, enum part part)
{
	struct guest copy = *g;
	const uint8_t *at;

	copy.change = (struct change){ .stage = STAGE_NONE };
	guest_build(&copy);
	at = memmem(copy.attestation.ptr, copy.attestation.len, copy.vm_config.ptr,
	    copy.vm_config.len);
	/* The config's length, of two bytes or four, stands before it. */
	at -= copy.vm_config.len < 16384 ? 2 : 4;
	switch (part) {
	case END_OF_QUOTE:
		return 4 + copy.quote.len;
	case END_OF_LOG:
		return (size_t)((const uint8_t *)memmem(copy.attestation.ptr + 4 + copy.quote.len,
		    copy.attestation.len - 4 - copy.quote.len, "\x24\x40system-preparing", 18) -
		    copy.attestation.ptr);
	case END_OF_RUNTIME:
		return (size_t)(at - copy.attestation.ptr) - 64;
	case END_OF_REPORT_DATA:
		break;
	}
	return (size_t)(at - copy.attestation.ptr);
}

static void
cut_at(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)KEEP(STAGE_ATTESTATION, part_end(g, (enum part)arg));
}

static void
cut_before(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)KEEP(STAGE_ATTESTATION, part_end(g, (enum part)arg) - 1);
}

static void
cut_behind(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)KEEP(STAGE_ATTESTATION, part_end(g, (enum part)arg) + 1);
}

static const char *const counts[] = {
	"fc", "02000100", "03ffffffff", "0300000040", "fd03", "01", "0100", "02000000",
	    "0300000000",
	"07000000", "ffffffffff",
};

/* Another count in place of the log's: arg picks it. */
static void
log_count(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)PATCH(STAGE_ATTESTATION, part_end(g, END_OF_QUOTE),
	    counts[arg]);
}

static void
runtime_count(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)PATCH(STAGE_ATTESTATION, part_end(g, END_OF_LOG), counts[arg]);
}

static void
config_count(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)PATCH(STAGE_ATTESTATION, part_end(g, END_OF_REPORT_DATA),
	    counts[arg]);
}

static void
bad_utf8(struct guest *g, struct judge *judge, int arg)
{
	static const char *const names[] = { "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	    "a\xc3" };

	guest_insert(g, 3, 1, names[arg], EMPTY);
}

static void
config_utf8(struct guest *g, struct judge *judge, int arg)
{
	g->config = ",\"x\":\"\xff\"";
}

/* Other variants, which are for now not judged. */
static void
variant(struct guest *g, struct judge *judge, int arg)
{
	struct evidence e = { .variant = (enum evidence_variant)arg, .form = EVIDENCE_FORM_V0 };
	struct bytes raw;

	e.report_data = build_random(0, "report data", 0, 64);
	e.config = bytes_str("{}");
	raw = g->form == GUEST_V1 ? encode_v1(&e, 0) : encode_v0(&e);
	g->change = (struct change)SET(STAGE_BODY, build_str(build_text("{\"attestation\":\"%s\"}",
	    build_str(build_digits(raw, false)))));
}

static const struct row v0_rows[] = {
	{ "no byte", NULL, 0, KEEP(STAGE_ATTESTATION, 0), DECODE "Empty attestation bytes" },
	{ "one byte", NULL, 0, KEEP(STAGE_ATTESTATION, 1),
	    DECODE "platform: is missing" },
	{ "two bytes", NULL, 0, KEEP(STAGE_ATTESTATION, 2),
	    DECODE "quote: compact integer is cut short" },
	{ "CBOR", NULL, 0, PATCH(STAGE_ATTESTATION, 0, "a3"),
	    DECODE "Unknown attestation wire format" },
	{ "version 1 in SCALE", NULL, 0, PATCH(STAGE_ATTESTATION, 0, "01"),
	    DECODE "Unknown attestation wire format" },
	{ "first byte ff", NULL, 0, PATCH(STAGE_ATTESTATION, 0, "ff"),
	    DECODE "Unknown attestation wire format" },
	{ "variant 5", NULL, 0, PATCH(STAGE_ATTESTATION, 1, "05"),
	    DECODE "platform: unknown index 5" },
	{ "variant 255", NULL, 0, PATCH(STAGE_ATTESTATION, 1, "ff"),
	    DECODE "platform: unknown index 255" },
	{ "a byte behind", NULL, 0, APPEND(STAGE_ATTESTATION, "00"),
	    DECODE "Trailing bytes after legacy VersionedAttestation: 1" },
	{ "the last byte missing", NULL, 0, CUT(STAGE_ATTESTATION, 1),
	    DECODE "config: has 1168 bytes, but 1167 are left" },
	{ "cut behind the quote", cut_at, END_OF_QUOTE, {0},
	    DECODE "event_log: compact integer is cut short" },
	{ "cut in the quote", cut_before, END_OF_QUOTE, {0},
	    DECODE "quote: has 3534 bytes, but 3533 are left" },
	{ "cut in the log's first event", cut_behind, END_OF_QUOTE, {0},
	    DECODE "event_log: has 12 items, but 0 bytes are left" },
	{ "cut behind the log", cut_at, END_OF_LOG, {0},
	    DECODE "runtime_events: compact integer is cut short" },
	{ "cut in the log's last event", cut_before, END_OF_LOG, {0},
	    DECODE "event_log: event 11: payload: compact integer is cut short" },
	{ "cut in the first runtime event", cut_behind, END_OF_LOG, {0},
	    DECODE "runtime_events: has 9 items, but 0 bytes are left" },
	{ "cut behind the runtime events", cut_at, END_OF_RUNTIME, {0},
	    DECODE "report_data: is shorter than 64 bytes" },
	{ "cut in the last runtime event", cut_before, END_OF_RUNTIME, {0},
	    DECODE "runtime_events: event 8: payload: compact integer is cut short" },
	{ "cut behind report_data", cut_at, END_OF_REPORT_DATA, {0},
	    DECODE "config: compact integer is cut short" },
	{ "cut in report_data", cut_before, END_OF_REPORT_DATA, {0},
	    DECODE "report_data: is shorter than 64 bytes" },
	{ "quote length 2^30", NULL, 0, PATCH(STAGE_ATTESTATION, 2, "0300000040"),
	    DECODE "quote: has 1073741824 bytes, but 5951 are left" },
	{ "quote length 2^32-1", NULL, 0, PATCH(STAGE_ATTESTATION, 2, "03ffffffff"),
	    DECODE "quote: has 4294967295 bytes, but 5951 are left" },
	{ "quote length in 4 bytes", NULL, 0, PATCH(STAGE_ATTESTATION, 2, "02000000"),
	    DECODE "quote: compact integer 0 is not in its shortest form" },
	{ "quote length 0", NULL, 0, PATCH(STAGE_ATTESTATION, 2, "00"),
	    DECODE "event_log: compact integer is wider than 32 bits" },
	{ "log count 0 in two bytes", log_count, 6, {0},
	    DECODE "event_log: compact integer 0 is not in its shortest form" },
	{ "log count 0 in four bytes", log_count, 7, {0},
	    DECODE "event_log: compact integer 0 is not in its shortest form" },
	{ "log count 0 in five bytes", log_count, 8, {0},
	    DECODE "event_log: compact integer 0 is not in its shortest form" },
	{ "log count 255 without as many bytes", log_count, 4, {0},
	    DECODE "event_log: has 255 items, but 2418 bytes are left" },
	{ "log count 16384 without as many bytes", log_count, 1, {0},
	    DECODE "event_log: has 16384 items, but 2416 bytes are left" },
	{ "log count 2^30", log_count, 3, {0},
	    DECODE "event_log: has 1073741824 items, but 2415 bytes are left" },
	{ "log count 2^32-1", log_count, 2, {0},
	    DECODE "event_log: has 4294967295 items, but 2415 bytes are left" },
	{ "log count with a length of 5", log_count, 9, {0},
	    DECODE "event_log: compact integer is wider than 32 bits" },
	{ "log count with a length of 67", log_count, 10, {0},
	    DECODE "event_log: compact integer is wider than 32 bits" },
	{ "63 runtime events of which nine are there", runtime_count, 0, {0},
	    DECODE "runtime_events: event 9: event: has 9996 bytes, but 1232 are left" },
	{ "runtime count 2^30", runtime_count, 3, {0},
	    DECODE "runtime_events: has 1073741824 items, but 1664 bytes are left" },
	{ "config length 2^32-1", config_count, 2, {0},
	    DECODE "config: has 4294967295 bytes, but 1165 are left" },
	{ "config length 2^30", config_count, 3, {0},
	    DECODE "config: has 1073741824 bytes, but 1165 are left" },
	{ "name of one byte ff", bad_utf8, 0, {0},
	    DECODE "event_log: event 6: event: is not UTF-8" },
	{ "name with an overlong NUL", bad_utf8, 1, {0},
	    DECODE "event_log: event 6: event: is not UTF-8" },
	{ "name with a surrogate", bad_utf8, 2, {0},
	    DECODE "event_log: event 6: event: is not UTF-8" },
	{ "name past U+10FFFF", bad_utf8, 3, {0},
	    DECODE "event_log: event 6: event: is not UTF-8" },
	{ "name cut in a character", bad_utf8, 4, {0},
	    DECODE "event_log: event 6: event: is not UTF-8" },
	{ "config is not UTF-8", config_utf8, 0, {0},
	    DECODE "config: is not UTF-8" },
};

static const struct row v1_rows[] = {
	{ "V1: a byte behind", NULL, 0, APPEND(STAGE_ATTESTATION, "c0"),
	    DECODE "trailing bytes after attestation msgpack: 1" },
	{ "V1: the last byte missing", NULL, 0, CUT(STAGE_ATTESTATION, 1),
	    DECODE "stack: data: config: has 1168 bytes, but 1167 are left" },
	{ "V1: one byte", NULL, 0, KEEP(STAGE_ATTESTATION, 1),
	    DECODE "has 3 items, but 0 bytes are left" },
	{ "V1: an empty map", NULL, 0, PATCH(STAGE_ATTESTATION, 0, "80"),
	    DECODE "version: is missing" },
	{ "V1: two members of three", NULL, 0, PATCH(STAGE_ATTESTATION, 0, "82"),
	    DECODE "stack: is missing" },
	{ "V1: four members of three", NULL, 0, PATCH(STAGE_ATTESTATION, 0, "84"),
	    DECODE "key: is cut short" },
	{ "V1: a list", NULL, 0, PATCH(STAGE_ATTESTATION, 0, "93"),
	    DECODE "Unknown attestation wire format" },
	{ "V1: version 2", NULL, 0, PATCH(STAGE_ATTESTATION, 9, "02"),
	    DECODE "version: unsupported attestation version: expected 1, got 2" },
	{ "V1: version 0", NULL, 0, PATCH(STAGE_ATTESTATION, 9, "00"),
	    DECODE "version: unsupported attestation version: expected 1, got 0" },
	{ "V1: version below zero", NULL, 0, PATCH(STAGE_ATTESTATION, 9, "ff"),
	    DECODE "version: is negative" },
	{ "V1: version nil", NULL, 0, PATCH(STAGE_ATTESTATION, 9, "c0"),
	    DECODE "version: is nil, not an integer" },
	{ "V1: no version", NULL, 0, REPLACE(STAGE_ATTESTATION, "version", "verslon"),
	    DECODE "version: is missing" },
	{ "V1: no platform", NULL, 0, REPLACE(STAGE_ATTESTATION, "platform", "platforn"),
	    DECODE "platform: is missing" },
	{ "V1: no stack", NULL, 0, REPLACE(STAGE_ATTESTATION, "stack", "stock"),
	    DECODE "stack: is missing" },
	{ "V1: no kind", NULL, 0, REPLACE(STAGE_ATTESTATION, "kind", "kine"),
	    DECODE "platform: kind: is missing" },
	{ "V1: unknown kind", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa3tdx", "\xa3tdy"),
	    DECODE "platform: kind: is unknown" },
	{ "V1: unknown "
	    "stack", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa6" "dstack", "\xa6" "dstock"),
	    DECODE "stack: kind: is unknown" },
	{ "V1: no data", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa4" "data", "\xa4" "dada"),
	    DECODE "platform: data: is missing" },
	{ "V1: no quote", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa5quote", "\xa5quota"),
	    DECODE "platform: data: quote: is missing" },
	{ "V1: quote nil", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa5quote",
	    "\xa5quote\xc0\xa1x"),
	    DECODE "platform: data: quote: is nil, not bytes" },
	{ "V1: no event_log", NULL, 0, REPLACE(STAGE_ATTESTATION, "event_log", "event_lag"),
	    DECODE "platform: data: event_log: is missing" },
	{ "V1: no imr", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa3imr", "\xa3imx"),
	    DECODE "platform: data: event_log: event 0: imr: is missing" },
	{ "V1: imr is a "
	    "string", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa3imr", "\xa3imr\xa1x\xa1x"),
	    DECODE "platform: data: event_log: event 0: imr: is a string, not an integer" },
	{ "V1: imr of eight bytes", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa3imr",
	    "\xa3imr\xcf\x01\x01\x01\x01\x01\x01\x01\x01\xa1x"),
	    DECODE "platform: data: event_log: event 0: imr: is more than 4294967295" },
	{ "V1: imr is a float", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa3imr",
	    "\xa3imr\xca\x01\x01\x01\x01\xa1x"),
	    DECODE "platform: data: event_log: event 0: imr: is a float, not an integer" },
	{ "V1: imr twice", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xaa" "event_type", "\xa3imr"),
	    DECODE "platform: data: event_log: event 0: imr: occurs twice" },
	{ "V1: no event_type", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xaa" "event_type",
	    "\xaa" "event_typf"),
	    DECODE "platform: data: event_log: event 0: event_type: is missing" },
	{ "V1: no event", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa5" "event", "\xa5" "evens"),
	    DECODE "platform: data: event_log: event 0: event: is missing" },
	{ "V1: no event_payload", NULL, 0, REPLACE(STAGE_ATTESTATION, "event_payload",
	    "event_paymoad"),
	    DECODE "platform: data: event_log: event 0: event_payload: is missing" },
	{ "V1: no report_data", NULL, 0, REPLACE(STAGE_ATTESTATION, "report_data", "report_dat_"),
	    DECODE "stack: data: report_data: is missing" },
	{ "V1: no runtime_events", NULL, 0, REPLACE(STAGE_ATTESTATION, "runtime_events",
	    "runtime_event_"),
	    DECODE "stack: data: runtime_events: is missing" },
	{ "V1: no config", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xa6" "config", "\xa6" "confit"),
	    DECODE "stack: data: config: is missing" },
	{ "V1: key is an integer", NULL, 0, PATCH(STAGE_ATTESTATION, 1, "01"),
	    DECODE "key: is an integer, not a string" },
	{ "V1: name of one byte ff", bad_utf8, 0, {0},
	    DECODE "platform: data: event_log: event 6: event: is not UTF-8" },
	{ "V1: config is not UTF-8", config_utf8, 0, {0},
	    DECODE "stack: data: config: is not UTF-8" },
	{ "V1: an event of version 0", NULL, 0, REPLACE(STAGE_ATTESTATION, "\xaa" "event_type",
	    "\xa7version\xc2\xaa" "event_type"),
	    DECODE "platform: data: event_log: event 0: version: is a boolean, not an integer" },
};

/* Nested deeper than 16, in a member that nobody knows. */
static void
deep(struct guest *g, struct judge *judge, int arg)
{
	char *text = (char *)(uintptr_t)build_str(build_random(0, "x", 0, (size_t)arg + 32));

	(void)strcpy(text, "\xa7verslon");
	memset(text + 8, 0x91, (size_t)arg);
	text[8 + arg] = (char)0xc0;
	(void)strcpy(text + 9 + arg, "\xa7version");
	g->change = (struct change){ STAGE_ATTESTATION, CHANGE_REPLACE, 0, "\xa7version", text };
}

static void
deep_counted(struct guest *g, struct judge *judge, int arg)
{
	struct bytes raw;
	struct guest copy = *g;

	deep(&copy, judge, arg);
	guest_build(&copy);
	raw = change_apply(&(const struct change)PATCH(STAGE_NONE, 0, "84"), STAGE_NONE,
	    copy.attestation);
	g->change = (struct change)SET(STAGE_BODY, build_str(build_text("{\"attestation\":\"%s\"}",
	    build_str(build_digits(raw, false)))));
}

static const struct row deep_rows[] = {
	{ "an unknown member of some depth", deep_counted, 5, {0}, NULL },
	{ "an unknown member 17 deep", deep_counted, 17, {0},
	    DECODE "unknown member: nests deeper than 11 levels" },
	{ "an unknown member 1000 deep", deep_counted, 1000, {0},
	    DECODE "unknown member: nests deeper than 11 levels" },
	{ "an unknown member 10000 deep", deep_counted, 10000, {0},
	    DECODE "unknown member: nests deeper than 11 levels" },
};

static const struct row variant_rows[] = {
	{ "GCP TDX", variant, EVIDENCE_GCP_TDX, {0},
	    "Quote verification failed: evidence of dstack-gcp-tdx is not supported" },
	{ "Nitro Enclave", variant, EVIDENCE_NITRO_ENCLAVE, {0},
	    "Quote verification failed: evidence of dstack-nitro-enclave is not supported" },
	{ "SEV-SNP", variant, EVIDENCE_SEV_SNP, {0},
	    "Quote verification failed: evidence of dstack-amd-sev-snp is not supported" },
	{ "NitroTPM", variant, EVIDENCE_AWS_NITRO_TPM, {0},
	    "Quote verification failed: evidence of dstack-aws-nitro-tpm is not supported" },
};

static void
sgx_quote(struct guest *g, struct judge *judge, int arg)
{
	struct guest sgx;

	guest_init(&sgx, 0);
	mock_init_sgx(&sgx.intel);
	guest_build(&sgx);
	g->change = (struct change)SET(STAGE_BODY, build_str(build_text("{\"%s\":\"%s\","
	    "\"event_log\":\"[]\",\"vm_config\":\"{}\"}", "quote",
	    build_str(build_digits(sgx.quote, false)))));
}

static const struct row getquote_rows[] = {
	{ "GetQuote: SGX quote", sgx_quote, 0, {0}, CREATE "Invalid TDX report" },
	{ "GetQuote: quote cut", NULL, 0, KEEP(STAGE_QUOTE, 47),
	    CREATE "Invalid TDX quote: Not enough data to fill buffer" },
	{ "GetQuote: quote of no byte", NULL, 0, KEEP(STAGE_QUOTE, 0),
	    CREATE "Invalid TDX quote: Not enough data to fill buffer" },
	{ "GetQuote: log is empty text", NULL, 0, KEEP(STAGE_LOG, 0),
	    CREATE "event log: JSON is empty" },
	{ "GetQuote: log is an object", NULL, 0, SET(STAGE_LOG, "{}"),
	    CREATE "event log: \"event_log\" is an object, not an array" },
	{ "GetQuote: log is null", NULL, 0, SET(STAGE_LOG, "null"),
	    CREATE "event log: \"event_log\" is null, not an array" },
	{ "GetQuote: log cut", NULL, 0, CUT(STAGE_LOG, 1),
	    CREATE "event log: JSON ends early at byte 5730" },
	{ "GetQuote: two logs", NULL, 0, APPEND(STAGE_LOG, "5b5d"),
	    CREATE "event log: JSON has more text after the value at byte 5731" },
	{ "GetQuote: an event is a list", NULL, 0, REPLACE(STAGE_LOG, "[{", "[[],{"),
	    CREATE "event log: event 0: \"event\" is an array, not an object" },
	{ "GetQuote: an event is null", NULL, 0, REPLACE(STAGE_LOG, "[{", "[null,{"),
	    CREATE "event log: event 0: \"event\" is null, not an object" },
	{ "GetQuote: no imr", NULL, 0, REPLACE(STAGE_LOG, "\"imr\"", "\"IMR\""),
	    CREATE "event log: event 0: \"imr\" is missing" },
	{ "GetQuote: imr null", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"imr\":null"),
	    CREATE "event log: event 0: \"imr\" is null, not a number" },
	{ "GetQuote: imr 1.0", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"imr\":0.0"),
	    CREATE "event log: event 0: \"imr\" is not a plain unsigned integer" },
	{ "GetQuote: imr -1", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"imr\":-1"),
	    CREATE "event log: event 0: \"imr\" is not a plain unsigned integer" },
	{ "GetQuote: imr 2^32", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"imr\":4294967296"),
	    CREATE "event log: event 0: \"imr\" is more than 4294967295" },
	{ "GetQuote: imr as a string", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"imr\":\"0\""),
	    CREATE "event log: event 0: \"imr\" is a string, not a number" },
	{ "GetQuote: no event_type", NULL, 0, REPLACE(STAGE_LOG, "event_type", "type"),
	    CREATE "event log: event 0: \"event_type\" is missing" },
	{ "GetQuote: event_type 2^32", NULL, 0, REPLACE(STAGE_LOG, "2147483659", "4294967296"),
	    CREATE "event log: event 0: \"event_type\" is more than 4294967295" },
	{ "GetQuote: digest "
	    "null", NULL, 0, REPLACE(STAGE_LOG, "\"digest\":", "\"digest\":null,\"x\":"),
	    CREATE "event log: event 0: \"digest\" is null, not a string" },
	{ "GetQuote: digest of an odd digit", NULL, 0, REPLACE(STAGE_LOG, "\"digest\":\"",
	    "\"digest\":\"0"),
	    CREATE "event log: event 0: \"digest\" has an odd number of hex digits" },
	{ "GetQuote: digest with "
	    "0x", NULL, 0, REPLACE(STAGE_LOG, "\"digest\":\"", "\"digest\":\"0x"),
	    CREATE "event log: event 0: \"digest\" is not hex at digit 1" },
	{ "GetQuote: digest with a "
	    "blank", NULL, 0, REPLACE(STAGE_LOG, "\"digest\":\"", "\"digest\":\" 0"),
	    CREATE "event log: event 0: \"digest\" is not hex at digit 0" },
	{ "GetQuote: no event name", NULL, 0, REPLACE(STAGE_LOG, "\"event\"", "\"name\""),
	    CREATE "event log: event 0: \"event\" is missing" },
	{ "GetQuote: event name "
	    "null", NULL, 0, REPLACE(STAGE_LOG, "\"event\":\"\"", "\"event\":null"),
	    CREATE "event log: event 0: \"event\" is null, not a string" },
	{ "GetQuote: no payload", NULL, 0, REPLACE(STAGE_LOG, "event_payload", "payload"),
	    CREATE "event log: event 0: \"event_payload\" is missing" },
	{ "GetQuote: payload not hex", NULL, 0, REPLACE(STAGE_LOG, "\"event_payload\":\"",
	    "\"event_payload\":\"g0"),
	    CREATE "event log: event 0: \"event_payload\" is not hex at digit 0" },
	{ "GetQuote: payload a list", NULL, 0, REPLACE(STAGE_LOG, "\"event_payload\":\"\"",
	    "\"event_payload\":[]"),
	    CREATE "event log: event 0: \"event_payload\" is an array, not a string" },
	{ "GetQuote: imr twice", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"imr\":0,\"imr\":0"),
	    CREATE "event log: JSON object at byte 1 repeats a key" },
	{ "GetQuote: an unknown member twice", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0",
	    "\"x\":0,\"x\":0,\"imr\":0"),
	    CREATE "event log: JSON object at byte 1 repeats a key" },
	{ "GetQuote: an unknown "
	    "member", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"x\":{},\"imr\":0"),
	    NULL },
	{ "GetQuote: event version "
	    "0", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"version\":0,\"imr\":0"),
	    CREATE "event log: event 0: unknown event log version: 0" },
	{ "GetQuote: event version "
	    "3", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"version\":3,\"imr\":0"),
	    CREATE "event log: event 0: unknown event log version: 3" },
	{ "GetQuote: event version null", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0",
	    "\"version\":null,\"imr\":0"),
	    CREATE "event log: event 0: \"version\" is null, not a number" },
	{ "GetQuote: preimage a number", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0",
	    "\"preimage\":1,\"imr\":0"),
	    CREATE "event log: event 0: \"preimage\" is a number, not a string" },
	{ "GetQuote: preimage null", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0",
	    "\"preimage\":null,\"imr\":0"), NULL },
	{ "GetQuote: a lone surrogate in a name", NULL, 0, REPLACE(STAGE_LOG, "\"event\":\"\"",
	    "\"event\":\"\\ud800\""),
	    CREATE "event log: JSON string has a lone surrogate at byte 151" },
	{ "GetQuote: NaN", NULL, 0, REPLACE(STAGE_LOG, "\"imr\":0", "\"imr\":NaN"),
	    CREATE "event log: JSON wants a value at byte 8" },
	{ "GetQuote: upper-case "
	    "digits", NULL, 0, REPLACE(STAGE_LOG, "41435049", "41435049"), NULL },
};

static const struct row body_rows[] = {
	{ "request: empty body", NULL, 0, SET(STAGE_BODY, ""),
	    "JSON is empty" },
	{ "request: a list", NULL, 0, SET(STAGE_BODY, "[]"),
	    "\"request\" is an array, not an object" },
	{ "request: an empty object", NULL, 0, SET(STAGE_BODY, "{}"),
	    INTERNAL "Quote is required" },
	{ "request: text behind", NULL, 0, APPEND(STAGE_BODY, "7b7d"),
	    "JSON has more text after the value at byte 14527" },
	{ "request: cut", NULL, 0, CUT(STAGE_BODY, 1),
	    "JSON ends early at byte 14526" },
	{ "request: quote with 0x", NULL, 0, REPLACE(STAGE_BODY, "\"quote\":\"", "\"quote\":\"0x"),
	    "\"quote\" is not hex at digit 1" },
	{ "request: quote with an odd digit", NULL, 0, REPLACE(STAGE_BODY, "\"quote\":\"",
	    "\"quote\":\"0"),
	    "\"quote\" has an odd number of hex digits" },
	{ "request: quote is a "
	    "number", NULL, 0, REPLACE(STAGE_BODY, "\"quote\":", "\"quote\":1,\"x\":"),
	    "\"quote\" is a number, not a string" },
	{ "request: no event log", NULL, 0, REPLACE(STAGE_BODY, "\"event_log\"", "\"eventlog\""),
	    INTERNAL "Event log is required" },
	{ "request: quote twice", NULL, 0, REPLACE(STAGE_BODY, "{\"quote\"",
	    "{\"quote\":\"00\",\"quote\""),
	    "\"quote\" occurs twice" },
	{ "request: an unknown member twice", NULL, 0, REPLACE(STAGE_BODY, "{\"quote\"",
	    "{\"x\":1,\"x\":1,\"quote\""), NULL },
	{ "request: NaN in an unknown member", NULL, 0, REPLACE(STAGE_BODY, "{\"quote\"",
	    "{\"x\":NaN,\"quote\""),
	    "JSON wants a value at byte 5" },
	{ "request: a lone surrogate in an unknown "
	    "member", NULL, 0, REPLACE(STAGE_BODY, "{\"quote\"",
	    "{\"x\":\"\\udc00\",\"quote\""),
	    "JSON string has a lone surrogate at byte 6" },
	{ "request: a control character in an unknown "
	    "member", NULL, 0, REPLACE(STAGE_BODY, "{\"quote\"",
	    "{\"x\":\"\x01\",\"quote\""),
	    "JSON string holds a control character at byte 6" },
	{ "request: expected app id of another "
	    "application", NULL, 0, REPLACE(STAGE_BODY, "{\"quote\"",
	    "{\"expected_app_id\":\"00\",\"quote\""),
	    "Policy check failed: expected_app_id does not match" },
};

static void
deep_body(struct guest *g, struct judge *judge, int arg)
{
	char *text = (char *)(uintptr_t)build_str(build_random(0, "x", 0, 2 * (size_t)arg + 32));

	(void)strcpy(text, "{\"x\":");
	memset(text + 5, '[', (size_t)arg);
	memset(text + 5 + arg, ']', (size_t)arg);
	(void)strcpy(text + 5 + 2 * arg, ",\"quote\"");
	g->change = (struct change){ STAGE_BODY, CHANGE_REPLACE, 0, "{\"quote\"", text };
}

static const struct row deep_body_rows[] = {
	{ "a member 100 deep", deep_body, 100, {0}, NULL },
	{ "a member 10000 deep", deep_body, 10000, {0},
	    "JSON nests deeper than 1024 levels at byte 1028" },
};

#define TABLE(prefix, base, rows) \
	judge_table(&(struct table){ prefix, base, rows, NELEM(rows) })

static void
test_v0(void **state)
{
	TABLE(INTERNAL, v0, v0_rows);
}

static void
test_v1(void **state)
{
	TABLE(INTERNAL, v1, v1_rows);
	TABLE(INTERNAL, v1, deep_rows);
}

static void
test_variants(void **state)
{
	TABLE("", v0, variant_rows);
	TABLE("", v1, variant_rows);
}

static void
test_getquote(void **state)
{
	TABLE(INTERNAL, getquote, getquote_rows);
}

static void
test_body(void **state)
{
	TABLE("", getquote, body_rows);
	TABLE("", getquote, deep_body_rows);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v0),
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_getquote),
		cmocka_unit_test(test_body),
	};

	return cmocka_run_group_tests_name("attestation", tests, NULL, NULL);
}
