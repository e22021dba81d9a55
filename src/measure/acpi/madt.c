/*
 * APIC (MADT): the processors' interrupt controllers and how ISA interrupts reach them.
 */
#include "measure/acpi/tables.h"

enum {
	MADT_LOCAL_APIC = 0,
	MADT_IO_APIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LOCAL_NMI = 4,
	MADT_X2APIC = 9,
	MADT_X2APIC_NMI = 10,

	ENABLED = 1,
	PCAT_COMPAT = 1,                /* there is a PIC, too                     */
	AS_THE_BUS = 0,
	EDGE_HIGH = 0x05,
	LEVEL_HIGH = 0x0D,
	N_ISA_IRQS = 16,
};

#define LOCAL_APIC              0xFEE00000u
#define IO_APIC                 0xFEC00000u

void
madt_cpu_write(struct bytebuf *b, uint32_t i)
{
	if (!madt_is_x2apic(i)) {
		bytebuf_u8(b, MADT_LOCAL_APIC);
		bytebuf_u8(b, 8);
		bytebuf_u8(b, i);          /* processor, APIC id: one socket, so equal */
		bytebuf_u8(b, i);
		bytebuf_u32(b, ENABLED);
		return;
	}
	bytebuf_u8(b, MADT_X2APIC);
	bytebuf_u8(b, 16);
	bytebuf_u16(b, 0);
	bytebuf_u32(b, i);
	bytebuf_u32(b, ENABLED);
	bytebuf_u32(b, i);
}

static void
io_apic_write(struct bytebuf *b)
{
	bytebuf_u8(b, MADT_IO_APIC);
	bytebuf_u8(b, 12);
	bytebuf_u8(b, 0);                  /* id                                      */
	bytebuf_u8(b, 0);
	bytebuf_u32(b, IO_APIC);
	bytebuf_u32(b, 0);                 /* first interrupt                         */
}

static void
override_write(struct bytebuf *b, unsigned irq, uint32_t gsi, unsigned flags)
{
	bytebuf_u8(b, MADT_OVERRIDE);
	bytebuf_u8(b, 10);
	bytebuf_u8(b, 0);                  /* bus: ISA                                */
	bytebuf_u8(b, irq);
	bytebuf_u32(b, gsi);
	bytebuf_u16(b, flags);
}

/* The timer comes in at 2.  A TD's I/O APIC knows only edges until QEMU 9.2. */
static void
overrides_write(struct bytebuf *b, const struct machine *m)
{
	static const unsigned pci_irqs[] = { 5, 9, 10, 11 };

	if (m->generation == ACPI_G91) {
		override_write(b, 0, 2, EDGE_HIGH);
		for (unsigned irq = 1; irq < N_ISA_IRQS; irq++)
			override_write(b, irq, irq, EDGE_HIGH);
		return;
	}
	override_write(b, 0, 2, AS_THE_BUS);
	for (size_t i = 0; i < NELEM(pci_irqs); i++)
		override_write(b, pci_irqs[i], pci_irqs[i], LEVEL_HIGH);
}

/* NMI is at LINT1 of every processor. */
static void
nmi_write(struct bytebuf *b, const struct machine *m)
{
	if (!madt_is_x2apic(m->n_cpus - 1)) {
		bytebuf_u8(b, MADT_LOCAL_NMI);
		bytebuf_u8(b, 6);
		bytebuf_u8(b, 0xFF);
		bytebuf_u16(b, 0);
		bytebuf_u8(b, 1);
		return;
	}
	bytebuf_u8(b, MADT_X2APIC_NMI);
	bytebuf_u8(b, 12);
	bytebuf_u16(b, 0);
	bytebuf_u32(b, UINT32_MAX);
	bytebuf_u8(b, 1);
	bytebuf_zeros(b, 3);
}

void
madt_write(struct bytebuf *b, const struct machine *m)
{
	const size_t at = table_begin(b, "APIC", 3);

	bytebuf_u32(b, LOCAL_APIC);
	bytebuf_u32(b, m->pic ? PCAT_COMPAT : 0);
	for (uint32_t i = 0; i < m->n_cpus; i++)
		madt_cpu_write(b, i);
	io_apic_write(b);
	overrides_write(b, m);
	nmi_write(b, m);
	table_end(b, at);
}
