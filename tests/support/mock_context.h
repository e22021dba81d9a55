/*
 * mock_context.h - a made-up world, a context that trusts its root, and the last answer
 *
 * For tests of what a context remembers.  context_setup() and context_teardown() go around
 * each test, which spoils `mock` or sets `config` and calls context_renew().
 */
#ifndef TESTS_SUPPORT_MOCK_CONTEXT_H
#define TESTS_SUPPORT_MOCK_CONTEXT_H

#include "../unit/testing.h"

#include "dcap/dcap.h"
#include "../teesim/mock_collateral.h"

#define CONTEXT_KINDS   4
#define CHAIN           "Failed to verify certificate chain: "

/* The four items, in the order in which they are asked for. */
extern const enum dv_fact_type context_kinds[CONTEXT_KINDS];

extern struct mock mock;
extern struct dcap *dcap;
extern struct dcap_config config;
extern struct dcap_result result;
extern struct reason why;
extern struct arena *arena;

int     context_setup(void **state);
int     context_teardown(void **state);

/* A new context of `config`, with the root of `mock` as its anchor. */
void    context_renew(void);

/* The item of `mock`, offered as fetched. */
bool    context_offer(enum dv_fact_type type, int64_t now);
void    context_offer_all(int64_t now);

/* Asks once about the quote of `mock`, and gives the operations it took. */
uint64_t context_ask(int64_t now, bool offline);

/* Asks when nothing more can be fetched. */
void    expect_valid(int64_t now);
void    expect_refused(int64_t now, const char *text, enum reason_kind kind);

/* All four items offered and the quote judged valid. */
void    context_warm(void);

#endif
