/*
 * guest.h - a dstack VM that does not exist, on a platform that does not exist
 *
 * guest_init() makes a machine whose evidence is valid under its own root and under no other.
 * A test then spoils one member, or names one change of bytes, and guest_build() makes quote,
 * log, attestation, request and collateral anew from there on: digests, registers and
 * signatures follow.
 */
#ifndef TESTS_TEESIM_GUEST_H
#define TESTS_TEESIM_GUEST_H

#include "change.h"
#include "encode.h"
#include "launch.h"
#include "mock_collateral.h"

#define GUEST_EVENTS          160
#define GUEST_NOW             MOCK_NOW

/* Offsets in a TD report. */
enum {
	TD_TEE_TCB_SVN = 0, TD_MR_SIGNER_SEAM = 64, TD_SEAM_ATTRIBUTES = 112,
	TD_ATTRIBUTES = 120, TD_XFAM = 128, TD_MRTD = 136, TD_MR_CONFIG_ID = 184,
	TD_MR_OWNER = 232, TD_MR_OWNER_CONFIG = 280, TD_RTMR0 = 328, TD_RTMR3 = 472,
	TD_REPORT_DATA = 520, TD_TEE_TCB_SVN2 = 584, TD_MR_SERVICE_TD = 600, TD_VMID = 648,
};

/* Offsets in an enclave report. */
enum {
	ENCLAVE_MISC_SELECT = 16, ENCLAVE_ATTRIBUTES = 48, ENCLAVE_MR_SIGNER = 128,
	ENCLAVE_ISV_PROD_ID = 256, ENCLAVE_ISV_SVN = 258, ENCLAVE_REPORT_DATA = 320,
};

enum guest_form {
	GUEST_V0 = 0,         /* attestation, SCALE                                  */
	GUEST_V1,             /* attestation, MessagePack                            */
	GUEST_GETQUOTE,       /* quote, event_log, vm_config                         */
};

struct guest {
	struct mock intel;      /* platform, its certificates and collateral, the quote */
	enum guest_form form;
	unsigned certification; /* 2 or 3: the quote has an encrypted PPID of 2048 or 3072 bits
				 * and a TCB, and no certificates                      */
	bool    legacy;         /* tdx_attestation_variant                             */
	bool    full_log;       /* all firmware events, runtime events with digests    */

	struct tdx_document image;
	struct image_layout layout;
	struct acpi_shape shape;
	const char *page_order; /* "true", "false"; NULL: not given                    */
	const char *config;     /* more members of vm_config, each with a comma in front */
	const char *request;    /* more members of the request, likewise               */
	enum acpi_profile profile;
	bool    split_memory;   /* the host ends low memory at 2 GiB, with less than others */
	bool    own_tables;     /* the host's ACPI tables differ in one bit, all the way up */

	struct event runtime[GUEST_EVENTS];   /* what is extended into RTMR3         */
	size_t  nruntime;
	bool    pod;
	struct bytes pod_payload;

	struct bytes manifest;  /* lines of the checksum file in front of the document's;
				 * all of it for a legacy machine, when not EMPTY      */

	struct change change;

	/* What guest_build() made. */
	struct bytes document, checksum, image_hash, vm_config;
	struct event log[GUEST_EVENTS + LAUNCH_EVENTS];       /* beside the quote    */
	size_t  nlog;
	bool    keep_log, keep_registers;       /* log and registers are the test's    */
	struct evidence evidence;       /* runtime and report_data where they are given */
	struct bytes quote, attestation, event_log, body, collateral;
};

/* Identity, image and platform follow from the seed.  Lite, form V0, stripped log. */
void    guest_init(struct guest *guest, uint64_t seed);

/* Changes the payload of the first runtime event of that name. */
void    guest_payload(struct guest *guest, const char *name, struct bytes payload);

/* Puts a runtime event in front of that of an index. */
void    guest_insert(struct guest *guest, size_t at, unsigned version, const char *name,
    struct bytes payload);

/* The first runtime event of that name. */
struct event *guest_event(struct guest *guest, const char *name);

void    guest_build(struct guest *guest);

#endif
