#!/bin/sh
#
# fetcher.sh - the fetcher against a stand-in for a PCCS that fails in every way
#
# The test is in fetcher.py, which plays supervisor, acceptor and workers.

command -v python3 >/dev/null || { echo 'needs python3'; exit 77; }
exec python3 "$srcdir/tests/integration/fetcher.py" "$PWD/dstack-verifier-fetcher"
