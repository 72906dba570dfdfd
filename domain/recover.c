/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/recover.h"

#include <string.h>

#include "domain/lifecycle.h"
#include "domain/transition.h"

static int settle_transition(
	struct operation *op, const char *text, const struct json *detail, struct dd_error *err)
{
	CLEANUP(transition) struct transition transition = {.steps = NULL};
	int rc = transition_read(text, &transition, err);

	(void)detail;
	return rc ? rc : transition_settle(&transition, op, err);
}

static int settle_start(
	struct operation *op, const char *text, const struct json *detail, struct dd_error *err)
{
	(void)text;
	return start_settle(op, detail, err);
}

static int settle_pause(
	struct operation *op, const char *text, const struct json *detail, struct dd_error *err)
{
	(void)text;
	(void)detail;
	return pause_settle(op, err);
}

static int settle_reboot(
	struct operation *op, const char *text, const struct json *detail, struct dd_error *err)
{
	(void)text;
	(void)detail;
	return reboot_settle(op, err);
}

static recover_migration_fn *migration_settler;

void recover_migrations_with(recover_migration_fn *settle)
{
	migration_settler = settle;
}

static int settle_migration(
	struct operation *op, const char *text, const struct json *detail, struct dd_error *err)
{
	(void)text;
	return migration_settler
		       ? migration_settler(op, detail, err)
		       : error_set(err, DD_UNSUPPORTED, "migrations are not settled here");
}

static const struct {
	const char *kind;
	int (*settle)(struct operation *op, const char *text, const struct json *detail,
		struct dd_error *err);
} settlers[] = {
	{DETAIL_START, settle_start},
	{DETAIL_PAUSE, settle_pause},
	{DETAIL_REBOOT, settle_reboot},
	{DETAIL_TRANSITION, settle_transition},
	{DETAIL_MIGRATION, settle_migration},
};

/* Whoever began it; a row of an earlier release does not say whose process that was. */
static void act_as(struct operation *as, const struct json *detail)
{
	const char *known_by = json_get_string(detail, "known_by");
	const char *program = json_get_string(detail, "program");

	as->reason = json_get_string(detail, "reason");
	as->author.name = json_get_string(detail, "author_name");
	as->author.email = json_get_string(detail, "author_email");
	if (!known_by || !program)
		return;
	as->caller.uid = (uint32_t)json_get_number(detail, "uid", as->caller.uid);
	as->caller.acting = (uint32_t)json_get_number(detail, "acting_uid", as->caller.acting);
	as->caller.known_by = known_by;
	as->program = program;
}

/* What it has loaded, taken and released since is op's; in whose name is as before. */
static void take_over(struct operation *op, const struct operation *as)
{
	const struct operation was = *op;

	*op = *as;
	op->name = was.name;
	op->reason = was.reason;
	op->author = was.author;
	op->caller = was.caller;
	op->program = was.program;
	op->journal = was.journal;
	text_release(&op->cpu_next);
}

/* In the name of whoever began it. */
static int settle_as(struct operation *op, const struct journal_row *row, const struct json *detail,
	struct dd_error *err)
{
	const char *kind = json_get_string(detail, "kind");
	struct operation as = *op;
	int rc = error_set(err, DD_CORRUPT, "the journal row of '%s' is of no known kind '%s'",
		row->operation, kind ? kind : "");

	as.name = row->operation;
	act_as(&as, detail);
	as.journal = row->id;
	for (size_t i = 0; kind && i < sizeof settlers / sizeof settlers[0]; i++)
		if (strcmp(settlers[i].kind, kind) == 0)
			rc = settlers[i].settle(&as, row->detail, detail, err);
	take_over(op, &as);
	return rc;
}

int recover_settle(struct operation *op, bool *settled, struct dd_error *err)
{
	CLEANUP(journal_row) struct journal_row row = {.id = 0};
	CLEANUP(json) struct json *detail = NULL;
	int rc = journal_find(op->host->book, op->row.uuid, &row, err);

	*settled = false;
	if (rc == DD_NOT_FOUND)
		return 0;
	if (!rc)
		rc = json_parse(row.detail, strlen(row.detail), &detail, err);
	if (!rc)
		rc = settle_as(op, &row, detail, err);
	if (rc)
		return error_wrap(err, "cannot settle the interrupted %s of domain '%s'",
			row.operation ? row.operation : "operation",
			op->row.name ? op->row.name : op->row.uuid);
	*settled = true;
	return 0;
}
