/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each domain uses: a row for kind, value and mode, whose scope says by whom (definition,
 * running guest, or both). A change rewrites only rows that differ, because most versions leave
 * nearly all of them as they are and every page that is touched goes through the log.
 */
#include "store/database/index.h"

#include <string.h>

#define USE_KIND_LIMIT 32
#define USE_VALUE_LIMIT 4096

struct use_list {
	struct use_row *rows;
	size_t count, room;
	bool owned; /* the rows' strings are the list's */
};

static void cleanup_use_list(struct use_list *list)
{
	for (size_t i = 0; list->owned && i < list->count; i++) {
		/* they were copied for this list */
		free((void *)(uintptr_t)list->rows[i].kind);
		free((void *)(uintptr_t)list->rows[i].value);
	}
	free(list->rows);
}

bool use_valid(const struct use_row *use)
{
	return use->kind && *use->kind && strlen(use->kind) <= USE_KIND_LIMIT && use->value &&
	       *use->value && strlen(use->value) <= USE_VALUE_LIMIT && use->mode &&
	       strchr("rsw", use->mode) && use->scope && !(use->scope & ~(USE_CONFIG | USE_LIVE));
}

static int use_compare(const void *a, const void *b)
{
	const struct use_row *left = a, *right = b;
	int order = strcmp(left->kind, right->kind);

	if (!order)
		order = strcmp(left->value, right->value);
	return order ? order : left->mode - right->mode;
}

static int use_list_add(struct use_list *list, struct use_row use, struct dd_error *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct use_row *rows = reallocarray(list->rows, room, sizeof *rows);

		if (!rows)
			return error_no_memory(err);
		list->rows = rows;
		list->room = room;
	}
	list->rows[list->count++] = use;
	return 0;
}

/* Sorted, and with one row where several differ in scope only. */
static int use_list_wanted(
	struct use_list *list, const struct use_row *uses, size_t count, struct dd_error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		int rc = use_list_add(list, uses[i], err);

		if (rc)
			return rc;
	}
	if (!list->count)
		return 0;
	qsort(list->rows, list->count, sizeof *list->rows, use_compare);
	for (size_t i = 1; i < list->count; i++) {
		if (use_compare(&list->rows[kept], &list->rows[i]) == 0)
			list->rows[kept].scope |= list->rows[i].scope;
		else
			list->rows[++kept] = list->rows[i];
	}
	list->count = kept + 1;
	return 0;
}

static int use_list_present(
	struct use_list *list, struct book *book, int64_t domain, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&book->database,
		"SELECT kind, value, mode, scope FROM use WHERE domain = ?"
		" ORDER BY kind, value, mode");

	list->owned = true;
	statement_number(&statement, domain);
	while (statement_row(&statement)) {
		struct use_row use = {
			.mode = statement_string(&statement, 2)[0],
			.scope = (int)statement_integer(&statement, 3),
		};
		int rc = use_list_add(list, use, err);

		if (rc)
			return rc;
		list->rows[list->count - 1].kind = strdup(statement_string(&statement, 0));
		list->rows[list->count - 1].value = strdup(statement_string(&statement, 1));
		if (!list->rows[list->count - 1].kind || !list->rows[list->count - 1].value)
			return error_no_memory(err);
	}
	return statement_end(&statement, err);
}

static void bind_key(struct statement *statement, int64_t domain, const struct use_row *use)
{
	const char mode[2] = {use->mode, '\0'};

	statement_number(statement, domain);
	statement_text(statement, use->kind);
	statement_text(statement, use->value);
	statement_text(statement, mode);
}

static int use_remove(
	struct book *book, int64_t domain, const struct use_row *use, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"DELETE FROM use WHERE domain = ? AND kind = ? AND value = ? AND mode = ?");

	bind_key(&statement, domain, use);
	return statement_run(&statement, err);
}

static int use_put(
	struct book *book, int64_t domain, const struct use_row *use, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"INSERT INTO use(domain, kind, value, mode, scope) VALUES(?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET scope = excluded.scope");

	bind_key(&statement, domain, use);
	statement_number(&statement, use->scope);
	return statement_run(&statement, err);
}

int use_add(struct book *book, int64_t domain, const struct use_row *use, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"INSERT INTO use(domain, kind, value, mode, scope) VALUES(?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET scope = scope | excluded.scope");

	bind_key(&statement, domain, use);
	statement_number(&statement, use->scope);
	return statement_run(&statement, err);
}

int uses_write(struct book *book, int64_t domain, const struct use_row *uses, size_t count,
	struct dd_error *err)
{
	CLEANUP(use_list) struct use_list wanted = {0}, present = {0};
	size_t w = 0, p = 0;
	int rc = use_list_wanted(&wanted, uses, count, err);

	if (!rc)
		rc = use_list_present(&present, book, domain, err);
	while (!rc && (w < wanted.count || p < present.count)) {
		int order = w == wanted.count    ? 1
			    : p == present.count ? -1
						 : use_compare(&wanted.rows[w], &present.rows[p]);

		if (order > 0)
			rc = use_remove(book, domain, &present.rows[p], err);
		else if (order < 0 || wanted.rows[w].scope != present.rows[p].scope)
			rc = use_put(book, domain, &wanted.rows[w], err);
		w += order <= 0;
		p += order >= 0;
	}
	return rc;
}

/* ---- asking ---- */

/* An open journal row may hold something for a domain that is not in the book yet. */
#define WHO_USES                                                                              \
	"SELECT coalesce(d.uuid, c.uuid), coalesce(d.name, c.uuid), coalesce(d.title, ''),"   \
	" coalesce(d.state, 0), coalesce(d.autostart, 0), coalesce(d.version, 0), d.runtime," \
	" coalesce(d.epoch, 1), d.owner, c.kind, c.mode, c.scope FROM ("                      \
	"  SELECT u.domain AS domain, NULL AS uuid, u.kind, u.mode, u.scope"                  \
	"   FROM use u WHERE u.value = ?1"                                                    \
	"  UNION ALL"                                                                         \
	"  SELECT (SELECT id FROM domain WHERE uuid = k.uuid), k.uuid, k.kind, k.mode, 2"     \
	"   FROM claim k WHERE k.value = ?1"                                                  \
	" ) c LEFT JOIN domain d ON d.id = c.domain"                                          \
	" WHERE ?2 IS NULL OR c.kind = ?2 ORDER BY 2, 1"

int book_who_uses(struct book *book, const char *kind, const char *value,
	int (*visit)(const struct domain_row *row, const struct use_row *use, void *context),
	void *context, struct dd_error *err)
{
	CLEANUP(statement) struct statement statement = statement_begin(&book->database, WHO_USES);

	statement_text(&statement, value);
	statement_text(&statement, kind);
	while (statement_row(&statement)) {
		CLEANUP(domain_row) struct domain_row row = {0};
		int rc = index_row_read(&statement, 0, &row, err);
		struct use_row use = {
			.kind = statement_string(&statement, 9),
			.value = value,
			.mode = statement_string(&statement, 10)[0],
			.scope = (int)statement_integer(&statement, 11),
		};

		if (!rc)
			rc = visit(&row, &use, context);
		if (rc)
			return rc;
	}
	return statement_end(&statement, err);
}

int book_uses(struct book *book, const char *uuid,
	int (*visit)(const struct use_row *use, void *context), void *context, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&book->database,
		"SELECT u.kind, u.value, u.mode, u.scope FROM use u"
		" JOIN domain d ON d.id = u.domain WHERE d.uuid = ?");

	statement_text(&statement, uuid);
	while (statement_row(&statement)) {
		struct use_row use = {
			.kind = statement_string(&statement, 0),
			.value = statement_string(&statement, 1),
			.mode = statement_string(&statement, 2)[0],
			.scope = (int)statement_integer(&statement, 3),
		};
		int rc = visit(&use, context);

		if (rc)
			return rc;
	}
	return statement_end(&statement, err);
}
