#include "launch.h"

#define GLOBAL_VARIABLE         "61dfe48bca93d211aa0d00e098032b8c"
#define IMAGE_SECURITY          "cbb219d73a3d9645a3bcdad00e67656f"
#define UI_APP \
	"090100002c0055006900410070007000000004071400c9bdb87cebf8344faaea3ee4af6516a1" \
	"0406140021aa2c4614760345836e8ab6f46623317fff0400"
/* SHA-384 of OVMF's empty variable store of 0x84000 bytes, which is not here. */
#define EMPTY_STORE \
	"344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6" \
	"412af21c097d473155875ffd561d6790"

#define LOW_END         UINT64_C(0x80000000)
#define HIGH_START      UINT64_C(0x100000000)

static struct bytes
sha384(struct bytes data)
{
	return events_sha384(&data, 1);
}

/* ---- TD HOB ---- */

/* Free memory around the accepted ranges, and those, by address: what is left is cut away. */
struct parts {
	size_t  n;
	struct { uint64_t start, end; bool accepted; } at[4 * IMAGE_RANGES];
};

static void
part_add(struct parts *parts, uint64_t start, uint64_t end, bool accepted)
{
	parts->at[parts->n].start = start;
	parts->at[parts->n].end = end;
	parts->at[parts->n++].accepted = accepted;
}

/* For ranges by start that do not overlap; memory ends behind them. */
static void
parts_make(struct parts *parts, const struct image_layout *layout, uint64_t memory_size)
{
	uint64_t at = 0;

	parts->n = 0;
	for (size_t i = 0; i < layout->n; i++) {
		if (layout->ranges[i].start > at)
			part_add(parts, at, layout->ranges[i].start, false);
		at = layout->ranges[i].start + layout->ranges[i].len;
		part_add(parts, layout->ranges[i].start, at, true);
	}
	MUST(at < memory_size);
	part_add(parts, at, memory_size, false);
}

static void
add_resource(CBB *out, uint64_t type, uint64_t start, uint64_t len)
{
	build_add_le(out, 3, 2);
	build_add_le(out, 48, 2);
	build_add_le(out, 0, 4);
	build_add_le(out, 0, 8);
	build_add_le(out, 0, 8);
	build_add_le(out, type, 4);
	build_add_le(out, 7, 4);
	build_add_le(out, start, 8);
	build_add_le(out, len, 8);
}

static struct bytes
resources(const struct image_layout *layout, uint64_t memory_size, bool split)
{
	struct parts parts;
	uint64_t start, end;
	CBB out;

	parts_make(&parts, layout, memory_size);
	MUST(CBB_init(&out, 512));
	for (size_t i = 0; i + 1 < parts.n; i++)
		add_resource(&out, parts.at[i].accepted ? 0 : 7, parts.at[i].start,
		    parts.at[i].end - parts.at[i].start);
	start = parts.at[parts.n - 1].start;
	end = parts.at[parts.n - 1].end;
	if (!split) {
		add_resource(&out, 7, start, end - start);
	} else {
		add_resource(&out, 7, start, LOW_END - start);
		add_resource(&out, 7, HIGH_START, end - LOW_END);
	}
	return build_finish(&out);
}

struct bytes
launch_td_hob(const struct image_layout *layout, uint64_t memory_size, bool split)
{
	const struct bytes rest = resources(layout, memory_size, split);
	CBB out;

	MUST(CBB_init(&out, 512));
	build_add_le(&out, 1, 2);
	build_add_le(&out, 56, 2);
	build_add_le(&out, 0, 4);
	build_add_le(&out, 9, 4);
	build_add_le(&out, 0, 4);
	for (unsigned i = 0; i < 4; i++)
		build_add_le(&out, 0, 8);
	build_add_le(&out, layout->hob + 56 + rest.len + 8, 8);
	build_add(&out, rest);
	return build_finish(&out);
}

/* ---- command line ---- */

/* One character off UTF-8 that is known to be sound. */
static uint32_t
character(struct bytes *text)
{
	uint32_t c = text->ptr[0];
	size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	MUST(text->len > more);
	if (more != 0)
		c &= 0x3fu >> more;
	for (size_t i = 1; i <= more; i++)
		c = c << 6 | (text->ptr[i] & 0x3f);
	*text = (struct bytes){ text->ptr + 1 + more, text->len - 1 - more };
	return c;
}

struct bytes
launch_cmdline(struct bytes cmdline)
{
	struct bytes text = build_join((struct bytes[]){ cmdline,
	    bytes_str(" initrd=initrd") }, 2);
	uint32_t c;
	CBB out;

	MUST(CBB_init(&out, 512));
	while (text.len != 0) {
		c = character(&text);
		if (c >= 0x10000) {
			build_add_le(&out, 0xd800 + ((c - 0x10000) >> 10), 2);
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		build_add_le(&out, c, 2);
	}
	build_add_le(&out, 0, 2);
	return sha384(build_finish(&out));
}

/* ---- events ---- */

static struct bytes
variable(const char *guid, const char *name)
{
	CBB out;

	MUST(CBB_init(&out, 64));
	build_add(&out, build_hex(guid));
	build_add_le(&out, strlen(name), 8);
	build_add_le(&out, 0, 8);
	for (; *name != '\0'; name++)
		build_add_le(&out, (uint8_t)*name, 2);
	return sha384(build_finish(&out));
}

struct list {
	struct event *event;
	size_t  n;
};

static struct event *
add_event(struct list *list, uint32_t imr, uint32_t type, struct bytes digest)
{
	struct event *e = &list->event[list->n++];

	MUST(list->n <= LAUNCH_EVENTS);
	*e = (struct event){ .imr = imr, .type = type, .version = 1, .digest = digest };
	return e;
}

static void
add_acpi(struct list *list, const char *name, const uint8_t digest[ACPI_DIGEST_LEN])
{
	struct event *e = add_event(list, 0, EVENT_TYPE_ACPI,
	    build_keep(digest, ACPI_DIGEST_LEN));

	e->name = build_copy(name);
	e->payload = build_copy("ACPI DATA");
}

static void
add_firmware(struct list *list, struct bytes td_hob, const struct acpi_digests *acpi)
{
	add_event(list, 0, 0x8000000b, td_hob);
	add_event(list, 0, 0x8000000a, build_hex(EMPTY_STORE));
	add_event(list, 0, 0x80000001, variable(GLOBAL_VARIABLE, "SecureBoot"));
	add_event(list, 0, 0x80000001, variable(GLOBAL_VARIABLE, "PK"));
	add_event(list, 0, 0x80000001, variable(GLOBAL_VARIABLE, "KEK"));
	add_event(list, 0, 0x80000001, variable(IMAGE_SECURITY, "db"));
	add_event(list, 0, 0x80000001, variable(IMAGE_SECURITY, "dbx"));
	add_event(list, 0, 4, sha384(build_hex("00000000")));
	add_acpi(list, "acpi-loader", acpi->loader);
	add_acpi(list, "acpi-rsdp", acpi->rsdp);
	add_acpi(list, "acpi-tables", acpi->tables);
	add_event(list, 0, 0x80000002, sha384(build_hex("0000")));
	add_event(list, 0, 0x80000002, sha384(build_hex(UI_APP)));
}

void
launch_events(struct event events[LAUNCH_EVENTS], const struct tdx_document *image,
    const struct image_layout *layout, uint64_t memory_size, bool split,
    const struct acpi_digests *acpi)
{
	struct list list = { events, 0 };
	const struct bytes cmdline = image->cmdline.ptr != NULL ?
	    launch_cmdline(image->cmdline) : image->cmdline_sha384;

	add_firmware(&list, sha384(launch_td_hob(layout, memory_size, split)), acpi);
	add_event(&list, 1, 0x80000003, image->kernel_authenticode);
	add_event(&list, 1, 0x80000007,
	    sha384(bytes_str("Calling EFI Application from Boot Option")));
	add_event(&list, 1, 4, sha384(build_hex("00000000")));
	add_event(&list, 1, 0x80000007, sha384(bytes_str("Exit Boot Services Invocation")));
	add_event(&list, 1, 0x80000007,
	    sha384(bytes_str("Exit Boot Services Returned with Success")));
	add_event(&list, 2, 6, cmdline);
	add_event(&list, 2, 6, image->initrd_sha384);
	MUST(list.n == LAUNCH_EVENTS);
}

void
launch_replay(uint8_t rtmr[3][EVENT_DIGEST_LEN], const struct event events[LAUNCH_EVENTS])
{
	memset(rtmr, 0, 3 * (size_t)EVENT_DIGEST_LEN);
	for (size_t i = 0; i < LAUNCH_EVENTS; i++)
		events_extend(rtmr[events[i].imr], events[i].digest);
}
