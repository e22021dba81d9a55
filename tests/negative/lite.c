/*
 * The OS image check of a lite attestation: os-image-measurement.md 2 and 11, upstream-delta.md
 * 3 to 5, acpi-tables.md 3.1.  Registers are computed from the spoiled parts, so that only the
 * check in question fails.
 */
#include <stdio.h>

#include "judge.h"

#define MATERIAL        "tdx lite measurement material does not match os_image_hash: "
#define CBOR            "failed to decode vm_config.tdx_measurement CBOR: "
#define DOCUMENT        CBOR "TdxOsImageMeasurement: "
#define DECODE          DOCUMENT "failed to decode CBOR: "
#define PREFIX          "OS image hash verification failed: "
#define NAMED           "TDX lite attestation is missing named RTMR0 ACPI DATA digests: "
#define RECOMPUTE       "failed to recompute expected TDX lite ACPI table digests: "
#define EXPECTED \
	"Failed to compute TDX expected measurements without image download: "
#define WITNESS         EXPECTED "failed to measure TD HOB from witness: "
#define ROOTFS \
	EXPECTED "failed to parse dstack.rootfs_hash from tdx.measurement.image.base_cmdline: "
#define HASH_64         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LINE            HASH_64 "  x\n"

static void
base(struct guest *g, struct judge *judge)
{
}

static void
not_normalized(struct guest *g, struct judge *judge)
{
	g->image.kernel_header_normalized = false;
}

static void
version_3(struct guest *g, struct judge *judge)
{
	g->image.version = 3;
	g->image.kernel_header_normalized = false;
	g->image.cmdline_sha384 = build_random(0, "cmdline", 0, 48);
	g->image.cmdline = EMPTY;
}

/* ---- the document and what commits to it ---- */

/* The sums go around the line that is needed. */
static void
checksum(struct guest *g, struct judge *judge, int arg)
{
	static const struct { const char *before, *behind; } around[] = {
		{ "", "\n" }, { "# comment\n", "" }, { LINE LINE, "" }, { "", " " },
		{ HASH_64 " *x\n", "" }, { HASH_64 " x\n", "" }, { HASH_64 "  a/b\n", "" },
		{ HASH_64 "  ../x\n", "" }, { HASH_64 "  .x\n", "" }, { HASH_64 "  \n", "" },
		{ HASH_64 "  sha256sum.txt\n", "" }, { "\xff\n", "" }, { "\r\n", "" },
		{ "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef  x\n", "" },
		{ "0123456789abcdef  x\n", "" }, { HASH_64 "  x y\n", "" }, { LINE, "" },
	};
	struct guest copy = *g;

	guest_build(&copy);
	g->change = (struct change)SET(STAGE_CHECKSUM, build_str(build_text("%s%s%s",
	    around[arg].before, build_str(copy.checksum), around[arg].behind)));
}

static void
many_sums(struct guest *g, struct judge *judge, int arg)
{
	struct guest copy = *g;
	CBB out;

	guest_build(&copy);
	MUST(CBB_init(&out, 4096));
	for (int i = 0; i < arg; i++)
		build_add(&out, build_text(HASH_64 "  f%d\n", i));
	build_add(&out, copy.checksum);
	g->change = (struct change)SET(STAGE_CHECKSUM, build_str(build_finish(&out)));
}

/* A checksum file of another document, whose hash is declared. */
static void
other_sum(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)SET(STAGE_CHECKSUM, HASH_64 "  measurement.tdx.cbor\n");
}

static void
hash_of_other(struct guest *g, struct judge *judge, int arg)
{
	struct guest copy = *g;

	guest_build(&copy);
	g->change = (struct change){ STAGE_VM_CONFIG, CHANGE_REPLACE, 0,
	    build_str(build_digits(copy.image_hash, false)), arg == 0 ? HASH_64 :
	    arg == 1 ? "0123" : "" };
}

static void
document_version(struct guest *g, struct judge *judge, int arg)
{
	g->image.version = (uint32_t)arg;
}

static void
minimum_4(struct guest *g, struct judge *judge, int arg)
{
	judge->policy.minimum_measurement_version = 4;
}

static void
v3_with_cmdline(struct guest *g, struct judge *judge, int arg)
{
	g->image.version = 3;
}

static void
v4_without_cmdline(struct guest *g, struct judge *judge, int arg)
{
	g->image.version = 4;
}

static const struct row material_rows[] = {
	{ "no document", NULL, 0, REPLACE(STAGE_VM_CONFIG, "tdx_measurement", "tdx_measurements"),
	    "tdx lite attestation requires vm_config.tdx_measurement" },
	{ "document null", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"tdx_measurement\":",
	    "\"tdx_measurement\":null,\"x\":"),
	    "tdx lite attestation requires vm_config.tdx_measurement" },
	{ "os_image_hash of another image", hash_of_other, 0, {0},
	    MATERIAL "os_image_hash mismatch: expected sha256(sha256sum.txt)=*, actual=*" },
	{ "os_image_hash of two bytes", hash_of_other, 1, {0}, "os_image_hash has 2 bytes, not "
	    "32" },
	{ "os_image_hash empty", hash_of_other, 2, {0}, "os_image_hash has 0 bytes, not 32" },
	{ "sums of another document", other_sum, 0, {0}, MATERIAL "measurement.tdx.cbor hash "
	    "mismatch: sha256sum.txt=" HASH_64 ", actual=*" },
	{ "sums without the document", NULL, 0, SET(STAGE_CHECKSUM, LINE),
	    MATERIAL "sha256sum.txt is missing measurement.tdx.cbor" },
	{ "sums with other files", checksum, 16, {0}, NULL },
	{ "sums of more than 16 KiB", many_sums, 1000, {0},
	    MATERIAL "sha256sum.txt has 70977 bytes, more than 16384" },
	{ "sums of 70 files", many_sums, 70, {0},
	    MATERIAL "sha256sum.txt has more than 64 lines" },
	{ "no sums", NULL, 0, SET(STAGE_CHECKSUM, ""),
	    MATERIAL "sha256sum.txt is not newline-terminated text" },
	{ "sums without a line's end", NULL, 0, CUT(STAGE_CHECKSUM, 1),
	    MATERIAL "sha256sum.txt is not newline-terminated text" },
	{ "sums with an empty line", checksum, 0, {0},
	    MATERIAL "sha256sum.txt line 2 is not `<lowercase sha256>  <file name>`" },
	{ "sums with a comment", checksum, 1, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums with a file twice", checksum, 2, {0}, MATERIAL "sha256sum.txt line 2 repeats x" },
	{ "sums with a blank behind", checksum, 3, {0},
	    MATERIAL "sha256sum.txt is not newline-terminated text" },
	{ "sums of binary files", checksum, 4, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums with one blank", checksum, 5, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums with a directory", checksum, 6, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums with a way up", checksum, 7, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums with a hidden file", checksum, 8, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums with a nameless file", checksum, 9, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums with their own sum", checksum, 10, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums that are not UTF-8", checksum, 11, {0},
	    MATERIAL "sha256sum.txt is not newline-terminated text" },
	{ "sums with a carriage return", checksum, 12, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "sums in upper case", checksum, 13, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "a short sum", checksum, 14, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
	{ "a file name with a blank", checksum, 15, {0},
	    MATERIAL "sha256sum.txt line 1 is not `<lowercase sha256>  <file name>`" },
};

static const struct row document_rows[] = {
	{ "document of no byte", NULL, 0, KEEP(STAGE_DOCUMENT, 0),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: is cut short" },
	{ "document of one byte", NULL, 0, KEEP(STAGE_DOCUMENT, 1),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: has 3 items, but 0 bytes are "
	    "left" },
	{ "document cut", NULL, 0, CUT(STAGE_DOCUMENT, 1),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: `tdvf` has 12 bytes, but 11 are "
	    "left" },
	{ "a byte behind the document", NULL, 0, APPEND(STAGE_DOCUMENT, "00"),
	    CBOR "TdxOsImageMeasurement: 1 trailing byte(s) after the CBOR document" },
	{ "document is a list", NULL, 0, PATCH(STAGE_DOCUMENT, 0, "83"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: is an array, not a map" },
	{ "document is JSON", NULL, 0, SET(STAGE_DOCUMENT, "{}"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: is cut short" },
	{ "document of indefinite length", NULL, 0, PATCH(STAGE_DOCUMENT, 0, "bf"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: has no definite length" },
	{ "document with a tag", NULL, 0, INSERT(STAGE_DOCUMENT, 0, "c1"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: is a tag, not a map" },
	{ "version 2", document_version, 2, {0}, DOCUMENT "unsupported version 2, expected 4" },
	{ "version 5", document_version, 5, {0}, DOCUMENT "unsupported version 5, expected 4" },
	{ "version 0", document_version, 0, {0}, DOCUMENT "unsupported version 0, expected 4" },
	{ "version 3 with a command line", v3_with_cmdline, 0, {0},
	    DECODE "version 3 with `cmdline`" },
	{ "version as text", NULL, 0, PATCH(STAGE_DOCUMENT, 9, "60"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: `version` is text, not an "
	    "unsigned integer" },
	{ "version below zero", NULL, 0, PATCH(STAGE_DOCUMENT, 9, "24"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: `version` is a negative integer, "
	    "not an unsigned integer" },
	{ "no version", NULL, 0, REPLACE(STAGE_DOCUMENT, "version", "verslon"),
	    DECODE "missing field `version`" },
	{ "version twice", NULL, 0, REPLACE(STAGE_DOCUMENT, "\x64tdvf", "\x67version\x04\x64tdvf"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: duplicate field `version`" },
	{ "no image", NULL, 0, REPLACE(STAGE_DOCUMENT, "image", "imagf"),
	    DECODE "missing field `image`" },
	{ "no tdvf", NULL, 0, REPLACE(STAGE_DOCUMENT, "tdvf", "tdvg"),
	    DECODE "missing field `tdvf`" },
	{ "no command line", NULL, 0, REPLACE(STAGE_DOCUMENT, "cmdline", "cmdlime"),
	    DECODE "missing field `cmdline`" },
	{ "no kernel", NULL, 0, REPLACE(STAGE_DOCUMENT, "kernel_auth", "kernel_aath"),
	    DECODE "missing field `kernel_authenticode`" },
	{ "no initrd", NULL, 0, REPLACE(STAGE_DOCUMENT, "initrd_sha384", "initrd_sha385"),
	    DECODE "missing field `initrd_sha384`" },
	{ "initrd twice", NULL, 0, REPLACE(STAGE_DOCUMENT, "\x73kernel_authenticode",
	    "\x6dinitrd_sha384"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: duplicate field `initrd_sha384`" },
	{ "no ovmf", NULL, 0, REPLACE(STAGE_DOCUMENT, "ovmf", "ovmg"),
	    DECODE "missing field `ovmf`" },
	{ "another ovmf", NULL, 0, REPLACE(STAGE_DOCUMENT, "pre202505", "pre202506"),
	    DECODE "`ovmf` is not pre202505" },
	{ "newer ovmf", NULL, 0, REPLACE(STAGE_DOCUMENT, "\x69pre202505", "\x6cstable202505"),
	    DOCUMENT "unsupported ovmf_variant \"stable202505\"" },
	{ "no mrtd", NULL, 0, REPLACE(STAGE_DOCUMENT, "mrtd", "mrte"),
	    DECODE "missing field `mrtd`" },
	{ "no single_pass", NULL, 0, REPLACE(STAGE_DOCUMENT, "single_pass", "single_path"),
	    DECODE "missing field `single_pass`" },
	{ "no two_pass", NULL, 0, REPLACE(STAGE_DOCUMENT, "two_pass", "two_path"),
	    DECODE "missing field `two_pass`" },
	{ "no td_hob", NULL, 0, REPLACE(STAGE_DOCUMENT, "td_hob", "td_hoc"),
	    DECODE "missing field `td_hob`" },
	{ "normalized is a number", NULL, 0, REPLACE(STAGE_DOCUMENT,
	    "kernel_header_normalized\xf5", "kernel_header_normalized\x01"),
	    CBOR "TdxOsImageMeasurement: failed to decode CBOR: `kernel_header_normalized` is an "
	    "unsigned integer, not a boolean" },
	{ "an unknown member", NULL, 0, REPLACE(STAGE_DOCUMENT, "\x64tdvf\xa3",
	    "\x64tdvf\xa4\x61x\xf6"), NULL },
};

static const struct row version_3_rows[] = {
	{ "version 3 where 4 is demanded", minimum_4, 0, {0},
	    DOCUMENT "unsupported version 3, expected 4" },
	{ "version 4 without a command line", v4_without_cmdline, 0, {0},
	    DECODE "missing field `cmdline`" },
	{ "version 3 without its digest", NULL, 0, REPLACE(STAGE_DOCUMENT, "cmdline_sha384",
	    "cmdline_sha385"), DECODE "missing field `cmdline_sha384`" },
};

/* ---- lengths, command line, witness ---- */

enum { KERNEL, INITRD, SINGLE, CMDLINE };

static void
digest_len(struct guest *g, int which, size_t len)
{
	struct bytes *const digests[] = { &g->image.kernel_authenticode, &g->image.initrd_sha384,
	    &g->image.mrtd_single_pass, &g->image.cmdline_sha384 };

	*digests[which] = build_random(1, "digest", 0, len);
}

static void
digest_short(struct guest *g, struct judge *judge, int arg)
{
	digest_len(g, arg, 47);
}

static void
digest_long(struct guest *g, struct judge *judge, int arg)
{
	digest_len(g, arg, 49);
}

static void
two_pass_short(struct guest *g, struct judge *judge, int arg)
{
	g->page_order = "true";
	g->image.mrtd_two_pass.len = (size_t)arg;
}

static void
cmdline(struct guest *g, struct judge *judge, int arg)
{
	static const char *const lines[] = {
		"", "console=ttyS0", "dstack.rootfs_hash=", "dstack.rootfs_hash=0123",
		"dstack.rootfs_hash=zz" HASH_64, "dstack.rootfs_hash=" HASH_64 "00",
		"dstack.rootfs_hash=" HASH_64 " dstack.rootfs_hash=" HASH_64,
		"xdstack.rootfs_hash=" HASH_64, "dstack.rootfs_hash=" HASH_64 " quiet",
		"dstack.rootfs_hash=0x" HASH_64, "dstack.rootfs_hash=" HASH_64 "0",
		"a\xc3\xa9\xf0\x9f\x98\x80 dstack.rootfs_hash=" HASH_64,
	};

	g->image.cmdline = build_copy(lines[arg]);
}

static void
long_cmdline(struct guest *g, struct judge *judge, int arg)
{
	char *text = (char *)(uintptr_t)build_str(build_random(0, "x", 0, (size_t)arg));

	memset(text, 'a', (size_t)arg);
	memcpy(text, "dstack.rootfs_hash=" HASH_64 " ", 84);
	g->image.cmdline = (struct bytes){ (const uint8_t *)text, (size_t)arg };
}

static void
witness(struct guest *g, struct judge *judge, int arg)
{
	static const char *const texts[] = {
		"", "80", "8010", "801009", "80100904", "80100904000609020b0210",
		"80100904000609020b02101000", "80100941", "801009ffffffffffffffffff01", "ffffffffffffffffff020904",
		"ffffffffffffffffff0100 00", "80100901ffffffffffffffffff0101",
		"8010090100ffffffffffffffffff01", "80100901ffffffffffffff070101",
		"80808080808080808080800100",
	};

	g->image.td_hob = build_hex(texts[arg]);
}

static const struct row content_rows[] = {
	{ "kernel digest of 47 bytes", digest_short, KERNEL, {0}, EXPECTED
	    "tdx.measurement.image.kernel_authenticode has invalid length 47, expected 48" },
	{ "kernel digest of 49 bytes", digest_long, KERNEL, {0}, EXPECTED
	    "tdx.measurement.image.kernel_authenticode has invalid length 49, expected 48" },
	{ "initrd digest of 47 bytes", digest_short, INITRD, {0}, EXPECTED
	    "tdx.measurement.image.initrd_sha384 has invalid length 47, expected 48" },
	{ "initrd digest of 49 bytes", digest_long, INITRD, {0}, EXPECTED
	    "tdx.measurement.image.initrd_sha384 has invalid length 49, expected 48" },
	{ "MRTD of 47 bytes", digest_short, SINGLE, {0},
	    EXPECTED "tdx.measurement.tdvf.mrtd has invalid length 47, expected 48" },
	{ "MRTD of 49 bytes", digest_long, SINGLE, {0},
	    EXPECTED "tdx.measurement.tdvf.mrtd has invalid length 49, expected 48" },
	{ "MRTD of two passes of 0 bytes", two_pass_short, 0, {0},
	    EXPECTED "tdx.measurement.tdvf.mrtd has invalid length 0, expected 48" },
	{ "empty command line", cmdline, 0, {0},
	    ROOTFS "the command line has 0 words dstack.rootfs_hash, not 1" },
	{ "command line without rootfs hash", cmdline, 1, {0},
	    ROOTFS "the command line has 0 words dstack.rootfs_hash, not 1" },
	{ "rootfs hash empty", cmdline, 2, {0}, ROOTFS "dstack.rootfs_hash must not be empty" },
	{ "rootfs hash of 2 bytes", cmdline, 3, {0}, ROOTFS "dstack.rootfs_hash must be 32 bytes" },
	{ "rootfs hash is not hex", cmdline, 4, {0}, ROOTFS "dstack.rootfs_hash must be valid "
	    "hex" },
	{ "rootfs hash of 33 bytes", cmdline, 5, {0}, ROOTFS "dstack.rootfs_hash must be 32 "
	    "bytes" },
	{ "rootfs hash twice", cmdline, 6, {0},
	    ROOTFS "the command line has 2 words dstack.rootfs_hash, not 1" },
	{ "rootfs hash of another word", cmdline, 7, {0},
	    ROOTFS "the command line has 0 words dstack.rootfs_hash, not 1" },
	{ "rootfs hash first", cmdline, 8, {0}, NULL },
	{ "rootfs hash with 0x", cmdline, 9, {0}, ROOTFS "dstack.rootfs_hash must be valid hex" },
	{ "rootfs hash with an odd digit", cmdline, 10, {0},
	    ROOTFS "dstack.rootfs_hash must be valid hex" },
	{ "command line past U+FFFF", cmdline, 11, {0}, NULL },
	{ "command line of 2048 bytes", long_cmdline, 2048, {0}, NULL },
	{ "command line of 2049 bytes", long_cmdline, 2049, {0}, EXPECTED
	    "tdx.measurement.image.base_cmdline has 2049 bytes, more than COMMAND_LINE_SIZE "
	    "(2048)" },
	{ "witness of no byte", witness, 0, {0}, WITNESS "truncated TD HOB witness varuint" },
	{ "witness cut in a number", witness, 1, {0}, WITNESS "truncated TD HOB witness varuint" },
	{ "witness cut behind the base", witness, 2, {0},
	    WITNESS "truncated TD HOB witness varuint" },
	{ "witness cut behind the HOB", witness, 3, {0},
	    WITNESS "truncated TD HOB witness varuint" },
	{ "witness without ranges", witness, 4, {0}, WITNESS "truncated TD HOB witness varuint" },
	{ "witness cut in the last range", witness, 5, {0},
	    WITNESS "truncated TD HOB witness varuint" },
	{ "a byte behind the witness", witness, 6, {0}, WITNESS "TD HOB witness has trailing "
	    "bytes" },
	{ "65 ranges", witness, 7, {0},
	    WITNESS "TD HOB witness declares 65 ranges, more than the 64 supported" },
	{ "2^64-1 ranges", witness, 8, {0}, WITNESS "TD HOB witness declares "
	    "18446744073709551615 ranges, more than the 64 supported" },
	{ "a number past 64 bits", witness, 9, {0}, WITNESS "TD HOB witness varuint is too large" },
	{ "base past the address space", witness, 10, {0}, WITNESS "TD HOB base address overflow" },
	{ "range start past the address space", witness, 11, {0},
	    WITNESS "TD HOB range start overflow" },
	{ "range length past the address space", witness, 12, {0},
	    WITNESS "TD HOB range length overflow" },
	{ "a number of 11 bytes", witness, 14, {0}, WITNESS "TD HOB witness varuint is too large" },
};

static const struct row digest_3_rows[] = {
	{ "command line digest of 47 bytes", digest_short, CMDLINE, {0}, EXPECTED
	    "tdx.measurement.image.kernel_cmdline_sha384 has invalid length 47, expected 48" },
	{ "command line digest of 49 bytes", digest_long, CMDLINE, {0}, EXPECTED
	    "tdx.measurement.image.kernel_cmdline_sha384 has invalid length 49, expected 48" },
};

/* ---- memory ---- */

static void
memory(struct guest *g, struct judge *judge, int arg)
{
	g->shape.memory_size = (uint64_t)arg << 20;
}

#define GATE(bytes) \
	EXPECTED "TDX lite attestation without image download requires memory_size == " \
	"2147483648 bytes (2048 MiB) or >= 2952790016 bytes (2816 MiB); got " bytes \
	" bytes (only images without kernel header normalization are restricted)"

static const struct row memory_rows[] = {
	{ "1024 MiB", memory, 1024, {0}, GATE("1073741824") },
	{ "2047 MiB", memory, 2047, {0}, GATE("2146435072") },
	{ "2049 MiB", memory, 2049, {0}, GATE("2148532224") },
	{ "2815 MiB", memory, 2815, {0}, GATE("2951741440") },
	{ "2816 MiB", memory, 2816, {0}, NULL },
	{ "2048 MiB", memory, 2048, {0}, NULL },
};

static const struct row normalized_memory_rows[] = {
	{ "1024 MiB, normalized", memory, 1024, {0}, NULL },
	{ "2815 MiB, normalized", memory, 2815, {0}, NULL },
	{ "memory declared larger", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"memory_size\":2147483648",
	    "\"memory_size\":2148532224"),
	    "TDX lite acpi-tables digest mismatch: expected *, reported *" },
};

/* ---- ACPI events ---- */

static struct event *
log_of(struct guest *g)
{
	guest_build(g);
	g->keep_log = true;
	return g->log;
}

static void
acpi_gone(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	memmove(log + arg, log + arg + 1, (--g->nlog - (size_t)arg) * sizeof *log);
}

static void
acpi_twice(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	memmove(log + arg + 1, log + arg, (g->nlog++ - (size_t)arg) * sizeof *log);
}

static void
acpi_renamed(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].name = bytes_str("acpi-rsdp");
}

static void
acpi_unnamed(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g);

	for (unsigned i = 0; i < 3; i++)
		log[i].name = EMPTY;
}

static void
acpi_payload(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].payload = bytes_str("ACPI DAT");
}

static void
acpi_digest_len(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[0].digest.len = (size_t)arg;
}

static void
acpi_other(struct guest *g, struct judge *judge, int arg)
{
	log_of(g)[arg].digest = build_random(2, "digest", 0, 48);
}

static void
acpi_reordered(struct guest *g, struct judge *judge, int arg)
{
	struct event *log = log_of(g), event = log[0];

	log[0] = log[2];
	log[2] = event;
}

static const struct row acpi_rows[] = {
	{ "no acpi-loader", acpi_gone, 0, {0}, NAMED "TDX lite attestation requires exactly 3 "
	    "RTMR0 "
	    "ACPI DATA events; found 2 candidates and 2 RTMR0 events" },
	{ "no acpi-tables", acpi_gone, 2, {0}, NAMED "TDX lite attestation requires exactly 3 "
	    "RTMR0 "
	    "ACPI DATA events; found 2 candidates and 2 RTMR0 events" },
	{ "acpi-rsdp twice", acpi_twice, 1, {0}, NAMED "TDX lite attestation requires exactly 3 "
	    "RTMR0 ACPI DATA events; found 4 candidates and 4 RTMR0 events" },
	{ "acpi-loader called acpi-rsdp", acpi_renamed, 0, {0}, NAMED "TDX lite attestation "
	    "requires "
	    "exactly one RTMR0 ACPI DATA event named acpi-loader; found 0" },
	{ "acpi-tables called acpi-rsdp", acpi_renamed, 2, {0}, NAMED "TDX lite attestation "
	    "requires "
	    "exactly one RTMR0 ACPI DATA event named acpi-rsdp; found 2" },
	{ "unnamed ACPI events", acpi_unnamed, 0, {0}, NAMED "TDX lite attestation requires "
	    "exactly one RTMR0 ACPI DATA event named acpi-loader; found 0" },
	{ "ACPI event of 0 bytes", acpi_digest_len, 0, {0}, NAMED
	    "TDX RTMR0 ACPI DATA event acpi-loader has invalid digest length 0, expected 48" },
	{ "ACPI event of 47 bytes", acpi_digest_len, 47, {0}, NAMED
	    "TDX RTMR0 ACPI DATA event acpi-loader has invalid digest length 47, expected 48" },
	{ "other acpi-loader", acpi_other, 0, {0},
	    "TDX lite acpi-loader digest mismatch: expected *, reported *" },
	{ "other acpi-rsdp", acpi_other, 1, {0},
	    "TDX lite acpi-rsdp digest mismatch: expected *, reported *" },
	{ "other acpi-tables", acpi_other, 2, {0},
	    "TDX lite acpi-tables digest mismatch: expected *, reported *" },
	{ "ACPI events reordered", acpi_reordered, 0, {0}, NULL },
};

/* A payload that is not ACPI's makes the log more than the three events: it has to replay. */
static const struct row acpi_payload_rows[] = {
	{ "another payload", acpi_payload, 1, {0},
	    "Quote verification failed: RTMR0 mismatch, quoted: *, replayed: *" },
};

/* ---- registers ---- */

static const struct row register_rows[] = {
	{ "other MRTD", NULL, 0, PATCH(STAGE_REPORT, TD_MRTD, "00000000"),
	    "MRs do not match: MRTD mismatch: expected=*, actual=*" },
	{ "other RTMR0", NULL, 0, PATCH(STAGE_REPORT, TD_RTMR0, "00000000"),
	    "MRs do not match: RTMR0 mismatch: expected=*, actual=*" },
	{ "other RTMR1", NULL, 0, PATCH(STAGE_REPORT, TD_RTMR0 + 48, "00000000"),
	    "MRs do not match: RTMR1 mismatch: expected=*, actual=*" },
	{ "other RTMR2", NULL, 0, PATCH(STAGE_REPORT, TD_RTMR0 + 96 + 44, "00000000"),
	    "MRs do not match: RTMR2 mismatch: expected=*, actual=*" },
	{ "two passes declared", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"qemu_single_pass_add_pages\":true,\"image\""),
	    "MRs do not match: MRTD mismatch: expected=*, actual=*" },
	{ "one pass declared", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"image\"",
	    "\"qemu_single_pass_add_pages\":false,\"image\""), NULL },
	{ "another CPU declared", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"cpu_count\":1",
	    "\"cpu_count\":2"), "TDX lite acpi-loader digest mismatch: expected *, reported *" },
	{ "another QEMU declared", NULL, 0, REPLACE(STAGE_VM_CONFIG, "9.2.1", "10.0.0"),
	    "TDX lite acpi-loader digest mismatch: expected *, reported *" },
	{ "hotplug declared", NULL, 0, REPLACE(STAGE_VM_CONFIG, "\"hotplug_off\":true",
	    "\"hotplug_off\":false"), "TDX lite acpi-loader digest mismatch: expected *, reported "
	    "*" },
};

/* ---- defects that upstream found in itself: upstream-delta.md 12 ---- */

static void
own_tables(struct guest *g, struct judge *judge, int arg)
{
	g->own_tables = true;
}

static void
minted(struct guest *g, struct judge *judge, int arg)
{
	g->image.kernel_authenticode = build_random(1, "my own kernel", 0, 48);
}

/* The legacy variant with a document: the image is what counts. */
static void
legacy(struct guest *g, struct judge *judge, int arg)
{
	g->change = (struct change)REPLACE(STAGE_VM_CONFIG, "\"lite\"", "\"legacy\"");
}

static void
many_ranges(struct guest *g, struct judge *judge, int arg)
{
	CBB out;

	MUST(CBB_init(&out, 4096));
	build_add(&out, build_hex("801009b0ea01"));     /* 30000 */
	for (int i = 0; i < 10000; i++)
		build_add(&out, build_hex("000100010001"));
	g->image.td_hob = build_finish(&out);
}

static const struct row defect_rows[] = {
	{ "8: 30000 ranges in a witness", many_ranges, 0, {0}, PREFIX WITNESS
	    "TD HOB witness declares 30000 ranges, more than the 64 supported" },
	{ "14: host-chosen ACPI tables, replayed", own_tables, 0, {0}, PREFIX
	    "TDX lite acpi-tables digest mismatch: expected *, reported *" },
	{ "15: legacy with a document", legacy, 0, {0}, "needs an image" },
	{ "16: an image hash of the requester's own", minted, 0, {0}, NULL },
	{ "23: a byte behind the document", NULL, 0, APPEND(STAGE_DOCUMENT, "00"), PREFIX DOCUMENT
	    "1 trailing byte(s) after the CBOR document" },
};

#define TABLE(base, rows)       judge_table(&(struct table){ PREFIX, base, rows, NELEM(rows) })

static void
test_material(void **state)
{
	TABLE(base, material_rows);
}

static void
test_document(void **state)
{
	TABLE(base, document_rows);
	TABLE(version_3, version_3_rows);
}

static void
test_content(void **state)
{
	TABLE(base, content_rows);
	TABLE(version_3, digest_3_rows);
}

static void
test_memory(void **state)
{
	TABLE(not_normalized, memory_rows);
	TABLE(base, normalized_memory_rows);
}

static void
test_acpi(void **state)
{
	TABLE(base, acpi_rows);
	judge_table(&(struct table){ "", base, acpi_payload_rows, NELEM(acpi_payload_rows) });
}

static void
test_registers(void **state)
{
	TABLE(base, register_rows);
}

static void
test_defects(void **state)
{
	judge_table(&(struct table){ "", base, defect_rows, NELEM(defect_rows) });
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_material),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_acpi),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_defects),
	};

	return cmocka_run_group_tests_name("lite", tests, NULL, NULL);
}
