/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/journal_detail.h"

#include <string.h>

#include "domain/crash.h"
#include "domain/record.h"
#include "domain/secret.h"

#define HOLDER_WAIT_MS 3000 /* for a domain whose guest has ended; it may wait for us, too */
#define HOLDERS_MAX 64      /* settled for one operation; there may be one a resource, and more */

struct json *detail_new(const struct operation *op, const char *kind)
{
	struct json *detail = json_object();

	json_put_string(detail, "kind", kind);
	json_put_string(detail, "author_name", op->author.name);
	json_put_string(detail, "author_email", op->author.email);
	json_put_number(detail, "uid", op->caller.uid);
	json_put_number(detail, "acting_uid", op->caller.acting);
	json_put_string(detail, "known_by", op->caller.known_by);
	json_put_string(detail, "program", op->program);
	if (op->reason)
		json_put_string(detail, "reason", op->reason);
	return detail;
}

int detail_put_document(
	struct json *detail, const char *key, const struct document *document, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = secrets_sealed(document, err);

	if (!rc)
		rc = document_write(document, &text, err);
	if (!rc && !json_put_string(detail, key, text_string(&text)))
		rc = error_no_memory(err);
	return rc;
}

int detail_get_document(
	const struct json *detail, const char *key, struct document **out, struct dd_error *err)
{
	const char *text = json_get_string(detail, key);

	if (!text)
		return error_set(err, DD_CORRUPT, "the journal row has no '%s'", key);
	return document_parse(text, strlen(text), NULL, out, err);
}

char *detail_name(const struct journal_row *row)
{
	CLEANUP(json) struct json *detail = NULL;
	const char *name;

	if (!row->detail || json_parse(row->detail, strlen(row->detail), &detail, NULL))
		return NULL;
	name = json_get_string(detail, DETAIL_NAME);
	return name ? strdup(name) : NULL;
}

/* Keeps the rows of after that before does not have in the same mode. */
static void keep_new(struct use_rows *after, const struct use_rows *before)
{
	size_t kept = 0;

	for (size_t i = 0; i < after->count; i++) {
		bool held = false;

		for (size_t j = 0; !held && j < before->count; j++)
			held = strcmp(after->items[i].value, before->items[j].value) == 0 &&
			       strcmp(after->items[i].kind, before->items[j].kind) == 0 &&
			       after->items[i].mode == before->items[j].mode;
		if (held)
			continue;

		struct use_row row = after->items[i];

		after->items[i] = after->items[kept];
		after->items[kept++] = row;
	}
	for (size_t i = kept; i < after->count; i++)
		free((char *)(uintptr_t)after->items[i].value);
	after->count = kept;
}

static bool is_under_way(struct dd_host *host, const char *uuid)
{
	CLEANUP(journal_row) struct journal_row row = {.id = 0};

	return journal_find(host->book, uuid, &row, NULL) == 0;
}

/*
 * True when the domain that holds a claim turned out not to run, or to have an operation open that
 * may have died: it is settled and can be retried.
 */
static bool holder_settled(struct dd_host *host, const char *uuid)
{
	CLEANUP(free) char *folder = NULL;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct operation op = OPERATION_INIT;
	unsigned instance;
	int wait_ms = host->wait_ms;

	/* one that comes here is not in the index yet */
	if (book_find(host->book, uuid, &row, NULL))
		memcpy(row.uuid, uuid, UUID_SIZE);
	if (instance_find(host, &row, &instance, &folder, NULL) ||
		(guest_alive(folder, NULL) && !is_under_way(host, uuid)))
		return false;
	host->wait_ms = HOLDER_WAIT_MS;

	int rc = operation_begin(&op, host, uuid, "settle", NULL, NULL);

	host->wait_ms = wait_ms;
	operation_end(&op);
	return rc == 0;
}

static int open_settling(
	struct operation *op, const struct journal_draft *draft, struct dd_error *err)
{
	char holder[UUID_SIZE] = "";
	int rc = 0;

	for (int tries = 0; tries < HOLDERS_MAX; tries++) {
		rc = journal_open(op->host->book, draft, &op->journal, holder, err);
		if (rc != DD_REFUSED || !holder[0] || !holder_settled(op->host, holder))
			break;
	}
	return rc;
}

int detail_open(struct operation *op, const struct json *detail, const struct document *before,
	const struct document *live, struct dd_error *err)
{
	CLEANUP(use_rows) struct use_rows claims = {.items = NULL};
	CLEANUP(use_rows) struct use_rows held = {.items = NULL};
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = json_write(detail, &text, err);

	if (!rc)
		rc = record_uses(NULL, live, &claims, err);
	if (!rc)
		rc = record_uses(NULL, before, &held, err);
	if (rc)
		return rc;
	keep_new(&claims, &held);

	struct journal_draft draft = {
		.uuid = op->row.uuid,
		.operation = op->name,
		.base = op->row.version,
		.detail = text_string(&text),
		.claims = claims.items,
		.claim_count = claims.count,
	};

	CRASH_POINT("journal:before");
	rc = secret_store(op, err);
	if (!rc)
		rc = open_settling(op, &draft, err);
	if (!rc)
		CRASH_POINT("journal:after");
	return rc;
}
