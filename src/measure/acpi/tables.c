#include "measure/acpi/tables.h"

enum {
	TABLES_STEP = 128 << 10,        /* a multiple of this is what QEMU serves  */
	FACS_LEN = 64,
};

size_t
table_begin(struct bytebuf *b, const char *signature, unsigned revision)
{
	const size_t at = b->len;

	bytebuf_text(b, signature);
	bytebuf_u32(b, 0);                 /* length: table_end()                     */
	bytebuf_u8(b, revision);
	bytebuf_u8(b, 0);                  /* checksum: the firmware                  */
	bytebuf_text(b, "BOCHS ");
	bytebuf_text(b, "BXPC    ");
	bytebuf_u32(b, 1);
	bytebuf_text(b, "BXPC");
	bytebuf_u32(b, 1);
	return at;
}

void
table_end(struct bytebuf *b, size_t at)
{
	bytebuf_set_u32(b, at + 4, (uint32_t)(b->len - at));
}

void
gas_write(struct bytebuf *b, enum gas_space space, unsigned bits, uint64_t address)
{
	bytebuf_u8(b, space);
	bytebuf_u8(b, bits);
	bytebuf_u16(b, 0);                 /* bit offset, access size                 */
	bytebuf_u64(b, address);
}

static void
facs_write(struct bytebuf *b)
{
	bytebuf_text(b, "FACS");
	bytebuf_u32(b, FACS_LEN);
	bytebuf_zeros(b, FACS_LEN - 8);
}

static void
waet_write(struct bytebuf *b)
{
	const size_t at = table_begin(b, "WAET", 1);

	bytebuf_u32(b, 2);                 /* the PM timer is good at the first read  */
	table_end(b, at);
}

static void
rsdt_write(struct bytebuf *b, const struct table_place *places)
{
	const size_t at = table_begin(b, "RSDT", 1);

	for (unsigned table = TABLE_FACP; table < TABLE_RSDT; table++)
		if (places[table].len != 0)
			bytebuf_u32(b, places[table].at);
	table_end(b, at);
}

static void
table_write(struct bytebuf *b, enum table table, const struct table_place *places,
    const struct machine *m)
{
	switch (table) {
	case TABLE_FACS:
		facs_write(b);
		break;
	case TABLE_DSDT:
		dsdt_write(b, m);
		break;
	case TABLE_FACP:
		facp_write(b, places, m);
		break;
	case TABLE_APIC:
		madt_write(b, m);
		break;
	case TABLE_HPET:
		if (m->hpet)
			hpet_write(b);
		break;
	case TABLE_SRAT:
		if (m->n_nodes > 0)
			srat_write(b, m);
		break;
	case TABLE_MCFG:
		mcfg_write(b);
		break;
	case TABLE_WAET:
		waet_write(b);
		break;
	case TABLE_RSDT:
		rsdt_write(b, places);
		break;
	case N_TABLES:
		break;
	}
}

void
tables_write(struct bytebuf *b, struct table_place *places, const struct machine *m)
{
	for (unsigned table = 0; table < N_TABLES; table++) {
		places[table].at = (uint32_t)b->len;
		table_write(b, (enum table)table, places, m);
		places[table].len = (uint32_t)b->len - places[table].at;
	}
	bytebuf_align(b, TABLES_STEP);
}

void
rsdp_write(struct bytebuf *b, const struct table_place *places)
{
	bytebuf_text(b, "RSD PTR ");
	bytebuf_u8(b, 0);                  /* checksum: the firmware                  */
	bytebuf_text(b, "BOCHS ");
	bytebuf_u8(b, 0);                  /* revision: ACPI 1.0                      */
	bytebuf_u32(b, places[TABLE_RSDT].at);
}
