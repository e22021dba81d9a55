/*
 * event_log.h - the events a guest reports, and what makes a list of them believable
 *
 * A TDX attestation carries two lists: the *log*, with the events of every register, and the
 * *runtime events*, name and payload of what dstack extended into RTMR3 (vTPM: PCR14).  Only
 * the second is replayed, so only the second is used for identity; event_log_check() demands
 * that the first agrees with it wherever it speaks of the same events.
 *
 * "event i" and "V2 runtime event i" in reasons count in the log, "runtime event i" counts in
 * the runtime events; both from 0.
 *
 *   source  attestation-and-events.md 5.3, 6, 8 and 13
 */
#ifndef EVIDENCE_EVENT_LOG_H
#define EVIDENCE_EVENT_LOG_H

#include "core/arena.h"
#include "core/digest.h"
#include "evidence/warnings.h"

#define EVENT_TYPE_RUNTIME      0x08000001u     /* dstack's own, in RTMR3 only        */
#define EVENT_TYPE_ACPI         10u             /* EV_PLATFORM_CONFIG_FLAGS           */
#define EVENT_LOG_MAX           4096            /* events in one list                 */
#define EVENT_PAYLOAD_MAX       65536           /* bytes                              */
#define EVENT_NAME_MAX          256             /* bytes; real names have at most 20  */
#define EVENT_DIGEST_LEN        48              /* SHA-384                            */
#define EVENT_RTMRS             4

struct event {
	uint32_t imr;                   /* 0-based RTMR; 3 in the runtime list        */
	uint32_t type;
	uint32_t version;               /* 1 or 2: format of the hashed bytes         */
	bool    has_preimage;
	struct bytes digest;            /* as reported; empty when stripped           */
	struct bytes name;              /* UTF-8                                      */
	struct bytes payload;
	struct bytes preimage;          /* as reported: text that should be hex       */
	struct digest384 computed;      /* runtime list: event_list_hash()            */
};

struct event_list {
	struct event *event;            /* in the arena                               */
	size_t  n;
};

/*
 * event_log_read - the JSON text of form B: one array of event objects
 *
 *   text    borrowed; names without escapes point into it
 *   fails   MALFORMED    not that JSON, a key missing, of the wrong type or doubled, bad hex
 *           LIMIT        more than EVENT_LOG_MAX events, a payload over EVENT_PAYLOAD_MAX
 *   source  attestation-and-events.md 5.3
 */
bool    event_log_read(struct event_list *log, struct arena *arena, struct bytes text,
    struct reason *why) MUST_CHECK;

/* The runtime events of a log: those of EVENT_TYPE_RUNTIME, in order, whatever their register. */
bool    event_log_runtime(struct event_list *runtime, struct arena *arena,
    const struct event_list *log, struct reason *why) MUST_CHECK;

/*
 * event_preimage - the bytes whose SHA-384 (vTPM: SHA-256) is extended for a runtime event
 *
 *   out     in the arena
 *   source  attestation-and-events.md 6.3
 */
bool    event_preimage(struct bytes *out, struct arena *arena, const struct event *event,
    struct reason *why) MUST_CHECK;

/* SHA-384 of each runtime event's preimage into `computed`; once, all else reuses it. */
bool    event_list_hash(struct event_list *runtime, struct arena *arena,
    struct reason *why) MUST_CHECK;

/*
 * event_log_check - whether both lists are in order and agree; event_list_hash() came first
 *
 *   fails   REFUSED      "event i of type T is in register N"
 *                        "event i has a name of N bytes, more than 256", "runtime event ..."
 *                        "event log and runtime events differ"
 *                        "runtime event i has an ambiguous name"
 *                        "runtime event i digest does not match its content"
 *   source  attestation-and-events.md 13.1 to 13.3, 13.5
 */
bool    event_log_check(const struct event_list *log, const struct event_list *runtime,
    struct reason *why) MUST_CHECK;

/*
 * event_log_check_preimages - the reported preimages of runtime events, where there are any
 *
 *   fails   REFUSED      behind "Failed to validate TDX V2 event digest preimages":
 *                        "V2 runtime event i has a malformed digest preimage: ..."
 *                        "V2 runtime event i digest does not match its preimage"
 *                        "V2 runtime event i preimage is not the canonical event representation"
 *   source  attestation-and-events.md 8 and 13.2; a missing preimage is fine
 */
bool    event_log_check_preimages(const struct event_list *log, struct arena *arena,
    struct reason *why) MUST_CHECK;

/* First runtime event of that name before or at the first "system-ready"; NULL when none. */
const struct event *event_find(const struct event_list *runtime, const char *name);

/*
 * event_log_duplicates - single-valued names that occur again before "system-ready"
 *
 *   gives   how many; each is a warning, "runtime event i repeats NAME, the first one counts"
 *   source  attestation-and-events.md 13.6
 */
size_t  event_log_duplicates(const struct event_list *runtime, struct warnings *warnings);

/* The same as a refusal, for `reject_duplicate_events`: "runtime event i repeats NAME". */
bool    event_log_check_duplicates(const struct event_list *runtime,
    struct reason *why) MUST_CHECK;

/* Whether this is one of the firmware's ACPI events: RTMR0, type 10, payload "ACPI DATA". */
bool    event_is_acpi(const struct event *event);

enum event_acpi { EVENT_ACPI_LOADER, EVENT_ACPI_RSDP, EVENT_ACPI_TABLES };
#define EVENT_ACPIS     3

/*
 * event_log_acpi - the three named ACPI events a lite attestation must hold
 *
 *   acpi    the events by enum event_acpi, each with a digest of 48 bytes
 *   fails   REFUSED      the three texts of the source, without any prefix
 *   source  attestation-and-events.md 6.2
 */
bool    event_log_acpi(const struct event *acpi[EVENT_ACPIS], const struct event_list *log,
    struct reason *why) MUST_CHECK;

#endif
