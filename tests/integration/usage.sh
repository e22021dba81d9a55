#!/bin/sh
#
# usage.sh - help, version, wrong usage, and the configuration as the program finds it

. "$srcdir/tests/integration/lib.sh"

run 0 --help
has help 'Usage: dstack-verifier' out
[ -s err ] && fail "help on standard error"
run 0 -h
run 0 --version
grep -qx 'dstack-verifier [0-9.]*' out || fail "version: $(cat out)"
grep -q '^BoringSSL ' out || fail "no BoringSSL: $(cat out)"
run 0 --config none --version

for wrong in --foo foo 'quote' 'quote a b' '--verify' '--config' '--verify a b' \
    '--verify a --verify b' '--at x --verify a' 'images drop'; do
	# shellcheck disable=SC2086 # words
	run 2 $wrong
	has "$wrong" 'Usage: dstack-verifier' err
	grep -q '^error: ' err || fail "$wrong: $(cat err)"
	[ -s out ] && fail "$wrong: output"
done

# Not built yet, and said so.
run 2 --verify-cert x.pem
has verify-cert '--verify-cert is not built yet' err

# The configuration comes first, in every mode.
echo 'port = 0' >bad.toml
for mode in '' '--verify -' '--verify-cert x' 'quote -'; do
	# shellcheck disable=SC2086 # words
	run 1 --config bad.toml $mode </dev/null
	has "$mode" 'Error: verifier port must not be zero' err
	[ -s out ] && fail "$mode: output"
done
DSTACK_VERIFIER_PORT=1 run 1 --config bad.toml --verify - </dev/null
has environment 'Failed to parse JSON' out
DSTACK_VERIFIER_FOO=1 run 1 --verify - </dev/null
has "unknown variable" 'Error: environment: unknown field `foo`' err

# A missing file is a warning when it was asked for, a quiet log level hides it.
run 1 --config none.toml --verify - </dev/null
has missing 'warning: configuration file none.toml is missing' err
RUST_LOG=error run 1 --config none.toml --verify - </dev/null
[ -s err ] && fail "log level: $(cat err)"
run 1 --verify - </dev/null
[ -s err ] && fail "no file, no warning: $(cat err)"

# The default name is looked for here and above.
mkdir -p a/b
cp bad.toml dstack-verifier.toml
(cd a/b && "$program" --verify - </dev/null >out 2>err)
has parent 'verifier port must not be zero' a/b/err
rm dstack-verifier.toml

# A policy that refuses, and the profile.
printf 'policy.allowed_tcb_statuses = []\n' >none.toml
run 1 -c none.toml --verify - --collateral "$collateral" --at $at <"$lite"
has policy '"reason":"Policy check failed: ' out
printf 'profile = "strict"\n' >strict.toml
run 1 -c strict.toml --verify - --collateral "$collateral" --at $at <"$lite"
has strict '"retryable":true' out
cat >listed.toml <<'END'
profile = "strict"
[policy]
allowed_os_image_hashes = ["E6F5CFEC20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db"]
END
run 0 -c listed.toml --verify - --collateral "$collateral" --at $at <"$lite"
has listed '"verdict":"accept"' out
DSTACK_VERIFIER_PROFILE=strict run 1 --verify - --collateral "$collateral" --at $at <"$lite"
printf 'policy = { allow_smt = true; };\nport = 8080\n# x' >libconfig.conf
run 0 -c libconfig.conf --verify - --collateral "$collateral" --at $at <"$lite"

# Another root: refused as such by the library, and used when it is one.
cat >root.toml <<'END'
[attestation]
insecure_allow_external_trust_anchors = true
root_ca.tdx = "root.pem"
END
echo nothing >root.pem
run 1 -c root.toml --verify - --collateral "$collateral" --at $at <"$lite"
has "no root" 'Error: failed to parse TDX root CA certificate' err
# Intel's own root as an external one: PEM, and DER of the same.
sed -n 's/.*"tcb_info_issuer_chain": *"\([^"]*\)".*/\1/p' "$collateral" >chain
printf '%b' "$(cat chain)" | awk '/BEGIN/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }' >root.pem
run 0 -c root.toml --verify - --collateral "$collateral" --at $at <"$lite"
has "external root" '"trust_anchor":"external"' out
grep -v CERTIFICATE root.pem | base64 -d >root.der
sed 's/root\.pem/root.der/' root.toml >der.toml
run 0 -c der.toml --verify - --collateral "$collateral" --at $at <"$lite"
has "external root in DER" '"trust_anchor":"external"' out
echo >>root.der
run 1 -c der.toml --verify - --collateral "$collateral" --at $at <"$lite"
has "bytes after the root" 'Error: trailing data in TDX root CA' err
# Some other certificate is no root.
printf '%b' "$(cat chain)" | awk '{ print } /END/ { exit }' >root.pem
run 1 -c root.toml --verify - --collateral "$collateral" --at $at <"$lite"
has "no CA" 'Error: TDX root certificate is not a CA' err

finish
