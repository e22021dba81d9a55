/*
 * marks.h - the newest collateral seen, so that nobody can go back behind it
 *
 * Collateral cannot be forged, but whoever controls the network can serve an older item that
 * is still inside its window.  For each item a mark remembers the newest date and the
 * greatest number that were accepted; an item behind its mark is refused.  Release floors
 * are marks that exist from the start.
 *
 * A number's mark lapses with the item that set it: Intel has withdrawn numbers.  A date's
 * never does.
 *
 * source  quote verification specification, 12.5
 */
#ifndef DCAP_MARKS_H
#define DCAP_MARKS_H

#include "core/bytes.h"
#include "core/reason.h"
#include "dstack-verifier/facts.h"

#define MARKS_MAX               1024
#define MARK_NUMBER_LEN         20      /* a cRLNumber, or an evaluation number behind zeroes */

/* What an item says of itself; dates are seconds since 1970. */
struct mark_values {
	int64_t date;                   /* issueDate or thisUpdate                   */
	int64_t next_update;
	uint8_t number[MARK_NUMBER_LEN];        /* big-endian                        */
};

void    mark_number(uint8_t number[MARK_NUMBER_LEN], uint32_t value);

struct marks;

/* NULL when memory is out. */
struct marks *marks_new(void);
void    marks_free(struct marks *marks);

/*
 * marks_check - not behind what was seen, nor behind the release's floors
 *
 *   floors  whether those hold: under Intel's root, for a time that is not pinned
 *   fails   UNAVAILABLE  "older than the item already verified", "older than the release
 *                        allows", and the same of numbers
 */
bool    marks_check(const struct marks *marks, const struct dv_key *key,
            const struct mark_values *values, bool floors, int64_t now,
            struct reason *why) MUST_CHECK;

/* An item was accepted: raises its mark; the least recently raised goes when there are too many. */
void    marks_raise(struct marks *marks, const struct dv_key *key,
            const struct mark_values *values);

/* The oldest date and smallest number that this release takes for a key; see floors.c. */
void    floor_find(int64_t *date, uint32_t *number, const struct dv_key *key);

#endif
