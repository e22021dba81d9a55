/*
 * app_info.h - who runs inside: identity and measurement hashes of a TDX guest
 *
 * Computed from replayed runtime events and from fields of the verified quote, never from the
 * rest of the log.  What is absent is an empty span, never an error.
 *
 *   source  attestation-and-events.md 9 and 13.6
 */
#ifndef EVIDENCE_APP_INFO_H
#define EVIDENCE_APP_INFO_H

#include "evidence/event_log.h"


/* Fields of the TD report and the PCK certificate, as spans the caller owns. */
struct app_info_quote {
	struct bytes mrtd;                      /* 48                                 */
	struct bytes rtmr[EVENT_RTMRS];         /* 48 each                            */
	struct bytes mr_config_id;              /* 48                                 */
	struct bytes mr_owner;                  /* 48                                 */
	struct bytes mr_owner_config;           /* 48                                 */
	struct bytes ppid;                      /* 16                                 */
};

struct key_provider {
	bool    known;                  /* the payload parsed; else details.key_provider is null */
	struct bytes name, id;          /* UTF-8                                      */
};

struct app_info {
	struct bytes app_id, compose_hash, instance_id;
	struct bytes key_provider_info;         /* the event's payload                */
	struct key_provider key_provider;
	struct bytes *init_script_hashes;       /* in the arena                       */
	size_t  n_init_script_hashes;
	bool    has_event_os_image_hash;
	struct bytes event_os_image_hash;       /* informative                        */
	bool    duplicate_events;               /* 13.6, also among the warnings      */
	struct digest256 device_id, mr_system, mr_aggregated;
};

/*
 * app_info_tdx - everything of section 9 that the quote and the events give
 *
 *   runtime   hashed, and replay_check() found its register equal; borrowed by *out
 *   boottime  the key server's variant: without key provider, register up to boot-mr-done
 *   warnings  gets wrong lengths and duplicates; may be NULL
 *   fails     INTERNAL, LIMIT: memory
 */
bool    app_info_tdx(struct app_info *out, struct arena *arena,
    const struct app_info_quote *quote, const struct event_list *runtime, bool boottime,
    struct warnings *warnings, struct reason *why) MUST_CHECK;

/*
 * key_provider_read - the {"name":..,"id":..} of a key-provider payload
 *
 *   out     all zero when the payload is not that
 *   fails   INTERNAL, LIMIT: memory, or deeper than any provider's
 */
bool    key_provider_read(struct key_provider *out, struct arena *arena, struct bytes payload,
    struct reason *why) MUST_CHECK;

#endif
