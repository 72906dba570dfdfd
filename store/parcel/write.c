/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain's history as a git pack for a host that lacks some of it. What the receiver has is known
 * by one commit: with it come all versions before, their trees, and the keys of the hosts that made
 * them. So the pack has the versions behind that one, of their trees what the tree of that one has
 * not, this host's own keys, those of hosts that the domain came through since, and its tags. Files
 * that an older version had may come once more; that is harmless, and cheaper than to find out.
 *
 * First all is listed, as a pack begins with how much there is; then it is read and written, file
 * by file, each of its states as a delta of the next one (pack_stream.h); where there are few, as
 * they are, so that the receiver can read them where they stand.
 */
#include <stdio.h>
#include <string.h>

#include "store/commit/message.h"
#include "store/git/object.h"
#include "store/git/oid_set.h"
#include "store/git/pack_stream.h"
#include "store/parcel/parcel.h"

#define HELD ((size_t)64 << 10) /* bytes that are read before any is sent */
#define GROUP_REST UINT32_MAX   /* of what is no file, and like nothing else */

struct item {
	git_oid oid;
	uint32_t group; /* all that have one path */
	uint32_t place;
};

struct writing {
	struct book *book;
	const char *uuid;
	struct oid_set seen; /* is in the pack, or at the receiver */
	struct item *items;
	size_t item_count, item_room;
	struct text paths; /* of the groups, each with a NUL */
	git_oid head, own; /* own: of the branch "book" */
	const char *asked;
	uint32_t version, epoch, have; /* have: the receiver's version; 0: none */
	struct pack_stream stream;
	size_t next; /* item to be read */
	uint32_t group;
	struct pack_base base; /* of the group at hand */
	struct text out;       /* what was read and is not sent yet */
	int (*put)(const void *data, size_t size, void *context);
	void *context;
	struct dd_error *err;
};

static void cleanup_writing(struct writing *writing)
{
	oid_set_release(&writing->seen);
	free(writing->items);
	text_release(&writing->paths);
	text_release(&writing->base.data);
	text_release(&writing->out);
	pack_stream_release(&writing->stream);
}

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static void cleanup_tree(git_tree **tree)
{
	git_tree_free(*tree);
}

/* ---- what goes in ---- */

/* There are few of them: the paths of a domain's files. */
static uint32_t group_of(struct writing *writing, const char *path)
{
	uint32_t group = 0;

	if (!path)
		return GROUP_REST;
	for (size_t at = 0; at < writing->paths.size; group++) {
		if (strcmp(writing->paths.data + at, path) == 0)
			return group;
		at += strlen(writing->paths.data + at) + 1;
	}
	text_add(&writing->paths, path, strlen(path) + 1);
	return group;
}

/* *added: it was not known before. path: of a file; NULL: it is none. */
static int add(struct writing *writing, const git_oid *oid, const char *path, bool *added)
{
	int rc = oid_set_add(&writing->seen, oid, added, writing->err);

	if (rc || !*added)
		return rc;
	if (writing->item_count == writing->item_room) {
		size_t room = writing->item_room ? writing->item_room * 2 : 64;
		struct item *grown = reallocarray(writing->items, room, sizeof *grown);

		if (!grown)
			return error_no_memory(writing->err);
		writing->items = grown;
		writing->item_room = room;
	}
	writing->items[writing->item_count] = (struct item){
		.oid = *oid,
		.group = group_of(writing, path),
		.place = (uint32_t)writing->item_count,
	};
	writing->item_count++;
	return text_failed(&writing->paths) ? error_no_memory(writing->err) : 0;
}

/* A tree and all in it; with mark, it is only noted that the receiver has it. */
static int tree_add(struct writing *writing, const git_oid *oid, bool mark)
{
	CLEANUP(tree) git_tree *tree = NULL;
	bool added;
	int rc = mark ? oid_set_add(&writing->seen, oid, &added, writing->err)
		      : add(writing, oid, NULL, &added);
	int code = rc || !added ? 0 : git_tree_lookup(&tree, writing->book->repository, oid);

	if (code)
		return object_failure(
			writing->book, code, oid, "cannot read a version", writing->err);
	for (size_t i = 0; !rc && tree && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		const git_oid *id = git_tree_entry_id(entry);

		if (git_tree_entry_type(entry) == GIT_OBJECT_TREE)
			rc = tree_add(writing, id, mark);
		else if (mark)
			rc = oid_set_add(&writing->seen, id, &added, writing->err);
		else
			rc = add(writing, id, git_tree_entry_name(entry), &added);
	}
	return rc;
}

/* A commit's text taken apart; what parts points to is object's. */
static int commit_read(struct writing *writing, const git_oid *oid, git_odb_object **object,
	struct commit_parts *parts)
{
	int code = git_odb_read(object, writing->book->objects, oid);

	if (code)
		return object_failure(
			writing->book, code, oid, "cannot read a version", writing->err);
	if (!commit_parse(git_odb_object_data(*object), git_odb_object_size(*object), parts))
		return error_set(writing->err, DD_CORRUPT, "a commit of the domain %s is malformed",
			writing->uuid);
	return 0;
}

/* A branch "book", from its newest commit back. */
static int book_add(struct writing *writing, const git_oid *head)
{
	git_oid oid = *head;
	bool added = true;
	int rc = 0;

	while (!rc && added && !git_oid_is_zero(&oid)) {
		CLEANUP(odb_object) git_odb_object *object = NULL;
		struct commit_parts parts;

		rc = add(writing, &oid, NULL, &added);
		if (!rc && added)
			rc = commit_read(writing, &oid, &object, &parts);
		if (!rc && added)
			rc = tree_add(writing, &parts.tree, false);
		if (!rc && added)
			oid = parts.parent;
	}
	return rc;
}

static int version_add(struct writing *writing, const git_oid *oid, bool mark)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	struct commit_parts parts;
	struct message_marks marks;
	git_oid taken;
	bool added;
	int rc = commit_read(writing, oid, &object, &parts);

	if (!rc && !mark)
		rc = add(writing, oid, NULL, &added);
	if (!rc)
		rc = tree_add(writing, &parts.tree, mark);
	if (rc || mark)
		return rc;
	message_marks(parts.message, parts.message_size, &marks);
	if (marks.taken[0] && git_oid_fromstr(&taken, marks.taken) == 0)
		rc = book_add(writing, &taken);
	return rc;
}

static int versions_add(struct writing *writing)
{
	struct statement rows = versions_down(writing->book, writing->uuid, writing->version);
	int rc = 0;

	/* what the receiver has is marked before anything else is added */
	if (writing->have) {
		uint32_t number = writing->have;
		git_oid oid;

		rc = version_find(writing->book, writing->uuid, &number, &oid, writing->err);
		if (!rc)
			rc = version_add(writing, &oid, true);
	}
	while (!rc && statement_row(&rows)) {
		git_oid oid;

		if ((uint32_t)statement_integer(&rows, 0) == writing->have ||
			!statement_oid(&rows, 1, &oid))
			break;
		rc = version_add(writing, &oid, false);
	}
	if (rc) {
		statement_drop(&rows);
		return rc;
	}
	return statement_end(&rows, writing->err);
}

static int tags_add(struct writing *writing)
{
	struct statement rows = statement_begin(&writing->book->database,
		"SELECT t.oid FROM tag t JOIN domain d ON d.id = t.domain WHERE d.uuid = ?");
	int rc = 0;

	statement_text(&rows, writing->uuid);
	while (!rc && statement_row(&rows)) {
		git_oid oid;
		bool added;

		if (statement_oid(&rows, 0, &oid))
			rc = add(writing, &oid, NULL, &added);
	}
	if (rc) {
		statement_drop(&rows);
		return rc;
	}
	return statement_end(&rows, writing->err);
}

/* ---- where it begins and ends ---- */

static int domain_read(struct writing *writing)
{
	struct statement statement = statement_begin(
		&writing->book->database, "SELECT version, head, epoch FROM domain WHERE uuid = ?");
	bool found;

	statement_text(&statement, writing->uuid);
	found = statement_row(&statement);
	if (found) {
		writing->version = (uint32_t)statement_integer(&statement, 0);
		writing->epoch = (uint32_t)statement_integer(&statement, 2);
		(void)statement_oid(&statement, 1, &writing->head);
	}

	int rc = statement_end(&statement, writing->err);

	return rc || found ? rc
			   : error_set(writing->err, DD_NOT_FOUND, "there is no domain %s",
				     writing->uuid);
}

static int have_find(struct writing *writing, const char *have)
{
	char name[256], hex[COMMIT_SIZE];
	struct statement statement;
	git_oid oid;
	int rc;

	if (!*have)
		return 0;
	if (strlen(have) != GIT_OID_HEXSZ || git_oid_fromstr(&oid, have) < 0)
		return error_set(writing->err, DD_INVALID, "'%.80s' is no commit", have);
	statement = statement_begin(&writing->book->database,
		"SELECT v.number FROM version v JOIN domain d ON d.id = v.domain"
		" WHERE d.uuid = ? AND v.oid = ?");
	statement_text(&statement, writing->uuid);
	statement_blob(&statement, oid.id, sizeof oid.id);
	if (statement_row(&statement))
		writing->have = (uint32_t)statement_integer(&statement, 0);
	rc = statement_end(&statement, writing->err);
	if (rc || writing->have)
		return rc;
	index_name(writing->book, writing->uuid, name, sizeof name);
	error_set(writing->err, DD_CONFLICT,
		"the histories of '%s' parted: here it ends with version %u (%s), there with %s, "
		"which is no version here",
		name, writing->version, git_oid_tostr(hex, sizeof hex, &writing->head), have);
	return error_hint(writing->err, "see: domesday log %s", name);
}

/* Commits first: the receiver looks at their signatures while it gets the rest. */
static int item_compare(const void *a, const void *b)
{
	const struct item *left = a, *right = b;
	int order = (left->group < right->group) - (left->group > right->group);

	return order ? order : (left->place > right->place) - (left->place < right->place);
}

static int item_send(struct writing *writing, const struct item *item)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	int code = git_odb_read(&object, writing->book->objects, &item->oid);

	if (code)
		return object_failure(
			writing->book, code, &item->oid, "cannot send an object", writing->err);
	return pack_stream_add(&writing->stream, git_odb_object_type(object),
		git_odb_object_data(object), git_odb_object_size(object),
		item->group == GROUP_REST || writing->item_count <= PARCEL_FEW ? NULL
									       : &writing->base,
		writing->err);
}

static int hold(const void *data, size_t size, void *context)
{
	struct writing *writing = context;

	text_add(&writing->out, data, size);
	return text_failed(&writing->out) ? error_no_memory(writing->err) : 0;
}

/* Reads as much as is held at once, from one state of book.db: each look at it costs a lock. */
static int part_read(void *context, struct dd_error *err)
{
	struct writing *writing = context;
	int rc = 0;

	(void)err;
	while (!rc && writing->next < writing->item_count && writing->out.size < HELD) {
		const struct item *item = &writing->items[writing->next++];

		if (item->group != writing->group)
			writing->base.depth = -1;
		writing->group = item->group;
		rc = item_send(writing, item);
	}
	return rc;
}

/* The receiver may be slow, and nothing of the book waits for it. */
static int part_send(struct writing *writing)
{
	int rc = writing->out.size
			 ? writing->put(writing->out.data, writing->out.size, writing->context)
			 : 0;

	text_clear(&writing->out);
	return rc;
}

static int pack_send(struct writing *writing)
{
	int rc;

	qsort(writing->items, writing->item_count, sizeof *writing->items, item_compare);
	writing->stream.put = hold;
	writing->stream.context = writing;
	rc = pack_stream_begin(&writing->stream, (uint32_t)writing->item_count, writing->err);
	while (!rc && writing->next < writing->item_count) {
		rc = database_snapshot(&writing->book->database, part_read, writing, writing->err);
		if (!rc)
			rc = part_send(writing);
	}
	if (!rc)
		rc = pack_stream_end(&writing->stream);
	return rc ? rc : part_send(writing);
}

static void heads_fill(const struct writing *writing, struct parcel_heads *heads)
{
	git_oid_tostr(heads->head, sizeof heads->head, &writing->head);
	git_oid_tostr(heads->book, sizeof heads->book, &writing->own);
	heads->version = writing->version;
	heads->epoch = writing->epoch;
	heads->objects = writing->item_count;
}

static int list(void *context, struct dd_error *err)
{
	struct writing *writing = context;
	int rc = domain_read(writing);

	if (!rc)
		rc = have_find(writing, writing->asked);
	if (!rc)
		rc = book_own_oid(writing->book, "book-head", &writing->own, err);
	if (!rc)
		rc = versions_add(writing);
	if (!rc)
		rc = book_add(writing, &writing->own);
	return rc ? rc : tags_add(writing);
}

int book_parcel_write(struct book *book, const char *uuid, const char *have,
	struct parcel_heads *heads, int (*put)(const void *data, size_t size, void *context),
	void *context, struct dd_error *err)
{
	struct dd_error own = {0};
	CLEANUP(writing)
	struct writing writing = {
		.book = book,
		.uuid = uuid,
		.asked = have,
		.paths = TEXT_INIT,
		.group = GROUP_REST,
		.base = {.data = TEXT_INIT},
		.out = TEXT_INIT,
		.put = put,
		.context = context,
		.err = err ? err : &own,
	};
	int rc;

	repository_forget(book);
	rc = repository_need(book, err);
	if (!rc)
		rc = database_snapshot(&book->database, list, &writing, writing.err);
	if (rc)
		return rc;
	heads_fill(&writing, heads);
	return pack_send(&writing);
}
