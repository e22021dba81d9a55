#include "measure/acpi/machine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define MIB                     (UINT64_C(1) << 20)
#define GIB                     (UINT64_C(1) << 30)
#define TIB                     (UINT64_C(1) << 40)

/* q35 keeps 2 GiB below 4 GiB once RAM would reach into the hole for devices. */
#define LOW_RAM_MAX             UINT64_C(0xB0000000)
#define LOW_RAM                 UINT64_C(0x80000000)

/* An AMD processor's HyperTransport range, which RAM must not touch. */
#define HYPERTRANSPORT          UINT64_C(0xFD00000000)

/* The firmware puts 64-bit BARs into the top eighth of 46 bits of addresses. */
#define HOLE64_FIRST            UINT64_C(0x380000000000)
#define HOLE64_LEN              (32 * GIB)

enum {
	NUMA_MAX_NODES = 128,           /* QEMU's MAX_NODES                        */
	EXPANDER_SLOT = 0x10,           /* of the first; the others follow         */
	EXPANDER_BUS = 5,               /* where hugepages alone imply one         */
	EXPANDER_MAX_PORTS = 32,
	PLAIN_DEVICES = 3,              /* data disk, vsock, host share            */
	ROOT_BUS_FREE = 26,             /* 30 slots less those three and root disk */
};

void
acpi_shape_init(struct acpi_shape *shape)
{
	*shape = (struct acpi_shape){ .num_nics = 1, .root_verity = true };
}

static bool
version_older(const struct acpi_version *v, uint32_t major, uint32_t minor)
{
	return v->major < major || (v->major == major && v->minor < minor);
}

static bool
version_init(struct acpi_version *v, const struct acpi_shape *shape, struct reason *why)
{
	*v = (struct acpi_version){ 9, 1, 0 };
	if (shape->has_qemu_version && !acpi_version_read(v, shape->qemu_version, why))
		return reject_as(why, "Failed to parse QEMU version");
	if (version_older(v, 8, 0))
		return reject(why, REASON_UNSUPPORTED,
		    "Unsupported QEMU version: (%" PRIu32 ", %" PRIu32 ", %" PRIu32 ")",
		    v->major, v->minor, v->patch);
	return true;
}

static enum acpi_generation
generation(const struct acpi_version *v)
{
	if (version_older(v, 9, 2))
		return ACPI_G91;
	if (version_older(v, 10, 0))
		return ACPI_G92;
	if (version_older(v, 11, 0))
		return ACPI_G100;
	if (version_older(v, 11, 1))
		return ACPI_G110;
	return ACPI_G111;
}

static bool
share_mode_known(struct bytes mode)
{
	static const char *const names[] = { "", "9p", "vvfat", "vhd" };

	for (size_t i = 0; i < NELEM(names); i++)
		if (bytes_equal(mode, bytes_str(names[i])))
			return true;
	return false;
}

/* What is judged before upstream's table generator is called. */
static bool
request_check(struct acpi_version *version, const struct acpi_shape *shape, struct reason *why)
{
	const struct bytes mode = shape->host_share_mode;

	if (shape->swtpm)
		return reject(why, REASON_UNSUPPORTED, "swtpm measurement is not supported");
	if (!version_init(version, shape, why))
		return reject_as(why, "failed to get QEMU-versioned options");
	if (!share_mode_known(mode))
		return reject(why, REASON_UNSUPPORTED, "invalid shared disk mode: %.*s",
		    mode.len > 64 ? 64 : (int)mode.len, (const char *)mode.ptr);
	/* Nobody has seen one, so the order in which it would take a slot is not known. */
	if (shape->n_extra_root_devices != 0)
		return reject(why, REASON_UNSUPPORTED, "extra_root_devices is not supported");
	return true;
}

static bool
size_check(const struct acpi_shape *shape, struct reason *why)
{
	if (shape->cpu_count == 0)
		return reject(why, REASON_REFUSED, "cpu_count must be greater than zero");
	if (shape->memory_size == 0)
		return reject(why, REASON_REFUSED, "memory_size must be greater than zero");
	if (shape->cpu_count > ACPI_MAX_CPUS)
		return reject(why, REASON_LIMIT, "cpu_count exceeds the Q35 limit of %d: %" PRIu32,
		    ACPI_MAX_CPUS, shape->cpu_count);
	return true;
}

/* Bus numbers must differ and not be bus 0; the reason lists them as "[5, 5]". */
static bool
buses_check(const struct machine *m, struct reason *why)
{
	char list[MACHINE_MAX_NODES * sizeof "255, " + 1];
	bool seen[UINT8_MAX + 1] = { [0] = true };
	bool good = true;
	size_t len = 0;

	for (unsigned i = 0; i < m->n_nodes; i++) {
		good = good && !seen[m->bus[i]];
		seen[m->bus[i]] = true;
		len += (size_t)snprintf(list + len, sizeof list - len, "%s%u",
		    i == 0 ? "" : ", ", (unsigned)m->bus[i]);
	}
	if (!good)
		return reject(why, REASON_REFUSED,
		    "PXB bus numbers must be nonzero and distinct: [%s]", list);
	return true;
}

/* The NUMA layout that numa_nodes spells out. */
static bool
nodes_init(struct machine *m, const struct acpi_shape *shape, struct reason *why)
{
	const size_t n = shape->n_numa_nodes;

	if (n > NUMA_MAX_NODES)
		return reject(why, REASON_LIMIT, "%zu NUMA nodes exceed QEMU's limit of %d", n,
		    NUMA_MAX_NODES);
	for (size_t i = 0; i < n; i++)
		if (!shape->numa_nodes[i].has_pxb_bus)
			return reject(why, REASON_REFUSED,
			    "every explicit NUMA node needs a PXB expander");
	if (shape->cpu_count % n != 0)
		return reject(why, REASON_REFUSED, "cpu_count (%" PRIu32
		    ") must split evenly across %zu NUMA nodes", shape->cpu_count, n);
	if (shape->memory_size % n != 0)
		return reject(why, REASON_REFUSED, "memory_size (%" PRIu64
		    ") must split evenly across %zu NUMA nodes", shape->memory_size, n);
	if (n > MACHINE_MAX_NODES)
		return reject(why, REASON_LIMIT, "%zu PXB expanders do not fit on the root bus", n);
	m->n_nodes = (unsigned)n;
	m->has_expanders = true;
	for (size_t i = 0; i < n; i++)
		m->bus[i] = shape->numa_nodes[i].pxb_bus;
	return buses_check(m, why);
}

/* Whether every device finds a slot; counts are anything, so the sums have 64 bits. */
static bool
slots_check(const struct machine *m, const struct acpi_shape *shape, struct reason *why)
{
	const int64_t n_expanders = m->has_expanders ? m->n_nodes : 0;
	const int64_t plain = (int64_t)shape->num_nics + shape->num_verity_volumes +
	    shape->root_verity;
	const int64_t ports = (int64_t)shape->num_nvswitches +
	    (m->has_expanders ? 0 : shape->num_gpus);
	const int64_t before = 1 + PLAIN_DEVICES + plain;       /* the first is slot 0 */
	const int64_t wanted = plain - 1 + ports;
	const int64_t free = ROOT_BUS_FREE - n_expanders;

	/* With more expanders than one the GPUs are in no table, whatever their number. */
	if (n_expanders == 1 && shape->num_gpus > EXPANDER_MAX_PORTS)
		return reject(why, REASON_LIMIT, "the requested topology needs %" PRIu32
		    " GPU root ports on the PXB, but QEMU supports at most %d",
		    shape->num_gpus, EXPANDER_MAX_PORTS);
	if (n_expanders > 0 && before > EXPANDER_SLOT)
		return reject(why, REASON_LIMIT, "the requested topology places %" PRId64
		    " devices before the fixed-address PXB, but QEMU has only %d slots there",
		    before, EXPANDER_SLOT);
	if (wanted > free)
		return reject(why, REASON_LIMIT, "the requested topology needs %" PRId64
		    " devices on the root PCIe bus, but QEMU has only %" PRId64 " free slots",
		    wanted, free);
	if (shape->num_nvswitches > 0 && shape->num_gpus == 0)
		return reject(why, REASON_REFUSED,
		    "NVSwitch passthrough requires an iommufd object, but no GPU creates one");
	return true;
}

/* Where `newest` and a QEMU part, the latter's answer must be known. */
static bool
profile_check(const struct machine *m, const struct acpi_shape *shape, enum acpi_profile profile,
    struct reason *why)
{
	if (profile == ACPI_NEWEST && m->n_root_ports > 0 && m->hotplug)
		return reject(why, REASON_UNSUPPORTED, "PCI hotplug on root ports is not modeled; "
		    "set hotplug_off for GPU passthrough");
	if (profile == ACPI_NEWEST)
		return true;
	if (shape->memory_size % MIB != 0 || shape->n_numa_nodes != 0)
		return reject(why, REASON_UNSUPPORTED, "what QEMU itself does is known for whole "
		    "MiB of memory and without numa_nodes only");
	if (shape->pci_hole64_size == 1 ||
	    shape->pci_hole64_size > UINT64_MAX - HOLE64_FIRST + 1)
		return reject(why, REASON_REFUSED, "pci_hole64_size (%" PRIu64 ") is impossible",
		    shape->pci_hole64_size);
	return true;
}

/* The lowest free slot. */
static void
slot_take(struct machine *m, enum slot_use use)
{
	unsigned slot = 1;

	while (slot < MACHINE_SLOTS && m->slots[slot] != SLOT_FREE)
		slot++;
	assert(slot < MACHINE_SLOTS);           /* slots_check() */
	m->slots[slot] = use;
}

/* In the order of QEMU's command line; slots_check() has bounded the loops. */
static void
slots_init(struct machine *m, const struct acpi_shape *shape)
{
	const uint32_t n_endpoints = PLAIN_DEVICES + shape->num_verity_volumes + shape->num_nics +
	    shape->root_verity;

	m->slots[0] = SLOT_ENDPOINT;            /* the memory controller hub */
	for (uint32_t i = 0; i < n_endpoints; i++)
		slot_take(m, SLOT_ENDPOINT);
	for (unsigned i = 0; m->has_expanders && i < m->n_nodes; i++) {
		assert(m->slots[EXPANDER_SLOT + i] == SLOT_FREE);
		m->slots[EXPANDER_SLOT + i] = SLOT_EXPANDER;
	}
	m->n_root_ports = shape->num_nvswitches + (m->has_expanders ? 0 : shape->num_gpus);
	for (unsigned i = 0; i < m->n_root_ports; i++)
		slot_take(m, SLOT_ROOT_PORT);
}

/*
 * Whether RAM above 4 GiB, rounded up to GiB, and the 64-bit hole behind it would reach the
 * HyperTransport range.  Any of the sums may pass 2^64, so each term is tested by itself.
 */
static bool
reaches_hypertransport(uint64_t high_ram, uint64_t hole64_len)
{
	uint64_t end;

	if (high_ram >= HYPERTRANSPORT)
		return true;
	end = (4 * GIB + high_ram + GIB - 1) / GIB * GIB;
	return end >= HYPERTRANSPORT || hole64_len - 1 >= HYPERTRANSPORT - end;
}

static void
memory_init(struct machine *m, const struct acpi_shape *shape, enum acpi_profile profile)
{
	const uint64_t hole64_len = shape->pci_hole64_size != 0 ? shape->pci_hole64_size :
	    HOLE64_LEN;

	m->memory = shape->memory_size;
	m->below4g = m->memory >= LOW_RAM_MAX ? LOW_RAM : m->memory;
	m->amd_moves_ram = reaches_hypertransport(m->memory - m->below4g, hole64_len);
	m->above4g = m->amd_moves_ram && profile == ACPI_NEWEST ? TIB : 4 * GIB;
	if (shape->hole64 != NULL) {
		m->hole64 = *shape->hole64;
		m->has_hole64 = m->hole64.first < m->hole64.last;
	} else {
		m->hole64 = (struct acpi_window){ HOLE64_FIRST, HOLE64_FIRST + hole64_len - 1 };
		m->has_hole64 = true;
	}
}

/* What upstream's table generator judges, and what the tables need to know. */
static bool
topology_init(struct machine *m, const struct acpi_shape *shape, enum acpi_profile profile,
    struct reason *why)
{
	if (!size_check(shape, why))
		return false;
	if (shape->n_numa_nodes != 0) {
		if (!nodes_init(m, shape, why))
			return false;
	} else if (shape->hugepages) {
		m->n_nodes = 1;
		m->has_expanders = shape->num_gpus > 0;
		m->bus[0] = EXPANDER_BUS;
	}
	if (!slots_check(m, shape, why))
		return false;
	m->n_cpus = shape->cpu_count;
	m->smm = shape->smm;
	m->hpet = shape->hpet;
	m->hotplug = !shape->hotplug_off;
	slots_init(m, shape);
	memory_init(m, shape, profile);
	m->has_selectors = profile == ACPI_GENUINE && m->hotplug && m->n_root_ports > 0;
	return profile_check(m, shape, profile, why);
}

bool
machine_init(struct machine *m, const struct acpi_shape *shape, enum acpi_profile profile,
    struct reason *why)
{
	struct acpi_version version;

	*m = (struct machine){ 0 };
	if (!request_check(&version, shape, why))
		return false;
	m->generation = generation(&version);
	m->pic = shape->pic == ACPI_PIC_ON ||
	    (shape->pic == ACPI_PIC_BY_RELEASE && version_older(&version, 9, 0));
	if (!topology_init(m, shape, profile, why))
		return reject_as(why, "failed to generate QEMU ACPI tables");
	return true;
}

bool
acpi_second_chance(const struct acpi_shape *shape)
{
	struct machine m;
	struct reason why;

	if (!machine_init(&m, shape, ACPI_GENUINE, &why))
		return false;
	/* What the firmware programs into an expander does not follow from the shape. */
	if (m.has_expanders)
		return false;
	return m.has_selectors || (m.n_nodes > 0 && m.amd_moves_ram);
}
