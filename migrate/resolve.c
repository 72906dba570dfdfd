/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator says of a migration: that it is to end, or how it has ended. */
#include <domesday/migrate.h>
#include <string.h>

#include "domain/existing.h"
#include "migrate/flag.h"
#include "migrate/incoming.h"
#include "migrate/local.h"
#include "migrate/outgoing.h"
#include "qmp/deadline.h"
#include "schema/uuid.h"

/* ---- calling off ---- */

#define ABORT_MS 30000 /* for whoever is at it to undo it */
#define ABORT_LOOK_MS 50

struct search {
	const char *name;
	char uuid[UUID_SIZE];
};

#define FOUND 1

static int match_name(const struct journal_row *row, void *context)
{
	struct search *search = context;
	CLEANUP(free) char *name = detail_name(row);

	if (!name || strcmp(name, search->name) != 0)
		return 0;
	memcpy(search->uuid, row->uuid, UUID_SIZE);
	return FOUND;
}

/* One that comes here for the first time is in no index yet, but 'jobs' tells of it. */
static int row_of_new(
	struct dd_host *host, const char *domain, struct migration_row *row, struct dd_error *err)
{
	struct search search = {.name = domain};
	int rc = uuid_normalise(domain, search.uuid)
			 ? FOUND
			 : journal_list(host->book, match_name, &search, err);

	if (rc == FOUND)
		return migration_row_find(host, search.uuid, NULL, row, err);
	return rc ? rc : DD_NOT_FOUND;
}

static int row_of(
	struct dd_host *host, const char *domain, struct migration_row *row, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row found = {.name = NULL};
	struct dd_error reason = {0};
	int rc = existing_named(host, domain, &found, err);

	if (rc == DD_NOT_FOUND)
		return row_of_new(host, domain, row, NULL) ? rc : 0;
	if (!rc)
		rc = migration_row_find(host, found.uuid, NULL, row, &reason);
	if (rc == DD_NOT_FOUND && reason.code)
		error_set(err, rc, "no migration of the domain '%s' is under way", found.name);
	return rc;
}

/* Who was at it may have died: then it is settled here and now. */
static void dead_settle(struct dd_host *host, const char *uuid)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	int wait_ms = host->wait_ms;

	host->wait_ms = 0;
	(void)operation_begin(&op, host, uuid, "settle", NULL, NULL);
	host->wait_ms = wait_ms;
}

/* Waits for it to be undone. DD_NOT_FOUND: it is over. */
static int undone_wait(struct dd_host *host, const struct migration_row *row, struct dd_error *err)
{
	const char *uuid = row->journal.uuid;
	enum source_state state = row->source;
	int64_t end = deadline_in(ABORT_MS);

	do {
		CLEANUP(migration_row) struct migration_row left = {.detail = NULL};
		int rc;

		dead_settle(host, uuid);
		rc = migration_row_find(host, uuid, row->id, &left, err);
		if (rc)
			return rc;
		state = left.source;
		deadline_nap(ABORT_LOOK_MS);
	} while (deadline_left(end) && !flag_rests(host, uuid));
	if (row->local)
		return error_set(err, DD_BUSY,
			"who moves the guest does not hear it yet: it is called off when he goes "
			"on, or ends, unless the new QEMU has it by then");
	if (state != SOURCE_BEGUN)
		return error_set(err, DD_REFUSED,
			"the migration cannot be called off any more: the host '%s' decides it",
			row->peer);
	return error_set(err, DD_BUSY,
		"who moves the domain to the host '%s' does not hear it yet: it is called off when "
		"he goes on, or ends",
		row->peer);
}

/* Of one within the host: has the new QEMU got it? */
static int abort_came_late(struct dd_host *host, const struct domain_row *now,
	const struct json *detail, struct dd_error *err)
{
	unsigned instance = 0;
	int rc = instance_find(host, now, &instance, NULL, err);

	if (!rc && now->state == STATE_RUNNING && instance == json_get_number(detail, "next", 0))
		rc = error_set(err, DD_REFUSED, "too late: the guest of '%s' is in its new QEMU",
			now->name);
	return rc;
}

int dd_migration_abort(struct dd_host *host, const char *domain, struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	CLEANUP(domain_row) struct domain_row now = {.name = NULL};
	int rc = row_of(host, domain, &row, err);

	if (rc)
		return rc;
	if (!row.outgoing && !row.local) {
		error_set(err, DD_REFUSED, "the domain '%s' comes from the host '%s'", domain,
			row.peer);
		return error_hint(err, "call it off there: domesday job-abort %s", domain);
	}
	rc = flag_raise(host, row.journal.uuid, err);
	if (!rc)
		rc = undone_wait(host, &row, err);
	rc = rc == DD_NOT_FOUND ? book_find(host->book, row.journal.uuid, &now, err) : rc;
	if (!rc && row.local)
		return abort_came_late(host, &now, row.detail, err);
	if (!rc && now.owner)
		rc = error_set(err, DD_REFUSED, "too late: the host '%s' has the domain '%s'",
			now.owner, domain);
	return rc;
}

/* ---- deciding for a host that is gone ---- */

/* It can never have had all of it, as it has no token: the other way is the only one. */
static int resolve_incoming(
	struct operation *op, const struct migration_row *row, bool here, struct dd_error *err)
{
	if (row->destination != DESTINATION_PREPARED)
		return incoming_settle(op, row, err);
	if (here)
		return error_set(err, DD_REFUSED,
			"this host has not got all of the domain from the host '%s'", row->peer);
	return incoming_give_up(op, row, err);
}

static int resolve(
	struct operation *op, const struct migration_row *row, bool here, struct dd_error *err)
{
	op->journal = row->journal.id;
	if (row->local)
		return local_settle(op, row, err);
	return row->outgoing ? outgoing_resolve(op, row, here, err)
			     : resolve_incoming(op, row, here, err);
}

/* What is certain was settled so, whatever was said. */
static int settled_check(
	struct dd_host *host, const char *uuid, const char *domain, bool here, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_error reason = {0};
	int rc = book_find(host->book, uuid, &row, &reason);
	bool has = !rc && !row.owner && row.state != STATE_GONE;

	if (rc && rc != DD_NOT_FOUND)
		return error_set(err, rc, "%s", reason.message);
	return has == here ? 0
			   : error_set(err, DD_REFUSED,
				     "the domain '%s' is %s this host's, which is certain, and it "
				     "is settled so",
				     domain, has ? "still" : "not");
}

int dd_migration_resolve(struct dd_host *host, const char *domain, bool here,
	const struct dd_change *change, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	int rc = row_of(host, domain, &row, err);

	if (!rc)
		rc = operation_begin_unsettled(
			&op, host, row.journal.uuid, OPERATION_MIGRATE, change, NULL, err);
	if (!rc && !op.reason) {
		error_set(err, DD_REFUSED, "who decides for another host says why");
		rc = error_hint(err, "--reason TEXT");
	}
	migration_row_release(&row);
	if (!rc)
		rc = row_of(host, domain, &row, err);
	if (!rc)
		rc = resolve(&op, &row, here, err);
	return rc ? rc : settled_check(host, row.journal.uuid, domain, here, err);
}
