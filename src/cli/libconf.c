#include "cli/libconf.h"

#include <stdio.h>
#include <libconfig.h>

#define GROUPS_MAX      64

/* A group still to be gone through, and the name it has. */
struct group {
	const config_setting_t *setting;
	const char *name;
};

struct walk {
	struct settings *settings;
	struct group groups[GROUPS_MAX];
	size_t  ngroups;
};

static bool
name_join(struct walk *walk, const char **out, const char *group, const char *name,
    struct reason *why)
{
	char text[SETTING_NAME_MAX + 1];
	struct bytes copy;
	int n;

	n = snprintf(text, sizeof text, "%s%s%s", group, *group == '\0' ? "" : ".", name);
	if (n < 0 || (size_t)n >= sizeof text)
		return reject(why, REASON_LIMIT, "name longer than %d characters", SETTING_NAME_MAX);
	if (!arena_copy(walk->settings->arena, &copy, bytes_str(text), why))
		return false;
	*out = (const char *)copy.ptr;
	return true;
}

static bool
scalar_copy(struct walk *walk, struct setting_value *out, const config_setting_t *from,
    struct reason *why)
{
	struct bytes copy;

	switch (config_setting_type(from)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		out->type = SETTING_INTEGER;
		out->integer = config_setting_get_int64(from);
		return true;
	case CONFIG_TYPE_BOOL:
		out->type = SETTING_BOOLEAN;
		out->boolean = config_setting_get_bool(from) != 0;
		return true;
	case CONFIG_TYPE_STRING:
		out->type = SETTING_STRING;
		if (!arena_copy(walk->settings->arena, &copy,
		    bytes_str(config_setting_get_string(from)), why))
			return false;
		out->string = (const char *)copy.ptr;
		return true;
	case CONFIG_TYPE_FLOAT:
		out->type = SETTING_OTHER;
		out->string = "with a fraction";
		return true;
	default:
		return reject(why, REASON_UNSUPPORTED, "lists may only hold plain values");
	}
}

static bool
list_copy(struct walk *walk, struct setting *out, const config_setting_t *from,
    struct reason *why)
{
	struct setting_value *items;
	int i, n = config_setting_length(from);

	out->value.type = SETTING_LIST;
	if (n <= 0)
		return true;
	walk->settings->nitems += (size_t)n;
	if (walk->settings->nitems > SETTING_ITEMS_MAX)
		return reject(why, REASON_LIMIT,
		    "more than %d items in all lists", SETTING_ITEMS_MAX);
	items = arena_array(walk->settings->arena, (size_t)n, sizeof *items, why);
	if (items == NULL)
		return false;
	for (i = 0; i < n; i++)
		if (!scalar_copy(walk, &items[i], config_setting_get_elem(from, (unsigned)i), why))
			return false;
	out->items = items;
	out->nitems = (size_t)n;
	return true;
}

static bool
setting_copy(struct walk *walk, const char *group, const config_setting_t *from,
    struct reason *why)
{
	struct setting setting = { .line = config_setting_source_line(from) };

	if (!name_join(walk, &setting.name, group, config_setting_name(from), why))
		return false;
	if (config_setting_is_group(from)) {
		if (walk->ngroups == GROUPS_MAX)
			return reject(why, REASON_LIMIT, "more than %d groups", GROUPS_MAX);
		walk->groups[walk->ngroups].setting = from;
		walk->groups[walk->ngroups++].name = setting.name;
		return true;
	}
	if (config_setting_is_list(from) || config_setting_is_array(from)) {
		if (!list_copy(walk, &setting, from, why))
			return false;
	} else if (!scalar_copy(walk, &setting.value, from, why)) {
		return false;
	}
	return settings_add(walk->settings, &setting, why);
}

static bool
group_copy(struct walk *walk, struct group group, struct reason *why)
{
	const config_setting_t *child;
	int i;

	for (i = 0; i < config_setting_length(group.setting); i++) {
		child = config_setting_get_elem(group.setting, (unsigned)i);
		if (!setting_copy(walk, group.name, child, why))
			return settings_reject(walk->settings, config_setting_source_line(child), why);
	}
	return true;
}

static bool
config_copy(struct settings *settings, const config_t *config, struct reason *why)
{
	struct walk walk = { .settings = settings };
	size_t i;

	walk.groups[walk.ngroups++] = (struct group){ config_root_setting(config), "" };
	for (i = 0; i < walk.ngroups; i++)
		if (!group_copy(&walk, walk.groups[i], why))
			return false;
	return true;
}

/* How much of the text is a string or a comment, 0 if it starts with neither. */
static size_t
opaque_len(const char *text)
{
	const char *end;
	size_t len;

	if (*text == '"') {
		for (len = 1; text[len] != '\0' && text[len] != '"'; len++)
			if (text[len] == '\\' && text[len + 1] != '\0')
				len++;
		return text[len] == '\0' ? len : len + 1;
	}
	if (*text == '#' || strncmp(text, "//", 2) == 0)
		return strcspn(text, "\n");
	if (strncmp(text, "/*", 2) == 0) {
		end = strstr(text + 2, "*/");
		return end == NULL ? strlen(text) : (size_t)(end - text) + 2;
	}
	return 0;
}

/* A name or a number: what runs on without a break. */
static size_t
word_len(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.*+");
}

/* An integer that might not fit 32 bits and does not say L. */
static bool
is_long_integer(const char *word, size_t len)
{
	const char *digits = word + (*word == '-' || *word == '+');
	size_t n;

	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
		n = strspn(digits + 2, "0123456789abcdefABCDEF");
		return n > 7 && digits + 2 + n == word + len;
	}
	n = strspn(digits, "0123456789");
	return n > 9 && digits + n == word + len;
}

/*
 * The line of an "@include", 0 when there is none: outside of strings and comments the sign means
 * nothing else.  libconfig would read that file, and ends the program when it cannot.
 */
static unsigned
include_find(const char *text)
{
	unsigned line = 1;
	size_t len;

	while (*text != '\0') {
		if (*text == '@')
			return line;
		len = opaque_len(text);
		for (len = len == 0 ? 1 : len; len > 0; len--)
			line += *text++ == '\n';
	}
	return 0;
}

/*
 * The text with an L behind every long integer: without it libconfig keeps the lower 32 bits
 * and says nothing.
 */
static char *
text_widen(struct arena *arena, const char *text, struct reason *why)
{
	char *out, *to;
	size_t len;

	/* An L is only added to ten characters or more. */
	out = to = arena_alloc(arena, strlen(text) + strlen(text) / 8 + 1, why);
	if (out == NULL)
		return NULL;
	while (*text != '\0') {
		len = opaque_len(text);
		if (len == 0 && (len = word_len(text)) == 0)
			len = 1;
		memcpy(to, text, len);
		to += len;
		if (is_long_integer(text, len))
			*to++ = 'L';
		text += len;
	}
	return out;
}

bool
libconf_read(struct settings *settings, struct bytes text, struct reason *why)
{
	config_t config;
	unsigned line;
	char *copy;
	bool ok;

	if (text.len > SETTINGS_TEXT_MAX ||
	    (text.len != 0 && memchr(text.ptr, '\0', text.len) != NULL)) {
		(void)reject(why, REASON_MALFORMED, "longer than %d bytes, or NUL in the text",
		    SETTINGS_TEXT_MAX);
		return settings_reject(settings, 0, why);
	}
	copy = arena_alloc(settings->arena, text.len + 2, why);
	if (copy == NULL)
		return false;
	bytes_copy(copy, text);
	/* libconfig takes no comment that ends with the file. */
	copy[text.len] = '\n';
	line = include_find(copy);
	if (line != 0) {
		(void)reject(why, REASON_UNSUPPORTED, "@include is not supported");
		return settings_reject(settings, line, why);
	}
	copy = text_widen(settings->arena, copy, why);
	if (copy == NULL)
		return false;
	config_init(&config);
	if (config_read_string(&config, copy) == CONFIG_TRUE) {
		ok = config_copy(settings, &config, why);
	} else {
		(void)reject(why, REASON_MALFORMED, "%s", config_error_text(&config));
		ok = settings_reject(settings, (unsigned)config_error_line(&config), why);
	}
	config_destroy(&config);
	return ok;
}
