/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a migration: its row in the journal, on whichever side; and how it ended. */
#include <domesday/migrate.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "migrate/ask.h"
#include "migrate/incoming.h"
#include "migrate/local.h"
#include "migrate/outgoing.h"
#include "migrate/pending.h"

#define KEPT_S 10 /* for which the source has time to come by itself */

static int settle(struct operation *op, const struct json *detail, struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.journal = {.id = op->journal}};
	CLEANUP(json) struct json *copy = json_copy(detail);
	int rc = copy ? migration_row_read(&row, TAKE(copy), err) : error_no_memory(err);

	if (!rc)
		rc = row.local      ? local_settle(op, &row, err)
		     : row.outgoing ? outgoing_settle(op, &row, err)
				    : incoming_settle(op, &row, err);
	return rc;
}

/* Whoever works with the library settles them, without having to say so. */
__attribute__((constructor)) static void settle_register(void)
{
	recover_migrations_with(settle);
}

/* ---- how they ended ---- */

struct kept {
	struct migration_end *list;
	size_t count;
	uint32_t young; /* that are not in the list */
	int64_t before; /* seconds since the epoch */
	struct dd_error *err;
};

static void cleanup_kept(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		migration_end_release(&kept->list[i]);
	free(kept->list);
}

static int kept_add(const struct migration_end *end, void *context)
{
	struct kept *kept = context;
	struct migration_end *list;
	int rc;

	if (end->since > kept->before) {
		kept->young++;
		return 0;
	}
	list = reallocarray(kept->list, kept->count + 1, sizeof *list);
	if (!list)
		return error_no_memory(kept->err);
	kept->list = list;
	list[kept->count] = *end;
	rc = string_copy(&list[kept->count].peer, end->peer, kept->err);
	kept->count += !rc;
	return rc;
}

static int kept_read(struct dd_host *host, struct kept *kept, struct dd_error *err)
{
	kept->before = time(NULL) - KEPT_S;
	kept->err = err;
	return migration_end_list(host->book, kept_add, kept, err);
}

int dd_migrations_kept(struct dd_host *host, uint32_t *count, uint32_t *due, struct dd_error *err)
{
	CLEANUP(kept) struct kept kept = {.list = NULL};
	uint32_t offers = 0, old = 0;
	int rc = kept_read(host, &kept, err);

	if (!rc)
		rc = pending_count(host, &offers, &old, err);
	if (rc)
		return rc;
	*due = (uint32_t)kept.count + old;
	*count = (uint32_t)kept.count + kept.young + offers;
	return 0;
}

static int forget_one(struct dd_host *host, const struct migration_end *end, struct dd_error *err)
{
	bool open = true;
	enum destination_state state = end->state;
	int rc = ask_row(host, end->peer, end->uuid, end->id, &open, err);

	if (!rc && open)
		rc = error_set(err, DD_BUSY,
			"the host '%s' has not heard yet how a migration ended", end->peer);
	if (!rc)
		rc = destination_move(&state, DESTINATION_FORGET, err);
	return rc ? rc : migration_end_forget(host->book, end->id, err);
}

int dd_migrations_forget(struct dd_host *host, uint32_t *left, struct dd_error *err)
{
	CLEANUP(kept) struct kept kept = {.list = NULL};
	uint32_t remaining = 0;
	int rc = kept_read(host, &kept, err);

	if (!rc)
		rc = pending_tidy(host, err);
	for (size_t i = 0; !rc && i < kept.count; i++)
		remaining += forget_one(host, &kept.list[i], err) != 0;
	if (!rc && left)
		*left = remaining;
	return rc;
}
