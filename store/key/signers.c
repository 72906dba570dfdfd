/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key/signers.h"

#include <string.h>

#include "store/commit/message.h"
#include "store/git/object.h"

#define SIGNERS_LIMIT 10000 /* commits of the branch "book" */

void signers_release(struct signers *signers)
{
	for (size_t i = 0; i < signers->count; i++) {
		free(signers->list[i].who);
		free(signers->list[i].adopted);
	}
	free(signers->list);
	*signers = (struct signers){0};
}

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static void cleanup_tree(git_tree **tree)
{
	git_tree_free(*tree);
}

static void cleanup_blob(git_blob **blob)
{
	git_blob_free(*blob);
}

/* ---- the branch "book" ---- */

static int file_of(
	struct book *book, const git_oid *tree_oid, struct text *out, struct dd_error *err)
{
	CLEANUP(tree) git_tree *tree = NULL;
	CLEANUP(blob) git_blob *blob = NULL;
	const git_tree_entry *entry;
	int code = git_tree_lookup(&tree, book->repository, tree_oid);

	if (code)
		return object_failure(book, code, tree_oid, "cannot read who signs", err);
	entry = git_tree_entry_byname(tree, "allowed_signers");
	if (!entry)
		return error_set(err, DD_CORRUPT, "the branch \"book\" has no allowed_signers");
	code = git_blob_lookup(&blob, book->repository, git_tree_entry_id(entry));
	if (code)
		return object_failure(
			book, code, git_tree_entry_id(entry), "cannot read who signs", err);
	text_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	return text_failed(out) ? error_no_memory(err) : 0;
}

int signers_file(struct book *book, struct text *out, struct dd_error *err)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	struct commit_parts parts;
	git_oid head;
	int rc = repository_need(book, err);
	int code;

	if (!rc)
		rc = book_own_oid(book, "book-head", &head, err);
	if (rc)
		return rc;
	code = git_odb_read(&object, book->objects, &head);
	if (code)
		return object_failure(book, code, &head, "cannot read who signs", err);
	if (!commit_parse(git_odb_object_data(object), git_odb_object_size(object), &parts))
		return error_set(err, DD_CORRUPT, "the branch \"book\" has a malformed commit");
	return file_of(book, &parts.tree, out, err);
}

/* ---- one commit after the other ---- */

/* The key that a commit brings; *brought false where it brings none. */
static int brings(struct book *book, const struct commit_parts *parts, bool first,
	unsigned char open[KEY_PUBLIC_SIZE], bool *brought, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	int rc = 0;

	if (first)
		rc = file_of(book, &parts->tree, &words, err);
	else
		(void)message_trailer(parts->message, parts->message_size, "New-Key", &words);
	if (!rc && text_failed(&words))
		return error_no_memory(err);
	/* damage here is a fault of that commit */
	*brought = !rc && key_words_read(text_string(&words), open);
	return rc == DD_CORRUPT ? 0 : rc;
}

/* Did it take the place of a lost key, and vouches for itself? Then why. */
static bool adopted(const struct commit_parts *parts, const struct signer *signer,
	const unsigned char by[KEY_PUBLIC_SIZE], struct text *why)
{
	return memcmp(by, signer->open, KEY_PUBLIC_SIZE) == 0 &&
	       message_trailer(parts->message, parts->message_size, "Adopted", why);
}

static int judge(struct book *book, const char *data, size_t size, const struct commit_parts *parts,
	struct signers *signers, struct dd_error *err)
{
	struct signer *signer = &signers->list[signers->count];
	const struct signer *before = signers_newest(signers);
	unsigned char by[KEY_PUBLIC_SIZE];
	CLEANUP(text) struct text why = TEXT_INIT;
	struct message_marks marks;
	CLEANUP(text) struct text room = TEXT_INIT;
	enum signature_state state;
	bool brought = false;
	int rc = brings(book, parts, signers->count == 0, signer->open, &brought, err);

	if (!rc)
		rc = commit_check(data, size, parts, &room, &state, by, err);
	if (rc)
		return rc;
	message_marks(parts->message, parts->message_size, &marks);
	signer->after = marks.seq;
	signer->when = parts->when;
	if (!brought)
		signer->fault = "names no key";
	else if (state != SIGNATURE_GOOD)
		signer->fault = "has no signature that holds";
	else if (memcmp(by, before ? before->open : signer->open, sizeof by) != 0 &&
		 !(before && adopted(parts, signer, by, &why)))
		signer->fault = before ? "is not signed with the key before"
				       : "is not signed with its own key";
	else if (before && marks.seq <= before->after)
		signer->fault = "has no place in the chain behind the key before";
	return why.size ? string_copy(&signer->adopted, text_string(&why), err) : 0;
}

static int signer_add(
	struct book *book, const git_oid *oid, struct signers *signers, struct dd_error *err)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	struct signer *signer = &signers->list[signers->count];
	struct commit_parts parts;
	int code = git_odb_read(&object, book->objects, oid);
	int rc;

	if (code)
		return object_failure(book, code, oid, "cannot read the branch \"book\"", err);
	git_oid_cpy(&signer->commit, oid);
	if (!commit_parse(git_odb_object_data(object), git_odb_object_size(object), &parts))
		return error_set(err, DD_CORRUPT, "the branch \"book\" has a malformed commit");
	rc = judge(book, git_odb_object_data(object), git_odb_object_size(object), &parts, signers,
		err);
	if (!rc)
		rc = string_format(&signer->who, err, "%.*s", (int)parts.author_size, parts.author);
	/* from here on its words are released with it */
	if (!rc)
		signers->count++;
	else
		free(TAKE(signer->adopted));
	return rc;
}

/* The commits of the branch, from the newest to the first. */
static int branch_walk(
	struct book *book, const git_oid *head, git_oid *list, size_t *count, struct dd_error *err)
{
	git_oid oid = *head;

	for (*count = 0; *count < SIGNERS_LIMIT;) {
		CLEANUP(odb_object) git_odb_object *object = NULL;
		struct commit_parts parts;
		int code = git_odb_read(&object, book->objects, &oid);

		if (code)
			return object_failure(
				book, code, &oid, "cannot read the branch \"book\"", err);
		list[(*count)++] = oid;
		if (!commit_parse(git_odb_object_data(object), git_odb_object_size(object), &parts))
			break;
		if (git_oid_is_zero(&parts.parent))
			return 0;
		oid = parts.parent;
	}
	return error_set(err, DD_CORRUPT,
		"the branch \"book\" does not lead back to the book's first commit");
}

int signers_read_from(
	struct book *book, const git_oid *head, struct signers *out, struct dd_error *err)
{
	CLEANUP(signers) struct signers signers = {0};
	CLEANUP(free) git_oid *list = calloc(SIGNERS_LIMIT, sizeof *list);
	size_t count = 0;
	int rc = list ? 0 : error_no_memory(err);

	if (!rc)
		rc = key_start(err);
	if (!rc)
		rc = repository_need(book, err);
	if (!rc)
		rc = branch_walk(book, head, list, &count, err);
	if (rc)
		return rc;
	signers.list = calloc(count, sizeof *signers.list);
	if (!signers.list)
		return error_no_memory(err);
	while (!rc && count)
		rc = signer_add(book, &list[--count], &signers, err);
	if (rc)
		return rc;
	*out = signers;
	signers = (struct signers){0};
	return 0;
}

int signers_read(struct book *book, struct signers *out, struct dd_error *err)
{
	CLEANUP(signers) struct signers signers = {0};
	git_oid head, genesis;
	int rc = book_own_oid(book, "book-head", &head, err);

	if (!rc)
		rc = book_own_oid(book, "genesis", &genesis, err);
	if (!rc)
		rc = signers_read_from(book, &head, &signers, err);
	if (!rc && !git_oid_equal(&signers.list[0].commit, &genesis))
		rc = error_set(err, DD_CORRUPT,
			"the branch \"book\" does not lead back to the book's first commit");
	if (rc)
		return rc;
	*out = signers;
	signers = (struct signers){0};
	return 0;
}

/* ---- asking ---- */

const struct signer *signers_at(const struct signers *signers, int64_t seq)
{
	const struct signer *found = NULL;

	for (size_t i = 0; i < signers->count; i++)
		if (!signers->list[i].fault && (!found || signers->list[i].after < seq))
			found = &signers->list[i];
	return found;
}

const struct signer *signers_newest(const struct signers *signers)
{
	return signers_at(signers, INT64_MAX);
}

int signers_find(const struct signers *signers, const unsigned char open[KEY_PUBLIC_SIZE])
{
	for (size_t i = 0; i < signers->count; i++)
		if (!signers->list[i].fault &&
			memcmp(signers->list[i].open, open, KEY_PUBLIC_SIZE) == 0)
			return (int)i;
	return -1;
}
