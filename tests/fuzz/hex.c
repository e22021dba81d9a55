#include "core/hex.h"

#include <strings.h>

#include "fuzz.h"

#define MAX_LEN 4096

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes text = { data, len };
	struct arena *arena = fuzz_arena();
	struct reason why = { 0 };
	const char *lower;
	char upper[2 * MAX_LEN];
	struct bytes raw;

	if (!fuzz_sense(hex_decode_arena(&raw, arena, text, MAX_LEN, &why), &why))
		return 0;
	fuzz_must(raw.len == len / 2 && len % 2 == 0, "length");
	lower = hex_text_arena(arena, raw, &why);
	fuzz_must(lower != NULL && strlen(lower) == len &&
	    (len == 0 || strncasecmp(lower, (const char *)data, len) == 0),
	    "written again, it differs");
	hex_encode_upper(upper, raw);
	fuzz_must(strncasecmp(lower, upper, len) == 0, "upper and lower case differ");
	return 0;
}
