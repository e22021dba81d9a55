/*
 * kernel.h - a Linux kernel image as QEMU hands it to the firmware
 *
 * QEMU loads the kernel itself: it writes its own boot loader number, the place of the command
 * line and the place of the initrd into the kernel's setup header.  The firmware then measures
 * the result, so the digest depends on where the initrd lies, which depends on the memory size.
 * Images with a normalized header are handed on as they are, and so are all kernels by QEMU 10.2
 * and later.
 */
#ifndef MEASURE_KERNEL_H
#define MEASURE_KERNEL_H

#include "core/digest.h"
#include "core/reason.h"

#define KERNEL_MAX_LEN          (256u << 20)
#define KERNEL_HEAD_LEN         4096            /* all that QEMU writes to lies in it   */

/* With so much memory the initrd's address no longer depends on how much. */
#define KERNEL_HIGH_MEMORY      UINT64_C(0xb0000000)

/* What the setup header says about where an initrd may lie. */
struct kernel_header {
	uint16_t protocol;              /* 0x20f is 2.15                                */
	uint16_t xloadflags;
	uint32_t initrd_max;            /* highest address of its last byte             */
};

/*
 * kernel_header_read - the fields an address follows from
 *
 *   fails   MALFORMED    "the kernel image is too short": less than KERNEL_HEAD_LEN
 */
bool    kernel_header_read(struct kernel_header *header, struct bytes kernel,
    struct reason *why) MUST_CHECK;

/*
 * kernel_initrd_addr - where QEMU puts the initrd
 *
 *   addr    0 without an initrd
 *   fails   "Failed to patch kernel: ...": the kernel is too old for one, the initrd does not fit
 *   source  os-image-measurement.md 9.2, upstream-delta.md 6; QEMU hw/i386/x86.c
 */
bool    kernel_initrd_addr(uint32_t *addr, const struct kernel_header *header,
    uint64_t initrd_size, uint64_t memory_size, struct reason *why) MUST_CHECK;

/*
 * kernel_patched_digest - the Authenticode digest after QEMU wrote to the header
 *
 *   initrd_addr  of kernel_initrd_addr(); counts only when initrd_size is not 0
 *   fails   "Failed to patch kernel: the kernel image is too short", "Failed to compute kernel
 *           hash: ..." as pe_authenticode()
 *   cost    one pass over the kernel
 *   source  os-image-measurement.md 9.1
 */
bool    kernel_patched_digest(struct digest384 *out, struct bytes kernel, uint32_t initrd_addr,
    uint32_t initrd_size, struct reason *why) MUST_CHECK;

/* The digest of the file as shipped. */
bool    kernel_unpatched_digest(struct digest384 *out, struct bytes kernel,
    struct reason *why) MUST_CHECK;

#endif
