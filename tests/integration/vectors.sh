#!/bin/sh
#
# vectors.sh - every case of cases.json through the program: quote, and --verify

. "$srcdir/tests/integration/lib.sh"

PYTHONDONTWRITEBYTECODE=1 python3 "$vectors/../tools/run_cases.py" "$program" "$vectors" ||
	fail "run_cases.py"

finish
