#include "measure/metadata.h"

#include "core/json.h"
#include "measure/manifest.h"

#define MAX_DEPTH               16      /* real ones nest 1 */
#define MAX_VALUES              1024

static bool
once_check(const struct json *root, const char *name, struct reason *why)
{
	if (json_occurrences(root, name) > 1)
		return reject(why, REASON_MALFORMED, "\"%s\" occurs more than once", name);
	return true;
}

/* A file of the image: the name has to be one that a manifest can list. */
static bool
file_name_read(const char **out, struct arena *arena, const struct json *root, const char *name,
    struct reason *why)
{
	if (!once_check(root, name, why) ||
	    !json_text(out, arena, root, name, MANIFEST_MAX_NAME_LEN, why))
		return false;
	if (!manifest_name_check(bytes_str(*out)))
		return reject(why, REASON_REFUSED, "\"%s\" is not a plain file name", name);
	return true;
}

/* Absent is false; null is an error. */
static bool
flag_read(bool *out, const struct json *root, const char *name, struct reason *why)
{
	if (json_find(root, name) == NULL)
		return true;
	return once_check(root, name, why) && json_bool(out, root, name, why);
}

static bool
version_read(struct bytes *out, struct arena *arena, const struct json *root, struct reason *why)
{
	static const char name[] = "version";

	if (json_find(root, name) == NULL)
		return true;
	return once_check(root, name, why) &&
	    json_str(out, arena, root, name, METADATA_MAX_VERSION_LEN, why);
}

static bool
ovmf_read(enum ovmf_variant *out, struct arena *arena, const struct json *root,
    struct reason *why)
{
	static const char name[] = "ovmf_variant";
	struct bytes text;

	if (!once_check(root, name, why))
		return false;
	if (!json_has(root, name))
		return true;
	return json_str(&text, arena, root, name, METADATA_MAX_LEN, why) &&
	    ovmf_variant_parse(out, text, name, why);
}

static bool
members_read(struct metadata *m, struct arena *arena, const struct json *root, struct reason *why)
{
	return once_check(root, "cmdline", why) &&
	    json_str(&m->cmdline, arena, root, "cmdline", METADATA_MAX_LEN, why) &&
	    file_name_read(&m->bios, arena, root, "bios", why) &&
	    file_name_read(&m->kernel, arena, root, "kernel", why) &&
	    file_name_read(&m->initrd, arena, root, "initrd", why) &&
	    version_read(&m->version, arena, root, why) &&
	    flag_read(&m->is_dev, root, "is_dev", why) &&
	    flag_read(&m->kernel_header_normalized, root, "kernel_header_normalized", why) &&
	    ovmf_read(&m->ovmf, arena, root, why);
}

bool
metadata_read(struct metadata *metadata, struct arena *arena, struct bytes text,
    struct reason *why)
{
	static const struct json_limits limits = {
		.text_len = METADATA_MAX_LEN, .depth = MAX_DEPTH, .values = MAX_VALUES,
		.allow_duplicates = true,       /* of unknown members; ours are counted */
	};
	const struct json *root;

	*metadata = (struct metadata){ .ovmf = OVMF_PRE202505 };
	if (!json_read(&root, arena, text, &limits, why) ||
	    !json_value_check(root, JSON_OBJECT, "metadata.json", why) ||
	    !members_read(metadata, arena, root, why))
		return reject_as(why, "Failed to parse image metadata");
	return true;
}
