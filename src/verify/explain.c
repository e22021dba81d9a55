#include "verify/explain.h"

#include <stdarg.h>
#include <stdio.h>

#include "verify/os_image.h"

#define LAUNCH_RTMRS    3
#define NOT_THERE       SIZE_MAX

/* The ACPI events among those of RTMR0. */
#define ACPI_FIRST      8
#define ACPI_END        (ACPI_FIRST + EVENT_ACPIS)

/* What a register should hold, and where the log has it. */
struct pairing {
	const struct event_list *log;
	size_t  rtmr;
	bool    replayed;                       /* else the log need not have it all    */
	const struct digest384 *expected;
	size_t  n;
	size_t  at[RTMR0_EVENTS];               /* index in the log, or NOT_THERE       */
};

static void PRINTF(2, 3)
divergence(struct explanation *out, const char *format, ...)
{
	va_list args;

	if (out->first_divergence[0] != '\0')
		return;
	va_start(args, format);
	(void)vsnprintf(out->first_divergence, sizeof out->first_divergence, format, args);
	va_end(args);
}

static struct explain_register *
register_add(struct explanation *out, const char *name, struct bytes expected,
    struct bytes actual)
{
	struct explain_register *reg = &out->registers[out->n_registers++];

	*reg = (struct explain_register){ .name = name, .expected = expected, .actual = actual,
	    .events = &out->events[out->n_events] };
	return reg;
}

/* All count for the first divergence, the first ones are shown. */
static void
event_add(struct explanation *out, struct explain_register *reg, struct explain_event event)
{
	if (out->n_events == NELEM(out->events))
		return;
	if (event.actual.len > EXPLAIN_MAX_DIGEST_LEN)
		event.actual.len = EXPLAIN_MAX_DIGEST_LEN;
	out->events[out->n_events++] = event;
	reg->n_events++;
}

/* ---- RTMR0 to RTMR2 ---- */

/* Which of the expected events an event is, the n-th of its register that the log has. */
static size_t
event_place(const struct pairing *p, const struct event *event, size_t n)
{
	if (p->replayed)
		return n;
	/* A stripped log has the ACPI events alone, by name or, older ones, in order. */
	if (event->name.len == 0)
		return ACPI_FIRST + n;
	for (size_t i = ACPI_FIRST; i < ACPI_END; i++)
		if (bytes_equal(event->name, bytes_str(rtmr_event_name(0, i))))
			return i;
	return NOT_THERE;
}

static void
pair(struct pairing *p)
{
	size_t place, n = 0;

	for (size_t i = 0; i < p->n; i++)
		p->at[i] = NOT_THERE;
	for (size_t i = 0; i < p->log->n; i++) {
		if (p->log->event[i].imr != p->rtmr)
			continue;
		place = event_place(p, &p->log->event[i], n++);
		if (place < p->n && p->at[place] == NOT_THERE)
			p->at[place] = i;
	}
}

static bool
is_paired(const struct pairing *p, size_t index)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i] == index)
			return true;
	return false;
}

static void
expected_add(struct explanation *out, struct explain_register *reg, const struct pairing *p,
    size_t i)
{
	struct explain_event e = { .status = EXPLAIN_MISSING, .index = p->log->n,
	    .expected = BYTES_OF(p->expected[i].data) };

	if (p->at[i] != NOT_THERE) {
		e.index = p->at[i];
		e.event = &p->log->event[e.index];
		e.actual = e.event->digest;
		e.status = bytes_equal(e.actual, e.expected) ? EXPLAIN_MATCH : EXPLAIN_MISMATCH;
	}
	if (e.status == EXPLAIN_MISMATCH)
		divergence(out, "%s: %s, event %zu of the log", reg->name,
		    rtmr_event_name(p->rtmr, i), e.index);
	if (e.status == EXPLAIN_MISSING && p->replayed)
		divergence(out, "%s: %s, which is not in the log", reg->name,
		    rtmr_event_name(p->rtmr, i));
	event_add(out, reg, e);
}

static void
extra_add(struct explanation *out, struct explain_register *reg, const struct pairing *p)
{
	for (size_t i = 0; i < p->log->n; i++) {
		const struct event *event = &p->log->event[i];

		if (event->imr != p->rtmr || is_paired(p, i))
			continue;
		divergence(out, "%s: event %zu of the log, which is not expected", reg->name, i);
		event_add(out, reg, (struct explain_event){ .status = EXPLAIN_EXTRA, .index = i,
		    .event = event, .actual = event->digest });
	}
}

static void
launch_register_add(struct explanation *out, const struct verdict *v, size_t rtmr,
    const struct launch_events *events, const struct launch_registers *expected)
{
	static const char *const names[LAUNCH_RTMRS] = { "RTMR0", "RTMR1", "RTMR2" };
	struct pairing p = { .log = &v->evidence.log, .rtmr = rtmr,
	    .replayed = v->replay.covered[rtmr] };
	struct explain_register *reg = register_add(out, names[rtmr],
	    BYTES_OF(expected->rtmr[rtmr].data), v->dcap.quote.td.rt_mr[rtmr]);

	p.expected = launch_events_of(&p.n, events, rtmr);
	pair(&p);
	for (size_t i = 0; i < p.n; i++)
		expected_add(out, reg, &p, i);
	extra_add(out, reg, &p);
	if (!bytes_equal(reg->expected, reg->actual))
		divergence(out, "%s", reg->name);
}

/* Without the kernel's digest there is no RTMR1 to expect. */
static void
launch_add(struct explanation *out, const struct verdict *v, const struct launch_events *events,
    const struct launch_registers *expected, bool but_kernel)
{
	const struct explain_register *mrtd = register_add(out, "MRTD",
	    BYTES_OF(expected->mrtd.data), v->dcap.quote.td.mr_td);

	if (!bytes_equal(mrtd->expected, mrtd->actual))
		divergence(out, "%s", mrtd->name);
	for (size_t rtmr = 0; rtmr < LAUNCH_RTMRS; rtmr++)
		if (rtmr != 1 || !but_kernel)
			launch_register_add(out, v, rtmr, events, expected);
}

static void
lite_add(struct explanation *out, struct dv_context *context, const struct verdict *v)
{
	struct launch_registers quoted;
	struct lite_input input;
	struct reason ignored;

	if (v->lite.computed) {
		launch_add(out, v, &v->lite.events, &v->lite.expected, false);
		return;
	}
	os_image_lite_input(&input, &quoted, context, v);
	if (lite_expect(&out->lite, &input, &ignored))
		launch_add(out, v, &out->lite.events, &out->lite.expected, false);
}

static void
legacy_add(struct explanation *out, const struct verdict *v)
{
	if (v->legacy.computed || v->legacy.computed_but_kernel)
		launch_add(out, v, &v->legacy.events, &v->legacy.expected, !v->legacy.computed);
}

/* ---- RTMR3 ---- */

/* The next runtime event of the log from `at` on; NOT_THERE: no more. */
static size_t
logged_find(const struct event_list *log, size_t at)
{
	for (; at < log->n; at++)
		if (log->event[at].type == EVENT_TYPE_RUNTIME)
			return at;
	return NOT_THERE;
}

/* Nobody but the guest knows what to expect: each digest is compared with what it is one of. */
static void
runtime_add(struct explanation *out, const struct verdict *v)
{
	const struct event_list *log = &v->evidence.log, *runtime = &v->evidence.runtime;
	struct explain_register *reg = register_add(out, "RTMR3",
	    BYTES_OF(v->replay.rtmr[3].data), v->dcap.quote.td.rt_mr[3]);
	size_t at = 0;

	for (size_t i = 0; i < runtime->n; i++) {
		struct explain_event e = { .index = log->n, .event = &runtime->event[i],
		    .expected = BYTES_OF(runtime->event[i].computed.data) };

		e.actual = e.expected;
		at = logged_find(log, at);
		if (at != NOT_THERE) {
			e.index = at;
			if (log->event[at].digest.len != 0)
				e.actual = log->event[at].digest;
			at++;
		}
		e.status = bytes_equal(e.actual, e.expected) ? EXPLAIN_MATCH : EXPLAIN_MISMATCH;
		if (e.status == EXPLAIN_MISMATCH)
			divergence(out, "RTMR3: event %zu of the log", e.index);
		event_add(out, reg, e);
	}
}

/* Whether the log gives what the quote says was found out before the image was looked at. */
static void
replay_compare(struct explanation *out, const struct verdict *v)
{
	for (size_t i = 0; i < EVENT_RTMRS; i++)
		if (v->replay.covered[i] && !bytes_equal(BYTES_OF(v->replay.rtmr[i].data),
		    v->dcap.quote.td.rt_mr[i]))
			divergence(out, "RTMR%zu: the log replays to another value", i);
}

/* ---- why ---- */

static bool
legacy_cause(struct likely_cause *out, struct dv_context *context, const struct verdict *v)
{
	struct launch_registers quoted;
	struct legacy_input input;

	if (v->record == NULL)
		return false;
	os_image_legacy_input(&input, &quoted, context, v);
	input.kernel = images_kernel_find(context->images, &v->os_image_hash,
	    v->legacy.initrd_addr);
	input.cache = context->neighbours;
	return likely_cause_legacy(out, &input);
}

static bool
lite_cause(struct likely_cause *out, struct dv_context *context, const struct verdict *v)
{
	struct launch_registers quoted;
	struct lite_input input;

	if (v->lite.measurement_version == 0)
		return false;
	os_image_lite_input(&input, &quoted, context, v);
	input.cache = context->neighbours;
	return likely_cause_lite(out, &input);
}

static void
cause_find(struct explanation *out, struct dv_context *context, const struct verdict *v)
{
	struct likely_cause cause;

	if (v->code != VERDICT_MEASUREMENT_MISMATCH && v->code != VERDICT_OS_IMAGE_REFUSED)
		return;
	if (v->config.variant == VM_VARIANT_LITE ? lite_cause(&cause, context, v) :
	    legacy_cause(&cause, context, v))
		out->likely_cause = cause;
}

void
explain(struct explanation *out, struct dv_context *context, const struct verdict *v)
{
	*out = (struct explanation){ 0 };
	if (!v->replayed)
		return;
	if (v->quote_verified && v->has_config) {
		if (v->config.variant == VM_VARIANT_LITE)
			lite_add(out, context, v);
		else
			legacy_add(out, v);
	}
	runtime_add(out, v);
	replay_compare(out, v);
	cause_find(out, context, v);
}

const char *
explain_status_name(enum explain_status status)
{
	switch (status) {
	case EXPLAIN_MATCH:
		break;
	case EXPLAIN_MISMATCH:
		return "mismatch";
	case EXPLAIN_EXTRA:
		return "extra";
	case EXPLAIN_MISSING:
		return "missing";
	}
	return "match";
}
