#!/bin/sh
#
# vectors.sh - every case of cases.json through the program: quote, and --verify

. "$srcdir/tests/integration/lib.sh"

PYTHONDONTWRITEBYTECODE=1 python3 "$vectors/../integration/vectors.py" "$program" "$vectors" ||
	fail "vectors.py"

finish
