/*
 * machine.h - a shape that was judged, as the tables need it
 *
 * machine_init() is where shapes are refused.  What it lets through is bounded: at most
 * 4096 CPUs, 15 nodes and 31 slots, so nothing behind it can run long or overflow.
 */
#ifndef MEASURE_ACPI_MACHINE_H
#define MEASURE_ACPI_MACHINE_H

#include "measure/acpi/acpi.h"

enum {
	MACHINE_MAX_NODES = 15,         /* their expanders take slots 0x10 to 0x1E */
	MACHINE_SLOTS = 31,            /* of bus 0; slot 31 holds the chipset     */
};

/* The releases at which a byte of the tables changed. */
enum acpi_generation {
	ACPI_G91,       /* 8.0.0 to 9.1.x: interrupts are edge triggered (TDX patches)     */
	ACPI_G92,       /* 9.2.0 to 9.x: level triggered, newer PDSM                       */
	ACPI_G100,      /* 10.x: CPUs to remove are collected before they are signalled    */
	ACPI_G110,      /* 11.0.x: the CPU hotplug device has no _INI                      */
	ACPI_G111,      /* 11.1.0 and later: the serial port's interrupt is level, shared  */
};

/* What the DSDT tells apart; which endpoint it is makes no difference. */
enum slot_use {
	SLOT_FREE = 0,
	SLOT_ENDPOINT,
	SLOT_ROOT_PORT,
	SLOT_EXPANDER,
};

struct machine {
	enum acpi_generation generation;
	bool    pic, smm, hpet, hotplug;
	uint32_t n_cpus;                /* at least 1, and n_nodes                 */
	uint64_t memory;                /* bytes                                   */
	uint64_t below4g;               /* bytes of it below 4 GiB                 */
	uint64_t above4g;               /* address of the rest                     */
	struct acpi_window hole64;      /* for 64-bit BARs; may wrap: see dsdt_pci */
	bool    has_hole64;

	unsigned n_nodes;               /* NUMA nodes; 0: no SRAT, no _PXM         */
	bool    has_expanders;          /* on every node, or on none               */
	uint8_t bus[MACHINE_MAX_NODES]; /* each node's expander                    */

	enum slot_use slots[MACHINE_SLOTS];
	unsigned n_root_ports;          /* on bus 0                                */
	bool    has_selectors;          /* root ports can be plugged into          */
	bool    amd_moves_ram;          /* ACPI_NEWEST has above4g at 1 TiB then    */
};

/*
 * machine_init - judge a shape, in the order of the newest Rust verifier
 *
 *   fails   as acpi_generate()
 *   source  spec acpi-tables 2, 2.1, 3
 */
bool    machine_init(struct machine *m, const struct acpi_shape *shape,
    enum acpi_profile profile, struct reason *why) MUST_CHECK;

/* The NUMA node of CPU i; only where there are nodes. */
static inline uint32_t
machine_node(const struct machine *m, uint32_t i)
{
	return i / (m->n_cpus / m->n_nodes);
}

#endif
