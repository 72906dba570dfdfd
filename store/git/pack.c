/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/pack.h"

#include <endian.h>
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

/* ---- an index that is damaged ---- */

#define INDEX_HEAD 8
#define INDEX_FANOUT (256 * 4)
#define INDEX_OBJECT 24       /* of the names and checks of one, before the offsets */
#define INDEX_FAR 0x80000000u /* the offset stands in a table of longer ones */

static bool number_read(int fd, off_t at, uint32_t *number)
{
	unsigned char bytes[4];

	if (pread(fd, bytes, sizeof bytes, at) != (ssize_t)sizeof bytes)
		return false;
	memcpy(number, bytes, sizeof bytes);
	*number = be32toh(*number);
	return true;
}

bool pack_index_leads_astray(int fd, off_t pack_size)
{
	uint32_t count, offset, high, low;
	off_t offsets, far;

	if (!number_read(fd, INDEX_HEAD + INDEX_FANOUT - 4, &count))
		return true;
	offsets = INDEX_HEAD + INDEX_FANOUT + (off_t)count * INDEX_OBJECT;
	far = offsets + (off_t)count * 4;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t whole;

		if (!number_read(fd, offsets + (off_t)i * 4, &offset))
			return true;
		whole = offset;
		if (offset & INDEX_FAR) {
			off_t at = far + (off_t)(offset & ~INDEX_FAR) * 8;

			if (!number_read(fd, at, &high) || !number_read(fd, at + 4, &low))
				return true;
			whole = (uint64_t)high << 32 | low;
		}
		if (whole >= (uint64_t)pack_size)
			return true;
	}
	return false;
}
