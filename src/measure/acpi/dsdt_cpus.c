/*
 * Processors and the controller that plugs them.  dstack plugs none, but QEMU describes it.
 */
#include <assert.h>

#include "measure/acpi/dsdt.h"
#include "measure/acpi/tables.h"

#define CPU_PORTS               0xCD8
#define CPU_PORTS_LEN           0x0C

/* CPUs found in one round; the lists are as long, and a Package holds no more. */
#define SCAN_MAX                255

#define NOTIFY_ADDED            1
#define NOTIFY_REMOVE           3

/* The controller's registers and its lock, by their full names. */
#define CTRL_NAME(path)         "\\_SB.PCI0.PRES." path
#define CPU_LOCK                CTRL_NAME("CPLK")
#define SELECTOR                Ref(CTRL_NAME("CSEL"))
#define COMMAND                 Ref(CTRL_NAME("CCMD"))
#define DATA                    Ref(CTRL_NAME("CDAT"))
#define IS_ENABLED              Ref(CTRL_NAME("CPEN"))
#define IS_INSERTED             Ref(CTRL_NAME("CINS"))
#define IS_REMOVED              Ref(CTRL_NAME("CRMV"))
#define EJECT                   Ref(CTRL_NAME("CEJ0"))

/* "C000", three hexadecimal digits; written twice for every CPU, so not by printf. */
static struct dsdt_name
cpu_name(uint32_t i)
{
	static const char digits[] = "0123456789ABCDEF";

	assert(i < ACPI_MAX_CPUS);
	return (struct dsdt_name){
		{ 'C', digits[i >> 8], digits[i >> 4 & 0xF], digits[i & 0xF], '\0' },
	};
}

static void
controller_write(struct aml *a, const struct machine *m)
{
	AML(a, Device("\\_SB.PCI0.PRES",
	    Name("_HID", EisaId("PNP0A06")),
	    Name("_UID", Text("CPU Hotplug resources")),
	    Mutex("CPLK"),
	    Name("_CRS", ResourceTemplate(Io(CPU_PORTS, 1, CPU_PORTS_LEN))),
	    OperationRegion("PRST", SYSTEM_IO, CPU_PORTS, CPU_PORTS_LEN),
	    Field("PRST", BYTE_ACC | WRITE_AS_ZEROS,
		Reserved(32),
		Bits("CPEN", 1), Bits("CINS", 1), Bits("CRMV", 1), Bits("CEJ0", 1),
		Bits("CEJF", 1),
		Reserved(3),
		Bits("CCMD", 8)),
	    Field("PRST", DWORD_ACC, Bits("CSEL", 32), Reserved(32), Bits("CDAT", 32)),
	    Only(m->generation < ACPI_G110,
		Method("_INI", 0, SERIALIZED, Store(Int(0), Ref("CSEL"))))));
}

/* CTFY: tells CPU Arg0 that Arg1 happened to it. */
static void
notify_write(struct aml *a, const struct machine *m)
{
	AML(a, BeginMethod("CTFY", 2, NOT_SERIALIZED));
	for (uint32_t i = 0; i < m->n_cpus; i++) {
		const struct dsdt_name name = cpu_name(i);

		AML(a, If(LEqual(Arg(0), Int(i)), Notify(name.text, Arg(1))));
	}
	AML(a, End);
}

/* Status and ejection of CPU Arg0. */
static void
status_write(struct aml *a)
{
	AML(a, Method("CSTA", 1, SERIALIZED,
	    Acquire(CPU_LOCK),
	    Store(Arg(0), SELECTOR),
	    Store(Int(0), Local(0)),
	    If(LEqual(IS_ENABLED, Int(1)), Store(Int(0x0F), Local(0))),
	    Release(CPU_LOCK),
	    Return(Local(0))));
	AML(a, Method("CEJ0", 1, SERIALIZED,
	    Acquire(CPU_LOCK),
	    Store(Arg(0), SELECTOR),
	    Store(Int(1), EJECT),
	    Release(CPU_LOCK)));
}

#define HAS_EVENT               Local(0)
#define N_ADDED                 Local(1)
#define CURSOR                  Local(2)
#define CPU                     Local(3)
#define HAS_JOB                 Local(4)
#define N_REMOVED               Local(5)

/* CSCN's inner loop: collects what happened to CPUs since the last time. */
static void
scan_loop_write(struct aml *a, const struct machine *m)
{
	const bool batched = m->generation >= ACPI_G100;

	AML(a, While(LAnd(LEqual(HAS_EVENT, Int(1)), LLess(CPU, Int(m->n_cpus))),
	    Store(Int(0), HAS_EVENT),
	    Store(CPU, SELECTOR),
	    Store(Int(0), COMMAND),
	    If(LLess(DATA, CPU), Break),
	    Only(!batched,
		If(LEqual(N_ADDED, Int(SCAN_MAX)),
		    Store(Int(1), HAS_JOB),
		    Break)),
	    Only(batched,
		If(LOr(LEqual(N_ADDED, Int(SCAN_MAX)), LEqual(N_REMOVED, Int(SCAN_MAX))),
		    Store(Int(1), HAS_JOB),
		    Break)),
	    Store(DATA, CPU),
	    If(LEqual(IS_INSERTED, Int(1)),
		Store(CPU, Index(Ref("CNEW"), N_ADDED)),
		Increment(N_ADDED),
		Store(Int(1), HAS_EVENT)),
	    Only(!batched,
		Else(If(LEqual(IS_REMOVED, Int(1)),
		    Call("CTFY", CPU, Int(NOTIFY_REMOVE)),
		    Store(Int(1), IS_REMOVED),
		    Store(Int(1), HAS_EVENT)))),
	    Only(batched,
		If(LEqual(IS_REMOVED, Int(1)),
		    Store(CPU, Index(Ref("CEJL"), N_REMOVED)),
		    Increment(N_REMOVED),
		    Store(Int(1), HAS_EVENT))),
	    Increment(CPU)));
}

/* CSCN: looks for CPUs that came or shall go, and notifies them in batches. */
static void
scan_write(struct aml *a, const struct machine *m)
{
	const bool batched = m->generation >= ACPI_G100;

	AML(a, BeginMethod("CSCN", 0, SERIALIZED),
	    Acquire(CPU_LOCK),
	    Name("CNEW", EmptyPackage(SCAN_MAX)),
	    Only(batched, Name("CEJL", EmptyPackage(SCAN_MAX))),
	    Store(Int(0), CPU),
	    Store(Int(1), HAS_JOB),
	    BeginWhile(LEqual(HAS_JOB, Int(1))),
	    Store(Int(0), HAS_JOB),
	    Store(Int(1), HAS_EVENT),
	    Store(Int(0), N_ADDED),
	    Only(batched, Store(Int(0), N_REMOVED)));
	scan_loop_write(a, m);
	AML(a, Store(Int(0), CURSOR),
	    While(LLess(CURSOR, N_ADDED),
		Store(DerefOf(Index(Ref("CNEW"), CURSOR)), CPU),
		Call("CTFY", CPU, Int(NOTIFY_ADDED)),
		Store(CPU, Debug),
		Store(CPU, SELECTOR),
		Store(Int(1), IS_INSERTED),
		Increment(CURSOR)),
	    Only(batched,
		Store(Int(0), CURSOR),
		While(LLess(CURSOR, N_REMOVED),
		    Store(DerefOf(Index(Ref("CEJL"), CURSOR)), CPU),
		    Call("CTFY", CPU, Int(NOTIFY_REMOVE)),
		    Store(CPU, SELECTOR),
		    Store(Int(1), IS_REMOVED),
		    Increment(CURSOR))),
	    End,
	    Release(CPU_LOCK),
	    End);
}

/* COST: hands the outcome of an event, Arg1 and Arg2, to QEMU. */
static void
outcome_write(struct aml *a)
{
	AML(a, Method("COST", 4, SERIALIZED,
	    Acquire(CPU_LOCK),
	    Store(Arg(0), SELECTOR),
	    Store(Int(1), COMMAND),
	    Store(Arg(1), DATA),
	    Store(Int(2), COMMAND),
	    Store(Arg(2), DATA),
	    Release(CPU_LOCK)));
}

/* A Processor has an 8-bit id; CPUs past that are Devices.  The first can't be ejected. */
static void
cpu_write(struct aml *a, const struct machine *m, uint32_t i)
{
	const struct dsdt_name name = cpu_name(i);

	if (!madt_is_x2apic(i))
		AML(a, BeginProcessor(name.text, i));
	else
		AML(a, BeginDevice(name.text),
		    Name("_HID", Text("ACPI0007")),
		    Name("_UID", Int(i)));
	AML(a, Method("_STA", 0, SERIALIZED, Return(Call("CSTA", Int(i)))),
	    Name("_MAT", BeginBuffer));
	madt_cpu_write(a->out, i);
	AML(a, End,
	    Only(i != 0, Method("_EJ0", 1, NOT_SERIALIZED, Call("CEJ0", Int(i)))),
	    Method("_OST", 3, SERIALIZED, Call("COST", Int(i), Arg(0), Arg(1), Arg(2))));
	if (m->n_nodes > 0)
		AML(a, Name("_PXM", Int(machine_node(m, i))));
	AML(a, End);
}

void
dsdt_cpus_write(struct aml *a, const struct machine *m)
{
	AML(a, BeginScope("_SB"));
	controller_write(a, m);
	AML(a, BeginDevice("\\_SB.CPUS"),
	    Name("_HID", Text("ACPI0010")),
	    Name("_CID", EisaId("PNP0A05")));
	notify_write(a, m);
	status_write(a);
	scan_write(a, m);
	outcome_write(a);
	for (uint32_t i = 0; i < m->n_cpus; i++)
		cpu_write(a, m, i);
	AML(a, End,
	    End,
	    Method("\\_GPE._E02", 0, NOT_SERIALIZED, Ref("\\_SB.CPUS.CSCN")));
}
