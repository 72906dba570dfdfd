/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that make a book anew: from its history, from a backup, from a remote. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "rows.h"
#include "state.h"

#define PATH_SIZE 640

/* ---- from its history ---- */

/* Something in every table. */
int prepare_reindex(struct scene *scene, struct dd_error *err)
{
	uint64_t undone;
	int rc = tag_two(scene, err);

	if (!rc)
		rc = run_undefine(scene, err);
	if (!rc)
		rc = run_small_things(scene, err);
	return rc ? rc : journal_begin(scene, 1, &undone, err);
}

/* The tests' definitions say which domain and version they are of. */
static int index_of(struct book *book, const char *uuid, struct index_draft *out, void *context,
	struct dd_error *err)
{
	static char name[32], disk[64];
	static const struct use_row uses[] = {
		{"disk", disk, 'w', USE_CONFIG}, {"mac", name, 's', USE_CONFIG}};
	CLEANUP(version_info) struct version_info info = {0};
	CLEANUP(text) struct text xml = TEXT_INIT;
	int domain, rc = book_version(book, uuid, 0, &info, err);

	(void)context;
	if (!rc)
		rc = book_read(book, uuid, 0, "domain.xml", &xml, err);
	if (rc)
		return rc;
	if (sscanf(text_string(&xml), "<d n='%d'", &domain) != 1)
		return error_set(err, DD_CORRUPT, "no definition of the tests");
	snprintf(name, sizeof name, "guest%d", domain);
	snprintf(disk, sizeof disk, "/disks/%d-%u.img", domain, info.number);
	*out = (struct index_draft){.name = name,
		.title = "",
		.state = strcmp(info.subject, "undefine") == 0 ? STATE_GONE : STATE_SHUT_OFF,
		.uses = uses,
		.use_count = 2};
	return 0;
}

static void keep_loss(const char *sentence, void *context)
{
	text_printf(context, "%s; ", sentence);
}

/* Nothing was lost before, so nothing may be missing afterwards. */
int run_reindex(struct scene *scene, struct dd_error *err)
{
	CLEANUP(text) struct text lost = TEXT_INIT;
	struct book_options options = {.host_name = HOST, .wait_ms = WAIT_MS};
	struct reindex_calls calls = {index_of, keep_loss, &lost};
	struct reindex_counts counts;
	int rc = book_reindex(scene->folder, &options, &calls, &counts, err);

	if (!rc && counts.losses)
		rc = error_set(err, DD_CONFLICT, "lost: %s", text_string(&lost));
	return told(scene, rc);
}

/* ---- whole, or nothing ---- */

/*
 * Of a folder that may be a book: it is refused, where it need not be one; or it is one, and says
 * what it should.
 */
static int whole_or_refused(
	const char *folder, const struct text *should, bool needed, struct dd_error *err)
{
	struct scene scene = {.book = NULL};
	CLEANUP(text) struct text is = TEXT_INIT;
	int rc;

	snprintf(scene.folder, sizeof scene.folder, "%s", folder);
	rc = scene_open(&scene, false, err);
	scene_close(&scene);
	if (rc)
		return needed ? rc : 0;
	rc = state_read(folder, &is, err);
	if (!rc && strcmp(text_string(&is), text_string(should)) != 0)
		rc = error_set(err, DD_CORRUPT, "%s is another book", folder);
	return rc;
}

/* Of all names in the scene's folder that begin so, the whole path. */
static int names_judge(const struct scene *scene, const char *begins,
	int (*judge)(const char *path, const struct text *should, struct dd_error *err),
	struct dd_error *err)
{
	CLEANUP(text) struct text should = TEXT_INIT;
	DIR *folder = opendir(scene->folder);
	const struct dirent *entry;
	int rc = folder ? state_read(scene->folder, &should, err)
			: error_set(err, DD_SYSTEM, "cannot list %s", scene->folder);

	while (!rc && (entry = readdir(folder))) {
		char path[sizeof scene->folder + sizeof entry->d_name];

		if (strncmp(entry->d_name, begins, strlen(begins)) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", scene->folder, entry->d_name);
		rc = judge(path, &should, err);
	}
	if (folder)
		closedir(folder);
	return rc;
}

/* ---- from a file ---- */

#define BACKUP "backup.tar"
#define RESTORED "restored"

static void path_of(const struct scene *scene, const char *name, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/%s", scene->folder, name);
}

int run_backup(struct scene *scene, struct dd_error *err)
{
	char file[PATH_SIZE];

	path_of(scene, BACKUP, file);
	return told(scene, book_backup(scene->book, file, err));
}

/* What is there under the backup's name, or lies beside it, is all of the book, or no backup. */
static int backup_judge(const char *path, const struct text *should, struct dd_error *err)
{
	CLEANUP(text) struct text is = TEXT_INIT;
	char folder[PATH_SIZE];
	size_t length = strlen(path);
	bool needed = strcmp(path + length - (sizeof BACKUP - 1), BACKUP) == 0, differs;
	int rc;

	snprintf(folder, sizeof folder, "%s-again", path);
	rc = book_restore(folder, path, err);
	if (rc && !needed)
		return 0;
	if (!rc)
		rc = state_read(folder, &is, err);
	differs = !rc && strcmp(text_string(&is), text_string(should)) != 0;
	folder_remove(folder);
	/* what is in an archive that was not synced is for book_verify() to judge */
	if (rc && !needed)
		return 0;
	return differs ? error_set(err, DD_CORRUPT, "%s has another book", path) : rc;
}

int check_backup(struct scene *scene, bool done, struct dd_error *err)
{
	char file[PATH_SIZE];

	path_of(scene, BACKUP, file);
	if (done && access(file, F_OK) < 0)
		return error_set(err, DD_CORRUPT, "there is no backup");
	return names_judge(scene, BACKUP, backup_judge, err);
}

int prepare_restore(struct scene *scene, struct dd_error *err)
{
	int rc = prepare_reindex(scene, err);

	return rc ? rc : run_backup(scene, err);
}

int run_restore(struct scene *scene, struct dd_error *err)
{
	char file[PATH_SIZE], folder[PATH_SIZE];

	path_of(scene, BACKUP, file);
	path_of(scene, RESTORED, folder);
	return told(scene, book_restore(folder, file, err));
}

static int restored_judge(const char *path, const struct text *should, struct dd_error *err)
{
	size_t length = strlen(path);
	bool needed = strcmp(path + length - (sizeof RESTORED - 1), RESTORED) == 0;

	return whole_or_refused(path, should, needed, err);
}

static int restored_check(const struct scene *scene, bool done, struct dd_error *err)
{
	char folder[PATH_SIZE];

	path_of(scene, RESTORED, folder);
	return done && access(folder, F_OK) < 0
		       ? error_set(err, DD_CORRUPT, "there is no restored book")
		       : 0;
}

int check_restore(struct scene *scene, bool done, struct dd_error *err)
{
	int rc = restored_check(scene, done, err);

	return rc ? rc : names_judge(scene, RESTORED, restored_judge, err);
}

/* ---- from a remote ---- */

/* As somebody does it who still has the key. */
static int settle(struct restored_book *restored, const char *key, struct dd_error *err)
{
	struct scene scene = {.book = NULL};
	int rc;

	snprintf(scene.folder, sizeof scene.folder, "%s", restored_folder(restored));
	rc = scene_open(&scene, false, err);
	if (!rc)
		rc = book_take_key(scene.book, key, err);
	if (!rc)
		rc = book_ask_owners(scene.book, "origin", NULL, NULL, err);
	if (!rc)
		rc = book_checkpoint(scene.book, err);
	scene_close(&scene);
	return rc;
}

int run_restore_from(struct scene *scene, struct dd_error *err)
{
	CLEANUP(text) struct text lost = TEXT_INIT;
	CLEANUP(restored_book) struct restored_book *restored = NULL;
	char folder[PATH_SIZE], remote[PATH_SIZE], key[PATH_SIZE];
	struct book_options options = {.host_name = HOST, .wait_ms = WAIT_MS};
	struct restore_source source = {.remote = {"origin", remote, NULL}, .key = key};
	struct reindex_calls calls = {index_of, keep_loss, &lost};
	struct reindex_counts counts;
	int rc;

	path_of(scene, RESTORED, folder);
	path_of(scene, REMOTE, remote);
	path_of(scene, "keys/host", key);
	rc = book_restore_begin(folder, &options, &source, &calls, &counts, &restored, err);
	if (!rc && counts.losses)
		rc = error_set(err, DD_CONFLICT, "lost: %s", text_string(&lost));
	if (!rc)
		rc = settle(restored, key, err);
	if (!rc)
		rc = restored_finish(restored, err);
	return told(scene, rc);
}

/* What of a book is on a remote: of each domain its name and newest version, and its tags. */
struct summary {
	struct book *book;
	struct text words;
	struct dd_error *err;
};

static int visit_tag(const char *label, uint32_t number, void *context)
{
	struct summary *summary = context;

	text_printf(&summary->words, " %s=%u", label, number);
	return 0;
}

static int visit_domain(const struct domain_row *row, void *context)
{
	struct summary *summary = context;
	CLEANUP(version_info) struct version_info info = {0};
	int rc = book_version(summary->book, row->uuid, 0, &info, summary->err);

	if (rc)
		return rc;
	text_printf(&summary->words, "%s %s %u %s %s", row->uuid, row->name, row->version,
		info.commit, row->owner ? row->owner : "own");
	rc = book_tags(summary->book, row->uuid, visit_tag, summary, summary->err);
	text_putc(&summary->words, '\n');
	return rc;
}

static int summary_read(const char *folder, struct text *out, struct dd_error *err)
{
	struct scene scene = {.book = NULL};
	struct summary summary = {.words = TEXT_INIT, .err = err};
	int rc;

	snprintf(scene.folder, sizeof scene.folder, "%s", folder);
	rc = scene_open(&scene, false, err);
	summary.book = scene.book;
	if (!rc)
		rc = book_list(scene.book, true, visit_domain, &summary, err);
	scene_close(&scene);
	*out = summary.words;
	return rc;
}

/* One that has its name says what the lost one said, and holds together. */
int check_restore_from(struct scene *scene, bool done, struct dd_error *err)
{
	CLEANUP(text) struct text should = TEXT_INIT;
	CLEANUP(text) struct text is = TEXT_INIT;
	CLEANUP(text) struct text state = TEXT_INIT;
	char folder[PATH_SIZE];
	int rc = restored_check(scene, done, err);

	path_of(scene, RESTORED, folder);
	if (rc || access(folder, F_OK) < 0)
		return rc;
	rc = state_read(folder, &state, err);
	if (!rc)
		rc = summary_read(scene->folder, &should, err);
	if (!rc)
		rc = summary_read(folder, &is, err);
	if (!rc && strcmp(text_string(&is), text_string(&should)) != 0)
		rc = error_set(err, DD_CORRUPT, "it is another book: %.200s", text_string(&is));
	return rc;
}
