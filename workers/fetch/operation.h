/*
 * operation.h - what an operator asks of the images that are kept
 *
 * One at a time, and only of a fetcher that serves nobody else.  Listing, pinning and evicting are
 * done at once; fetching and verifying go through the image flights, one image after the other.
 */
#ifndef FETCH_OPERATION_H
#define FETCH_OPERATION_H

#include "fetch/image_flight.h"

#define OPERATION_MAX_IMAGES    4096

struct operation;

/* NULL when memory is out. */
struct operation *operation_new(struct image_store *store, struct image_flights *flights);
void    operation_free(struct operation *operation);
AUTO_DEFINE(struct operation, operation_free)

/* MALFORMED: one is running, or it needs an image and has none. */
bool    operation_begin(struct operation *operation, const struct images_message *asked,
    struct reason *why) MUST_CHECK;

/* How an image fared: no reason (REASON_NONE) is well. */
void    operation_image(struct operation *operation, const uint8_t hash[32],
    const struct reason *why);

/* Goes on; true once, when all is done, with what IMAGES_DONE says.  Spans live until the end. */
bool    operation_step(struct operation *operation, struct images_done_message *done,
    struct moment at);

bool    operation_is_running(const struct operation *operation);

#endif
