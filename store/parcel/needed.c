/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a parcel what its heads lead to, all of it, and nothing else? From both heads the commits are
 * followed back to where the book has them, and what each leads to is looked at once. An object
 * that the book has is whole with all below it, as it would not be there otherwise.
 */
#include <git2/sys/odb_backend.h>
#include <string.h>

#include "store/git/object.h"
#include "store/parcel/parcel.h"

#define TREE_DEPTH 8 /* as in a tree that a book writes */

struct needing {
	struct parcel *parcel;
	struct oid_set sent, reached;
	struct tenures tenures; /* for tags */
	int failed;             /* while the pack is listed */
	struct dd_error *err;
};

static void cleanup_needing(struct needing *needing)
{
	oid_set_release(&needing->sent);
	oid_set_release(&needing->reached);
	tenures_release(&needing->tenures);
}

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static void cleanup_tree(git_tree **tree)
{
	git_tree_free(*tree);
}

static int fault(const struct needing *needing, const git_oid *oid, const char *what)
{
	char hex[COMMIT_SIZE];

	return error_set(needing->err, DD_CORRUPT,
		"in the history of the domain %s that was sent the object %s %s",
		needing->parcel->uuid, git_oid_tostr(hex, sizeof hex, oid), what);
}

/* ---- what was sent ---- */

static int sent_add(const git_oid *oid, void *context)
{
	struct needing *needing = context;

	needing->failed = oid_set_add(&needing->sent, oid, NULL, needing->err);
	return needing->failed;
}

/* Of a large one. */
static int sent_list(struct needing *needing)
{
	struct parcel *parcel = needing->parcel;
	CLEANUP(free) char *index = NULL;
	git_odb_backend *pack = NULL;
	int rc =
		string_format(&index, needing->err, "%s/pack-%s.idx", parcel->folder, parcel->name);
	int code = rc ? 0 : git_odb_backend_one_pack(&pack, index);

	if (rc)
		return rc;
	if (!code)
		code = pack->foreach (pack, sent_add, needing);
	if (pack)
		pack->free(pack);
	if (needing->failed)
		return needing->failed;
	return code ? repository_failure(parcel->book, code, "cannot list a parcel", needing->err)
		    : 0;
}

static int sent_read(struct needing *needing)
{
	struct parcel *parcel = needing->parcel;
	int rc = 0;

	if (parcel->large)
		return sent_list(needing);
	for (size_t i = 0; !rc && i < parcel->objects.count; i++)
		rc = oid_set_add(&needing->sent, &parcel->objects.list[i].oid, NULL, needing->err);
	return rc;
}

/* ---- what is needed ---- */

/* *read: it was sent, and is met for the first time. */
static int reach(struct needing *needing, const git_oid *oid, git_object_t type, bool *read)
{
	struct book *book = needing->parcel->book;
	git_object_t is;
	size_t size;
	bool there = true;
	int code, rc = 0;

	*read = false;
	if (oid_set_has(&needing->reached, oid))
		return 0;
	if (!oid_set_has(&needing->sent, oid))
		rc = object_there(book, oid, &there, needing->err);
	if (rc || !there)
		return rc ? rc : fault(needing, oid, "is missing");
	code = git_odb_read_header(&size, &is, book->objects, oid);
	if (code)
		return object_failure(book, code, oid, "cannot read a parcel", needing->err);
	if (is != type)
		return fault(needing, oid, "is of another kind than what names it says");
	if (!oid_set_has(&needing->sent, oid))
		return 0;
	return oid_set_add(&needing->reached, oid, read, needing->err);
}

static int tree_need(struct needing *needing, const git_oid *oid, int depth);

static int entry_need(
	struct needing *needing, const git_oid *tree, const git_tree_entry *entry, int depth)
{
	const char *name = git_tree_entry_name(entry);
	const git_oid *oid = git_tree_entry_id(entry);
	bool read;

	if (!tree_name_valid(name, strlen(name)))
		return fault(needing, tree, "has a file whose name no book gives it");
	switch (git_tree_entry_filemode_raw(entry)) {
	case GIT_FILEMODE_BLOB:
		return reach(needing, oid, GIT_OBJECT_BLOB, &read);
	case GIT_FILEMODE_TREE:
		return depth < TREE_DEPTH
			       ? tree_need(needing, oid, depth + 1)
			       : fault(needing, tree, "has folders too deep in each other");
	default:
		return fault(needing, tree, "has something that is neither file nor folder");
	}
}

static int tree_need(struct needing *needing, const git_oid *oid, int depth)
{
	struct book *book = needing->parcel->book;
	CLEANUP(tree) git_tree *tree = NULL;
	bool read;
	int rc = reach(needing, oid, GIT_OBJECT_TREE, &read);
	int code = rc || !read ? 0 : git_tree_lookup(&tree, book->repository, oid);

	if (code &&
		object_failure(book, code, oid, "cannot read a parcel", needing->err) == DD_CORRUPT)
		return fault(needing, oid, "is no tree");
	if (code)
		return needing->err->code;
	for (size_t i = 0; !rc && tree && i < git_tree_entrycount(tree); i++)
		rc = entry_need(needing, oid, git_tree_entry_byindex(tree, i), depth);
	return rc;
}

/* A commit and all before it that were sent. */
static int commits_need(struct needing *needing, const git_oid *head)
{
	struct book *book = needing->parcel->book;
	git_oid oid = *head;
	bool read = true;
	int rc = 0;

	while (!rc && read && !git_oid_is_zero(&oid)) {
		CLEANUP(odb_object) git_odb_object *object = NULL;
		struct commit_parts parts;
		int code;

		rc = reach(needing, &oid, GIT_OBJECT_COMMIT, &read);
		if (rc || !read)
			break;
		code = git_odb_read(&object, book->objects, &oid);
		if (code)
			return object_failure(
				book, code, &oid, "cannot read a parcel", needing->err);
		if (!commit_parse(git_odb_object_data(object), git_odb_object_size(object), &parts))
			return fault(needing, &oid, "is no commit that a book makes");
		rc = tree_need(needing, &parts.tree, 1);
		oid = parts.parent;
	}
	return rc;
}

/* What nothing leads to may be a tag: that leads to a version itself. */
static int rest_need(struct needing *needing, uint64_t *needless)
{
	struct parcel *parcel = needing->parcel;
	int rc = 0;

	*needless = 0;
	for (size_t i = 0; !rc && i < needing->sent.room; i++) {
		const git_oid *oid = &needing->sent.slots[i];
		CLEANUP(odb_object) git_odb_object *object = NULL;
		bool holds = false;
		int code;

		if (git_oid_is_zero(oid) || oid_set_has(&needing->reached, oid))
			continue;
		code = git_odb_read(&object, parcel->book->objects, oid);
		if (code)
			return object_failure(
				parcel->book, code, oid, "cannot read a parcel", needing->err);
		if (git_odb_object_type(object) == GIT_OBJECT_TAG)
			rc = parcel_tag(parcel, &needing->tenures, oid, git_odb_object_data(object),
				git_odb_object_size(object), &holds, needing->err);
		*needless += !holds;
	}
	return rc;
}

int parcel_needed(struct parcel *parcel, uint64_t objects, struct dd_error *err)
{
	struct dd_error own = {0};
	CLEANUP(needing) struct needing needing = {.parcel = parcel, .err = err ? err : &own};
	const struct lineage *lineage = &parcel->lineage;
	uint64_t needless = 0;
	int rc = sent_read(&needing);

	if (!rc && needing.sent.count != objects)
		rc = error_set(err, DD_CORRUPT, "the host '%.64s' sent %zu objects, and said %llu",
			parcel->host, needing.sent.count, (unsigned long long)objects);
	if (!rc)
		rc = commits_need(&needing, &parcel->head);
	for (size_t i = 0; !rc && i < lineage->book_count; i++)
		rc = commits_need(&needing, &lineage->books[i]);
	if (!rc && needing.reached.count != needing.sent.count)
		rc = rest_need(&needing, &needless);
	if (!rc && needless)
		rc = error_set(err, DD_CORRUPT,
			"the host '%.64s' sent %llu objects that the history of the domain %s does "
			"not need",
			parcel->host, (unsigned long long)needless, parcel->uuid);
	return rc;
}
