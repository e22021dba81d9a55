/*
 * sample.h - real evidence from tests/vectors, read and taken apart for a test to change
 */
#ifndef TESTS_SUPPORT_SAMPLE_H
#define TESTS_SUPPORT_SAMPLE_H

#include "evidence/app_info.h"
#include "evidence/attestation.h"
#include "evidence/request.h"

struct sample {
	struct arena *arena;            /* kept until the program ends                */
	struct bytes raw;               /* form A: the attestation                    */
	struct request request;
	struct evidence evidence;
	struct app_info_quote quoted;   /* from fixed places of the v4 quote; no PPID */
	struct bytes report_data;       /* the quote's                                */
};

/* A request body (*.json) or a bare attestation (*.bin) of tests/vectors; fails the test if bad. */
void    sample_load(struct sample *out, const char *name);

/* An arena of its own for a test; kept until the program ends. */
struct arena *sample_arena(void);

/* The bytes of a C string of hex digits. */
struct bytes sample_hex(struct arena *arena, const char *hex);

/* Fails the test unless `ok` and the reason are those of the row; want NULL: accepted. */
void    sample_expect(const char *row, bool ok, const struct reason *why, const char *want);

#endif
