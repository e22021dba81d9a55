#include "core/digest.h"

void
digest256_of(struct digest256 *out, struct bytes in)
{
	(void)SHA256(in.ptr, in.len, out->data);
}

void
digest384_of(struct digest384 *out, struct bytes in)
{
	(void)SHA384(in.ptr, in.len, out->data);
}

void
digest512_of(struct digest512 *out, struct bytes in)
{
	(void)SHA512(in.ptr, in.len, out->data);
}

void
digest256_of_parts(struct digest256 *out, const struct bytes *parts, size_t n)
{
	SHA256_CTX ctx;

	(void)SHA256_Init(&ctx);
	for (size_t i = 0; i < n; i++)
		(void)SHA256_Update(&ctx, parts[i].ptr, parts[i].len);
	(void)SHA256_Final(out->data, &ctx);
}

void
digest384_of_parts(struct digest384 *out, const struct bytes *parts, size_t n)
{
	SHA512_CTX ctx;

	(void)SHA384_Init(&ctx);
	for (size_t i = 0; i < n; i++)
		(void)SHA384_Update(&ctx, parts[i].ptr, parts[i].len);
	(void)SHA384_Final(out->data, &ctx);
}

void
digest512_of_parts(struct digest512 *out, const struct bytes *parts, size_t n)
{
	SHA512_CTX ctx;

	(void)SHA512_Init(&ctx);
	for (size_t i = 0; i < n; i++)
		(void)SHA512_Update(&ctx, parts[i].ptr, parts[i].len);
	(void)SHA512_Final(out->data, &ctx);
}

void
digest384_extend(struct digest384 *reg, const struct digest384 *event)
{
	const struct bytes parts[] = { BYTES_OF(reg->data), BYTES_OF(event->data) };

	digest384_of_parts(reg, parts, NELEM(parts));
}
