#include "testing.h"

#include "../teesim/pki.h"
#include "dcap/pem.h"

#define B       "-----BEGIN CERTIFICATE-----"
#define E       "-----END CERTIFICATE-----"
#define ONE     B "\nMAA=\n" E "\n"
#define ARENA   (1u << 20)

#define NOT_BASE64      "PEM block is not base64"
#define NOT_BEGIN       "PEM marker is not BEGIN CERTIFICATE"
#define NOT_END         "PEM marker is not END CERTIFICATE"
#define NO_END          "PEM block has no END"

static void
test_texts(void **state)
{
	static const struct {
		const char *name, *text;
		size_t  n;
		const char *why;
	} cases[] = {
		{ "one", ONE, 1, NULL },
		{ "no line end at the end", B "\nMAA=\n" E, 1, NULL },
		{ "three", ONE ONE ONE, 3, NULL },
		{ "eight", ONE ONE ONE ONE ONE ONE ONE ONE, 8, NULL },
		{ "nine", ONE ONE ONE ONE ONE ONE ONE ONE ONE, 0, "more than 8 PEM blocks" },
		{ "text around", "subject=x\n" ONE "\nissuer=y\n\n" ONE "tail", 2, NULL },
		{ "END and BEGIN on one line", B "\nMAA=\n" E B "\nMAA=\n" E, 2, NULL },
		{ "CRLF", B "\r\nMA\r\nA=\r\n" E "\r\n", 1, NULL },
		{ "blanks at line ends", B "  \nMA \t\nA=\n" E " ", 1, NULL },
		{ "nothing", "", 0, "no PEM block" },
		{ "text only", "MAA=", 0, "no PEM block" },
		{ "empty block", B "\n" E, 0, "PEM block is empty" },
		{ "another label", "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n", 0,
		    NOT_BEGIN },
		{ "labels differ", B "\nMAA=\n-----END X509 CRL-----\n", 0, NOT_END },
		{ "END without BEGIN", E "\n", 0, NOT_BEGIN },
		{ "END twice", ONE E "\n", 0, NOT_BEGIN },
		{ "BEGIN in a block", B "\nMAA=\n" ONE, 0, NOT_END },
		{ "BEGIN twice", B "\n" ONE, 0, NOT_END },
		{ "no END", B "\nMAA=\n", 0, NO_END },
		{ "cut in END", B "\nMAA=\n-----END CERTIF", 0, NOT_END },
		{ "cut in BEGIN", ONE "-----BEG", 0, NOT_BEGIN },
		{ "header line", B "\nProc-Type: 4,ENCRYPTED\n\nMAA=\n" E, 0, NOT_BASE64 },
		{ "illegal character", B "\nMA*=\n" E, 0, NOT_BASE64 },
		{ "URL alphabet", B "\nMA-_\n" E, 0, NOT_BASE64 },
		{ "no padding", B "\nMAA\n" E, 0, NOT_BASE64 },
		{ "too much padding", B "\nMAA==\n" E, 0, NOT_BASE64 },
		{ "padding inside", B "\nMA==MAA=\n" E, 0, NOT_BASE64 },
		{ "bits left over", B "\nMAB=\n" E, 0, NOT_BASE64 },
		{ "dashes in text", "------ x\n" ONE, 0, NOT_BEGIN },
	};
	AUTO(arena_free) struct arena *arena = arena_new(ARENA);
	struct pem_chain chain;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		ok = pem_chain_read(&chain, arena, bytes_str(cases[i].text), &why);
		expect_reason(cases[i].name, ok, &why, cases[i].why);
		if (!ok)
			continue;
		assert_int_equal(chain.n, cases[i].n);
		assert_true(bytes_equal(chain.der[chain.n - 1], pki_hex("3000")));
	}
}

/* Most genuine quotes end their chain so. */
static void
test_nul(void **state)
{
	static const char tail[] = ONE "\0", inside[] = B "\nM\0AA=\n" E;
	AUTO(arena_free) struct arena *arena = arena_new(ARENA);
	struct pem_chain chain;
	struct reason why;

	assert_true(pem_chain_read(&chain, arena, (struct bytes){ (const uint8_t *)tail,
	    sizeof tail - 1 }, &why));
	expect_reason("NUL in a block", pem_chain_read(&chain, arena,
	    (struct bytes){ (const uint8_t *)inside, sizeof inside - 1 }, &why), &why, NOT_BASE64);
}

static void
test_limits(void **state)
{
	static uint8_t text[PEM_MAX_LEN + 1];
	static const struct {
		const char *name;
		size_t  block, total;
		const char *why;
	} cases[] = {
		{ "longest block", PEM_BLOCK_MAX_LEN, 0, NULL },
		{ "block too long", PEM_BLOCK_MAX_LEN + 4, 0,
		    "PEM block is longer than 8192 bytes" },
		{ "longest text", 4, PEM_MAX_LEN, NULL },
		{ "text too long", 4, PEM_MAX_LEN + 1, "PEM text is longer than 32768 bytes" },
	};
	AUTO(arena_free) struct arena *arena = arena_new(ARENA);
	struct pem_chain chain;
	struct reason why;
	size_t i, len;

	for (i = 0; i < NELEM(cases); i++) {
		memset(text, ' ', sizeof text);
		memcpy(text, B, strlen(B));
		memset(text + strlen(B), 'A', cases[i].block);
		len = strlen(B) + cases[i].block;
		memcpy(text + len, E, strlen(E));
		len += strlen(E);
		if (cases[i].total != 0)
			len = cases[i].total;
		expect_reason(cases[i].name, pem_chain_read(&chain, arena,
		    (struct bytes){ text, len }, &why), &why, cases[i].why);
	}
}

static void
test_looks_like(void **state)
{
	assert_true(pem_looks_like(bytes_str(B)));
	assert_false(pem_looks_like(bytes_str("-----BEG")));
	assert_false(pem_looks_like(bytes_str(" " B)));
	assert_false(pem_looks_like(pki_hex("3000")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_looks_like),
	};

	return cmocka_run_group_tests_name("pem", tests, NULL, NULL);
}
