/*
 * fleet.h - many machines on many platforms, with all that a verifier needs for them
 *
 * Platform i has the FMSPC of number i modulo their count, a PCK certificate, a QE and an
 * attestation key of its own; each quote is another guest on it.  Every tenth FMSPC is out of
 * date.  Everything follows from the seed.
 */
#ifndef TESTS_TEESIM_FLEET_H
#define TESTS_TEESIM_FLEET_H

#include "guest.h"

/* A shape, and what an image measures to in it: computed by somebody else. */
struct fleet_launch {
	uint64_t memory_size;
	unsigned cpu_count;
	uint8_t registers[4][EVENT_DIGEST_LEN]; /* MRTD, RTMR0, RTMR1, RTMR2           */
};

struct fleet {
	uint64_t seed;
	unsigned platforms, fmspcs, quotes;     /* quotes of each platform             */
	int64_t now;
	enum guest_form form;
	bool    mixed;                          /* forms in turn                       */
	bool    full_log, legacy;
	unsigned certification;                 /* 2 or 3: quotes without certificates */
	struct bytes manifest;                  /* EMPTY, or sha256sum.txt of the image */
	const struct fleet_launch *launches;    /* that all of them run, in turn in these */
	size_t  nlaunches;                      /* shapes: legacy machines then        */
};

/* One guest of it, not built yet. */
void    fleet_guest(struct guest *guest, const struct fleet *fleet, unsigned platform,
    unsigned quote);

/* Moves all dates of the collateral, as if today were `now`. */
void    fleet_dates(struct mock *intel, int64_t now);

/* What the verifier has to find in a guest that was built: one line of JSON. */
struct bytes fleet_expected(const struct guest *guest, const char *file);

#endif
