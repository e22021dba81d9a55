/*
 * likely_cause.h - a guess at why launch registers differ, for whoever asks to have it explained
 *
 * Looks at what an honest host may have declared wrongly: page order, shape, QEMU release, split
 * of the memory, header of the kernel.  It never changes a verdict.
 */
#ifndef MEASURE_LIKELY_CAUSE_H
#define MEASURE_LIKELY_CAUSE_H

#include "measure/legacy.h"
#include "measure/lite.h"

#define LIKELY_CAUSE_MAX_TRIES  64      /* tables that are generated for one answer         */
#define LIKELY_CAUSE_MAX_CPUS   600     /* with more, tables may take more than 128 KiB     */

struct likely_cause {
	char    text[256];              /* one sentence without a final stop    */
};

/*
 * likely_cause_legacy, likely_cause_lite - after a check that failed
 *
 *   input   that of the check
 *   gives   false when the registers equal those expected, or cannot be computed at all; else a
 *           sentence on the first register that differs, or on a log that reports other tables
 *           than were measured
 *   cost    9 ms with 16 CPUs, 26 ms at most: up to LIKELY_CAUSE_MAX_TRIES times tables and
 *           SHA-384 over their 128 KiB; less when the cache has them
 */
bool    likely_cause_legacy(struct likely_cause *out, const struct legacy_input *input);
bool    likely_cause_lite(struct likely_cause *out, const struct lite_input *input);

#endif
