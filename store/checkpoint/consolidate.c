/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every checkpoint adds a pack, and every look-up may have to ask all of them; so when there are
 * more than PACKS_FEW, small ones become one. Which: those up to the largest that is smaller than
 * all before it together. Packs that stay are then each at least as large as the sum of the smaller
 * ones, so their number grows with the logarithm of the book's size, and an object is rewritten
 * about as often as the book has doubled.
 *
 * Few objects are packed anew, so that what they have alike is found; many are joined as they are
 * (join.c), which costs no memory and no more time than copying.
 *
 * The old packs go when the new one is durable. Whoever still has one open reads on; whoever comes
 * too late to open it finds the objects in the new one, as libgit2 and git list the packs again
 * before they give up. A pack with a .keep beside it is somebody's wish and stays.
 */
#include "store/checkpoint/consolidate.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/git/join.h"
#include "store/git/pack.h"

#define PACKS_FEW 8
#define ANEW_OBJECTS 30000        /* at most, in the course of a checkpoint */
#define ANEW_OBJECTS_ASKED 500000 /* where somebody asked for it */
#define PREFIX "pack-"
#define UNFINISHED "pack_git2_"           /* libgit2's, while it fetches */
#define UNFINISHED_SECONDS (24 * 60 * 60) /* that no fetch stands still */
#define DOOMED_LENGTH (sizeof PREFIX - 1 + PACK_NAME_SIZE - 1 + sizeof PACK_GONE - 1)
#define INDEX_COUNT (8 + 255 * 4) /* where an index says how many objects it has */

struct old_pack {
	char name[PACK_NAME_SIZE];
	off_t size;
	uint32_t objects;
};

struct old_packs {
	struct old_pack *list;
	size_t count, room;
};

static void cleanup_old_packs(struct old_packs *packs)
{
	free(packs->list);
}

static int size_compare(const void *a, const void *b)
{
	const struct old_pack *left = a, *right = b;

	return (left->size > right->size) - (left->size < right->size);
}

static int old_packs_add(struct old_packs *packs, const struct old_pack *pack, struct dd_error *err)
{
	if (packs->count == packs->room) {
		size_t room = packs->room ? packs->room * 2 : 64;
		struct old_pack *list = reallocarray(packs->list, room, sizeof *list);

		if (!list)
			return error_no_memory(err);
		packs->list = list;
		packs->room = room;
	}
	packs->list[packs->count++] = *pack;
	return 0;
}

static bool objects_count(DIR *folder, const char *index, uint32_t *count)
{
	CLEANUP(close) int fd = openat(dirfd(folder), index, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint32_t number;

	if (fd < 0 || pread(fd, &number, sizeof number, INDEX_COUNT) != (ssize_t)sizeof number)
		return false;
	*count = be32toh(number);
	return true;
}

/* Is it "pack-NAME.pack", and nobody's to keep? */
static bool mergeable(DIR *folder, const char *file, struct old_pack *pack)
{
	char other[sizeof PREFIX + PACK_NAME_SIZE + 8];
	struct stat status;
	int end = 0;

	if (sscanf(file, PREFIX "%40[0-9a-f].pack%n", pack->name, &end) != 1 || !end || file[end])
		return false;
	snprintf(other, sizeof other, PREFIX "%s.keep", pack->name);
	if (faccessat(dirfd(folder), other, F_OK, 0) == 0)
		return false;
	snprintf(other, sizeof other, PREFIX "%s.idx", pack->name);
	if (!objects_count(folder, other, &pack->objects))
		return false;
	if (fstatat(dirfd(folder), file, &status, 0) < 0)
		return false;
	pack->size = status.st_size;
	return true;
}

static int old_packs_read(const char *path, struct old_packs *packs, struct dd_error *err)
{
	CLEANUP(folder) DIR *folder = opendir(path);
	const struct dirent *entry;
	int rc = 0;

	if (!folder)
		return error_errno(err, errno, "cannot open %s", path);
	while (!rc && (entry = folder_next(folder, path, &rc, err))) {
		struct old_pack pack;

		if (mergeable(folder, entry->d_name, &pack))
			rc = old_packs_add(packs, &pack, err);
	}
	if (!rc && packs->count)
		qsort(packs->list, packs->count, sizeof *packs->list, size_compare);
	return rc;
}

static size_t how_many(const struct old_packs *packs)
{
	off_t sum = 0;
	size_t count = 0;

	for (size_t i = 0; i < packs->count; i++) {
		if (packs->list[i].size < sum)
			count = i + 1;
		sum += packs->list[i].size;
	}
	return packs->count > PACKS_FEW ? count : 0;
}

struct adding {
	struct pack *pack;
	struct dd_error *err;
	int rc;
};

static int add_object(const git_oid *oid, void *context)
{
	struct adding *adding = context;

	adding->rc = pack_add(adding->pack, oid, NULL, adding->err);
	return adding->rc;
}

static int pack_add_old(struct pack *pack, const char *name, struct dd_error *err)
{
	struct adding adding = {.pack = pack, .err = err};
	CLEANUP(free) char *path = NULL;
	git_odb_backend *backend = NULL;
	int code, rc = string_format(&path, err, "%s/" PREFIX "%s.idx", pack->packs, name);

	if (rc)
		return rc;
	code = git_odb_backend_one_pack(&backend, path);
	if (!code) {
		code = backend->foreach (backend, add_object, &adding);
		backend->free(backend);
	}
	if (adding.rc)
		return adding.rc;
	return code ? repository_failure(pack->book, code, "cannot list a pack", err) : 0;
}

/*
 * A pack goes in steps, each durable before the next, so that whatever is cut short is known for
 * what it is: its index becomes its ".gone", without which git takes no notice of the rest; then
 * the rest goes; then that. A pack that stays is only one too many.
 */
static void old_pack_doom(const char *folder, const char *name)
{
	CLEANUP(free) char *index = NULL;
	CLEANUP(free) char *gone = NULL;

	if (string_format(&index, NULL, "%s/" PREFIX "%s.idx", folder, name) == 0 &&
		string_format(&gone, NULL, "%s/" PREFIX "%s" PACK_GONE, folder, name) == 0)
		(void)rename(index, gone);
}

/* Whether all of a pack but its ".gone" is gone; one that has an index again stays. */
static bool old_pack_remove(DIR *folder, const char *name, size_t length)
{
	static const char *const suffixes[] = {"rev", "bitmap", "pack"};
	char file[sizeof PREFIX + PACK_NAME_SIZE + 8];
	bool all = true;

	snprintf(file, sizeof file, "%.*s.idx", (int)length, name);
	if (faccessat(dirfd(folder), file, F_OK, 0) == 0)
		return true;
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		snprintf(file, sizeof file, "%.*s.%s", (int)length, name, suffixes[i]);
		all = (unlinkat(dirfd(folder), file, 0) == 0 || errno == ENOENT) && all;
	}
	return all;
}

/* Goes on with what is doomed, by us or by somebody who died. */
static int doomed_remove(const char *path, struct dd_error *err)
{
	CLEANUP(folder) DIR *folder = opendir(path);
	const struct dirent *entry;
	size_t found = 0;
	bool all = true;
	int rc = 0;

	if (!folder)
		return error_errno(err, errno, "cannot open %s", path);
	while (!rc && (entry = folder_next(folder, path, &rc, err))) {
		size_t length = strlen(entry->d_name), end = sizeof PACK_GONE - 1;

		if (length != DOOMED_LENGTH || strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) ||
			strcmp(entry->d_name + length - end, PACK_GONE) != 0)
			continue;
		if (!found++)
			rc = folder_sync(path, err);
		if (rc)
			return rc;
		all = old_pack_remove(folder, entry->d_name, length - end) && all;
	}
	if (rc || !found || !all)
		return rc;
	rc = folder_sync(path, err);
	return rc ? rc : folder_clean(path, PREFIX, PACK_GONE, err);
}

/* What somebody was fetching who died. One that cannot be removed is only in the way of room. */
static void unfinished_remove(const char *path)
{
	CLEANUP(folder) DIR *folder = opendir(path);
	const struct dirent *entry;
	struct stat status;

	while (folder && (entry = readdir(folder)))
		if (strncmp(entry->d_name, UNFINISHED, sizeof UNFINISHED - 1) == 0 &&
			fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			status.st_mtime + UNFINISHED_SECONDS < time(NULL))
			(void)unlinkat(dirfd(folder), entry->d_name, 0);
}

/* An index over several packs would point into those that go. */
static bool has_common_index(const char *folder)
{
	CLEANUP(free) char *path = NULL;

	return string_format(&path, NULL, "%s/multi-pack-index", folder) != 0 ||
	       access(path, F_OK) == 0;
}

static int merge_anew(struct pack *pack, const struct old_packs *old, size_t count,
	char name[PACK_NAME_SIZE], struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++)
		rc = pack_add_old(pack, old->list[i].name, err);
	return rc ? rc : pack_finish(pack, name, err);
}

static int merge_joined(struct pack *pack, const struct old_packs *old, size_t count,
	char name[PACK_NAME_SIZE], struct dd_error *err)
{
	char(*names)[PACK_NAME_SIZE] = calloc(count, sizeof *names);
	int rc;

	if (!names)
		return error_no_memory(err);
	for (size_t i = 0; i < count; i++)
		memcpy(names[i], old->list[i].name, sizeof names[i]);
	rc = packs_join(pack, names, count, name, err);
	free(names);
	return rc;
}

/* Makes one of the first count, and removes these. */
static int merge(struct pack *pack, const struct old_packs *old, size_t count, uint64_t anew,
	struct dd_error *err)
{
	char name[PACK_NAME_SIZE];
	uint64_t objects = 0;
	int rc = DD_UNSUPPORTED;

	for (size_t i = 0; i < count; i++)
		objects += old->list[i].objects;
	if (objects > anew)
		rc = merge_joined(pack, old, count, name, err);
	if (rc == DD_UNSUPPORTED)
		rc = merge_anew(pack, old, count, name, err);
	for (size_t i = 0; !rc && i < count; i++)
		if (strcmp(old->list[i].name, name) != 0)
			old_pack_doom(pack->packs, old->list[i].name);
	return rc ? rc : doomed_remove(pack->packs, err);
}

static int packs_merge(struct book *book, bool all, struct dd_error *err)
{
	CLEANUP(pack) struct pack pack = {0};
	CLEANUP(old_packs) struct old_packs old = {0};
	size_t count;
	int rc = pack_begin(book, &pack, err);

	if (!rc)
		rc = doomed_remove(pack.packs, err);
	if (!rc)
		unfinished_remove(pack.packs);
	if (!rc)
		rc = old_packs_read(pack.packs, &old, err);
	if (rc || has_common_index(pack.packs))
		return rc;
	count = all ? old.count : how_many(&old);
	if (count < 2)
		return 0;
	return merge(&pack, &old, count, all ? ANEW_OBJECTS_ASKED : ANEW_OBJECTS, err);
}

int packs_consolidate(struct book *book, struct dd_error *err)
{
	return packs_merge(book, false, err);
}

int packs_gather(struct book *book, struct dd_error *err)
{
	return packs_merge(book, true, err);
}
