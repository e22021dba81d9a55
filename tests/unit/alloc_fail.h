/*
 * alloc_fail.h - what happens when there is no memory
 *
 * Every test program is linked so that the memory calls of our code, of BoringSSL and of what
 * we ask of json-c go through here.  A test puts what it wants to try into a function and
 * hands it over; the function is called with its first allocation failing, then its second,
 * and so on, until it gets all it asks for.
 *
 *      static bool
 *      read_once(void *arg, struct reason *why)
 *      {
 *              AUTO(arena_free) struct arena *arena = arena_new(MAX);
 *
 *              if (arena == NULL)
 *                      return reject(why, REASON_INTERNAL, "out of memory");
 *              return thing_read(..., arena, ..., why);
 *      }
 *      ...
 *      alloc_fail_each(read_once, NULL);
 */
#ifndef TESTS_UNIT_ALLOC_FAIL_H
#define TESTS_UNIT_ALLOC_FAIL_H

#include <stdbool.h>

#include "core/reason.h"

/*
 * alloc_fail_each - run once for each allocation, with that one failing
 *
 *   run     frees all it gets, in every case (the sanitizers look for what it does not),
 *           asserts nothing, and says true when it succeeded
 *   gives   how many allocations it makes; fails the test when a run with a failure
 *           succeeds or has another reason than INTERNAL, and when the last one does not succeed
 */
unsigned alloc_fail_each(bool (*run)(void *arg, struct reason *why), void *arg);

/*
 * The same for code that cannot tell: BoringSSL answers "no" for a signature it could not
 * check for want of memory.  A run with a failure must still be false, with any reason.
 */
unsigned alloc_fail_each_any(bool (*run)(void *arg, struct reason *why), void *arg);

#endif
