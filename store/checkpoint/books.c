/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpoint/books.h"

#include <string.h>

#include "store/git/oid_set.h"
#include "store/git/ref.h"

#define DUE "books:" /* before the name of the first commit */

int books_due(struct book *book, const git_oid *genesis, const git_oid *head, struct dd_error *err)
{
	char key[sizeof DUE + GIT_OID_HEXSZ] = DUE;
	struct statement statement = statement_begin(&book->database,
		"INSERT INTO setting(key, value) VALUES(?, ?)"
		" ON CONFLICT DO UPDATE SET value = excluded.value");

	git_oid_tostr(key + sizeof DUE - 1, GIT_OID_HEXSZ + 1, genesis);
	statement_text(&statement, key);
	statement_blob(&statement, head->id, sizeof head->id);
	return statement_run(&statement, err);
}

static int book_keep(
	struct book *book, const git_oid *genesis, const git_oid *head, struct dd_error *err)
{
	char name[sizeof BOOKS_REFS + GIT_OID_HEXSZ] = BOOKS_REFS;
	git_oid before;
	bool later = true;
	int rc = 0, code;

	git_oid_tostr(name + sizeof BOOKS_REFS - 1, GIT_OID_HEXSZ + 1, genesis);
	code = git_reference_name_to_id(&before, book->whole, name);
	if (!code && git_oid_equal(&before, head))
		return 0;
	if (!code)
		rc = history_follows(book, head, &before, &later, err);
	else if (code != GIT_ENOTFOUND)
		rc = repository_failure(book, code, "cannot read a branch", err);
	/* where the kept one is the later it says all that the other does */
	if (rc || !later)
		return rc;
	return ref_point(book, name, head, err);
}

/* Genesis and head, one after the other. */
static int due_read(struct book *book, struct oid_list *due, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT substr(key, 7), value FROM setting WHERE key GLOB '" DUE "*'");
	int rc = 0;

	while (!rc && statement_row(&statement)) {
		git_oid genesis, head;

		if (git_oid_fromstr(&genesis, statement_string(&statement, 0)) < 0 ||
			!statement_oid_maybe(&statement, 1, &head))
			continue;
		rc = oid_list_add(due, &genesis, err);
		if (!rc)
			rc = oid_list_add(due, &head, err);
	}
	if (rc) {
		statement_drop(&statement);
		return rc;
	}
	return statement_end(&statement, err);
}

struct settling {
	struct book *book;
	const struct oid_list *due;
};

/* What came to be noted meanwhile stays. */
static int due_drop(void *context, struct dd_error *err)
{
	const struct settling *settling = context;
	int rc = 0;

	for (size_t i = 0; !rc && i < settling->due->count; i += 2) {
		char key[sizeof DUE + GIT_OID_HEXSZ] = DUE;
		const git_oid *head = &settling->due->list[i + 1];
		struct statement statement = statement_begin(&settling->book->database,
			"DELETE FROM setting WHERE key = ? AND value = ?");

		git_oid_tostr(key + sizeof DUE - 1, GIT_OID_HEXSZ + 1, &settling->due->list[i]);
		statement_text(&statement, key);
		statement_blob(&statement, head->id, sizeof head->id);
		rc = statement_run(&statement, err);
	}
	return rc;
}

int books_settle(struct book *book, struct dd_error *err)
{
	struct oid_list due = {0};
	struct settling settling = {book, &due};
	int rc = due_read(book, &due, err);

	if (!rc && due.count)
		rc = repository_need_whole(book, err);
	for (size_t i = 0; !rc && i < due.count; i += 2)
		rc = book_keep(book, &due.list[i], &due.list[i + 1], err);
	if (!rc && due.count)
		rc = database_change(&book->database, "checkpoint", due_drop, &settling, err);
	oid_list_release(&due);
	return rc;
}
