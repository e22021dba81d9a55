/*
 * The quote's own bytes: quote-verification.md 1, steps 4 to 9, 18 to 20, 22, 27 and 32.
 *
 * Offsets of a version 4 quote: auth_len 632, signature 636, key 700, outer type 764 and length
 * 766, QE report 770, its signature 1154, QE auth length 1218 and data 1220, inner type 1252 and
 * length 1254, PEM 1258.  Version 3 is 200 bytes shorter up to 568, and has no outer type.
 */
#include <stdio.h>

#include <openssl/sha.h>

#include "judge.h"

#define PARSE           "Failed to parse quote: "
#define SHORT           PARSE "Not enough data to fill buffer"
#define LONG            PARSE "Data length exceeds maximum"
#define QUOTE_SIGNATURE "ISV enclave report signature is invalid"
#define QE_SIGNATURE    "Signature is invalid for qe_report in quote"
#define RESERVED        "Reserved bits in TD attributes are set"
#define N_LOW           "bce6faada7179e84f3b9cac2fc632551"
#define N_ORDER         "ffffffff00000000ffffffffffffffff" N_LOW
#define ZERO_32         "0000000000000000000000000000000000000000000000000000000000000000"

static void
entry_quote(struct guest *g, struct judge *judge)
{
	judge->entry = JUDGE_QUOTE;
}

static void
version_5(struct guest *g, struct judge *judge)
{
	judge->entry = JUDGE_QUOTE;
	g->intel.quote.version = 5;
	g->intel.quote.body_type = 3;
	g->intel.quote.body_len = 648;
}

static void
body_4(struct guest *g, struct judge *judge)
{
	version_5(g, judge);
	g->intel.quote.body_type = 4;
	g->intel.quote.body_len = 885;
}

static void
version_3(struct guest *g, struct judge *judge)
{
	judge->entry = JUDGE_QUOTE;
	mock_init_sgx(&g->intel);
}

/* ---- members that are signed anew ---- */

static void
set_version(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.version = (uint16_t)arg;
}

static void
set_key_type(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.key_type = (uint16_t)arg;
}

static void
set_tee(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.tee_type = (uint32_t)arg;
}

static void
flip_vendor(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.vendor[arg] ^= 1;
}

static void
set_body_type(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.body_type = (uint16_t)arg;
}

static void
set_body_size(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.body_size = (uint32_t)arg;
}

static void
set_outer_type(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.outer_type = (uint16_t)arg;
}

/* The content that the type asks for, of zeroes. */
static void
set_cert_type(struct guest *g, struct judge *judge, int arg)
{
	static const size_t lens[] = { [1] = 36, [2] = 276, [3] = 404, [7] = 64 };
	static const uint8_t zeroes[404 + 1];   /* a row asks for one byte too many */

	g->intel.quote.cert_type = (uint16_t)arg;
	if (arg < 8 && lens[arg] != 0)
		g->intel.quote.cert_data = (struct bytes){ zeroes, lens[arg] };
	else
		g->intel.quote.cert_data = mock_pck_pem(&g->intel);
}

static void
short_ppid_2048(struct guest *g, struct judge *judge, int arg)
{
	set_cert_type(g, judge, 2);
	g->intel.quote.cert_data.len = (size_t)(276 + arg);
}

static void
short_ppid_3072(struct guest *g, struct judge *judge, int arg)
{
	set_cert_type(g, judge, 3);
	g->intel.quote.cert_data.len = (size_t)(404 + arg);
}

static void
set_qe_auth(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.qe_auth = build_random(1, "qe auth", 0, (size_t)arg);
}

static void
tail_inner(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.inner_tail = build_random(1, "tail", 0, (size_t)arg);
}

static void
tail_auth(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.auth_tail = build_random(1, "tail", 0, (size_t)arg);
}

static void
tail(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.tail = build_random(1, "tail", 0, (size_t)arg);
}

static void
big_cert(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.cert_data = build_random(1, "certification", 0, (size_t)arg);
}

static void
wrong_pck_key(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.pck_key = PKI_SIGNER;
}

/* The QE vouches for one key, another signs the quote. */
static void
stolen_report(struct guest *g, struct judge *judge, int arg)
{
	uint8_t point[PKI_POINT_LEN];

	pki_point(point, PKI_SIGNER);
	g->intel.quote.attestation_point = build_keep(point + 1, 64).ptr;
}

static void
attestation_point(struct guest *g, struct judge *judge, int arg)
{
	static const char *const points[] = {
		ZERO_32 ZERO_32,                                /* infinity, as some write it */
		/* 1, 1 is not on the curve. */
		"0000000000000000000000000000000000000000000000000000000000000001"
		"0000000000000000000000000000000000000000000000000000000000000001",
		/* The field's prime in place of X. */
		"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
		"0000000000000000000000000000000000000000000000000000000000000001",
	};

	g->intel.quote.attestation_point = build_hex(points[arg]).ptr;
}

/* The report's data is the test's, not the binding. */
static void
qe_report_data(struct guest *g, struct judge *judge, int arg)
{
	struct pki_quote *q = &g->intel.quote;
	uint8_t point[PKI_POINT_LEN];
	struct bytes bound;

	pki_point(point, q->attestation_key);
	bound = build_join((struct bytes[]){ { point + 1, 64 }, q->qe_auth }, 2);
	SHA256(bound.ptr, bound.len, q->qe_report + ENCLAVE_REPORT_DATA);
	q->keep_report_data = true;
	q->qe_report[ENCLAVE_REPORT_DATA + arg] ^= 1;
}

/* One bit of td_attributes beside SEPT_VE_DISABLE. */
static void
td_bit(struct guest *g, struct judge *judge, int arg)
{
	g->intel.quote.body[TD_ATTRIBUTES + arg / 8] |= (uint8_t)(1 << arg % 8);
}

static void
no_sept(struct guest *g, struct judge *judge, int arg)
{
	memset(g->intel.quote.body + TD_ATTRIBUTES, 0, 8);
}

static void
allow_service_td(struct guest *g, struct judge *judge, int arg)
{
	judge->policy.allow_service_td = true;
	g->intel.quote.body[TD_MR_SERVICE_TD] = 1;
}

static const struct row header_rows[] = {
	{ "version 0", set_version, 0, {0}, PARSE "Unsupported quote version" },
	{ "version 2", set_version, 2, {0}, PARSE "Unsupported quote version" },
	{ "version 6", set_version, 6, {0}, PARSE "Unsupported quote version" },
	{ "version 65535", set_version, 65535, {0}, PARSE "Unsupported quote version" },
	{ "key type 0", set_key_type, 0, {0}, "Unsupported DCAP attestation key type" },
	{ "key type 1", set_key_type, 1, {0}, "Unsupported DCAP attestation key type" },
	{ "key type 3, P-384", set_key_type, 3, {0}, "Unsupported DCAP attestation key type" },
	{ "key type 65535", set_key_type, 65535, {0}, "Unsupported DCAP attestation key type" },
	{ "tee type 1", set_tee, 1, {0}, PARSE "Invalid TEE type" },
	{ "tee type 0x82", set_tee, 0x82, {0}, PARSE "Invalid TEE type" },
	{ "tee type 0x81000000", NULL, 0, PATCH(STAGE_QUOTE, 4, "00000081"),
	    PARSE "Invalid TEE type" },
	{ "vendor, first byte", flip_vendor, 0, {0}, "Unknown QE vendor ID" },
	{ "vendor, last byte", flip_vendor, 15, {0}, "Unknown QE vendor ID" },
	{ "vendor of nobody", NULL, 0, PATCH(STAGE_QUOTE, 12, "00000000000000000000000000000000"),
	    "Unknown QE vendor ID" },
};

/* A TDX quote called SGX has a body of 384 bytes where the length then is looked for. */
static const struct row length_rows[] = {
	{ "no byte at all", NULL, 0, KEEP(STAGE_QUOTE, 0), SHORT },
	{ "header less one", NULL, 0, KEEP(STAGE_QUOTE, 47), SHORT },
	{ "header alone", NULL, 0, KEEP(STAGE_QUOTE, 48), SHORT },
	{ "report less one", NULL, 0, KEEP(STAGE_QUOTE, 631), SHORT },
	{ "no auth length", NULL, 0, KEEP(STAGE_QUOTE, 632), SHORT },
	{ "auth length cut", NULL, 0, KEEP(STAGE_QUOTE, 635), SHORT },
	{ "auth data missing", NULL, 0, KEEP(STAGE_QUOTE, 636), SHORT },
	{ "last byte missing", NULL, 0, CUT(STAGE_QUOTE, 1), SHORT },
	{ "auth_len 0", NULL, 0, PATCH(STAGE_QUOTE, 632, "00000000"), SHORT },
	{ "auth_len 127", NULL, 0, PATCH(STAGE_QUOTE, 632, "7f000000"), SHORT },
	{ "auth_len 2^31", NULL, 0, PATCH(STAGE_QUOTE, 632, "00000080"), LONG },
	{ "auth_len 2^32-1", NULL, 0, PATCH(STAGE_QUOTE, 632, "ffffffff"), LONG },
	{ "auth_len 48 KiB", NULL, 0, PATCH(STAGE_QUOTE, 632, "00c00000"), SHORT },
	{ "auth_len 48 KiB and one", NULL, 0, PATCH(STAGE_QUOTE, 632, "01c00000"), LONG },
	{ "outer length 0", NULL, 0, PATCH(STAGE_QUOTE, 766, "00000000"), SHORT },
	{ "outer length 2^31", NULL, 0, PATCH(STAGE_QUOTE, 766, "00000080"), LONG },
	{ "outer length 2^32-1", NULL, 0, PATCH(STAGE_QUOTE, 766, "ffffffff"), LONG },
	{ "outer length 48 KiB", NULL, 0, PATCH(STAGE_QUOTE, 766, "00c00000"), SHORT },
	{ "QE auth length 0", NULL, 0, PATCH(STAGE_QUOTE, 1218, "0000"),
	    PARSE "Trailing data in QE report certification data" },
	{ "QE auth length 65535", NULL, 0, PATCH(STAGE_QUOTE, 1218, "ffff"), SHORT },
	{ "certification length 0", NULL, 0, PATCH(STAGE_QUOTE, 1254, "00000000"),
	    PARSE "Trailing data in QE report certification data" },
	{ "certification length 2^31", NULL, 0, PATCH(STAGE_QUOTE, 1254, "00000080"), LONG },
	{ "certification length 2^32-1", NULL, 0, PATCH(STAGE_QUOTE, 1254, "ffffffff"), LONG },
	{ "certification length 32 KiB", NULL, 0, PATCH(STAGE_QUOTE, 1254, "00800000"), SHORT },
	{ "certification length 32 KiB and one", NULL, 0, PATCH(STAGE_QUOTE, 1254, "01800000"),
	    LONG },
	{ "inner tail", tail_inner, 1, {0},
	    PARSE "Trailing data in QE report certification data" },
	{ "auth tail", tail_auth, 1, {0}, PARSE "Trailing data in quote auth data" },
	{ "tail of 70 bytes", tail, 70, {0}, NULL },
	{ "tail of 4096 bytes", tail, 4096, {0}, NULL },
	{ "longer than 64 KiB", tail, 65536, {0},
	    PARSE "quote has 69070 bytes, more than 65536" },
	{ "certification data of 33 KiB", big_cert, 33792, {0}, LONG },
};

static const struct row type_rows[] = {
	{ "outer type 5", set_outer_type, 5, {0},
	    PARSE "Unsupported certification data type: 5" },
	{ "outer type 7", set_outer_type, 7, {0},
	    PARSE "Unsupported certification data type: 7" },
	{ "outer type 0", set_outer_type, 0, {0},
	    PARSE "Unsupported certification data type: 0" },
	{ "inner type 0", set_cert_type, 0, {0}, "Unsupported certification data type: 0" },
	{ "inner type 1", set_cert_type, 1, {0}, "Unsupported certification data type: 1" },
	{ "inner type 4", set_cert_type, 4, {0}, "Unsupported certification data type: 4" },
	{ "inner type 6", set_cert_type, 6, {0}, "Unsupported certification data type: 6" },
	{ "inner type 7", set_cert_type, 7, {0}, "Unsupported certification data type: 7" },
	{ "inner type 65535", set_cert_type, 65535, {0},
	    "Unsupported certification data type: 65535" },
	{ "encrypted PPID of 2048 bits, one short", short_ppid_2048, -1, {0},
	    PARSE "Failed to decode ENCRYPTED_PPID_2048" },
	{ "encrypted PPID of 2048 bits, one long", short_ppid_2048, 1, {0},
	    PARSE "Failed to decode ENCRYPTED_PPID_2048" },
	{ "encrypted PPID of 3072 bits, one short", short_ppid_3072, -1, {0},
	    PARSE "Failed to decode ENCRYPTED_PPID_3072" },
	{ "encrypted PPID of 3072 bits, one long", short_ppid_3072, 1, {0},
	    PARSE "Failed to decode ENCRYPTED_PPID_3072" },
};

static const struct row signature_rows[] = {
	{ "header user data", NULL, 0, FLIP(STAGE_QUOTE, 28, "01"), QUOTE_SIGNATURE },
	{ "header reserved", NULL, 0, FLIP(STAGE_QUOTE, 8, "01"), QUOTE_SIGNATURE },
	{ "tee_tcb_svn", NULL, 0, FLIP(STAGE_QUOTE, 48, "01"), QUOTE_SIGNATURE },
	{ "mr_seam", NULL, 0, FLIP(STAGE_QUOTE, 64, "01"), QUOTE_SIGNATURE },
	{ "MRTD", NULL, 0, FLIP(STAGE_QUOTE, 184, "80"), QUOTE_SIGNATURE },
	{ "RTMR3, last bit", NULL, 0, FLIP(STAGE_QUOTE, 567, "01"), QUOTE_SIGNATURE },
	{ "report data, last bit", NULL, 0, FLIP(STAGE_QUOTE, 631, "01"), QUOTE_SIGNATURE },
	{ "quote signature, r", NULL, 0, FLIP(STAGE_QUOTE, 636, "01"), QUOTE_SIGNATURE },
	{ "quote signature, s", NULL, 0, FLIP(STAGE_QUOTE, 699, "01"), QUOTE_SIGNATURE },
	{ "quote signature, r zero", NULL, 0, PATCH(STAGE_QUOTE, 636, ZERO_32), QUOTE_SIGNATURE },
	{ "quote signature, s zero", NULL, 0, PATCH(STAGE_QUOTE, 668, ZERO_32), QUOTE_SIGNATURE },
	{ "quote signature all zero", NULL, 0, PATCH(STAGE_QUOTE, 636, ZERO_32 ZERO_32),
	    QUOTE_SIGNATURE },
	{ "quote signature, r is n", NULL, 0, PATCH(STAGE_QUOTE, 636, N_ORDER), QUOTE_SIGNATURE },
	{ "quote signature, s is n", NULL, 0, PATCH(STAGE_QUOTE, 668, N_ORDER), QUOTE_SIGNATURE },
	{ "QE signature, r", NULL, 0, FLIP(STAGE_QUOTE, 1154, "01"), QE_SIGNATURE },
	{ "QE signature, s", NULL, 0, FLIP(STAGE_QUOTE, 1217, "01"), QE_SIGNATURE },
	{ "QE signature, r zero", NULL, 0, PATCH(STAGE_QUOTE, 1154, ZERO_32), QE_SIGNATURE },
	{ "QE signature, s zero", NULL, 0, PATCH(STAGE_QUOTE, 1186, ZERO_32), QE_SIGNATURE },
	{ "QE signature, r is n", NULL, 0, PATCH(STAGE_QUOTE, 1154, N_ORDER), QE_SIGNATURE },
	{ "QE signature, s is n", NULL, 0, PATCH(STAGE_QUOTE, 1186, N_ORDER), QE_SIGNATURE },
	{ "QE report after it was signed", NULL, 0, FLIP(STAGE_QUOTE, 770 + 128, "01"),
	    QE_SIGNATURE },
	{ "QE report signed by another key", wrong_pck_key, 0, {0}, QE_SIGNATURE },
	{ "attestation key", NULL, 0, FLIP(STAGE_QUOTE, 700, "01"), "QE report hash mismatch" },
	{ "QE auth data", NULL, 0, FLIP(STAGE_QUOTE, 1220, "01"), "QE report hash mismatch" },
	{ "QE report data, first byte", qe_report_data, 0, {0}, "QE report hash mismatch" },
	{ "QE report data, byte 31", qe_report_data, 31, {0}, "QE report hash mismatch" },
	{ "QE report data, byte 32", qe_report_data, 32, {0}, "QE report data tail is not zero" },
	{ "QE report data, last byte", qe_report_data, 63, {0},
	    "QE report data tail is not zero" },
	{ "another key signed the quote", stolen_report, 0, {0}, QUOTE_SIGNATURE },
	{ "attestation key at infinity", attestation_point, 0, {0}, QUOTE_SIGNATURE },
	{ "attestation key off the curve", attestation_point, 1, {0}, QUOTE_SIGNATURE },
	{ "attestation key outside the field", attestation_point, 2, {0}, QUOTE_SIGNATURE },
	{ "QE auth data of 0 bytes", set_qe_auth, 0, {0}, "Invalid QE auth data length" },
	{ "QE auth data of 31 bytes", set_qe_auth, 31, {0}, "Invalid QE auth data length" },
	{ "QE auth data of 33 bytes", set_qe_auth, 33, {0}, "Invalid QE auth data length" },
	{ "QE auth data of 1024 bytes", set_qe_auth, 1024, {0}, "Invalid QE auth data length" },
	{ "QE in debug mode", NULL, 0, PATCH(STAGE_QE_REPORT, ENCLAVE_ATTRIBUTES, "02"),
	    "QE report validation failed: Debug mode is enabled" },
	{ "SEPT_VE_DISABLE missing", no_sept, 0, {0}, "SEPT_VE_DISABLE is not enabled" },
};

static const struct row version_5_rows[] = {
	{ "body type 0", set_body_type, 0, {0}, PARSE "Unsupported body type" },
	{ "body type 5", set_body_type, 5, {0}, PARSE "Unsupported body type" },
	{ "body type 65535", set_body_type, 65535, {0}, PARSE "Unsupported body type" },
	{ "body type 1, size of 3", set_body_type, 1, {0}, PARSE "TD report body size mismatch" },
	{ "body type 2, size of 3", set_body_type, 2, {0}, PARSE "TD report body size mismatch" },
	{ "body type 4, size of 3", set_body_type, 4, {0}, PARSE "TD report body size mismatch" },
	{ "body size 647", set_body_size, 647, {0}, PARSE "TD report body size mismatch" },
	{ "body size 649", set_body_size, 649, {0}, PARSE "TD report body size mismatch" },
	{ "body size 2^31", set_body_size, -2147483647 - 1, {0},
	    PARSE "TD report body size mismatch" },
	{ "body size 2^32-1", set_body_size, -1, {0}, PARSE "TD report body size mismatch" },
	{ "tee type of SGX", set_tee, 0, {0}, PARSE "Invalid TEE type" },
	{ "tee type 1 in version 5", set_tee, 1, {0}, PARSE "Invalid TEE type" },
	{ "descriptor cut", NULL, 0, KEEP(STAGE_QUOTE, 53), SHORT },
	{ "report of version 5 less one", NULL, 0, KEEP(STAGE_QUOTE, 701), SHORT },
	{ "body type after it was signed", NULL, 0, PATCH(STAGE_QUOTE, 48, "0200"),
	    PARSE "TD report body size mismatch" },
	{ "mr_service_td", NULL, 0, PATCH(STAGE_REPORT, TD_MR_SERVICE_TD, "01"),
	    "Invalid MR service TD" },
	{ "mr_service_td, last byte", NULL, 0, PATCH(STAGE_REPORT, TD_MR_SERVICE_TD + 47, "80"),
	    "Invalid MR service TD" },
	{ "mr_service_td allowed", allow_service_td, 0, {0}, NULL },
	{ "mr_service_td unsigned", NULL, 0, FLIP(STAGE_QUOTE, 54 + TD_MR_SERVICE_TD, "01"),
	    QUOTE_SIGNATURE },
	{ "tee_tcb_svn2 unsigned", NULL, 0, FLIP(STAGE_QUOTE, 54 + TD_TEE_TCB_SVN2, "01"),
	    QUOTE_SIGNATURE },
};

static const struct row body_4_rows[] = {
	{ "body size 648", set_body_size, 648, {0}, PARSE "TD report body size mismatch" },
	{ "body size 884", set_body_size, 884, {0}, PARSE "TD report body size mismatch" },
	{ "report of body 4 less one", NULL, 0, KEEP(STAGE_QUOTE, 938), SHORT },
	{ "last signed byte", NULL, 0, FLIP(STAGE_QUOTE, 938, "01"), QUOTE_SIGNATURE },
	{ "vmid unsigned", NULL, 0, FLIP(STAGE_QUOTE, 54 + TD_VMID, "01"), QUOTE_SIGNATURE },
	{ "vmid is shown, not judged", NULL, 0, PATCH(STAGE_REPORT, TD_VMID, "01"), NULL },
};

static const struct row version_3_rows[] = {
	{ "version 4 of SGX", set_version, 4, {0}, "SGX TEE quote must have version 3" },
	{ "tee type of TDX", set_tee, 0x81, {0}, "TDX TEE quote must have version 4 or 5" },
	{ "tee type 7", set_tee, 7, {0}, "Unsupported TEE type: 7" },
	{ "enclave in debug mode", NULL, 0, PATCH(STAGE_REPORT, ENCLAVE_ATTRIBUTES, "02"),
	    "Debug mode is enabled" },
	{ "report of SGX less one", NULL, 0, KEEP(STAGE_QUOTE, 431), SHORT },
	{ "report data of SGX", NULL, 0, FLIP(STAGE_QUOTE, 431, "01"), QUOTE_SIGNATURE },
	{ "QE signature of SGX", NULL, 0, FLIP(STAGE_QUOTE, 948, "01"), QE_SIGNATURE },
	{ "attestation key of SGX", NULL, 0, FLIP(STAGE_QUOTE, 500, "01"),
	    "QE report hash mismatch" },
	{ "certification length of SGX 2^32-1", NULL, 0, PATCH(STAGE_QUOTE, 1048, "ffffffff"),
	    LONG },
	{ "auth tail of SGX", tail_auth, 1, {0}, PARSE "Trailing data in quote auth data" },
	{ "certification type 4 of SGX", set_cert_type, 4, {0},
	    "Unsupported certification data type: 4" },
};

#define PREFIX  "Quote verification failed: "
#define TABLE(base, rows)       judge_table(&(struct table){ PREFIX, base, rows, NELEM(rows) })

static void
test_header(void **state)
{
	TABLE(entry_quote, header_rows);
}

static void
test_lengths(void **state)
{
	TABLE(entry_quote, length_rows);
}

static void
test_types(void **state)
{
	TABLE(entry_quote, type_rows);
}

static void
test_signatures(void **state)
{
	TABLE(entry_quote, signature_rows);
}

static void
test_version_5(void **state)
{
	TABLE(version_5, version_5_rows);
}

static void
test_body_4(void **state)
{
	TABLE(body_4, body_4_rows);
}

static void
test_version_3(void **state)
{
	TABLE(version_3, version_3_rows);
}

/* Each of the 64 attributes alone beside SEPT_VE_DISABLE: section 9. */
static void
test_td_attributes(void **state)
{
	struct row rows[64];
	char names[64][32];

	for (int bit = 0; bit < 64; bit++) {
		(void)snprintf(names[bit], sizeof names[bit], "TD attribute bit %d", bit);
		rows[bit] = (struct row){ .name = names[bit], .prepare = td_bit, .arg = bit,
		    .why = bit == 0 ? "Debug mode is enabled" : RESERVED };
		if (bit == 27 || bit == 28 || bit == 30 || bit == 31 || bit == 63)
			rows[bit].why = NULL;
	}
	TABLE(entry_quote, rows);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_version_5),
		cmocka_unit_test(test_body_4),
		cmocka_unit_test(test_version_3),
		cmocka_unit_test(test_td_attributes),
	};

	return cmocka_run_group_tests_name("quote", tests, NULL, NULL);
}
