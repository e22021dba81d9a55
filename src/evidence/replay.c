#include "evidence/replay.h"

#include "core/hex.h"

void
replay_runtime(struct digest384 *rtmr, const struct event_list *runtime, const char *stop)
{
	memset(rtmr, 0, sizeof *rtmr);
	for (size_t i = 0; i < runtime->n; i++) {
		digest384_extend(rtmr, &runtime->event[i].computed);
		if (stop != NULL && bytes_equal(runtime->event[i].name, bytes_str(stop)))
			break;
	}
}

/*
 * Whether the log tells more about RTMR0 to 2 than a stripped one does.  Stricter: upstream
 * shows such events without replaying them.
 */
static bool
log_is_full(const struct event_list *log)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->event[i].imr < 3 && !event_is_acpi(&log->event[i]))
			return true;
	return false;
}

bool
replay_run(struct replay *replay, const struct event_list *log,
    const struct event_list *runtime, struct reason *why)
{
	const struct event *event;
	struct digest384 digest;

	memset(replay, 0, sizeof *replay);
	replay_runtime(&replay->rtmr[3], runtime, NULL);
	replay->covered[3] = true;
	if (!log_is_full(log))
		return true;
	for (size_t i = 0; i < log->n; i++) {
		event = &log->event[i];
		if (event->imr >= 3)
			continue;
		if (event->digest.len != EVENT_DIGEST_LEN)
			return reject(why, REASON_REFUSED,
			    "event %zu of RTMR%u has a digest of %zu bytes, not %d",
			    i, event->imr, event->digest.len, EVENT_DIGEST_LEN);
		bytes_copy(digest.data, event->digest);
		digest384_extend(&replay->rtmr[event->imr], &digest);
		replay->covered[event->imr] = true;
	}
	return true;
}

static bool
register_check(const struct replay *replay, size_t i, struct bytes quoted, struct reason *why)
{
	char want[2 * EVENT_DIGEST_LEN + 1], got[2 * EVENT_DIGEST_LEN + 1];

	if (!replay->covered[i] || bytes_equal(BYTES_OF(replay->rtmr[i].data), quoted))
		return true;
	hex_text(want, quoted);
	hex_text(got, BYTES_OF(replay->rtmr[i].data));
	return reject(why, REASON_REFUSED, "RTMR%zu mismatch, quoted: %s, replayed: %s",
	    i, want, got);
}

bool
replay_check(const struct replay *replay, const struct bytes quoted[EVENT_RTMRS],
    struct reason *why)
{
	/* RTMR3 first: the text that clients know wins over ours. */
	if (!register_check(replay, 3, quoted[3], why))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (!register_check(replay, i, quoted[i], why))
			return false;
	return true;
}
