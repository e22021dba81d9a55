#!/bin/sh
#
# answers.sh - whole answers of the program, byte for byte those computed from the specification

. "$srcdir/tests/integration/lib.sh"

answers=$vectors/answers
n=0
while read -r name time file config request inner; do
	[ "$name" = '#' ] && continue
	set -- --verify - --at "$time"
	[ "$file" = - ] || set -- "$@" --collateral "$vectors/$file"
	[ "$config" = - ] || set -- "$@" --config "$answers/$config"
	expected=1
	grep -q '^{"is_valid":true' "$answers/$name.json" && expected=0
	run $expected "$@" <"$vectors/$request"
	cmp -s out "$answers/$name.json" || fail "$name: $(cmp out "$answers/$name.json"): $(cat out)"
	n=$((n + 1))
done <"$answers/index"
[ $n -ge 20 ] || fail "only $n answers"

finish
