/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk keeps the files as they are after the commits seen so far, and tells of a commit what
 * makes them otherwise. On a line without merges that is the difference to the parent. Where two
 * lines have met, the second line's changes are told on top of the first's, and the merge settles
 * what is still different from its own folder.
 */
#include "store/history/foreign.h"

#include <string.h>

#include "store/room.h"

#define YEAR_10000 253402300800

struct foreign {
	char *path;
	git_repository *repository;
	git_odb *objects;
	git_oid head;
	char head_text[COMMIT_SIZE];
};

CLEANUP_DEFINE(commit, git_commit *, git_commit_free)
CLEANUP_DEFINE(tree, git_tree *, git_tree_free)
CLEANUP_DEFINE(revwalk, git_revwalk *, git_revwalk_free)
CLEANUP_DEFINE(odb_object, git_odb_object *, git_odb_object_free)

static int failure(const struct foreign *foreign, const char *what, struct dd_error *err)
{
	const git_error *last = git_error_last();
	int code = last && last->klass == GIT_ERROR_OS ? DD_SYSTEM : DD_CORRUPT;

	if (last && last->klass == GIT_ERROR_NOMEMORY)
		return error_no_memory(err);
	return error_set(err, code, "%s in the repository %s: %s", what, foreign->path,
		last && last->message ? last->message : "no reason given");
}

/* ---- opening ---- */

static int open_at(struct foreign *foreign, struct dd_error *err)
{
	int code = git_repository_open_ext(
		&foreign->repository, foreign->path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);

	if (code == GIT_ENOTFOUND) {
		error_set(err, DD_NOT_FOUND, "there is no git repository at %s", foreign->path);
		return error_hint(err, "etckeeper's is /etc; a copy of it is as good");
	}
	if (code)
		return failure(foreign, "cannot open what is", err);
	if (git_repository_is_shallow(foreign->repository)) {
		error_set(err, DD_REFUSED, "the repository %s is a shallow clone", foreign->path);
		return error_hint(
			err, "bring in the rest: git -C %s fetch --unshallow", foreign->path);
	}
	code = git_reference_name_to_id(&foreign->head, foreign->repository, "HEAD");
	if (code == GIT_ENOTFOUND || code == GIT_EUNBORNBRANCH)
		return error_set(err, DD_NOT_FOUND, "there is no commit in the repository %s",
			foreign->path);
	if (!code)
		code = git_repository_odb(&foreign->objects, foreign->repository);
	if (code)
		return failure(foreign, "cannot find the newest commit", err);
	git_oid_tostr(foreign->head_text, sizeof foreign->head_text, &foreign->head);
	return 0;
}

int foreign_open(const char *path, struct foreign **out, struct dd_error *err)
{
	CLEANUP(foreign) struct foreign *foreign = NULL;
	int rc = libgit2_need(err);

	if (rc)
		return rc;
	foreign = calloc(1, sizeof *foreign);
	if (!foreign)
		return error_no_memory(err);
	rc = string_copy(&foreign->path, path, err);
	if (!rc)
		rc = open_at(foreign, err);
	if (!rc)
		*out = TAKE(foreign);
	return rc;
}

void foreign_close(struct foreign *foreign)
{
	if (!foreign)
		return;
	git_odb_free(foreign->objects);
	git_repository_free(foreign->repository);
	free(foreign->path);
	free(foreign);
}

const char *foreign_head(const struct foreign *foreign)
{
	return foreign->head_text;
}

/* ---- folders ---- */

static int tree_read(
	struct foreign *foreign, const git_oid *oid, git_tree **out, struct dd_error *err)
{
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, foreign->objects, oid))
		return failure(foreign, "cannot read a folder", err);
	if (size > FOREIGN_TREE_SIZE_MAX)
		return error_set(err, DD_REFUSED,
			"a folder in the repository %s is longer than %zu bytes", foreign->path,
			FOREIGN_TREE_SIZE_MAX);
	if (git_tree_lookup(out, foreign->repository, oid))
		return failure(foreign, "cannot read a folder", err);
	return 0;
}

/* *out stays NULL where the commit has no such folder. */
static int folder_read(struct foreign *foreign, const git_commit *commit, const char *folder,
	git_tree **out, struct dd_error *err)
{
	CLEANUP(tree) git_tree *tree = NULL;
	int rc = tree_read(foreign, git_commit_tree_id(commit), &tree, err);

	while (!rc && *folder) {
		CLEANUP(tree) git_tree *above = tree;
		size_t length = strcspn(folder, "/");
		CLEANUP(free) char *name = strndup(folder, length);
		const git_tree_entry *entry = name ? git_tree_entry_byname(above, name) : NULL;

		tree = NULL;
		if (!name)
			return error_no_memory(err);
		if (!entry || git_tree_entry_filemode(entry) != GIT_FILEMODE_TREE)
			return 0;
		rc = tree_read(foreign, git_tree_entry_id(entry), &tree, err);
		folder += length + (folder[length] == '/');
	}
	if (!rc)
		*out = TAKE(tree);
	return rc;
}

static enum foreign_kind entry_kind(const git_tree_entry *entry)
{
	git_filemode_t mode = git_tree_entry_filemode(entry);

	return mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE ? FOREIGN_FILE
										 : FOREIGN_OTHER;
}

static struct foreign_file file_of(const git_tree_entry *entry)
{
	struct foreign_file file = {.name = git_tree_entry_name(entry), .kind = entry_kind(entry)};

	if (file.kind == FOREIGN_FILE)
		git_oid_tostr(file.blob, sizeof file.blob, git_tree_entry_id(entry));
	return file;
}

int foreign_list(struct foreign *foreign, const char *folder,
	int (*visit)(const struct foreign_file *file, void *context), void *context,
	struct dd_error *err)
{
	CLEANUP(commit) git_commit *commit = NULL;
	CLEANUP(tree) git_tree *tree = NULL;
	int rc = 0;

	if (git_commit_lookup(&commit, foreign->repository, &foreign->head))
		return failure(foreign, "cannot read the newest commit", err);
	rc = folder_read(foreign, commit, folder, &tree, err);
	if (rc)
		return rc;
	if (!tree)
		return error_set(err, DD_NOT_FOUND, "there is no folder %s in the repository %s",
			folder, foreign->path);
	for (size_t i = 0; !rc && i < git_tree_entrycount(tree); i++) {
		struct foreign_file file = file_of(git_tree_entry_byindex(tree, i));

		rc = visit(&file, context);
	}
	return rc;
}

/* ---- the files so far ---- */

struct state {
	struct foreign_file *files; /* with names of their own, sorted */
	size_t count, room;
};

static void cleanup_state(struct state *state)
{
	for (size_t i = 0; i < state->count; i++)
		free((char *)(uintptr_t)state->files[i].name);
	free(state->files);
}

/* Where the name is or would be. */
static size_t state_place(const struct state *state, const char *name, bool *found)
{
	size_t low = 0, high = state->count;

	*found = false;
	while (low < high && !*found) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, state->files[middle].name);

		*found = order == 0;
		if (order <= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return high;
}

static const struct foreign_file *state_find(const struct state *state, const char *name)
{
	bool found;
	size_t place = state_place(state, name, &found);

	return found ? &state->files[place] : NULL;
}

static int state_insert(
	struct state *state, size_t place, const struct foreign_file *file, struct dd_error *err)
{
	struct foreign_file added = *file;
	char *name;

	if (state->count == FOREIGN_FILES_MAX)
		return error_set(err, DD_REFUSED, "there are more than %d files in one folder",
			FOREIGN_FILES_MAX);
	if (state->count == state->room) {
		size_t room = state->room ? 2 * state->room : 64;
		struct foreign_file *files = reallocarray(state->files, room, sizeof *files);

		if (!files)
			return error_no_memory(err);
		state->files = files;
		state->room = room;
	}
	if (string_copy(&name, file->name, err))
		return DD_NO_MEMORY;
	added.name = name;
	memmove(&state->files[place + 1], &state->files[place],
		(state->count - place) * sizeof *state->files);
	state->files[place] = added;
	state->count++;
	return 0;
}

static int state_change(struct state *state, const struct foreign_file *file, struct dd_error *err)
{
	bool found;
	size_t place = state_place(state, file->name, &found);
	struct foreign_file *at = &state->files[place];

	if (!found)
		return file->kind == FOREIGN_GONE ? 0 : state_insert(state, place, file, err);
	if (file->kind != FOREIGN_GONE) {
		at->kind = file->kind;
		memcpy(at->blob, file->blob, sizeof at->blob);
		return 0;
	}
	free((char *)(uintptr_t)at->name);
	state->count--;
	memmove(at, at + 1, (state->count - place) * sizeof *at);
	return 0;
}

/* ---- the walk ---- */

struct walk {
	struct foreign *foreign;
	const char *folder;
	struct state state;
	struct foreign_file *changed;
	size_t count, room;
};

static void cleanup_walk(struct walk *walk)
{
	cleanup_state(&walk->state);
	free(walk->changed);
}

static bool same_file(const struct foreign_file *a, const struct foreign_file *b)
{
	return a->kind == b->kind && strcmp(a->blob, b->blob) == 0;
}

static int add_changed(struct walk *walk, const struct foreign_file *file, struct dd_error *err)
{
	if (walk->count == walk->room) {
		size_t room = walk->room ? 2 * walk->room : 64;
		struct foreign_file *changed = reallocarray(walk->changed, room, sizeof *changed);

		if (!changed)
			return error_no_memory(err);
		walk->changed = changed;
		walk->room = room;
	}
	walk->changed[walk->count++] = *file;
	return 0;
}

/* Either tree may be NULL: there is no such folder. */
static bool has_same(git_tree *tree, const struct foreign_file *file)
{
	const git_tree_entry *entry = tree ? git_tree_entry_byname(tree, file->name) : NULL;
	struct foreign_file other;

	if (!entry)
		return false;
	other = file_of(entry);
	return same_file(file, &other);
}

static int collect_new(struct walk *walk, git_tree *before, git_tree *after, struct dd_error *err)
{
	size_t count = after ? git_tree_entrycount(after) : 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		struct foreign_file file = file_of(git_tree_entry_byindex(after, i));
		const struct foreign_file *now = state_find(&walk->state, file.name);

		if (!has_same(before, &file) && (!now || !same_file(now, &file)))
			rc = add_changed(walk, &file, err);
	}
	return rc;
}

/* Of a commit that is no merge, what was not in before is none of its business. */
static int collect_gone(
	struct walk *walk, bool merge, git_tree *before, git_tree *after, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < walk->state.count; i++) {
		struct foreign_file file = {
			.name = walk->state.files[i].name, .kind = FOREIGN_GONE};

		if ((!merge && !(before && git_tree_entry_byname(before, file.name))) ||
			(after && git_tree_entry_byname(after, file.name)))
			continue;
		rc = add_changed(walk, &file, err);
	}
	return rc;
}

/* The folder before and after a commit; before stays NULL where it has not one parent. */
static int folders_read(struct walk *walk, const git_commit *commit, git_tree **before,
	git_tree **after, struct dd_error *err)
{
	CLEANUP(commit) git_commit *parent = NULL;
	int rc = folder_read(walk->foreign, commit, walk->folder, after, err);

	if (rc || git_commit_parentcount(commit) != 1)
		return rc;
	if (git_commit_parent(&parent, commit, 0))
		return failure(walk->foreign, "cannot read a commit", err);
	return folder_read(walk->foreign, parent, walk->folder, before, err);
}

/* What is collected has its names from the trees and from the state. */
static int collect(struct walk *walk, const git_commit *commit, git_tree *before, git_tree *after,
	struct dd_error *err)
{
	bool merge = git_commit_parentcount(commit) > 1;
	int rc;

	walk->count = 0;
	if (before && after && git_oid_equal(git_tree_id(before), git_tree_id(after)))
		return 0;
	rc = collect_new(walk, before, after, err);
	return rc ? rc : collect_gone(walk, merge, before, after, err);
}

static int tell(struct walk *walk, const git_commit *commit,
	int (*visit)(const struct foreign_commit *commit, void *context), void *context)
{
	const git_signature *author = git_commit_author(commit);
	bool possible = author->when.time > 0 && author->when.time < YEAR_10000;
	struct foreign_commit told = {
		.author = {author->name, author->email},
		.authored = possible ? author->when.time : 0,
		.message = git_commit_message(commit),
		.files = walk->changed,
		.count = walk->count,
	};

	git_oid_tostr(told.id, sizeof told.id, git_commit_id(commit));
	return visit(&told, context);
}

static int visit_commit(struct walk *walk, const git_oid *oid,
	int (*visit)(const struct foreign_commit *commit, void *context), void *context,
	struct dd_error *err)
{
	CLEANUP(commit) git_commit *commit = NULL;
	CLEANUP(tree) git_tree *before = NULL;
	CLEANUP(tree) git_tree *after = NULL;
	int rc;

	if (git_commit_lookup(&commit, walk->foreign->repository, oid))
		return failure(walk->foreign, "cannot read a commit", err);
	rc = folders_read(walk, commit, &before, &after, err);
	if (!rc)
		rc = collect(walk, commit, before, after, err);
	if (!rc && walk->count)
		rc = tell(walk, commit, visit, context);
	for (size_t i = 0; !rc && i < walk->count; i++)
		rc = state_change(&walk->state, &walk->changed[i], err);
	return rc;
}

int foreign_walk(struct foreign *foreign, const char *folder,
	int (*visit)(const struct foreign_commit *commit, void *context), void *context,
	struct dd_error *err)
{
	CLEANUP(revwalk) git_revwalk *order = NULL;
	CLEANUP(walk) struct walk walk = {.foreign = foreign, .folder = folder};
	git_oid oid;
	size_t count = 0;
	int rc = 0, code;

	if (git_revwalk_new(&order, foreign->repository) ||
		git_revwalk_sorting(order, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE) ||
		git_revwalk_push(order, &foreign->head))
		return failure(foreign, "cannot walk the commits", err);
	while (!rc && (code = git_revwalk_next(&oid, order)) == 0) {
		if (count++ == FOREIGN_COMMITS_MAX)
			return error_set(err, DD_REFUSED,
				"there are more than %d commits in the repository %s",
				FOREIGN_COMMITS_MAX, foreign->path);
		rc = visit_commit(&walk, &oid, visit, context, err);
	}
	if (!rc && code != GIT_ITEROVER)
		rc = failure(foreign, "cannot walk the commits", err);
	return rc;
}

/* ---- files ---- */

int foreign_read(struct foreign *foreign, const char *blob, size_t limit, struct text *out,
	struct dd_error *err)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	git_object_t type;
	git_oid oid;
	size_t size;

	if (git_oid_fromstr(&oid, blob) ||
		git_odb_read_header(&size, &type, foreign->objects, &oid))
		return failure(foreign, "cannot read a file", err);
	if (size > limit)
		return error_set(err, DD_INVALID, "it is larger than %zu bytes", limit);
	if (git_odb_read(&object, foreign->objects, &oid))
		return failure(foreign, "cannot read a file", err);
	text_add(out, git_odb_object_data(object), git_odb_object_size(object));
	return text_failed(out) ? error_no_memory(err) : 0;
}
