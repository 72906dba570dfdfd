/* SPDX-License-Identifier: Apache-2.0 */
/* Who set what of a definition, and when: its parts are followed back through the versions. */
#include "schema/blame.h"

#include <string.h>

#include "domain/existing.h"
#include "domain/host.h"
#include "domain/record.h"
#include "domain/version.h"

struct search {
	struct blame *blame;
	const struct dd_blame_options *options;
	struct dd_error *err;
};

static inline void cleanup_search(struct search *search)
{
	blame_free(search->blame);
}

static int begin(struct search *search, const struct file_version *file)
{
	int rc = file->data ? blame_new(file->data, file->size, &search->blame, search->err)
			    : error_set(search->err, DD_NOT_FOUND, "version %u has no definition",
				      file->number);

	if (!rc && search->options->device)
		rc = blame_only_device(search->blame, search->options->device, search->err);
	if (!rc && search->options->path)
		rc = blame_only_path(search->blame, search->options->path, search->err);
	return rc;
}

/* Ends with 1 when nothing is open any more. */
static int on_file(const struct file_version *file, void *context)
{
	struct search *search = context;
	int rc = 0;

	if (!search->blame)
		rc = begin(search, file);
	else if (file->data)
		rc = blame_older(
			search->blame, file->data, file->size, file->number + 1, search->err);
	else
		blame_rest(search->blame, file->number + 1);
	return rc ? rc : blame_settled(search->blame);
}

/* ---- telling ---- */

struct versions {
	uint32_t *numbers; /* each that a part comes from, once */
	size_t count, room;
};

static inline void cleanup_versions(struct versions *versions)
{
	free(versions->numbers);
}

static int add_version(struct versions *versions, uint32_t number)
{
	for (size_t i = 0; i < versions->count; i++)
		if (versions->numbers[i] == number)
			return 0;
	if (versions->count == versions->room) {
		size_t room = versions->room ? versions->room * 2 : 16;
		uint32_t *numbers = reallocarray(versions->numbers, room, sizeof *numbers);

		if (!numbers)
			return DD_NO_MEMORY;
		versions->numbers = numbers;
		versions->room = room;
	}
	versions->numbers[versions->count++] = number;
	return 0;
}

static int on_parts(const char *line, size_t length, uint32_t version,
	const struct blame_part *parts, size_t count, void *versions)
{
	int rc = 0;

	(void)line;
	(void)length;
	(void)version;
	for (size_t i = 0; !rc && i < count; i++)
		rc = add_version(versions, parts[i].version);
	return rc;
}

static int newest_first(const void *one, const void *other)
{
	const uint32_t *a = one, *b = other;

	return (*a < *b) - (*a > *b);
}

static int tell_versions(struct dd_host *host, const struct domain_row *row,
	const struct blame *blame, dd_version_fn visit, void *context, struct dd_error *err)
{
	CLEANUP(versions) struct versions versions = {.numbers = NULL};
	CLEANUP(version_names) struct version_names names = {.list = NULL};
	int rc = blame_lines(blame, on_parts, &versions, err);

	if (rc == DD_NO_MEMORY)
		return error_no_memory(err);
	if (!rc)
		rc = version_names_read(&names, host->book, row->uuid, err);
	if (versions.count)
		qsort(versions.numbers, versions.count, sizeof versions.numbers[0], newest_first);
	for (size_t i = 0; !rc && i < versions.count; i++) {
		CLEANUP(version_info) struct version_info info = {.number = 0};

		rc = book_version(host->book, row->uuid, versions.numbers[i], &info, err);
		if (!rc)
			rc = version_tell(&info, row, &names, visit, context);
	}
	return rc;
}

struct teller {
	dd_blame_fn visit;
	void *context;
	struct dd_error *err;
};

static int on_line(const char *line, size_t length, uint32_t version,
	const struct blame_part *parts, size_t count, void *context)
{
	const struct teller *teller = context;
	CLEANUP(free) struct dd_blame_part *told = calloc(count ? count : 1, sizeof *told);

	if (!told)
		return error_no_memory(teller->err);
	for (size_t i = 0; i < count; i++)
		told[i] = (struct dd_blame_part){
			.path = parts[i].path,
			.value = parts[i].value,
			.column = parts[i].column,
			.text_column = parts[i].text_column,
			.version = parts[i].version,
		};

	const struct dd_blame_line out = {line, length, version, told, count};

	return teller->visit(&out, teller->context);
}

int dd_blame(struct dd_host *host, const struct dd_blame_options *options, dd_version_fn version,
	dd_blame_fn line, void *context, struct dd_error *err)
{
	CLEANUP(search) struct search search = {.options = options, .err = err};
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct teller teller = {line, context, err};
	int rc = existing_named(host, options->domain, &row, err);

	if (!rc)
		rc = book_file_history(
			host->book, row.uuid, options->version, FILE_CONFIG, on_file, &search, err);
	if (rc < 0)
		return rc;
	blame_rest(search.blame, 1);
	rc = version ? tell_versions(host, &row, search.blame, version, context, err) : 0;
	return rc ? rc : blame_lines(search.blame, on_line, &teller, err);
}
