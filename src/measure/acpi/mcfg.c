/*
 * MCFG: where the PCIe configuration space of buses 0 to 255 is.
 */
#include "measure/acpi/tables.h"

#define PCIE_CONFIG             0xE0000000u

void
mcfg_write(struct blob *b)
{
	const size_t at = table_begin(b, "MCFG", 1);

	blob_zeros(b, 8);
	blob_u64(b, PCIE_CONFIG);
	blob_u16(b, 0);                 /* PCI segment group                       */
	blob_u8(b, 0);                  /* first bus, last bus                     */
	blob_u8(b, 0xFF);
	blob_zeros(b, 4);
	table_end(b, at);
}
