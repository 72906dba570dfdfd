/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done for a book in the background, and what others left in the middle of it. */
#include <stdlib.h>
#include <string.h>

#include "domain/config.h"
#include "domain/operation.h"

_Static_assert(DD_MARK_SIZE == BOOK_MARK_SIZE, "a mark is handed on as it is");

int dd_upkeep_claim(struct dd_host *host, struct dd_error *err)
{
	return book_hold(host->book, "upkeep", err);
}

int dd_upkeep_look(struct dd_host *host, struct dd_upkeep *out, struct dd_error *err)
{
	struct dd_upkeep found = {.push = true};
	int rc = book_staged(host->book, &found.staged, err);

	if (!rc)
		rc = book_mark(host->book, found.mark, err);
	if (!rc)
		rc = config_switch(host, CONFIG_AUTO_PUSH, &found.push, err);
	if (!rc)
		rc = job_count(host->book, &found.under_way, &found.cut_short, err);
	if (!rc)
		*out = found;
	return rc;
}

/* ---- settling ---- */

struct cut_short {
	struct cut_short_row {
		char uuid[UUID_SIZE];
		char *operation;
	} * rows;
	size_t count;
	struct dd_error *err;
};

static void cleanup_cut_short(struct cut_short *found)
{
	for (size_t i = 0; i < found->count; i++)
		free(found->rows[i].operation);
	free(found->rows);
}

static int add_cut_short(const struct job_row *job, void *context)
{
	struct cut_short *found = context;
	struct cut_short_row *rows;
	int rc;

	if (job->pid)
		return 0;
	rows = reallocarray(found->rows, found->count + 1, sizeof *rows);
	if (!rows)
		return error_no_memory(found->err);
	found->rows = rows;
	memcpy(rows[found->count].uuid, job->uuid, UUID_SIZE);
	rc = string_copy(&rows[found->count].operation, job->operation, found->err);
	found->count += !rc;
	return rc;
}

/* Whoever begins an operation settles what there is; this one then does nothing else. */
static int settle_one(struct dd_host *host, const struct cut_short_row *row, dd_settled_fn tell,
	void *context, uint32_t *left)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(domain_row) struct domain_row domain = {.name = NULL};
	struct dd_error reason = {0};
	bool there = book_find(host->book, row->uuid, &domain, &reason) == 0;
	int rc = operation_begin_new(&op, host, row->uuid, "settle", NULL, &reason);
	const struct dd_settled settled = {
		.domain = there ? domain.name : NULL,
		.uuid = row->uuid,
		.operation = row->operation,
		.error = rc ? &reason : NULL,
	};

	*left += rc != 0;
	operation_end(&op);
	return tell ? tell(&settled, context) : 0;
}

int dd_settle(struct dd_host *host, dd_settled_fn settled, void *context, uint32_t *left,
	struct dd_error *err)
{
	CLEANUP(cut_short) struct cut_short found = {.err = err};
	uint32_t remaining = 0;
	int rc = job_list(host->book, add_cut_short, &found, err);

	for (size_t i = 0; !rc && i < found.count; i++)
		rc = settle_one(host, &found.rows[i], settled, context, &remaining);
	if (!rc && left)
		*left = remaining;
	return rc;
}
