# DV_LLHTTP - find the HTTP parser llhttp: the system's, or what build-aux/llhttp built
#
# Sets LLHTTP (its directory, or "yes" for the system's), LLHTTP_CFLAGS and LLHTTP_LIBS.
AC_DEFUN([DV_LLHTTP], [
    LLHTTP=
    AS_CASE([$with_llhttp],
	[no], [AC_MSG_ERROR([llhttp is needed])],
	[yes], [PKG_CHECK_MODULES([LLHTTP], [libllhttp >= 8.1], [], [
	    LLHTTP=$(CC="$CC" "$srcdir/build-aux/llhttp" --find) || LLHTTP=
	    AS_IF([test -z "$LLHTTP"], [AC_MSG_ERROR([no llhttp for $CC yet.
Run this once (a few seconds), then configure again:
    CC="$CC" $srcdir/build-aux/llhttp
Or name another build: --with-llhttp=DIR.])])])],
	[LLHTTP=$with_llhttp])
    AS_IF([test -n "$LLHTTP"], [
	AS_IF([test ! -f "$LLHTTP/lib/libllhttp.a"],
	    [AC_MSG_ERROR([there is no lib/libllhttp.a in $LLHTTP])])
	LLHTTP_CFLAGS="-isystem $LLHTTP/include"
	LLHTTP_LIBS="$LLHTTP/lib/libllhttp.a"])
    AC_SUBST([LLHTTP], [${LLHTTP:-yes}])
    AC_SUBST([LLHTTP_CFLAGS])
    AC_SUBST([LLHTTP_LIBS])
])
