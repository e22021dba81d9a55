#include "build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/base64.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

/* What was handed out, newest first, so that the leak checker sees it in use. */
static struct kept {
	struct kept *next;
	uint8_t data[];
} *kept;

void
build_must(int ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "teesim: %s\n", what);
	abort();
}

static uint8_t *
reserve(size_t len)
{
	struct kept *k = malloc(sizeof *k + len + 1);

	MUST(k != NULL);
	k->next = kept;
	kept = k;
	k->data[len] = 0;
	return k->data;
}

struct bytes
build_keep(const void *data, size_t len)
{
	uint8_t *to = reserve(len);

	bytes_copy(to, (struct bytes){ data, len });
	return (struct bytes){ to, len };
}

struct bytes
build_finish(CBB *cbb)
{
	struct bytes out;
	uint8_t *data;
	size_t len;

	MUST(CBB_finish(cbb, &data, &len));
	out = build_keep(data, len);
	OPENSSL_free(data);
	return out;
}

const void *
build_mark(void)
{
	return kept;
}

void
build_release(const void *mark)
{
	struct kept *k;

	while (kept != mark) {
		k = kept;
		MUST(k != NULL);
		kept = k->next;
		free(k);
	}
}

struct bytes
build_text(const char *format, ...)
{
	va_list ap;
	char *text;
	int len;
	struct bytes out;

	va_start(ap, format);
	len = vasprintf(&text, format, ap);
	va_end(ap);
	MUST(len >= 0);
	out = build_keep(text, (size_t)len);
	free(text);
	return out;
}

struct bytes
build_copy(const char *text)
{
	return build_keep(text, strlen(text));
}

const char *
build_str(struct bytes text)
{
	return (const char *)build_keep(text.ptr, text.len).ptr;
}

static unsigned
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	MUST(c >= 'A' && c <= 'F');
	return (unsigned)(c - 'A') + 10;
}

struct bytes
build_hex(const char *digits)
{
	uint8_t *out = reserve(strlen(digits) / 2);
	size_t n = 0;

	for (; *digits != '\0'; digits++) {
		if (*digits == ' ')
			continue;
		MUST(digits[1] != '\0');
		out[n++] = (uint8_t)(digit(digits[0]) << 4 | digit(digits[1]));
		digits++;
	}
	out[n] = 0;
	return (struct bytes){ out, n };
}

struct bytes
build_digits(struct bytes data, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	uint8_t *out = reserve(2 * data.len);

	for (size_t i = 0; i < data.len; i++) {
		out[2 * i] = (uint8_t)digits[data.ptr[i] >> 4];
		out[2 * i + 1] = (uint8_t)digits[data.ptr[i] & 15];
	}
	return (struct bytes){ out, 2 * data.len };
}

struct bytes
build_base64(struct bytes data)
{
	uint8_t *out;
	size_t room, len;

	MUST(EVP_EncodedLength(&room, data.len));
	out = reserve(room);
	len = EVP_EncodeBlock(out, data.ptr, data.len);
	return (struct bytes){ out, len };
}

struct bytes
build_escaped(struct bytes text)
{
	uint8_t *out = reserve(2 * text.len);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (c == '"' || c == '\\' || c == '\n')
			out[n++] = '\\';
		out[n++] = c == '\n' ? 'n' : c;
	}
	out[n] = 0;
	return (struct bytes){ out, n };
}

struct bytes
build_join(const struct bytes *parts, size_t n)
{
	CBB cbb;

	MUST(CBB_init(&cbb, 64));
	for (size_t i = 0; i < n; i++)
		build_add(&cbb, parts[i]);
	return build_finish(&cbb);
}

const char *
build_date(int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;
	char text[32];

	MUST(gmtime_r(&t, &tm) != NULL);
	MUST(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	return build_str(bytes_str(text));
}

void
build_add(CBB *out, struct bytes data)
{
	MUST(CBB_add_bytes(out, data.ptr, data.len));
}

void
build_add_text(CBB *out, const char *text)
{
	build_add(out, bytes_str(text));
}

void
build_add_le(CBB *out, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		MUST(CBB_add_u8(out, (uint8_t)(value >> (8 * i))));
}

struct bytes
build_random(uint64_t seed, const char *what, uint64_t number, size_t len)
{
	uint8_t block[SHA256_DIGEST_LENGTH], *out = reserve(len);
	size_t at, n;

	for (at = 0; at < len; at += n) {
		char text[128];

		(void)snprintf(text, sizeof text, "teesim %llu %s %llu %zu",
		    (unsigned long long)seed, what, (unsigned long long)number, at);
		SHA256((const uint8_t *)text, strlen(text), block);
		n = len - at < sizeof block ? len - at : sizeof block;
		memcpy(out + at, block, n);
	}
	return (struct bytes){ out, len };
}
