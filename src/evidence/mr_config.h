/*
 * mr_config.h - what the host configured the TD for, against what the events say
 *
 *   source  attestation-and-events.md 11 and 13.7
 */
#ifndef EVIDENCE_MR_CONFIG_H
#define EVIDENCE_MR_CONFIG_H

#include "evidence/app_info.h"

#define MR_CONFIG_ID_LEN        48

enum mr_config_verdict {
	MR_CONFIG_NULL,         /* unused (all zero), or nothing to check it with       */
	MR_CONFIG_FALSE,
	MR_CONFIG_TRUE,
};

/*
 * mr_config_check - details.mr_config_id_verified
 *
 *   verdict     valid when true is returned
 *   id          the quote's MRCONFIGID, 48 bytes
 *   app         from the replayed events
 *   document    the MrConfigV3 text of the config, empty when it has none
 *   warnings    gets version 2 and 3 mismatches and unknown versions; may be NULL
 *   fails       REFUSED      "MRCONFIGID mismatch, quoted: HEX, expected: HEX", version 1 only
 */
bool    mr_config_check(enum mr_config_verdict *verdict, struct arena *arena, struct bytes id,
    const struct app_info *app, struct bytes document, struct warnings *warnings,
    struct reason *why) MUST_CHECK;

/*
 * mr_config_document - the `mr_config` member (a string) of a config text
 *
 *   out     empty when the config has none or is no JSON object; in the arena or in config
 */
void    mr_config_document(struct bytes *out, struct arena *arena, struct bytes config);

/* SHA-256("dstack-mr-config-v3:" || 0x00 || document bytes as supplied). */
void    mr_config_v3_hash(struct digest256 *hash, struct bytes document);

#endif
