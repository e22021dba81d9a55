/*
 * timestamp.h - points in time as text and as seconds since 1970 UTC
 *
 * The calendar is computed here: no time zone, no locale, no clock.
 */
#ifndef CORE_TIMESTAMP_H
#define CORE_TIMESTAMP_H

#include "core/bytes.h"
#include "core/reason.h"

/* "YYYY-MM-DDTHH:MM:SSZ" and its NUL. */
#define TIMESTAMP_SIZE          21

/* 9999-12-31T23:59:59Z, the last second there is a text for. */
#define TIMESTAMP_MAX           INT64_C(253402300799)

/*
 * timestamp_read - "YYYY-MM-DDTHH:MM:SSZ", years 1970 to 9999
 *
 *   fails   MALFORMED    another form (offsets, fractions, lower case), a day or an hour that
 *                        does not exist, a leap second
 */
bool    timestamp_read(int64_t *out, struct bytes text, struct reason *why) MUST_CHECK;

/* Writes the form above; `at` must lie in 0 .. TIMESTAMP_MAX. */
void    timestamp_text(char out[TIMESTAMP_SIZE], int64_t at);

/*
 * timestamp_x509_read - a DER UTCTime or GeneralizedTime
 *
 *   in      cursor at the tag; left after the element
 *   out     negative for the years 1950 to 1969
 *   fails   MALFORMED    another tag, no seconds, a fraction, no "Z", an impossible date, a
 *                        year before 1950 (which only a GeneralizedTime can say)
 *   source  RFC 5280, 4.1.2.5; two-digit years from 50 on are 19xx
 */
bool    timestamp_x509_read(int64_t *out, CBS *in, struct reason *why) MUST_CHECK;

/* A time given by hand: the form above, or seconds since 1970 in decimal digits. */
bool    timestamp_argument(int64_t *out, const char *text, struct reason *why) MUST_CHECK;

#endif
