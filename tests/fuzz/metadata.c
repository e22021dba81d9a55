#include "measure/metadata.h"

#include "fuzz.h"
#include "measure/manifest.h"

static void
name_check(const char *name)
{
	fuzz_must(manifest_name_check(bytes_str(name)), "a name that no manifest can have");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes text = { data, len };
	struct metadata metadata;
	struct reason why = { 0 };

	if (!fuzz_sense(metadata_read(&metadata, fuzz_arena(), text, &why), &why))
		return 0;
	name_check(metadata.bios);
	name_check(metadata.kernel);
	name_check(metadata.initrd);
	fuzz_must(metadata.version.len <= METADATA_MAX_VERSION_LEN, "a longer version");
	fuzz_must(metadata.cmdline.len <= METADATA_MAX_LEN, "a longer command line");
	return 0;
}
