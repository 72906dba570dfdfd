/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/pack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/folder.h"

void pack_release(struct pack *pack)
{
	git_packbuilder_free(pack->builder);
	/* what is still there was not finished, and may be what fills the disk */
	if (pack->incoming)
		(void)folder_clean(pack->incoming, "", "", NULL);
	free(pack->incoming);
	free(pack->packs);
	*pack = (struct pack){0};
}

int pack_begin(struct book *book, struct pack *pack, struct dd_error *err)
{
	CLEANUP(pack) struct pack begun = {.book = book};
	int rc = book_path(book, "book.git/objects/pack", &begun.packs, err);

	if (!rc)
		rc = book_path(book, "book.git/incoming", &begun.incoming, err);
	if (!rc)
		rc = directory_make(book->folder, begun.incoming, 0700, err);
	/* what somebody left who died */
	if (!rc)
		rc = folder_clean(begun.incoming, "", "", err);
	if (rc)
		return rc;

	int code = git_packbuilder_new(&begun.builder, book->repository);

	if (code)
		return repository_failure(book, code, "cannot pack", err);
	*pack = begun;
	begun = (struct pack){0};
	return 0;
}

int pack_add(struct pack *pack, const git_oid *oid, const char *hint, struct dd_error *err)
{
	int code = git_packbuilder_insert(pack->builder, oid, hint);

	return code ? object_failure(pack->book, code, oid, "cannot pack an object", err) : 0;
}

static int file_install(const struct pack *pack, const char *source, const char *name,
	const char *suffix, struct dd_error *err)
{
	CLEANUP(free) char *to = NULL;
	int rc = string_format(&to, err, "%s/pack-%s%s", pack->packs, name, suffix);

	if (!rc && rename(source, to) < 0)
		rc = error_errno(err, errno, "cannot move a pack to %s", to);
	return rc ? rc : folder_sync(pack->packs, err);
}

/* One of that name has the same in it. */
static bool is_installed(const struct pack *pack, const char *name)
{
	CLEANUP(free) char *data = NULL;
	CLEANUP(free) char *index = NULL;

	return string_format(&data, NULL, "%s/pack-%s.pack", pack->packs, name) == 0 &&
	       string_format(&index, NULL, "%s/pack-%s.idx", pack->packs, name) == 0 &&
	       access(data, F_OK) == 0 && access(index, F_OK) == 0;
}

/*
 * git sees the pack when its index appears, so that goes last; until then it is where those of
 * packs are that go, and so cut short the pack goes, too (consolidate.c).
 */
int pack_install(
	const struct pack *pack, const char *source, const char *name, struct dd_error *err)
{
	CLEANUP(free) char *data = NULL;
	CLEANUP(free) char *index = NULL;
	CLEANUP(free) char *waiting = NULL;
	int rc;

	if (is_installed(pack, name))
		return folder_sync(pack->packs, err);
	rc = string_format(&data, err, "%s/%s.pack", pack->incoming, source);
	if (!rc)
		rc = string_format(&index, err, "%s/%s.idx", pack->incoming, source);
	if (!rc)
		rc = string_format(&waiting, err, "%s/pack-%s" PACK_GONE, pack->packs, name);
	if (!rc)
		rc = file_install(pack, index, name, PACK_GONE, err);
	if (!rc)
		rc = file_install(pack, data, name, ".pack", err);
	return rc ? rc : file_install(pack, waiting, name, ".idx", err);
}

int pack_finish(struct pack *pack, char name[PACK_NAME_SIZE], struct dd_error *err)
{
	char source[sizeof "pack-" + PACK_NAME_SIZE];
	int code;

	name[0] = '\0';
	if (!git_packbuilder_object_count(pack->builder))
		return 0;
	/* libgit2 syncs both files */
	code = git_packbuilder_write(pack->builder, pack->incoming, 0444, NULL, NULL);
	if (code)
		return repository_failure(pack->book, code, "cannot write a pack", err);
	snprintf(name, PACK_NAME_SIZE, "%s", git_packbuilder_name(pack->builder));
	snprintf(source, sizeof source, "pack-%s", name);
	return pack_install(pack, source, name, err);
}
