/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lower formats of book.db, and what each lacks:
 *
 *   1  the chain of versions (chain.h): its versions keep no place in it, since theirs would have
 * to stand in commits that are signed already; the next version is the first one. The branch "book"
 * had one commit in that format, and so where it points to is the genesis commit. No tags.
 *
 * Nothing is taken away, and what was signed stays as it is.
 */
#include "store/upgrade.h"

#include "store/tag.h"

static const char from_1[] =
	"ALTER TABLE version ADD COLUMN seq INTEGER;" UPGRADE_SEQ_INDEX
	"INSERT INTO setting(key, value) SELECT 'genesis', value FROM setting WHERE key = "
	"'book-head';"
	"PRAGMA user_version=2";

static int upgrade_write(void *context, struct dd_error *err)
{
	int rc = tag_table_make(context, err);

	return rc ? rc : database_execute(context, from_1, err);
}

int upgrade_run(struct book *book, struct dd_error *err)
{
	return database_change(&book->database, "upgrade", upgrade_write, &book->database, err);
}
