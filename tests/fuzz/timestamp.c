#include "core/timestamp.h"

#include "fuzz.h"

static void
argument_try(struct bytes in)
{
	struct reason why = { 0 };
	struct bytes text;
	int64_t at;

	if (in.len > 100 || !arena_copy(fuzz_arena(), &text, in, &why))
		return;
	if (fuzz_sense(timestamp_argument(&at, (const char *)text.ptr, &why), &why))
		fuzz_must(at >= 0 && at <= TIMESTAMP_MAX, "a time that has no text");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes in = { data, len };
	CBS der = cbs_bytes(in);
	struct reason why = { 0 };
	char text[TIMESTAMP_SIZE];
	int64_t at;

	if (fuzz_sense(timestamp_read(&at, in, &why), &why)) {
		fuzz_must(at >= 0 && at <= TIMESTAMP_MAX, "a time that has no text");
		timestamp_text(text, at);
		fuzz_must(bytes_equal(bytes_str(text), in), "written again, it differs");
	}
	why = (struct reason){ 0 };
	if (fuzz_sense(timestamp_x509_read(&at, &der, &why), &why))
		fuzz_must(at >= INT64_C(-631152000) && at <= TIMESTAMP_MAX, "a year before 1950");
	argument_try(in);
	return 0;
}
