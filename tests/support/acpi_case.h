/*
 * acpi_case.h - machines as tests/vectors/acpi writes them
 *
 *      { "vm_config": {...}, "profile": "newest" | "genuine",
 *        "machine": { "root_verity": false, "smm": true, "hpet": true },
 *        "hole64": [first, last] }
 *
 * All but vm_config may be absent.  The reader of vm_config proper is measure/vm_config.h;
 * this one is for the generator's own tests, and knows the members that vectors use.
 */
#ifndef TESTS_SUPPORT_ACPI_CASE_H
#define TESTS_SUPPORT_ACPI_CASE_H

#include <json-c/json.h>

#include "measure/acpi/acpi.h"

#define ACPI_CASE_MAX_NODES     256

struct acpi_case {
	struct acpi_shape shape;        /* borrows from the object and from the rest */
	enum acpi_profile profile;
	struct acpi_node nodes[ACPI_CASE_MAX_NODES];
	struct acpi_window hole64;
};

/* MALFORMED "format: MEMBER" when a member of vm_config has the wrong type or range. */
bool    acpi_case_read(struct acpi_case *c, struct json_object *object, struct reason *why)
    MUST_CHECK;

#endif
