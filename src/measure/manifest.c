#include "measure/manifest.h"

#include "core/hex.h"
#include "core/utf8.h"

static const char own_name[] = "sha256sum.txt";

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
manifest_name_check(struct bytes name)
{
	size_t i;

	if (name.len == 0 || name.len > MANIFEST_MAX_NAME_LEN || !is_alnum(name.ptr[0]))
		return false;
	for (i = 1; i < name.len; i++)
		if (!is_alnum(name.ptr[i]) && name.ptr[i] != '.' && name.ptr[i] != '_' &&
		    name.ptr[i] != '-')
			return false;
	return !bytes_equal(name, bytes_str(own_name));
}

/* hex_decode() takes upper case too, which sha256sum never writes. */
static bool
lower_hex_check(struct bytes digits)
{
	size_t i;

	for (i = 0; i < digits.len; i++)
		if (digits.ptr[i] >= 'A' && digits.ptr[i] <= 'F')
			return false;
	return true;
}

/* One line without its LF. */
static bool
entry_read(struct manifest_entry *entry, CBS *line)
{
	struct reason ignored;
	CBS digits;
	uint16_t spaces;

	if (!CBS_get_bytes(line, &digits, 2 * sizeof entry->sha256.data) ||
	    !CBS_get_u16(line, &spaces) || spaces != (' ' << 8 | ' '))
		return false;
	entry->name = bytes_cbs(line);
	return lower_hex_check(bytes_cbs(&digits)) &&
	    hex_decode(entry->sha256.data, bytes_cbs(&digits), &ignored) &&
	    manifest_name_check(entry->name);
}

static const struct manifest_entry *
entry_find(const struct manifest *manifest, struct bytes name)
{
	size_t i;

	for (i = 0; i < manifest->n_entries; i++)
		if (bytes_equal(manifest->entries[i].name, name))
			return &manifest->entries[i];
	return NULL;
}

/* Takes what stands before the next LF, and the LF; there is one, for the text ends with it. */
static bool
line_read(CBS *line, CBS *in)
{
	const uint8_t *end = memchr(CBS_data(in), '\n', CBS_len(in));

	return end != NULL && CBS_get_bytes(in, line, (size_t)(end - CBS_data(in))) &&
	    CBS_skip(in, 1);
}

bool
manifest_read(struct manifest *manifest, struct bytes text, struct reason *why)
{
	CBS line, in = cbs_bytes(text);
	struct manifest_entry *entry;

	manifest->n_entries = 0;
	if (text.len > MANIFEST_MAX_LEN)
		return reject(why, REASON_LIMIT, "%s has %zu bytes, more than %u", own_name,
		    text.len, MANIFEST_MAX_LEN);
	if (text.len == 0 || text.ptr[text.len - 1] != '\n' || !utf8_valid(text))
		return reject(why, REASON_MALFORMED, "%s is not newline-terminated text", own_name);
	while (CBS_len(&in) != 0 && line_read(&line, &in)) {
		if (manifest->n_entries == MANIFEST_MAX_ENTRIES)
			return reject(why, REASON_LIMIT, "%s has more than %d lines", own_name,
			    MANIFEST_MAX_ENTRIES);
		entry = &manifest->entries[manifest->n_entries];
		if (!entry_read(entry, &line))
			return reject(why, REASON_MALFORMED,
			    "%s line %zu is not `<lowercase sha256>  <file name>`", own_name,
			    manifest->n_entries + 1);
		if (entry_find(manifest, entry->name) != NULL)
			return reject(why, REASON_MALFORMED, "%s line %zu repeats %.*s", own_name,
			    manifest->n_entries + 1, (int)entry->name.len,
			    (const char *)entry->name.ptr);
		manifest->n_entries++;
	}
	return true;
}

const struct manifest_entry *
manifest_find(const struct manifest *manifest, const char *name)
{
	return entry_find(manifest, bytes_str(name));
}

/* A digest as a C string. */
struct hex256 {
	char    text[2 * SHA256_DIGEST_LENGTH + 1];
};

static struct hex256
hex256(const struct digest256 *digest)
{
	struct hex256 hex;

	hex_text(hex.text, BYTES_OF(digest->data));
	return hex;
}

static bool
image_hash_check(const struct digest256 *os_image_hash, struct bytes checksum_file,
    struct reason *why)
{
	struct digest256 actual;

	digest256_of(&actual, checksum_file);
	if (!digest256_equal(os_image_hash, &actual))
		return reject(why, REASON_REFUSED,
		    "os_image_hash mismatch: expected sha256(%s)=%s, actual=%s", own_name,
		    hex256(os_image_hash).text, hex256(&actual).text);
	return true;
}

bool
manifest_document_check(const struct digest256 *os_image_hash, struct bytes checksum_file,
    struct bytes measurement, const char *name, struct reason *why)
{
	const struct manifest_entry *entry;
	struct manifest manifest;
	struct digest256 actual;

	if (!image_hash_check(os_image_hash, checksum_file, why) ||
	    !manifest_read(&manifest, checksum_file, why))
		return false;
	entry = manifest_find(&manifest, name);
	if (entry == NULL)
		return reject(why, REASON_REFUSED, "%s is missing %s", own_name, name);
	digest256_of(&actual, measurement);
	if (!digest256_equal(&entry->sha256, &actual))
		return reject(why, REASON_REFUSED, "%s hash mismatch: %s=%s, actual=%s", name,
		    own_name, hex256(&entry->sha256).text, hex256(&actual).text);
	return true;
}
