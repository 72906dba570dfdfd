/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object database that has nothing, before those of libgit2: libgit2 goes wherever a pack's
 * index says that an object is, be it beyond the pack's end, where it crashes, or round in a
 * circle. So the way that a read will take, to the object and to those that it is a delta of, is
 * gone here first. What is found within the pack libgit2 takes for what it is, and compares with
 * the name.
 *
 * Of an index only that is read which libgit2 reads too, so the cost does not grow with the book.
 * Each way is gone once.
 */
#include "store/room.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/sha1.h"
#include "store/folder.h"
#include "store/git/pack_index.h"

#define GUARD_PRIORITY 90 /* behind what is staged, before libgit2's own at 1 and 2 */
#define SUFFIX_LENGTH 4   /* ".idx" */

enum { OFFSET_DELTA = 6, NAME_DELTA = 7 }; /* entries */

struct guarded {
	char *name; /* of the index */
	struct pack_index index;
	const unsigned char *pack;
	size_t size;
	unsigned char *sound; /* a bit for each place whose way was gone */
};

struct guard {
	git_odb_backend parent; /* libgit2 hands out its address */
	char *folder;
	struct guarded *list;
	size_t count, room;
	bool listed;
};

/* ---- the packs ---- */

static void guarded_release(struct guarded *guarded)
{
	pack_index_release(&guarded->index);
	if (guarded->pack)
		munmap((void *)(uintptr_t)guarded->pack, guarded->size);
	free(guarded->sound);
	free(guarded->name);
	*guarded = (struct guarded){0};
}

/* A file that cannot be opened, or has another form, is none that libgit2 follows: *usable false.
 */
static int pack_map(struct guarded *guarded, DIR *folder, bool *usable)
{
	CLEANUP(free) char *name = NULL;
	struct stat status;
	void *map;

	if (string_format(&name, NULL, "%.*s.pack", (int)(strlen(guarded->name) - SUFFIX_LENGTH),
		    guarded->name) < 0)
		return DD_NO_MEMORY;

	CLEANUP(close) int fd = openat(dirfd(folder), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
		status.st_size < PACK_HEAD + SHA1_SIZE)
		return 0;
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return errno == ENOMEM ? DD_NO_MEMORY : 0;
	guarded->pack = map;
	guarded->size = (size_t)status.st_size;
	*usable = true;
	return 0;
}

static int guarded_open(struct guarded *guarded, DIR *folder, const char *name, bool *usable)
{
	CLEANUP(close)
	int fd = openat(dirfd(folder), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc = fd < 0 ? -EBADMSG : pack_index_map(&guarded->index, fd);

	if (rc)
		return rc == -ENOMEM ? DD_NO_MEMORY : 0;
	guarded->sound = calloc(guarded->index.count / 8 + 1, 1);
	if (!guarded->sound || string_copy(&guarded->name, name, NULL) < 0)
		return DD_NO_MEMORY;
	return pack_map(guarded, folder, usable);
}

static bool is_known(const struct guard *guard, const char *name)
{
	for (size_t i = 0; i < guard->count; i++)
		if (strcmp(guard->list[i].name, name) == 0)
			return true;
	return false;
}

static int guard_add(struct guard *guard, DIR *folder, const char *name)
{
	struct guarded guarded = {0};
	bool usable = false;
	int rc;

	if (guard->count == guard->room) {
		size_t room = guard->room ? guard->room * 2 : 16;
		struct guarded *grown = reallocarray(guard->list, room, sizeof *grown);

		if (!grown)
			return DD_NO_MEMORY;
		guard->list = grown;
		guard->room = room;
	}
	rc = guarded_open(&guarded, folder, name, &usable);
	if (!rc && usable)
		guard->list[guard->count++] = guarded;
	else
		guarded_release(&guarded);
	return rc;
}

/* Those that are gone stay, as they do with libgit2. */
static int guard_list(struct guard *guard)
{
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = folder_open(guard->folder, &folder, NULL);

	while (!rc && folder && (entry = folder_next(folder, guard->folder, &rc, NULL))) {
		size_t length = strlen(entry->d_name);

		if (length > SUFFIX_LENGTH &&
			strcmp(entry->d_name + length - SUFFIX_LENGTH, ".idx") == 0 &&
			!is_known(guard, entry->d_name))
			rc = guard_add(guard, folder, entry->d_name);
	}
	guard->listed = !rc;
	if (rc == DD_NO_MEMORY)
		git_error_set_oom();
	else if (rc)
		git_error_set_str(GIT_ERROR_OS, "the packs cannot be listed");
	return rc ? GIT_ERROR : 0;
}

/* ---- the way to an object ---- */

/* The bytes of a number that goes on for as long as its high bit is set. */
static uint64_t number_end(const struct guarded *guarded, uint64_t at)
{
	while (at < guarded->size && guarded->pack[at] & 0x80)
		at++;
	return at + 1;
}

/* From an entry to the one that it is a delta of. False: libgit2 goes no further. */
static bool base_find(const struct guarded *guarded, uint64_t *offset, bool *sound)
{
	const unsigned char *pack = guarded->pack;
	uint64_t at = number_end(guarded, *offset), distance = 0;
	int type = pack[*offset] >> 4 & 7;
	uint32_t place;

	if (type == OFFSET_DELTA && number_end(guarded, at) <= guarded->size) {
		distance = pack[at] & 0x7f;
		while (pack[at++] & 0x80)
			distance = (distance + 1) << 7 | (pack[at] & 0x7f);
		if (!distance || distance > *offset)
			return false;
		*offset -= distance;
		return true;
	}
	if (type != NAME_DELTA || at + SHA1_SIZE > guarded->size ||
		!pack_index_find(&guarded->index, pack + at, &place))
		return false;
	*sound = pack_index_offset(&guarded->index, place, offset);
	return *sound;
}

static bool way_go(const struct guarded *guarded, uint32_t place)
{
	uint64_t offset, end = guarded->size - SHA1_SIZE;
	bool sound = pack_index_offset(&guarded->index, place, &offset);

	for (uint32_t steps = 0; sound; steps++) {
		if (offset < PACK_HEAD || offset >= end || steps > guarded->index.count)
			return false;
		if (!base_find(guarded, &offset, &sound))
			break;
	}
	return sound;
}

static int guard_check(struct guard *guard, const git_oid *oid)
{
	uint32_t place = 0;

	if (!guard->listed && guard_list(guard) < 0)
		return GIT_ERROR;
	for (size_t i = 0; i < guard->count; i++) {
		struct guarded *guarded = &guard->list[i];
		unsigned char bit;

		if (!pack_index_find(&guarded->index, oid->id, &place))
			continue;
		bit = (unsigned char)(1u << place % 8);
		if (!(guarded->sound[place / 8] & bit) && !way_go(guarded, place)) {
			char words[512];

			snprintf(words, sizeof words, "objects/pack/%s is damaged: it leads astray",
				guarded->name);
			git_error_set_str(GIT_ERROR_ODB, words);
			return GIT_ERROR;
		}
		guarded->sound[place / 8] |= bit;
	}
	return GIT_ENOTFOUND;
}

/* ---- the object database ---- */

static int guard_read(
	void **data, size_t *size, git_object_t *type, git_odb_backend *backend, const git_oid *oid)
{
	(void)data;
	(void)size;
	(void)type;
	return guard_check((struct guard *)backend, oid);
}

static int guard_read_header(
	size_t *size, git_object_t *type, git_odb_backend *backend, const git_oid *oid)
{
	(void)size;
	(void)type;
	return guard_check((struct guard *)backend, oid);
}

static int guard_refresh(git_odb_backend *backend)
{
	return guard_list((struct guard *)backend);
}

static void guard_free(git_odb_backend *backend)
{
	struct guard *guard = (struct guard *)backend;

	for (size_t i = 0; i < guard->count; i++)
		guarded_release(&guard->list[i]);
	free(guard->list);
	free(guard->folder);
	free(guard);
}

int guard_attach(const char *folder, git_odb *objects)
{
	struct guard *guard = calloc(1, sizeof *guard);
	int code;

	if (!guard || string_copy(&guard->folder, folder, NULL) < 0) {
		free(guard);
		git_error_set_oom();
		return GIT_ERROR;
	}
	git_odb_init_backend(&guard->parent, GIT_ODB_BACKEND_VERSION);
	guard->parent.read = guard_read;
	guard->parent.read_header = guard_read_header;
	guard->parent.refresh = guard_refresh;
	guard->parent.free = guard_free;
	code = git_odb_add_backend(objects, &guard->parent, GUARD_PRIORITY);
	if (code)
		guard_free(&guard->parent);
	return code;
}
