/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of book.db beside those that Domesday makes, which it makes once more in memory for
 * that. A trigger more would change rows behind everybody's back, and a table or an index less is
 * missed by whoever needs it next. The columns of a table are compared without their order: a book
 * that was upgraded has the later ones at the end.
 */
#include "store/verify/verification.h"

#include <string.h>

#include "store/room.h"

/* ?1 and ?2 NULL: all of them. What ANALYZE leaves changes no answer. */
#define SHAPES                                                                                    \
	"SELECT m.type, m.name, CASE m.type WHEN 'table' THEN"                                    \
	"  (SELECT group_concat(name || ' ' || type || ' ' || \"notnull\" || ' ' || pk || ' ' ||" \
	"    coalesce(dflt_value, ''), ', ')"                                                     \
	"   FROM (SELECT * FROM pragma_table_info(m.name) ORDER BY name))"                        \
	" ELSE coalesce(m.sql, '') END FROM sqlite_schema m"                                      \
	" WHERE m.name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'"                                     \
	"  AND (?1 IS NULL OR (m.type = ?1 AND m.name = ?2))"

struct comparing {
	struct verification *verification;
	struct database *given, *due;
};

static int schema_tell(
	struct verification *verification, const char *type, const char *name, const char *what)
{
	struct finding finding = {.kind = "file", .where = "book.db"};

	return finding_tell(verification, &finding, "the %s '%.200s' %s", type, name, what);
}

/* The shape of what the database has by that name; *found false: nothing. */
static int shape_find(struct database *database, struct statement *row, struct text *shape,
	bool *found, struct dd_error *err)
{
	struct statement statement = statement_begin(database, SHAPES);

	statement_text(&statement, statement_string(row, 0));
	statement_text(&statement, statement_string(row, 1));
	*found = statement_row(&statement);
	if (*found)
		text_puts(shape, statement_string(&statement, 2));
	return statement_end(&statement, err);
}

static int given_check(const struct comparing *comparing, struct statement *row)
{
	struct verification *verification = comparing->verification;
	const char *type = statement_string(row, 0), *name = statement_string(row, 1);
	CLEANUP(text) struct text shape = TEXT_INIT;
	bool found;
	int rc = shape_find(comparing->due, row, &shape, &found, verification->err);

	if (rc || text_failed(&shape))
		return rc ? rc : error_no_memory(verification->err);
	if (!found)
		return schema_tell(verification, type, name,
			"of book.db is not of Domesday's making: 'domesday reindex' makes book.db "
			"anew without it");
	if (strcmp(text_string(&shape), statement_string(row, 2)) != 0)
		return schema_tell(verification, type, name,
			"of book.db is not as Domesday makes it: 'domesday reindex' makes book.db "
			"anew");
	return 0;
}

static int due_check(const struct comparing *comparing, struct statement *row)
{
	struct verification *verification = comparing->verification;
	CLEANUP(text) struct text shape = TEXT_INIT;
	bool found;
	int rc = shape_find(comparing->given, row, &shape, &found, verification->err);

	return rc || found ? rc
			   : schema_tell(verification, statement_string(row, 0),
				     statement_string(row, 1),
				     "is missing in book.db: 'domesday reindex' makes book.db "
				     "anew");
}

static int each(const struct comparing *comparing, struct database *database,
	int (*check)(const struct comparing *comparing, struct statement *row))
{
	/* another text than that of the look-ups within, so that it is another statement */
	CLEANUP(statement)
	struct statement statement = statement_begin(database, SHAPES " ORDER BY m.name");
	int rc = 0;

	while (!rc && statement_row(&statement))
		rc = check(comparing, &statement);
	return rc ? rc : statement_end(&statement, comparing->verification->err);
}

static int fresh_make(struct database *fresh, struct dd_error *err)
{
	int code = sqlite3_open_v2(":memory:", &fresh->sqlite,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
			SQLITE_OPEN_NOMUTEX,
		NULL);

	return code ? database_failure(fresh, code, err) : layout_tables_make(fresh, err);
}

int verify_schema(struct verification *verification)
{
	struct database fresh = {.path = verification->book->database.path, .lock_fd = -1};
	struct comparing comparing = {verification, &verification->book->database, &fresh};
	int rc = fresh_make(&fresh, verification->err);

	if (!rc)
		rc = each(&comparing, comparing.given, given_check);
	if (!rc)
		rc = each(&comparing, comparing.due, due_check);
	database_forget(&fresh);
	sqlite3_close(fresh.sqlite);
	return damage_tell(verification, rc, "file", "book.db");
}
