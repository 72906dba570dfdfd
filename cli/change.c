/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"

#include <string.h>

#include "cli/output.h"

struct since {
	struct json *versions;
	uint32_t known;
};

static int add_since(const struct dd_version_info *info, void *context)
{
	struct since *since = context;

	if (info->number <= since->known)
		return 1;
	json_push(since->versions, version_json(info));
	return 0;
}

/* The message names the versions in a few words; programs get them whole. */
static void explain_conflict(struct cli *cli, const char *domain, uint32_t known)
{
	struct since since = {.versions = json_array(), .known = known};

	dd_log(cli->host, domain, 0, add_since, &since, NULL);
	if (!cli->details)
		cli->details = json_object();
	json_put(cli->details, "since", since.versions);
}

static int see_name(const struct dd_domain_info *info, void *name)
{
	return string_copy(name, info->name, NULL);
}

static int note_version(const struct dd_version_info *info, void *context)
{
	const struct cli *cli = context;

	cli_note(cli, "version %u: %s", info->number, info->subject);
	return 0;
}

static struct json *result_json(const char *domain, const struct dd_result *result)
{
	struct json *object = json_object();

	json_put_string(object, "domain", domain);
	json_put_string(object, "uuid", result->uuid);
	json_put_number(object, "version", result->version);
	json_put_bool(object, "changed", result->changed);
	return object;
}

int change_finish(struct cli *cli, const char *domain, int rc, const struct dd_change *change,
	const struct dd_result *result, struct dd_error *err)
{
	CLEANUP(free) char *name = NULL;

	if (rc == DD_CONFLICT && cli->json && domain && change->if_version)
		explain_conflict(cli, domain, change->if_version);
	if (rc < 0)
		return rc;
	if (!domain && dd_info(cli->host, result->uuid, see_name, &name, NULL) == 0)
		domain = name;
	if (!domain)
		domain = result->uuid;
	if (cli->json)
		return cli_answer(cli, result_json(domain, result), err);
	if (!result->changed)
		cli_note(cli, "%s: it was so already, still version %u", domain, result->version);
	else if (dd_log(cli->host, result->uuid, 1, note_version, cli, NULL) < 0)
		cli_note(cli, "version %u", result->version);
	return rc;
}

struct state {
	struct cli *cli;
	struct dd_error *err;
};

static int show_state(const struct dd_domain_info *info, void *context)
{
	struct state *state = context;

	cli_note(state->cli, "%s: %s", info->name, info->state);
	if (!state->cli->json)
		return 0;
	return cli_answer(state->cli, info_json(info), state->err);
}

int state_finish(struct cli *cli, const char *domain, int rc, struct dd_error *err)
{
	struct state state = {.cli = cli, .err = err};

	return rc < 0 ? rc : dd_info(cli->host, domain, show_state, &state, err);
}

int answer_string(struct cli *cli, const char *key, const char *value, struct dd_error *err)
{
	size_t size = strlen(value);

	if (cli->json) {
		struct json *object = json_object();

		json_put_string(object, key, value);
		return cli_answer(cli, object, err);
	}
	cli->exact = true;
	text_puts(&cli->out, value);
	if (size && value[size - 1] != '\n')
		text_putc(&cli->out, '\n');
	return 0;
}
