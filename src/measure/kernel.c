#include "measure/kernel.h"

#include <inttypes.h>

#include "measure/pe.h"

/* Fields of the setup header: Linux, Documentation/arch/x86/boot.rst. */
#define AT_CL_MAGIC             0x020           /* before protocol 2.02                 */
#define AT_CL_OFFSET            0x022
#define AT_PROTOCOL             0x206
#define AT_TYPE_OF_LOADER       0x210
#define AT_LOADFLAGS            0x211
#define AT_RAMDISK_IMAGE        0x218
#define AT_RAMDISK_SIZE         0x21c
#define AT_HEAP_END_PTR         0x224
#define AT_CMD_LINE_PTR         0x228
#define AT_INITRD_ADDR_MAX      0x22c
#define AT_XLOADFLAGS           0x236

#define PROTOCOL_2_00           0x200
#define PROTOCOL_2_01           0x201
#define PROTOCOL_2_02           0x202
#define PROTOCOL_2_03           0x203
#define PROTOCOL_2_12           0x20c

#define LOADED_HIGH             0x01            /* loadflags                            */
#define CAN_USE_HEAP            0x80
#define CAN_BE_ABOVE_4G         0x02            /* xloadflags                           */
#define CL_MAGIC                0xa33f
#define LOADER_QEMU             0xb0

#define INITRD_MAX_DEFAULT      UINT32_C(0x37ffffff)
#define ACPI_DATA_LEN           UINT64_C(0x28000)       /* kept free below the end of memory */
#define LOW_MEMORY_SPLIT        UINT64_C(0x80000000)    /* where low memory ends with much   */
#define INITRD_ALIGNMENT        4096

/* Where QEMU's loader has the real-mode code and the command line. */
struct places {
	uint32_t real, cmdline;
};

static bool
u16_at(uint16_t *out, struct bytes kernel, size_t at)
{
	CBS in = cbs_bytes(kernel);

	return CBS_skip(&in, at) && CBS_get_u16le(&in, out);
}

static bool
u32_at(uint32_t *out, struct bytes kernel, size_t at)
{
	CBS in = cbs_bytes(kernel);

	return CBS_skip(&in, at) && CBS_get_u32le(&in, out);
}

bool
kernel_header_read(struct kernel_header *header, struct bytes kernel, struct reason *why)
{
	if (kernel.len < KERNEL_HEAD_LEN ||
	    !u16_at(&header->protocol, kernel, AT_PROTOCOL) ||
	    !u16_at(&header->xloadflags, kernel, AT_XLOADFLAGS) ||
	    !u32_at(&header->initrd_max, kernel, AT_INITRD_ADDR_MAX))
		return reject(why, REASON_MALFORMED, "the kernel image is too short");
	return true;
}

/*
 * The kernel's own bound.  Bit 1 of xloadflags, where older versions of the Rust verifier looked
 * at bit 6.  Compat: from protocol 2.12 on, initrd_addr_max is not read when the bit is clear,
 * which QEMU does and upstream does not; no kernel that dstack ships has it clear.
 */
static uint64_t
header_max(const struct kernel_header *header)
{
	if (header->protocol >= PROTOCOL_2_12)
		return (header->xloadflags & CAN_BE_ABOVE_4G) != 0 ? UINT32_MAX :
		    INITRD_MAX_DEFAULT;
	if (header->protocol >= PROTOCOL_2_03 && header->initrd_max != 0)
		return header->initrd_max;
	return INITRD_MAX_DEFAULT;
}

static bool
initrd_addr(uint32_t *addr, const struct kernel_header *header, uint64_t initrd_size,
    uint64_t memory_size, struct reason *why)
{
	uint64_t max = header_max(header);
	uint64_t low = memory_size < KERNEL_HIGH_MEMORY ? memory_size : LOW_MEMORY_SPLIT;

	if (header->protocol < PROTOCOL_2_00)
		return reject(why, REASON_UNSUPPORTED, "the kernel image is too old for ramdisk");
	if (low < ACPI_DATA_LEN)
		return reject(why, REASON_REFUSED, "ACPI data size (%" PRIu64
		    ") exceeds available memory (%" PRIu64 ")", ACPI_DATA_LEN, low);
	low -= ACPI_DATA_LEN;
	if (max >= low)
		max = low == 0 ? 0 : low - 1;
	if (initrd_size >= max)
		return reject(why, REASON_REFUSED, "initrd is too large");
	*addr = (uint32_t)((max - initrd_size) & ~(uint64_t)(INITRD_ALIGNMENT - 1));
	return true;
}

bool
kernel_initrd_addr(uint32_t *addr, const struct kernel_header *header, uint64_t initrd_size,
    uint64_t memory_size, struct reason *why)
{
	*addr = 0;
	if (initrd_size == 0)
		return true;
	if (!initrd_addr(addr, header, initrd_size, memory_size, why))
		return reject_as(why, "Failed to patch kernel");
	return true;
}

static void
put_u16(uint8_t *head, size_t at, uint32_t value)
{
	head[at] = (uint8_t)value;
	head[at + 1] = (uint8_t)(value >> 8);
}

static void
put_u32(uint8_t *head, size_t at, uint32_t value)
{
	put_u16(head, at, value);
	put_u16(head, at + 2, value >> 16);
}

static void
head_patch(uint8_t head[KERNEL_HEAD_LEN], uint16_t protocol, uint32_t addr, uint32_t initrd_size)
{
	bool high = protocol >= PROTOCOL_2_00 && (head[AT_LOADFLAGS] & LOADED_HIGH) != 0;
	const struct places at = high ? (struct places){ 0x10000, 0x20000 } :
	    (struct places){ 0x90000, 0x9a000 };

	if (protocol >= PROTOCOL_2_00)
		head[AT_TYPE_OF_LOADER] = LOADER_QEMU;
	if (protocol >= PROTOCOL_2_01) {
		head[AT_LOADFLAGS] |= CAN_USE_HEAP;
		put_u32(head, AT_HEAP_END_PTR, at.cmdline - at.real - 0x200);
	}
	if (protocol >= PROTOCOL_2_02)
		put_u32(head, AT_CMD_LINE_PTR, at.cmdline);
	else {
		put_u16(head, AT_CL_MAGIC, CL_MAGIC);
		put_u16(head, AT_CL_OFFSET, at.cmdline - at.real);
	}
	if (initrd_size != 0) {
		put_u32(head, AT_RAMDISK_IMAGE, addr);
		put_u32(head, AT_RAMDISK_SIZE, initrd_size);
	}
}

static bool
digest_compute(struct digest384 *out, struct bytes kernel, struct bytes head, struct reason *why)
{
	if (!pe_authenticode(out, kernel, head, why))
		return reject_as(why, "Failed to compute kernel hash");
	return true;
}

bool
kernel_patched_digest(struct digest384 *out, struct bytes kernel, uint32_t addr,
    uint32_t initrd_size, struct reason *why)
{
	uint8_t head[KERNEL_HEAD_LEN];
	struct kernel_header header;

	if (!kernel_header_read(&header, kernel, why))
		return reject_as(why, "Failed to patch kernel");
	memcpy(head, kernel.ptr, sizeof head);
	head_patch(head, header.protocol, addr, initrd_size);
	return digest_compute(out, kernel, BYTES_OF(head), why);
}

bool
kernel_unpatched_digest(struct digest384 *out, struct bytes kernel, struct reason *why)
{
	return digest_compute(out, kernel, (struct bytes){ 0 }, why);
}
