/*
 * The DSDT from its header to its end, and those parts that are a few lines each.
 */
#include "measure/acpi/dsdt.h"

#include <assert.h>

#include "measure/acpi/tables.h"

/* The firmware's debug console. */
static void
debug_port_write(struct aml *a)
{
	AML(a, Scope("\\",
	    OperationRegion("DBG", SYSTEM_IO, 0x402, 1),
	    Field("DBG", BYTE_ACC, Bits("DBGB", 8)),
	    Method("DBUG", 1, NOT_SERIALIZED,
		ToHexString(Arg(0), Local(0)),
		ToBuffer(Local(0), Local(0)),
		Subtract(SizeOf(Local(0)), Int(1), Local(1)),
		Store(Int(0), Local(2)),
		While(LLess(Local(2), Local(1)),
		    Store(DerefOf(Index(Local(0), Local(2))), Ref("DBGB")),
		    Increment(Local(2))),
		Store(Int(0x0A), Ref("DBGB")))));
}

static void
hpet_device_write(struct aml *a)
{
	AML(a, Scope("_SB",
	    Device("HPET",
		Name("_HID", EisaId("PNP0103")),
		Name("_UID", Int(0)),
		OperationRegion("HPTM", SYSTEM_MEMORY, 0xFED00000, 0x400),
		Field("HPTM", DWORD_ACC | LOCK, Bits("VEND", 32), Bits("PRD", 32)),
		Method("_STA", 0, NOT_SERIALIZED,
		    Store(Ref("VEND"), Local(0)),
		    Store(Ref("PRD"), Local(1)),
		    ShiftRight(Local(0), Int(16), Local(0)),
		    If(LOr(LEqual(Local(0), Int(0)), LEqual(Local(0), Int(0xFFFF))),
			Return(Int(0))),
		    If(LOr(LEqual(Local(1), Int(0)), LGreater(Local(1), Int(100000000))),
			Return(Int(0))),
		    Return(Int(0x0F))),
		Name("_CRS", ResourceTemplate(Memory32Fixed(0xFED00000, 0x400))))));
}

static void
gpe_block_write(struct aml *a)
{
	AML(a, Scope("_GPE", Name("_HID", Text("ACPI0006"))));
}

#define SleepState(path, type)                                          \
	Name(path, Package(4, Int(type), Int(type), Int(0), Int(0)))

static void
sleep_states_write(struct aml *a)
{
	AML(a, Scope("\\",
	    SleepState("_S3", 1),
	    SleepState("_S4", 2),
	    SleepState("_S5", 0)));
}

/* The device through which guests read QEMU's files. */
static void
fw_cfg_write(struct aml *a)
{
	AML(a, Scope("\\_SB.PCI0",
	    Device("FWCF",
		Name("_HID", Text("QEMU0002")),
		Name("_STA", Int(0x0B)),
		Name("_CRS", ResourceTemplate(Io(0x510, 1, 0x0C))))));
}

void
dsdt_write(struct bytebuf *b, const struct machine *m)
{
	const size_t at = table_begin(b, "DSDT", 1);
	struct aml aml = { .out = b };

	debug_port_write(&aml);
	dsdt_host_bridge_write(&aml, m);
	if (m->hotplug)
		dsdt_hotplug_write(&aml, m);
	dsdt_interrupts_write(&aml, m);
	if (m->hpet)
		hpet_device_write(&aml);
	gpe_block_write(&aml);
	dsdt_cpus_write(&aml, m);
	if (m->has_expanders)
		dsdt_expanders_write(&aml, m);
	dsdt_windows_write(&aml, m);
	sleep_states_write(&aml);
	fw_cfg_write(&aml);
	dsdt_pci_devices_write(&aml, m);
	if (m->hotplug)
		dsdt_hotplug_events_write(&aml, m);
	assert(aml.depth == 0 && aml.skip == 0);
	table_end(b, at);
}
