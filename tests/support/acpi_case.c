#include "acpi_case.h"

static bool
unsigned_read(uint64_t *out, struct json_object *in, const char *name, uint64_t max,
    struct reason *why)
{
	struct json_object *v;

	if (!json_object_object_get_ex(in, name, &v) || v == NULL)
		return true;
	if (!json_object_is_type(v, json_type_int) ||
	    json_object_get_int64(v) < 0 || json_object_get_uint64(v) > max)
		return reject(why, REASON_MALFORMED, "format: %s", name);
	*out = json_object_get_uint64(v);
	return true;
}

static bool
u32_read(uint32_t *out, struct json_object *in, const char *name, struct reason *why)
{
	uint64_t value = *out;

	if (!unsigned_read(&value, in, name, UINT32_MAX, why))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool
flag_read(bool *out, struct json_object *in, const char *name, struct reason *why)
{
	struct json_object *v;

	if (in == NULL || !json_object_object_get_ex(in, name, &v))
		return true;
	if (!json_object_is_type(v, json_type_boolean))
		return reject(why, REASON_MALFORMED, "format: %s", name);
	*out = json_object_get_boolean(v);
	return true;
}

static bool
text_read(struct bytes *out, bool *there, struct json_object *in, const char *name,
    struct reason *why)
{
	struct json_object *v;

	*there = json_object_object_get_ex(in, name, &v) && v != NULL;
	if (!*there)
		return true;
	if (!json_object_is_type(v, json_type_string))
		return reject(why, REASON_MALFORMED, "format: %s", name);
	*out = bytes_str(json_object_get_string(v));
	return true;
}

static bool
nodes_read(struct acpi_case *c, struct json_object *in, struct reason *why)
{
	struct json_object *list, *bus;

	if (!json_object_object_get_ex(in, "numa_nodes", &list))
		return true;
	if (!json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) > ACPI_CASE_MAX_NODES)
		return reject(why, REASON_MALFORMED, "format: numa_nodes");
	c->shape.numa_nodes = c->nodes;
	c->shape.n_numa_nodes = json_object_array_length(list);
	for (size_t i = 0; i < c->shape.n_numa_nodes; i++) {
		struct json_object *node = json_object_array_get_idx(list, i);
		uint64_t value = 0;

		if (!json_object_is_type(node, json_type_object))
			return reject(why, REASON_MALFORMED, "format: numa_nodes");
		c->nodes[i].has_pxb_bus = json_object_object_get_ex(node, "pxb_bus", &bus) &&
		    bus != NULL;
		if (c->nodes[i].has_pxb_bus &&
		    !unsigned_read(&value, node, "pxb_bus", UINT8_MAX, why))
			return false;
		c->nodes[i].pxb_bus = (uint8_t)value;
	}
	return true;
}

static bool
config_read(struct acpi_case *c, struct json_object *in, struct reason *why)
{
	struct acpi_shape *s = &c->shape;
	struct json_object *v;
	bool ignored, pic = false;

	if (json_object_object_get_ex(in, "pic", &v) && v != NULL) {
		if (!flag_read(&pic, in, "pic", why))
			return false;
		s->pic = pic ? ACPI_PIC_ON : ACPI_PIC_OFF;
	}
	if (json_object_object_get_ex(in, "extra_root_devices", &v) &&
	    json_object_is_type(v, json_type_array))
		s->n_extra_root_devices = json_object_array_length(v);
	return u32_read(&s->cpu_count, in, "cpu_count", why) &&
	    unsigned_read(&s->memory_size, in, "memory_size", UINT64_MAX, why) &&
	    text_read(&s->qemu_version, &s->has_qemu_version, in, "qemu_version", why) &&
	    unsigned_read(&s->pci_hole64_size, in, "pci_hole64_size", UINT64_MAX, why) &&
	    flag_read(&s->hugepages, in, "hugepages", why) &&
	    u32_read(&s->num_gpus, in, "num_gpus", why) &&
	    u32_read(&s->num_nvswitches, in, "num_nvswitches", why) &&
	    u32_read(&s->num_nics, in, "num_nics", why) &&
	    u32_read(&s->num_verity_volumes, in, "num_verity_volumes", why) &&
	    flag_read(&s->swtpm, in, "swtpm", why) &&
	    flag_read(&s->hotplug_off, in, "hotplug_off", why) &&
	    text_read(&s->host_share_mode, &ignored, in, "host_share_mode", why) &&
	    nodes_read(c, in, why);
}

/* What a verifier fixes, and the profile. */
static bool
fixed_read(struct acpi_case *c, struct json_object *object, struct reason *why)
{
	struct json_object *v;

	if (json_object_object_get_ex(object, "profile", &v) &&
	    strcmp(json_object_get_string(v), "genuine") == 0)
		c->profile = ACPI_GENUINE;
	if (json_object_object_get_ex(object, "hole64", &v)) {
		c->hole64.first = json_object_get_uint64(json_object_array_get_idx(v, 0));
		c->hole64.last = json_object_get_uint64(json_object_array_get_idx(v, 1));
		c->shape.hole64 = &c->hole64;
	}
	if (!json_object_object_get_ex(object, "machine", &v))
		return true;
	return flag_read(&c->shape.root_verity, v, "root_verity", why) &&
	    flag_read(&c->shape.smm, v, "smm", why) &&
	    flag_read(&c->shape.hpet, v, "hpet", why);
}

bool
acpi_case_read(struct acpi_case *c, struct json_object *object, struct reason *why)
{
	struct json_object *config;

	memset(c, 0, sizeof *c);
	acpi_shape_init(&c->shape);
	if (!json_object_object_get_ex(object, "vm_config", &config) ||
	    !json_object_is_type(config, json_type_object))
		return reject(why, REASON_MALFORMED, "format: vm_config");
	return fixed_read(c, object, why) && config_read(c, config, why);
}
