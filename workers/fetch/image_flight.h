/*
 * image_flight.h - how a signed record of an image, or of its kernel, comes about
 *
 * One flight per image, whatever is asked about it and by however many: one download, one
 * measurement of each kind.
 *
 *      FETCH ─► record in the index ────────────────────────────────────────────► FOUND
 *        └────► files that are there ─► PAPERS, NAMES, MEASURE ─► RECORD, kept ─► FOUND
 *                  ▲  └─ none, or not what the hash says: away with them
 *                  │                 └► download ─► UNPACK ─► UNPACKED ─► PAPERS, NAMES
 *                  └──────────────────────────────────────────── published ◄─┘
 *                     whatever goes wrong for good: FAILED, and remembered for a while
 *
 * Nothing here reads a clock.  Neither what was unpacked nor what is found is believed: a measurer
 * checks every hash, and workers the signature.
 *
 * source  os-image-measurement.md 13.2 to 13.5
 */
#ifndef FETCH_IMAGE_FLIGHT_H
#define FETCH_IMAGE_FLIGHT_H

#include "fetch/download.h"
#include "fetch/image_store.h"
#include "fetch/moment.h"
#include "ipc/channel.h"
#include "ipc/message.h"

#define IMAGE_FLIGHT_MAX        256     /* images that somebody waits for               */
#define IMAGE_FLIGHT_KEYS       64      /* facts asked for of one image at a time       */
#define IMAGE_FLIGHT_DOWNLOADS  2       /* at once                                      */
#define IMAGE_FLIGHT_UNPACKS    2       /* tries, when an unpacker is lost or cannot write */
#define IMAGE_FLIGHT_MEASURES   3       /* tries, when a measurer is lost               */
#define IMAGE_FLIGHT_BURST      32      /* downloads that may begin at any time, and    */
#define IMAGE_FLIGHT_EVERY_MS   1000    /* how often one more may                       */
#define IMAGE_FLIGHT_GONE_MS    60000   /* a 404 or 410 is not asked again for so long  */
#define IMAGE_FLIGHT_BACKOFF_MS 1000    /* nor another failure; doubled with each ...   */
#define IMAGE_FLIGHT_BACKOFF_MAX_MS     300000  /* ... up to this                       */
#define IMAGE_FLIGHT_REFUSALS   2       /* records of one key that workers may refuse   */

struct image_flights;

/* What flights have done for them; `context` is the first argument. */
struct image_flight_calls {
	/* A frame to the supervisor; the descriptors stay the flights'. */
	void    (*ask)(void *context, enum frame_type type, uint64_t ticket, struct bytes payload,
	    const int *fds, unsigned nfds);
	void    (*found)(void *context, const struct fact_message *fact);
	void    (*failed)(void *context, const struct dv_failure *failure);
	/* How image_flights_verify() ended: an empty reason when every hash is right. */
	void    (*verified)(void *context, const uint8_t hash[32], const struct reason *why);
	void    (*progress)(void *context, const struct progress_message *progress);
	uint32_t (*random)(void *context);
};

/* Everything given must outlive the flights.  NULL when memory is out. */
struct image_flights *image_flights_new(const struct fetcher_config *config,
    struct image_store *store, struct transfers *transfers,
    const struct image_flight_calls *calls, void *context);
void    image_flights_free(struct image_flights *flights);
AUTO_DEFINE(struct image_flights, image_flights_free)

/* FETCH of an image or a kernel: answered at once, or when the flight lands. */
void    image_flights_fetch(struct image_flights *flights, const struct dv_key *key,
    struct moment at);

/* CHECKED: a worker does not want what was FOUND, and is owed another answer. */
void    image_flights_checked(struct image_flights *flights,
    const struct checked_message *checked, struct moment at);

/* Measures the files that are there, whatever the index says, and keeps nothing. */
void    image_flights_verify(struct image_flights *flights, const uint8_t hash[32],
    struct moment at);

/* UNPACKED, NAMES and RECORD.  MALFORMED: the supervisor makes no sense. */
bool    image_flights_answer(struct image_flights *flights, const struct frame *frame,
    struct bytes payload, struct moment at, struct reason *why) MUST_CHECK;

/* Moves the downloads on, and does what is due. */
void    image_flights_tick(struct image_flights *flights, struct moment at);

/* Milliseconds until something will be due, at most a minute. */
int     image_flights_timeout_ms(const struct image_flights *flights, struct moment at);

/* The pipes that wait for their readers; gives how many. */
size_t  image_flights_pipes(const struct image_flights *flights,
    struct transfer_wait waits[IMAGE_FLIGHT_DOWNLOADS]);

#endif
