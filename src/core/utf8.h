/*
 * utf8.h - well-formed UTF-8 (RFC 3629): no overlong form, no surrogate, nothing past U+10FFFF
 */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include "core/bytes.h"

/* Length of the character that `text` starts with, 1 to 4; 0 when it is not well-formed. */
size_t  utf8_len(struct bytes text);

/* Whether all of it is well-formed; true of an empty span. */
bool    utf8_valid(struct bytes text);

#endif
