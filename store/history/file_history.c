/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file through all versions, fast: commits and trees are read as the bytes that they are, and a
 * file only where its name in git is another than in the version before.
 */
#include "store/room.h"

#include <string.h>

#define TREE_LINE "tree "

struct walk {
	struct book *book;
	const char *path;
	struct dd_error *err;
	git_oid tree, file; /* of the version told last; empty for none */
};

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static int object_read(struct walk *walk, const git_oid *oid, git_object_t type,
	git_odb_object **out, struct dd_error *err)
{
	int code = git_odb_read(out, walk->book->objects, oid);

	if (code)
		return object_failure(walk->book, code, oid, "cannot read a version", err);
	if (git_odb_object_type(*out) != type)
		return error_set(err, DD_CORRUPT, "a version is not made of what it should be");
	return 0;
}

static int tree_of(struct walk *walk, const git_oid *commit, git_oid *tree)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	int rc = object_read(walk, commit, GIT_OBJECT_COMMIT, &object, walk->err);
	const char *text = rc ? NULL : git_odb_object_data(object);

	if (rc)
		return rc;
	if (strncmp(text, TREE_LINE, sizeof TREE_LINE - 1) != 0 ||
		git_oid_fromstr(tree, text + sizeof TREE_LINE - 1) < 0)
		return error_set(walk->err, DD_CORRUPT, "a version has no tree");
	return 0;
}

/* A tree is a row of "MODE NAME", a NUL and the twenty bytes of the object. */
static int file_of(struct walk *walk, const git_oid *tree, git_oid *file)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	int rc = object_read(walk, tree, GIT_OBJECT_TREE, &object, walk->err);
	const char *at = rc ? NULL : git_odb_object_data(object);
	const char *end = rc ? NULL : at + git_odb_object_size(object);

	*file = (git_oid){0};
	while (at < end) {
		const char *name = memchr(at, ' ', (size_t)(end - at));
		const char *nul = name ? memchr(name, '\0', (size_t)(end - name)) : NULL;

		if (!nul || end - nul <= GIT_OID_RAWSZ)
			return error_set(walk->err, DD_CORRUPT, "a version's tree is cut short");
		if (strcmp(name + 1, walk->path) == 0)
			git_oid_fromraw(file, (const unsigned char *)nul + 1);
		at = nul + 1 + GIT_OID_RAWSZ;
	}
	return rc;
}

/* Moves on to the file of a commit; *another: it is not the one told last. */
static int walk_step(struct walk *walk, const git_oid *commit, bool *another)
{
	git_oid tree, file;
	int rc = tree_of(walk, commit, &tree);

	*another = false;
	if (rc || git_oid_equal(&tree, &walk->tree))
		return rc;
	rc = file_of(walk, &tree, &file);
	if (rc)
		return rc;
	*another = git_oid_is_zero(&walk->tree) || !git_oid_equal(&file, &walk->file);
	walk->tree = tree;
	walk->file = file;
	return 0;
}

static int walk_tell(struct walk *walk, const char *uuid, uint32_t number,
	int (*visit)(const struct file_version *file, void *context), void *context)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	struct file_version told = {.number = number};
	int rc = git_oid_is_zero(&walk->file)
			 ? 0
			 : object_read(walk, &walk->file, GIT_OBJECT_BLOB, &object, walk->err);

	if (rc)
		return version_failure(walk->book, uuid, number, rc, walk->err);
	if (object) {
		told.data = git_odb_object_data(object);
		told.size = git_odb_object_size(object);
	}
	return visit(&told, context);
}

int book_file_history(struct book *book, const char *uuid, uint32_t from, const char *path,
	int (*visit)(const struct file_version *file, void *context), void *context,
	struct dd_error *err)
{
	struct walk walk = {.book = book, .path = path, .err = err};
	git_oid oid;
	int rc = version_find(book, uuid, &from, &oid, err);

	if (!rc)
		rc = repository_need(book, err);
	if (rc)
		return rc;

	CLEANUP(statement) struct statement statement = versions_down(book, uuid, from);

	while (!rc && statement_row(&statement)) {
		bool another = false;

		if (!statement_oid(&statement, 1, &oid))
			break;
		from = (uint32_t)statement_integer(&statement, 0);
		rc = version_failure(book, uuid, from, walk_step(&walk, &oid, &another), err);
		if (!rc && another)
			rc = walk_tell(&walk, uuid, from, visit, context);
	}
	return rc ? rc : statement_end(&statement, err);
}
