/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/kept.h"

#include <string.h>

#include "base/line.h"
#include "domain/importing.h"

#define NAMES_GUESS 1024

/* What a name of the folder stands for, at the commit that is being read. */
struct kept_file {
	struct kept_domain *domain; /* that it last had; never NULL once it was there */
	bool there;
};

struct reading {
	struct kept *kept;
	const struct kept_commit *commit;
	struct kept_domain **left; /* domains that a file of this commit had, and has no more */
	size_t left_count, left_room;
	struct dd_error *err;
};

/* ---- growing ---- */

/* items with room for one more; NULL where there is no memory, and items is as it was. */
static void *grow(void *items, size_t size, size_t count, size_t *room)
{
	size_t wanted = *room ? 2 * *room : 16;
	void *grown;

	if (count < *room)
		return items;
	grown = reallocarray(items, wanted, size);
	if (grown)
		*room = wanted;
	return grown;
}

static void event_release(struct kept_event *event)
{
	free(event->file);
	free(event->why);
}

static int add_event(const struct reading *reading, struct kept_domain *domain, enum kept_kind kind,
	const struct foreign_file *file, struct kept_event **out)
{
	struct kept_event event = {.kind = kind, .commit = reading->commit};
	struct kept_event *events =
		grow(domain->events, sizeof event, domain->count, &domain->room);

	if (!events)
		return error_no_memory(reading->err);
	domain->events = events;
	if (string_copy(&event.file, file->name, reading->err))
		return DD_NO_MEMORY;
	memcpy(event.blob, file->blob, sizeof event.blob);
	if (domain->count == KEPT_EVENTS_MAX) {
		domain->too_many = true;
		event_release(&domain->events[--domain->count]);
	}
	domain->events[domain->count] = event;
	*out = &domain->events[domain->count++];
	return 0;
}

static int add_domain(const struct reading *reading, const char *uuid, struct kept_domain **out)
{
	struct kept *kept = reading->kept;
	struct kept_domain **domains =
		grow(kept->domains, sizeof *domains, kept->domain_count, &kept->domain_room);
	struct kept_domain *domain;

	if (!domains)
		return error_no_memory(reading->err);
	kept->domains = domains;
	domain = calloc(1, sizeof *domain);
	if (!domain)
		return error_no_memory(reading->err);
	kept->domains[kept->domain_count++] = domain;
	if (uuid)
		memcpy(domain->uuid, uuid, UUID_SIZE);
	if (uuid && xmlHashAddEntry(kept->by_uuid, (const xmlChar *)uuid, domain))
		return error_no_memory(reading->err);
	*out = domain;
	return 0;
}

static int domain_of(const struct reading *reading, const char *uuid, struct kept_domain **out)
{
	*out = xmlHashLookup(reading->kept->by_uuid, (const xmlChar *)uuid);
	return *out ? 0 : add_domain(reading, uuid, out);
}

static int file_of(const struct reading *reading, const char *name, struct kept_file **out)
{
	struct kept_file *file = xmlHashLookup(reading->kept->by_file, (const xmlChar *)name);

	if (!file) {
		file = calloc(1, sizeof *file);
		if (!file || xmlHashAddEntry(reading->kept->by_file, (const xmlChar *)name, file)) {
			free(file);
			return error_no_memory(reading->err);
		}
	}
	*out = file;
	return 0;
}

/* ---- one commit ---- */

/* The first line, as far as a version keeps it. */
static int copy_line(char **out, const char *message, struct dd_error *err)
{
	CLEANUP(free) char *line = NULL;
	size_t length;

	message += strspn(message, " \t\r\n");
	length = strcspn(message, "\r\n");
	line = strndup(message, length < KEPT_MESSAGE_MAX ? length : KEPT_MESSAGE_MAX);
	return line ? line_visible(out, line, err) : error_no_memory(err);
}

static int add_commit(struct kept *kept, const struct foreign_commit *told, struct dd_error *err)
{
	struct kept_commit **commits =
		grow(kept->commits, sizeof *commits, kept->commit_count, &kept->commit_room);
	struct kept_commit *commit;
	int rc;

	if (!commits)
		return error_no_memory(err);
	kept->commits = commits;
	commit = calloc(1, sizeof *commit);
	if (!commit)
		return error_no_memory(err);
	kept->commits[kept->commit_count++] = commit;
	memcpy(commit->id, told->id, sizeof commit->id);
	commit->when = told->authored;
	rc = line_visible(&commit->author_name, told->author.name, err);
	if (!rc)
		rc = line_visible(&commit->author_email, told->author.email, err);
	return rc ? rc : copy_line(&commit->message, told->message, err);
}

static int note_left(struct reading *reading, struct kept_file *file)
{
	struct kept_domain **left;

	if (!file->there)
		return 0;
	file->there = false;
	file->domain->files--;
	left = grow(reading->left, sizeof *left, reading->left_count, &reading->left_room);
	if (!left)
		return error_no_memory(reading->err);
	reading->left = left;
	reading->left[reading->left_count++] = file->domain;
	return 0;
}

/* What was broken before the file was a definition for the first time is told with that domain. */
static void move_events(struct kept_domain *from, struct kept_domain *to)
{
	if (from->uuid[0] || to->count)
		return;
	to->events = TAKE(from->events);
	to->count = from->count;
	to->room = from->room;
	from->count = from->room = 0;
}

static int set_broken(struct reading *reading, const struct foreign_file *told,
	struct kept_file *file, const char *why, bool other)
{
	struct kept_event *event;
	int rc = file->domain ? 0 : add_domain(reading, NULL, &file->domain);

	if (!rc)
		rc = add_event(reading, file->domain, KEPT_BROKEN, told, &event);
	if (rc)
		return rc;
	file->domain->files += !file->there;
	file->there = true;
	event->other = other;
	return string_copy(&event->why, why, reading->err);
}

static int set_domain(struct reading *reading, const struct foreign_file *told,
	struct kept_file *file, const char *uuid)
{
	struct kept_domain *domain = NULL;
	struct kept_event *event;
	int rc = domain_of(reading, uuid, &domain);

	if (!rc && file->domain && file->domain != domain) {
		move_events(file->domain, domain);
		rc = note_left(reading, file);
	}
	if (!rc)
		rc = add_event(reading, domain, KEPT_SET, told, &event);
	if (rc)
		return rc;
	file->domain = domain;
	domain->files += !file->there;
	domain->there = file->there = true;
	return 0;
}

/* What of a file makes it one domain's definition; the rest is looked at when it is taken. */
static int examine(const struct reading *reading, const struct foreign_file *told,
	char uuid[UUID_SIZE], bool *other, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(import_report) struct import_report report = {.origin = NULL};
	CLEANUP(text) struct text xml = TEXT_INIT;
	int rc;

	if (told->kind != FOREIGN_FILE)
		return error_set(err, DD_INVALID, "it is no regular file");
	rc = foreign_read(reading->kept->repository, told->blob, DOCUMENT_SIZE_MAX, &xml, err);
	if (!rc)
		rc = import_check_root(&report, text_string(&xml), true, err);
	*other = report.imported.outcome != NULL;
	if (!rc)
		rc = import_parse(NULL, &xml, &document, err);
	if (!rc && !document_uuid(document))
		rc = error_set(err, DD_INVALID, "it has no <uuid>, which says what domain it is");
	if (!rc)
		memcpy(uuid, document_uuid(document), UUID_SIZE);
	return rc;
}

static int read_file(struct reading *reading, const struct foreign_file *told)
{
	char uuid[UUID_SIZE], why[2 * sizeof(struct dd_error)];
	struct kept_file *file = NULL;
	struct dd_error broken = {0};
	bool other = false;
	int rc;

	if (!kept_name(told->name))
		return 0;
	rc = file_of(reading, told->name, &file);
	if (rc)
		return rc;
	if (told->kind == FOREIGN_GONE)
		return note_left(reading, file);
	rc = examine(reading, told, uuid, &other, &broken);
	if (rc == DD_NO_MEMORY)
		return error_no_memory(reading->err);
	if (!rc)
		return set_domain(reading, told, file, uuid);
	dd_error_format(&broken, why, sizeof why);
	return set_broken(reading, told, file, why, other);
}

static int read_commit(const struct foreign_commit *told, void *context)
{
	struct reading *reading = context;
	struct kept *kept = reading->kept;
	int rc = add_commit(kept, told, reading->err);

	reading->left_count = 0;
	if (!rc)
		reading->commit = kept->commits[kept->commit_count - 1];
	for (size_t i = 0; !rc && i < told->count; i++)
		rc = read_file(reading, &told->files[i]);
	/* at the end of the commit it is known which of them have found another file */
	for (size_t i = 0; !rc && i < reading->left_count; i++) {
		struct kept_domain *domain = reading->left[i];
		struct kept_event *event;
		struct foreign_file last = {.kind = FOREIGN_GONE};

		if (domain->files || !domain->there)
			continue;
		last.name = domain->events[domain->count - 1].file;
		rc = add_event(reading, domain, KEPT_GONE, &last, &event);
		domain->there = false;
	}
	return rc;
}

/* ---- the whole ---- */

int kept_read(
	struct kept *kept, struct foreign *repository, const char *folder, struct dd_error *err)
{
	struct reading reading = {.kept = kept, .err = err};
	int rc;

	*kept = (struct kept){
		.repository = repository,
		.by_uuid = xmlHashCreate(NAMES_GUESS),
		.by_file = xmlHashCreate(NAMES_GUESS),
	};
	rc = kept->by_uuid && kept->by_file ? string_copy(&kept->folder, folder, err)
					    : error_no_memory(err);
	if (!rc)
		rc = foreign_walk(repository, kept->folder, read_commit, &reading, err);
	free(reading.left);
	return rc;
}

static void free_file(void *payload, const xmlChar *name)
{
	(void)name;
	free(payload);
}

void kept_release(struct kept *kept)
{
	for (size_t i = 0; i < kept->commit_count; i++) {
		free(kept->commits[i]->author_name);
		free(kept->commits[i]->author_email);
		free(kept->commits[i]->message);
		free(kept->commits[i]);
	}
	for (size_t i = 0; i < kept->domain_count; i++) {
		struct kept_domain *domain = kept->domains[i];

		for (size_t j = 0; j < domain->count; j++)
			event_release(&domain->events[j]);
		free(domain->events);
		free(domain);
	}
	free(kept->commits);
	free(kept->domains);
	free(kept->folder);
	if (kept->by_uuid)
		xmlHashFree(kept->by_uuid, NULL);
	if (kept->by_file)
		xmlHashFree(kept->by_file, free_file);
	*kept = (struct kept){.repository = NULL};
}

int kept_xml(const struct kept *kept, const struct kept_event *event, struct text *xml,
	struct dd_error *err)
{
	return foreign_read(kept->repository, event->blob, DOCUMENT_SIZE_MAX, xml, err);
}

int kept_path(const struct kept *kept, const char *file, char **out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = string_format(&path, err, "%s%s%s", kept->folder, *kept->folder ? "/" : "", file);

	return rc ? rc : line_visible(out, path, err);
}

bool kept_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(IMPORT_SUFFIX);

	return length > suffix && strcmp(name + length - suffix, IMPORT_SUFFIX) == 0;
}
