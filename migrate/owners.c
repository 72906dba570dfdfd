/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/owners.h"

#include <domesday/migrate.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/ask.h"

#define MEET_MS 2000 /* for a peer to answer: several may be down at once */

void owners_release(struct owners *owners)
{
	for (size_t i = 0; i < owners->count; i++)
		channel_close(owners->list[i].channel);
	free(owners->list);
}

struct noting {
	struct owners *owners;
	const char *except;
	struct dd_error *err;
};

static int peer_note(const struct dd_peer *peer, void *context)
{
	const struct noting *noting = context;
	struct owners *owners = noting->owners;
	struct owners_peer *grown;

	if (peer->revoked || (noting->except && strcmp(peer->name, noting->except) == 0))
		return 0;
	grown = reallocarray(owners->list, owners->count + 1, sizeof *grown);
	if (!grown)
		return error_no_memory(noting->err);
	owners->list = grown;
	grown[owners->count] = (struct owners_peer){.channel = NULL};
	snprintf(grown[owners->count++].name, PEER_NAME_MAX, "%s", peer->name);
	return 0;
}

static void warn_silent(
	struct owners *owners, const struct owners_peer *peer, const struct dd_error *reason)
{
	host_warn(owners->host, "the host '%s' does not say what it owns: %s", peer->name,
		reason->message);
}

/* A peer that is called; a thread has a host of its own. */
struct meeting {
	struct owners_peer *peer;
	struct dd_host_options options;
	struct dd_error reason; /* why it is not reached */
	pthread_t thread;
	bool apart; /* there is a thread */
};

static void *meet(void *context)
{
	struct meeting *meeting = context;
	struct owners_peer *peer = meeting->peer;
	struct dd_host *host = NULL;

	if (dd_host_open(&meeting->options, &host, &meeting->reason) == 0)
		(void)peer_connect(
			host, peer->name, NULL, MEET_MS, &peer->channel, &meeting->reason);
	dd_host_close(host);
	return NULL;
}

/* All at once, so that those that are down do not add up. */
static int meet_all(struct owners *owners, struct dd_error *err)
{
	CLEANUP(free) struct meeting *meetings = calloc(owners->count + 1, sizeof *meetings);

	if (!meetings)
		return error_no_memory(err);
	for (size_t i = 0; i < owners->count; i++) {
		struct meeting *meeting = &meetings[i];

		meeting->peer = &owners->list[i];
		meeting->options = (struct dd_host_options){
			.book = dd_host_book(owners->host),
			.host_name = book_host_name(owners->host->book),
		};
		meeting->apart = pthread_create(&meeting->thread, NULL, meet, meeting) == 0;
		if (!meeting->apart)
			(void)meet(meeting);
	}
	for (size_t i = 0; i < owners->count; i++) {
		if (meetings[i].apart)
			pthread_join(meetings[i].thread, NULL);
		if (!owners->list[i].channel)
			warn_silent(owners, &owners->list[i], &meetings[i].reason);
	}
	return 0;
}

int owners_meet(
	struct owners *owners, struct dd_host *host, const char *except, struct dd_error *err)
{
	struct noting noting = {owners, except, err};
	int rc;

	owners->host = host;
	rc = dd_peers(host, peer_note, &noting, err);
	return rc ? rc : meet_all(owners, err);
}

bool owners_answers(struct dd_host *host, const char *name)
{
	CLEANUP(channel) struct channel *channel = NULL;

	return peer_connect(host, name, NULL, MEET_MS, &channel, NULL) == 0;
}

int owners_ask(struct owners *owners, const char *uuid, uint32_t epoch, char **holder,
	struct dd_error *err)
{
	const char *highest = NULL;

	for (size_t i = 0; i < owners->count; i++) {
		struct owners_peer *peer = &owners->list[i];
		struct dd_error reason = {0};
		uint32_t theirs = 0;

		if (!peer->channel)
			continue;
		if (ask_owned(peer->channel, peer->name, uuid, &theirs, &reason)) {
			warn_silent(owners, peer, &reason);
			channel_close(TAKE(peer->channel));
		}
		if (theirs > epoch) {
			epoch = theirs;
			highest = peer->name;
		}
	}
	*holder = NULL;
	return highest ? string_copy(holder, highest, err) : 0;
}

/* ---- of this host's own ---- */

struct comparing {
	struct owners owners;
	dd_moved_fn moved;
	void *context;
	struct dd_error *err;
};

static int compare(const struct domain_row *row, void *context)
{
	struct comparing *comparing = context;
	CLEANUP(free) char *holder = NULL;
	int rc = row->owner ? 0
			    : owners_ask(&comparing->owners, row->uuid, row->epoch, &holder,
				      comparing->err);

	if (rc || !holder)
		return rc;
	return comparing->moved(row->name, row->uuid, holder, comparing->context);
}

int dd_moved(struct dd_host *host, dd_moved_fn moved, void *context, struct dd_error *err)
{
	struct comparing comparing = {.moved = moved, .context = context, .err = err};
	int rc = owners_meet(&comparing.owners, host, NULL, err);

	if (!rc)
		rc = book_list(host->book, false, compare, &comparing, err);
	owners_release(&comparing.owners);
	return rc;
}
