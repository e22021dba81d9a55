/*
 * collateral_object.h - the offline form of collateral: one JSON object
 *
 * Text members are the exact signed bytes; binary ones are hex.  An object may lack an item,
 * but then lacks all members of it.  Unknown members are ignored.
 *
 * source  quote verification specification, section 3
 */
#ifndef DCAP_COLLATERAL_OBJECT_H
#define DCAP_COLLATERAL_OBJECT_H

#include "dcap/collateral.h"

#define COLLATERAL_OBJECT_MAX_LEN       ((size_t)12 << 20)
#define COLLATERAL_OBJECT_MAX_ITEMS     5

struct collateral_object {
	size_t  n;
	struct collateral *items[COLLATERAL_OBJECT_MAX_ITEMS];
};

/*
 * collateral_object_read - all items of one object, pinned
 *
 *   early   the `update` kind that the items count as
 *   out     owns what collateral_object_fini() frees; an item taken away leaves NULL behind
 *   fails   MALFORMED, LIMIT     not such an object, or one without any item
 */
bool    collateral_object_read(struct collateral_object *out, struct bytes json, bool early,
            struct reason *why) MUST_CHECK;
void    collateral_object_fini(struct collateral_object *object);

#endif
