/* SPDX-License-Identifier: Apache-2.0 */
/* Looking back: the versions of a domain, what each changed, and any two compared. */

#include "domain/difference.h"
#include "domain/existing.h"
#include "domain/operation.h"
#include "domain/record.h"
#include "domain/secret.h"
#include "domain/version.h"
#include "store/history/lines.h"

int dd_log(struct dd_host *host, const char *domain, uint32_t limit, dd_version_fn visit,
	void *context, struct dd_error *err)
{
	const struct dd_log_options options = {.domain = domain, .limit = limit};

	return dd_log_with(host, &options, visit, NULL, context, err);
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
	CLEANUP(version_names) struct version_names names = {.list = NULL};
	int rc = existing_named(host, domain, &row, err);

	if (!rc)
		rc = book_version(host->book, row.uuid, version, &info, err);
	if (!rc)
		rc = version_names_read(&names, host->book, row.uuid, err);
	if (!rc)
		rc = version_tell(&info, &row, &names, visit, context);
	return rc ? rc : tell_changes(host, row.uuid, info.number, difference, context, err);
}

static int read_live(struct dd_host *host, const char *uuid, uint32_t version,
	struct document **out, struct dd_error *err)
{
	int rc = record_read_live(host->book, uuid, version, out, err);

	return rc || *out ? rc : record_read(host->book, uuid, version, out, err);
}

static int read_side(struct dd_host *host, const struct dd_side *side, struct document **out,
	struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = existing_named(host, side->domain, &row, err);

	if (rc)
		return rc;
	return side->live ? read_live(host, row.uuid, side->version, out, err)
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
