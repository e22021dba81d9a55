# DV_BORINGSSL - find libcrypto; refuse one whose P-256 is the slow one
#
# Sets BORINGSSL (the directory), BORINGSSL_CFLAGS and BORINGSSL_LIBS.  Whether the assembly is
# used is read from the archive, not timed: EC_GFp_nistz256_method() is the C side of it, and is
# compiled only when the assembly is and OPENSSL_SMALL is not.  (The assembly's own symbols say
# nothing: a small build holds them too, unused.)
AC_DEFUN([DV_BORINGSSL], [
    AC_MSG_CHECKING([for BoringSSL])
    AS_CASE([$with_boringssl],
	[no], [AC_MSG_ERROR([BoringSSL is needed])],
	[yes], [BORINGSSL=$(CC="$CC" "$srcdir/build-aux/boringssl" --find) || BORINGSSL=],
	[BORINGSSL=$with_boringssl])
    AS_IF([test -z "$BORINGSSL"], [AC_MSG_RESULT([no])
	AC_MSG_ERROR([no BoringSSL for $CC yet.
Run this once (about half a minute), then configure again:
    CC="$CC" $srcdir/build-aux/boringssl
Or name another build: --with-boringssl=DIR.])])
    AS_IF([test ! -f "$BORINGSSL/lib/libcrypto.a"], [AC_MSG_RESULT([no])
	AC_MSG_ERROR([there is no lib/libcrypto.a in $BORINGSSL])])
    AC_MSG_RESULT([$BORINGSSL])
    BORINGSSL_CFLAGS="-isystem $BORINGSSL/include"
    BORINGSSL_LIBS="$BORINGSSL/lib/libcrypto.a -lpthread"
    # What build-aux/boringssl built is in a directory boringssl-VERSION-KEY.
    dv_version=$(basename "$BORINGSSL" | sed -n ['s/^boringssl-\(.*\)-[0-9a-f]*$/\1/p'])
    AC_DEFINE_UNQUOTED([BORINGSSL_VERSION], ["${dv_version:-of unknown origin}"],
	[Which source BoringSSL was built from.])
    AC_SUBST([BORINGSSL])
    AC_SUBST([BORINGSSL_CFLAGS])
    AC_SUBST([BORINGSSL_LIBS])

    AC_MSG_CHECKING([whether BoringSSL works])
    dv_saved_CFLAGS=$CFLAGS dv_saved_LIBS=$LIBS
    CFLAGS="$CFLAGS $BORINGSSL_CFLAGS" LIBS="$BORINGSSL_LIBS $LIBS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <openssl/bytestring.h>
#include <openssl/ecdsa.h>
#ifndef OPENSSL_IS_BORINGSSL
#error "not BoringSSL"
#endif
]], [[CBS in; CBS_init(&in, 0, 0); return ECDSA_verify(0, 0, 0, 0, 0, 0);]])],
	[AC_MSG_RESULT([yes])],
	[AC_MSG_RESULT([no])
	AC_MSG_ERROR([cannot build with the BoringSSL in $BORINGSSL; config.log says why])])
    CFLAGS=$dv_saved_CFLAGS LIBS=$dv_saved_LIBS

    AC_MSG_CHECKING([whether its P-256 uses assembly])
    AS_IF([$NM "$BORINGSSL/lib/libcrypto.a" 2>/dev/null |
	    grep -q ' T .*EC_GFp_nistz256_method'],
	[AC_MSG_RESULT([yes])],
	[AC_MSG_RESULT([no])
	AS_IF([test "$enable_slow_boringssl" = yes],
	    [AC_MSG_WARN([this BoringSSL verifies P-256 signatures three times slower])],
	    [AC_MSG_ERROR([the BoringSSL in $BORINGSSL has no P-256 assembly: it was built with
OPENSSL_SMALL or OPENSSL_NO_ASM, and verifies three times slower than it could.
Get the fast one: run $srcdir/build-aux/boringssl and configure without --with-boringssl.
Or accept this one: --enable-slow-boringssl.])])])
])
