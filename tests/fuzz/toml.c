#include "cli/toml.h"

#include "cli/config_key.h"
#include "fuzz.h"

/* Each setting that has a key is checked as that key's value. */
static void
keys_try(const struct settings *settings, struct arena *arena)
{
	static struct config config;
	const struct config_key *key;
	struct reason why = { 0 };

	memset(&config, 0, sizeof config);
	config.arena = arena;
	for (size_t i = 0; i < settings->n; i++) {
		key = config_key_find(settings->list[i].name);
		if (key != NULL)
			(void)fuzz_sense(config_key_set(&config, key, &settings->list[i], &why),
			    &why);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct settings settings;
	struct arena *arena = fuzz_arena();
	struct reason why = { 0 };
	char shown[64];

	settings_init(&settings, arena, "a.toml");
	if (!fuzz_sense(toml_read(&settings, (struct bytes){ data, len }, &why), &why))
		return 0;
	fuzz_must(settings.n <= SETTINGS_MAX && settings.nitems <= SETTING_ITEMS_MAX,
	    "too many settings");
	for (size_t i = 0; i < settings.n; i++) {
		fuzz_must(settings_find(&settings, settings.list[i].name) == &settings.list[i],
		    "a setting that is not found");
		setting_show(shown, sizeof shown, &settings.list[i].value);
	}
	keys_try(&settings, arena);
	return 0;
}
