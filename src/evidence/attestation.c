#include "evidence/attestation.h"

#include "core/digest.h"

#define POD_TAG "app-data:"

const char *
evidence_variant_name(enum evidence_variant variant)
{
	switch (variant) {
	case EVIDENCE_TDX:
		return "dstack-tdx";
	case EVIDENCE_GCP_TDX:
		return "dstack-gcp-tdx";
	case EVIDENCE_NITRO_ENCLAVE:
		return "dstack-nitro-enclave";
	case EVIDENCE_SEV_SNP:
		return "dstack-amd-sev-snp";
	case EVIDENCE_AWS_NITRO_TPM:
		return "dstack-aws-nitro-tpm";
	}
	return NULL;
}

static struct bytes
config_or_empty(struct bytes config)
{
	return config.len != 0 ? config : bytes_str("{}");
}

static bool
wire_form_read(struct evidence *out, struct arena *arena, struct bytes raw, struct reason *why)
{
	uint8_t first;

	if (raw.len > ATTESTATION_MAX)
		return reject(why, REASON_LIMIT, "attestation bytes too large: %zu > %d",
		    raw.len, ATTESTATION_MAX);
	if (raw.len == 0)
		return reject(why, REASON_MALFORMED, "Empty attestation bytes");
	first = raw.ptr[0];
	if (first == 0x00)
		return attestation_v0_read(out, arena, raw, why);
	if ((first >= 0x80 && first <= 0x8f) || first == 0xde || first == 0xdf)
		return attestation_v1_read(out, arena, raw, why);
	return reject(why, REASON_MALFORMED, "Unknown attestation wire format");
}

bool
attestation_read(struct evidence *out, struct arena *arena, struct bytes raw, struct reason *why)
{
	memset(out, 0, sizeof *out);
	if (!wire_form_read(out, arena, raw, why) ||
	    !event_list_hash(&out->runtime, arena, why))
		return reject_as(why, ATTESTATION_DECODE_FAILED);
	out->vm_config = config_or_empty(out->config);
	return true;
}

bool
attestation_from_quote(struct evidence *out, struct arena *arena, struct bytes quote,
    struct bytes report_data, struct bytes event_log, struct bytes vm_config, struct reason *why)
{
	*out = (struct evidence){
		.variant = EVIDENCE_TDX,
		.form = EVIDENCE_FORM_QUOTE,
		.quote = quote,
		.report_data = report_data,
		.vm_config = config_or_empty(vm_config),
	};
	if (!event_log_read(&out->log, arena, event_log, why) ||
	    !event_log_runtime(&out->runtime, arena, &out->log, why) ||
	    !event_list_hash(&out->runtime, arena, why))
		return reject_as(why, ATTESTATION_CREATE_FAILED);
	return true;
}

static bool
pod_payload_check(const struct evidence *evidence, struct reason *why)
{
	const struct bytes parts[] = { bytes_str(POD_TAG), evidence->report_data_payload };
	struct digest512 digest;

	digest512_of_parts(&digest, parts, NELEM(parts));
	if (!bytes_equal(BYTES_OF(digest.data), evidence->report_data))
		return reject(why, REASON_REFUSED,
		    "report_data does not match report_data_payload");
	return true;
}

bool
evidence_check_report_data(const struct evidence *evidence, struct reason *why)
{
	if (evidence->pod && !pod_payload_check(evidence, why))
		return false;
	if (evidence->report_data.len != REPORT_DATA_LEN)
		return reject(why, REASON_REFUSED, "stack.report_data must be %d bytes",
		    REPORT_DATA_LEN);
	return true;
}

bool
evidence_check_quoted_report_data(const struct evidence *evidence, struct bytes quoted,
    struct reason *why)
{
	if (!bytes_equal(evidence->report_data, quoted))
		return reject(why, REASON_REFUSED, "tdx report_data mismatch");
	return true;
}
