/*
 * os_version.h - which of two OS versions is older
 */
#ifndef VERIFY_OS_VERSION_H
#define VERIFY_OS_VERSION_H

#include "core/bytes.h"

/*
 * os_version_older - whether an image's version comes before the oldest that is accepted
 *
 *   older   numbers between dots are compared, one that is not there is 0; when all are equal,
 *           text behind them ("0.6.0-rc1") makes it older
 *   version of an image's metadata
 *   minimum numbers and dots
 *   gives   false when the version does not begin with a number: nothing can be said
 */
bool    os_version_older(bool *older, struct bytes version, const char *minimum) MUST_CHECK;

#endif
