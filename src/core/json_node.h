/*
 * json_node.h - the tape behind json.h; for json*.c alone
 *
 * Nodes lie in the order of the text.  A container is followed by its children's nodes; a
 * member is two nodes, key and value.  So the next sibling is `size` nodes on, one more where
 * its key comes first.
 */
#ifndef CORE_JSON_NODE_H
#define CORE_JSON_NODE_H

#include "core/json.h"
#include "core/json_unescape.h"

struct json {
	const uint8_t *ptr;     /* the value in the text; of a key, its characters */
	uint32_t len;
	uint32_t size;          /* nodes of this value, itself included            */
	uint32_t n;             /* members or elements                             */
	uint8_t type;           /* enum json_type                                  */
	uint8_t escapes;        /* enum json_escapes; of a string                  */
	bool    member;         /* has a key, in the node before                   */
	bool    last;           /* has no next sibling                             */
};

#endif
