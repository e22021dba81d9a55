/*
 * attestation.h - evidence as guests send it, taken apart
 *
 * Three wire forms end in one struct evidence: V0 (SCALE), V1 (MessagePack) and form B, a bare
 * quote beside a JSON event log.  Nothing in it has been verified; the checks at the end of
 * this header and in event_log.h and replay.h are the cheap ones, made before any signature.
 *
 * Every span points into the input or into the arena.
 *
 *   source  attestation-and-events.md 1 to 5
 */
#ifndef EVIDENCE_ATTESTATION_H
#define EVIDENCE_ATTESTATION_H

#include "evidence/event_log.h"

#define ATTESTATION_MAX         10485760        /* bytes; upstream's limit            */
#define ATTESTATION_CERTS_MAX   16
#define ATTESTATION_PCRS_MAX    64
#define ATTESTATION_TPM_EVENTS_MAX 4096
#define ATTESTATION_DEPTH_MAX   16              /* of the MessagePack; real ones have 5 */
#define REPORT_DATA_LEN         64

/* Outermost words of the two "Internal error: " failures; the first misspelt as upstream. */
#define ATTESTATION_DECODE_FAILED       "Failed to decode attestaion"
#define ATTESTATION_CREATE_FAILED       "Failed to create attestation"

/* The SCALE indices. */
enum evidence_variant {
	EVIDENCE_TDX = 0,
	EVIDENCE_GCP_TDX = 1,
	EVIDENCE_NITRO_ENCLAVE = 2,
	EVIDENCE_SEV_SNP = 3,
	EVIDENCE_AWS_NITRO_TPM = 4,
};

enum evidence_form {
	EVIDENCE_FORM_V0,
	EVIDENCE_FORM_V1,
	EVIDENCE_FORM_QUOTE,
};

enum tpm_platform {
	TPM_PLATFORM_DSTACK = 0,
	TPM_PLATFORM_GCP = 1,
	TPM_PLATFORM_NITRO_ENCLAVE = 2,
	TPM_PLATFORM_AWS_EC2 = 3,
};

struct tpm_pcr {
	uint32_t index;
	struct bytes algorithm;         /* "sha256", ...                              */
	struct bytes value;
};

struct tpm_event {
	uint32_t pcr;
	struct bytes digest;
};

struct tpm_evidence {
	struct bytes message, signature, ak_cert;
	enum tpm_platform platform;
	struct tpm_pcr *pcrs;
	size_t  n_pcrs;
	struct tpm_event *events;
	size_t  n_events;
};

struct evidence {
	enum evidence_variant variant;
	enum evidence_form form;
	bool    pod;                            /* stack "dstack-pod"                 */

	struct bytes quote;                     /* both TDX: as carried, zero tail included */
	struct event_list log;                  /* both TDX                           */
	struct tpm_evidence tpm;                /* gcp-tdx                            */
	struct bytes document;                  /* nsm_quote, attestation_doc, SNP report */
	struct bytes certs[ATTESTATION_CERTS_MAX];      /* SNP                        */
	size_t  n_certs;
	struct bytes mr_config;                 /* SNP: document, bytes as supplied   */

	struct event_list runtime;              /* hashed: event_list_hash()          */
	struct bytes report_data;               /* should be 64 bytes                 */
	struct bytes report_data_payload;       /* pod only                           */
	struct bytes config;                    /* as embedded; empty in form B       */
	struct bytes vm_config;                 /* the text to judge by, at least "{}" */
};

/* "dstack-tdx", ...: the name answers use. */
const char *evidence_variant_name(enum evidence_variant variant);

/*
 * attestation_read - form A, either encoding, to its last byte
 *
 *   raw     borrowed by *out
 *   fails   MALFORMED, LIMIT; the text starts with ATTESTATION_DECODE_FAILED, then
 *           "attestation bytes too large: LEN > 10485760", "Empty attestation bytes",
 *           "Unknown attestation wire format", or what the decoder found
 */
bool    attestation_read(struct evidence *out, struct arena *arena, struct bytes raw,
    struct reason *why) MUST_CHECK;

/*
 * attestation_from_quote - form B
 *
 *   quote       borrowed; the caller has parsed it
 *   report_data 64 bytes, the quote's own
 *   event_log   JSON text, borrowed
 *   vm_config   JSON text, may be empty
 *   fails       MALFORMED, LIMIT; the text starts with ATTESTATION_CREATE_FAILED
 */
bool    attestation_from_quote(struct evidence *out, struct arena *arena, struct bytes quote,
    struct bytes report_data, struct bytes event_log, struct bytes vm_config,
    struct reason *why) MUST_CHECK;

/*
 * evidence_check_report_data - the checks of report_data that need nothing but the evidence
 *
 *   fails   REFUSED      "report_data does not match report_data_payload" (pod),
 *                        "stack.report_data must be 64 bytes"
 *   source  attestation-and-events.md 4.4, and 8 items 1 and 2
 */
bool    evidence_check_report_data(const struct evidence *evidence,
    struct reason *why) MUST_CHECK;

/*
 * evidence_check_quoted_report_data - "tdx report_data mismatch" unless both are equal
 *
 *   source  attestation-and-events.md 8 item 6
 */
bool    evidence_check_quoted_report_data(const struct evidence *evidence, struct bytes quoted,
    struct reason *why) MUST_CHECK;

/* The decoders behind attestation_read(), from the first byte, which chose them. */
bool    attestation_v0_read(struct evidence *out, struct arena *arena, struct bytes raw,
    struct reason *why) MUST_CHECK;
bool    attestation_v1_read(struct evidence *out, struct arena *arena, struct bytes raw,
    struct reason *why) MUST_CHECK;

#endif
