/* SPDX-License-Identifier: Apache-2.0 */
/* What a push would carry, in one word. */
#include <stdio.h>
#include <string.h>

#include "store/room.h"

static int newest_place(struct book *book, long long *seq, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT seq FROM version WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1");

	if (statement_row(&statement))
		*seq = (long long)statement_integer(&statement, 0);
	return statement_end(&statement, err);
}

/* A tag is given and taken away without a place in the chain; so it is looked at all that are. */
static int tags_sum(struct book *book, uint64_t *sum, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database, "SELECT oid FROM tag");
	git_oid oid;

	while (statement_row(&statement)) {
		uint64_t part = 0;

		if (!statement_oid(&statement, 0, &oid))
			break;
		memcpy(&part, oid.id, sizeof part);
		*sum ^= part;
	}
	return statement_end(&statement, err);
}

int book_mark(struct book *book, char mark[BOOK_MARK_SIZE], struct dd_error *err)
{
	char keys[COMMIT_SIZE] = "";
	long long seq = 0;
	uint64_t tags = 0;
	git_oid head;
	int rc = newest_place(book, &seq, err);

	if (!rc)
		rc = tags_sum(book, &tags, err);
	if (!rc)
		rc = book_own_oid(book, "book-head", &head, err);
	if (rc)
		return rc;
	git_oid_tostr(keys, sizeof keys, &head);
	snprintf(mark, BOOK_MARK_SIZE, "%lld:%s:%016llx", seq, keys, (unsigned long long)tags);
	return 0;
}
