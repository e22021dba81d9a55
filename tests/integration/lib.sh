# lib.sh - what the test scripts share; to be sourced
#
# Scripts run in the build directory, with srcdir in the environment.

set -u
LC_ALL=C
export LC_ALL
unset RUST_LOG PCCS_URL
for name in $(env | sed -n 's/^\(DSTACK_VERIFIER_[A-Za-z_]*\)=.*/\1/p'); do
	unset "$name"
done

# No test asks a real server for anything, or leaves something in a real cache.
DSTACK_VERIFIER_ATTESTATION__URLS__PCCS=http://127.0.0.1:9
export DSTACK_VERIFIER_ATTESTATION__URLS__PCCS

program=$PWD/dstack-verifier
vectors=$(cd "$srcdir" && pwd)/tests/vectors
lite=$vectors/dstack-verifier/tdx-lite-attestation.json
collateral=$vectors/collateral/tdx-90c06f000000-20260520-ev19.json
at=1780536131

scratch=$(mktemp -d)
DSTACK_VERIFIER_IMAGE_CACHE_DIR=$scratch/cache
export DSTACK_VERIFIER_IMAGE_CACHE_DIR
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1

failures=0
fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# run STATUS ARGUMENT... - run the program; its output goes to ./out and ./err
run() {
	expected=$1
	shift
	"$program" "$@" >out 2>err
	status=$?
	[ $status -eq "$expected" ] || fail "status $status, not $expected: $*: $(head -c 300 err)"
}

# same NAME TEXT FILE - FILE holds exactly this text
same() {
	printf '%s' "$2" | cmp -s - "$3" || fail "$1: $(head -c 500 "$3")"
}

# has NAME TEXT FILE - FILE has this text somewhere
has() {
	grep -qF -- "$2" "$3" || fail "$1: no \"$2\" in: $(head -c 500 "$3")"
}

# one_line NAME - standard output was exactly one line
one_line() {
	[ "$(wc -l <out)" -eq 1 ] && [ -z "$(tail -c 1 out)" ] || fail "$1: not one line"
}

finish() {
	[ $failures -eq 0 ] && exit 0
	echo "$failures failed"
	exit 1
}
