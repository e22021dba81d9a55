#!/bin/sh
#
# quote.sh - the command quote: raw and hex, standard input, exit status

. "$srcdir/tests/integration/lib.sh"

raw=$(ls "$vectors"/quotes/tdx/tdx-v4-90c06f000000-* | head -n 1)
[ -n "$raw" ] || { echo "no quote"; exit 1; }

# The quote of the lite attestation is current at the time its collateral is.
od -An -v -tx1 "$raw" | tr -d ' \n' >hex
run 1 quote "$raw" --at $at
one_line "no collateral"
grep -q '^{"quote_verified":false,"tee":"tdx","quote_version":4,"fmspc":"90c06f000000",' out ||
	fail "no collateral: $(head -c 200 out)"

run 0 quote "$raw" --collateral "$collateral" --at $at
one_line raw
grep -q '^{"quote_verified":true,"tee":"tdx",.*"pinned":{"at":1780536131,"collateral":true},"reason":null}$' out ||
	fail "raw: $(head -c 200 out)"
cp out expected
[ -z "$(find . -name '*.json')" ] || fail "a result file"

run 0 quote hex --collateral "$collateral" --at $at
cmp -s out expected || fail hex
{ printf ' \n0x'; fold -w 64 hex | tr a-f A-F; } >spaced
run 0 --collateral "$collateral" --at $at quote spaced
cmp -s out expected || fail "hex with 0x, blanks and upper case"
run 0 quote - --collateral "$collateral" --at 2026-06-04T01:22:11Z <"$raw"
cmp -s out expected || fail "standard input"
run 0 quote - --collateral "$collateral" --at $at <hex
cmp -s out expected || fail "hex on standard input"

# Refused: 1.  Not to be read, or half a byte: 2.
head -c 600 "$raw" >short
run 1 quote short --collateral "$collateral" --at $at
grep -q '^{"quote_verified":false,.*"reason":"' out || fail "short: $(cat out)"
: >nothing
run 1 quote nothing
one_line nothing
head -c 1001 hex >odd
run 2 quote odd
has odd 'odd: has an odd number of hex digits' err
[ -s out ] && fail "odd: output"
run 2 quote none
has none 'none: No such file or directory' err

finish
