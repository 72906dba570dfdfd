/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int choose_colour(struct cli *cli, const char *when, struct dd_error *err)
{
	static const struct {
		const char *word;
		bool always, never;
	} choices[] = {{"auto"}, {"always", .always = true}, {"never", .never = true}};
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	bool fit = isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
		   strcmp(term, "dumb") != 0;

	if (!when && cli->colour_chosen)
		return 0;
	for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
		if (strcmp(when ? when : "auto", choices[i].word) != 0)
			continue;
		cli->colour = choices[i].always || (fit && !choices[i].never);
		cli->colour_chosen = when != NULL;
		return 0;
	}
	return error_set(err, CLI_USAGE, "--color is always, never or auto, not '%s'", when);
}

static const char *const colour_sequences[] = {
	[COLOUR_NONE] = "\033[0m",
	[COLOUR_BOLD] = "\033[1m",
	[COLOUR_RED] = "\033[31m",
	[COLOUR_GREEN] = "\033[32m",
	[COLOUR_YELLOW] = "\033[33m",
	[COLOUR_BLUE] = "\033[34m",
};

const char *colour(const struct cli *cli, enum colour which)
{
	return cli->colour ? colour_sequences[which] : "";
}

void put_time(struct json *object, const char *key, int64_t seconds)
{
	time_t when = (time_t)seconds;
	char word[32];
	struct tm tm;

	if (gmtime_r(&when, &tm) && strftime(word, sizeof word, "%Y-%m-%dT%H:%M:%SZ", &tm))
		json_put_string(object, key, word);
}

int person_name_length(const char *person)
{
	const char *email = strstr(person, " <");

	return email ? (int)(email - person) : (int)strlen(person);
}

struct json *info_json(const struct dd_domain_info *info)
{
	struct json *object = json_object();

	json_put_string(object, "name", info->name);
	json_put_string(object, "uuid", info->uuid);
	json_put_string(object, "title", info->title);
	json_put_string(object, "state", info->state);
	json_put(object, "id", info->pid ? json_number(info->id) : json_null());
	json_put(object, "pid", info->pid ? json_number(info->pid) : json_null());
	json_put_bool(object, "autostart", info->autostart);
	json_put_number(object, "version", info->version);
	json_put_number(object, "epoch", info->epoch);
	json_put(object, "owner", info->owner ? json_string(info->owner) : json_null());
	json_put_bool(object, "claimed", info->claimed);
	return object;
}

/* Words apart by a space, as a list. */
static struct json *words_json(const char *words)
{
	struct json *array = json_array();

	while (*words) {
		CLEANUP(free) char *word = strndup(words, strcspn(words, " "));

		json_push(array, json_string(word ? word : ""));
		words += strcspn(words, " ");
		words += *words == ' ';
	}
	return array;
}

static struct json *caller_json(const struct dd_caller *caller)
{
	struct json *object = json_object();
	bool known = caller->uid >= 0;

	json_put(object, "uid", known ? json_number(caller->uid) : json_null());
	json_put(object, "acting_uid", known ? json_number(caller->acting_uid) : json_null());
	json_put_string(object, "known_by", caller->known_by);
	json_put_string(object, "program", caller->program);
	return object;
}

struct json *version_json(const struct dd_version_info *info)
{
	struct json *object = json_object();
	struct json *trailers = json_array();

	for (size_t i = 0; i < info->trailer_count; i++)
		json_push(trailers, json_string(info->trailers[i]));
	json_put_string(object, "domain", info->domain);
	json_put_string(object, "uuid", info->uuid);
	json_put_number(object, "version", info->number);
	json_put_string(object, "commit", info->commit);
	put_time(object, "when", info->when);
	put_time(object, "authored", info->authored);
	json_put_string(object, "author", info->author);
	json_put(object, "caller", caller_json(&info->caller));
	json_put_string(object, "committer", info->committer);
	json_put_string(object, "operation", info->operation);
	json_put_string(object, "subject", info->subject);
	json_put_string(object, "reason", info->reason);
	json_put(object, "trailers", trailers);
	json_put(object, "tags", words_json(info->tags));
	return object;
}

struct json *difference_json(const struct dd_difference *difference)
{
	struct json *object = json_object();

	json_put_string(object, "kind", difference->kind);
	json_put_string(object, "device", difference->device);
	json_put_string(object, "path", difference->path);
	json_put_string(object, "before", difference->before);
	json_put_string(object, "after", difference->after);
	json_put_string(object, "sentence", difference->sentence);
	if (difference->when) {
		json_put_string(object, "when", difference->when);
		json_put_bool(object, "visible", difference->visible);
	}
	return object;
}

void differences_init(struct differences *differences, const struct cli *cli)
{
	memset(differences, 0, sizeof *differences);
	differences->cli = cli;
	differences->array = json_array();
}

void differences_release(struct differences *differences)
{
	text_release(&differences->lines);
	json_free(differences->array);
}

static const struct {
	const char *kind;
	const char *sign;
	enum colour colour;
} marks[] = {
	{"attached", "+", COLOUR_GREEN},
	{"detached", "-", COLOUR_RED},
	{"updated", "~", COLOUR_YELLOW},
	{"setting", "~", COLOUR_YELLOW},
	{"drift", "!", COLOUR_RED},
};

int differences_add(const struct dd_difference *difference, void *context)
{
	struct differences *differences = context;
	const struct cli *cli = differences->cli;

	differences->count++;
	json_push(differences->array, difference_json(difference));
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (strcmp(marks[i].kind, difference->kind) == 0)
			text_printf(&differences->lines, "%s%s %s%s\n",
				colour(cli, marks[i].colour), marks[i].sign, difference->sentence,
				colour(cli, COLOUR_NONE));
	return 0;
}
