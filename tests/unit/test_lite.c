#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/hex.h"
#include "core/json.h"
#include "evidence/attestation.h"
#include "measure/lite.h"
#include "../teesim/image.h"

/* The three attestations of real machines, all valid. */
enum { V3, NORMALIZED, V1_FORM, CAPTURES };
static const char *const files[CAPTURES] = {
	[V3] = "dstack-verifier/tdx-lite-attestation.json",
	[NORMALIZED] = "attestations/tdx-lite-normalized-attestation.json",
	[V1_FORM] = "attestations/tdx-lite-v1-attest.json",
};

/* One case: a capture and what a test changes of it. */
struct lab {
	struct vm_config config;
	struct event_list log;
	struct launch_registers quoted;
	struct tdx_document doc;
	uint32_t minimum_version;
	struct lite_result result;
	struct reason why;
};

static struct arena *arena;
static struct acpi_cache *cache;

static int
setup(void **state)
{
	arena = arena_new(64u << 20);
	cache = acpi_cache_new(ACPI_CACHE_ENTRIES);
	return arena == NULL || cache == NULL;
}

static int
teardown(void **state)
{
	acpi_cache_free(cache);
	arena_free(arena);
	return 0;
}

static struct bytes
attestation(const char *file)
{
	static const struct json_limits limits = { 1u << 20, 4, 64, false };
	const struct json *root;
	struct reason why;
	struct bytes raw;

	assert_true(json_read(&root, arena, vector_read(file), &limits, &why));
	assert_true(json_hex_var(&raw, arena, root, "attestation", 1u << 20, &why));
	return raw;
}

/* TD report at 48: MRTD 136 bytes into it, the RTMRs from 328. */
static void
registers_read(struct launch_registers *out, struct bytes quote)
{
	size_t i;

	assert_true(quote.len > 48 + 584);
	memcpy(out->mrtd.data, quote.ptr + 48 + 136, 48);
	for (i = 0; i < 3; i++)
		memcpy(out->rtmr[i].data, quote.ptr + 48 + 328 + 48 * i, 48);
}

static struct lab
lab_open(unsigned capture)
{
	struct lab lab = { .minimum_version = 3 };
	struct evidence evidence;

	if (!attestation_read(&evidence, arena, attestation(files[capture]), &lab.why) ||
	    !vm_config_read(&lab.config, arena, evidence.vm_config, &lab.why) ||
	    !tdx_document_read(&lab.doc, lab.config.tdx.measurement, 3, &lab.why))
		fail_msg("%s: %s", files[capture], lab.why.text);
	registers_read(&lab.quoted, evidence.quote);
	lab.log = evidence.log;
	return lab;
}

static bool
lab_run(struct lab *lab)
{
	const struct lite_input input = {
		&lab->config, &lab->log, &lab->quoted, lab->minimum_version, cache,
	};

	return lite_check(&lab->result, &input, &lab->why);
}

static void
lab_expect(struct lab *lab, const char *want)
{
	bool ok = lab_run(lab);

	if (ok != (want == NULL) || (!ok && strcmp(lab->why.text, want) != 0))
		fail_msg("got %d \"%s\"", ok, ok ? "" : lab->why.text);
}

/* A refusal whose digests differ from capture to capture: only how it begins. */
static void
lab_expect_start(struct lab *lab, const char *want)
{
	if (lab_run(lab) || strncmp(lab->why.text, want, strlen(want)) != 0)
		fail_msg("got \"%s\"", lab->why.text);
}

/* A checksum file, and the hash that commits to it. */
static void
lab_commit(struct lab *lab, struct bytes checksum_file)
{
	uint8_t *hash = arena_alloc(arena, SHA256_DIGEST_LENGTH, &lab->why);

	SHA256(checksum_file.ptr, checksum_file.len, hash);
	lab->config.tdx.checksum_file = checksum_file;
	lab->config.os_image_hash = (struct bytes){ hash, SHA256_DIGEST_LENGTH };
}

/* The document as it now is, and a checksum file and an image hash that fit it. */
static void
lab_rebuild(struct lab *lab)
{
	char hex[65], *line = arena_alloc(arena, 128, &lab->why);
	struct digest256 digest;

	lab->config.tdx.measurement = image_document(&lab->doc);
	digest256_of(&digest, lab->config.tdx.measurement);
	hex_text(hex, BYTES_OF(digest.data));
	(void)snprintf(line, 128, "%s  measurement.tdx.cbor\n", hex);
	lab_commit(lab, bytes_str(line));
}

/* The log of a guest whose firmware measured just these tables. */
static void
lab_log(struct lab *lab, const struct acpi_digests *acpi)
{
	static const char *const names[] = { "acpi-loader", "acpi-rsdp", "acpi-tables" };
	const uint8_t *const digests[] = { acpi->loader, acpi->rsdp, acpi->tables };
	struct event *events = arena_array(arena, 3, sizeof *events, &lab->why);
	struct bytes digest;
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_true(arena_copy(arena, &digest, (struct bytes){ digests[i], 48 },
		    &lab->why));
		events[i] = (struct event){ .type = EVENT_TYPE_ACPI, .digest = digest,
		    .name = bytes_str(names[i]), .payload = bytes_str("ACPI DATA") };
	}
	lab->log = (struct event_list){ events, 3 };
}

static struct acpi_digests
lab_acpi(struct lab *lab, enum acpi_profile profile)
{
	struct acpi_digests acpi;

	assert_true(acpi_cache_digests(cache, &acpi, &lab->config.shape, profile, &lab->why));
	return acpi;
}

/* A log that fits the shape as it now is. */
static void
lab_relog(struct lab *lab)
{
	struct acpi_digests acpi = lab_acpi(lab, ACPI_NEWEST);

	lab_log(lab, &acpi);
}

static void
lab_cmdline(struct lab *lab, const char *suffix)
{
	char *line = arena_alloc(arena, lab->doc.cmdline.len + strlen(suffix) + 1, &lab->why);

	bytes_copy(line, lab->doc.cmdline);
	(void)strcpy(line + lab->doc.cmdline.len, suffix);
	lab->doc.cmdline = bytes_str(line);
	lab_rebuild(lab);
}

/* Our registers equal those of the three quotes, and the documents are rebuilt to the byte. */
static void
test_captures(void **state)
{
	static const struct {
		uint32_t version;
		const char *mrtd;       /* its first bytes */
	} want[CAPTURES] = {
		[V3] = { 3, "fd685522ce791dfe" },
		[NORMALIZED] = { 4, NULL },
		[V1_FORM] = { 4, NULL },
	};
	unsigned i;

	for (i = 0; i < CAPTURES; i++) {
		struct lab lab = lab_open(i);
		struct bytes cbor = lab.config.tdx.measurement;
		char hex[17];

		lab_expect(&lab, NULL);
		assert_int_equal(lab.result.measurement_version, want[i].version);
		assert_true(lab.result.acpi_tables_verified && lab.result.computed);
		assert_int_equal(lab.result.acpi_profile, ACPI_NEWEST);
		assert_true(lab.result.two_pass);
		assert_memory_equal(&lab.result.expected, &lab.quoted, sizeof lab.quoted);
		hex_text(hex, (struct bytes){ lab.result.expected.mrtd.data, 8 });
		if (want[i].mrtd != NULL)
			assert_string_equal(hex, want[i].mrtd);
		lab_rebuild(&lab);
		assert_true(bytes_equal(lab.config.tdx.measurement, cbor));
		lab_expect(&lab, NULL);
	}
}

static void
test_minimum_version(void **state)
{
	struct lab lab = lab_open(V3);

	lab.minimum_version = 4;
	lab_expect(&lab, "failed to decode vm_config.tdx_measurement CBOR: "
	    "TdxOsImageMeasurement: unsupported version 3, expected 4");
	assert_int_equal(lab.result.measurement_version, 0);
	lab = lab_open(NORMALIZED);
	lab.minimum_version = 4;
	lab_expect(&lab, NULL);
}

#define MATERIAL        "tdx lite measurement material does not match os_image_hash: "

static void
test_material(void **state)
{
	static const uint8_t zero[33] = { 0 };
	struct lab lab = lab_open(V3);
	struct bytes checksum_file = lab.config.tdx.checksum_file, more;
	uint8_t *line;

	lab.config.tdx.present = false;
	lab_expect(&lab, "tdx lite attestation requires vm_config.tdx_measurement");
	assert_int_equal(lab.result.measurement_version, 0);

	lab = lab_open(V3);
	lab.config.os_image_hash = (struct bytes){ zero, 31 };
	lab_expect(&lab, "os_image_hash has 31 bytes, not 32");
	lab.config.os_image_hash = (struct bytes){ zero, 32 };
	lab_expect_start(&lab, MATERIAL "os_image_hash mismatch: expected sha256(sha256sum.txt)="
	    "0000000000000000000000000000000000000000000000000000000000000000, actual=");

	/* One line that nobody checks, behind the right one. */
	more.len = checksum_file.len + 7;
	more.ptr = line = arena_alloc(arena, more.len, &lab.why);
	bytes_copy(line, checksum_file);
	memcpy(line + checksum_file.len, "# note\n", 7);
	lab_commit(&lab, more);
	lab_expect(&lab, MATERIAL
	    "sha256sum.txt line 2 is not `<lowercase sha256>  <file name>`");

	/* A valid line behind it makes another image hash, which is the requester's to choose. */
	more.len = checksum_file.len + 68;
	more.ptr = line = arena_alloc(arena, more.len, &lab.why);
	bytes_copy(line, checksum_file);
	memset(line + checksum_file.len, '0', 64);
	memcpy(line + checksum_file.len + 64, "  x\n", 4);
	lab_commit(&lab, more);
	lab_expect(&lab, NULL);
	lab_commit(&lab, (struct bytes){ line + checksum_file.len, 68 });
	lab_expect(&lab, MATERIAL "sha256sum.txt is missing measurement.tdx.cbor");

	lab = lab_open(V3);
	lab.config.tdx.measurement.len--;
	lab_expect_start(&lab, MATERIAL
	    "measurement.tdx.cbor hash mismatch: sha256sum.txt=");
	assert_int_equal(lab.result.measurement_version, 0);
}

#define CBOR    "failed to decode vm_config.tdx_measurement CBOR: TdxOsImageMeasurement: "

/* Changes of the image, each with a document and hashes that fit together. */
static void
test_mutations(void **state)
{
	static const char rtmr2[] = "MRs do not match: RTMR2 mismatch: expected=";
	char filler[2049];
	struct lab lab;

	lab = lab_open(NORMALIZED);
	lab_cmdline(&lab, " forged=1");
	lab_expect_start(&lab, rtmr2);
	assert_true(lab.result.acpi_tables_verified && lab.result.computed);
	lab = lab_open(NORMALIZED);
	lab_cmdline(&lab, " initrd=initrd");
	lab_expect_start(&lab, rtmr2);

	lab = lab_open(NORMALIZED);
	(void)snprintf(filler, sizeof filler, " %0*d", 2047 - (int)lab.doc.cmdline.len, 0);
	lab_cmdline(&lab, filler);
	assert_int_equal(lab.doc.cmdline.len, 2048);
	lab_expect_start(&lab, rtmr2);
	lab_cmdline(&lab, "0");
	lab_expect(&lab, "Failed to compute TDX expected measurements without image download: "
	    "tdx.measurement.image.base_cmdline has 2049 bytes, more than "
	    "COMMAND_LINE_SIZE (2048)");
	assert_true(lab.result.acpi_tables_verified && !lab.result.computed);

	lab = lab_open(NORMALIZED);
	lab.doc.cmdline = bytes_str("console=ttyS0");
	lab_rebuild(&lab);
	lab_expect(&lab, "Failed to compute TDX expected measurements without image download: "
	    "failed to parse dstack.rootfs_hash from tdx.measurement.image.base_cmdline: "
	    "the command line has 0 words dstack.rootfs_hash, not 1");

	lab = lab_open(NORMALIZED);
	lab.doc.version = 3;
	lab_rebuild(&lab);
	lab_expect(&lab, CBOR "failed to decode CBOR: version 3 with `cmdline`");
	lab.doc.version = 2;
	lab_rebuild(&lab);
	lab_expect(&lab, CBOR "unsupported version 2, expected 4");

	lab = lab_open(V3);
	lab.doc.version = 4;
	lab_rebuild(&lab);
	lab_expect(&lab, CBOR "failed to decode CBOR: missing field `cmdline`");

	/* The flag only lifts the memory gate; 2 GiB needs no lifting. */
	lab = lab_open(V3);
	lab.doc.kernel_header_normalized = true;
	lab_rebuild(&lab);
	lab_expect(&lab, NULL);
	lab = lab_open(NORMALIZED);
	lab.doc.kernel_header_normalized = false;
	lab_rebuild(&lab);
	lab_expect(&lab, NULL);
}

#define NAMED   "TDX lite attestation is missing named RTMR0 ACPI DATA digests: "

/* The three events, one way each in which they may be missing; event_log has them all. */
static void
test_reported(void **state)
{
	struct lab lab = lab_open(V3);

	lab_relog(&lab);
	lab_expect(&lab, NULL);
	lab.log.n = 2;
	lab_expect_start(&lab, NAMED
	    "TDX lite attestation requires exactly 3 RTMR0 ACPI DATA events");
	assert_int_equal(lab.result.measurement_version, 3);
	assert_false(lab.result.acpi_tables_verified);
	lab_relog(&lab);
	lab.log.event[2].name = bytes_str("acpi-rsdp");
	lab_expect_start(&lab, NAMED
	    "TDX lite attestation requires exactly one RTMR0 ACPI DATA event named acpi-");
	lab_relog(&lab);
	lab.log.event[1].digest.len = 47;
	lab_expect(&lab, NAMED
	    "TDX RTMR0 ACPI DATA event acpi-rsdp has invalid digest length 47, expected 48");
}

/* Whatever the log reports is compared with what we generate, whole and by name. */
static void
test_acpi_mismatch(void **state)
{
	static const char *const names[] = { "loader", "rsdp", "tables" };
	struct acpi_digests acpi, wrong;
	char want[400], hex[2][97];
	uint8_t *digest;
	size_t i;

	for (i = 0; i < NELEM(names); i++) {
		struct lab lab = lab_open(V3);

		acpi = wrong = lab_acpi(&lab, ACPI_NEWEST);
		digest = i == 0 ? wrong.loader : i == 1 ? wrong.rsdp : wrong.tables;
		hex_text(hex[0], (struct bytes){ digest, 48 });
		digest[47] ^= 1;
		hex_text(hex[1], (struct bytes){ digest, 48 });
		lab_log(&lab, &wrong);
		(void)snprintf(want, sizeof want,
		    "TDX lite acpi-%s digest mismatch: expected %s, reported %s", names[i], hex[0],
		    hex[1]);
		lab_expect(&lab, want);
		assert_int_equal(lab.why.kind, REASON_REFUSED);
		assert_false(lab.result.acpi_tables_verified);
		lab_log(&lab, &acpi);
		lab_expect(&lab, NULL);
	}
}

#define RECOMPUTE       "failed to recompute expected TDX lite ACPI table digests: "

/* Shapes nobody can generate tables for end here, whatever the log says. */
static void
test_acpi_refusals(void **state)
{
	struct lab lab = lab_open(V3);

	lab.config.shape.swtpm = true;
	lab_expect(&lab, RECOMPUTE "swtpm measurement is not supported");
	lab = lab_open(V3);
	lab.config.shape.qemu_version = bytes_str("7.2.0");
	lab_expect_start(&lab, RECOMPUTE);
	assert_non_null(strstr(lab.why.text, "Unsupported QEMU version: (7, 2, 0)"));
	lab = lab_open(V3);
	lab.config.shape.cpu_count = 0;
	lab_expect_start(&lab, RECOMPUTE);
	lab = lab_open(V3);
	lab.config.shape.n_extra_root_devices = 1;
	lab_expect_start(&lab, RECOMPUTE);
}

/* GPUs on bus 0 with hotplug left on: only the genuine profile knows those tables. */
static void
test_second_chance_hotplug(void **state)
{
	struct lab lab = lab_open(V3);
	struct acpi_digests acpi;

	lab.config.shape.hotplug_off = false;
	lab.config.shape.num_gpus = 1;
	lab_expect(&lab, RECOMPUTE "failed to generate QEMU ACPI tables: PCI hotplug on root ports "
	    "is not modeled; set hotplug_off for GPU passthrough");
	acpi = lab_acpi(&lab, ACPI_GENUINE);
	lab_log(&lab, &acpi);
	lab_expect_start(&lab, "MRs do not match: RTMR0 mismatch");
	assert_true(lab.result.acpi_tables_verified);
	assert_int_equal(lab.result.acpi_profile, ACPI_GENUINE);
	lab.quoted = lab.result.expected;
	lab_expect(&lab, NULL);
	assert_int_equal(lab.result.acpi_profile, ACPI_GENUINE);
}

/* Memory that only an AMD machine moves to 1 TiB: both profiles give tables. */
static void
test_second_chance_memory(void **state)
{
	struct lab lab = lab_open(V3);
	struct acpi_digests newest, genuine, mixed;

	lab.config.shape.hugepages = true;
	lab.config.shape.memory_size = 1ull << 40;
	newest = lab_acpi(&lab, ACPI_NEWEST);
	genuine = lab_acpi(&lab, ACPI_GENUINE);
	assert_memory_not_equal(newest.tables, genuine.tables, 48);
	lab_log(&lab, &newest);
	lab_expect_start(&lab, "MRs do not match: RTMR0 mismatch");
	assert_int_equal(lab.result.acpi_profile, ACPI_NEWEST);
	lab_log(&lab, &genuine);
	lab_expect_start(&lab, "MRs do not match: RTMR0 mismatch");
	assert_true(lab.result.acpi_tables_verified);
	assert_int_equal(lab.result.acpi_profile, ACPI_GENUINE);
	lab.quoted = lab.result.expected;
	lab_expect(&lab, NULL);

	/* All three are of one profile; else the newest has the word. */
	mixed = genuine;
	mixed.tables[0] ^= 1;
	lab_log(&lab, &mixed);
	lab_expect_start(&lab, "TDX lite acpi-tables digest mismatch: expected ");
	assert_false(lab.result.acpi_tables_verified);
	assert_int_equal(lab.result.acpi_profile, ACPI_NEWEST);
}

/* A shape that has no second chance gets none: a switch without GPU, memory of no whole MiB. */
static void
test_no_second_chance(void **state)
{
	struct lab lab = lab_open(V3);
	struct acpi_digests genuine;

	lab.config.shape.num_nvswitches = 1;
	lab.config.shape.hotplug_off = true;
	lab_expect_start(&lab, RECOMPUTE);
	lab = lab_open(V3);
	lab.config.shape.hugepages = true;
	lab.config.shape.memory_size = 1ull << 40;
	genuine = lab_acpi(&lab, ACPI_GENUINE);
	lab.config.shape.memory_size += 4096;
	lab_log(&lab, &genuine);
	lab_expect_start(&lab, "TDX lite acpi-");
}

#define COMPUTE "Failed to compute TDX expected measurements without image download: "
#define MEMORY  COMPUTE "TDX lite attestation without image download requires memory_size == "    \
		"2147483648 bytes (2048 MiB) or >= 2952790016 bytes (2816 MiB); got %llu bytes "  \
		"(only images without kernel header normalization are restricted)"

static void
test_memory_gate(void **state)
{
	static const struct {
		unsigned long long memory_size;
		bool    allowed;
	} rows[] = {
		{ 1ull << 20, false }, { (2ull << 30) - 4096, false }, { 2ull << 30, true },
		{ (2ull << 30) + 4096, false }, { 0xaffff000, false }, { 0xb0000000, true },
		{ 64ull << 30, true },
	};
	char want[400];
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		struct lab lab = lab_open(V3);

		lab.config.shape.memory_size = rows[i].memory_size;
		lab_relog(&lab);
		(void)snprintf(want, sizeof want, MEMORY, rows[i].memory_size);
		if (lab_run(&lab) || lab.result.computed != rows[i].allowed)
			assert_int_equal(rows[i].memory_size, 2ull << 30);
		if (!rows[i].allowed)
			assert_string_equal(lab.why.text, want);
		assert_true(lab.result.acpi_tables_verified);

		/* A normalized image runs with any size. */
		lab = lab_open(NORMALIZED);
		lab.config.shape.memory_size = rows[i].memory_size;
		lab_relog(&lab);
		assert_true(lab_run(&lab) || strncmp(lab.why.text, "MRs do", 6) == 0);
		assert_true(lab.result.computed);
		lab.doc.kernel_header_normalized = false;
		lab_rebuild(&lab);
		(void)lab_run(&lab);
		assert_true(lab.result.computed == rows[i].allowed);
	}
}

/* Members of a wrong length, in the order in which they are looked at. */
static void
test_lengths(void **state)
{
	static const uint8_t zero[49] = { 0 };
	static const struct bytes wrong = { zero, 49 };
	struct lab lab = lab_open(V3);

	lab.doc.cmdline_sha384 = wrong;
	lab_rebuild(&lab);
	lab_expect(&lab, COMPUTE
	    "tdx.measurement.image.kernel_cmdline_sha384 has invalid length 49, expected 48");
	lab.doc.initrd_sha384.len = 47;
	lab_rebuild(&lab);
	lab_expect(&lab, COMPUTE
	    "tdx.measurement.image.initrd_sha384 has invalid length 47, expected 48");
	lab.doc.kernel_authenticode = wrong;
	lab_rebuild(&lab);
	lab_expect(&lab, COMPUTE
	    "tdx.measurement.image.kernel_authenticode has invalid length 49, expected 48");
	lab.doc.td_hob.len--;
	lab_rebuild(&lab);
	lab_expect(&lab, COMPUTE
	    "failed to measure TD HOB from witness: truncated TD HOB witness varuint");
	lab.doc.mrtd_two_pass.len = 0;
	lab_rebuild(&lab);
	lab_expect(&lab, COMPUTE
	    "tdx.measurement.tdvf.mrtd has invalid length 0, expected 48");

	/* The one that is not selected is not looked at. */
	lab = lab_open(V3);
	lab.doc.mrtd_single_pass = wrong;
	lab_rebuild(&lab);
	lab_expect(&lab, NULL);
	lab.config.has_page_order = true;
	lab.config.two_pass = false;
	lab_expect(&lab, COMPUTE
	    "tdx.measurement.tdvf.mrtd has invalid length 49, expected 48");
}

static void
test_page_order(void **state)
{
	struct lab lab = lab_open(V3);

	lab.config.has_page_order = true;
	lab.config.two_pass = false;
	lab_expect_start(&lab, "MRs do not match: MRTD mismatch: expected=a6f2ac94");
	assert_false(lab.result.two_pass);
	lab.config.two_pass = true;
	lab_expect(&lab, NULL);
}

/* Each register of the quote, alone and in its order. */
static void
test_registers(void **state)
{
	static const char *const names[] = { "MRTD", "RTMR0", "RTMR1", "RTMR2" };
	struct lab lab = lab_open(V3);
	char want[400], expected[97], actual[97];
	size_t i;

	for (i = NELEM(names); i-- > 0;) {
		struct digest384 *reg = i == 0 ? &lab.quoted.mrtd : &lab.quoted.rtmr[i - 1];

		hex_text(expected, BYTES_OF(reg->data));
		reg->data[47] ^= 1;
		hex_text(actual, BYTES_OF(reg->data));
		(void)snprintf(want, sizeof want,
		    "MRs do not match: %s mismatch: expected=%s, actual=%s", names[i], expected,
		    actual);
		lab_expect(&lab, want);
		assert_int_equal(lab.why.kind, REASON_REFUSED);
		assert_true(lab.result.acpi_tables_verified && lab.result.computed);
	}
}

/* The registers are those of the declared shape, so any other shape fails. */
static void
test_other_shapes(void **state)
{
	struct lab lab = lab_open(V3);

	lab.config.shape.cpu_count++;
	lab_expect_start(&lab, "TDX lite acpi-");
	lab = lab_open(V3);
	lab.config.shape.cpu_count++;
	lab_relog(&lab);
	lab_expect_start(&lab, "MRs do not match: RTMR0 mismatch");
	lab = lab_open(V3);
	lab.config.shape.qemu_version = bytes_str("10.2.1");
	lab_relog(&lab);
	lab_expect_start(&lab, "MRs do not match: MRTD mismatch");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_minimum_version),
		cmocka_unit_test(test_material),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_reported),
		cmocka_unit_test(test_acpi_mismatch),
		cmocka_unit_test(test_acpi_refusals),
		cmocka_unit_test(test_second_chance_hotplug),
		cmocka_unit_test(test_second_chance_memory),
		cmocka_unit_test(test_no_second_chance),
		cmocka_unit_test(test_memory_gate),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_page_order),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_other_shapes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
