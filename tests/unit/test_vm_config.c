#include "testing.h"

#include <stdio.h>

#include "core/json.h"
#include "measure/vm_config.h"

#define DECODE  "Failed to decode VM config: "
#define PARSE   DECODE "Failed to parse vm config: "

static struct arena *arena;

static int
setup(void **state)
{
	arena = arena_new(4u << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

/* A row per rule; the texts behind PARSE are ours, no client knows them. */
static const struct {
	const char *name, *text;
	const char *why;        /* NULL: must be accepted */
} cases[] = {
	{ "empty", "", NULL },
	{ "empty object", "{}", NULL },
	{ "white space around", " {} \n", NULL },
	{ "unknown members, twice", "{\"spec_version\":1,\"spec_version\":{\"a\":[1.5,-1,null]}}",
	    NULL },
	{ "array", "[]", PARSE "\"vm_config\" is an array, not an object" },
	{ "null", "null", PARSE "\"vm_config\" is null, not an object" },
	{ "text behind", "{}x", PARSE "JSON has more text after the value at byte 2" },
	{ "number too large", "{\"cpu_count\":4294967296}",
	    PARSE "\"cpu_count\" is more than 4294967295" },
	{ "largest u32", "{\"cpu_count\":4294967295,\"num_gpus\":4294967295,"
	    "\"num_nvswitches\":4294967295,\"num_nics\":4294967295,"
	    "\"num_verity_volumes\":4294967295}", NULL },
	{ "largest u64", "{\"memory_size\":18446744073709551615,"
	    "\"pci_hole64_size\":18446744073709551615}", NULL },
	{ "past u64", "{\"memory_size\":18446744073709551616}",
	    PARSE "\"memory_size\" is more than 18446744073709551615" },
	{ "fraction", "{\"memory_size\":1.0}",
	    PARSE "\"memory_size\" is not a plain unsigned integer" },
	{ "negative", "{\"num_nics\":-1}", PARSE "\"num_nics\" is not a plain unsigned integer" },
	{ "exponent", "{\"num_gpus\":1e0}", PARSE "\"num_gpus\" is not a plain unsigned integer" },
	{ "number as text", "{\"cpu_count\":\"1\"}",
	    PARSE "\"cpu_count\" is a string, not a number" },
	{ "null number", "{\"cpu_count\":null}", PARSE "\"cpu_count\" is null, not a number" },
	{ "null bool", "{\"hugepages\":null}", PARSE "\"hugepages\" is null, not a boolean" },
	{ "number for a bool", "{\"swtpm\":0}", PARSE "\"swtpm\" is a number, not a boolean" },
	{ "null text", "{\"host_share_mode\":null}",
	    PARSE "\"host_share_mode\" is null, not a string" },
	{ "null hash", "{\"os_image_hash\":null}",
	    PARSE "\"os_image_hash\" is null, not a string" },
	{ "null variant", "{\"tdx_attestation_variant\":null}",
	    PARSE "\"tdx_attestation_variant\" is null, not a string" },
	{ "null nodes", "{\"numa_nodes\":null}", PARSE "\"numa_nodes\" is null, not an array" },
	{ "null devices", "{\"extra_root_devices\":null}",
	    PARSE "\"extra_root_devices\" is null, not an array" },
	{ "null where it may be", "{\"qemu_single_pass_add_pages\":null,\"pic\":null,"
	    "\"qemu_version\":null,\"image\":null,\"ovmf_variant\":null,"
	    "\"tdx_measurement\":null,\"gcp_measurement\":null,\"aws_measurement\":null}", NULL },
	{ "known member twice", "{\"pic\":true,\"pic\":true}",
	    PARSE "\"pic\" occurs more than once" },
	{ "twice, once null", "{\"pic\":null,\"pic\":true}",
	    PARSE "\"pic\" occurs more than once" },
	{ "twice, once escaped", "{\"pic\":true,\"p\\u0069c\":true}",
	    PARSE "\"pic\" occurs more than once" },
	{ "hash not hex", "{\"os_image_hash\":\"0g\"}",
	    PARSE "\"os_image_hash\" is not hex at digit 1" },
	{ "hash with odd digits", "{\"os_image_hash\":\"012\"}",
	    PARSE "\"os_image_hash\" has an odd number of hex digits" },
	{ "hash with 0x", "{\"os_image_hash\":\"0x12\"}",
	    PARSE "\"os_image_hash\" is not hex at digit 1" },
	{ "hash of any length", "{\"os_image_hash\":\"aB\"}", NULL },
	{ "variant legacy", "{\"tdx_attestation_variant\":\"legacy\"}", NULL },
	{ "variant lite", "{\"tdx_attestation_variant\":\"lite\"}", NULL },
	{ "variant Lite", "{\"tdx_attestation_variant\":\"Lite\"}",
	    PARSE "\"tdx_attestation_variant\" is neither \"legacy\" nor \"lite\"" },
	{ "variant auto", "{\"tdx_attestation_variant\":\"auto\"}",
	    PARSE "\"tdx_attestation_variant\" is neither \"legacy\" nor \"lite\"" },
	{ "ovmf pre202505", "{\"ovmf_variant\":\"pre202505\"}", NULL },
	{ "ovmf stable202505", "{\"ovmf_variant\":\"stable202505\"}",
	    DECODE "unsupported ovmf_variant \"stable202505\"" },
	{ "ovmf unknown", "{\"ovmf_variant\":\"x\"}",
	    PARSE "\"ovmf_variant\" is not \"pre202505\"" },
	{ "ovmf as an object", "{\"ovmf_variant\":{\"pre202505\":null}}",
	    PARSE "\"ovmf_variant\" is an object, not a string" },
	{ "document", "{\"tdx_measurement\":{\"checksum_file\":\"YQ==\",\"measurement\":\"\","
	    "\"other\":1}}", NULL },
	{ "document of an abandoned form", "{\"tdx_measurement\":{\"version\":2,"
	    "\"os_image_hash\":\"00\",\"measurement\":\"a2\"}}",
	    PARSE "\"tdx_measurement\": \"checksum_file\" is missing" },
	{ "document without measurement", "{\"gcp_measurement\":{\"checksum_file\":\"\"}}",
	    PARSE "\"gcp_measurement\": \"measurement\" is missing" },
	{ "document as an array", "{\"aws_measurement\":[\"\",\"\"]}",
	    PARSE "\"aws_measurement\" is an array, not an object" },
	{ "document's member twice", "{\"tdx_measurement\":{\"checksum_file\":\"\","
	    "\"measurement\":\"\",\"measurement\":\"\"}}",
	    PARSE "\"tdx_measurement\": \"measurement\" occurs more than once" },
	{ "document's member null", "{\"tdx_measurement\":{\"checksum_file\":null,"
	    "\"measurement\":\"\"}}",
	    PARSE "\"tdx_measurement\": \"checksum_file\" is null, not a string" },
	{ "not base64", "{\"tdx_measurement\":{\"checksum_file\":\"Y_==\",\"measurement\":\"\"}}",
	    PARSE "\"tdx_measurement\": \"checksum_file\" is not base64" },
	{ "spare bits of base64", "{\"tdx_measurement\":{\"checksum_file\":\"YR==\","
	    "\"measurement\":\"\"}}",
	    PARSE "\"tdx_measurement\": \"checksum_file\" is not base64" },
	{ "no nodes", "{\"numa_nodes\":[]}", NULL },
	{ "nodes", "{\"numa_nodes\":[{\"pxb_bus\":5},{\"pxb_bus\":255,\"x\":1}]}", NULL },
	{ "node without a bus", "{\"numa_nodes\":[{},{\"pxb_bus\":null}]}", NULL },
	{ "bus 256", "{\"numa_nodes\":[{\"pxb_bus\":256}]}", PARSE "\"pxb_bus\" is more than 255" },
	{ "bus as text", "{\"numa_nodes\":[{\"pxb_bus\":\"5\"}]}",
	    PARSE "\"pxb_bus\" is a string, not a number" },
	{ "bus twice", "{\"numa_nodes\":[{\"pxb_bus\":5,\"pxb_bus\":5}]}",
	    PARSE "\"pxb_bus\" occurs more than once" },
	{ "node as a number", "{\"numa_nodes\":[5]}",
	    PARSE "\"numa_nodes element\" is a number, not an object" },
	{ "extra devices", "{\"extra_root_devices\":[\"endpoint\",{}]}", NULL },
};

static void
test_rules(void **state)
{
	struct vm_config config;
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		arena_reset(arena);
		ok = vm_config_read(&config, arena, bytes_str(cases[i].text), &why);
		if (ok != (cases[i].why == NULL) || (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, ok ? "" : why.text);
	}
}

static void
test_kinds(void **state)
{
	struct vm_config config;
	struct reason why;

	assert_false(vm_config_read(&config, arena, bytes_str("{"), &why));
	assert_int_equal(why.kind, REASON_MALFORMED);
	assert_false(vm_config_read(&config, arena,
	    bytes_str("{\"ovmf_variant\":\"stable202505\"}"), &why));
	assert_int_equal(why.kind, REASON_UNSUPPORTED);
	assert_false(vm_config_read(&config, arena, bytes_str("{\"cpu_count\":4294967296}"), &why));
	assert_int_equal(why.kind, REASON_LIMIT);
}

static void
test_defaults(void **state)
{
	struct vm_config config;
	struct acpi_shape shape;
	struct reason why;
	bool two;

	assert_true(vm_config_read(&config, arena, bytes_str("{}"), &why));
	assert_int_equal(config.os_image_hash.len, 0);
	assert_null(config.image.ptr);
	assert_int_equal(config.variant, VM_VARIANT_LEGACY);
	assert_int_equal(config.ovmf, OVMF_ABSENT);
	assert_false(config.tdx.present || config.gcp.present || config.aws.present);
	acpi_shape_init(&shape);
	assert_memory_equal(&config.shape, &shape, sizeof shape);
	assert_int_equal(config.shape.num_nics, 1);
	assert_true(vm_config_two_pass(&two, &config, &why));
	assert_false(two);
}

static void
test_values(void **state)
{
	static const char text[] = "{\"os_image_hash\":\"0aFF\",\"cpu_count\":2,\"memory_size\":3,"
	    "\"qemu_single_pass_add_pages\":true,\"pic\":false,\"qemu_version\":\"9.2.1\","
	    "\"pci_hole64_size\":4,\"hugepages\":true,\"num_gpus\":5,\"num_nvswitches\":6,"
	    "\"num_nics\":7,\"num_verity_volumes\":8,\"swtpm\":true,\"hotplug_off\":true,"
	    "\"image\":\"dstack-0.6.0\",\"host_share_mode\":\"vhd\",\"ovmf_variant\":\"pre202505\","
	    "\"tdx_attestation_variant\":\"lite\","
	    "\"tdx_measurement\":{\"checksum_file\":\"YQ==\",\"measurement\":\"YmI=\"},"
	    "\"gcp_measurement\":{\"checksum_file\":\"Y2Nj\",\"measurement\":\"\"},"
	    "\"aws_measurement\":{\"checksum_file\":\"\",\"measurement\":\"ZA==\"},"
	    "\"numa_nodes\":[{\"pxb_bus\":9},{}],\"extra_root_devices\":[1,2]}";
	struct vm_config c;
	struct reason why;

	assert_true(vm_config_read(&c, arena, bytes_str(text), &why));
	assert_true(bytes_equal(c.os_image_hash, bytes_str("\x0a\xff")));
	assert_int_equal(c.shape.cpu_count, 2);
	assert_true(c.shape.memory_size == 3);
	assert_true(c.has_page_order && c.two_pass);
	assert_int_equal(c.shape.pic, ACPI_PIC_OFF);
	assert_true(c.shape.has_qemu_version);
	assert_true(bytes_equal(c.shape.qemu_version, bytes_str("9.2.1")));
	assert_true(c.shape.pci_hole64_size == 4);
	assert_true(c.shape.hugepages && c.shape.swtpm && c.shape.hotplug_off);
	assert_int_equal(c.shape.num_gpus, 5);
	assert_int_equal(c.shape.num_nvswitches, 6);
	assert_int_equal(c.shape.num_nics, 7);
	assert_int_equal(c.shape.num_verity_volumes, 8);
	assert_true(bytes_equal(c.image, bytes_str("dstack-0.6.0")));
	assert_true(bytes_equal(c.shape.host_share_mode, bytes_str("vhd")));
	assert_int_equal(c.ovmf, OVMF_PRE202505);
	assert_int_equal(c.variant, VM_VARIANT_LITE);
	assert_true(c.tdx.present && bytes_equal(c.tdx.checksum_file, bytes_str("a")) &&
	    bytes_equal(c.tdx.measurement, bytes_str("bb")));
	assert_true(c.gcp.present && bytes_equal(c.gcp.checksum_file, bytes_str("ccc")) &&
	    c.gcp.measurement.len == 0);
	assert_true(c.aws.present && bytes_equal(c.aws.measurement, bytes_str("d")));
	assert_int_equal(c.shape.n_numa_nodes, 2);
	assert_true(c.shape.numa_nodes[0].has_pxb_bus && c.shape.numa_nodes[0].pxb_bus == 9);
	assert_false(c.shape.numa_nodes[1].has_pxb_bus);
	assert_int_equal(c.shape.n_extra_root_devices, 2);
	/* Never from a request. */
	assert_true(c.shape.root_verity && !c.shape.smm && !c.shape.hpet && c.shape.hole64 == NULL);
}

static void
test_node_limit(void **state)
{
	static char text[5 * VM_CONFIG_MAX_NODES + 64];
	struct vm_config config;
	struct reason why;
	size_t i, len;

	len = (size_t)sprintf(text, "{\"numa_nodes\":[{}");
	for (i = 1; i < VM_CONFIG_MAX_NODES; i++)
		len += (size_t)sprintf(text + len, ",{}");
	(void)strcpy(text + len, "]}");
	assert_true(vm_config_read(&config, arena, bytes_str(text), &why));
	assert_int_equal(config.shape.n_numa_nodes, VM_CONFIG_MAX_NODES);
	(void)strcpy(text + len, ",{}]}");
	assert_false(vm_config_read(&config, arena, bytes_str(text), &why));
	assert_string_equal(why.text, PARSE "\"numa_nodes\" has more than 4096 elements");
	assert_int_equal(why.kind, REASON_LIMIT);
}

static void
test_image_hash(void **state)
{
	static const char hex[] =
	    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const struct {
		const char *more, *why;
	} rows[] = {
		{ "\"", NULL },
		{ "00\"", "os_image_hash has 33 bytes, not 32" },
	};
	struct vm_config config;
	struct digest256 hash;
	struct reason why;
	char text[128];
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		(void)snprintf(text, sizeof text, "{\"os_image_hash\":%s%s}", hex, rows[i].more);
		assert_true(vm_config_read(&config, arena, bytes_str(text), &why));
		assert_true(vm_config_image_hash(&hash, &config, &why) == (rows[i].why == NULL));
		if (rows[i].why != NULL)
			assert_string_equal(why.text, rows[i].why);
		else
			assert_int_equal(hash.data[31], 0xef);
	}
	assert_true(vm_config_read(&config, arena, bytes_str(""), &why));
	assert_false(vm_config_image_hash(&hash, &config, &why));
	assert_string_equal(why.text, "os_image_hash has 0 bytes, not 32");
	assert_int_equal(why.kind, REASON_REFUSED);
}

/* The member's name says the opposite of what it selects. */
static void
test_page_order(void **state)
{
	static const struct {
		const char *text, *why;
		bool    two;
	} rows[] = {
		{ "{\"qemu_version\":\"8.0.0\"}", NULL, true },
		{ "{\"qemu_version\":\"8.99.99\"}", NULL, true },
		{ "{\"qemu_version\":\"9.0.0\"}", NULL, false },
		{ "{\"qemu_version\":\"+10.02.1\"}", NULL, false },
		{ "{\"qemu_version\":\"8.2.2\",\"qemu_single_pass_add_pages\":false}", NULL,
		    false },
		{ "{\"qemu_version\":\"10.2.1\",\"qemu_single_pass_add_pages\":true}", NULL, true },
		{ "{\"qemu_version\":\"8.2.2\",\"qemu_single_pass_add_pages\":null}", NULL, true },
		{ "{\"qemu_version\":\"7.2.0\"}", "Unsupported QEMU version: (7, 2, 0)", false },
		{ "{\"qemu_version\":\"7.2.0\",\"qemu_single_pass_add_pages\":true}",
		    "Unsupported QEMU version: (7, 2, 0)", false },
		{ "{\"qemu_version\":\"8.2\"}", "Failed to parse QEMU version: Version string must "
		    "have exactly 3 parts (major.minor.patch), got 2", false },
		{ "{\"qemu_version\":\"8.2.x\"}", "Failed to parse QEMU version: Invalid version "
		    "number: invalid digit found in string", false },
	};
	struct vm_config config;
	struct reason why;
	bool two, ok;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		assert_true(vm_config_read(&config, arena, bytes_str(rows[i].text), &why));
		ok = vm_config_two_pass(&two, &config, &why);
		if (ok != (rows[i].why == NULL) || (ok && two != rows[i].two) ||
		    (!ok && strcmp(why.text, rows[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", rows[i].text, ok, ok ? "" : why.text);
	}
}

/* A real request whose document is of a form that was abandoned before any release. */
static void
test_abandoned(void **state)
{
	static const struct json_limits limits = { 1u << 20, 16, 4096, false };
	struct vm_config config;
	const struct json *root;
	struct bytes text;
	struct reason why;

	assert_true(json_read(&root, arena,
	    vector_read("attestations/tdx-v4-90c06f000000-dstack-66ea276d.json"), &limits, &why));
	assert_true(json_str(&text, arena, root, "vm_config", 1u << 20, &why));
	assert_false(vm_config_read(&config, arena, text, &why));
	assert_string_equal(why.text, PARSE "\"tdx_measurement\": \"checksum_file\" is missing");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_node_limit),
		cmocka_unit_test(test_image_hash),
		cmocka_unit_test(test_page_order),
		cmocka_unit_test(test_abandoned),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
