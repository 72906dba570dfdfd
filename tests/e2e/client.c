/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives migrations from one book to another by the library's calls, one for each line that it
 * reads: words between tabs. It answers "ok" and a cookie (or nothing), or an error's name and
 * message.
 *
 *   begin DOMAIN PEER [name=NAME] [map=MAP] [mode=NUMBER] [copy=yes] [tls=yes] [paused=yes]
 *   prepare COOKIE, perform COOKIE [call-off], finish COOKIE, confirm COOKIE, cancel
 *   find source|destination COOKIE, free source|destination
 */
#include <domesday/migrate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 8
#define HALVES 2

struct client {
	struct dd_host *host[HALVES]; /* source, destination */
	struct dd_migration *half[HALVES];
	char *word[WORDS];
	int count;
};

static int tell(int code, char *cookie, const struct dd_error *err)
{
	if (code)
		printf("%s\t%s %s\n", dd_code_name(code), err->message, err->hint);
	else
		printf("ok\t%s\n", cookie ? cookie : "");
	fflush(stdout);
	free(cookie);
	return code;
}

static void let_go(struct client *client, int side)
{
	dd_migration_free(client->half[side]);
	client->half[side] = NULL;
}

static int begin(struct client *client, char **cookie, struct dd_error *err)
{
	const char *maps[] = {NULL, NULL};
	struct dd_migrate_options options = {
		.domain = client->word[1], .peer = client->word[2], .maps = maps};

	for (int i = 3; i < client->count; i++) {
		char *value = strchr(client->word[i], '=');

		if (value && strncmp(client->word[i], "name", 4) == 0)
			options.name = value + 1;
		else if (value && strncmp(client->word[i], "map", 3) == 0)
			maps[0] = value + 1;
		else if (value && strncmp(client->word[i], "mode", 4) == 0)
			options.mode = (enum dd_migration_mode)strtol(value + 1, NULL, 10);
		else if (value && strncmp(client->word[i], "copy", 4) == 0)
			options.copy_storage = true;
		else if (value && strncmp(client->word[i], "tls", 3) == 0)
			options.transport = DD_TRANSPORT_TLS;
		else if (value && strncmp(client->word[i], "keep", 4) == 0)
			options.keep = true;
		else
			options.paused = true;
	}
	let_go(client, 0);
	return dd_migration_begin(client->host[0], &options, NULL, &client->half[0], cookie, err);
}

static int call_off(const struct dd_migration_progress *progress, void *context)
{
	(void)progress;
	(void)context;
	return 1;
}

static int run(struct client *client, char **cookie, struct dd_error *err)
{
	const char *verb = client->word[0];
	const char *given = client->count > 1 ? client->word[1] : NULL;
	int side = client->count > 1 && strcmp(given, "destination") == 0;

	if (strcmp(verb, "begin") == 0)
		return begin(client, cookie, err);
	if (strcmp(verb, "prepare") == 0) {
		let_go(client, 1);
		return dd_migration_prepare(client->host[1], given, &client->half[1], cookie, err);
	}
	if (strcmp(verb, "perform") == 0)
		return dd_migration_perform(client->half[0], given,
			client->count > 2 ? call_off : NULL, NULL, cookie, err);
	if (strcmp(verb, "finish") == 0)
		return dd_migration_finish(client->half[1], given, cookie, err);
	if (strcmp(verb, "confirm") == 0)
		return dd_migration_confirm(client->half[0], given, NULL, err);
	if (strcmp(verb, "cancel") == 0)
		return dd_migration_cancel(client->half[side], err);
	let_go(client, side);
	return strcmp(verb, "find") == 0 ? dd_migration_find(client->host[side], client->word[2],
						   &client->half[side], err)
					 : 0;
}

static void split(struct client *client, char *line)
{
	client->count = 0;
	line[strcspn(line, "\n")] = '\0';
	while (line && client->count < WORDS)
		client->word[client->count++] = strsep(&line, "\t");
}

/* SOURCE_BOOK SOURCE_NAME DESTINATION_BOOK DESTINATION_NAME */
int main(int argc, char **argv)
{
	struct client client = {.count = 0};
	struct dd_error err = {0};
	char *line = NULL;
	size_t size = 0;

	for (int side = 0; argc == 1 + 2 * HALVES && side < HALVES; side++) {
		const struct dd_host_options options = {
			.book = argv[1 + 2 * side], .host_name = argv[2 + 2 * side]};

		if (dd_host_open(&options, &client.host[side], &err))
			return tell(err.code, NULL, &err) != 0;
	}
	while (client.host[1] && getline(&line, &size, stdin) > 0) {
		char *cookie = NULL;
		int code;

		err = (struct dd_error){0};
		split(&client, line);
		code = run(&client, &cookie, &err);
		(void)tell(code, cookie, &err);
	}
	free(line);
	for (int side = 0; side < HALVES; side++) {
		let_go(&client, side);
		dd_host_close(client.host[side]);
	}
	return 0;
}
