#include "measure/lite.h"

#include <inttypes.h>

#include "core/hex.h"
#include "measure/manifest.h"
#include "measure/td_hob.h"
#include "measure/tdx_document.h"

/*
 * The memory sizes for which the kernel's header is the one whose digest the document holds:
 * QEMU writes the initrd's address into it, and that is the same for all of them.
 */
#define MEMORY_EXACTLY          UINT64_C(0x80000000)
#define MEMORY_AT_LEAST         UINT64_C(0xb0000000)

#define DIGEST_TEXT_LEN         (2 * SHA384_DIGEST_LENGTH + 1)

static bool
document_read(struct tdx_document *doc, const struct lite_input *input, struct reason *why)
{
	const struct vm_document *tdx = &input->config->tdx;
	struct digest256 image_hash;

	if (!tdx->present)
		return reject(why, REASON_REFUSED,
		    "tdx lite attestation requires vm_config.tdx_measurement");
	if (!vm_config_image_hash(&image_hash, input->config, why))
		return false;
	if (!manifest_document_check(&image_hash, tdx->checksum_file, tdx->measurement,
	    TDX_DOCUMENT_NAME, why))
		return reject_as(why, "tdx lite measurement material does not match os_image_hash");
	if (!tdx_document_read(doc, tdx->measurement, input->minimum_version, why))
		return reject_as(why, "failed to decode vm_config.tdx_measurement CBOR");
	/* vm_config.ovmf_variant has to equal the document's; both know pre202505 only. */
	return true;
}

/* What the log reports, in the form of what we compute. */
static bool
reported_read(struct acpi_digests *out, const struct event_list *log, struct reason *why)
{
	const struct event *acpi[EVENT_ACPIS];

	if (!event_log_acpi(acpi, log, why))
		return reject_as(why,
		    "TDX lite attestation is missing named RTMR0 ACPI DATA digests");
	bytes_copy(out->loader, acpi[EVENT_ACPI_LOADER]->digest);
	bytes_copy(out->rsdp, acpi[EVENT_ACPI_RSDP]->digest);
	bytes_copy(out->tables, acpi[EVENT_ACPI_TABLES]->digest);
	return true;
}

static bool
acpi_digest_check(const char *name, const uint8_t *expected, const uint8_t *reported,
    struct reason *why)
{
	const struct bytes want = { expected, ACPI_DIGEST_LEN };
	const struct bytes got = { reported, ACPI_DIGEST_LEN };
	char want_hex[DIGEST_TEXT_LEN], got_hex[DIGEST_TEXT_LEN];

	if (bytes_equal(want, got))
		return true;
	hex_text(want_hex, want);
	hex_text(got_hex, got);
	return reject(why, REASON_REFUSED,
	    "TDX lite %s digest mismatch: expected %s, reported %s", name, want_hex, got_hex);
}

/* Whether the tables of one profile are those that the log reports. */
static bool
acpi_profile_check(struct acpi_digests *expected, const struct lite_input *input,
    enum acpi_profile profile, const struct acpi_digests *reported, struct reason *why)
{
	if (!acpi_cache_digests(input->cache, expected, &input->config->shape, profile, why))
		return reject_as(why,
		    "failed to recompute expected TDX lite ACPI table digests");
	return acpi_digest_check("acpi-loader", expected->loader, reported->loader, why) &&
	    acpi_digest_check("acpi-rsdp", expected->rsdp, reported->rsdp, why) &&
	    acpi_digest_check("acpi-tables", expected->tables, reported->tables, why);
}

/* The newest profile speaks, also when the second chance fails too. */
static bool
acpi_check(struct acpi_digests *expected, struct lite_result *result,
    const struct lite_input *input, struct reason *why)
{
	struct acpi_digests reported;
	struct reason second;

	if (!reported_read(&reported, input->log, why))
		return false;
	if (acpi_profile_check(expected, input, ACPI_NEWEST, &reported, why))
		result->acpi_profile = ACPI_NEWEST;
	else if (acpi_second_chance(&input->config->shape) &&
	    acpi_profile_check(expected, input, ACPI_GENUINE, &reported, &second))
		result->acpi_profile = ACPI_GENUINE;
	else
		return false;
	result->acpi_tables_verified = true;
	return true;
}

static bool
memory_check(const struct tdx_document *doc, uint64_t memory_size, struct reason *why)
{
	if (doc->kernel_header_normalized || memory_size == MEMORY_EXACTLY ||
	    memory_size >= MEMORY_AT_LEAST)
		return true;
	return reject(why, REASON_REFUSED,
	    "TDX lite attestation without image download requires memory_size == %" PRIu64
	    " bytes (%" PRIu64 " MiB) or >= %" PRIu64 " bytes (%" PRIu64 " MiB); got %" PRIu64
	    " bytes (only images without kernel header normalization are restricted)",
	    MEMORY_EXACTLY, MEMORY_EXACTLY >> 20, MEMORY_AT_LEAST, MEMORY_AT_LEAST >> 20,
	    memory_size);
}

static bool
mrtd_read(struct digest384 *out, struct lite_result *result, const struct tdx_document *doc,
    const struct vm_config *config, struct reason *why)
{
	/* A version that does not parse was refused before, with the tables. */
	if (!vm_config_two_pass(&result->two_pass, config, why))
		return reject_as(why, "failed to resolve QEMU measurement options");
	return tdx_document_digest(out,
	    result->two_pass ? doc->mrtd_two_pass : doc->mrtd_single_pass, "tdvf.mrtd", why);
}

static bool
td_hob_compute(struct digest384 *out, const struct tdx_document *doc, uint64_t memory_size,
    struct reason *why)
{
	struct td_hob hob;

	if (!td_hob_witness_read(&hob, doc->td_hob, why) ||
	    !td_hob_measure(out, &hob, memory_size, why))
		return reject_as(why, "failed to measure TD HOB from witness");
	return true;
}

static bool
registers_compute(struct lite_result *result, const struct tdx_document *doc,
    const struct vm_config *config, const struct acpi_digests *acpi, struct reason *why)
{
	struct launch_image image;

	if (!memory_check(doc, config->shape.memory_size, why) ||
	    !mrtd_read(&image.mrtd, result, doc, config, why) ||
	    !td_hob_compute(&image.td_hob, doc, config->shape.memory_size, why) ||
	    !tdx_document_digest(&image.kernel, doc->kernel_authenticode,
		"image.kernel_authenticode", why) ||
	    !tdx_document_digest(&image.initrd, doc->initrd_sha384, "image.initrd_sha384", why) ||
	    !tdx_document_cmdline(&image.cmdline, doc, why))
		return reject_as(why,
		    "Failed to compute TDX expected measurements without image download");
	launch_events_compute(&result->events, &image, acpi);
	launch_registers_compute(&result->expected, &image.mrtd, &result->events);
	result->computed = true;
	return true;
}

bool
lite_check(struct lite_result *result, const struct lite_input *input, struct reason *why)
{
	struct acpi_digests acpi;
	struct tdx_document doc;

	*result = (struct lite_result){ 0 };
	if (!document_read(&doc, input, why))
		return false;
	result->measurement_version = doc.version;
	return acpi_check(&acpi, result, input, why) &&
	    registers_compute(result, &doc, input->config, &acpi, why) &&
	    launch_registers_check(&result->expected, input->quoted, why);
}

bool
lite_expect(struct lite_result *result, const struct lite_input *input, struct reason *why)
{
	const struct acpi_shape *shape = &input->config->shape;
	struct acpi_digests acpi;
	struct tdx_document doc;

	*result = (struct lite_result){ 0 };
	if (!document_read(&doc, input, why))
		return false;
	result->measurement_version = doc.version;
	if (!acpi_cache_digests(input->cache, &acpi, shape, ACPI_NEWEST, why) &&
	    !(acpi_second_chance(shape) &&
	    acpi_cache_digests(input->cache, &acpi, shape, ACPI_GENUINE, why)))
		return false;
	return registers_compute(result, &doc, input->config, &acpi, why);
}
