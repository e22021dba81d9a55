#!/bin/sh
#
# readme.sh - what README.md shows is what happens

. "$srcdir/tests/integration/lib.sh"

source=$(dirname "$(dirname "$vectors")")
readme=$source/README.md

# Only what the commands name, so that result files stay out of the tree.
mkdir -p tests/vectors/dstack-verifier tests/vectors/collateral tests/vectors/quotes
cp "$lite" tests/vectors/dstack-verifier/
cp "$collateral" tests/vectors/collateral/
cp -R "$vectors/quotes/tdx" tests/vectors/quotes/

# Every command of the program, in order.
mkdir bin
ln -s "$program" bin/dstack-verifier
sed -n '/^```sh$/,/^```$/p' "$readme" | grep -v '^```' >commands
[ "$(wc -l <commands)" -ge 3 ] || fail "README.md shows $(wc -l <commands) commands"
while read -r command; do
	PATH=$PWD/bin:$PATH sh -c "$command" >out 2>err || fail "$command: $(cat err)"
	one_line "$command"
	grep -q '^{"\(is_valid\|quote_verified\)":true,' out || fail "$command: $(head -c 200 out)"
done <commands

# The answer, line by line.  "..." stands for the rest of a line; alone, for some lines.
sed -n '/^```json$/,/^```$/p' "$readme" | grep -v '^```' >answer
result=tests/vectors/dstack-verifier/tdx-lite-attestation.json.verification.json
{ cat "$result" && echo; } | awk -v answer=answer '
function next_line() {
	free = 0
	while ((got = getline line <answer) > 0 && line ~ /^ *\.\.\.$/)
		free = 1
	cut = line
	whole = !sub(/\.\.\.$/, "", cut)
}
BEGIN { next_line() }
{
	if (got > 0 && (whole ? $0 == cut : index($0, cut) == 1))
		next_line()
	else if (!free) {
		print "README.md has \"" line "\" for: " $0
		exit bad = 1
	}
}
END {
	if (!bad && got > 0) {
		print "README.md has more: " line
		exit 1
	}
}' >difference || fail "$(cat difference)"

# bootstrap knows the commands.
for mode in run check deb; do
	has "bootstrap $mode" "./bootstrap $mode" "$readme"
	has "bootstrap $mode" "$mode" "$source/bootstrap"
done

# Every rule that is marked in the code has a row in the table of differences.
(cd "$source" && grep -rc 'Stricter:' src) | grep -v ':0$' >marked
while IFS=: read -r file n; do
	rows=$(grep -cF "\`$file\`" "$readme")
	[ "$rows" -ge "$n" ] || fail "$file: $n rules, $rows rows in README.md"
done <marked
[ -s marked ] || fail "no rules found"

finish
