#include "measure/acpi/acpi.h"

enum {
	VERSION_PARTS = 3,
};

/*
 * The number up to the next '.', which is skipped, or to the end.
 * Compat: one '+' may stand in front, and the texts are those of Rust's str::parse().
 */
static bool
part_read(uint32_t *out, CBS *in, struct reason *why)
{
	const char *wrong = "cannot parse integer from empty string";
	uint64_t value = 0;
	uint8_t c;

	if (CBS_len(in) != 0 && CBS_data(in)[0] == '+') {
		(void)CBS_skip(in, 1);
		wrong = "invalid digit found in string";
	}
	while (CBS_get_u8(in, &c) && c != '.') {
		if (c < '0' || c > '9')
			return reject(why, REASON_MALFORMED, "invalid digit found in string");
		wrong = NULL;
		value = value * 10 + (c - '0');
		if (value > UINT32_MAX)
			return reject(why, REASON_MALFORMED,
			    "number too large to fit in target type");
	}
	if (wrong != NULL)
		return reject(why, REASON_MALFORMED, "%s", wrong);
	*out = (uint32_t)value;
	return true;
}

bool
acpi_version_read(struct acpi_version *version, struct bytes text, struct reason *why)
{
	uint32_t *const parts[VERSION_PARTS] = {
		&version->major, &version->minor, &version->patch,
	};
	CBS in = cbs_bytes(text);
	size_t n_parts = 1;

	for (size_t i = 0; i < text.len; i++)
		n_parts += text.ptr[i] == '.';
	if (n_parts != VERSION_PARTS)
		return reject(why, REASON_MALFORMED, "Version string must have exactly 3 parts "
		    "(major.minor.patch), got %zu", n_parts);
	for (size_t i = 0; i < VERSION_PARTS; i++)
		if (!part_read(parts[i], &in, why))
			return reject_as(why, "Invalid version number");
	return true;
}
