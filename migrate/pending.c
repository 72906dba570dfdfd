/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/pending.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "migrate/incoming_internal.h"
#include "store/folder.h"

/* ---- looking ---- */

struct found {
	const char *uuid;
	const struct stat *status; /* of the file */
};
typedef int (*visit_fn)(
	struct dd_host *host, const struct found *found, void *context, struct dd_error *err);

static int file_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	int rc = host_run_folder(host, uuid, &folder, err);

	return rc ? rc : string_format(out, err, "%s/" OFFER_FILE, folder);
}

/* A row makes it one that is prepared, or that somebody decides. */
static bool is_pending(struct dd_host *host, const char *uuid)
{
	CLEANUP(journal_row) struct journal_row row = {.id = 0};

	return journal_find(host->book, uuid, &row, NULL) == DD_NOT_FOUND;
}

static int visit_each(struct dd_host *host, visit_fn visit, void *context, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = host_run_folder(host, "", &path, err);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err))) {
		CLEANUP(free) char *file = NULL;
		struct stat status;
		const struct found found = {entry->d_name, &status};

		if (!migration_uuid_valid(entry->d_name))
			continue;
		rc = file_path(host, entry->d_name, &file, err);
		if (!rc && stat(file, &status) == 0 && is_pending(host, entry->d_name))
			rc = visit(host, &found, context, err);
	}
	return rc;
}

static int64_t age_of(const struct stat *status)
{
	return time(NULL) - status->st_mtime;
}

static bool is_old(struct dd_host *host, const char *uuid, const struct stat *status)
{
	CLEANUP(json) struct json *offer = NULL;
	bool stays = age_of(status) <= PENDING_DRIVEN_S;

	if (!stays && incoming_offer_read(host, uuid, &offer, NULL) == 0)
		stays = json_get_bool(offer, "stays", false) && age_of(status) <= PENDING_S;
	return !stays;
}

bool pending_age(struct dd_host *host, const char *uuid, int64_t *age_s)
{
	CLEANUP(free) char *file = NULL;
	struct stat status;

	if (file_path(host, uuid, &file, NULL) || stat(file, &status) < 0)
		return false;
	*age_s = age_of(&status);
	return true;
}

/* ---- what a peer may have ---- */

struct holding {
	const char *peer, *but;
	unsigned count;
	uint64_t bytes;
};

static int hold(
	struct dd_host *host, const struct found *found, void *context, struct dd_error *err)
{
	struct holding *holding = context;
	CLEANUP(json) struct json *offer = NULL;
	uint64_t bytes = 0;
	const char *peer;
	int rc;

	if (strcmp(found->uuid, holding->but) == 0 ||
		incoming_offer_read(host, found->uuid, &offer, NULL))
		return 0;
	peer = json_get_string(offer, OFFER_PEER);
	if (!peer || strcmp(peer, holding->peer) != 0)
		return 0;
	rc = book_parcel_size(host->book, found->uuid, &bytes, err);
	holding->count++;
	holding->bytes += bytes + (uint64_t)found->status->st_size;
	return rc;
}

int pending_check(struct dd_host *host, const char *peer, const char *uuid, uint64_t *room,
	struct dd_error *err)
{
	struct holding holding = {.peer = peer, .but = uuid};
	int rc = visit_each(host, hold, &holding, err);

	if (rc)
		return rc;
	if (holding.count < PENDING_MAX && holding.bytes < PENDING_BYTES) {
		*room = PENDING_BYTES - holding.bytes;
		return 0;
	}
	error_set(err, DD_BUSY,
		"the host '%s' has %u offers here that nobody has prepared, of %llu bytes", peer,
		holding.count, (unsigned long long)holding.bytes);
	return error_hint(err, "each is forgotten after %d minutes", PENDING_S / 60);
}

/* ---- forgetting ---- */

static void forget(struct operation *op)
{
	incoming_file_remove(op->host, op->row.uuid, OFFER_FILE);
	(void)book_parcel_drop(op->host->book, op->row.uuid, NULL);
	/* where it is all that there was */
	(void)rmdir(op->folder);
}

void pending_forget(struct operation *op, const char *peer, const char *id)
{
	CLEANUP(json) struct json *offer = NULL;
	const char *offered, *from;

	if (!is_pending(op->host, op->row.uuid) ||
		incoming_offer_read(op->host, op->row.uuid, &offer, NULL))
		return;
	offered = json_get_string(offer, "id");
	from = json_get_string(offer, OFFER_PEER);
	if (offered && strcmp(offered, id) == 0 && from && strcmp(from, peer) == 0)
		forget(op);
}

static int lock_at_once(struct operation *op, struct dd_host *host, const char *uuid)
{
	int rc, wait_ms = host->wait_ms;

	host->wait_ms = 0;
	rc = operation_begin_unsettled(op, host, uuid, "settle", NULL, NULL, NULL);
	host->wait_ms = wait_ms;
	return rc;
}

void pending_drop(struct dd_host *host, const char *uuid, const char *peer, const char *id)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;

	if (lock_at_once(&op, host, uuid) == 0)
		pending_forget(&op, peer, id);
}

struct counts {
	uint32_t all, old;
};

static int count_one(
	struct dd_host *host, const struct found *found, void *context, struct dd_error *err)
{
	struct counts *counts = context;

	(void)err;
	counts->all++;
	counts->old += is_old(host, found->uuid, found->status);
	return 0;
}

int pending_count(struct dd_host *host, uint32_t *count, uint32_t *due, struct dd_error *err)
{
	struct counts counts = {.all = 0};
	int rc = visit_each(host, count_one, &counts, err);

	*count = counts.all;
	*due = counts.old;
	return rc;
}

/* Looked at again under the lock: it may have been prepared, or replaced. */
static int forget_old(
	struct dd_host *host, const struct found *found, void *context, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(free) char *file = NULL;
	struct stat now;
	int rc = 0;

	(void)context;
	if (!is_old(host, found->uuid, found->status) || lock_at_once(&op, host, found->uuid))
		return 0;
	rc = file_path(host, found->uuid, &file, err);
	if (!rc && is_pending(host, found->uuid) && stat(file, &now) == 0 &&
		is_old(host, found->uuid, &now))
		forget(&op);
	return rc;
}

int pending_tidy(struct dd_host *host, struct dd_error *err)
{
	int rc = visit_each(host, forget_old, NULL, err);

	return rc ? rc : book_parcels_tidy(host->book, err);
}
