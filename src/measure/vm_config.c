#include "measure/vm_config.h"

#include <inttypes.h>
#include <stddef.h>

#include "core/base64.h"
#include "core/json.h"

#define MAX_TEXT_LEN            (1u << 20)      /* as a request's body                  */
#define MAX_DEPTH               32              /* real ones have 2                     */
#define MAX_VALUES              16384           /* 400 KiB of nodes                     */
#define MAX_STRING_LEN          4096            /* names; none needs 32                 */

struct reader {
	struct arena *arena;
	const struct json *root;
};

/* A member of the object.  Absent ones are not read, so `out` keeps its default. */
struct member {
	const char *name;
	bool    nullable;       /* null is as good as absent                            */
	size_t  offset;         /* in struct vm_config, of what `read` takes as `out`   */
	bool    (*read)(void *out, const struct reader *r, const char *name, struct reason *why);
};

static bool
u32_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	uint32_t *number = out;
	uint64_t value;

	if (!json_u64(&value, r->root, name, UINT32_MAX, why))
		return false;
	*number = (uint32_t)value;
	return true;
}

static bool
u64_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	return json_u64(out, r->root, name, UINT64_MAX, why);
}

static bool
bool_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	return json_bool(out, r->root, name, why);
}

static bool
string_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	return json_str(out, r->arena, r->root, name, MAX_STRING_LEN, why);
}

static bool
hex_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	return json_hex_var(out, r->arena, r->root, name, MAX_TEXT_LEN, why);
}

static bool
member_once_check(const struct json *object, const char *name, struct reason *why)
{
	if (json_occurrences(object, name) > 1)
		return reject(why, REASON_MALFORMED, "\"%s\" occurs more than once", name);
	return true;
}

/* One member of a document: bytes in Base64. */
static bool
file_read(struct bytes *out, const struct reader *r, const struct json *document,
    const char *name, struct reason *why)
{
	struct bytes text;
	struct reason inner;

	if (!member_once_check(document, name, why) ||
	    !json_str(&text, r->arena, document, name, MAX_TEXT_LEN, why))
		return false;
	if (!base64_decode(out, r->arena, text, MAX_TEXT_LEN, &inner))
		return reject(why, inner.kind, "\"%s\" %s", name, inner.text);
	return true;
}

static bool
document_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	struct vm_document *document = out;
	const struct json *object;

	if (!json_object(&object, r->root, name, why))
		return false;
	if (!file_read(&document->checksum_file, r, object, "checksum_file", why) ||
	    !file_read(&document->measurement, r, object, "measurement", why))
		return reject_as(why, "\"%s\"", name);
	document->present = true;
	return true;
}

static bool
page_order_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	struct vm_config *config = out;

	config->has_page_order = true;
	return json_bool(&config->two_pass, r->root, name, why);
}

static bool
pic_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	enum acpi_pic *pic = out;
	bool on;

	if (!json_bool(&on, r->root, name, why))
		return false;
	*pic = on ? ACPI_PIC_ON : ACPI_PIC_OFF;
	return true;
}

static bool
qemu_version_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	struct vm_config *config = out;

	config->shape.has_qemu_version = true;
	return string_read(&config->shape.qemu_version, r, name, why);
}

bool
ovmf_variant_parse(enum ovmf_variant *out, struct bytes text, const char *name,
    struct reason *why)
{
	/* A layout of unreleased images whose measurements nobody can compute. */
	if (bytes_equal(text, bytes_str("stable202505")))
		return reject(why, REASON_UNSUPPORTED,
		    "unsupported ovmf_variant \"stable202505\"");
	if (!bytes_equal(text, bytes_str("pre202505")))
		return reject(why, REASON_MALFORMED, "\"%s\" is not \"pre202505\"", name);
	*out = OVMF_PRE202505;
	return true;
}

/* Stricter: an enum's other spelling in the Rust program, {"pre202505": null}, is refused. */
static bool
ovmf_variant_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	struct bytes text;

	return string_read(&text, r, name, why) && ovmf_variant_parse(out, text, name, why);
}

static bool
variant_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	enum vm_variant *variant = out;
	struct bytes text;

	if (!string_read(&text, r, name, why))
		return false;
	if (bytes_equal(text, bytes_str("lite")))
		*variant = VM_VARIANT_LITE;
	else if (!bytes_equal(text, bytes_str("legacy")))
		return reject(why, REASON_MALFORMED,
		    "\"%s\" is neither \"legacy\" nor \"lite\"", name);
	return true;
}

/* A node without a bus is one that cannot be measured, not one that cannot be read. */
static bool
node_read(struct acpi_node *node, const struct json *value, struct reason *why)
{
	static const char name[] = "pxb_bus";
	uint64_t bus;

	if (!json_value_check(value, JSON_OBJECT, "numa_nodes element", why) ||
	    !member_once_check(value, name, why))
		return false;
	if (!json_has(value, name))
		return true;
	if (!json_u64(&bus, value, name, UINT8_MAX, why))
		return false;
	node->has_pxb_bus = true;
	node->pxb_bus = (uint8_t)bus;
	return true;
}

static bool
numa_nodes_read(void *out, const struct reader *r, const char *name, struct reason *why)
{
	struct acpi_shape *shape = out;
	const struct json *list, *value;
	struct acpi_node *nodes;
	size_t n = 0;

	if (!json_array(&list, r->root, name, why))
		return false;
	if (json_count(list) > VM_CONFIG_MAX_NODES)
		return reject(why, REASON_LIMIT, "\"%s\" has more than %d elements", name,
		    VM_CONFIG_MAX_NODES);
	if (json_count(list) == 0)
		return true;
	nodes = arena_array(r->arena, json_count(list), sizeof *nodes, why);
	if (nodes == NULL)
		return false;
	for (value = json_first(list); value != NULL; value = json_next(value))
		if (!node_read(&nodes[n++], value, why))
			return false;
	shape->numa_nodes = nodes;
	shape->n_numa_nodes = n;
	return true;
}

static bool
list_count(void *out, const struct reader *r, const char *name, struct reason *why)
{
	const struct json *list;
	size_t *n = out;

	if (!json_array(&list, r->root, name, why))
		return false;
	*n = json_count(list);
	return true;
}

/* Everything that is read; whatever else an object holds is ignored. */
#define AT(field)       offsetof(struct vm_config, field)
static const struct member members[] = {
	{ "os_image_hash",              false, AT(os_image_hash),              hex_read },
	{ "cpu_count",                  false, AT(shape.cpu_count),            u32_read },
	{ "memory_size",                false, AT(shape.memory_size),          u64_read },
	{ "qemu_single_pass_add_pages", true,  0,                              page_order_read },
	{ "pic",                        true,  AT(shape.pic),                  pic_read },
	{ "qemu_version",               true,  0,                              qemu_version_read },
	{ "pci_hole64_size",            false, AT(shape.pci_hole64_size),      u64_read },
	{ "hugepages",                  false, AT(shape.hugepages),            bool_read },
	{ "num_gpus",                   false, AT(shape.num_gpus),             u32_read },
	{ "num_nvswitches",             false, AT(shape.num_nvswitches),       u32_read },
	{ "num_nics",                   false, AT(shape.num_nics),             u32_read },
	{ "num_verity_volumes",         false, AT(shape.num_verity_volumes),   u32_read },
	{ "swtpm",                      false, AT(shape.swtpm),                bool_read },
	{ "hotplug_off",                false, AT(shape.hotplug_off),          bool_read },
	{ "image",                      true,  AT(image),                      string_read },
	{ "host_share_mode",            false, AT(shape.host_share_mode),      string_read },
	{ "ovmf_variant",               true,  AT(ovmf),                       ovmf_variant_read },
	{ "tdx_attestation_variant",    false, AT(variant),                    variant_read },
	{ "tdx_measurement",            true,  AT(tdx),                        document_read },
	{ "gcp_measurement",            true,  AT(gcp),                        document_read },
	{ "aws_measurement",            true,  AT(aws),                        document_read },
	{ "numa_nodes",                 false, AT(shape),                      numa_nodes_read },
	{ "extra_root_devices",         false, AT(shape.n_extra_root_devices),  list_count },
};
#undef AT

static bool
member_read(struct vm_config *config, const struct reader *r, const struct member *m,
    struct reason *why)
{
	if (json_find(r->root, m->name) == NULL)
		return true;
	if (!member_once_check(r->root, m->name, why))
		return false;
	if (m->nullable && !json_has(r->root, m->name))
		return true;
	return m->read((char *)config + m->offset, r, m->name, why);
}

static bool
config_read(struct vm_config *config, struct arena *arena, struct bytes text, struct reason *why)
{
	static const struct json_limits limits = {
		.text_len = MAX_TEXT_LEN, .depth = MAX_DEPTH, .values = MAX_VALUES,
		.allow_duplicates = true,       /* of unknown members; ours are counted */
	};
	struct reader r = { .arena = arena };
	size_t i;

	if (!json_read(&r.root, arena, text, &limits, why) ||
	    !json_value_check(r.root, JSON_OBJECT, "vm_config", why))
		return false;
	for (i = 0; i < NELEM(members); i++)
		if (!member_read(config, &r, &members[i], why))
			return false;
	return true;
}

bool
vm_config_read(struct vm_config *config, struct arena *arena, struct bytes text,
    struct reason *why)
{
	*config = (struct vm_config){ 0 };
	acpi_shape_init(&config->shape);
	if (text.len == 0)
		text = bytes_str("{}");
	if (config_read(config, arena, text, why))
		return true;
	/* What we read and cannot judge is no fault of the text. */
	if (why->kind != REASON_UNSUPPORTED)
		(void)reject_as(why, "Failed to parse vm config");
	return reject_as(why, "Failed to decode VM config");
}

bool
vm_config_image_hash(struct digest256 *out, const struct vm_config *config, struct reason *why)
{
	if (config->os_image_hash.len != sizeof out->data)
		return reject(why, REASON_REFUSED, "os_image_hash has %zu bytes, not %zu",
		    config->os_image_hash.len, sizeof out->data);
	bytes_copy(out->data, config->os_image_hash);
	return true;
}

bool
vm_config_qemu_version(struct acpi_version *version, const struct vm_config *config,
    struct reason *why)
{
	const struct acpi_shape *shape = &config->shape;

	*version = (struct acpi_version){ 9, 1, 0 };
	if (shape->has_qemu_version && !acpi_version_read(version, shape->qemu_version, why))
		return reject_as(why, "Failed to parse QEMU version");
	if (version->major < 8)
		return reject(why, REASON_UNSUPPORTED,
		    "Unsupported QEMU version: (%" PRIu32 ", %" PRIu32 ", %" PRIu32 ")",
		    version->major, version->minor, version->patch);
	return true;
}

bool
vm_config_two_pass(bool *two, const struct vm_config *config, struct reason *why)
{
	struct acpi_version version;

	if (!vm_config_qemu_version(&version, config, why))
		return false;
	/*
	 * Compat: "qemu_single_pass_add_pages": true selects two passes.  Hosts and key servers
	 * have agreed on that.
	 */
	*two = config->has_page_order ? config->two_pass : version.major == 8;
	return true;
}
