/*
 * PCI hotplug: the registers of QEMU's controller, and who is told about its events.
 */
#include <assert.h>

#include "measure/acpi/dsdt.h"

/* Asks the controller for the label index of the device that Arg4 names. */
#define FETCH_LABEL                                                     \
	Store(Call("AIDX", DerefOf(Index(Arg(4), Int(0))),              \
	    DerefOf(Index(Arg(4), Int(1)))), Local(2))

#define LABEL_UNSET             LEqual(Local(2), Int(0))
#define LABEL_ABSENT            LEqual(Local(2), Int(0xFFFFFFFF))

/* PDSM: _DSM of a device that can be unplugged. */
static void
pdsm_write(struct aml *a, const struct machine *m)
{
	const bool old = m->generation == ACPI_G91;

	AML(a, Method("PDSM", 5, SERIALIZED,
	    If(LEqual(Arg(2), Int(0)),
		DSM_GUARD,
		Store(Int(0), Local(1)),
		FETCH_LABEL,
		If(LNot(Or(LABEL_UNSET, LABEL_ABSENT, Nowhere)),
		    Or(Local(1), Int(1), Local(1)),
		    Or(Local(1), ShiftLeft(Int(1), Int(7), Nowhere), Local(1))),
		Store(Local(1), Index(Local(0), Int(0))),
		Return(Local(0))),
	    If(LEqual(Arg(2), Int(7)),
		Only(old,
		    Store(Package(2, Int(0), Text("")), Local(0)),
		    FETCH_LABEL,
		    Store(Local(2), Index(Local(0), Int(0)))),
		Only(!old,
		    FETCH_LABEL,
		    Store(EmptyPackage(2), Local(0)),
		    If(LNot(LOr(LABEL_UNSET, LABEL_ABSENT)),
			Store(Local(2), Index(Local(0), Int(0))),
			Store(Text(""), Index(Local(0), Int(1))))),
		Return(Local(0)))));
}

void
dsdt_hotplug_write(struct aml *a, const struct machine *m)
{
	const unsigned flags = DWORD_ACC | WRITE_AS_ZEROS;

	AML(a, BeginScope("_SB.PCI0"),
	    OperationRegion("PCST", SYSTEM_IO, DSDT_HOTPLUG_PORTS, 8),
	    Field("PCST", flags, Bits("PCIU", 32), Bits("PCID", 32)),
	    OperationRegion("SEJ", SYSTEM_IO, DSDT_HOTPLUG_PORTS + 8, 4),
	    Field("SEJ", flags, Bits("B0EJ", 32)),
	    OperationRegion("BNMR", SYSTEM_IO, DSDT_HOTPLUG_PORTS + 16, 8),
	    Field("BNMR", flags, Bits("BNUM", 32), Bits("PIDX", 32)),
	    Mutex("BLCK"),
	    Method("PCEJ", 2, NOT_SERIALIZED,
		Acquire("BLCK"),
		Store(Arg(0), Ref("BNUM")),
		Store(ShiftLeft(Int(1), Arg(1), Nowhere), Ref("B0EJ")),
		Release("BLCK"),
		Return(Int(0))),
	    Method("AIDX", 2, NOT_SERIALIZED,
		Acquire("BLCK"),
		Store(Arg(0), Ref("BNUM")),
		Store(ShiftLeft(Int(1), Arg(1), Nowhere), Ref("PIDX")),
		Store(Ref("PIDX"), Local(0)),
		Release("BLCK"),
		Return(Local(0))));
	pdsm_write(a, m);
	AML(a, End);
}

void
dsdt_hotplug_slot_write(struct aml *a, unsigned selector)
{
	AML(a, Name("BSEL", Int(selector)),
	    Scope("S00",
		Name("ASUN", Int(0)),
		Method("_DSM", 4, SERIALIZED,
		    Store(Package(2, Int(0), Int(0)), Local(0)),
		    Store(Ref("BSEL"), Index(Local(0), Int(0))),
		    Store(Ref("ASUN"), Index(Local(0), Int(1))),
		    Return(Call("PDSM", Arg(0), Arg(1), Arg(2), Arg(3), Local(0)))),
		Name("_SUN", Int(0)),
		Method("_EJ0", 1, NOT_SERIALIZED, Call("PCEJ", Ref("BSEL"), Ref("_SUN")))),
	    Method("DVNT", 2, NOT_SERIALIZED,
		If(And(Arg(0), Int(1), Nowhere), Notify("S00", Arg(1)))));
}

unsigned
dsdt_selector(const struct machine *m, unsigned slot)
{
	unsigned n_above = 0;

	assert(m->slots[slot] == SLOT_ROOT_PORT);
	while (++slot < MACHINE_SLOTS)
		n_above += m->slots[slot] == SLOT_ROOT_PORT;
	return n_above;
}

/* PCNT of one root port: passes the events of its bus on. */
static void
port_events_write(struct aml *a, const struct machine *m, unsigned slot)
{
	const struct dsdt_name name = dsdt_slot_name(slot);

	AML(a, Scope(name.text,
	    Method("PCNT", 0, NOT_SERIALIZED,
		Store(Int(dsdt_selector(m, slot)), Ref("BNUM")),
		Call("DVNT", Ref("PCIU"), Int(1)),
		Call("DVNT", Ref("PCID"), Int(3)))));
}

/* PCNT of the root bus: that of each port, the highest slot first. */
static void
bus_events_write(struct aml *a, const struct machine *m)
{
	char path[sizeof "^S08.PCNT"] = "^S08.PCNT";

	AML(a, BeginScope("\\_SB.PCI0"));
	for (unsigned slot = MACHINE_SLOTS; slot-- > 0;)
		if (m->slots[slot] == SLOT_ROOT_PORT)
			port_events_write(a, m, slot);
	AML(a, BeginMethod("PCNT", 0, NOT_SERIALIZED));
	for (unsigned slot = MACHINE_SLOTS; slot-- > 0;) {
		const struct dsdt_name name = dsdt_slot_name(slot);

		if (m->slots[slot] != SLOT_ROOT_PORT)
			continue;
		memcpy(path + 1, name.text, strlen(name.text));
		AML(a, Ref(path));
	}
	AML(a, End, End);
}

void
dsdt_hotplug_events_write(struct aml *a, const struct machine *m)
{
	if (!m->has_selectors) {
		AML(a, Scope("_GPE", EmptyMethod("_E01", 0, NOT_SERIALIZED)));
		return;
	}
	bus_events_write(a, m);
	AML(a, Scope("_GPE",
	    Method("_E01", 0, NOT_SERIALIZED,
		Acquire("\\_SB.PCI0.BLCK"),
		Ref("\\_SB.PCI0.PCNT"),
		Release("\\_SB.PCI0.BLCK"))));
}
