/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator says of a migration: that it is to end, or how it has ended. */
#include <domesday/migrate.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "migrate/incoming.h"
#include "migrate/outgoing.h"

/* ---- calling off ---- */

#define ABORT_MS 30000 /* for whoever is at it to undo it */
#define ABORT_LOOK_MS 50

static int row_of(
	struct dd_host *host, const char *domain, struct migration_row *row, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row found = {.name = NULL};
	struct dd_error reason = {0};
	int rc = book_find(host->book, domain, &found, err);

	if (!rc)
		rc = migration_row_find(host, found.uuid, NULL, row, &reason);
	if (rc == DD_NOT_FOUND && reason.code)
		error_set(err, rc, "no migration of the domain '%s' is under way", found.name);
	return rc;
}

static int flag_raise(struct dd_host *host, const char *uuid, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = outgoing_flag_path(host, uuid, &path, err);
	int fd = rc ? -1 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (!rc && fd < 0)
		return error_errno(err, errno, "cannot make %s", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

int dd_migration_abort(struct dd_host *host, const char *domain, struct dd_error *err)
{
	static const struct timespec pause = {.tv_nsec = ABORT_LOOK_MS * 1000000L};
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	CLEANUP(domain_row) struct domain_row now = {.name = NULL};
	int rc = row_of(host, domain, &row, err);

	if (rc)
		return rc;
	if (!row.outgoing) {
		error_set(err, DD_REFUSED, "the domain '%s' comes from the host '%s'", domain,
			row.peer);
		return error_hint(err, "call it off there: domesday job-abort %s", domain);
	}
	rc = flag_raise(host, row.journal.uuid, err);
	for (int waited = 0; !rc && waited < ABORT_MS; waited += ABORT_LOOK_MS) {
		CLEANUP(migration_row) struct migration_row left = {.detail = NULL};

		rc = migration_row_find(host, row.journal.uuid, row.id, &left, NULL);
		if (!rc)
			(void)nanosleep(&pause, NULL);
	}
	if (!rc)
		return error_set(err, DD_REFUSED,
			"the migration cannot be called off any more: the host '%s' decides it",
			row.peer);
	rc = rc == DD_NOT_FOUND ? book_find(host->book, row.journal.uuid, &now, err) : rc;
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
	return row->outgoing ? outgoing_resolve(op, row, here, err)
			     : resolve_incoming(op, row, here, err);
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
	return rc ? rc : resolve(&op, &row, here, err);
}
