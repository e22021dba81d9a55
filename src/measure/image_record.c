#include "measure/image_record.h"

#include "measure/manifest.h"
#include "measure/rtmr.h"
#include "measure/tdvf.h"

static const char manifest_name[] = "sha256sum.txt";
static const char metadata_name[] = "metadata.json";

/* Manifest and metadata of an image, once their hashes were checked. */
struct image {
	struct manifest manifest;
	struct metadata metadata;
};

static bool
size_check(const char *what, uint64_t len, uint64_t max, struct reason *why)
{
	if (len > max)
		return reject(why, REASON_LIMIT, "%s has %llu bytes, more than %llu", what,
		    (unsigned long long)len, (unsigned long long)max);
	return true;
}

/* The manifest's entry of that name holds that digest. */
static bool
entry_check(const struct manifest *manifest, const char *name, const struct digest256 *actual,
    struct reason *why)
{
	const struct manifest_entry *entry = manifest_find(manifest, name);

	if (entry == NULL)
		return reject(why, REASON_REFUSED, "%s is missing %s", manifest_name, name);
	if (!digest256_equal(&entry->sha256, actual))
		return reject(why, REASON_REFUSED, "Checksum verification failed: %s", name);
	return true;
}

static bool
file_check(const struct manifest *manifest, const char *name, struct bytes file,
    struct reason *why)
{
	struct digest256 actual;

	digest256_of(&actual, file);
	return entry_check(manifest, name, &actual, why);
}

static bool
manifest_check(struct manifest *manifest, const struct digest256 *os_image_hash,
    struct bytes text, struct reason *why)
{
	struct digest256 actual;

	digest256_of(&actual, text);
	if (!digest256_equal(&actual, os_image_hash))
		return reject(why, REASON_REFUSED, "os_image_hash does not match sha256(%s)",
		    manifest_name);
	return manifest_read(manifest, text, why);
}

/* Nothing is parsed whose hash was not checked before. */
static bool
image_open(struct image *image, struct arena *arena, const struct digest256 *os_image_hash,
    const struct image_files *files, struct reason *why)
{
	if (!manifest_check(&image->manifest, os_image_hash, files->manifest, why))
		return false;
	if (manifest_find(&image->manifest, metadata_name) == NULL)
		return reject(why, REASON_REFUSED, "%s not found in the extracted archive",
		    metadata_name);
	return file_check(&image->manifest, metadata_name, files->metadata, why) &&
	    metadata_read(&image->metadata, arena, files->metadata, why);
}

bool
image_metadata_read(struct metadata *metadata, struct arena *arena,
    const struct digest256 *os_image_hash, const struct image_files *files, struct reason *why)
{
	struct image image;

	if (!image_open(&image, arena, os_image_hash, files, why))
		return false;
	*metadata = image.metadata;
	return true;
}

static bool
kernel_check(struct digest256 *sha256, const struct image *image,
    const struct image_files *files, struct reason *why)
{
	if (!size_check("kernel", files->kernel.len, KERNEL_MAX_LEN, why) ||
	    !size_check("initrd", files->initrd_size, UINT32_MAX, why))
		return false;
	digest256_of(sha256, files->kernel);
	return entry_check(&image->manifest, image->metadata.kernel, sha256, why);
}

static bool
firmware_measure(struct image_record *record, struct bytes firmware, struct reason *why)
{
	struct tdvf tdvf;

	if (!tdvf_read(&tdvf, firmware, why))
		return false;
	tdvf_mrtd(&record->mrtd_single_pass, &tdvf, false);
	tdvf_mrtd(&record->mrtd_two_pass, &tdvf, true);
	tdvf_td_hob(&record->td_hob, &tdvf);
	record->variables_known = tdvf_variables_known(&tdvf);
	return true;
}

/* QEMU does not touch the header of a normalized kernel, so nothing is asked of it. */
static bool
kernel_measure(struct image_record *record, const struct image_files *files, struct reason *why)
{
	uint32_t addr;

	if (record->kernel_header_normalized)
		return kernel_unpatched_digest(&record->kernel_unpatched, files->kernel, why);
	if (!kernel_header_read(&record->kernel_header, files->kernel, why))
		return reject_as(why, "Failed to patch kernel");
	return kernel_initrd_addr(&addr, &record->kernel_header, record->initrd_size,
	    KERNEL_HIGH_MEMORY, why) &&
	    kernel_patched_digest(&record->kernel_patched, files->kernel, addr,
		record->initrd_size, why) &&
	    kernel_unpatched_digest(&record->kernel_unpatched, files->kernel, why);
}

/* What needs no measuring. */
static bool
record_fill(struct image_record *record, const struct metadata *metadata,
    const struct image_files *files, struct reason *why)
{
	record->initrd = files->initrd_sha384;
	record->initrd_size = (uint32_t)files->initrd_size;
	record->kernel_header_normalized = metadata->kernel_header_normalized;
	record->ovmf = metadata->ovmf;
	record->is_dev = metadata->is_dev;
	record->version_len = metadata->version.len;
	bytes_copy(record->version, metadata->version);
	/* JSON text is UTF-8. */
	if (!rtmr_cmdline_digest(&record->cmdline, metadata->cmdline))
		return reject(why, REASON_INTERNAL, "command line is not UTF-8");
	return true;
}

bool
image_record_compute(struct image_record *record, struct arena *arena,
    const struct digest256 *os_image_hash, const struct image_files *files, struct reason *why)
{
	struct image image;

	*record = (struct image_record){ 0 };
	if (!image_open(&image, arena, os_image_hash, files, why) ||
	    !size_check("firmware", files->firmware.len, TDVF_MAX_LEN, why) ||
	    !file_check(&image.manifest, image.metadata.bios, files->firmware, why) ||
	    !kernel_check(&record->kernel_sha256, &image, files, why) ||
	    !entry_check(&image.manifest, image.metadata.initrd, &files->initrd_sha256, why) ||
	    !record_fill(record, &image.metadata, files, why))
		return false;
	if (!firmware_measure(record, files->firmware, why) ||
	    !kernel_measure(record, files, why))
		return reject_as(why,
		    "Failed to compute expected measurements: Failed to compute expected MRs");
	return true;
}

bool
kernel_fact_compute(struct kernel_fact *fact, struct arena *arena,
    const struct digest256 *os_image_hash, const struct image_files *files, uint32_t initrd_addr,
    struct reason *why)
{
	struct image image;
	struct digest256 sha256;

	if (!image_open(&image, arena, os_image_hash, files, why) ||
	    !kernel_check(&sha256, &image, files, why))
		return false;
	fact->initrd_addr = initrd_addr;
	fact->initrd_size = (uint32_t)files->initrd_size;
	if (!kernel_patched_digest(&fact->kernel, files->kernel, initrd_addr, fact->initrd_size,
	    why))
		return reject_as(why,
		    "Failed to compute expected measurements: Failed to compute expected MRs");
	return true;
}

bool
image_record_initrd_addr(uint32_t *addr, bool *known, const struct image_record *record,
    uint64_t memory_size, struct reason *why)
{
	uint32_t high;

	*addr = 0;
	*known = true;
	if (record->kernel_header_normalized)
		return true;
	if (!kernel_initrd_addr(addr, &record->kernel_header, record->initrd_size, memory_size,
	    why) ||
	    !kernel_initrd_addr(&high, &record->kernel_header, record->initrd_size,
		KERNEL_HIGH_MEMORY, why))
		return false;
	*known = *addr == high;
	return true;
}
