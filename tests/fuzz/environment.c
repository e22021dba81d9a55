/* Variables, one a line; those without the prefix get it. */
#include "cli/environment.h"

#include "fuzz.h"

#define VARIABLES       32

/* A line as a variable; false when it cannot be one. */
static bool
variable_make(const char **out, struct arena *arena, struct bytes line)
{
	const struct bytes parts[2] = { bytes_str(ENVIRONMENT_PREFIX), line };
	struct reason why = { 0 };
	char *text;

	if (memchr(line.ptr, '\0', line.len) != NULL || memchr(line.ptr, '=', line.len) == NULL)
		return false;
	text = arena_alloc(arena, parts[0].len + parts[1].len + 1, &why);
	fuzz_must(text != NULL, "out of memory");
	bytes_copy(text, parts[0]);
	bytes_copy(text + parts[0].len, parts[1]);
	*out = text;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct settings settings;
	struct arena *arena = fuzz_arena();
	const char *variables[VARIABLES + 1] = { NULL };
	const uint8_t *end;
	struct bytes in = { data, len }, line;
	struct reason why = { 0 };
	size_t n = 0;

	while (n < VARIABLES && in.len != 0) {
		end = memchr(in.ptr, '\n', in.len);
		line = (struct bytes){ in.ptr, end == NULL ? in.len : (size_t)(end - in.ptr) };
		if (variable_make(&variables[n], arena, line))
			n++;
		in.ptr += line.len + (end != NULL);
		in.len -= line.len + (end != NULL);
	}
	settings_init(&settings, arena, ENVIRONMENT_ORIGIN);
	if (fuzz_sense(environment_read(&settings, variables, &why), &why))
		fuzz_must(settings.n <= n, "more settings than variables");
	return 0;
}
