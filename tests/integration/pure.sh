#!/bin/sh
#
# pure.sh - the library does no I/O: all that its objects ask of other libraries is on this list
#
# No file, socket, clock, environment, process, thread or random number is on it.  A call that
# is new shows here before anybody relies on it.

. "$srcdir/tests/integration/lib.sh"

library=${program%/*}/libdstackverify.a

cat >allowed <<'END'
abort
calloc
free
malloc
realloc
memchr
memcmp
memcpy
memmem
memmove
memset
bcmp
bsearch
qsort
snprintf
strchr
strcmp
strlen
strncasecmp
strncmp
strnlen
strrchr
strstr
vsnprintf
__assert_fail
__stack_chk_fail
json_object_get_string
json_object_get_string_len
json_object_is_type
json_object_put
json_tokener_free
json_tokener_new_ex
json_tokener_parse_ex
BN_bin2bn
BN_free
ECDSA_SIG_free
ECDSA_SIG_from_bytes
ECDSA_SIG_new
ECDSA_SIG_set0
ECDSA_do_verify
EC_KEY_free
EC_KEY_get0_group
EC_KEY_new_by_curve_name
EC_KEY_set_public_key
EC_KEY_up_ref
EC_POINT_free
EC_POINT_new
EC_POINT_oct2point
ED25519_verify
ERR_clear_error
ERR_peek_last_error
EVP_DecodeBase64
OPENSSL_cleanse
OPENSSL_free
OPENSSL_malloc
SHA256
SHA256_Final
SHA256_Init
SHA256_Update
SHA384
SHA384_Final
SHA384_Init
SHA384_Update
SHA512
SHA512_Final
SHA512_Init
SHA512_Update
END

"${NM:-nm}" "$library" >symbols || fail "cannot read $library"
sed -n 's/^[0-9a-f]* [TDRBVWCi] //p' symbols | sort -u >defined
# FORTIFY's names for the same; CBB and CBS work on memory, all of them.  The sanitizers and
# the compiler's support library come with the build, not with the sources.
sed -n 's/^ *[Uwv] //p' symbols | sort -u | comm -23 - defined |
	sed 's/^__\([a-z]*\)_chk$/\1/' |
	grep -Ev '^(CB[BS]_|__asan_|__ubsan_|__sanitizer_|__lsan_|__gcov_|__(start|stop)_asan_globals$)' |
	grep -Ev '^(_GLOBAL_OFFSET_TABLE_|__(u?(div|mod)ti3|mulo?ti4))$' >wanted
[ "$(wc -l <defined)" -gt 100 ] || fail "no symbols in $library"
grep -q '^ECDSA_do_verify$' wanted || fail "no undefined symbols in $library"
grep -vxF -f allowed wanted >strange
[ -s strange ] && fail "the library asks for: $(tr '\n' ' ' <strange)"

finish
