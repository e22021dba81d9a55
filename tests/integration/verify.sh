#!/bin/sh
#
# verify.sh - --verify: exit status, result file, standard output and standard error

. "$srcdir/tests/integration/lib.sh"

empty='"details":{"quote_verified":false,"event_log_verified":false,"os_image_hash_verified":false,"acpi_tables_verified":false,"os_image_is_dev":null,"os_image_version":null,"tee_variant":null,"report_data":null,"tcb_status":null,"advisory_ids":[],"key_provider":null,"app_info":null,"warnings":[],'

# A genuine attestation is valid, and says what it was judged with.
cp "$lite" request.json
run 0 --verify request.json --collateral "$collateral" --at $at
one_line valid
grep -q '^{"is_valid":true,.*"pinned":{"at":1780536131,"collateral":true}},"reason":null}$' out ||
	fail "valid answer"
[ -s err ] && fail "valid: $(cat err)"
cp out valid

# The result file: the whole name and a suffix, two-space indentation, no newline at the end.
head -c 52 request.json.verification.json >start
same "pretty start" '{
  "is_valid": true,
  "details": {
    "quote_veri' start
tail -c 23 request.json.verification.json >end
same "pretty end" '  },
  "reason": null
}' end
[ "$(tail -c 1 request.json.verification.json)" = '}' ] || fail "the result file ends in a newline"
grep -q '^    "advisory_ids": \[\],$' request.json.verification.json || fail "empty lists stay short"
# Without layout it is the line on standard output.
sed 's/^ *//; s/": /":/' request.json.verification.json | tr -d '\n' >compact
echo >>compact
cmp -s compact valid || fail "the result file says something else"

# The second run overwrites.
echo "something longer than the answer $(cat valid valid)" >request.json.verification.json
run 0 --verify request.json --collateral "$collateral" --at $at
sed 's/^ *//; s/": /":/' request.json.verification.json | tr -d '\n' >compact
echo >>compact
cmp -s compact valid || fail "the second run"

# Times: the same second in the other form; both times are pinned.
run 0 --verify=request.json --collateral="$collateral" --at=2026-06-04T01:22:11Z
cmp -s out valid || fail "--at in RFC 3339"
run 1 --verify - --collateral "$collateral" --at 2027-01-01T00:00:00Z <request.json
has "expired" '"reason":"Quote verification failed: ' out
run 2 --verify request.json --at yesterday
[ -s out ] && fail "a wrong time has output"

# Standard input, and no file.
rm -f -- *.verification.json
run 0 --verify - --collateral "$collateral" --at $at <request.json
cmp -s out valid || fail "standard input"
[ -z "$(find . -name '*.verification.json')" ] || fail "a result file for standard input"
# White space around the object, as editors leave it.
{ printf '\r\n \t'; cat request.json; printf '\n \r\n'; } >blanks
run 0 --verify - --collateral "$collateral" --at $at <blanks
cmp -s out valid || fail "white space"

# A result that cannot be written is a warning, and the verdict stands.
run 0 --verify /proc/self/fd/0 --collateral "$collateral" --at $at <request.json
cmp -s out valid || fail "/proc/self/fd/0"
has "/proc" 'warning: Failed to write verification result to /proc/self/fd/0.verification.json: ' err
mkdir request.json.verification.json
run 0 --verify request.json --collateral "$collateral" --at $at
cmp -s out valid || fail "result file not writable"
has "not writable" 'Is a directory (os error 21)' err
rmdir request.json.verification.json

# Without collateral: not now, and why on standard error.
run 1 --verify request.json --at $at
one_line "no collateral"
has "no collateral" '"kind":"unavailable","retryable":true' out
has "no collateral" '"reason":"Quote verification failed: failed to verify TDX quote: collateral unavailable: ' out
[ -f request.json.verification.json ] || fail "no result file for an invalid one"
rm -f request.json.verification.json

# Collateral of two platforms, in either order.
other=$(ls "$vectors"/collateral/tdx-* | grep -v 90c06f000000 | head -n 1)
run 0 --verify request.json --collateral "$collateral" --collateral "$other" --at $at
cmp -s out valid || fail "two collateral files"
run 0 --verify request.json --collateral "$other" --collateral "$collateral" --at $at
cmp -s out valid || fail "two collateral files, the other way"
run 2 --verify request.json --collateral none.json
has "collateral not there" 'Error: cannot read collateral none.json: No such file' err
run 2 --verify request.json --collateral request.json
has "no collateral" 'Error: collateral request.json: ' err

# Without --at the answer is of today.
run 1 --verify request.json --collateral "$collateral"
has "collateral alone" '"pinned":{"at":null,"collateral":true}' out
rm -f request.json.verification.json

# What never became a question has empty details and no result file.
run 1 --verify none.json
same "no such file" "{\"is_valid\":false,$empty\"error\":{\"stage\":\"request\",\"code\":\"input_unreadable\",\"kind\":\"malformed\",\"retryable\":false}},\"reason\":\"Internal error: Failed to read file none.json: No such file or directory (os error 2)\"}
" out
printf '{"a":"\377"}' >bytes.json
run 1 --verify bytes.json
has "not UTF-8" '"Internal error: Failed to read file bytes.json: stream did not contain valid UTF-8"' out
echo '{' >broken.json
run 1 --verify broken.json
has "broken" '"reason":"Internal error: Failed to parse JSON: ' out
has "broken" "{\"is_valid\":false,$empty" out
echo '{}' >empty.json
run 1 --verify empty.json
has "empty" '"reason":"Internal error: Quote is required"' out
one_line empty
[ -z "$(find . -name '*.verification.json')" ] || fail "a result file for no question"

# A full standard output is no success.
"$program" --verify request.json --collateral "$collateral" --at $at >/dev/full 2>err &&
	fail "full standard output"
has "full" 'cannot write the answer: No space left on device' err

finish
