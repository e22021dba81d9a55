/*
 * dsdt.h - the parts of the DSDT, one writer each
 *
 *      source  spec acpi-tables 5, with the listings these files follow
 */
#ifndef MEASURE_ACPI_DSDT_H
#define MEASURE_ACPI_DSDT_H

#include "measure/acpi/asl.h"
#include "measure/acpi/machine.h"

void    dsdt_cpus_write(struct aml *a, const struct machine *m);
void    dsdt_expanders_write(struct aml *a, const struct machine *m);
void    dsdt_host_bridge_write(struct aml *a, const struct machine *m);
void    dsdt_hotplug_write(struct aml *a, const struct machine *m);
void    dsdt_hotplug_events_write(struct aml *a, const struct machine *m);
void    dsdt_interrupts_write(struct aml *a, const struct machine *m);
void    dsdt_pci_devices_write(struct aml *a, const struct machine *m);
void    dsdt_windows_write(struct aml *a, const struct machine *m);

/* _OSC of a PCI host bridge: what the guest may control itself; native: hotplug, too. */
void    dsdt_osc_write(struct aml *a, bool native);

/* What goes into the device of a root port that can be plugged into. */
void    dsdt_hotplug_slot_write(struct aml *a, unsigned selector);

enum {
	DSDT_HOTPLUG_PORTS = 0xCC0,     /* I/O registers of PCI hotplug, 0x18 long */
	DSDT_HOTPLUG_PORTS_LEN = 0x18,
	DSDT_NAME_LEN = sizeof "C000",
};

/* The name of the device in a slot of bus 0, function 0: "S08". */
struct dsdt_name {
	char    text[DSDT_NAME_LEN];
};
struct dsdt_name dsdt_slot_name(unsigned slot);

/* The highest slot is number 0. */
unsigned dsdt_selector(const struct machine *m, unsigned slot);

/* How _DSM methods of PCI devices begin: { 0 } for another UUID or a revision below 2. */
#define DSM_GUARD                                                       \
	Store(Buffer(U8(0)), Local(0)),                                 \
	If(LNot(LEqual(Arg(0), ToUuid("E5C937D0-3553-4D7A-9117-EA4D19C3434D"))), \
	    Return(Local(0))),                                          \
	If(LLess(Arg(1), Int(2)), Return(Local(0)))

#endif
