#!/bin/sh
#
# links.sh - what each program is linked with: its row of the design, and nothing else
#
# Shared libraries by the dynamic section; what is linked statically by its symbols.

command -v readelf >/dev/null || { echo 'needs readelf (Debian: binutils)'; exit 77; }
failures=0

# linked PROGRAM LIBRARY... - the shared libraries it needs are among these
linked() {
	program=$1
	shift
	for needed in $(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*/\1/p'); do
		case " $* libc libm libasan libubsan libgcc_s ld-linux-x86-64 " in
		*" $needed "*) ;;
		*)	echo "FAIL: $program is linked with $needed"
			failures=$((failures + 1)) ;;
		esac
	done
}

# without PROGRAM PATTERN - no symbol of its own or of a library begins so
without() {
	found=$("$NM" "$1" | sed 's/.* //' | grep -E "^($2)" | grep -vE '^dv_policy_|^quote_(command|input)' |
	    head -n 5 | tr '\n' ' ')
	[ -z "$found" ] || {
		echo "FAIL: $1 has $found"
		failures=$((failures + 1))
	}
}

crypto='ECDSA_|EC_KEY|EC_POINT|EVP_|RSA_|AES_|SHA1|SHA2|SHA5|ED25519_|X509|d2i_|BN_'
judging='dcap_|quote_|evidence_|attestation_|event_log_|tcb_match|tcb_info|vm_config_|lite_|acpi_|dv_|json_tokener'
fetching='curl_|sqlite3_|archive_'
serving='event_base_|bufferevent_|llhttp_'

# Records are signed here, and that is all: no certificate is read.  The rest of $crypto is in one
# object of BoringSSL with the digest and the random numbers that a signature needs.
linked dstack-verifier libconfig libevent_core-2.1 libsystemd
without dstack-verifier "X509_|PEM_|$judging|$fetching|llhttp_|bufferevent_"

linked dstack-verifier-acceptor libevent_core-2.1 libllhttp
without dstack-verifier-acceptor "$crypto|$judging|$fetching|config_|(execve|fork|socket|connect|open|openat|fopen)(\$|@)"

linked dstack-verifier-fetcher libcurl-gnutls libsqlite3
without dstack-verifier-fetcher "$crypto|$judging|$serving|execve|fork\$|fork@"

linked dstack-verifier-measurer libjson-c
without dstack-verifier-measurer "$fetching|$serving|dcap_|evidence_|event_log_|dv_|image_fact_|config_key|execve|fork\$|fork@|socket@|connect@"

linked dstack-verifier-unpacker libarchive
without dstack-verifier-unpacker "$judging|curl_|sqlite3_|$serving|config_key|execve|fork\$|fork@|socket@|connect@"

linked dstack-verifier-worker libjson-c
without dstack-verifier-worker "$fetching|$serving|config_key|execve|fork\$|fork@"

[ $failures -eq 0 ] || exit 1
