/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/row.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "migrate/flag.h"

#define NOTE_PREFIX "migrated/"

bool migration_id_valid(const char *id)
{
	return id && strlen(id) == MIGRATION_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdef") == MIGRATION_ID_SIZE - 1;
}

bool migration_uuid_valid(const char *uuid)
{
	return uuid && strlen(uuid) == UUID_SIZE - 1 &&
	       strspn(uuid, "0123456789abcdef-") == UUID_SIZE - 1;
}

void migration_row_release(struct migration_row *row)
{
	journal_row_release(&row->journal);
	json_free(row->detail);
	*row = (struct migration_row){.detail = NULL};
}

bool migration_row_waits(const struct migration_row *row)
{
	return row->live || json_get_bool(row->detail, ROW_COPIES, false);
}

int migration_row_read(struct migration_row *row, struct json *detail, struct dd_error *err)
{
	const char *state = json_get_string(detail, "state");
	const char *side = json_get_string(detail, "side");

	json_free(row->detail);
	row->detail = detail;
	row->id = json_get_string(detail, "id");
	row->peer = json_get_string(detail, "peer");
	row->live = json_get_bool(detail, "live", false);
	row->outgoing = side && strcmp(side, "source") == 0;
	row->local = side && strcmp(side, MIGRATION_LOCAL) == 0;
	if (migration_id_valid(row->id) && row->peer && side &&
		(row->outgoing ? source_read(state, &row->source)
			       : destination_read(state, &row->destination)))
		return 0;
	return error_set(err, DD_CORRUPT, "the journal's row of a migration cannot be read");
}

static bool is_migration(const struct json *detail)
{
	const char *kind = json_get_string(detail, "kind");

	return kind && strcmp(kind, DETAIL_MIGRATION) == 0;
}

int migration_row_find(struct dd_host *host, const char *uuid, const char *id,
	struct migration_row *out, struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	CLEANUP(json) struct json *detail = NULL;
	int rc = journal_find(host->book, uuid, &row.journal, err);

	if (!rc)
		rc = json_parse(row.journal.detail, strlen(row.journal.detail), &detail, err);
	if (!rc && is_migration(detail)) {
		rc = migration_row_read(&row, TAKE(detail), err);
		if (!rc && (!id || strcmp(row.id, id) == 0)) {
			*out = row;
			row = (struct migration_row){.detail = NULL};
			return 0;
		}
	}
	return rc ? rc
		  : error_set(err, DD_NOT_FOUND, "no such migration of the domain %s is under way",
			    uuid);
}

struct json *migration_detail(
	const struct operation *op, const char *id, const char *peer, bool outgoing, bool live)
{
	struct json *detail = detail_new(op, DETAIL_MIGRATION);

	json_put_string(detail, "id", id);
	json_put_string(detail, "peer", peer);
	json_put_string(detail, "side", outgoing ? "source" : "destination");
	json_put_bool(detail, "live", live);
	return detail;
}

int migration_row_write(
	struct operation *op, struct json *detail, const char *state, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = json_put_string(detail, "state", state) ? json_write(detail, &text, err)
							 : error_no_memory(err);

	if (rc || !op->journal)
		return rc;
	return journal_update(op->host->book, op->journal, text_string(&text), err);
}

/* ---- how it ended ---- */

void migration_end_release(struct migration_end *end)
{
	free(end->peer);
	*end = (struct migration_end){.peer = NULL};
}

static int note_name(const char *id, struct text *name, struct dd_error *err)
{
	text_printf(name, NOTE_PREFIX "%s", id);
	return text_failed(name) ? error_no_memory(err) : 0;
}

int migration_end_note(const struct migration_end *end, struct text *name, struct text *value,
	struct dd_error *err)
{
	CLEANUP(json) struct json *json = json_object();
	int rc = note_name(end->id, name, err);

	json_put_string(json, "uuid", end->uuid);
	json_put_string(json, "peer", end->peer);
	json_put_string(json, "state", destination_word(end->state));
	json_put_number(json, "since", end->since ? end->since : time(NULL));
	return rc ? rc : json_write(json, value, err);
}

int migration_end_write(struct book *book, const struct migration_end *end, struct dd_error *err)
{
	CLEANUP(text) struct text name = TEXT_INIT;
	CLEANUP(text) struct text value = TEXT_INIT;
	int rc = migration_end_note(end, &name, &value, err);

	return rc ? rc : book_setting_put(book, text_string(&name), text_string(&value), err);
}

static int end_parse(
	const char *id, const char *value, struct migration_end *out, struct dd_error *err)
{
	CLEANUP(migration_end) struct migration_end end = {.peer = NULL};
	CLEANUP(json) struct json *json = NULL;
	int rc = json_parse(value, strlen(value), &json, err);
	const char *uuid = json_get_string(json, "uuid");
	const char *peer = json_get_string(json, "peer");

	if (rc)
		return rc;
	if (!migration_id_valid(id) || !uuid || strlen(uuid) != UUID_SIZE - 1 || !peer ||
		!destination_read(json_get_string(json, "state"), &end.state))
		return error_set(
			err, DD_CORRUPT, "the note of the migration %.40s cannot be read", id);
	memcpy(end.id, id, MIGRATION_ID_SIZE);
	memcpy(end.uuid, uuid, UUID_SIZE);
	end.since = json_get_number(json, "since", 0);
	rc = string_copy(&end.peer, peer, err);
	if (rc)
		return rc;
	*out = end;
	end.peer = NULL;
	return 0;
}

int migration_end_read(
	struct book *book, const char *id, struct migration_end *out, struct dd_error *err)
{
	CLEANUP(text) struct text name = TEXT_INIT;
	CLEANUP(text) struct text value = TEXT_INIT;
	int rc = note_name(id, &name, err);

	if (!rc)
		rc = book_setting_get(book, text_string(&name), &value, err);
	return rc ? rc : end_parse(id, text_string(&value), out, err);
}

int migration_end_forget(struct book *book, const char *id, struct dd_error *err)
{
	CLEANUP(text) struct text name = TEXT_INIT;
	int rc = note_name(id, &name, err);

	return rc ? rc : book_setting_drop(book, text_string(&name), err);
}

struct listing {
	int (*visit)(const struct migration_end *end, void *context);
	void *context;
	struct dd_error *err;
};

static int listing_add(const char *name, const char *value, void *context)
{
	CLEANUP(migration_end) struct migration_end end = {.peer = NULL};
	struct listing *listing = context;
	int rc = end_parse(name + strlen(NOTE_PREFIX), value, &end, listing->err);

	return rc ? rc : listing->visit(&end, listing->context);
}

int migration_end_list(struct book *book,
	int (*visit)(const struct migration_end *end, void *context), void *context,
	struct dd_error *err)
{
	struct listing listing = {visit, context, err};

	return book_setting_list(book, NOTE_PREFIX, listing_add, &listing, err);
}

/* ---- with whom ---- */

struct open_with {
	const char *peer;
	char uuid[UUID_SIZE]; /* of the domain */
};

#define FOUND 1

static bool row_is_with(const struct journal_row *row, const char *peer, bool *outgoing)
{
	CLEANUP(json) struct json *detail = NULL;
	const char *with, *side;

	if (json_parse(row->detail, strlen(row->detail), &detail, NULL) || !is_migration(detail))
		return false;
	with = json_get_string(detail, "peer");
	side = json_get_string(detail, "side");
	*outgoing = side && strcmp(side, "source") == 0;
	return with && strcmp(with, peer) == 0;
}

static int open_row(const struct journal_row *row, void *context)
{
	struct open_with *with = context;
	bool outgoing;

	if (!row_is_with(row, with->peer, &outgoing))
		return 0;
	memcpy(with->uuid, row->uuid, UUID_SIZE);
	return FOUND;
}

static int open_end(const struct migration_end *end, void *context)
{
	struct open_with *with = context;

	if (strcmp(end->peer, with->peer) != 0)
		return 0;
	memcpy(with->uuid, end->uuid, UUID_SIZE);
	return FOUND;
}

int migration_peer_free(struct dd_host *host, const char *peer, struct dd_error *err)
{
	struct open_with with = {.peer = peer};
	int rc = journal_list(host->book, open_row, &with, err);

	if (!rc)
		rc = migration_end_list(host->book, open_end, &with, err);
	if (rc != FOUND)
		return rc;
	error_set(err, DD_REFUSED,
		"a migration of the domain %s with '%s' is not over on both hosts", with.uuid,
		peer);
	return error_hint(err, "the two settle it when they reach each other, or job-abort calls "
			       "it off; 'peer revoke' refuses the other at once");
}

struct leaving {
	struct dd_host *host;
	const char *peer;
	struct dd_error *err;
};

static int call_off(const struct journal_row *row, void *context)
{
	const struct leaving *leaving = context;
	bool outgoing;

	return row_is_with(row, leaving->peer, &outgoing) && outgoing
		       ? flag_raise(leaving->host, row->uuid, leaving->err)
		       : 0;
}

int migration_peer_call_off(struct dd_host *host, const char *peer, struct dd_error *err)
{
	struct leaving leaving = {host, peer, err};

	return journal_list(host->book, call_off, &leaving, err);
}
