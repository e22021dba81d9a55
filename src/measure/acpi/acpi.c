#include "measure/acpi/acpi.h"

#include <assert.h>

#include <openssl/sha.h>

#include "measure/acpi/machine.h"
#include "measure/acpi/tables.h"

/*
 * The room that the tables of any machine fit in, rounded up to what QEMU serves.  Measured:
 * 10 KiB for a machine with one CPU and every device, 147 bytes for a CPU above 255 with its
 * share of the SRAT, 4 KiB for an expander.
 */
enum {
	ROOM_FIXED = 32 << 10,
	ROOM_PER_CPU = 176,
	ROOM_PER_NODE = 8 << 10,
	TABLES_STEP = 128 << 10,
	LOADER_LEN = 4096,
};

static size_t
tables_room(const struct machine *m)
{
	const size_t len = ROOM_FIXED + (size_t)m->n_cpus * ROOM_PER_CPU +
	    (size_t)m->n_nodes * ROOM_PER_NODE;

	return (len + TABLES_STEP - 1) / TABLES_STEP * TABLES_STEP;
}

static struct bytes
bytebuf_bytes(const struct bytebuf *b)
{
	return (struct bytes){ b->ptr, b->len };
}

bool
acpi_generate(struct acpi_blobs *out, struct arena *arena, const struct acpi_shape *shape,
    enum acpi_profile profile, struct reason *why)
{
	struct table_place places[N_TABLES];
	struct bytebuf tables, rsdp, loader;
	struct machine m;
	size_t room;
	uint8_t *p;

	if (!machine_init(&m, shape, profile, why))
		return false;
	room = tables_room(&m);
	p = arena_alloc(arena, room + LOADER_LEN + RSDP_LEN, why);
	if (p == NULL)
		return false;
	tables = (struct bytebuf){ .ptr = p, .max_len = room };
	loader = (struct bytebuf){ .ptr = p + room, .max_len = LOADER_LEN };
	rsdp = (struct bytebuf){ .ptr = p + room + LOADER_LEN, .max_len = RSDP_LEN };
	tables_write(&tables, places, &m);
	loader_write(&loader, places);
	rsdp_write(&rsdp, places);
	assert(!tables.full && !loader.full && !rsdp.full);
	*out = (struct acpi_blobs){
		.tables = bytebuf_bytes(&tables),
		.rsdp = bytebuf_bytes(&rsdp),
		.loader = bytebuf_bytes(&loader),
	};
	return true;
}

void
acpi_digest(struct acpi_digests *out, const struct acpi_blobs *blobs)
{
	SHA384(blobs->loader.ptr, blobs->loader.len, out->loader);
	SHA384(blobs->rsdp.ptr, blobs->rsdp.len, out->rsdp);
	SHA384(blobs->tables.ptr, blobs->tables.len, out->tables);
}
