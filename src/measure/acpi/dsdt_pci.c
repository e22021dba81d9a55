/*
 * The PCI host bridges, what they decode, and the devices on bus 0.
 */
#include <assert.h>
#include <stdio.h>

#include "measure/acpi/dsdt.h"

#define PCIE_CONFIG             0xE0000000u
#define PCIE_CONFIG_LAST        0xEFFFFFFFu
#define IO_APIC                 0xFEC00000u

enum {
	N_SLOTS = 32,
	N_PINS = 4,
};

void
dsdt_osc_write(struct aml *a, bool native)
{
	const unsigned granted = native ? 0x1F : 0x1E;

	AML(a, Method("_OSC", 4, NOT_SERIALIZED,
	    CreateDWordField(Arg(3), 0, "CDW1"),
	    If(LEqual(Arg(0), ToUuid("33DB4D5B-1FF7-401C-9657-7441C03DD766")),
		CreateDWordField(Arg(3), 4, "CDW2"),
		CreateDWordField(Arg(3), 8, "CDW3"),
		Store(Ref("CDW3"), Local(0)),
		And(Local(0), Int(granted), Local(0)),
		If(LNot(LEqual(Arg(1), Int(1))), Or(Ref("CDW1"), Int(8), Ref("CDW1"))),
		If(LNot(LEqual(Ref("CDW3"), Local(0))),
		    Or(Ref("CDW1"), Int(0x10), Ref("CDW1"))),
		Store(Local(0), Ref("CDW3"))),
	    Else(Or(Ref("CDW1"), Int(4), Ref("CDW1"))),
	    Return(Arg(3))));
}

/* EDSM: _DSM of a device that can't be unplugged; Arg4 holds its label index. */
static void
edsm_write(struct aml *a)
{
	AML(a, Method("EDSM", 5, SERIALIZED,
	    If(LEqual(Arg(2), Int(0)),
		DSM_GUARD,
		Store(Int(0x81), Index(Local(0), Int(0))),
		Return(Local(0))),
	    If(LEqual(Arg(2), Int(7)),
		Store(Package(2, Int(0), Text("")), Local(0)),
		Store(DerefOf(Index(Arg(4), Int(0))), Local(1)),
		Store(Local(1), Index(Local(0), Int(0))),
		Return(Local(0)))));
}

void
dsdt_host_bridge_write(struct aml *a, const struct machine *m)
{
	AML(a, BeginScope("_SB"),
	    BeginDevice("PCI0"),
	    Name("_HID", EisaId("PNP0A08")),
	    Name("_CID", EisaId("PNP0A03")),
	    Name("_UID", Int(0)));
	dsdt_osc_write(a, !m->hotplug);
	edsm_write(a);
	AML(a, End,
	    Device("DRAC",
		Name("_HID", Text("PNP0C01")),
		Name("_CRS", ResourceTemplate(
		    MemoryRange32(UNCACHED, PCIE_CONFIG, PCIE_CONFIG_LAST)))),
	    End);
}

/* All slots of an expander's bus are swizzled over the links A to D. */
static void
expander_routes_write(struct aml *a)
{
	char link[] = "LNKA";

	AML(a, BeginMethod("_PRT", 0, NOT_SERIALIZED),
	    Return(BeginPackage(N_SLOTS * N_PINS)));
	for (unsigned i = 0; i < N_SLOTS * N_PINS; i++) {
		const unsigned slot = i / N_PINS, pin = i % N_PINS;

		link[3] = "DABC"[(slot + pin) % N_PINS];
		AML(a, Package(4, Int(slot << 16 | 0xFFFF), Int(pin), Ref(link), Int(0)));
	}
	AML(a, End, End);
}

static void
expander_write(struct aml *a, unsigned node, unsigned bus)
{
	char device[sizeof "PC00"];

	(void)snprintf(device, sizeof device, "PC%02X", bus & 0xFF);
	AML(a, BeginScope("\\_SB"),
	    BeginDevice(device),
	    Name("_UID", Int(bus)),
	    Name("_BBN", Int(bus)),
	    Name("_HID", EisaId("PNP0A08")),
	    Name("_CID", EisaId("PNP0A03")));
	dsdt_osc_write(a, true);
	AML(a, Name("_PXM", Int(node)));
	expander_routes_write(a);
	AML(a, Name("_CRS", ResourceTemplate(BusRange(bus, bus))), End, End);
}

/* QEMU finds bridges newest first. */
void
dsdt_expanders_write(struct aml *a, const struct machine *m)
{
	for (unsigned node = m->n_nodes; node-- > 0;)
		expander_write(a, node, m->bus[node]);
}

/*
 * The last bus that PCI0 decodes.  As in QEMU an expander on exactly the bus reached so far
 * does not lower it: buses 5, 6, 8 leave bus 5 to PCI0 as well.
 */
static unsigned
last_root_bus(const struct machine *m)
{
	unsigned last = 0xFF;

	for (unsigned node = m->has_expanders ? m->n_nodes : 0; node-- > 0;)
		if (m->bus[node] < last)
			last = m->bus[node] - 1u;
	return last;
}

#define MotherboardDevice(path, label, base, len)                       \
	Device(path,                                                    \
	    Name("_HID", Text("PNP0A06")),                              \
	    Name("_UID", Text(label)),                                  \
	    Name("_STA", Int(0x0B)),                                    \
	    Name("_CRS", ResourceTemplate(Io(base, 1, len))))

/* What bus 0 decodes: the configuration space lies in the hole for 32-bit BARs. */
void
dsdt_windows_write(struct aml *a, const struct machine *m)
{
	const struct acpi_window hole64 = m->hole64;

	AML(a, BeginScope("\\_SB.PCI0"),
	    Name("_CRS", ResourceTemplate(
		BusRange(0, last_root_bus(m)),
		Io(0xCF8, 1, 8),
		IoRange(0x0000, 0x0CF7),
		IoRange(0x0D00, 0xFFFF),
		MemoryRange32(CACHED, 0xA0000, 0xBFFFF),
		MemoryRange32(UNCACHED, m->below4g, PCIE_CONFIG - 1),
		MemoryRange32(UNCACHED, PCIE_CONFIG_LAST + 1, IO_APIC - 1),
		Only(m->has_hole64, MemoryRange64(CACHED, hole64.first, hole64.last)))),
	    MotherboardDevice("GPE0", "GPE0 resources", 0x620, 0x10),
	    Only(m->hotplug,
		MotherboardDevice("PHPR", "PCI Hotplug resources", DSDT_HOTPLUG_PORTS,
		    DSDT_HOTPLUG_PORTS_LEN)),
	    End);
}

/* The ISA bridge with the devices of a PC behind it. */
static void
isa_bridge_write(struct aml *a, const struct machine *m)
{
	const bool shared = m->generation >= ACPI_G111;

	AML(a, Device("SF8",
	    Name("_ADR", Int(0x1F0000)),
	    OperationRegion("PIRQ", PCI_CONFIG, 0x60, 0x0C),
	    Scope("\\_SB",
		Field("PCI0.SF8.PIRQ", BYTE_ACC,
		    Bits("PRQA", 8), Bits("PRQB", 8), Bits("PRQC", 8), Bits("PRQD", 8),
		    Reserved(32),
		    Bits("PRQE", 8), Bits("PRQF", 8), Bits("PRQG", 8), Bits("PRQH", 8))),
	    Device("KBD",
		Name("_HID", EisaId("PNP0303")),
		Name("_STA", Int(0x0F)),
		Name("_CRS", ResourceTemplate(Io(0x60, 1, 1), Io(0x64, 1, 1), IrqNoFlags(1)))),
	    Device("MOU",
		Name("_HID", EisaId("PNP0F13")),
		Name("_STA", Int(0x0F)),
		Name("_CRS", ResourceTemplate(IrqNoFlags(12)))),
	    Device("COM1",
		Name("_HID", EisaId("PNP0501")),
		Name("_UID", Int(1)),
		Name("_STA", Int(0x0F)),
		Name("_CRS", ResourceTemplate(
		    Io(0x3F8, 0, 8),
		    Only(!shared, IrqNoFlags(4)),
		    Only(shared, IrqSharedLow(4))))),
	    Device("RTC",
		Name("_HID", EisaId("PNP0B00")),
		Name("_CRS", ResourceTemplate(Io(0x70, 1, 8), IrqNoFlags(8))))));
}

struct dsdt_name
dsdt_slot_name(unsigned slot)
{
	struct dsdt_name name;

	assert(slot < MACHINE_SLOTS);
	(void)snprintf(name.text, sizeof name.text, "S%02X", slot * 8);
	return name;
}

static void
slot_write(struct aml *a, const struct machine *m, unsigned slot)
{
	const struct dsdt_name name = dsdt_slot_name(slot);
	const bool port = m->slots[slot] == SLOT_ROOT_PORT;

	AML(a, BeginDevice(name.text),
	    Name("_ADR", Int(slot << 16)),
	    Only(port, Device("S00", Name("_ADR", Int(0)))));
	if (port && m->has_selectors)
		dsdt_hotplug_slot_write(a, dsdt_selector(m, slot));
	AML(a, End);
}

void
dsdt_pci_devices_write(struct aml *a, const struct machine *m)
{
	AML(a, BeginScope("\\_SB"), BeginScope("PCI0"));
	for (unsigned slot = 0; slot < MACHINE_SLOTS; slot++)
		if (m->slots[slot] != SLOT_FREE)
			slot_write(a, m, slot);
	isa_bridge_write(a, m);
	AML(a, Device("SFA", Name("_ADR", Int(0x1F0002))),      /* SATA, SMBus */
	    Device("SFB", Name("_ADR", Int(0x1F0003))),
	    End,
	    End);
}
