/*
 * build.h - bytes that are put together, and kept until somebody says otherwise
 *
 * The simulator never fails: a builder that is used wrongly ends the program with a line on
 * standard error.  What is returned lives until build_release() goes back behind it, or until
 * the program ends.
 */
#ifndef TESTS_TEESIM_BUILD_H
#define TESTS_TEESIM_BUILD_H

#include <openssl/bytestring.h>

#include "core/base.h"
#include "core/bytes.h"

#define EMPTY           ((struct bytes){ NULL, 0 })

/* Ends the program unless `ok`: "teesim: WHAT". */
void    build_must(int ok, const char *what);
#define MUST(call)      build_must((call) != 0, #call)

/* A copy, with a NUL behind it that is not counted. */
struct bytes build_keep(const void *data, size_t len);

/* Finishes a builder. */
struct bytes build_finish(CBB *cbb);

/* What was built after the mark was taken is freed. */
const void *build_mark(void);
void    build_release(const void *mark);

/* Text by a format. */
struct bytes build_text(const char *format, ...) PRINTF(1, 2);
struct bytes build_copy(const char *text);

/* As a C string. */
const char *build_str(struct bytes text);

/* Bytes from hexadecimal digits, blanks between them skipped; and the digits of bytes. */
struct bytes build_hex(const char *digits);
struct bytes build_digits(struct bytes data, bool upper);

/* Standard base64 with padding. */
struct bytes build_base64(struct bytes data);

/* The inside of a JSON string. */
struct bytes build_escaped(struct bytes text);

struct bytes build_join(const struct bytes *parts, size_t n);

/* YYYY-MM-DDTHH:MM:SSZ */
const char *build_date(int64_t at);

/* Appends, little endian where a size is named. */
void    build_add(CBB *out, struct bytes data);
void    build_add_text(CBB *out, const char *text);
void    build_add_le(CBB *out, uint64_t value, unsigned size);

/* `len` bytes that depend on the seed and the two names alone. */
struct bytes build_random(uint64_t seed, const char *what, uint64_t number, size_t len);

#endif
