/*
 * item.h - whether a stored item may serve
 *
 * Its window is judged by the pinned time if there is one; its age, since the last successful
 * fetch, always by the clock.
 *
 * source  quote verification specification, 5, 12.4, 12.5
 */
#ifndef FETCH_ITEM_H
#define FETCH_ITEM_H

#include "fetch/store.h"
#include "ipc/message.h"

/* Inside its signed dates. */
bool    item_current(const struct fetcher_config *config, const struct dv_key *key,
    const struct dv_dates *dates, int64_t now);

/* Current, and so young that nobody has to be asked. */
bool    item_fresh(const struct fetcher_config *config, const struct dv_key *key,
    const struct store_item *item, int64_t now);

/* Current, and may serve when nobody answers. */
bool    item_servable(const struct fetcher_config *config, const struct dv_key *key,
    const struct store_item *item, int64_t now);

/* Whether `next` is older than what is stored: a server goes back in time. */
bool    item_older(const struct dv_dates *next, const struct dv_dates *stored, int64_t now);

/* When it should be fetched again, ahead of need: at three quarters of age or window. */
int64_t item_refresh_at(const struct fetcher_config *config, const struct dv_key *key,
    const struct store_item *item);

#endif
