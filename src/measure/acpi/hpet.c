/*
 * HPET: the high precision timer.  dstack switches it off; only vectors have one.
 */
#include "measure/acpi/tables.h"

void
hpet_write(struct bytebuf *b)
{
	const size_t at = table_begin(b, "HPET", 1);

	bytebuf_u32(b, 0x8086A201);        /* block id: Intel's, legacy replacement   */
	gas_write(b, GAS_MEMORY, 0, 0xFED00000);
	bytebuf_zeros(b, 4);
	table_end(b, at);
}
