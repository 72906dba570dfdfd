/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"reason", 0, "TEXT", "kept with the change"},
	{NULL},
};

struct keys {
	struct table *table;
	struct json *array;
	struct json *last;               /* in the array, of a key that counts */
	char fingerprint[128], key[128]; /* of the one that signs now */
};

static struct json *key_json(const struct dd_key *key)
{
	struct json *object = json_object();

	json_put_number(object, "number", key->number);
	json_put_string(object, "fingerprint", key->fingerprint);
	json_put_string(object, "key", key->key);
	put_time(object, "since", key->since);
	json_put(object, "until", json_null());
	json_put_string(object, "who", key->who);
	json_put_string(object, "commit", key->commit);
	json_put(object, "place", key->place ? json_number(key->place) : json_null());
	json_put_bool(object, "current", key->current);
	json_put_string(object, "adopted", key->adopted);
	json_put_string(object, "fault", key->fault);
	return object;
}

static int add_key(const struct dd_key *key, void *context)
{
	struct keys *keys = context;
	struct json *object = key_json(key);
	char number[16], since[MOMENT_SIZE], who[128], state[160];
	const char *const cells[] = {number, key->fingerprint, since, who, state};

	snprintf(state, sizeof state, "%s%s%s",
		key->current ? "signs"
		: key->fault ? key->fault
			     : "",
		key->adopted && key->current ? "; " : "",
		key->adopted ? "adopted at a restore: nothing signed before vouches for it" : "");
	snprintf(number, sizeof number, "%u", key->number);
	moment_format(key->since, since);
	snprintf(who, sizeof who, "%.*s", person_name_length(key->who), key->who);
	table_row(keys->table,
		key->fault     ? COLOUR_RED
		: key->adopted ? COLOUR_YELLOW
		: key->current ? COLOUR_GREEN
			       : COLOUR_NONE,
		cells);
	if (!key->fault && keys->last)
		put_time(keys->last, "until", key->since);
	if (!key->fault)
		keys->last = object;
	if (key->current) {
		snprintf(keys->fingerprint, sizeof keys->fingerprint, "%s", key->fingerprint);
		snprintf(keys->key, sizeof keys->key, "%s", key->key);
	}
	json_push(keys->array, object);
	return 0;
}

static int rotated(struct cli *cli, const struct keys *keys, struct dd_error *err)
{
	struct json *object = json_object();

	cli_note(cli, "%s signs from now on", keys->fingerprint);
	json_put_string(object, "fingerprint", keys->fingerprint);
	json_put_string(object, "key", keys->key);
	if (cli->json)
		return cli_answer(cli, object, err);
	json_free(object);
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	static const char *const titles[] = {"KEY", "FINGERPRINT", "SINCE", "WHO", "", NULL};
	const char *action = operand(args, 0) ? operand(args, 0) : "list";
	bool rotate = strcmp(action, "rotate") == 0;
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = json_array();
	struct keys keys = {.array = array};
	int rc = 0;

	if (!rotate && strcmp(action, "list") != 0)
		return error_set(
			err, CLI_USAGE, "a key can be 'list'ed or 'rotate'd, not '%s'", action);
	if (!rotate && option_given(args, "reason"))
		return error_set(err, CLI_USAGE, "--reason goes with rotate");
	if (rotate)
		rc = dd_key_rotate(cli->host, option_value(args, "reason"), err);
	if (!rc)
		rc = table_new(cli, titles, &table, err);
	keys.table = table;
	if (!rc)
		rc = dd_keys(cli->host, add_key, &keys, err);
	if (rc < 0)
		return rc;
	if (rotate)
		return rotated(cli, &keys, err);
	return cli->json ? cli_answer(cli, TAKE(array), err) : table_print(table, cli, err);
}

const struct command command_key = {
	.name = "key",
	.group = GROUP_HOST,
	.operands = "[ACTION]",
	.summary = "list the keys that signed this book, or change to a new one",
	.about =
		"key [list]   the keys, since when and by whom\n"
		"key rotate   makes a new key, which signs from now on\n"
		"\n"
		"That a key is followed by another is signed with the old one and stands in the "
		"chain of\n"
		"all versions. What a key signed stays good, and nothing that it signs later does; "
		"its\n"
		"secret half is gone.",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
