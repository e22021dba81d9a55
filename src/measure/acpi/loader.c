/*
 * etc/table-loader: what the firmware does with the tables, in commands of 128 bytes.
 *
 * It puts both files into memory, replaces offsets by addresses, and computes checksums.
 */
#include "measure/acpi/tables.h"

enum {
	COMMAND_LEN = 128,
	FILE_NAME_LEN = 56,
	SCRIPT_STEP = 4096,

	COMMAND_ALLOCATE = 1,
	COMMAND_ADD_POINTER = 2,
	COMMAND_ADD_CHECKSUM = 3,

	ZONE_HIGH = 1,
	ZONE_LOW = 2,                   /* where firmware looks for an RSDP        */
};

static const char rsdp_file[] = "etc/acpi/rsdp";
static const char tables_file[] = "etc/acpi/tables";

static void
file_name_write(struct bytebuf *b, const char *name)
{
	bytebuf_text(b, name);
	bytebuf_zeros(b, FILE_NAME_LEN - strlen(name));
}

static void
allocate(struct bytebuf *b, const char *file, uint32_t alignment, unsigned zone)
{
	bytebuf_u32(b, COMMAND_ALLOCATE);
	file_name_write(b, file);
	bytebuf_u32(b, alignment);
	bytebuf_u8(b, zone);
	bytebuf_align(b, COMMAND_LEN);
}

/* Adds the tables' address to the `size` bytes at `at` of a file. */
static void
add_pointer(struct bytebuf *b, const char *file, uint32_t at, unsigned size)
{
	bytebuf_u32(b, COMMAND_ADD_POINTER);
	file_name_write(b, file);
	file_name_write(b, tables_file);
	bytebuf_u32(b, at);
	bytebuf_u8(b, size);
	bytebuf_align(b, COMMAND_LEN);
}

static void
add_checksum(struct bytebuf *b, const char *file, uint32_t at, uint32_t start, uint32_t len)
{
	bytebuf_u32(b, COMMAND_ADD_CHECKSUM);
	file_name_write(b, file);
	bytebuf_u32(b, at);
	bytebuf_u32(b, start);
	bytebuf_u32(b, len);
	bytebuf_align(b, COMMAND_LEN);
}

/* The pointers that a table holds come before its checksum. */
static void
pointers_write(struct bytebuf *b, enum table table, struct table_place place)
{
	if (table == TABLE_FACP) {
		add_pointer(b, tables_file, place.at + FACP_FACS, 4);
		add_pointer(b, tables_file, place.at + FACP_DSDT, 4);
		add_pointer(b, tables_file, place.at + FACP_X_DSDT, 8);
	}
	if (table == TABLE_RSDT)
		for (uint32_t at = RSDT_ENTRIES; at < place.len; at += 4)
			add_pointer(b, tables_file, place.at + at, 4);
}

void
loader_write(struct bytebuf *b, const struct table_place *places)
{
	allocate(b, rsdp_file, 16, ZONE_LOW);
	allocate(b, tables_file, 64, ZONE_HIGH);
	for (unsigned table = TABLE_DSDT; table < N_TABLES; table++) {
		const struct table_place place = places[table];

		if (place.len == 0)
			continue;
		pointers_write(b, (enum table)table, place);
		add_checksum(b, tables_file, place.at + TABLE_CHECKSUM, place.at, place.len);
	}
	add_pointer(b, rsdp_file, RSDP_RSDT, 4);
	add_checksum(b, rsdp_file, RSDP_CHECKSUM, 0, RSDP_LEN);
	bytebuf_align(b, SCRIPT_STEP);
}
