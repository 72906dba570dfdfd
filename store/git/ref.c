/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/ref.h"

#include <string.h>
#include <unistd.h>

#include "store/folder.h"

/* Libgit2 syncs the folder of a ref, but not that the folder itself is there. */
static int folders_above_sync(const char *lock, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = string_copy(&path, lock, err);
	char *end;

	if (rc)
		return rc;
	*strrchr(path, '/') = '\0';
	while (!rc && (end = strrchr(path, '/')) && strcmp(end, "/book.git") != 0) {
		*end = '\0';
		rc = folder_sync(path, err);
	}
	return rc;
}

/* A commit that it could not look for libgit2 calls one that does not exist. */
static int ref_failure(struct book *book, int code, const git_oid *oid, struct dd_error *err)
{
	const git_error *last = git_error_last();

	if (last && last->klass == GIT_ERROR_REFERENCE)
		code = GIT_ENOTFOUND;
	return object_failure(book, code, oid, "cannot set a branch", err);
}

int ref_point(struct book *book, const char *name, const git_oid *oid, struct dd_error *err)
{
	CLEANUP(free) char *lock = NULL;
	git_reference *ref = NULL;
	git_oid before;
	int rc = string_format(&lock, err, "%s/book.git/%s.lock", book->folder, name);
	int code;

	if (rc)
		return rc;
	(void)unlink(lock);
	bool new = git_reference_name_to_id(&before, book->whole, name) != 0;

	code = git_reference_create(&ref, book->whole, name, oid, true, NULL);
	git_reference_free(ref);
	if (code)
		return ref_failure(book, code, oid, err);
	return new ? folders_above_sync(lock, err) : 0;
}

int history_follows(struct book *book, const git_oid *head, const git_oid *from, bool *result,
	struct dd_error *err)
{
	bool there;
	int code, rc;

	*result = git_oid_equal(head, from);
	if (*result)
		return 0;
	rc = object_there(book, from, &there, err);
	if (rc || !there)
		return rc;
	code = git_graph_descendant_of(book->repository, head, from);
	if (code < 0)
		return object_failure(book, code, NULL, "cannot compare histories", err);
	*result = code == 1;
	return 0;
}
