/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings are rows of a table here, and JSON in the book: the value, and who set it, when, why. A
 * book that says nothing has the first of the setting's words.
 */
#include "domain/config.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/line.h"
#include "domain/reason.h"
#include "qmp/json.h"

static const struct setting {
	const char *name;
	const char *words[3]; /* that it can be, NULL-terminated; "" alone: a program's path */
	const char *summary;
} settings[] = {
	{CONFIG_REQUIRE_REASON, {"no", "yes"}, "refuse a change for which nobody says why"},
	{CONFIG_FENCE_COMMAND, {""}, "the program that proves that a host is down, for evacuate"},
	{CONFIG_MIGRATE_HOOK, {""}, "the program that is shown each domain that comes from a peer"},
	{CONFIG_AUTO_PUSH, {"yes", "no"}, "domesdayd pushes to every remote after changes"},
};
#define SETTING_COUNT (sizeof settings / sizeof settings[0])

static int setting_find(const char *name, const struct setting **out, struct dd_error *err)
{
	CLEANUP(text) struct text names = TEXT_INIT;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (strcmp(settings[i].name, name) == 0) {
			*out = &settings[i];
			return 0;
		}
		text_printf(&names, "%s%s", i ? ", " : "", settings[i].name);
	}
	error_set(err, DD_NOT_FOUND, "a book has no setting '%s'", name);
	error_hint(err, "there is: %s", text_string(&names));
	return DD_NOT_FOUND;
}

static bool is_word(const struct setting *setting, const char *value)
{
	for (const char *const *word = setting->words; *word; word++)
		if (strcmp(*word, value) == 0)
			return true;
	return !*setting->words[0];
}

/* *json stays NULL where the book says nothing. What is no word of the setting's is no "no". */
static int setting_read(struct dd_host *host, const struct setting *setting, struct json **json,
	struct dd_error *err)
{
	CLEANUP(text) struct text value = TEXT_INIT;
	int rc = book_setting_get(host->book, setting->name, &value, err);
	const char *word;

	if (rc)
		return rc == DD_NOT_FOUND ? 0 : rc;
	rc = json_parse(text_string(&value), value.size, json, err);
	word = rc ? NULL : json_get_string(*json, "value");
	if (rc == DD_NO_MEMORY || (word && is_word(setting, word)))
		return rc;
	error_set(err, DD_CORRUPT, "the book's setting '%s' cannot be read", setting->name);
	return error_hint(err,
		"'domesday reindex' puts a changed bit right, 'domesday config %s VALUE' sets it "
		"anew",
		setting->name);
}

static int setting_tell(struct dd_host *host, const struct setting *setting, dd_setting_fn tell,
	void *context, struct dd_error *err)
{
	CLEANUP(json) struct json *json = NULL;
	int rc = setting_read(host, setting, &json, err);
	const char *who = json_get_string(json, "who");
	const char *reason = json_get_string(json, "reason");
	struct dd_setting told = {
		.name = setting->name,
		.value = json ? json_get_string(json, "value") : setting->words[0],
		.summary = setting->summary,
		.who = who ? who : "",
		.when = json_get_number(json, "when", 0),
		.reason = reason ? reason : "",
	};

	return rc ? rc : tell(&told, context);
}

int dd_settings(struct dd_host *host, const char *name, dd_setting_fn tell, void *context,
	struct dd_error *err)
{
	const struct setting *setting = NULL;
	int rc = name ? setting_find(name, &setting, err) : 0;

	if (rc || setting)
		return rc ? rc : setting_tell(host, setting, tell, context, err);
	for (size_t i = 0; !rc && i < SETTING_COUNT; i++)
		rc = setting_tell(host, &settings[i], tell, context, err);
	return rc;
}

static int take_value(const struct dd_setting *setting, void *value)
{
	return string_copy(value, setting->value, NULL);
}

int config_text(struct dd_host *host, const char *name, char **out, struct dd_error *err)
{
	return dd_settings(host, name, take_value, out, err);
}

int config_switch(struct dd_host *host, const char *name, bool *on, struct dd_error *err)
{
	CLEANUP(free) char *value = NULL;
	int rc = config_text(host, name, &value, err);

	if (!rc)
		*on = strcmp(value, "yes") == 0;
	return rc;
}

/* A folder may be searched, which access() calls the same. */
static bool is_program(const char *path)
{
	struct stat status;

	return path[0] == '/' && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	       access(path, X_OK) == 0;
}

static int program_check(const struct setting *setting, const char *value, struct dd_error *err)
{
	if (!*value || is_program(value))
		return *value ? line_check(value, PATH_MAX, setting->name, err) : 0;
	return error_set(err, DD_INVALID,
		"%s is the absolute path of a program that can be run, or '', not '%s'",
		setting->name, value);
}

static int word_check(const struct setting *setting, const char *value, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	if (!*setting->words[0])
		return program_check(setting, value, err);

	if (is_word(setting, value))
		return 0;
	for (const char *const *word = setting->words; *word; word++)
		text_printf(&words, "%s%s", words.size ? " or " : "", *word);
	return error_set(
		err, DD_INVALID, "%s is %s, not '%s'", setting->name, text_string(&words), value);
}

static int setting_write(struct dd_host *host, const struct setting *setting, const char *value,
	const char *reason, struct dd_error *err)
{
	CLEANUP(json) struct json *json = json_object();
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *who = NULL;
	int rc = string_format(&who, err, "%s <%s>", host->author_name, host->author_email);

	if (rc)
		return rc;
	json_put_string(json, "value", value);
	json_put_string(json, "who", who);
	json_put_number(json, "when", time(NULL));
	if (reason)
		json_put_string(json, "reason", reason);
	rc = json ? json_write(json, &text, err) : error_no_memory(err);
	return rc ? rc : book_setting_put(host->book, setting->name, text_string(&text), err);
}

int dd_setting_set(struct dd_host *host, const char *name, const char *value, const char *reason,
	bool *changed, struct dd_error *err)
{
	CLEANUP(free) char *before = NULL;
	const struct setting *setting = NULL;
	struct dd_error unread = {0};
	bool same = false;
	int rc = setting_find(name, &setting, err);

	if (!rc)
		rc = word_check(setting, value, err);
	if (rc)
		return rc;
	rc = config_text(host, name, &before, &unread);
	/* what cannot be read is set anew */
	if (rc && rc != DD_CORRUPT)
		return error_set(err, rc, "%s", unread.message);
	same = !rc && strcmp(before, value) == 0;
	rc = 0;
	if (!same)
		rc = reason_find(host, "config", reason, &reason, err);
	if (!same && !rc)
		rc = setting_write(host, setting, value, reason, err);
	if (!rc && changed)
		*changed = !same;
	return rc;
}
