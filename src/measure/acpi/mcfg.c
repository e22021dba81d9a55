/*
 * MCFG: where the PCIe configuration space of buses 0 to 255 is.
 */
#include "measure/acpi/tables.h"

#define PCIE_CONFIG             0xE0000000u

void
mcfg_write(struct bytebuf *b)
{
	const size_t at = table_begin(b, "MCFG", 1);

	bytebuf_zeros(b, 8);
	bytebuf_u64(b, PCIE_CONFIG);
	bytebuf_u16(b, 0);                 /* PCI segment group                       */
	bytebuf_u8(b, 0);                  /* first bus, last bus                     */
	bytebuf_u8(b, 0xFF);
	bytebuf_zeros(b, 4);
	table_end(b, at);
}
