#!/bin/sh
#
# reasons.sh - each reason that the library can give is expected by a test

exec python3 "$srcdir/tests/tools/reasons" "$srcdir"
