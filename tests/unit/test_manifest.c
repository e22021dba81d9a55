#include "testing.h"

#include <stdio.h>

#include "core/hex.h"
#include "measure/manifest.h"

#define D       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NOT(n)  "sha256sum.txt line " n " is not `<lowercase sha256>  <file name>`"
#define TEXT    "sha256sum.txt is not newline-terminated text"

static const struct {
	const char *name, *text;
	const char *why;        /* NULL: must be accepted */
} cases[] = {
	{ "one line", D "  a\n", NULL },
	{ "two lines", D "  ovmf.fd\n" D "  bzImage\n", NULL },
	{ "every kind of character", D "  9._-09azAZ\n" D "  0\n" D "  A\n" D "  Z\n"
	    D "  a\n" D "  z\n", NULL },
	{ "empty", "", TEXT },
	{ "no LF at the end", D "  a", TEXT },
	{ "text behind the last LF", D "  a\n ", TEXT },
	{ "not UTF-8", D "  a\xff\n", TEXT },
	{ "surrogate in UTF-8", D "  a\xed\xa0\x80\n", TEXT },
	{ "not ASCII", D "  \xc3\xa4\n", NOT("1") },
	{ "empty line", "\n", NOT("1") },
	{ "empty line in front", "\n" D "  a\n", NOT("1") },
	{ "empty line behind", D "  a\n\n", NOT("2") },
	{ "CR", D "  a\r\n", NOT("1") },
	{ "upper-case hex", "A123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  a\n",
	    NOT("1") },
	{ "upper-case F", "F123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  a\n",
	    NOT("1") },
	{ "63 digits", "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  a\n",
	    NOT("1") },
	{ "65 digits", "0" D "  a\n", NOT("1") },
	{ "not hex", "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  a\n",
	    NOT("1") },
	{ "digest only", D "\n", NOT("1") },
	{ "no name", D "  \n", NOT("1") },
	{ "one space", D " a\n", NOT("1") },
	{ "three spaces", D "   a\n", NOT("1") },
	{ "tab", D "\t a\n", NOT("1") },
	{ "binary mark", D " *a\n", NOT("1") },
	{ "backslash escape", "\\" D "  a\n", NOT("1") },
	{ "backslash in the name", D "  a\\n\n", NOT("1") },
	{ "BSD style", "SHA256 (a) = " D "\n", NOT("1") },
	{ "comment", "# note\n" D "  a\n", NOT("1") },
	{ "space in the name", D "  a b\n", NOT("1") },
	{ "space behind the name", D "  a \n", NOT("1") },
	{ "path", D "  ./a\n", NOT("1") },
	{ "directory", D "  a/b\n", NOT("1") },
	{ "dot first", D "  .a\n", NOT("1") },
	{ "dash first", D "  -a\n", NOT("1") },
	{ "underscore first", D "  _a\n", NOT("1") },
	{ "itself", D "  sha256sum.txt\n", NOT("1") },
	{ "second line wrong", D "  a\n" D " b\n", NOT("2") },
	{ "repeated name", D "  a\n" D "  b\n" D "  a\n", "sha256sum.txt line 3 repeats a" },
};

static void
test_grammar(void **state)
{
	struct manifest manifest;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		ok = manifest_read(&manifest, bytes_str(cases[i].text), &why);
		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, why.text);
	}
}

/* A NUL ends a C string, so it has no row above. */
static void
test_nul(void **state)
{
	static const char text[] = D "  a\0b\n";
	struct manifest manifest;
	struct reason why;

	assert_false(manifest_read(&manifest,
	    (struct bytes){ (const uint8_t *)text, sizeof text - 1 }, &why));
	assert_string_equal(why.text, NOT("1"));
}

/* n lines with names of `name_len` characters: distinct, for they end with a number. */
static struct bytes
lines(char *out, unsigned n, int name_len)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		len += (size_t)sprintf(out + len, "%s  a%0*u\n", D, name_len - 1, i);
	return (struct bytes){ (const uint8_t *)out, len };
}

static void
test_limits(void **state)
{
	static char text[64 << 10];
	struct manifest manifest;
	struct reason why;

	assert_true(manifest_read(&manifest, lines(text, 64, 180), &why));
	assert_int_equal(manifest.n_entries, 64);
	assert_false(manifest_read(&manifest, lines(text, 65, 100), &why));
	assert_string_equal(why.text, "sha256sum.txt has more than 64 lines");
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_true(manifest_read(&manifest, lines(text, 1, 255), &why));
	assert_false(manifest_read(&manifest, lines(text, 1, 256), &why));
	assert_string_equal(why.text, NOT("1"));
	/* 64 lines of 256 bytes are all that fits */
	assert_true(manifest_read(&manifest, lines(text, 64, 189), &why));
	assert_false(manifest_read(&manifest, lines(text, 64, 190), &why));
	assert_string_equal(why.text, "sha256sum.txt has 16448 bytes, more than 16384");
	assert_int_equal(why.kind, REASON_LIMIT);
}

static void
test_find(void **state)
{
	struct manifest manifest;
	struct reason why;
	char hex[65];

	assert_true(manifest_read(&manifest, bytes_str(
	    "0000000000000000000000000000000000000000000000000000000000000000  aa\n" D "  a\n"),
	    &why));
	assert_null(manifest_find(&manifest, ""));
	assert_null(manifest_find(&manifest, "aaa"));
	assert_non_null(manifest_find(&manifest, "a"));
	hex_text(hex, BYTES_OF(manifest_find(&manifest, "a")->sha256.data));
	assert_string_equal(hex, D);
}

static void
test_document(void **state)
{
	struct digest256 hash, wrong;
	struct bytes document = bytes_str("document\n");
	char right[128], expect[300], hex[65], got[65];
	struct reason why;

	digest256_of(&hash, document);
	hex_text(hex, BYTES_OF(hash.data));
	(void)snprintf(right, sizeof right, "%s  m.cbor\n", hex);
	digest256_of(&hash, bytes_str(right));
	assert_true(manifest_document_check(&hash, bytes_str(right), document, "m.cbor", &why));

	assert_false(manifest_document_check(&hash, bytes_str(right), document, "n.cbor", &why));
	assert_string_equal(why.text, "sha256sum.txt is missing n.cbor");

	assert_false(manifest_document_check(&hash, bytes_str(right), bytes_str("x"), "m.cbor",
	    &why));
	(void)snprintf(expect, sizeof expect, "m.cbor hash mismatch: sha256sum.txt=%s, actual="
	    "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", hex);
	assert_string_equal(why.text, expect);

	wrong = hash;
	wrong.data[31] ^= 1;
	hex_text(hex, BYTES_OF(wrong.data));
	hex_text(got, BYTES_OF(hash.data));
	(void)snprintf(expect, sizeof expect,
	    "os_image_hash mismatch: expected sha256(sha256sum.txt)=%s, actual=%s", hex, got);
	assert_false(manifest_document_check(&wrong, bytes_str(right), document, "m.cbor", &why));
	assert_string_equal(why.text, expect);

	/* A file that holds a line nobody checks is refused, although the line we want is fine. */
	(void)snprintf(right + strlen(right), sizeof right - strlen(right), "# note\n");
	digest256_of(&hash, bytes_str(right));
	assert_false(manifest_document_check(&hash, bytes_str(right), document, "m.cbor", &why));
	assert_string_equal(why.text, NOT("2"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
