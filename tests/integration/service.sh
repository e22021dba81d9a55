#!/bin/sh
#
# service.sh - units, packaged configuration and program agree with one another
#
# What takes a container to see is in package.sh.

. "$srcdir/tests/integration/lib.sh"

source=$(dirname "$(dirname "$vectors")")
unit=$source/systemd/dstack-verifier.service
config=/etc/dstack-verifier/dstack-verifier.toml

# value KEY - what the unit has for it
value() {
	sed -n "s/^$1=//p" "$unit"
}

# The packaged configuration is one that the program takes, listens on loopback, and keeps its
# files where the unit lets it.
unset DSTACK_VERIFIER_IMAGE_CACHE_DIR
sed -f "$source/debian/packaged.sed" "$source/etc/dstack-verifier.toml" >packaged.toml
run 0 --config packaged.toml --collateral "$collateral" --at $at --verify - <"$lite"
same "warnings" "" err
grep -v '^#' packaged.toml | grep -v '^$' >settings
same "settings" "address = \"127.0.0.1\"
image_cache_dir = \"/var/cache/$(value CacheDirectory)\"
" settings

# The service runs on that file, as a user that the package makes.
value ExecStart >start
same "ExecStart" "/usr/bin/dstack-verifier --config $config
" start
has "config" "${config##*/} $(echo "${config%/*}" | cut -c 2-)" \
    "$source/debian/dstack-verifier.install"
has "user" "u $(value User) " "$source/debian/dstack-verifier.sysusers"

# It is given the time that it takes to stop.
drain=$(sed -n 's/^# drain_deadline_secs = //p' "$source/etc/dstack-verifier.toml")
extra=$(sed -n 's/^#define DRAIN_EXTRA_SECS[^0-9]*//p' "$source/src/server/supervisor.c")
[ "$(value TimeoutStopSec)" -gt $((drain + extra)) ] ||
    fail "TimeoutStopSec=$(value TimeoutStopSec), draining takes $drain + $extra"

# The package has the program's version.
"$program" --version >version
has "version" "dstack-verifier $(sed -n '1s/.*(\(.*\)-.*).*/\1/p' "$source/debian/changelog")" \
    version

# systemd knows every setting.  (It would look for the program and its manual pages, too.)
if command -v systemd-analyze >/dev/null; then
	for name in dstack-verifier.service dstack-verifier.socket; do
		sed -e '/^Documentation=/d' -e 's|^ExecStart=.*|ExecStart=/bin/true|' \
		    "$source/systemd/$name" >$name
	done
	systemd-analyze verify ./dstack-verifier.service ./dstack-verifier.socket >out 2>&1 ||
	    fail "systemd-analyze: $(cat out)"
	same "systemd-analyze" "" out
else
	echo "systemd-analyze is not here: the units' syntax was not looked at"
fi

finish
