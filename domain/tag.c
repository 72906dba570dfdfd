/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a person gives to versions. */
#include "domain/existing.h"
#include "domain/operation.h"

/*
 * Its owner says what a domain's versions are called: nobody may while it is on its way to another
 * one, who would not hear of it. One that is gone keeps its names, and may get more.
 */
static int begin(struct operation *op, struct dd_host *host, const char *domain, const char *reason,
	struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	const struct dd_change change = {.reason = reason};
	int rc = existing_named(host, domain, &row, err);

	return rc ? rc : operation_begin_new(op, host, row.uuid, "tag", &change, err);
}

int dd_tag_set(struct dd_host *host, const char *domain, uint32_t version, const char *label,
	const char *reason, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	bool made = false;
	uint32_t number = 0;
	int rc = begin(&op, host, domain, reason, err);
	const struct tag_draft draft = {
		.uuid = op.row.uuid,
		.number = version,
		.label = label,
		.tagger = op.author,
		.body = op.reason,
	};

	if (!rc)
		rc = book_tag(host->book, &draft, &number, &made, err);
	if (rc || !result)
		return rc;
	for (size_t i = 0; i < UUID_SIZE; i++)
		result->uuid[i] = op.row.uuid[i];
	result->version = number;
	result->changed = made;
	return 0;
}

int dd_tag_remove(struct dd_host *host, const char *domain, const char *label, const char *reason,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	int rc = begin(&op, host, domain, reason, err);

	return rc ? rc : book_tag_remove(host->book, op.row.uuid, label, err);
}

struct tags_visit {
	struct dd_host *host;
	const char *uuid;
	dd_tag_fn tell;
	void *context;
	struct dd_error *err;
};

static int tell_tag(const char *label, uint32_t number, void *context)
{
	const struct tags_visit *visit = context;
	CLEANUP(tag_info) struct tag_info info = {.label = NULL};
	int rc = book_tag_read(visit->host->book, visit->uuid, label, &info, visit->err);
	struct dd_tag told = {
		.label = info.label,
		.version = number,
		.when = info.when,
		.tagger = info.tagger,
		.reason = info.body,
	};

	if (rc)
		return rc;
	for (size_t i = 0; i < COMMIT_SIZE; i++)
		told.object[i] = info.object[i];
	return visit->tell(&told, visit->context);
}

int dd_tags(struct dd_host *host, const char *domain, dd_tag_fn tag, void *context,
	struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct tags_visit visit = {host, row.uuid, tag, context, err};
	int rc = existing_named(host, domain, &row, err);

	return rc ? rc : book_tags(host->book, row.uuid, tell_tag, &visit, err);
}
