#!/bin/sh
#
# package.sh - install the package in a fresh Debian 12, and boot it
#
#   package.sh [DEB]    DEB: the one that ./bootstrap deb built
#
# As root; not part of make check, since it takes minutes and fetches a Debian.  What the machine
# cannot do is said and skipped: exit status 77 when that was everything.  With BASE=DIR, DIR is
# the fresh Debian and is made by the first run; it is copied, never changed.

set -u
LC_ALL=C
export LC_ALL
source=$(cd "$(dirname "$0")/../.." && pwd)
# The mirror that the machine uses for Debian itself.
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    grep '/debian/*$' | head -n 1)}

say() { echo "package.sh: $*"; }
skip() { say "SKIP: $*"; exit 77; }

failures=0
fail() {
	say "FAIL: $*"
	failures=$((failures + 1))
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
command -v debootstrap >/dev/null || skip "needs debootstrap"
deb=${1:-$(ls "$source"/_build/deb/dstack-verifier_*.deb 2>/dev/null)}
[ -f "$deb" ] || skip "no package: run ./bootstrap deb"

# Not in /tmp, which may be mounted without devices.
scratch=$(mktemp -d /var/tmp/dstack-verifier.XXXXXX)
root=$scratch/root
booted=
leader=

# The container goes down first, from its process 1: it has the tree in use.
cleanup() {
	[ -n "$leader" ] && kill -KILL "$leader" 2>/dev/null
	[ -n "$booted" ] && wait "$booted" 2>/dev/null
	rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# passes NAME COMMAND... - the command ends with 0
passes() {
	name=$1
	shift
	"$@" >"$scratch/out" 2>&1 && return
	fail "$name: $(tail -n 5 "$scratch/out")"
	return 1
}

# within SECONDS COMMAND... - try until the command succeeds
within() {
	end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# has NAME TEXT - the last command's output has this text
has() {
	grep -qF -- "$2" "$scratch/out" || fail "$1: no $2 in: $(head -c 300 "$scratch/out")"
}

fresh() {
	base=${BASE:-$scratch/base}
	if [ ! -d "$base" ]; then
		say "fetching Debian 12"
		debootstrap --variant=minbase bookworm "$base.new" "$mirror" >"$scratch/log" 2>&1 ||
		    { tail -n 5 "$scratch/log"; skip "debootstrap failed"; }
		mv "$base.new" "$base"
	fi
	cp -a "$base" "$root"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	chroot "$root" apt-get -qq update >"$scratch/log" 2>&1 ||
	    { tail -n 5 "$scratch/log"; skip "no package lists"; }
}

install() {
	say "installing $deb"
	cp "$deb" "$root/root/"
	passes "apt install" chroot "$root" env DEBIAN_FRONTEND=noninteractive \
	    sh -c 'cd /root && apt install -y --no-install-recommends ./dstack-verifier*.deb' || exit 1
}

evidence=/usr/share/doc/dstack-verifier/examples/tdx-lite-attestation.json
collateral=/usr/share/doc/dstack-verifier/examples/tdx-90c06f000000-20260520-ev19.json
at=2026-06-04T01:22:11Z

command_line() {
	say "the command line"
	passes "verdict" chroot "$root" sh -c \
	    "dstack-verifier --verify - --collateral $collateral --at $at <$evidence"
	has "verdict" '{"is_valid":true,'
}

# box COMMAND... - run in the container
box() {
	nsenter -t "$leader" -m -u -i -n -p -C -- "$@"
}

boot() {
	say "booting"
	passes "installing systemd and curl" chroot "$root" env DEBIAN_FRONTEND=noninteractive \
	    apt-get -qq -y --no-install-recommends install systemd-sysv dbus curl || return 1
	# A first boot would enable the socket as well, by Debian's preset.
	echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	systemd-nspawn -q -D "$root" --machine="dstack-verifier-$$" --register=no --keep-unit \
	    --private-network --console=pipe -b </dev/null >"$scratch/console" 2>&1 &
	booted=$!
	if ! within 20 pgrep -P $booted; then
		kill -KILL $booted
		return 1
	fi
	leader=$(pgrep -P $booted)
	within 60 booted_up
}

booted_up() {
	case $(box systemctl is-system-running) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

# property NAME - of the service
property() {
	box systemctl show -P "$1" dstack-verifier.service
}

# equals NAME TEXT - a property of the service has this value
equals() {
	is=$(property "$1")
	[ "$is" = "$2" ] || fail "$1 is $is, not $2"
}

active() {
	[ "$(property ActiveState)" = active ]
}

post() {
	box curl -sS -m 60 -H 'Content-Type: application/json' --data-binary "@$evidence" \
	    http://127.0.0.1:8080/verify
}

healthy() {
	box curl -sS -f -m 10 http://127.0.0.1:8080/health
}

starts() {
	say "the service starts"
	within 30 active ||
	    fail "not started: $(box journalctl -q --no-pager -n 20 -u dstack-verifier)"
	equals NRestarts 0
	passes "health" healthy
	has "health" '"status"'
	# The network is the container's own, so collateral cannot be had.
	passes "POST" post
	has "POST" '"is_valid":false'
	has "POST" '"retryable":true'
}

# processes - those of the service's user, as directories of /proc
processes() {
	box find /proc -maxdepth 1 -name '[0-9]*' -user dstack-verifier
}

# The port is loopback's: 0100007F:1F90.
confined() {
	[ "$(processes | wc -l)" -ge 4 ] || fail "processes: $(processes)"
	box sh -c 'grep -l "^dstack-verifier" /proc/[0-9]*/comm' | sort >"$scratch/out"
	processes | sed 's|$|/comm|' | sort | cmp -s - "$scratch/out" ||
	    fail "processes: $(processes), but: $(cat "$scratch/out")"
	box cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == "0A" { print $2 }' >"$scratch/out"
	[ "$(cat "$scratch/out")" = 0100007F:1F90 ] || fail "listens on: $(cat "$scratch/out")"
	passes "cache" box stat -c '%U %a' /var/cache/dstack-verifier
	has "cache" 'dstack-verifier 700'
}

# A PCCS on the container's port 8081, until descriptor 8 is closed.
serve_collateral() {
	mkfifo "$scratch/pccs"
	exec 8<>"$scratch/pccs"
	nsenter -t "$leader" -n python3 "$source/tests/support/pccs.py" --port 8081 \
	    "$root$collateral" <"$scratch/pccs" >"$scratch/pccs.log" 2>&1 8<&- &
	within 10 grep -q http "$scratch/pccs.log" || fail "no PCCS: $(cat "$scratch/pccs.log")"
}

# Configured as an operator would; the answer is one of a time when the collateral was current.
# What was fetched outlives the service, however that ended.
judges() {
	say "the service fetches and judges"
	command -v python3 >/dev/null || { say "SKIP: fetching: needs python3"; return; }
	serve_collateral
	mkdir -p "$root/etc/systemd/system/dstack-verifier.service.d"
	cat >"$root/etc/systemd/system/dstack-verifier.service.d/pinned.conf" <<-END
	[Service]
	Environment=DSTACK_VERIFIER_ATTESTATION__URLS__PCCS=http://127.0.0.1:8081
	ExecStart=
	ExecStart=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/dstack-verifier.service") --at $at
	END
	passes "reload" box systemctl daemon-reload
	passes "restart" box systemctl restart dstack-verifier
	passes "POST, fetching" post
	has "POST, fetching" '{"is_valid":true,'
	exec 8<&-
	passes "kill" box systemctl kill -s KILL --kill-who=main dstack-verifier
	within 20 restarted || fail "not restarted"
	passes "POST, no PCCS" post
	has "POST, no PCCS" '{"is_valid":true,'
}

restarted() {
	[ "$(property NRestarts)" = 1 ] && healthy
}

stops() {
	say "the service stops"
	before=$(date +%s)
	passes "stop" box systemctl stop dstack-verifier
	took=$(($(date +%s) - before))
	[ $took -le 10 ] || fail "stopping took $took s"
	equals Result success
	equals ExecMainStatus 0
	[ -z "$(processes)" ] || fail "left: $(processes)"
}

activated() {
	say "the socket starts the service"
	passes "socket" box systemctl start dstack-verifier.socket
	equals ActiveState inactive
	passes "health by the socket" healthy
	# Clients are answered a little before all processes are ready.
	within 10 active || fail "not started by its socket"
	passes "journal" box journalctl -q --no-pager -u dstack-verifier -g listener=inherited
	passes "stop" box systemctl stop dstack-verifier.socket dstack-verifier.service
}

purged() {
	say "the package goes"
	passes "purge" box env DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge dstack-verifier
	[ ! -e "$root/etc/dstack-verifier" ] || fail "configuration left"
	[ ! -e "$root/lib/systemd/system/dstack-verifier.service" ] || fail "unit left"
}

fresh
install
command_line
if ! command -v systemd-nspawn >/dev/null; then
	say "SKIP: the service: needs systemd-nspawn (package systemd-container)"
elif ! boot; then
	tail -n 5 "$scratch/console"
	say "SKIP: the service: systemd-nspawn cannot boot here"
else
	starts
	confined
	judges
	stops
	activated
	purged
fi

if [ $failures -gt 0 ]; then
	[ -n "$booted" ] && box journalctl -q --no-pager -n 40 -u dstack-verifier 2>/dev/null
	say "$failures failed"
	exit 1
fi
say "passed"
