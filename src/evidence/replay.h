/*
 * replay.h - from a list of events back to the value of a measurement register
 *
 * RTMR3 is always replayed, from the runtime events' own content.  RTMR0 to 2 are replayed
 * from reported digests whenever the log holds more than the three ACPI events of a stripped
 * log; a register without any event then stays uncovered, for its quoted value is never zero.
 *
 *   source  attestation-and-events.md 7 and 13.4
 */
#ifndef EVIDENCE_REPLAY_H
#define EVIDENCE_REPLAY_H

#include "evidence/event_log.h"

struct replay {
	struct digest384 rtmr[EVENT_RTMRS];
	bool    covered[EVENT_RTMRS];   /* replayed; details.event_log_coverage       */
};

/*
 * replay_runtime - the runtime register, from `computed` of every event
 *
 *   stop    name of the last event that counts, the first of that name; NULL: all count
 */
void    replay_runtime(struct digest384 *rtmr, const struct event_list *runtime,
    const char *stop);

/*
 * replay_run - all registers the lists cover
 *
 *   fails   REFUSED      "event i of RTMR0 has a digest of N bytes, not 48"
 */
bool    replay_run(struct replay *replay, const struct event_list *log,
    const struct event_list *runtime, struct reason *why) MUST_CHECK;

/*
 * replay_check - whether the covered registers equal the quoted ones, RTMR3 first
 *
 *   quoted  48 bytes each
 *   fails   REFUSED      "RTMR3 mismatch, quoted: HEX, replayed: HEX"
 */
bool    replay_check(const struct replay *replay, const struct bytes quoted[EVENT_RTMRS],
    struct reason *why) MUST_CHECK;

#endif
