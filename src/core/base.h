/*
 * base.h - the compiler extensions the rest of the code may use
 *
 * Everything here has a name, so that no other file spells an attribute out.
 */
#ifndef CORE_BASE_H
#define CORE_BASE_H

#include <stddef.h>

/* The caller has to look at the result. */
#define MUST_CHECK              __attribute__((warn_unused_result))

/* Argument `fmt` is a printf format whose values start at argument `first`. */
#define PRINTF(fmt, first)      __attribute__((format(printf, fmt, first)))

#define NELEM(array)            (sizeof(array) / sizeof((array)[0]))

/*
 * AUTO(fn) T *p = NULL; calls fn(p) when p goes out of scope, unless p is NULL.
 * `fn` needs AUTO_DEFINE(T, fn) at file scope once, or in the header of the type.
 */
#define AUTO(fn)                __attribute__((cleanup(auto_##fn)))
#define AUTO_DEFINE(type, fn)                                           \
	__attribute__((unused)) static inline void                      \
	auto_##fn(type **p)                                             \
	{                                                               \
		if (*p != NULL)                                         \
			fn(*p);                                         \
	}

/* Gives the pointer away and leaves NULL behind, so that AUTO frees nothing. */
#define TAKE(p)                                                         \
	__extension__({                                                 \
		__typeof__(p) take_ = (p);                              \
		(p) = NULL;                                             \
		take_;                                                  \
	})

#endif
