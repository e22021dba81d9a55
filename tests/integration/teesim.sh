#!/bin/sh
#
# teesim.sh - the simulator is honest: OpenSSL accepts what it signs, the verifier finds in each
# machine the identity that the simulator gave it, and refuses all of them under Intel's root

. "$srcdir/tests/integration/lib.sh"

teesim=$OLDPWD/tests/teesim/teesim
now=1790000000
"$teesim" fleet --platforms 10 --fmspcs 10 --quotes 3 --form mixed --now $now fleet ||
	fail "no fleet"
cat >simulated.toml <<EOF
[attestation]
insecure_allow_external_trust_anchors = true
[attestation.root_ca]
tdx = "$PWD/fleet/root.pem"
EOF

# The same options are the same bytes.
"$teesim" fleet --platforms 10 --fmspcs 10 --quotes 3 --form mixed --now $now again
diff -r fleet again >/dev/null || fail "two fleets differ"

# What is in a body, and what an answer has to hold.
cat >look.py <<'EOF'
import json, re, sys

def pem(data):
    return re.findall(b'-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n', data, re.S)

if sys.argv[1] == 'split':                  # COLLATERAL BODY: certificates and CRLs in files
    c = json.load(open(sys.argv[2]))
    body = json.load(open(sys.argv[3]))
    quote = bytes.fromhex(body.get('quote') or body['attestation'])
    for name, data in zip(('leaf.pem', 'ca.pem', 'root.pem'), pem(quote)):
        open(name, 'wb').write(data)
    open('signer.pem', 'wb').write(pem(c['tcb_info_issuer_chain'].encode())[0])
    for name in ('root_ca_crl', 'pck_crl'):
        open(name, 'wb').write(bytes.fromhex(c[name]))
    open('tcb_info', 'w').write(c['tcb_info'])
    r, s = (c['tcb_info_signature'][i:i + 64] for i in (0, 64))
    number = lambda h: '02%02x' % (len(h) // 2) + h
    short = lambda h: ('00' + h if int(h[:2], 16) > 127 else h)
    rs = number(short(r)) + number(short(s))
    open('tcb_info.sig', 'wb').write(bytes.fromhex('30%02x' % (len(rs) // 2) + rs))
else:                                       # EXPECTED: the answer on standard input
    want, got = json.loads(sys.argv[2]), json.load(sys.stdin)
    details, app = got['details'], got['details']['app_info'] or {}
    flat = dict(app, is_valid=got['is_valid'], tcb_status=details['tcb_status'],
                report_data=details['report_data'], ppid=details['platform']['ppid'],
                fmspc=details['platform']['fmspc'])
    wrong = [key for key in want if key != 'file' and flat.get(key) != want[key]]
    if wrong:
        sys.exit('%s: %s: %s' % (want['file'], wrong, got['reason']))
EOF

while read -r line; do
	body=fleet/$(printf '%s' "$line" | sed 's/.*"file":"\([^"]*\)".*/\1/')
	set=fleet/collateral/tdx-$(printf '%s' "$line" | sed 's/.*"fmspc":"\([^"]*\)".*/\1/').json
	run 0 --config simulated.toml --verify - --collateral "$set" --at $now <"$body"
	python3 look.py compare "$line" <out || fail "$body"
	case $body in
	*/00000-*)
		run 1 --verify - --collateral "$set" --at $now <"$body"
		has "Intel's root" 'Failed to verify certificate chain: UnknownIssuer' out ;;
	esac
done <fleet/expected.jsonl

# The collateral that is wrong on purpose, each in its way.
wrong() {
	run 1 --config simulated.toml --verify - --collateral "fleet/$1/${set##*/}" --at $now <"$body"
	has "$1" "$2" out
}
wrong stale ' expired'
wrong future ' is in the future'
wrong signer 'failed to verify TDX quote: '

if ! command -v openssl >/dev/null; then
	echo "openssl is not installed: certificates not shown to it"
	finish
fi
python3 look.py split "$set" "$body"
cmp -s root.pem fleet/root.pem || fail "the root in the quote is another one"
openssl verify -attime $now -CAfile root.pem root.pem ca.pem signer.pem \
    >log 2>&1 || fail "root, CA or signer: $(cat log)"
openssl verify -attime $now -CAfile root.pem -untrusted ca.pem leaf.pem >log 2>&1 ||
	fail "leaf: $(cat log)"
crl() {
	openssl crl -inform DER -in "$1" -CAfile "$2" -noout >log 2>&1 && grep -q 'verify OK' log ||
		fail "$1: $(cat log)"
}
crl root_ca_crl root.pem
crl pck_crl ca.pem
{ openssl crl -inform DER -in root_ca_crl; openssl crl -inform DER -in pck_crl; } >crls.pem
openssl verify -attime $now -crl_check_all -CRLfile crls.pem -CAfile root.pem \
    -untrusted ca.pem leaf.pem >log 2>&1 || fail "leaf with CRLs: $(cat log)"
openssl x509 -in signer.pem -pubkey -noout >signer.key
openssl dgst -sha256 -verify signer.key -signature tcb_info.sig tcb_info >log 2>&1 ||
	fail "TCB info: $(cat log)"
openssl asn1parse -in leaf.pem >log 2>&1 && grep -q 1.2.840.113741.1.13.1 log ||
	fail "SGX extension: $(cat log)"

finish
