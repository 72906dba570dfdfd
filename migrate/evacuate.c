/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before domains of a host that is down are taken over, the peers are asked for them: one of them
 * may have got a domain from there by a migration of which the remote has not heard.
 */
#include "domain/evacuate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/ask.h"

#define MEET_MS 2000 /* for a peer to answer: several may be down with the host */

struct asked {
	char name[PEER_NAME_MAX];
	struct channel *channel; /* NULL: it does not answer */
};

struct asking {
	struct dd_host *host;
	const char *down; /* the host that is not asked */
	bool proved;      /* somebody sees to it that it is down */
	bool met;
	struct asked *list;
	size_t count;
	struct dd_error *err; /* of the visit of peers */
};

static void cleanup_asking(struct asking *asking)
{
	for (size_t i = 0; i < asking->count; i++)
		channel_close(asking->list[i].channel);
	free(asking->list);
}

static int peer_note(const struct dd_peer *peer, void *context)
{
	struct asking *asking = context;
	struct asked *grown;

	if (peer->revoked || strcmp(peer->name, asking->down) == 0)
		return 0;
	grown = reallocarray(asking->list, asking->count + 1, sizeof *grown);
	if (!grown)
		return error_no_memory(asking->err);
	asking->list = grown;
	grown[asking->count] = (struct asked){.channel = NULL};
	snprintf(grown[asking->count++].name, PEER_NAME_MAX, "%s", peer->name);
	return 0;
}

static void warn_silent(struct asking *asking, const char *name, const struct dd_error *reason)
{
	host_warn(asking->host, "the host '%s' does not say what came to it from '%s': %s", name,
		asking->down, reason->message);
}

/* Whoever says that it is down may be mistaken. */
static void warn_up(struct asking *asking)
{
	CLEANUP(channel) struct channel *channel = NULL;

	if (!peer_connect(asking->host, asking->down, NULL, MEET_MS, &channel, NULL))
		host_warn(asking->host,
			"the host '%s' is not down: it answers. Its guests will run on both hosts "
			"if they are started here",
			asking->down);
}

static int meet(struct asking *asking, struct dd_error *err)
{
	int rc;

	asking->err = err;
	if (!asking->proved)
		warn_up(asking);
	rc = dd_peers(asking->host, peer_note, asking, err);
	for (size_t i = 0; !rc && i < asking->count; i++) {
		struct asked *peer = &asking->list[i];
		struct dd_error reason = {0};

		if (peer_connect(asking->host, peer->name, NULL, MEET_MS, &peer->channel, &reason))
			warn_silent(asking, peer->name, &reason);
	}
	asking->met = !rc;
	return rc;
}

/* The peer with the highest epoch, where several say so. */
static int ask(void *context, const char *uuid, uint32_t epoch, char **holder, struct dd_error *err)
{
	struct asking *asking = context;
	const char *highest = NULL;
	int rc = asking->met ? 0 : meet(asking, err);

	for (size_t i = 0; !rc && i < asking->count; i++) {
		struct asked *peer = &asking->list[i];
		struct dd_error reason = {0};
		uint32_t theirs = 0;

		if (!peer->channel)
			continue;
		if (ask_owned(peer->channel, peer->name, uuid, &theirs, &reason)) {
			warn_silent(asking, peer->name, &reason);
			channel_close(TAKE(peer->channel));
		}
		if (theirs > epoch) {
			epoch = theirs;
			highest = peer->name;
		}
	}
	*holder = NULL;
	return rc || !highest ? rc : string_copy(holder, highest, err);
}

int dd_evacuate(struct dd_host *host, const struct dd_evacuation *evacuation,
	const struct dd_change *change, dd_evacuated_fn evacuated, void *context,
	struct dd_error *err)
{
	CLEANUP(asking)
	struct asking asking = {
		.host = host, .down = evacuation->host, .proved = !evacuation->override};
	const struct elsewhere elsewhere = {ask, &asking};

	return evacuate(host, evacuation, &elsewhere, change, evacuated, context, err);
}
