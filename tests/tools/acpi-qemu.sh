#!/bin/sh
#
# Compares our ACPI tables with those of the QEMU that is installed here; skipped where there
# is none, or an older one than 10.0.  QEMU=FILE names another, and see qemu-acpi.

set -eu
if ! command -v python3 >/dev/null; then
	echo "skipped: no python3"
	exit 77
fi
exec python3 "$srcdir/tests/tools/qemu-acpi" --tool tests/tools/acpi-tables --random 0 \
    --qemu "${QEMU:-qemu-system-x86_64}" ${QEMU_DATA:+--data "$QEMU_DATA"}
