# DV_TRY_FLAG(FLAG, HOW, ACTION) - run ACTION if the compiler takes FLAG without a warning
# HOW is AC_COMPILE_IFELSE or AC_LINK_IFELSE.
AC_DEFUN([DV_TRY_FLAG], [
    AC_MSG_CHECKING([whether $CC accepts $1])
    dv_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    $2([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])
	$3], [AC_MSG_RESULT([no])])
    CFLAGS=$dv_saved_CFLAGS
])

# DV_CFLAGS(VARIABLE, FLAGS), DV_LDFLAGS(VARIABLE, FLAGS) - those of FLAGS that work
AC_DEFUN([DV_CFLAGS], [
    for dv_flag in m4_normalize([$2]); do
	DV_TRY_FLAG([$dv_flag], [AC_COMPILE_IFELSE], [$1="$$1 $dv_flag"])
    done
    AC_SUBST([$1])
])
AC_DEFUN([DV_LDFLAGS], [
    for dv_flag in m4_normalize([$2]); do
	DV_TRY_FLAG([$dv_flag], [AC_LINK_IFELSE], [$1="$$1 $dv_flag"])
    done
    AC_SUBST([$1])
])
