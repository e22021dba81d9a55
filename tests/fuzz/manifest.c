#include "measure/manifest.h"

#include "core/hex.h"
#include "fuzz.h"

/* There is one text for each manifest, so it is written as it was. */
static void
write_again(const struct manifest *manifest, struct bytes text)
{
	char hex[2 * SHA256_DIGEST_LENGTH];
	CBB cbb;

	fuzz_must(CBB_init(&cbb, 0), "out of memory");
	for (size_t i = 0; i < manifest->n_entries; i++) {
		const struct manifest_entry *entry = &manifest->entries[i];

		hex_encode(hex, BYTES_OF(entry->sha256.data));
		fuzz_must(CBB_add_bytes(&cbb, (uint8_t *)hex, sizeof hex) &&
		    CBB_add_bytes(&cbb, (const uint8_t *)"  ", 2) &&
		    CBB_add_bytes(&cbb, entry->name.ptr, entry->name.len) &&
		    CBB_add_u8(&cbb, '\n'), "out of memory");
	}
	fuzz_wrote(&cbb, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes text = { data, len };
	const struct manifest_entry *entry;
	struct manifest manifest;
	struct digest256 hash;
	struct reason why = { 0 };

	if (!fuzz_sense(manifest_read(&manifest, text, &why), &why))
		return 0;
	fuzz_must(manifest.n_entries >= 1 && manifest.n_entries <= MANIFEST_MAX_ENTRIES,
	    "number of entries");
	write_again(&manifest, text);
	entry = manifest_find(&manifest, "measurement.tdx.cbor");
	fuzz_must(entry == NULL || bytes_equal(entry->name, bytes_str("measurement.tdx.cbor")),
	    "another entry");
	digest256_of(&hash, text);
	(void)fuzz_sense(manifest_document_check(&hash, text, text, "measurement.tdx.cbor", &why),
	    &why);
	return 0;
}
