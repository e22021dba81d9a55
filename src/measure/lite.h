/*
 * lite.h - the OS image check without the image
 *
 * The host supplies a document that os_image_hash commits to, and the declared shape of the VM
 * gives the rest.  The four launch registers follow from them and have to equal the quote's.  No
 * digest is ever taken from the event log: the ACPI digests it reports are compared with those of
 * the tables we generate, and RTMR0 is computed from ours.
 */
#ifndef MEASURE_LITE_H
#define MEASURE_LITE_H

#include "evidence/event_log.h"
#include "measure/acpi_cache.h"
#include "measure/launch.h"
#include "measure/vm_config.h"

struct lite_input {
	const struct vm_config *config;
	const struct event_list *log;   /* the log beside the quote, all registers        */
	const struct launch_registers *quoted;
	uint32_t minimum_version;       /* of the document: 3 or 4                        */
	struct acpi_cache *cache;
};

/* What is known when the check ends, whether it succeeded or not; zeroes are "not known". */
struct lite_result {
	uint32_t measurement_version;   /* 0 until the document is decoded                */
	bool    acpi_tables_verified;   /* may be true although a later comparison failed */
	enum acpi_profile acpi_profile; /* which one matched, when acpi_tables_verified   */
	bool    computed;               /* the members below hold                         */
	bool    two_pass;               /* which MRTD the QEMU version selects            */
	struct launch_events events;
	struct launch_registers expected;
};

/*
 * lite_check - whether the quoted registers are those of this image in this shape
 *
 *   result  filled in as far as the check came
 *   fails   with the text of the first step that fails, in the order of the specification; the
 *           caller puts "OS image hash verification failed" in front.  REFUSED for what does not
 *           match, else as the parts say
 *   source  upstream-delta.md 4 and 5, decisions.md 2 and 4, os-image-measurement.md 11
 */
bool    lite_check(struct lite_result *result, const struct lite_input *input,
    struct reason *why) MUST_CHECK;

/*
 * lite_expect - what the registers are expected to be, whatever log and quote say
 *
 *   Of the two profiles of ACPI tables the newest, where that has none the genuine one.
 *
 *   result  computed is true, with the document's version and the last three members
 *   fails   as the steps of lite_check() that do not compare
 */
bool    lite_expect(struct lite_result *result, const struct lite_input *input,
    struct reason *why) MUST_CHECK;

#endif
