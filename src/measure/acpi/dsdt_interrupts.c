/*
 * How the four interrupt pins of each PCI slot reach the interrupt controllers: through eight
 * links to the PIC, or straight to the I/O APIC, as the guest says with _PIC.
 */
#include "measure/acpi/dsdt.h"

enum {
	N_SLOTS = 32,
	N_PINS = 4,
	N_LINKS = 8,                    /* A to H                                  */
	FIRST_GSI = 0x10,
};

static unsigned
interrupt_flags(const struct machine *m)
{
	return m->generation == ACPI_G91 ? INTERRUPT_EDGE : INTERRUPT_LEVEL;
}

/* The chipset's own slots come at fixed pins, the others are swizzled over E to H. */
static char
pin_letter(unsigned slot, unsigned pin)
{
	if (slot < 24)
		return "EFGH"[(slot + pin) % N_PINS];
	if (slot == 24 || slot == 30)
		return "EFGH"[pin];
	return "ABCD"[pin];
}

/* Each pin of each slot and the device it is wired to: LNKx or GSIx. */
static void
routes_write(struct aml *a, const char *path, const char *prefix)
{
	char target[] = "LNKA";

	memcpy(target, prefix, 3);
	AML(a, Name(path, BeginPackage(N_SLOTS * N_PINS)));
	for (unsigned i = 0; i < N_SLOTS * N_PINS; i++) {
		const unsigned slot = i / N_PINS, pin = i % N_PINS;

		target[3] = pin_letter(slot, pin);
		AML(a, Package(4, Int(slot << 16 | 0xFFFF), Int(pin), Ref(target), Int(0)));
	}
	AML(a, End);
}

static void
link_write(struct aml *a, const struct machine *m, unsigned i)
{
	const char device[] = { 'L', 'N', 'K', (char)('A' + i), '\0' };
	const char reg[] = { 'P', 'R', 'Q', (char)('A' + i), '\0' };
	const unsigned flags = interrupt_flags(m);

	AML(a, Device(device,
	    Name("_HID", EisaId("PNP0C0F")),
	    Name("_UID", Int(i)),
	    Name("_PRS", ResourceTemplate(Interrupt3(flags, 5, 10, 11))),
	    Method("_STA", 0, NOT_SERIALIZED, Return(Call("IQST", Ref(reg)))),
	    Method("_DIS", 0, NOT_SERIALIZED, Or(Ref(reg), Int(0x80), Ref(reg))),
	    Method("_CRS", 0, NOT_SERIALIZED, Return(Call("IQCR", Ref(reg)))),
	    Method("_SRS", 1, NOT_SERIALIZED,
		CreateDWordField(Arg(0), 5, "PRRI"),
		Store(Ref("PRRI"), Ref(reg)))));
}

static void
gsi_write(struct aml *a, const struct machine *m, unsigned i)
{
	const char device[] = { 'G', 'S', 'I', (char)('A' + i), '\0' };
	const unsigned flags = interrupt_flags(m), gsi = FIRST_GSI + i;

	AML(a, Device(device,
	    Name("_HID", EisaId("PNP0C0F")),
	    Name("_UID", Int(gsi)),
	    Name("_PRS", ResourceTemplate(Interrupt(flags, gsi))),
	    Name("_CRS", ResourceTemplate(Interrupt(flags, gsi))),
	    EmptyMethod("_DIS", 0, NOT_SERIALIZED),
	    EmptyMethod("_SRS", 1, NOT_SERIALIZED)));
}

void
dsdt_interrupts_write(struct aml *a, const struct machine *m)
{
	const unsigned flags = interrupt_flags(m);

	AML(a, Name("PICF", Int(0)),
	    Method("_PIC", 1, NOT_SERIALIZED, Store(Arg(0), Ref("PICF"))),
	    BeginScope("_SB"),
	    BeginScope("PCI0"));
	routes_write(a, "PRTP", "LNK");
	routes_write(a, "PRTA", "GSI");
	AML(a, Method("_PRT", 0, NOT_SERIALIZED,
		If(LEqual(Ref("PICF"), Int(0)), Return(Ref("PRTP"))),
		Else(Return(Ref("PRTA")))),
	    End,
	    Method("IQST", 1, NOT_SERIALIZED,
		If(And(Int(0x80), Arg(0), Nowhere), Return(Int(9))),
		Return(Int(0x0B))),
	    Method("IQCR", 1, SERIALIZED,
		Name("PRR0", ResourceTemplate(Interrupt(flags, 0))),
		CreateDWordField(Ref("PRR0"), 5, "PRRI"),
		Store(And(Arg(0), Int(0x0F), Nowhere), Ref("PRRI")),
		Return(Ref("PRR0"))));
	for (unsigned i = 0; i < N_LINKS; i++)
		link_write(a, m, i);
	for (unsigned i = 0; i < N_LINKS; i++)
		gsi_write(a, m, i);
	AML(a, End);
}
