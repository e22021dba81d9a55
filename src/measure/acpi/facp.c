/*
 * FACP (FADT): the fixed hardware - power management of the ICH9, reset, and what it can do.
 */
#include "measure/acpi/tables.h"

enum {
	PM_BASE = 0x600,                /* where the firmware puts the ICH9's      */
	PM_CONTROL = PM_BASE + 4,
	PM_TIMER = PM_BASE + 8,
	GPE0 = PM_BASE + 0x20,
	GPE0_LEN = 16,
	SCI_IRQ = 9,
	SMI_PORT = 0xB2,
	RESET_PORT = 0xCF9,
	RESET_VALUE = 0x0F,

	FACP_WBINVD = 1 << 0,
	FACP_PROC_C1 = 1 << 2,
	FACP_SLP_BUTTON = 1 << 5,
	FACP_RTC_S4 = 1 << 7,
	FACP_RESET_REG_SUP = 1 << 10,
	FACP_USE_PLATFORM_CLOCK = 1 << 15,
	FACP_APIC_CLUSTER = 1 << 18,    /* flat logical addressing ends at 8 CPUs  */
	FLAT_APIC_MAX_CPUS = 8,
};

static void
ports_write(struct bytebuf *b)
{
	bytebuf_u32(b, PM_BASE);           /* event block a, b                        */
	bytebuf_u32(b, 0);
	bytebuf_u32(b, PM_CONTROL);        /* control block a, b                      */
	bytebuf_u32(b, 0);
	bytebuf_u32(b, 0);                 /* second control block                    */
	bytebuf_u32(b, PM_TIMER);
	bytebuf_u32(b, GPE0);
	bytebuf_u32(b, 0);                 /* GPE1                                    */
	bytebuf_u8(b, 4);                  /* lengths: event, control, second control */
	bytebuf_u8(b, 2);
	bytebuf_u8(b, 0);
	bytebuf_u8(b, 4);                  /* timer                                   */
	bytebuf_u8(b, GPE0_LEN);
	bytebuf_zeros(b, 3);               /* GPE1: length, base; _CST                */
}

/* The same ports once more, as generic addresses. */
static void
extended_ports_write(struct bytebuf *b)
{
	gas_write(b, GAS_IO, 32, PM_BASE);
	gas_write(b, GAS_MEMORY, 0, 0);
	gas_write(b, GAS_IO, 16, PM_CONTROL);
	gas_write(b, GAS_MEMORY, 0, 0);
	gas_write(b, GAS_MEMORY, 0, 0);
	gas_write(b, GAS_IO, 32, PM_TIMER);
	gas_write(b, GAS_IO, 8 * GPE0_LEN, GPE0);
	gas_write(b, GAS_MEMORY, 0, 0);
}

void
facp_write(struct bytebuf *b, const struct table_place *places, const struct machine *m)
{
	const size_t at = table_begin(b, "FACP", 3);

	bytebuf_u32(b, places[TABLE_FACS].at);
	bytebuf_u32(b, places[TABLE_DSDT].at);
	bytebuf_u8(b, 1);                  /* interrupt model: multiple APIC          */
	bytebuf_u8(b, 0);                  /* no preferred profile                    */
	bytebuf_u16(b, SCI_IRQ);
	bytebuf_u32(b, m->smm ? SMI_PORT : 0);
	bytebuf_u8(b, m->smm ? 2 : 0);     /* ACPI enable, disable                    */
	bytebuf_u8(b, m->smm ? 3 : 0);
	bytebuf_u16(b, 0);                 /* S4BIOS_REQ, PSTATE_CNT                  */
	ports_write(b);
	bytebuf_u16(b, 0xFFF);             /* C2 and C3 latencies: not supported      */
	bytebuf_u16(b, 0xFFF);
	bytebuf_u32(b, 0);                 /* flush size, stride                      */
	bytebuf_u16(b, 0);                 /* duty offset, width                      */
	bytebuf_u16(b, 0);                 /* day and month alarm                     */
	bytebuf_u8(b, 0x32);               /* RTC register of the century             */
	bytebuf_u16(b, 2);                 /* boot flags: 8042                        */
	bytebuf_u8(b, 0);
	bytebuf_u32(b, FACP_WBINVD | FACP_PROC_C1 | FACP_SLP_BUTTON | FACP_RTC_S4 |
	    FACP_RESET_REG_SUP | FACP_USE_PLATFORM_CLOCK |
	    (m->n_cpus > FLAT_APIC_MAX_CPUS ? FACP_APIC_CLUSTER : 0));
	gas_write(b, GAS_IO, 8, RESET_PORT);
	bytebuf_u8(b, RESET_VALUE);
	bytebuf_zeros(b, 3);
	bytebuf_u64(b, 0);                 /* extended FACS pointer: not used         */
	bytebuf_u64(b, places[TABLE_DSDT].at);
	extended_ports_write(b);
	table_end(b, at);
}
