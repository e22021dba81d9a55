#include <stdio.h>
#include <stdlib.h>

#include "testing.h"
#include "config_show.h"

/* A file of the source tree. */
static char *
text_of(const char *name)
{
	char path[256];
	struct bytes text;
	char *copy;

	(void)snprintf(path, sizeof path, "../../%s", name);
	text = vector_read(path);
	copy = strdup((const char *)text.ptr);
	assert_non_null(copy);
	return copy;
}

/* How the documentation writes the default of a key, NULL where it uses words. */
static const char *
default_of(const struct config_key *key)
{
	if (key->fallback != NULL)
		return key->fallback;
	return key->type == CONFIG_WORDS || strcmp(key->name, "workers") == 0 ? NULL : "absent";
}

/* The example without its comments, so that each line that has a value counts. */
static char *
example_uncomment(char *text)
{
	char *out = calloc(1, strlen(text) + 1), *line, *rest = text;

	assert_non_null(out);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "# ", 2) != 0)
			continue;
		line += 2;
		if (*line != '[' && (strstr(line, " = ") == NULL || strchr(line, '.') == line ||
		    strcspn(line, " ") != (size_t)(strstr(line, " = ") - line)))
			continue;
		(void)strcat(strcat(out, line), "\n");
	}
	return out;
}

/* etc/dstack-verifier.toml says the defaults: with every line in force nothing changes. */
static void
test_example(void **state)
{
	char *text = text_of("etc/dstack-verifier.toml"), *active = example_uncomment(text);
	struct reason why;
	struct config *plain = config_try("plain.toml", "", NULL, NULL, &why);
	struct config *config = config_try("example.toml", active, NULL, NULL, &why);
	char shown[4096];
	size_t i;

	if (config == NULL)
		fail_msg("%s", why.text);
	for (i = 0; i < config_nkeys; i++) {
		if (config_keys[i].type == CONFIG_INTEGERS)
			continue;
		(void)snprintf(shown, sizeof shown, "%s", config_show(config, &config_keys[i]));
		if (strcmp(shown, config_show(plain, &config_keys[i])) != 0)
			fail_msg("%s is %s in the example", config_keys[i].name, shown);
		if (config_keys[i].fallback != NULL && config_keys[i].effect != CONFIG_REFUSED &&
		    strcmp(config_keys[i].name, "attestation.urls.pccs") != 0 && !config->given[i])
			fail_msg("%s is not in the example", config_keys[i].name);
	}
	config_free(config);
	config_free(plain);
	free(active);
	free(text);
}

static void
row_check(const char *file, const char *text, const char *row)
{
	if (strstr(text, row) == NULL)
		fail_msg("%s has no \"%s\"", file, row);
}

static void
test_readme(void **state)
{
	char *text = text_of("README.md");
	char row[512];
	const char *value;
	size_t i;

	for (i = 0; i < config_nkeys; i++) {
		value = default_of(&config_keys[i]);
		if (value == NULL)
			(void)snprintf(row, sizeof row, "| `%s` | ", config_keys[i].name);
		else if (strcmp(value, "absent") == 0)
			(void)snprintf(row, sizeof row, "| `%s` | absent |", config_keys[i].name);
		else
			(void)snprintf(row, sizeof row, "| `%s` | `%s` |", config_keys[i].name, value);
		row_check("README.md", text, row);
	}
	free(text);
}

/* A default as a manual page has it: quotes doubled, hyphens escaped. */
static void
roff_write(char *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '"')
			*out++ = '"';
		if (*value == '-')
			*out++ = '\\';
		*out++ = *value;
	}
	*out = '\0';
}

static void
test_manual(void **state)
{
	char *text = text_of("man/dstack-verifier.toml.5");
	char row[1024], value[512];
	size_t i;

	for (i = 0; i < config_nkeys; i++) {
		(void)snprintf(row, sizeof row, "\n.BR %s \" (default: ", config_keys[i].name);
		if (default_of(&config_keys[i]) != NULL) {
			roff_write(value, default_of(&config_keys[i]));
			(void)snprintf(row, sizeof row, "\n.BR %s \" (default: %s)\"\n",
			    config_keys[i].name, value);
		}
		row_check("dstack-verifier.toml.5", text, row);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_readme),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests_name("config_docs", tests, scratch_enter, scratch_leave);
}
