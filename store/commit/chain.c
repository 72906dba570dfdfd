/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit/chain.h"

/* Reads a place and the commit there, where there is one. */
static int place_read(
	struct statement *statement, bool *found, struct chain_link *out, struct dd_error *err)
{
	*found = statement_row(statement);
	if (*found) {
		out->seq = statement_integer(statement, 0) + 1;
		(void)statement_oid(statement, 1, &out->prev);
	}
	return statement_end(statement, err);
}

int chain_next(struct book *book, struct chain_link *out, struct dd_error *err)
{
	struct database *database = &book->database;
	struct statement newest = statement_begin(database,
		"SELECT seq, oid FROM version WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1");
	struct statement genesis;
	bool found;
	int rc = place_read(&newest, &found, out, err);

	if (rc || found)
		return rc;
	genesis = statement_begin(database, "SELECT 0, value FROM setting WHERE key = 'genesis'");
	rc = place_read(&genesis, &found, out, err);
	return rc || found ? rc : database_failure(database, SQLITE_CORRUPT, err);
}
