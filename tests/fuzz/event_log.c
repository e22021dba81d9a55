#include "evidence/event_log.h"

#include "evidence/app_info.h"
#include "evidence/replay.h"
#include "fuzz.h"

static void
list_check(struct event_list *log, struct event_list *runtime, struct arena *arena)
{
	const struct event *acpi[EVENT_ACPIS];
	struct key_provider provider;
	struct warnings warnings;
	struct reason why = { 0 };
	struct replay replay;
	const struct event *found;

	warnings_init(&warnings, arena);
	(void)fuzz_sense(event_log_check(log, runtime, &why), &why);
	(void)fuzz_sense(event_log_check_preimages(log, arena, &why), &why);
	(void)fuzz_sense(replay_run(&replay, log, runtime, &why), &why);
	fuzz_must((event_log_duplicates(runtime, &warnings) == 0) ==
	    fuzz_sense(event_log_check_duplicates(runtime, &why), &why),
	    "duplicates are counted and not refused, or the reverse");
	found = event_find(runtime, "key-provider");
	if (found != NULL)
		(void)fuzz_sense(key_provider_read(&provider, arena, found->payload, &why), &why);
	if (fuzz_sense(event_log_acpi(acpi, log, &why), &why))
		for (size_t i = 0; i < EVENT_ACPIS; i++)
			fuzz_must(event_is_acpi(acpi[i]) &&
			    acpi[i]->digest.len == EVENT_DIGEST_LEN, "no ACPI event");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *arena = fuzz_arena();
	struct event_list log, runtime;
	struct reason why = { 0 };

	if (!fuzz_sense(event_log_read(&log, arena, (struct bytes){ data, len }, &why), &why))
		return 0;
	fuzz_must(log.n <= EVENT_LOG_MAX, "too many events");
	if (fuzz_sense(event_log_runtime(&runtime, arena, &log, &why), &why) &&
	    fuzz_sense(event_list_hash(&runtime, arena, &why), &why))
		list_check(&log, &runtime, arena);
	return 0;
}
