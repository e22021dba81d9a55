/*
 * acpi.h - the ACPI tables that QEMU hands to the firmware of a dstack guest
 *
 * The firmware measures three files of QEMU's into RTMR0 before it patches them: the loader
 * script, the RSDP and the tables.  Their bytes are a function of the machine's shape alone,
 * so they are generated here, byte for byte, and nothing of the event log is believed.
 *
 * A caller fills in a struct acpi_shape with what vm_config declares and need not judge any
 * of it: every value of every field gets tables or a reason.  All rules on what a machine
 * may look like (versions, slots, NUMA) are here, and so are the texts clients know.
 *
 * Two profiles exist.  ACPI_NEWEST is what the newest Rust verifier computes.  ACPI_GENUINE
 * is what a QEMU of the named release gives its guest; acpi_second_chance() tells for which
 * shapes the two differ in a way that an honest machine shows (spec: acpi-tables 2.1).
 */
#ifndef MEASURE_ACPI_ACPI_H
#define MEASURE_ACPI_ACPI_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"

enum {
	ACPI_MAX_CPUS = 4096,
	ACPI_DIGEST_LEN = 48,           /* SHA-384                                 */
};

enum acpi_profile {
	ACPI_NEWEST = 0,
	ACPI_GENUINE,
};

/* Whether there is a legacy interrupt controller; the release decides when not told. */
enum acpi_pic {
	ACPI_PIC_BY_RELEASE = 0,        /* before 9.0.0: on, from then on: off     */
	ACPI_PIC_OFF,
	ACPI_PIC_ON,
};

struct acpi_version {
	uint32_t major, minor, patch;
};

/* One entry of numa_nodes. */
struct acpi_node {
	bool    has_pxb_bus;            /* false: absent or null, which is refused */
	uint8_t pxb_bus;                /* bus number of its PCIe expander         */
};

/* A range of addresses, both ends included; empty when first >= last. */
struct acpi_window {
	uint64_t first, last;
};

/*
 * What the tables depend on.  Begin with acpi_shape_init(), which sets the defaults of
 * absent members, and copy the members that are there; pointers are borrowed.
 */
struct acpi_shape {
	/*      field                      vm_config's member, unit, default            */
	uint32_t cpu_count;             /* cpu_count, 0 (refused); 1 to 4096            */
	uint64_t memory_size;           /* memory_size, bytes, 0 (refused)              */
	bool    has_qemu_version;       /* whether qemu_version is there and not null   */
	struct bytes qemu_version;      /* qemu_version, "9.2.1"; absent: 9.1.0         */
	enum acpi_pic pic;              /* pic: absent or null, false, true             */
	uint64_t pci_hole64_size;       /* pci_hole64_size, bytes, 0: 32 GiB            */
	bool    hugepages;              /* hugepages, false                             */
	uint32_t num_gpus;              /* num_gpus, 0                                  */
	uint32_t num_nvswitches;        /* num_nvswitches, 0                            */
	uint32_t num_nics;              /* num_nics, 1                                  */
	uint32_t num_verity_volumes;    /* num_verity_volumes, 0                        */
	bool    swtpm;                  /* swtpm, false; true is refused                */
	bool    hotplug_off;            /* hotplug_off, false                           */
	struct bytes host_share_mode;   /* host_share_mode, "": the same as "9p"        */
	const struct acpi_node *numa_nodes;     /* numa_nodes, []                       */
	size_t  n_numa_nodes;
	size_t  n_extra_root_devices;   /* entries of extra_root_devices; refused if any */

	/* Fixed by the verifier, never taken from a request; vectors set them. */
	bool    root_verity;            /* true: the root disk is a PCI device          */
	bool    smm;                    /* false                                        */
	bool    hpet;                   /* false                                        */
	const struct acpi_window *hole64;       /* NULL: where the firmware puts it     */
};

/* Three files; all in the arena they were generated in. */
struct acpi_blobs {
	struct bytes tables;            /* etc/acpi/tables, n * 128 KiB            */
	struct bytes rsdp;              /* etc/acpi/rsdp, 20 bytes                 */
	struct bytes loader;            /* etc/table-loader, 4096 bytes            */
};

/* SHA-384 of each, as the three RTMR0 events "ACPI DATA" carry them, in their order. */
struct acpi_digests {
	uint8_t loader[ACPI_DIGEST_LEN];
	uint8_t rsdp[ACPI_DIGEST_LEN];
	uint8_t tables[ACPI_DIGEST_LEN];
};

/* The shape of an empty vm_config: one network card, a verity root disk, the rest zero. */
void    acpi_shape_init(struct acpi_shape *shape);

/*
 * acpi_version_read - a QEMU release as vm_config names it: "10.2.1"
 *
 *   fails   MALFORMED    not three parts, or a part is not a decimal u32 (one '+' may
 *                        stand in front of it)
 *   source  Dstack-TEE/dstack, dstack-mr: parse_version_tuple()
 */
bool    acpi_version_read(struct acpi_version *version, struct bytes text,
    struct reason *why) MUST_CHECK;

/*
 * acpi_generate - the three files for one machine
 *
 *   arena   gives one piece: 128 KiB + 5 KiB up to 600 CPUs, 1 MiB at most; an arena used
 *           for nothing else and reset between calls stops asking the system for memory
 *   fails   MALFORMED    qemu_version is not a version
 *           UNSUPPORTED  a machine that can exist and whose tables are not defined here
 *           LIMIT        more of something than QEMU's machine has room for
 *           REFUSED      a machine that cannot exist
 *           LIMIT, INTERNAL as arena_alloc()
 *   cost    linear in the CPUs and nodes, whatever the other fields say; for 64 CPUs that of
 *           two or three P-256 verifications (make bench)
 *   source  spec acpi-tables 2 to 9; QEMU hw/i386/acpi-build.c, acpi-common.c, hw/acpi
 */
bool    acpi_generate(struct acpi_blobs *out, struct arena *arena, const struct acpi_shape *shape,
    enum acpi_profile profile, struct reason *why) MUST_CHECK;

/* What the events carry.  Hashing 128 KiB of tables costs more than generating them. */
void    acpi_digest(struct acpi_digests *out, const struct acpi_blobs *blobs);

/*
 * acpi_second_chance - whether ACPI_GENUINE may be tried when ACPI_NEWEST did not fit
 *
 *   true    an honest QEMU starts this shape and shows other tables than ACPI_NEWEST says:
 *           root ports on bus 0 with hotplug on (ACPI_NEWEST refuses them), or NUMA memory
 *           that only an AMD machine would move to 1 TiB
 *   source  spec acpi-tables 2.1
 */
bool    acpi_second_chance(const struct acpi_shape *shape);

#endif
