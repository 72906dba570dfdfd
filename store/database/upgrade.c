/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lower formats of book.db, and what each lacks:
 *
 *   1  the chain of versions (chain.h): its versions keep no place in it, since theirs would have
 * to stand in commits that are signed already; the next version is the first one. The branch "book"
 * had one commit in that format, and so where it points to is the genesis commit. No tags.
 *   2  secrets: they were refused.
 *   3  owners, every domain was its book's own; and the index over what runs.
 *
 * Nothing is taken away, and what was signed stays as it is.
 */
#include "store/database/upgrade.h"

#include "store/history/tag.h"
#include "store/key/secret.h"

static const char from_1[] =
	"ALTER TABLE version ADD COLUMN seq INTEGER;" UPGRADE_SEQ_INDEX
	"INSERT INTO setting(key, value) SELECT 'genesis', value FROM setting WHERE key = "
	"'book-head';"
	"PRAGMA user_version=2";

static const char from_3[] =
	"ALTER TABLE domain ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE domain ADD COLUMN owner TEXT;ALTER TABLE domain ADD COLUMN owner_book "
	"BLOB;" UPGRADE_RUNNING_INDEX "PRAGMA user_version=4";

static int upgrade_write(void *context, struct dd_error *err)
{
	struct database *database = context;
	struct statement statement = statement_begin(database, "PRAGMA user_version");
	int64_t format = statement_row(&statement) ? statement_integer(&statement, 0) : 0;
	int rc = statement_end(&statement, err);

	if (!rc && format < 2)
		rc = tag_table_make(database, err);
	if (!rc && format < 2)
		rc = database_execute(database, from_1, err);
	if (!rc && format < 3)
		rc = secret_table_make(database, err);
	return rc ? rc : database_execute(database, from_3, err);
}

int upgrade_run(struct book *book, struct dd_error *err)
{
	return database_change(&book->database, "upgrade", upgrade_write, &book->database, err);
}
