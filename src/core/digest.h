/*
 * digest.h - SHA-2 digests as values
 */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include <openssl/sha.h>

#include "core/bytes.h"

struct digest256 { uint8_t data[SHA256_DIGEST_LENGTH]; };
struct digest384 { uint8_t data[SHA384_DIGEST_LENGTH]; };
struct digest512 { uint8_t data[SHA512_DIGEST_LENGTH]; };

void    digest256_of(struct digest256 *out, struct bytes in);
void    digest384_of(struct digest384 *out, struct bytes in);
void    digest512_of(struct digest512 *out, struct bytes in);

/* The digest of the concatenation of n parts. */
void    digest256_of_parts(struct digest256 *out, const struct bytes *parts, size_t n);
void    digest384_of_parts(struct digest384 *out, const struct bytes *parts, size_t n);
void    digest512_of_parts(struct digest512 *out, const struct bytes *parts, size_t n);

/* reg = SHA-384(reg || event), as a measurement register is extended. */
void    digest384_extend(struct digest384 *reg, const struct digest384 *event);

static inline bool
digest256_equal(const struct digest256 *a, const struct digest256 *b)
{
	return memcmp(a->data, b->data, sizeof a->data) == 0;
}

static inline bool
digest384_equal(const struct digest384 *a, const struct digest384 *b)
{
	return memcmp(a->data, b->data, sizeof a->data) == 0;
}

static inline bool
digest512_equal(const struct digest512 *a, const struct digest512 *b)
{
	return memcmp(a->data, b->data, sizeof a->data) == 0;
}

#endif
