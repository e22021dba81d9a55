/*
 * tables.h - the ACPI tables, one writer each, and where they ended up
 *
 * Each writer appends one whole table.  Checksums stay 0 and addresses are offsets within
 * the blob: the firmware fills both in, told to by the loader script, after it measured.
 *
 *      source  ACPI 6.4, chapter 5.2; spec acpi-tables 6 to 9
 */
#ifndef MEASURE_ACPI_TABLES_H
#define MEASURE_ACPI_TABLES_H

#include "measure/acpi/bytebuf.h"
#include "measure/acpi/machine.h"

/* In the order in which they lie in etc/acpi/tables. */
enum table {
	TABLE_FACS,
	TABLE_DSDT,
	TABLE_FACP,     /* from here on the RSDT lists them                        */
	TABLE_APIC,
	TABLE_HPET,
	TABLE_SRAT,
	TABLE_MCFG,
	TABLE_WAET,
	TABLE_RSDT,     /* itself not                                              */
	N_TABLES,
};

enum {
	FACP_FACS = 36,         /* offsets of its pointers: 4 bytes                */
	FACP_DSDT = 40,         /* 4 bytes                                         */
	FACP_X_DSDT = 140,      /* 8 bytes                                         */
	RSDT_ENTRIES = 36,      /* 4 bytes each                                    */
	RSDP_LEN = 20,
	RSDP_RSDT = 16,         /* 4 bytes                                         */
	TABLE_CHECKSUM = 9,     /* offset of the checksum byte in any table        */
	RSDP_CHECKSUM = 8,
};

struct table_place {
	uint32_t at, len;       /* len 0: there is no such table                   */
};

/* The 36 bytes in front of every table but the FACS; table_end() sets the length. */
size_t  table_begin(struct bytebuf *b, const char *signature, unsigned revision);
void    table_end(struct bytebuf *b, size_t at);

/* A generic address: where a register lives. */
enum gas_space {
	GAS_MEMORY = 0,
	GAS_IO = 1,
};
void    gas_write(struct bytebuf *b, enum gas_space space, unsigned bits, uint64_t address);

/* All tables in their order, zero padded; places has N_TABLES elements. */
void    tables_write(struct bytebuf *b, struct table_place *places, const struct machine *m);

/* The entry point, a file of its own. */
void    rsdp_write(struct bytebuf *b, const struct table_place *places);

/* What the firmware is to do with the other two files. */
void    loader_write(struct bytebuf *b, const struct table_place *places);

void    dsdt_write(struct bytebuf *b, const struct machine *m);
void    facp_write(struct bytebuf *b, const struct table_place *places, const struct machine *m);
void    hpet_write(struct bytebuf *b);
void    madt_write(struct bytebuf *b, const struct machine *m);
void    mcfg_write(struct bytebuf *b);
void    srat_write(struct bytebuf *b, const struct machine *m);

/* CPU i's entry in the MADT, which its object in the DSDT repeats. */
void    madt_cpu_write(struct bytebuf *b, uint32_t i);

/* Whether CPU i is too high for an 8-bit APIC id, whose last value means "all". */
static inline bool
madt_is_x2apic(uint32_t i)
{
	return i >= 255;
}

#endif
