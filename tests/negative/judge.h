/*
 * judge.h - a simulated machine before the verifier, and tables of what spoils it
 *
 * A row starts from a machine that is judged valid first, changes one thing and names the
 * exact reason.  In a reason, '*' stands for any run of lower-case hex digits: a digest that a
 * table cannot know.
 */
#ifndef TESTS_NEGATIVE_JUDGE_H
#define TESTS_NEGATIVE_JUDGE_H

#include "../unit/testing.h"

#include "../support/image_service.h"
#include "../teesim/guest.h"
#include "dstack-verifier/verify.h"

enum judge_entry {
	JUDGE_VERIFY = 0,               /* dv_verify() of the request                  */
	JUDGE_QUOTE,                    /* dv_quote() of the quote                     */
};

/* What a row may set beside the machine. */
struct judge {
	enum judge_entry entry;
	int64_t now;                    /* 0: GUEST_NOW                              */
	bool    intel_root;             /* else the machine's own                      */
	bool    offer;                  /* items one by one as they are asked for      */
	const struct image_case *image; /* the published image, measured when it is asked
					 * for; NULL: there is none                    */
	struct dv_policy policy;        /* drop-in                                     */
};

struct row {
	const char *name;
	void    (*prepare)(struct guest *guest, struct judge *judge, int arg);
	int     arg;
	struct change change;
	const char *why;                /* without the table's prefix; NULL: still valid */
};

struct table {
	const char *prefix;             /* of every reason                             */
	void    (*base)(struct guest *guest, struct judge *judge);  /* NULL: none  */
	const struct row *rows;
	size_t  n;
};

void    judge_init(struct judge *judge);

/* The reason, NULL when valid; lives until the next call. */
const char *judge_guest(const struct judge *judge, const struct guest *guest);

/* The last answer's JSON. */
const char *judge_answer(void);

/* Whether the last answer has this text in its JSON. */
bool    judge_says(const char *text);

/* Whether a reason is the one of a row. */
bool    judge_matches(const char *reason, const char *prefix, const char *wanted);

/* Runs a table; fails after its last row when any was wrong, naming each. */
void    judge_table(const struct table *table);

#endif
