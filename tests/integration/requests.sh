#!/bin/sh
#
# requests.sh - what is a request and what is not, through --verify -
#
# What HTTP answers with 400 or 422 is "Failed to parse JSON" here; the rest is judged.

. "$srcdir/tests/integration/lib.sh"

# refused NAME REASON FORMAT - printf FORMAT is answered with exactly this reason
refused() {
	# shellcheck disable=SC2059 # it is a format
	printf "$3" | "$program" --verify - >out 2>err
	[ $? -eq 1 ] || fail "$1: status"
	one_line "$1"
	sed 's/.*,"reason":"Internal error: //; s/"}$//' out >reason
	[ "$(cat reason)" = "$2" ] || fail "$1: $(cat reason)"
}

none='Quote is required'
short='Failed to create attestation: Invalid TDX quote: Not enough data to fill buffer'
json='Failed to parse JSON:'

# Judged.
refused 'empty object' "$none" '{}'
refused 'all null' "$none" '{"quote":null,"event_log":null,"vm_config":null,"attestation":null}'
refused 'white space around' "$none" ' \r\n\t{} \n'
refused 'no event log' 'Event log is required' '{"quote":"ab"}'
refused 'lower case hex' "$short" '{"quote":"ab","event_log":"[]"}'
refused 'upper case hex' "$short" '{"quote":"AB","event_log":"[]"}'
refused 'mixed case hex' "$short" '{"quote":"aBAb","event_log":"[]"}'
refused 'empty hex' "$short" '{"quote":"","event_log":"[]"}'
refused 'empty attestation' 'Failed to decode attestaion: Empty attestation bytes' '{"attestation":""}'
refused 'hex in escapes' "$short" '{"quote":"\\u0061b","event_log":"[]"}'
refused 'debug of any type' "$none" '{"debug":"true"}'
refused 'unknown key twice' "$none" '{"x":1,"x":2}'
refused 'keys in other case' "$none" '{"Quote":"ab","Event_log":"[]"}'
refused 'known to old clients' "$none" '{"pccs_url":"http://example/","report_data":"00"}'
deep=$(printf '%1023s' '' | tr ' ' '[')
refused 'depth 1024' "$none" "{\"x\":$deep$(echo "$deep" | tr '[' ']')}"

# 422 over HTTP.
refused '0x' "$json \\\"quote\\\" is not hex at digit 1" '{"quote":"0xab","event_log":"[]"}'
refused 'blank in hex' "$json \\\"quote\\\" is not hex at digit 2" '{"quote":"ab c","event_log":"[]"}'
refused 'newline in hex' "$json \\\"quote\\\" is not hex at digit 2" '{"quote":"ab\\n\\n"}'
refused 'odd hex' "$json \\\"quote\\\" has an odd number of hex digits" '{"quote":"abc"}'
refused 'number' "$json \\\"quote\\\" is a number, not a string" '{"quote":5}'
refused 'array' "$json \\\"quote\\\" is an array, not a string" '{"quote":[]}'
refused 'object' "$json \\\"attestation\\\" is an object, not a string" '{"attestation":{}}'
refused 'event_log as array' "$json \\\"event_log\\\" is an array, not a string" '{"event_log":[]}'
refused 'vm_config as object' "$json \\\"vm_config\\\" is an object, not a string" '{"vm_config":{}}'
refused 'known key twice' "$json \\\"quote\\\" occurs twice" '{"quote":null,"quote":null}'
refused 'positional' "$json \\\"request\\\" is an array, not an object" '[null,null,null,null,null]'
refused 'null' "$json \\\"request\\\" is null, not an object" 'null'
refused 'string' "$json \\\"request\\\" is a string, not an object" '"x"'
refused 'top number' "$json \\\"request\\\" is a number, not an object" '5'

# 400 over HTTP.
refused 'empty' "$json JSON is empty" ''
refused 'white space' "$json JSON is empty" ' \n'
refused 'truncated' "$json JSON ends early at byte 9" '{"quote":'
refused 'trailing text' "$json JSON has more text after the value at byte 3" '{} x'
refused 'trailing comma' "$json JSON wants a key at byte 7" '{"a":1,}'
refused 'byte order mark' "$json JSON wants a value at byte 0" '\357\273\277{}'
refused 'NUL' "$json JSON has more text after the value at byte 2" '{}\000'
refused 'control character' "$json JSON string holds a control character at byte 6" '{"a":"\001"}'
refused 'NaN' "$json JSON wants a value at byte 5" '{"a":NaN}'
refused 'single quotes' "$json JSON wants a key at byte 1" "{'a':1}"
refused 'not UTF-8' 'Failed to read file -: stream did not contain valid UTF-8' '{"a":"\377"}'
printf '{"a":"\\ud800"}' | "$program" --verify - >out 2>err
has 'lone surrogate' "$json JSON " out
printf '{"x":%s[]%s}' "$deep" "$(echo "$deep" | tr '[' ']')" | "$program" --verify - >out 2>err
has 'depth 1025' "$json JSON " out

finish
