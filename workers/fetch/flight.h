/*
 * flight.h - which key is fetched when, from whom, and what its askers are told
 *
 * One flight per key: however many ask, one download runs.  It goes through the configured
 * servers in order, those that did not answer lately last; a candidate is sent on, and takes
 * the stored item's place only when a worker's word comes back.  Nothing here touches a socket
 * or a clock.
 *
 *      FETCH ─► stored and fresh ─────────────────────────────────► FOUND
 *        └────► download ─► same bytes as stored ─────────────────► FOUND
 *                  ▲  └───► FOUND, a candidate ─► accepted ─► stored
 *                  │                 └─ refused ─┐
 *                  └──── next server ◄───────────┴─ failed
 *                         └ none left ─► stored one still serves ─► FOUND, stale
 *                                    └────────────────────────────► FAILED
 *
 * source  quote verification specification, 12.4 (items 1, 6, age rules), 12.5, 4.3
 */
#ifndef FETCH_FLIGHT_H
#define FETCH_FLIGHT_H

#include "fetch/moment.h"
#include "fetch/pccs.h"
#include "fetch/store.h"
#include "fetch/transfer.h"
#include "ipc/message.h"

#define FLIGHT_MAX_SERVERS      16
#define FLIGHT_MAX              1024    /* keys that are remembered                     */
#define FLIGHT_NOT_FOUND_MS     300000  /* a 404 is not asked again for so long         */
#define FLIGHT_FAILED_MS        15000   /* nor any other failure, more or less          */
#define FLIGHT_BACKOFF_MAX_MS   300000  /* between attempts that nobody waits for       */
#define FLIGHT_RETRY_MS         1000    /* once more round the servers, after so long   */
#define FLIGHT_RETRY_WITHIN_MS  5000    /* if they all failed as fast as that           */
#define FLIGHT_CHECK_MS         30000   /* a worker's word comes by then or never       */
#define FLIGHT_DOWN_MS          300000  /* a server that was unreachable goes last      */
#define FLIGHT_PCK_MS           1000    /* between two requests for PCK certificates    */
#define FLIGHT_IN_USE_MS        ((int64_t)86400000)     /* refreshed ahead so long after
							 * somebody asked               */

struct flight;
struct flights;

/* What flights have done for them; `context` is the first argument. */
struct flight_calls {
	/* Starts a GET; its answer comes to flight_answer(). */
	bool    (*load)(void *context, struct flight *flight,
	    const struct pccs_request *request, struct reason *why);
	void    (*found)(void *context, const struct fact_message *fact);
	void    (*failed)(void *context, const struct dv_failure *failure);
	uint32_t (*random)(void *context);
};

/*
 * flights_new - none in the air
 *
 *   config  must outlive the flights, as must store and calls
 *   fails   MALFORMED, LIMIT     a server's URL, or too many; INTERNAL
 */
bool    flights_new(struct flights **out, const struct fetcher_config *config,
    struct store *store, const struct flight_calls *calls, void *context,
    struct reason *why) MUST_CHECK;
void    flights_free(struct flights *flights);
AUTO_DEFINE(struct flights, flights_free)

/* FETCH: answered at once, or when the flight lands. */
void    flights_fetch(struct flights *flights, const struct dv_key *key, struct moment at);

/* CHECKED: a word on something that was FOUND; one on anything else is ignored. */
void    flights_checked(struct flights *flights, const struct checked_message *checked,
    struct moment at);

/* What `load` was called for has ended. */
void    flight_answer(struct flights *flights, struct flight *flight,
    const struct transfer_answer *answer, struct moment at);

/* Does what is due. */
void    flights_tick(struct flights *flights, struct moment at);

/* Milliseconds until something will be due, at most a minute. */
int     flights_timeout_ms(const struct flights *flights, struct moment at);

#endif
