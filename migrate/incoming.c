/* SPDX-License-Identifier: Apache-2.0 */
/* What the source offers: put aside, and found again by who goes on with it. */
#include "migrate/incoming_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "migrate/images.h"
#include "migrate/pack.h"
#include "migrate/pending.h"

/* ---- what is put aside ---- */

void incoming_free(struct incoming *incoming)
{
	if (!incoming)
		return;
	berth_free(incoming->berth);
	landing_free(incoming->landing);
	free(incoming->peer);
	json_free(incoming->offer);
	json_free(incoming->disks);
	json_free(incoming->screens);
	parcel_release(incoming->parcel);
	free(incoming);
}

static int folder_path(
	struct dd_host *host, const char *uuid, const char *file, char **out, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	int rc = host_run_folder(host, uuid, &folder, err);

	return rc ? rc : string_format(out, err, "%s/%s", folder, file);
}

int incoming_stream_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err)
{
	return folder_path(host, uuid, "stream.sock", out, err);
}

int incoming_disks_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err)
{
	return folder_path(host, uuid, MIRROR_SOCKET, out, err);
}

void incoming_file_remove(struct dd_host *host, const char *uuid, const char *file)
{
	CLEANUP(free) char *path = NULL;

	if (folder_path(host, uuid, file, &path, NULL) == 0)
		(void)unlink(path);
}

static int incoming_new(struct dd_host *host, const char *peer, struct json *offer,
	struct incoming **out, struct dd_error *err)
{
	CLEANUP(json) struct json *taken = offer;
	CLEANUP(incoming) struct incoming *incoming = calloc(1, sizeof *incoming);
	int rc = incoming ? offer_check(offer, err) : error_no_memory(err);

	if (!rc)
		rc = string_copy(&incoming->peer, peer, err);
	if (rc)
		return rc;
	incoming->host = host;
	memcpy(incoming->id, json_get_string(offer, "id"), MIGRATION_ID_SIZE);
	memcpy(incoming->uuid, json_get_string(offer, "uuid"), UUID_SIZE);
	incoming->offer = TAKE(taken);
	*out = TAKE(incoming);
	return 0;
}

static int offer_write(const struct incoming *incoming, bool synced, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *folder = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = host_run_folder(incoming->host, incoming->uuid, &folder, err);

	if (!rc)
		rc = directory_make(book_folder(incoming->host->book), folder, 0700, err);
	if (!rc)
		rc = folder_path(incoming->host, incoming->uuid, OFFER_FILE, &path, err);
	if (!rc)
		rc = json_write(incoming->offer, &text, err);
	if (rc)
		return rc;
	return (synced ? file_replace : file_place)(path, 0600, text_string(&text), text.size, err);
}

int incoming_offer_read(
	struct dd_host *host, const char *uuid, struct json **out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = folder_path(host, uuid, OFFER_FILE, &path, err);

	if (!rc)
		rc = file_read(path, OFFER_MAX, &text, err);
	return rc ? rc : json_parse(text_string(&text), text.size, out, err);
}

/* In the name of whoever moves it, as the source says. */
void incoming_act_as(struct operation *op, const struct json *offer)
{
	op->author.name = json_get_string(offer, "author_name");
	op->author.email = json_get_string(offer, "author_email");
	op->program = json_get_string(offer, "program");
	op->reason = json_get_string(offer, "reason");
	op->caller = (struct caller){
		.uid = (uint32_t)json_get_number(offer, "uid", 0),
		.acting = (uint32_t)json_get_number(offer, "acting_uid", 0),
		.known_by = "peer",
	};
}

int incoming_begin(struct operation *op, const struct incoming *incoming, struct dd_error *err)
{
	const struct dd_change change = {.reason = json_get_string(incoming->offer, "reason")};
	int rc = operation_begin_new(
		op, incoming->host, incoming->uuid, OPERATION_MIGRATE, &change, err);

	if (!rc)
		incoming_act_as(op, incoming->offer);
	return rc;
}

static int parcel_receive(struct incoming *incoming, const struct peer *peer,
	struct channel *channel, struct dd_error *err)
{
	struct parcel_heads heads;
	struct parcel_limits limits = {.bytes = 0};
	int rc = pending_check(incoming->host, peer->name, incoming->uuid, &limits.bytes, err);

	if (!rc)
		rc = book_parcel_begin(
			incoming->host->book, incoming->uuid, &limits, &incoming->parcel, err);
	if (rc) {
		pack_drain(channel);
		return rc;
	}
	rc = pack_receive(channel, incoming->parcel, err);
	if (!rc)
		rc = offer_heads(incoming->offer, &heads, err);
	return rc ? rc
		  : book_parcel_end(
			    incoming->parcel, peer->name, peer->key, &heads, &incoming->taken, err);
}

int incoming_receive(struct dd_host *host, const struct peer *peer, struct json *offer,
	struct channel *channel, struct incoming **out, struct dd_error *err)
{
	CLEANUP(incoming) struct incoming *incoming = NULL;
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	int rc;

	(void)offer_put_peer(offer, peer->name, peer->key);
	rc = incoming_new(host, peer->name, offer, &incoming, err);
	/* which settles what an earlier one may have left */
	if (!rc)
		rc = incoming_begin(&op, incoming, err);
	if (rc) {
		pack_drain(channel);
		return rc;
	}
	rc = parcel_receive(incoming, peer, channel, err);
	if (!rc && incoming->taken.own)
		rc = error_set(err, DD_EXISTS, "the domain '%s' is the host '%s''s own",
			op.row.name, book_host_name(host->book));
	if (!rc)
		rc = offer_write(incoming, false, err);
	if (!rc) {
		*out = TAKE(incoming);
		return 0;
	}
	/* one that was checked stays where it is otherwise */
	if (incoming->parcel)
		(void)book_parcel_drop(host->book, incoming->uuid, NULL);
	return rc;
}

int incoming_keep(struct incoming *incoming, struct dd_error *err)
{
	int rc = book_parcel_keep(incoming->parcel, err);

	return rc ? rc : offer_write(incoming, true, err);
}

void incoming_leave(struct incoming *incoming)
{
	if (!incoming)
		return;
	/* either has the domain's job lock */
	berth_free(TAKE(incoming->berth));
	landing_free(TAKE(incoming->landing));
	if (!json_get_bool(incoming->offer, "stays", false))
		pending_drop(incoming->host, incoming->uuid, incoming->peer, incoming->id);
	incoming_free(incoming);
}

bool incoming_is_prepared(const struct incoming *incoming)
{
	return incoming->berth || incoming->landing;
}

/* The parcel anew, which costs a look at each of its signatures. */
static int parcel_find(struct incoming *incoming, struct dd_error *err)
{
	struct parcel_heads heads;
	unsigned char key[KEY_PUBLIC_SIZE];
	int rc = offer_heads(incoming->offer, &heads, err);

	if (!rc)
		rc = offer_key(incoming->offer, key, err);
	return rc ? rc
		  : book_parcel_open(incoming->host->book, incoming->uuid, incoming->peer, key,
			    &heads, &incoming->parcel, &incoming->taken, err);
}

int incoming_find(struct dd_host *host, const char *uuid, const char *id, struct incoming **out,
	struct dd_error *err)
{
	CLEANUP(incoming) struct incoming *incoming = NULL;
	CLEANUP(json) struct json *offer = NULL;
	struct dd_error reason = {0};
	int rc = incoming_offer_read(host, uuid, &offer, &reason);
	const char *peer = json_get_string(offer, OFFER_PEER);
	const char *offered = json_get_string(offer, "id");

	if (rc == DD_NOT_FOUND || (!rc && (!peer || !offered || strcmp(offered, id) != 0)))
		return error_set(err, DD_NOT_FOUND,
			"no migration %s of the domain %s was offered to this host, or it is over",
			id, uuid);
	if (rc) {
		if (err)
			*err = reason;
		return rc;
	}
	{
		CLEANUP(free) char *name = NULL;

		rc = string_copy(&name, peer, err);
		if (!rc)
			rc = incoming_new(host, name, TAKE(offer), &incoming, err);
	}
	if (!rc)
		rc = parcel_find(incoming, err);
	if (!rc)
		*out = TAKE(incoming);
	return rc;
}

/* ---- who waits in vain ---- */

#define WANTED_MAX 64 /* at a time; the oldest goes */

static struct {
	pthread_mutex_t mutex;
	char ids[WANTED_MAX][MIGRATION_ID_SIZE];
	size_t next;
} wanted = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void incoming_want(const char *id)
{
	pthread_mutex_lock(&wanted.mutex);
	memcpy(wanted.ids[wanted.next], id, MIGRATION_ID_SIZE);
	wanted.next = (wanted.next + 1) % WANTED_MAX;
	pthread_mutex_unlock(&wanted.mutex);
}

bool incoming_is_wanted(const struct incoming *incoming)
{
	bool found = false;

	pthread_mutex_lock(&wanted.mutex);
	for (size_t i = 0; i < WANTED_MAX; i++)
		found |= strcmp(wanted.ids[i], incoming->id) == 0;
	pthread_mutex_unlock(&wanted.mutex);
	return found;
}
