/* SPDX-License-Identifier: Apache-2.0 */
/* A migration's row that somebody finds in the journal, on whichever side. */
#include "migrate/incoming.h"
#include "migrate/outgoing.h"

static int settle(struct operation *op, const struct json *detail, struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.journal = {.id = op->journal}};
	CLEANUP(json) struct json *copy = json_copy(detail);
	int rc = copy ? migration_row_read(&row, TAKE(copy), err) : error_no_memory(err);

	if (!rc)
		rc = row.outgoing ? outgoing_settle(op, &row, err) : incoming_settle(op, &row, err);
	return rc;
}

/* Whoever works with the library settles them, without having to say so. */
__attribute__((constructor)) static void settle_register(void)
{
	recover_migrations_with(settle);
}
