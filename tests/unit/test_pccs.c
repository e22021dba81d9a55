/*
 * test_pccs.c - URLs, headers and names
 */
#include "testing.h"

#include "fetch/pccs.h"

static const struct {
	const char *text, *base, *why;
} bases[] = {
	{ "", "https://pccs.phala.network", NULL },
	{ " \t\r\n", "https://pccs.phala.network", NULL },
	{ "http://a", "http://a", NULL },
	{ " https://a:8081/ ", "https://a:8081", NULL },
	{ "HTTPS://a", "HTTPS://a", NULL },
	{ "https://a//////", "https://a", NULL },
	{ "https://a/tdx/certification/v4/tdx/certification/v4",
	    "https://a/tdx/certification/v4", NULL },
	{ "https://a/sgx/certification/v4", "https://a", NULL },
	{ "https://a/sgx/certification/v4/", "https://a", NULL },
	{ "https://a/sgx/certification/v4//sgx/certification/v4/", "https://a", NULL },
	{ "https://a/tdx/certification/v4/", "https://a", NULL },
	{ "https://a/tdx/certification/v4/sgx/certification/v4", "https://a", NULL },
	{ "https://a/b/sgx/certification/v4", "https://a/b", NULL },
	{ "https://a/sgx/certification/v3", "https://a/sgx/certification/v3", NULL },
	{ "https://u:p@a", "https://u:p@a", NULL },
	{ "ftp://a", NULL, "PCCS URL is neither http nor https" },
	{ "a", NULL, "PCCS URL is neither http nor https" },
	{ "/", NULL, "PCCS URL is neither http nor https" },
	{ "http://", NULL, "PCCS URL is neither http nor https" },
	{ "https:///", NULL, "PCCS URL is neither http nor https" },
	{ "http://a b", NULL, "PCCS URL has an illegal character at 8" },
	{ "http://a\nb", NULL, "PCCS URL has an illegal character at 8" },
	{ "http://a?", NULL, "PCCS URL has an illegal character at 8" },
	{ "http://a#", NULL, "PCCS URL has an illegal character at 8" },
	{ "http://\303\244", NULL, "PCCS URL has an illegal character at 7" },
};

static void
test_base(void **state)
{
	for (size_t i = 0; i < NELEM(bases); i++) {
		char base[PCCS_BASE_SIZE] = "";
		struct reason why = { .text = "" };
		bool ok = pccs_base_read(base, bases[i].text, &why);

		if (ok != (bases[i].why == NULL) ||
		    strcmp(ok ? base : why.text, ok ? bases[i].base : bases[i].why) != 0)
			fail_msg("%s: got %d \"%s\" \"%s\"", bases[i].text, ok, base, why.text);
	}
}

static const struct {
	const char *base;
	bool    local;
} locals[] = {
	{ "http://127.0.0.1", true },
	{ "https://127.255.0.9:8081/a", true },
	{ "http://localhost:80", true },
	{ "http://LocalHost", true },
	{ "http://[::1]:8081", true },
	{ "http://128.0.0.1", false },
	{ "http://127.0.0.1.example", false },
	{ "http://localhost.example", false },
	{ "http://[::2]", false },
	{ "http://127.0.0.1@example", false },
	{ "http://localhost:80@example", false },
	{ "https://pccs.phala.network", false },
};

static void
test_local(void **state)
{
	for (size_t i = 0; i < NELEM(locals); i++)
		if (pccs_is_local(locals[i].base) != locals[i].local)
			fail_msg("%s", locals[i].base);
}

static void
test_base_len(void **state)
{
	char text[PCCS_BASE_SIZE + 1], base[PCCS_BASE_SIZE];
	struct reason why;

	memset(text, 'a', sizeof text);
	memcpy(text, "http://", 7);
	text[PCCS_BASE_SIZE] = '\0';
	assert_false(pccs_base_read(base, text, &why));
	assert_string_equal(why.text, "PCCS URL has more than 511 bytes");
	text[PCCS_BASE_SIZE - 1] = '\0';
	assert_true(pccs_base_read(base, text, &why));
}

#define INTEL   "https://api.trustedservices.intel.com"

static const struct dv_key tcb = { .type = DV_FACT_TCB_INFO, .tee = DV_TEE_TDX,
	.fmspc = { 0x90, 0xc0, 0x6f } };
static const struct dv_key tcb_early = { .type = DV_FACT_TCB_INFO, .tee = DV_TEE_SGX,
	.early = true, .fmspc = { 0, 0x90, 0x6e, 0xd5 } };
static const struct dv_key qe = { .type = DV_FACT_QE_IDENTITY, .tee = DV_TEE_TDX };
static const struct dv_key qe_early = { .type = DV_FACT_QE_IDENTITY, .tee = DV_TEE_SGX,
	.early = true };
static const struct dv_key crl = { .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PLATFORM };
static const struct dv_key crl_old = { .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PROCESSOR };
static const struct dv_key root = { .type = DV_FACT_ROOT_CA_CRL };
static const struct dv_key image = { .type = DV_FACT_IMAGE, .image = { 0xab } };
static const struct dv_key pck = { .type = DV_FACT_PCK_CERTIFICATE, .pck = {
	.qe_id = { 0xab }, .encrypted_ppid = { 0xcd }, .encrypted_ppid_len = 256,
	.cpu_svn = { 2, 3 }, .pce_svn = { 11, 0 }, .pce_id = { 0, 1 } } };

static const struct {
	const struct dv_key *key;
	const char *base, *url;         /* what it begins with                  */
	size_t  body_max_len;
	const char *chain, *chain_old, *tcbm;
	const char *name;               /* what it begins with                  */
} requests[] = {
	{ &tcb, "http://a", "http://a/tdx/certification/v4/tcb?fmspc=90C06F000000", 327680,
	    "SGX-TCB-Info-Issuer-Chain", "TCB-Info-Issuer-Chain", NULL,
	    "tcb tdx 90C06F000000 standard" },
	{ &tcb_early, "http://a", "http://a/sgx/certification/v4/tcb?fmspc=00906ED50000&update=early",
	    327680, "SGX-TCB-Info-Issuer-Chain", "TCB-Info-Issuer-Chain", NULL,
	    "tcb sgx 00906ED50000 early" },
	{ &qe, "http://a", "http://a/tdx/certification/v4/qe/identity?update=standard", 131072,
	    "SGX-Enclave-Identity-Issuer-Chain", NULL, NULL, "qe tdx standard" },
	{ &qe_early, "http://a", "http://a/sgx/certification/v4/qe/identity?update=early", 131072,
	    "SGX-Enclave-Identity-Issuer-Chain", NULL, NULL, "qe sgx early" },
	{ &crl, "http://a", "http://a/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
	    4194304, "SGX-PCK-CRL-Issuer-Chain", NULL, NULL, "crl platform" },
	{ &crl_old, INTEL, INTEL "/sgx/certification/v4/pckcrl?ca=processor&encoding=der",
	    4194304, "SGX-PCK-CRL-Issuer-Chain", NULL, NULL, "crl processor" },
	{ &root, "http://a", "http://a/sgx/certification/v4/rootcacrl", 525312, NULL, NULL, NULL,
	    "rootcrl" },
	{ &root, INTEL ".example", INTEL ".example/sgx/certification/v4/rootcacrl", 525312, NULL,
	    NULL, NULL, "rootcrl" },
	{ &root, NULL, "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
	    525312, NULL, NULL, NULL, "rootcrl" },
	{ &root, INTEL, NULL, 0, NULL, NULL, NULL, "rootcrl" },
	{ &root, INTEL "/", NULL, 0, NULL, NULL, NULL, "rootcrl" },
	{ &root, INTEL ":443", NULL, 0, NULL, NULL, NULL, "rootcrl" },
	{ &tcb, NULL, NULL, 0, NULL, NULL, NULL, "tcb" },
	{ &image, "http://a", NULL, 0, NULL, NULL, NULL, "image AB00" },
	{ &pck, "http://a", "http://a/sgx/certification/v4/pckcert?qeid="
	    "AB000000000000000000000000000000&encrypted_ppid=CD00", 32768,
	    "SGX-PCK-Certificate-Issuer-Chain", NULL, "SGX-TCBm",
	    "pck AB000000000000000000000000000000 02030000000000000000000000000000 0B00 0001 CD00" },
};

static bool
text_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
test_request(void **state)
{
	for (size_t i = 0; i < NELEM(requests); i++) {
		struct pccs_request request;
		struct reason why;
		char name[PCCS_NAME_SIZE];
		const char *url = requests[i].url;
		bool ok = pccs_request(&request, requests[i].key, requests[i].base, &why);

		pccs_key_name(name, requests[i].key);
		if (strncmp(name, requests[i].name, strlen(requests[i].name)) != 0)
			fail_msg("%zu: named %s", i, name);
		if (ok != (url != NULL) || (!ok && why.kind != REASON_UNSUPPORTED))
			fail_msg("%s: got %d", name, ok);
		if (!ok)
			continue;
		if (requests[i].key->type == DV_FACT_PCK_CERTIFICATE ?
		    strncmp(request.url, url, strlen(url)) != 0 : strcmp(request.url, url) != 0)
			fail_msg("%s: URL %s", name, request.url);
		if (request.body_max_len != requests[i].body_max_len ||
		    !text_equal(request.headers[PCCS_CHAIN], requests[i].chain) ||
		    !text_equal(request.headers[PCCS_CHAIN_OLD], requests[i].chain_old) ||
		    !text_equal(request.headers[PCCS_TCBM], requests[i].tcbm))
			fail_msg("%s: limit %zu or headers", name, request.body_max_len);
	}
}

/* The longest URL and name there can be fit. */
static void
test_pck_request(void **state)
{
	struct dv_key key = pck;
	struct pccs_request request;
	struct reason why;
	char name[PCCS_NAME_SIZE], base[PCCS_BASE_SIZE];

	memset(base, 'a', sizeof base);
	base[sizeof base - 1] = '\0';
	memset(&key.pck, 0xfe, sizeof key.pck);
	key.pck.encrypted_ppid_len = 384;
	assert_true(pccs_request(&request, &key, base, &why));
	assert_non_null(strstr(request.url,
	    "FE&cpusvn=FEFEFEFEFEFEFEFEFEFEFEFEFEFEFEFE&pcesvn=FEFE&pceid=FEFE"));
	assert_int_equal(strlen(strstr(request.url, "&pceid=")), strlen("&pceid=FEFE"));
	pccs_key_name(name, &key);
	assert_int_equal(strlen(name), 3 + 5 + 32 + 32 + 4 + 4 + 768);
}

static const struct {
	const char *value, *out, *why;
} chains[] = {
	{ "", "", NULL },
	{ "abc", "abc", NULL },
	{ "-----BEGIN%20CERTIFICATE-----%0AMII/+%2B%3d%3D%0a",
	    "-----BEGIN CERTIFICATE-----\nMII/++==\n", NULL },
	{ "a+b", "a+b", NULL },
	{ "%c3%A4", "\303\244", NULL },
	{ "%00", NULL, "issuer chain header is not percent-encoded text" },
	{ "a%", NULL, "issuer chain header is not percent-encoded text" },
	{ "a%2", NULL, "issuer chain header is not percent-encoded text" },
	{ "%2g", NULL, "issuer chain header is not percent-encoded text" },
	{ "%%20", NULL, "issuer chain header is not percent-encoded text" },
	{ "%c3", NULL, "issuer chain header is not UTF-8" },
	{ "%ff", NULL, "issuer chain header is not UTF-8" },
};

static void
test_chain(void **state)
{
	for (size_t i = 0; i < NELEM(chains); i++) {
		char out[256] = "";
		size_t len = 0;
		struct reason why = { .text = "" };
		bool ok = pccs_chain_decode(out, &len, bytes_str(chains[i].value), &why);

		if (ok != (chains[i].why == NULL) || (!ok && strcmp(why.text, chains[i].why) != 0) ||
		    (ok && (len != strlen(chains[i].out) || memcmp(out, chains[i].out, len) != 0)))
			fail_msg("%s: got %d \"%s\"", chains[i].value, ok, why.text);
	}
}

static void
test_chain_len(void **state)
{
	static char value[PCCS_HEADER_MAX_LEN + 1], out[sizeof value];
	size_t len;
	struct reason why;

	memset(value, 'a', sizeof value);
	assert_true(pccs_chain_decode(out, &len,
	    (struct bytes){ (uint8_t *)value, sizeof value - 1 }, &why));
	assert_int_equal(len, sizeof value - 1);
	assert_false(pccs_chain_decode(out, &len, BYTES_OF(value), &why));
	assert_string_equal(why.text, "issuer chain header has more than 16384 bytes");
}

#define MISMATCH "TCB level mismatch: the PCK certificate is for another TCB, " \
	"platform not re-registered"

static const struct {
	const char *value, *why;
} tcbms[] = {
	{ "020300000000000000000000000000000B00", NULL },
	{ "020300000000000000000000000000000b00", NULL },
	{ "020300000000000000000000000000000B00FF", NULL },
	{ "020300000000000000000000000000000B01", MISMATCH },
	{ "020300000000000000000000000000000A00", MISMATCH },
	{ "020400000000000000000000000000000B00", MISMATCH },
	{ "020300000000000000000000000000010B00", MISMATCH },
	{ "020300000000000000000000000000000B", "SGX-TCBm header too short: expected 18 bytes" },
	{ "", "SGX-TCBm header too short: expected 18 bytes" },
	{ "0", "SGX-TCBm header is not valid hex" },
	{ "020300000000000000000000000000000B0x", "SGX-TCBm header is not valid hex" },
};

static void
test_tcbm(void **state)
{
	for (size_t i = 0; i < NELEM(tcbms); i++) {
		struct reason why = { .text = "" };
		bool ok = pccs_tcbm_check(bytes_str(tcbms[i].value), &pck, &why);

		if (ok != (tcbms[i].why == NULL) || (!ok && strcmp(why.text, tcbms[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", tcbms[i].value, ok, why.text);
	}
}

static void
test_tcbm_len(void **state)
{
	char value[131] = "";
	struct reason why;

	memset(value, '0', 130);
	assert_false(pccs_tcbm_check(bytes_str(value), &pck, &why));
	assert_string_equal(why.text, "SGX-TCBm header is not valid hex");
}

static const struct {
	const char *url, *shown;
} shown[] = {
	{ "http://a/b", "http://a/b" },
	{ "http://u:p@a/b", "http://a/b" },
	{ "http://u:p@q@a/b", "http://a/b" },
	{ "http://a/b@c", "http://a/b@c" },
	{ "http://u@a", "http://a" },
	{ "a", "a" },
};

static void
test_url_show(void **state)
{
	char out[PCCS_URL_SIZE];

	for (size_t i = 0; i < NELEM(shown); i++) {
		pccs_url_show(out, shown[i].url);
		assert_string_equal(out, shown[i].shown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_base_len),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_pck_request),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_chain_len),
		cmocka_unit_test(test_tcbm),
		cmocka_unit_test(test_tcbm_len),
		cmocka_unit_test(test_url_show),
	};

	return cmocka_run_group_tests_name("pccs", tests, NULL, NULL);
}
