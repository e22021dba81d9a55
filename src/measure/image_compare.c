#include "measure/image_compare.h"

#include "measure/manifest.h"

static bool
td_hob_equal(const struct td_hob *measured, const struct td_hob *documented)
{
	struct td_hob a = *measured, b = *documented;
	size_t i;

	td_hob_sort(&a);
	td_hob_sort(&b);
	if (a.address != b.address || a.n_ranges != b.n_ranges)
		return false;
	for (i = 0; i < a.n_ranges; i++)
		if (a.ranges[i].start != b.ranges[i].start || a.ranges[i].end != b.ranges[i].end)
			return false;
	return true;
}

static bool
differs(const char *member, struct reason *why)
{
	return reject(why, REASON_REFUSED,
	    "measurement.tdx.cbor differs from the published image in %s", member);
}

static bool
digest_check(const struct digest384 *measured, struct bytes documented, const char *member,
    struct reason *why)
{
	if (!bytes_equal(BYTES_OF(measured->data), documented))
		return differs(member, why);
	return true;
}

static bool
witness_check(const struct image_record *record, struct bytes witness, struct reason *why)
{
	struct td_hob documented;

	if (!td_hob_witness_read(&documented, witness, why) ||
	    !td_hob_equal(&record->td_hob, &documented))
		return differs("td_hob", why);
	return true;
}

static bool
cmdline_check(const struct image_record *record, const struct tdx_document *doc,
    struct reason *why)
{
	struct digest384 documented;

	if (!tdx_document_cmdline(&documented, doc, why) ||
	    !digest384_equal(&record->cmdline, &documented))
		return differs("cmdline", why);
	return true;
}

/* Version 3 does not know normalized headers; the digest tells all the same. */
static bool
normalized_check(const struct image_record *record, const struct tdx_document *doc,
    struct reason *why)
{
	if (doc->version >= 4 && doc->kernel_header_normalized != record->kernel_header_normalized)
		return differs("kernel_header_normalized", why);
	return true;
}

bool
image_compare(const struct image_record *record, const struct tdx_document *doc,
    struct reason *why)
{
	if (doc->ovmf != record->ovmf)
		return differs("ovmf", why);
	return digest_check(&record->mrtd_single_pass, doc->mrtd_single_pass, "mrtd.single_pass",
	    why) &&
	    digest_check(&record->mrtd_two_pass, doc->mrtd_two_pass, "mrtd.two_pass", why) &&
	    witness_check(record, doc->td_hob, why) &&
	    normalized_check(record, doc, why) &&
	    digest_check(record->kernel_header_normalized ? &record->kernel_unpatched :
		&record->kernel_patched, doc->kernel_authenticode, "kernel_authenticode", why) &&
	    cmdline_check(record, doc, why) &&
	    digest_check(&record->initrd, doc->initrd_sha384, "initrd_sha384", why);
}

bool
image_document_check(struct reason *difference, const struct image_record *record,
    struct bytes manifest, struct bytes document, struct reason *why)
{
	const struct manifest_entry *entry;
	struct tdx_document doc;
	struct digest256 digest;
	struct manifest files;

	*difference = (struct reason){ 0 };
	if (!manifest_read(&files, manifest, why))
		return false;
	entry = manifest_find(&files, TDX_DOCUMENT_NAME);
	if (entry == NULL)
		return true;
	digest256_of(&digest, document);
	if (!digest256_equal(&digest, &entry->sha256))
		return reject(why, REASON_REFUSED, "Checksum verification failed: %s",
		    TDX_DOCUMENT_NAME);
	if (tdx_document_read(&doc, document, TDX_DOCUMENT_OLDEST, difference) &&
	    image_compare(record, &doc, difference))
		*difference = (struct reason){ 0 };
	return true;
}
