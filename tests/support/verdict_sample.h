/*
 * verdict_sample.h - a verdict filled by hand, for tests of what is made of it
 *
 * So that statuses, flags and dates that no evidence at hand shows can be told apart, too.
 */
#ifndef TESTS_SUPPORT_VERDICT_SAMPLE_H
#define TESTS_SUPPORT_VERDICT_SAMPLE_H

#include "verify/verdict.h"

#define VERDICT_SAMPLE_NOW      INT64_C(1800000000)

struct verdict_sample {
	struct request request;
	struct dv_policy policy;        /* drop-in                                   */
	struct verdict verdict;         /* valid, lite, up to date, nobody's image   */
	struct verdict_terms terms;
};

void    verdict_sample_init(struct verdict_sample *s);

/* The verdict failed with this code and a reason of this kind. */
void    verdict_sample_fail(struct verdict_sample *s, enum verdict_code code,
            enum reason_kind kind);

/* A list of one text, which has to live as long as the list. */
struct dv_list verdict_sample_list(const char *text);

#define VERDICT_SAMPLE_IMAGE    "3333333333333333333333333333333333333333333333333333333333333333"
#define VERDICT_SAMPLE_PPID     "44444444444444444444444444444444"
#define VERDICT_SAMPLE_DEVICE   "5555555555555555555555555555555555555555555555555555555555555555"

#endif
