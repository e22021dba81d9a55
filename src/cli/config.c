#include "cli/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/config_check.h"
#include "cli/config_key.h"
#include "cli/environment.h"
#include "cli/file.h"
#include "cli/libconf.h"
#include "cli/toml.h"

/* The file's text, its items, and copies of them while lists grow. */
#define ARENA_MAX       (64u << 20)

#define NOTE_MAX        512

/* Settings that are read into one configuration; later rows win. */
struct layers {
	struct settings *defaults, *file, *policy_file, *environment;
};

struct alias {
	const char *name, *key;
};

static const struct alias aliases[] = {
	{ "host", "address" },
	{ "pccs_url", "attestation.urls.pccs" },
};

/* Keys of the web framework, which older files have; also whole groups. */
static const char *const framework_keys[] = {
	"limits", "keep_alive", "ident", "temp_dir", "cli_colors", "shutdown", "tls",
};

static void note(struct config *config, enum log_level level, const char *format, ...)
    PRINTF(3, 4);

static void
note(struct config *config, enum log_level level, const char *format, ...)
{
	char text[NOTE_MAX];
	struct reason why;
	struct bytes copy;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (config->nnotes == CONFIG_NOTES_MAX ||
	    !arena_copy(config->arena, &copy, bytes_str(text), &why))
		return;
	config->notes[config->nnotes].level = level;
	config->notes[config->nnotes++].text = (const char *)copy.ptr;
}

/* Reading */

static struct settings *
settings_new(struct config *config, const char *origin, struct reason *why)
{
	struct settings *settings = arena_alloc(config->arena, sizeof *settings, why);

	if (settings != NULL)
		settings_init(settings, config->arena, origin);
	return settings;
}

static bool
text_read(struct settings *settings, const char *path, struct bytes text, struct reason *why)
{
	const size_t len = strlen(path);

	if (len >= 5 && strcmp(path + len - 5, ".toml") == 0)
		return toml_read(settings, text, why);
	return libconf_read(settings, text, why);
}

static bool
settings_file_read(struct config *config, struct settings **out, const char *path,
    struct reason *why)
{
	struct bytes text;

	*out = settings_new(config, path, why);
	if (*out == NULL)
		return false;
	if (!file_read(&text, config->arena, path, SETTINGS_TEXT_MAX, why))
		return settings_reject(*out, 0, why);
	return text_read(*out, path, text, why);
}

static bool
file_layer_read(struct config *config, struct layers *layers, const char *path,
    struct reason *why)
{
	char found[FILE_PATH_MAX];

	if (file_find(found, path == NULL ? CONFIG_FILE : path))
		return settings_file_read(config, &layers->file, found, why);
	if (path != NULL)
		note(config, LOG_LEVEL_WARN, "configuration file %s is missing", path);
	layers->file = settings_new(config, CONFIG_FILE, why);
	return layers->file != NULL;
}

/* The value of a key that decides how the others are read; environment before file. */
static bool
key_set_early(struct config *config, const struct layers *layers, const char *name,
    struct reason *why)
{
	const struct settings *from = layers->environment;
	const struct setting *setting = settings_find(from, name);

	if (setting == NULL) {
		from = layers->file;
		setting = settings_find(from, name);
	}
	if (setting == NULL)
		return true;
	return config_key_set(config, config_key_find(name), setting, why) ||
	    settings_reject(from, setting->line, why);
}

/* The policy file's keys get their group; none may stand in the main file as well. */
static bool
policy_layer_read(struct config *config, struct layers *layers, struct reason *why)
{
	struct settings *policy;
	struct bytes copy;
	char name[SETTING_NAME_MAX + 16];
	size_t i;

	layers->policy_file = settings_new(config, "policy file", why);
	if (layers->policy_file == NULL)
		return false;
	if (config->policy_file == NULL || *config->policy_file == '\0')
		return true;
	if (!settings_file_read(config, &layers->policy_file, config->policy_file, why))
		return false;
	policy = layers->policy_file;
	for (i = 0; i < policy->n; i++) {
		(void)snprintf(name, sizeof name, "policy.%s", policy->list[i].name);
		if (!arena_copy(config->arena, &copy, bytes_str(name), why))
			return false;
		policy->list[i].name = (const char *)copy.ptr;
		if (settings_find(layers->file, policy->list[i].name) != NULL) {
			(void)reject(why, REASON_MALFORMED, "`%s` is given in %s as well", name,
			    layers->file->origin);
			return settings_reject(policy, policy->list[i].line, why);
		}
	}
	return true;
}

/* The table's defaults, but for those that dv_policy_init() knows. */
static bool
defaults_read(struct config *config, struct layers *layers, struct reason *why)
{
	char text[256];
	struct reason bug;
	size_t i;

	layers->defaults = settings_new(config, "built-in defaults", why);
	if (layers->defaults == NULL)
		return false;
	for (i = 0; i < config_nkeys; i++) {
		if (config_keys[i].fallback == NULL || config_keys[i].of_policy ||
		    config_keys[i].effect == CONFIG_REFUSED)
			continue;
		(void)snprintf(text, sizeof text, "%s = %s", config_keys[i].name,
		    config->policy.profile == DV_PROFILE_STRICT &&
		    config_keys[i].fallback_strict != NULL ?
		    config_keys[i].fallback_strict : config_keys[i].fallback);
		if (!toml_read(layers->defaults, bytes_str(text), &bug))
			return reject(why, REASON_INTERNAL, "%s", bug.text);
	}
	return true;
}

/* Applying */

static bool
is_framework_key(const char *name)
{
	size_t i, len;

	for (i = 0; i < NELEM(framework_keys); i++) {
		len = strlen(framework_keys[i]);
		if (strncmp(name, framework_keys[i], len) == 0 &&
		    (name[len] == '\0' || name[len] == '.'))
			return true;
	}
	return false;
}

static const struct alias *
alias_find(const char *name)
{
	size_t i;

	for (i = 0; i < NELEM(aliases); i++)
		if (strcmp(aliases[i].name, name) == 0)
			return &aliases[i];
	return NULL;
}

static bool
is_blank(const struct setting_value *value)
{
	return value->type == SETTING_STRING && value->string[strspn(value->string, " \t")] == '\0';
}

/* A URL that is blank, and a list of them that is empty, stand for the default. */
static bool
means_default(const struct config_key *key, const struct setting *setting)
{
	if (key->type != CONFIG_URLS)
		return false;
	if (setting->value.type == SETTING_LIST)
		return setting->nitems == 0;
	return is_blank(&setting->value);
}

static bool
key_apply(struct config *config, const struct layers *layers, const struct config_key *key,
    const struct setting *setting, struct reason *why)
{
	const bool is_default = means_default(key, setting);

	if (is_default)
		setting = settings_find(layers->defaults, key->name);
	if (!config_key_set(config, key, setting, why))
		return false;
	config->given[config_key_index(key)] = !is_default;
	return true;
}

static bool
setting_apply(struct config *config, const struct layers *layers,
    const struct settings *from, const struct setting *setting, struct reason *why)
{
	const struct alias *alias = alias_find(setting->name);
	const struct config_key *key;

	if (alias != NULL)
		return true;    /* done before, so that the real key wins */
	if (is_framework_key(setting->name)) {
		note(config, LOG_LEVEL_WARN, "%s: `%s` is a key of the web framework and is ignored",
		    from->origin, setting->name);
		return true;
	}
	key = config_key_find(setting->name);
	if (key == NULL)
		return reject(why, REASON_MALFORMED, "unknown field `%s`", setting->name);
	return key_apply(config, layers, key, setting, why);
}

static bool
layer_apply(struct config *config, const struct layers *layers, const struct settings *from,
    struct reason *why)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (!setting_apply(config, layers, from, &from->list[i], why))
			return settings_reject(from, from->list[i].line, why);
	return true;
}

static bool
aliases_apply(struct config *config, const struct layers *layers, const struct settings *from,
    struct reason *why)
{
	const struct setting *setting;
	size_t i;

	for (i = 0; i < NELEM(aliases); i++) {
		setting = settings_find(from, aliases[i].name);
		if (setting == NULL)
			continue;
		note(config, LOG_LEVEL_WARN, "%s: `%s` is an old name of `%s`", from->origin,
		    aliases[i].name, aliases[i].key);
		if (!key_apply(config, layers, config_key_find(aliases[i].key), setting, why))
			return settings_reject(from, setting->line, why);
	}
	return true;
}

/* PCCS_URL, which older releases read: above the built-in default and below all else. */
static bool
pccs_variable_apply(struct config *config, const struct layers *layers,
    const char *const *environment, struct reason *why)
{
	const struct config_key *key = config_key_find("attestation.urls.pccs");
	struct setting setting = { .value.type = SETTING_STRING };

	setting.value.string = environment_find(environment, "PCCS_URL");
	if (setting.value.string == NULL || config->given[config_key_index(key)])
		return true;
	return key_apply(config, layers, key, &setting, why);
}

/* The first bare level of RUST_LOG; directives for single modules are passed over. */
static void
rust_log_apply(struct config *config, const char *text)
{
	static const struct config_word levels[] = {
		{ "off", LOG_LEVEL_ERROR }, { "error", LOG_LEVEL_ERROR },
		{ "warn", LOG_LEVEL_WARN }, { "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG }, { "trace", LOG_LEVEL_DEBUG },
	};
	size_t i, len;

	for (; *text != '\0'; text += len + (text[len] == ',')) {
		text += strspn(text, " ");
		len = strcspn(text, ",");
		for (i = 0; i < NELEM(levels); i++)
			if (strlen(levels[i].name) == strcspn(text, ", ") &&
			    strncasecmp(text, levels[i].name, strlen(levels[i].name)) == 0) {
				config->log_level = (enum log_level)levels[i].value;
				return;
			}
	}
}

static void
processors_count(struct config *config)
{
	const long n = sysconf(_SC_NPROCESSORS_ONLN);

	config->workers = n < 1 ? 1 : n > 256 ? 256 : n;
}

static bool
layers_read(struct config *config, struct layers *layers, const struct config_source *source,
    struct reason *why)
{
	layers->environment = settings_new(config, ENVIRONMENT_ORIGIN, why);
	return layers->environment != NULL &&
	    environment_read(layers->environment, source->environment, why) &&
	    file_layer_read(config, layers, source->path, why) &&
	    key_set_early(config, layers, "profile", why) &&
	    key_set_early(config, layers, "policy_file", why) &&
	    policy_layer_read(config, layers, why) &&
	    defaults_read(config, layers, why);
}

static bool
layers_apply(struct config *config, const struct layers *layers, struct reason *why)
{
	if (!layer_apply(config, layers, layers->defaults, why))
		return false;
	memset(config->given, 0, sizeof config->given);
	return aliases_apply(config, layers, layers->file, why) &&
	    aliases_apply(config, layers, layers->environment, why) &&
	    layer_apply(config, layers, layers->file, why) &&
	    layer_apply(config, layers, layers->policy_file, why) &&
	    layer_apply(config, layers, layers->environment, why);
}

/* Keys that were given and that nothing reads yet. */
static bool
effects_check(struct config *config, struct reason *why)
{
	size_t i;

	if (!config_root_ca_read(config, why))
		return false;
	for (i = 0; i < config_nkeys; i++) {
		if (!config->given[i])
			continue;
		if (config_keys[i].effect == CONFIG_REFUSED)
			return reject(why, REASON_UNSUPPORTED, "`%s` has no effect yet",
			    config_keys[i].name);
		if (config_keys[i].effect == CONFIG_NO_VERDICT)
			note(config, LOG_LEVEL_DEBUG, "`%s` has no effect yet", config_keys[i].name);
	}
	return true;
}

static bool
config_fill(struct config *config, const struct config_source *source, struct reason *why)
{
	struct layers layers = { NULL, NULL, NULL, NULL };
	char error[256];
	const char *rust_log = environment_find(source->environment, "RUST_LOG");

	if (!layers_read(config, &layers, source, why))
		return false;
	dv_policy_init(&config->policy, config->policy.profile);
	processors_count(config);
	if (!layers_apply(config, &layers, why) ||
	    !pccs_variable_apply(config, &layers, source->environment, why))
		return false;
	if (rust_log != NULL && !config->given[config_key_index(config_key_find("log_level"))])
		rust_log_apply(config, rust_log);
	if (!dv_policy_settle(&config->policy, error, sizeof error))
		return reject(why, REASON_MALFORMED, "%s", error);
	return config_check(config, why) && effects_check(config, why);
}

bool
config_load(struct config **out, const struct config_source *source, struct reason *why)
{
	AUTO(config_free) struct config *config = calloc(1, sizeof *config);

	*out = NULL;
	if (config == NULL)
		return reject(why, REASON_INTERNAL, "no memory");
	config->arena = arena_new(ARENA_MAX);
	if (config->arena == NULL)
		return reject(why, REASON_INTERNAL, "no memory");
	if (!config_fill(config, source, why))
		return false;
	*out = TAKE(config);
	return true;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	arena_free(config->arena);
	free(config);
}
