#include "testing.h"

#include <glob.h>
#include <stdlib.h>

#include "../teesim/pki.h"
#include "dcap/quote.h"

#define SHORT           "Not enough data to fill buffer"
#define TOO_LONG        "Data length exceeds maximum"
#define TYPE            "Unsupported certification data type: "
#define AUTH_TAIL       "Trailing data in quote auth data"
#define QE_TAIL         "Trailing data in QE report certification data"

/* Shapes that have no genuine quote, and those that have. */
enum shape { V3, V4, V4_SGX, V5_10, V5_15, V5_EXT };

static struct pki_quote
shape_quote(enum shape shape)
{
	struct pki_quote q;

	pki_quote_init(&q, bytes_str("PEM"));
	switch (shape) {
	case V3:
		q.version = 3;
		q.tee_type = 0;
		q.body_len = 384;
		break;
	case V4:
		break;
	case V4_SGX:
		q.tee_type = 0;
		q.body_len = 384;
		break;
	case V5_10:
	case V5_15:
	case V5_EXT:
		q.version = 5;
		q.body_type = (uint16_t)(2 + shape - V5_10);
		q.body_len = quote_body_len((enum quote_body)q.body_type);
		break;
	}
	return q;
}

/* Fields of a built quote, and where they are in the layout of the specification. */
static void
test_fields(void **state)
{
	static const struct {
		enum shape shape;
		enum quote_body body;
		size_t  signed_len, qe_report;
	} cases[] = {
		{ V3, QUOTE_BODY_SGX, 432, 432 + 132 },
		{ V4, QUOTE_BODY_TD_10, 632, 632 + 138 },
		{ V4_SGX, QUOTE_BODY_SGX, 432, 432 + 138 },
		{ V5_10, QUOTE_BODY_TD_10, 638, 638 + 138 },
		{ V5_15, QUOTE_BODY_TD_15, 702, 702 + 138 },
		{ V5_EXT, QUOTE_BODY_TD_15_EXT, 939, 939 + 138 },
	};
	struct quote q;
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		struct pki_quote spec = shape_quote(cases[i].shape);
		const size_t s = cases[i].signed_len, qe = cases[i].qe_report;
		struct bytes raw;

		spec.tail = pki_hex("0000000000");
		raw = pki_quote(&spec);
		assert_true(quote_read(&q, raw, &why));
		assert_int_equal(q.header.version, spec.version);
		assert_int_equal(q.header.tee_type, spec.tee_type);
		assert_ptr_equal(q.header.user_data.ptr, raw.ptr + 28);
		assert_int_equal(q.header.user_data.len, 20);
		assert_int_equal(q.body, cases[i].body);
		assert_ptr_equal(q.body_signed.ptr, raw.ptr);
		assert_int_equal(q.body_signed.len, s);
		assert_ptr_equal(q.signature.ptr, raw.ptr + s + 4);
		assert_int_equal(q.signature.len, 64);
		assert_ptr_equal(q.attestation_key.ptr, raw.ptr + s + 68);
		assert_int_equal(q.attestation_key.len, 64);
		assert_ptr_equal(q.qe_report.raw.ptr, raw.ptr + qe);
		assert_ptr_equal(q.qe_signature.ptr, raw.ptr + qe + 384);
		assert_ptr_equal(q.qe_auth_data.ptr, raw.ptr + qe + 450);
		assert_int_equal(q.qe_auth_data.len, 32);
		assert_int_equal(q.cert_type, 5);
		assert_true(bytes_equal(q.cert_data, bytes_str("PEM")));
		assert_int_equal(q.trailing_len, 5);
		assert_int_equal(quote_is_td(&q) ? q.td.raw.len : q.enclave.raw.len,
		    spec.body_len);
	}
}

/* Bytes of a built quote changed; offsets are those of the specification's tables. */
static void
test_layout(void **state)
{
	static const struct {
		const char *name;
		enum shape shape;
		size_t  at;
		const char *hex, *why;
	} cases[] = {
		{ "version 2", V4, 0, "0200", "Unsupported quote version" },
		{ "version 6", V4, 0, "0600", "Unsupported quote version" },
		{ "version 0x0104", V4, 0, "0401", "Unsupported quote version" },
		{ "v4 tee type", V4, 4, "82", "Invalid TEE type" },
		{ "v4 tee type, high byte", V4, 7, "01", "Invalid TEE type" },
		{ "v3 tee type is not layout", V3, 4, "81", NULL },
		{ "v5 SGX tee type, TD body", V5_10, 4, "00", "Invalid TEE type" },
		{ "v5 tee type unknown", V5_15, 4, "82", "Invalid TEE type" },
		{ "v5 body type 0", V5_10, 48, "0000", "Unsupported body type" },
		{ "v5 body type 5", V5_10, 48, "0500", "Unsupported body type" },
		{ "v5 body type 258", V5_10, 48, "0201", "Unsupported body type" },
		{ "v5 other body type", V5_10, 48, "0300", "TD report body size mismatch" },
		{ "v5 body size 583", V5_10, 50, "4702", "TD report body size mismatch" },
		{ "v5 body size, high byte", V5_10, 53, "01", "TD report body size mismatch" },
		{ "v5 SGX body, TDX tee type", V5_10, 48, "0100 80010000", "Invalid TEE type" },
		{ "v5 ext body size 884", V5_EXT, 50, "7403", "TD report body size mismatch" },
		{ "v5 ext body size 648", V5_EXT, 50, "8802", "TD report body size mismatch" },
		{ "auth length past the end", V4, 632, "ff0f", SHORT },
		{ "auth length over the limit", V4, 632, "0100ffff", TOO_LONG },
		{ "auth length one over the limit", V4, 632, "01c00000", TOO_LONG },
		{ "auth length at the limit", V4, 632, "00c00000", SHORT },
		{ "auth length 0", V4, 632, "00000000", SHORT },
		{ "outer type 5", V4, 764, "0500", TYPE "5" },
		{ "outer type 7", V4, 764, "0700", TYPE "7" },
		{ "outer length past the end", V4, 766, "ff0f", SHORT },
		{ "outer length over the limit", V4, 766, "01c00000", TOO_LONG },
		{ "QE auth length past the end", V4, 1218, "ffff", SHORT },
		{ "QE auth length one more", V4, 1218, "2100", TOO_LONG },
		{ "inner length past the end", V4, 1254, "04", SHORT },
		{ "inner length one less", V4, 1254, "02", QE_TAIL },
		{ "inner length at the limit", V4, 1254, "00800000", SHORT },
		{ "inner length over the limit", V4, 1254, "01800000", TOO_LONG },
		{ "inner length 0xffffffff", V4, 1254, "ffffffff", TOO_LONG },
		{ "v3 length one less", V3, 432 + 4 + 612, "02", AUTH_TAIL },
		{ "v3 length one more", V3, 432 + 4 + 612, "04", SHORT },
		{ "v3 length over the limit", V3, 432 + 4 + 612, "01800000", TOO_LONG },
	};
	struct quote q;
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		struct pki_quote spec = shape_quote(cases[i].shape);
		struct bytes raw = pki_patch(pki_quote(&spec), cases[i].at, cases[i].hex);

		expect_reason(cases[i].name, quote_read(&q, raw, &why), &why, cases[i].why);
	}
}

static void
test_tails(void **state)
{
	struct pki_quote spec = shape_quote(V4);
	struct quote q;
	struct reason why;

	spec.inner_tail = pki_hex("00");
	expect_reason("inner", quote_read(&q, pki_quote(&spec), &why), &why, QE_TAIL);
	spec = shape_quote(V4);
	spec.auth_tail = pki_hex("00");
	expect_reason("auth v4", quote_read(&q, pki_quote(&spec), &why), &why, AUTH_TAIL);
	spec = shape_quote(V3);
	spec.auth_tail = pki_hex("00");
	expect_reason("auth v3", quote_read(&q, pki_quote(&spec), &why), &why, AUTH_TAIL);
	spec = shape_quote(V4);
	spec.tail = pki_hex("0102");
	expect_reason("behind", quote_read(&q, pki_quote(&spec), &why), &why, NULL);
}

static void
test_size(void **state)
{
	static uint8_t raw[QUOTE_MAX_LEN + 1];
	struct pki_quote spec = shape_quote(V4);
	struct bytes built = pki_quote(&spec);
	struct quote q;
	struct reason why;

	bytes_copy(raw, built);
	assert_true(quote_read(&q, (struct bytes){ raw, QUOTE_MAX_LEN }, &why));
	expect_reason("long", quote_read(&q, BYTES_OF(raw), &why), &why,
	    "quote has 65537 bytes, more than 65536");
	assert_int_equal(why.kind, REASON_LIMIT);
	expect_reason("empty", quote_read(&q, (struct bytes){ NULL, 0 }, &why), &why, SHORT);
}

/* What the header says, after the layout was right. */
static void
test_check(void **state)
{
	static const struct {
		const char *name;
		enum shape shape;
		size_t  at;
		const char *hex, *why;
	} cases[] = {
		{ "v3", V3, 0, "0300", NULL },
		{ "v4", V4, 0, "0400", NULL },
		{ "v5", V5_15, 0, "0500", NULL },
		{ "v5 extended", V5_EXT, 0, "0500", NULL },
		{ "vendor, first byte", V4, 12, "92", "Unknown QE vendor ID" },
		{ "vendor, last byte", V4, 27, "06", "Unknown QE vendor ID" },
		{ "tee type 5 in v3", V3, 4, "05", "Unsupported TEE type: 5" },
		{ "SGX in v4", V4_SGX, 0, "0400", "SGX TEE quote must have version 3" },
		{ "TDX in v3", V3, 4, "81", "TDX TEE quote must have version 4 or 5" },
		{ "key type 3", V4, 2, "0300", "Unsupported DCAP attestation key type" },
		{ "key type 0", V4, 2, "0000", "Unsupported DCAP attestation key type" },
		{ "certification type 1", V4, 1252, "0100", TYPE "1" },
		{ "certification type 4", V4, 1252, "0400", TYPE "4" },
		{ "certification type 6", V4, 1252, "0600", TYPE "6" },
		{ "certification type 7", V4, 1252, "0700", TYPE "7" },
		{ "certification type 261", V4, 1252, "0501", TYPE "261" },
	};
	struct quote q;
	struct reason why;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		struct pki_quote spec = shape_quote(cases[i].shape);
		struct bytes raw = pki_patch(pki_quote(&spec), cases[i].at, cases[i].hex);

		expect_reason(cases[i].name, quote_read(&q, raw, &why), &why, NULL);
		expect_reason(cases[i].name, quote_check(&q, &why), &why, cases[i].why);
	}
}

/* Another kind of key has another layout of auth data: not looked into, all empty. */
static void
test_key_type(void **state)
{
	struct pki_quote spec = shape_quote(V4);
	struct quote q;
	struct reason why;

	spec.key_type = 3;
	spec.auth_tail = pki_hex("00");
	assert_true(quote_read(&q, pki_quote(&spec), &why));
	assert_int_equal(q.signature.len, 0);
	assert_int_equal(q.cert_data.len, 0);
	assert_false(quote_check(&q, &why));
}

static void
test_pck_request(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		size_t  len;
		const char *why;
	} cases[] = {
		{ "2048", 2, 276, NULL },
		{ "2048, one less", 2, 275, "Failed to decode ENCRYPTED_PPID_2048" },
		{ "2048, one more", 2, 277, "Failed to decode ENCRYPTED_PPID_2048" },
		{ "3072", 3, 404, NULL },
		{ "3072, one less", 3, 403, "Failed to decode ENCRYPTED_PPID_3072" },
		{ "3072, one more", 3, 405, "Failed to decode ENCRYPTED_PPID_3072" },
	};
	uint8_t data[405];
	struct quote q;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	for (i = 0; i < NELEM(cases); i++) {
		struct pki_quote spec = shape_quote(V3);
		size_t ppid = cases[i].type == 2 ? 256 : 384;

		spec.cert_type = cases[i].type;
		spec.cert_data = (struct bytes){ data, cases[i].len };
		ok = quote_read(&q, pki_quote(&spec), &why);
		expect_reason(cases[i].name, ok, &why, cases[i].why);
		if (!ok)
			continue;
		assert_true(quote_check(&q, &why));
		assert_true(bytes_equal(q.pck_request.encrypted_ppid,
		    (struct bytes){ data, ppid }));
		assert_true(bytes_equal(q.pck_request.cpusvn, (struct bytes){ data + ppid, 16 }));
		assert_true(bytes_equal(q.pck_request.pcesvn,
		    (struct bytes){ data + ppid + 16, 2 }));
		assert_true(bytes_equal(q.pck_request.pceid,
		    (struct bytes){ data + ppid + 18, 2 }));
		assert_true(bytes_equal(q.pck_request.qe_id, bytes_str("0123456789abcdef")));
	}
}

static void
each_vector(void (*each)(const char *name, struct bytes raw))
{
	glob_t found;
	size_t i;

	assert_int_equal(glob(vector_path("quotes/*/*.bin"), 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 150);
	for (i = 0; i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i] + strlen(vector_path(""));

		each(name, vector_read(name));
	}
	globfree(&found);
}

static void
vector_parses(const char *name, struct bytes raw)
{
	struct quote q;
	struct reason why;
	bool ok;

	expect_reason(name, quote_read(&q, raw, &why), &why, NULL);
	ok = quote_check(&q, &why);
	expect_reason(name, ok, &why, strstr(name, "-ct1-") != NULL ? TYPE "1" : NULL);
	assert_int_equal(quote_is_td(&q), strstr(name, "/tdx/") != NULL);
	assert_int_equal(q.header.version, strstr(name, "-v")[2] - '0');
	if (ok)
		assert_int_equal(q.cert_type, strstr(name, "-ct3-") != NULL ? 3 : 5);
}

static void
test_vectors(void **state)
{
	each_vector(vector_parses);
}

/* Cut anywhere before the end of its auth data, a quote is no quote. */
static void
test_truncation(void **state)
{
	static const char *const names[] = {
		"quotes/sgx/sgx-v3-00a067110000-dcapqvl-f8b81014.bin",
		"quotes/tdx/tdx-v4-b0c06f000000-dcapqvl-f1c85033.bin",
		"quotes/tdx/tdx-v5-90c06f000000-dcapqvl-4c453ea4.bin",
	};
	struct quote q;
	struct reason why;
	struct bytes raw;
	uint8_t *copy;
	size_t i, len;

	for (i = 0; i < NELEM(names); i++) {
		raw = vector_read(names[i]);
		assert_true(quote_read(&q, raw, &why));
		raw.len -= q.trailing_len;
		for (len = 0; len < raw.len; len++) {
			copy = malloc(len + 1);         /* the sanitizer watches its end */
			assert_non_null(copy);
			memcpy(copy, raw.ptr, len);
			expect_reason(names[i], quote_read(&q, (struct bytes){ copy, len }, &why),
			    &why, SHORT);
			free(copy);
		}
		assert_true(quote_read(&q, raw, &why));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_key_type),
		cmocka_unit_test(test_pck_request),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_truncation),
	};

	return cmocka_run_group_tests_name("quote", tests, NULL, NULL);
}
