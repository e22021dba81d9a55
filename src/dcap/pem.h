/*
 * pem.h - concatenated CERTIFICATE blocks
 *
 * As quotes, issuer chain headers and collateral files carry them.  Text between blocks, CRLF line
 * ends, and white space or one NUL at the end are tolerated; everything else that is odd is not.
 */
#ifndef DCAP_PEM_H
#define DCAP_PEM_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"

#define PEM_MAX_LEN             (32u << 10)     /* the whole text              */
#define PEM_BLOCK_MAX_LEN       (8u << 10)      /* one block, as text          */
#define PEM_MAX_BLOCKS          8

struct pem_chain {
	size_t  n;
	struct bytes der[PEM_MAX_BLOCKS];       /* in order of appearance      */
};

/*
 * pem_chain_read - 1 to 8 certificates, decoded into the arena
 *
 *   fails   MALFORMED    no block, END without BEGIN, BEGIN inside a block, another label than
 *                        CERTIFICATE, header lines, base64 that is not strictly right
 *           LIMIT        more or longer blocks than the constants above; the arena's maximum
 *   source  RFC 7468 strict, with the tolerance said above
 */
bool    pem_chain_read(struct pem_chain *out, struct arena *arena, struct bytes text,
    struct reason *why) MUST_CHECK;

/* Whether the text begins like PEM: how a root CA file is told from DER. */
bool    pem_looks_like(struct bytes text);

#endif
