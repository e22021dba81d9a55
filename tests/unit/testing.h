/*
 * testing.h - what the unit tests share: cmocka, and the files under tests/vectors
 *
 * A program runs one group, because its TAP output can hold only one plan.
 */
#ifndef TESTS_UNIT_TESTING_H
#define TESTS_UNIT_TESTING_H

/* cmocka.h wants these four first, in this order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/*
 * What fails does not return, which cmocka does not tell the compiler, and clang then warns of
 * variables not set.  fail_msg() ends with fail().
 */
#undef fail
#define fail()  (_fail(__FILE__, __LINE__), __builtin_unreachable())
#undef assert_true
#define assert_true(what)                                               \
	((what) ? (void)0 :                                             \
	    (_assert_true(0, #what, __FILE__, __LINE__), __builtin_unreachable()))

#include "core/bytes.h"
#include "core/reason.h"

/*
 * vector_read - a whole file under tests/vectors
 *
 *   name    such as "collateral/tdx-90c06f000000-20260520-ev19.json"
 *   gives   its bytes, followed by a NUL that is not counted, so that a text file is a C
 *           string too; kept until the program ends.  Fails the test when there is no such file.
 */
struct bytes vector_read(const char *name);

/* Fails the test unless the outcome is the row's: success for NULL, else exactly this text. */
void    expect_reason(const char *name, bool ok, const struct reason *why, const char *wanted);

/* The path of a file under tests/vectors; kept until the program ends. */
const char *vector_path(const char *name);

#endif
