/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that is known, with the name and key of a book, and says to a peer whatever it is told to,
 * a line each:
 *
 *   say TEXT    a message
 *   much N      a message of N bytes that say nothing
 *   end         an empty message
 *   hear        answers with the next message, or "gone"
 *   connect     anew
 */
#include <domesday/migrate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/peer.h"

#define HEAR_MS 60000

static int say(struct channel *channel, const char *verb, const char *rest)
{
	size_t size = strcmp(verb, "much") == 0 ? strtoul(rest, NULL, 10) : strlen(rest);
	char *much = strcmp(verb, "much") == 0 ? calloc(1, size + 1) : NULL;
	int rc = channel_send(channel, much ? much : rest, size, NULL);

	free(much);
	return rc;
}

static void hear(struct channel *channel)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	if (channel_receive(channel, PEER_MESSAGE_MAX, HEAR_MS, &text, NULL))
		puts("gone");
	else
		puts(text_string(&text));
	fflush(stdout);
}

/* BOOK NAME PEER */
int main(int argc, char **argv)
{
	const struct dd_host_options options = {
		.book = argc > 1 ? argv[1] : NULL, .host_name = argc > 2 ? argv[2] : NULL};
	CLEANUP(channel) struct channel *channel = NULL;
	struct dd_host *host = NULL;
	struct dd_error err = {0};
	char *line = NULL;
	size_t room = 0;
	int rc = argc == 4 ? dd_host_open(&options, &host, &err) : DD_INVALID;

	if (!rc)
		rc = peer_connect(host, argv[3], NULL, 0, &channel, &err);
	while (!rc && getline(&line, &room, stdin) > 0) {
		char *rest = line;
		const char *verb = strsep(&rest, " \n");

		if (rest)
			rest[strcspn(rest, "\n")] = '\0';
		if (strcmp(verb, "hear") == 0) {
			hear(channel);
		} else if (strcmp(verb, "connect") == 0) {
			channel_close(TAKE(channel));
			rc = peer_connect(host, argv[3], NULL, 0, &channel, &err);
		} else {
			(void)say(channel, verb, strcmp(verb, "end") == 0 ? "" : rest);
		}
	}
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	free(line);
	channel_close(TAKE(channel));
	dd_host_close(host);
	return rc != 0;
}
