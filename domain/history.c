/* SPDX-License-Identifier: Apache-2.0 */
/* Looking back: the versions of a domain, what each changed, and any two compared. */

#include "domain/difference.h"
#include "domain/operation.h"
#include "domain/record.h"
#include "domain/secret.h"
#include "store/lines.h"

struct log_visit {
	dd_version_fn version;
	void *context;
};

static int64_t number_of(const struct version_info *info, const char *key, int64_t otherwise)
{
	const char *value = version_trailer(info, key);
	char *end = NULL;
	long long number = value ? strtoll(value, &end, 10) : 0;

	return end && end != value && !*end ? number : otherwise;
}

static struct dd_caller caller_of(const struct version_info *info)
{
	const char *known_by = version_trailer(info, "Caller-Known-By");
	const char *program = version_trailer(info, "Program");
	int64_t uid = number_of(info, "Caller-Uid", -1);

	return (struct dd_caller){
		.uid = uid,
		.acting_uid = number_of(info, "Acting-Uid", uid),
		.known_by = known_by ? known_by : "",
		.program = program ? program : "",
	};
}

static int tell_version(const struct version_info *info, void *context)
{
	const struct log_visit *visit = context;
	const char *operation = version_trailer(info, "Operation");
	struct dd_version_info told = {
		.number = info->number,
		.when = info->when,
		.author = info->author,
		.caller = caller_of(info),
		.committer = info->committer,
		.operation = operation ? operation : "",
		.subject = info->subject,
		.reason = info->body ? info->body : "",
		.trailers = (const char *const *)info->trailers,
		.trailer_count = info->trailer_count,
	};

	_Static_assert(DD_COMMIT_SIZE == COMMIT_SIZE, "one size of a commit's name");
	for (size_t i = 0; i < COMMIT_SIZE; i++)
		told.commit[i] = info->commit[i];
	return visit->version ? visit->version(&told, visit->context) : 0;
}

int dd_log(struct dd_host *host, const char *domain, uint32_t limit, dd_version_fn visit,
	void *context, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct log_visit own = {visit, context};
	int rc = book_find(host->book, domain, &row, err);

	return rc ? rc : book_log(host->book, row.uuid, limit, tell_version, &own, err);
}

/* The first version differs from nothing in everything: its devices are not spelt out. */
static int tell_changes(struct dd_host *host, const char *uuid, uint32_t number,
	dd_difference_fn difference, void *context, struct dd_error *err)
{
	CLEANUP(document) struct document *before = NULL;
	CLEANUP(document) struct document *after = NULL;
	int rc;

	if (number <= 1 || !difference)
		return 0;
	rc = record_read(host->book, uuid, number - 1, &before, err);
	if (!rc)
		rc = record_read(host->book, uuid, number, &after, err);
	return rc ? rc : differences_tell(before, after, difference, context, NULL, err);
}

int dd_show(struct dd_host *host, const char *domain, uint32_t version, dd_version_fn visit,
	dd_difference_fn difference, void *context, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(version_info) struct version_info info = {.number = 0};
	struct log_visit own = {visit, context};
	int rc = book_find(host->book, domain, &row, err);

	if (!rc)
		rc = book_version(host->book, row.uuid, version, &info, err);
	if (!rc)
		rc = tell_version(&info, &own);
	return rc ? rc : tell_changes(host, row.uuid, info.number, difference, context, err);
}

static int read_live(struct dd_host *host, const struct domain_row *row, struct document **out,
	struct dd_error *err)
{
	int rc = record_read_live(host->book, row->uuid, 0, out, err);

	return rc || *out ? rc : record_read(host->book, row->uuid, 0, out, err);
}

static int read_side(struct dd_host *host, const struct dd_side *side, struct document **out,
	struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = book_find(host->book, side->domain, &row, err);

	if (rc)
		return rc;
	return side->live ? read_live(host, &row, out, err)
			  : record_read(host->book, row.uuid, side->version, out, err);
}

static int read_xml(struct dd_host *host, const struct dd_side *side, const struct document *other,
	struct document **out, struct dd_error *err)
{
	if (other)
		return definition_for_record(
			host, side->xml, side->size, side->file, other, out, err);
	return document_parse(side->xml, side->size, side->file, out, err);
}

static int read_sides(struct dd_host *host, const struct dd_side *before,
	const struct dd_side *after, struct document **first, struct document **second,
	struct dd_error *err)
{
	int rc = before->xml ? 0 : read_side(host, before, first, err);

	if (!rc)
		rc = after->xml ? read_xml(host, after, *first, second, err)
				: read_side(host, after, second, err);
	if (!rc && before->xml)
		rc = read_xml(host, before, after->xml ? NULL : *second, first, err);
	return rc;
}

int dd_diff(struct dd_host *host, const struct dd_side *before, const struct dd_side *after,
	dd_difference_fn difference, void *context, struct dd_error *err)
{
	CLEANUP(document) struct document *first = NULL;
	CLEANUP(document) struct document *second = NULL;
	int rc = read_sides(host, before, after, &first, &second, err);

	return rc ? rc : differences_tell(first, second, difference, context, NULL, err);
}

int dd_diff_xml(struct dd_host *host, const struct dd_side *before, const char *before_name,
	const struct dd_side *after, const char *after_name, char **out, struct dd_error *err)
{
	CLEANUP(document) struct document *first = NULL;
	CLEANUP(document) struct document *second = NULL;
	CLEANUP(text) struct text old = TEXT_INIT;
	CLEANUP(text) struct text new = TEXT_INIT;
	CLEANUP(text) struct text lines = TEXT_INIT;
	int rc = read_sides(host, before, after, &first, &second, err);

	if (!rc)
		rc = secret_write(first, &old, NULL, err);
	if (!rc)
		rc = secret_write(second, &new, NULL, err);
	if (!rc)
		rc = lines_diff(&old, before_name, &new, after_name, &lines, err);
	return rc ? rc : string_copy(out, text_string(&lines), err);
}
