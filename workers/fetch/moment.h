/*
 * moment.h - both clocks, read once per turn of the main loop
 */
#ifndef FETCH_MOMENT_H
#define FETCH_MOMENT_H

#include <stdint.h>

struct moment {
	int64_t now;                    /* seconds since 1970 UTC: dates and ages       */
	int64_t ms;                     /* of a clock that only goes forward: timers    */
};

#endif
