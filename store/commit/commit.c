/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one commit point. What can be done beforehand is done before anything is locked: the files
 * are hashed, the tree is built, headers and message are written on top of the version that the
 * caller builds on. Then one transaction checks that this still is the newest version, gives the
 * commit its place in the chain, which is known only here, signs it, and writes objects, head,
 * index and the end of the journal row. The part inside needs nothing of who prepared the change,
 * so that one transaction can hold those of several (apply.c).
 */
#include "store/commit/commit.h"

#include <string.h>

#include "store/commit/arrival.h"
#include "store/commit/chain.h"
#include "store/commit/message.h"
#include "store/database/index.h"
#include "store/key/rotation.h"
#include "store/lock/journal.h"

void prepared_release(struct prepared *prepared)
{
	for (size_t i = 0; i < prepared->version_count; i++) {
		struct prepared_version *version = &prepared->versions[i];

		object_set_release(&version->objects);
		text_release(&version->headers);
		text_release(&version->message);
	}
	free(prepared->versions);
}

/* Git takes such a commit for malformed, and so does verify, for as long as it is there. */
int clock_check(struct dd_error *err)
{
	if (time(NULL) >= 0)
		return 0;
	error_set(err, DD_REFUSED, "the clock shows a time before 1970");
	return error_hint(err, "set it, and try again");
}

int commit_ready(struct book *book, struct dd_error *err)
{
	int rc = clock_check(err);

	if (rc)
		return rc;
	repository_forget(book);
	rc = repository_need(book, err);
	return rc ? rc : signing_key(book, err);
}

static int head_read(struct book *book, const char *uuid, struct head *head, struct dd_error *err)
{
	struct statement statement = statement_begin(
		&book->database, "SELECT id, version, head FROM domain WHERE uuid = ?");

	*head = (struct head){0};
	statement_text(&statement, uuid);
	if (statement_row(&statement)) {
		head->domain = statement_integer(&statement, 0);
		head->version = (uint32_t)statement_integer(&statement, 1);
		(void)statement_oid(&statement, 2, &head->oid);
	}
	return statement_end(&statement, err);
}

static int head_check(struct book *book, const struct book_change *change, const struct head *head,
	struct dd_error *err)
{
	char name[256];

	if (head->version == change->base && (head->domain || !change->base))
		return 0;
	if (!head->domain)
		return error_set(err, DD_NOT_FOUND, "there is no domain %s", change->uuid);
	index_name(book, change->uuid, name, sizeof name);
	if (!change->base) {
		error_set(err, DD_EXISTS, "there is a domain with the UUID %s already: '%s'",
			change->uuid, name);
		return DD_EXISTS;
	}
	error_set(err, DD_CONFLICT, "the domain '%s' is at version %u, not at %u", name,
		head->version, change->base);
	return error_hint(err, "look at what changed since, and try again");
}

/* ---- before ---- */

static int change_check(const struct book_change *change, struct dd_error *err)
{
	if (!uuid_valid(change->uuid))
		return error_set(err, DD_INVALID, "'%s' is no UUID in lower case", change->uuid);
	if (!change->base && (!change->version || !change->index))
		return error_set(
			err, DD_INVALID, "a new domain needs a first version and an index");
	if (change->base == UINT32_MAX)
		return error_set(
			err, DD_REFUSED, "the domain %s has no version numbers left", change->uuid);
	if (change->earlier_count >= UINT32_MAX - change->base)
		return error_set(
			err, DD_REFUSED, "the domain %s has no version numbers left", change->uuid);
	return change->index ? index_draft_check(change->index, err) : 0;
}

/*
 * Forgets files and trees that are packed already: a pack never goes while a version needs what is
 * in it. What is staged is found out by inserting it.
 */
static void drop_packed(struct book *book, struct object_set *set)
{
	size_t kept = 0;

	staging_hide(book->staging, true);
	for (size_t i = 0; i < set->count; i++) {
		if (git_odb_exists_ext(
			    book->objects, &set->list[i].oid, GIT_ODB_LOOKUP_NO_REFRESH)) {
			free(set->list[i].owned);
			continue;
		}
		set->list[kept++] = set->list[i];
	}
	set->count = kept;
	staging_hide(book->staging, false);
}

static int version_prepare(struct prepared *prepared, size_t index, struct dd_error *err)
{
	struct book *book = prepared->book;
	const struct book_change *change = prepared->change;
	const struct version_draft *version =
		index < change->earlier_count ? &change->earlier[index] : change->version;
	struct prepared_version *out = &prepared->versions[index];
	struct message_facts facts = {
		.uuid = change->uuid,
		.number = change->base + 1 + (uint32_t)index,
		.host = book->host_name,
	};
	struct commit_draft draft = {
		.author = version->author,
		.committer = {book->host_name, book->committer_email},
		.when = time(NULL),
		.authored = version->authored,
	};
	int rc = message_build(version, &facts, &out->message, err);

	if (!rc)
		rc = tree_build(
			&out->objects, version->files, version->file_count, &draft.tree, err);
	if (rc)
		return rc;
	commit_headers(&draft, &out->headers);
	drop_packed(book, &out->objects);
	return 0;
}

static int versions_prepare(struct prepared *prepared, struct dd_error *err)
{
	size_t count = prepared->change->earlier_count + 1;
	int rc = commit_ready(prepared->book, err);

	if (rc)
		return rc;
	prepared->versions = calloc(count, sizeof *prepared->versions);
	if (!prepared->versions)
		return error_no_memory(err);
	prepared->version_count = count;
	for (size_t i = 0; !rc && i < count; i++)
		rc = version_prepare(prepared, i, err);
	return rc;
}

/* What it builds on is not here yet. */
static int parcel_prepare(struct prepared *prepared, struct dd_error *err)
{
	int rc = parcel_install(prepared->change->parcel, prepared->change, err);

	return rc ? rc : versions_prepare(prepared, err);
}

int change_prepare(struct prepared *prepared, struct dd_error *err)
{
	int rc = change_check(prepared->change, err);

	if (!rc && prepared->change->parcel)
		return parcel_prepare(prepared, err);
	if (!rc)
		rc = head_read(prepared->book, prepared->change->uuid, &prepared->head, err);
	if (!rc)
		rc = head_check(prepared->book, prepared->change, &prepared->head, err);
	return rc || !prepared->change->version ? rc : versions_prepare(prepared, err);
}

/* ---- inside the transaction ---- */

static int domain_insert(struct prepared *prepared, struct dd_error *err)
{
	struct database *database = &prepared->book->database;
	const struct index_draft *index = prepared->change->index;
	struct statement statement = statement_begin(database,
		"INSERT INTO domain(uuid, name, title, state, autostart, version, head)"
		" VALUES(?, ?, '', ?, 0, ?, ?)");
	int rc;

	statement_text(&statement, prepared->change->uuid);
	statement_text(&statement, index->name);
	statement_number(&statement, index->state);
	statement_number(&statement, prepared->result.version);
	statement_blob(&statement, prepared->result.oid.id, sizeof prepared->result.oid.id);
	rc = statement_run(&statement, err);
	if (!rc)
		prepared->result.domain = sqlite3_last_insert_rowid(database->sqlite);
	return rc;
}

static int head_move(struct prepared *prepared, struct dd_error *err)
{
	struct statement statement = statement_begin(
		&prepared->book->database, "UPDATE domain SET version = ?, head = ? WHERE id = ?");

	statement_number(&statement, prepared->result.version);
	statement_blob(&statement, prepared->result.oid.id, sizeof prepared->result.oid.id);
	statement_number(&statement, prepared->result.domain);
	return statement_run(&statement, err);
}

/* The commit is complete when it has its parent and its place in the chain. */
static int version_sign(struct prepared *prepared, struct prepared_version *version,
	struct chain_link *link, struct dd_error *err)
{
	struct book *book = prepared->book;
	char prev[GIT_OID_HEXSZ + 1];
	int rc = chain_next(book, link, err);

	/* the key may have been changed since this began */
	if (!rc)
		rc = signing_key(book, err);
	if (rc)
		return rc;
	if (prepared->result.domain)
		commit_parent(&version->headers, &prepared->result.oid);
	message_chain(&version->message, link->seq, git_oid_tostr(prev, sizeof prev, &link->prev));
	rc = commit_sign(&version->objects, book->key, &version->headers, &version->message,
		&prepared->result.oid, err);
	prepared->result.version++;
	return rc;
}

static int version_write(
	struct prepared *prepared, struct prepared_version *version, struct dd_error *err)
{
	struct database *database = &prepared->book->database;
	struct chain_link link;
	struct statement statement;
	int rc = version_sign(prepared, version, &link, err);

	if (!rc)
		rc = prepared->result.domain ? head_move(prepared, err)
					     : domain_insert(prepared, err);
	if (!rc)
		rc = object_set_stage(&version->objects, database, prepared->result.domain, err);
	if (rc)
		return rc;
	statement = statement_begin(
		database, "INSERT INTO version(domain, number, oid, seq) VALUES(?, ?, ?, ?)");
	statement_number(&statement, prepared->result.domain);
	statement_number(&statement, prepared->result.version);
	statement_blob(&statement, prepared->result.oid.id, sizeof prepared->result.oid.id);
	statement_number(&statement, link.seq);
	return statement_run(&statement, err);
}

int change_write(struct prepared *prepared, struct dd_error *err)
{
	const struct book_change *change = prepared->change;
	struct book *book = prepared->book;
	int64_t domain;
	int rc = 0;

	if (change->parcel)
		rc = parcel_write(change->parcel, &domain, err);
	if (!rc)
		rc = head_read(book, change->uuid, &prepared->head, err);

	if (!rc)
		rc = head_check(book, change, &prepared->head, err);
	prepared->result = prepared->head;
	if (!rc && change->index && change->index->state != STATE_GONE)
		rc = index_name_free(book, change->uuid, change->index->name, err);
	for (size_t i = 0; !rc && i < prepared->version_count; i++)
		rc = version_write(prepared, &prepared->versions[i], err);
	if (!rc && change->journal)
		rc = journal_close(book, change, prepared->result.domain, err);
	if (!rc && change->note_name)
		rc = setting_write(book, change->note_name, change->note_value, err);
	if (!rc && change->index)
		rc = index_write(book, prepared->result.domain, change->index, err);
	return rc;
}
