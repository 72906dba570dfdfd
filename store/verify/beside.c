/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Domesday never makes in book.git, and stock git believes: with such a file it shows another
 * history than the one that is signed, or leads a reader elsewhere, while every object and branch
 * is as it was. (Refs below refs/replace/ do the same, see refs.c.)
 */
#include "store/verify/verification.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "store/folder.h"

#define HOOKS "book.git/hooks"

static int beside_tell(struct verification *verification, const char *where, const char *what)
{
	struct finding finding = {.kind = "file", .where = where};

	return finding_tell(verification, &finding,
		"%s is not of Domesday's making: %s. Remove it if nobody can say why it is there",
		where, what);
}

static int file_check(struct verification *verification, const char *where, const char *what)
{
	CLEANUP(free) char *path = NULL;
	struct stat status;
	int rc = book_path(verification->book, where, &path, verification->err);

	if (rc)
		return rc;
	if (lstat(path, &status) == 0)
		return beside_tell(verification, where, what);
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	return error_errno(verification->err, errno, "cannot read %s", path);
}

/* Those that git brings along are never run. */
static bool is_sample(const char *name)
{
	static const char suffix[] = ".sample";
	size_t length = strlen(name), tail = sizeof suffix - 1;

	return length > tail && strcmp(name + length - tail, suffix) == 0;
}

static int hooks_check(struct verification *verification)
{
	CLEANUP(free) char *path = NULL;
	const struct dirent *entry;
	int rc = book_path(verification->book, HOOKS, &path, verification->err);

	if (rc)
		return rc;

	CLEANUP(folder) DIR *folder = opendir(path);

	if (!folder && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!folder)
		return error_errno(verification->err, errno, "cannot open %s", path);
	while (!rc && (entry = folder_next(folder, path, &rc, verification->err))) {
		CLEANUP(free) char *where = NULL;

		if (entry->d_name[0] == '.' || is_sample(entry->d_name))
			continue;
		rc = string_format(&where, verification->err, HOOKS "/%s", entry->d_name);
		if (!rc)
			rc = beside_tell(verification, where, "git runs it");
	}
	return rc;
}

int verify_beside(struct verification *verification)
{
	static const struct {
		const char *where, *what;
	} files[] = {
		{"book.git/commondir", "git reads another repository in the place of this one"},
		{"book.git/shallow", "git shows no version before those that it names"},
		{"book.git/info/grafts", "git shows other versions before those that it names"},
		{"book.git/info/attributes", "git shows files otherwise than they are"},
		{"book.git/objects/info/alternates", "git takes objects from elsewhere, too"},
		{"book.git/objects/info/http-alternates", "git takes objects from elsewhere, too"},
		{"book.git/config.worktree", "git takes it for a part of its configuration"},
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof files / sizeof files[0]; i++)
		rc = file_check(verification, files[i].where, files[i].what);
	return rc ? rc : hooks_check(verification);
}
