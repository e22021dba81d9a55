/*
 * image_fact.h - what the supervisor signs, and how a worker knows it
 *
 * A record or a kernel fact crosses the fetcher and its store, which are not trusted.  So it
 * travels as one blob, signature in front, and the signature covers what it is and of which
 * image.  The supervisor fills in the key it started the measurer for; it does not look into
 * the payload.
 *
 *      blob    = signature (64) || payload
 *      message = "dstack-verifier image fact" and its NUL (27) || type u8 || schema u16 ||
 *                os_image_hash (32) || initrd_addr u32 || payload_len u32 || payload
 *
 * All integers are big endian.
 */
#ifndef MEASURE_IMAGE_FACT_H
#define MEASURE_IMAGE_FACT_H

#include "core/digest.h"
#include "core/reason.h"

#define IMAGE_FACT_SIGNATURE_LEN        64      /* Ed25519 */
#define IMAGE_FACT_PUBLIC_KEY_LEN       32
#define IMAGE_FACT_MAX_LEN              (8u << 10)      /* of blob or payload   */
#define IMAGE_FACT_MESSAGE_MAX_LEN      (IMAGE_FACT_MAX_LEN + 128u)

enum image_fact_type {
	IMAGE_FACT_RECORD = 1,
	IMAGE_FACT_KERNEL,
};

struct image_fact_key {
	enum image_fact_type type;
	struct digest256 os_image_hash;
	uint32_t initrd_addr;           /* 0 for a record       */
};

/* The message to sign, or to verify a signature over; false for more payload than the maximum. */
bool    image_fact_message_write(CBB *out, const struct image_fact_key *key,
    struct bytes payload) MUST_CHECK;

/*
 * image_fact_verify - take a blob apart whose signature is good for that key
 *
 *   payload in the blob
 *   fails   MALFORMED    "image record is shorter than its signature"
 *           LIMIT        "image record has N bytes, more than 8192"
 *           REFUSED      "image record is not signed by this service"; "kernel fact ..."
 */
bool    image_fact_verify(struct bytes *payload, const struct image_fact_key *key,
    struct bytes blob, const uint8_t public_key[IMAGE_FACT_PUBLIC_KEY_LEN],
    struct reason *why) MUST_CHECK;

#endif
