#include "measure/launch.h"

#include "core/hex.h"

void
launch_events_compute(struct launch_events *out, const struct launch_image *image,
    const struct acpi_digests *acpi)
{
	rtmr0_events(out->rtmr0, &image->td_hob, acpi);
	rtmr1_events(out->rtmr1, &image->kernel);
	rtmr2_events(out->rtmr2, &image->cmdline, &image->initrd);
}

const struct digest384 *
launch_events_of(size_t *n, const struct launch_events *events, size_t rtmr)
{
	if (rtmr == 0) {
		*n = NELEM(events->rtmr0);
		return events->rtmr0;
	}
	*n = rtmr == 1 ? NELEM(events->rtmr1) : NELEM(events->rtmr2);
	return rtmr == 1 ? events->rtmr1 : events->rtmr2;
}

void
launch_registers_compute(struct launch_registers *out, const struct digest384 *mrtd,
    const struct launch_events *events)
{
	out->mrtd = *mrtd;
	rtmr_compute(&out->rtmr[0], events->rtmr0, RTMR0_EVENTS);
	rtmr_compute(&out->rtmr[1], events->rtmr1, RTMR1_EVENTS);
	rtmr_compute(&out->rtmr[2], events->rtmr2, RTMR2_EVENTS);
}

static bool
register_check(const char *name, const struct digest384 *expected, const struct digest384 *quoted,
    struct reason *why)
{
	char want[2 * SHA384_DIGEST_LENGTH + 1], got[2 * SHA384_DIGEST_LENGTH + 1];

	if (digest384_equal(expected, quoted))
		return true;
	hex_text(want, BYTES_OF(expected->data));
	hex_text(got, BYTES_OF(quoted->data));
	return reject(why, REASON_REFUSED,
	    "MRs do not match: %s mismatch: expected=%s, actual=%s", name, want, got);
}

bool
launch_registers_check(const struct launch_registers *expected,
    const struct launch_registers *quoted, struct reason *why)
{
	return register_check("MRTD", &expected->mrtd, &quoted->mrtd, why) &&
	    register_check("RTMR0", &expected->rtmr[0], &quoted->rtmr[0], why) &&
	    register_check("RTMR1", &expected->rtmr[1], &quoted->rtmr[1], why) &&
	    register_check("RTMR2", &expected->rtmr[2], &quoted->rtmr[2], why);
}
