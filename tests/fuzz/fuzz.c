#include "fuzz.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>
#include <openssl/base64.h>
#include <openssl/mem.h>

#ifndef __has_feature
#define __has_feature(feature)  0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define LEAKS
#include <sanitizer/lsan_interface.h>
#endif

struct arena *
fuzz_arena(void)
{
	static struct arena *arena;

	if (arena == NULL)
		arena = arena_new(FUZZ_ARENA_MAX);
	fuzz_must(arena != NULL, "out of memory");
	arena_reset(arena);
	return arena;
}

_Noreturn void
fuzz_end(const char *what)
{
	(void)fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

bool
fuzz_sense(bool ok, const struct reason *why)
{
	size_t len = strnlen(why->text, sizeof why->text);

	if (ok)
		return true;
	fuzz_must(why->kind > REASON_NONE && why->kind <= REASON_INTERNAL, "no kind of reason");
	fuzz_must(len != 0 && len < sizeof why->text, "no reason");
	for (size_t i = 0; i < len; i++)
		fuzz_must(why->text[i] >= ' ' && why->text[i] <= '~', "unprintable reason");
	return false;
}

void
fuzz_within(struct bytes part, struct bytes whole)
{
	if (part.len == 0)
		return;
	fuzz_must((uintptr_t)part.ptr >= (uintptr_t)whole.ptr && part.len <= whole.len &&
	    (uintptr_t)part.ptr - (uintptr_t)whole.ptr <= whole.len - part.len,
	    "a span outside the input");
}

void
fuzz_wrote(CBB *cbb, struct bytes wanted)
{
	struct bytes got;
	uint8_t *data;

	fuzz_must(CBB_finish(cbb, &data, &got.len), "out of memory");
	got.ptr = data;
	fuzz_must(bytes_equal(got, wanted), "written again, it differs");
	OPENSSL_free(data);
}

struct bytes
fuzz_pem(struct arena *arena, const struct bytes *ders, size_t n)
{
	const struct bytes begin = bytes_str("-----BEGIN CERTIFICATE-----\n");
	const struct bytes end = bytes_str("\n-----END CERTIFICATE-----\n");
	struct reason why = { 0 };
	struct bytes text;
	uint8_t *space, *data;
	size_t len;
	CBB cbb;

	fuzz_must(CBB_init(&cbb, 0), "out of memory");
	for (size_t i = 0; i < n; i++) {
		fuzz_must(EVP_EncodedLength(&len, ders[i].len) &&
		    CBB_add_bytes(&cbb, begin.ptr, begin.len) && CBB_reserve(&cbb, &space, len) &&
		    CBB_did_write(&cbb, EVP_EncodeBlock(space, ders[i].ptr, ders[i].len)) &&
		    CBB_add_bytes(&cbb, end.ptr, end.len), "out of memory");
	}
	fuzz_must(CBB_finish(&cbb, &data, &text.len), "out of memory");
	fuzz_must(arena_copy(arena, &text, (struct bytes){ data, text.len }, &why),
	    "out of memory");
	OPENSSL_free(data);
	return text;
}

bool
fuzz_json_c(struct bytes text, int depth)
{
	struct json_tokener *tokener = json_tokener_new_ex(depth);
	enum json_tokener_error error;

	fuzz_must(tokener != NULL && text.len <= INT_MAX, "out of memory");
	(void)json_object_put(json_tokener_parse_ex(tokener, (const char *)text.ptr,
	    (int)text.len));
	error = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	/* At the end of a number it waits for more digits. */
	return error == json_tokener_success || error == json_tokener_continue;
}

void
fuzz_setup(void (*setup)(void))
{
#ifdef LEAKS
	__lsan_disable();
	setup();
	__lsan_enable();
#else
	setup();
#endif
}

uint8_t
fuzz_choice(struct bytes *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->ptr++;
}
