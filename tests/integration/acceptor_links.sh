#!/bin/sh
#
# acceptor_links.sh - what the acceptor is made of: libevent's core and the C library, and of
# what is linked statically no cryptography, no verification, no JSON reader

set -eu

fail() { echo "$*" >&2; exit 1; }

program=./dstack-verifier-acceptor
needed=$(readelf -d $program | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -v -e '^libevent_core-' -e '^libc\.so' -e '^ld-linux' -e '^lib[a-z]*san\.so' \
    -e '^libllhttp' -e '^libm\.so' -e '^libgcc_s' || :)
[ -z "$needed" ] || fail "linked with $needed"
# Ours as they begin in dcap, evidence, measure and verify; BoringSSL's beyond bytes.
symbols=$(${NM:-nm} $program | awk '$2 ~ /[TtUW]/ { print $NF }' | grep -E \
    -e '^(EVP|EC|ECDSA|ED25519|RSA|BN|SHA|MD5|HMAC|AES|X509|ASN1|PEM|RAND|SSL)_' \
    -e '^(dv|quote|cert|crl|tcb|evidence|json_(read|tokener|object)|event_log|verdict_write)_' \
    -e '^(curl|sqlite3|archive)_' \
    -e '^(execve|execv|execvp|execl|fork|socket|connect|open|openat|fopen)(@|$)' || :)
[ -z "$symbols" ] || fail "has $symbols"
