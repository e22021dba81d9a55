#include "measure/vm_config.h"

#include "fuzz.h"
#include "measure/manifest.h"

#define MEASURE "measurement.tdx.cbor"
#define CPUS    32      /* tables of larger machines take too long here */

/* What the host declared goes to the generator as it is. */
static void
tables_try(const struct acpi_shape *shape, enum acpi_profile profile)
{
	struct acpi_digests digests;
	struct acpi_blobs blobs;
	struct reason why = { 0 };

	if (!fuzz_sense(acpi_generate(&blobs, fuzz_arena(), shape, profile, &why), &why))
		return;
	fuzz_must(blobs.rsdp.len == 20 && blobs.loader.len == 4096 && blobs.tables.len != 0 &&
	    blobs.tables.len % (128u << 10) == 0, "lengths of the tables");
	if (shape->cpu_count == 1)
		acpi_digest(&digests, &blobs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct arena *arena;     /* the shape's, beside that of the tables */
	struct vm_config config;
	struct digest256 hash;
	struct reason why = { 0 };
	bool two;

	if (arena == NULL)
		arena = arena_new(FUZZ_ARENA_MAX);
	fuzz_must(arena != NULL, "out of memory");
	arena_reset(arena);
	if (!fuzz_sense(vm_config_read(&config, arena, (struct bytes){ data, len }, &why), &why))
		return 0;
	(void)fuzz_sense(vm_config_two_pass(&two, &config, &why), &why);
	if (fuzz_sense(vm_config_image_hash(&hash, &config, &why), &why) && config.tdx.present)
		(void)fuzz_sense(manifest_document_check(&hash, config.tdx.checksum_file,
		    config.tdx.measurement, MEASURE, &why), &why);
	if (config.shape.cpu_count > CPUS)
		return 0;
	tables_try(&config.shape, ACPI_NEWEST);
	if (acpi_second_chance(&config.shape))
		tables_try(&config.shape, ACPI_GENUINE);
	return 0;
}
