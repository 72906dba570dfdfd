/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/record.h"

#include <string.h>

#include "domain/secret.h"
#include "schema/alias.h"
#include "schema/uses.h"

int record_read_text(struct book *book, const char *uuid, uint32_t number, const char *path,
	struct text *out, struct dd_error *err)
{
	struct version_info version = {.number = 0};
	int rc = book_read(book, uuid, number, path, out, err);

	if (rc != DD_NOT_FOUND)
		return rc;
	/* no such file, or no such version? */
	rc = book_version(book, uuid, number, &version, err);
	version_info_release(&version);
	return rc;
}

int record_compose(const struct text *xml, const char *path, const struct text *vacated,
	const struct text *secrets, struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	int rc = document_parse(text_string(xml), xml->size, NULL, &document, err);

	if (!rc)
		rc = secret_read(document, secrets, path, err);
	if (!rc && vacated)
		rc = document_read_vacated(document, text_string(vacated), vacated->size, err);
	if (!rc)
		*out = TAKE(document);
	return rc;
}

int record_read(struct book *book, const char *uuid, uint32_t number, struct document **out,
	struct dd_error *err)
{
	CLEANUP(text) struct text xml = TEXT_INIT;
	CLEANUP(text) struct text vacated = TEXT_INIT;
	CLEANUP(text) struct text secrets = TEXT_INIT;
	int rc = record_read_text(book, uuid, number, FILE_CONFIG, &xml, err);

	if (!rc)
		rc = record_read_text(book, uuid, number, FILE_VACATED, &vacated, err);
	if (!rc)
		rc = record_read_text(book, uuid, number, FILE_SECRETS, &secrets, err);
	return rc ? rc : record_compose(&xml, FILE_CONFIG, &vacated, &secrets, out, err);
}

int record_read_live(struct book *book, const char *uuid, uint32_t number, struct document **out,
	struct dd_error *err)
{
	CLEANUP(text) struct text xml = TEXT_INIT;
	CLEANUP(text) struct text secrets = TEXT_INIT;
	int rc = record_read_text(book, uuid, number, FILE_LIVE, &xml, err);

	*out = NULL;
	if (rc || !xml.size)
		return rc;
	rc = record_read_text(book, uuid, number, FILE_SECRETS, &secrets, err);
	return rc ? rc : record_compose(&xml, FILE_LIVE, NULL, &secrets, out, err);
}

int record_live_text(
	const struct document *live, struct text *out, struct json *secrets, struct dd_error *err)
{
	CLEANUP(document) struct document *copy = NULL;
	int rc = document_copy(live, &copy, err);

	if (!rc)
		rc = document_strip_runtime(copy, err);
	return rc ? rc : secret_write(copy, out, secrets, err);
}

static char mode_letter(enum use_mode mode)
{
	static const char letters[] = {[USE_READ] = 'r', [USE_SHARED] = 's', [USE_EXCLUSIVE] = 'w'};

	return letters[mode];
}

/* Adds the scope to a row that is there already, or makes one. */
static int rows_merge(struct use_rows *rows, const struct use *use, int scope, struct dd_error *err)
{
	char *value = NULL;
	int rc;

	for (size_t i = 0; i < rows->count; i++) {
		struct use_row *row = &rows->items[i];

		if (strcmp(row->kind, use->kind) == 0 && strcmp(row->value, use->value) == 0) {
			row->scope |= scope;
			if (row->mode != 'w')
				row->mode = mode_letter(use->mode);
			return 0;
		}
	}

	struct use_row *items = reallocarray(rows->items, rows->count + 1, sizeof *items);

	if (!items)
		return error_no_memory(err);
	rows->items = items;
	rc = string_copy(&value, use->value, err);
	if (rc)
		return rc;
	items[rows->count++] = (struct use_row){
		.kind = use->kind,
		.value = value,
		.mode = mode_letter(use->mode),
		.scope = scope,
	};
	return 0;
}

static int rows_of(
	struct use_rows *rows, const struct document *document, int scope, struct dd_error *err)
{
	CLEANUP(uses) struct uses uses = USES_INIT;
	int rc = document ? document_uses(document, &uses, err) : 0;

	for (size_t i = 0; !rc && i < uses.count; i++)
		rc = rows_merge(rows, &uses.items[i], scope, err);
	return rc;
}

int record_uses(const struct document *config, const struct document *live, struct use_rows *out,
	struct dd_error *err)
{
	struct use_rows rows = {.items = NULL};
	int rc = rows_of(&rows, config, USE_CONFIG, err);

	if (!rc)
		rc = rows_of(&rows, live, USE_LIVE, err);
	if (rc)
		use_rows_release(&rows);
	else
		*out = rows;
	return rc;
}

void use_rows_release(struct use_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free((char *)(uintptr_t)rows->items[i].value);
	free(rows->items);
	memset(rows, 0, sizeof *rows);
}
