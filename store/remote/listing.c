/* SPDX-License-Identifier: Apache-2.0 */
#include "store/remote/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/folder.h"
#include "store/remote/ownership.h"
#include "store/remote/remote.h"

#define DEPTH_LIMIT 8
#define PACKED_LIMIT ((size_t)1 << 30)

/* Of the branches and tags of hosts, and of who owns what. */
static const char *const places[] = {HOST_REFS, HOST_TAG_REFS, OWNER_REFS};

#define PLACES (sizeof places / sizeof places[0])

static bool is_lock(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && strcmp(name + length - 5, ".lock") == 0;
}

static void name_add(struct listing *listing, const char *name, size_t length)
{
	text_add(&listing->names, name, length);
	text_add(&listing->names, "", 1);
}

/* Every ref below a folder that is a file of its own. name: of the folder, from refs on, with a
 * slash behind it.
 */
static int folder_list(struct listing *listing, const char *repository, const char *name, int depth,
	struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = string_format(&path, err, "%s/%s", repository, name);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err))) {
		CLEANUP(free) char *below = NULL;
		struct stat status;

		if (entry->d_name[0] == '.' || is_lock(entry->d_name))
			continue;
		if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
			rc = errno == ENOENT ? 0 : error_errno(err, errno, "cannot read %s", path);
			continue;
		}
		rc = string_format(&below, err, "%s%s%s", name, entry->d_name,
			S_ISDIR(status.st_mode) ? "/" : "");
		if (!rc && S_ISDIR(status.st_mode) && depth < DEPTH_LIMIT)
			rc = folder_list(listing, repository, below, depth + 1, err);
		else if (!rc && S_ISREG(status.st_mode) && status.st_size)
			name_add(listing, below, strlen(below));
	}
	return rc;
}

static bool is_ours(const char *name, size_t size)
{
	for (size_t i = 0; i < PLACES; i++) {
		size_t length = strlen(places[i]);

		if (size > length && memcmp(name, places[i], length) == 0)
			return true;
	}
	return false;
}

/* "OID NAME" */
static int packed_list(struct listing *listing, const char *repository, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	bool there = false;
	int rc = string_format(&path, err, "%s/packed-refs", repository);

	if (!rc)
		rc = file_there(path, &there, err);
	if (!rc && there)
		rc = file_read(path, PACKED_LIMIT, &text, err);
	if (rc || !there)
		return rc;
	for (const char *line = text_string(&text); *line;) {
		size_t length = strcspn(line, "\n");

		if (length > GIT_OID_HEXSZ + 1 &&
			is_ours(line + GIT_OID_HEXSZ + 1, length - GIT_OID_HEXSZ - 1))
			name_add(listing, line + GIT_OID_HEXSZ + 1, length - GIT_OID_HEXSZ - 1);
		line += length + (line[length] == '\n');
	}
	return 0;
}

int listing_read(const char *folder, struct listing *out, struct dd_error *err)
{
	CLEANUP(free) char *inside = NULL;
	struct stat status;
	int rc = folder ? string_format(&inside, err, "%s/.git", folder) : 0;

	if (rc || !folder)
		return rc;
	/* with a work tree, too; where that is one of several, libgit2 has the last word */
	if (stat(inside, &status) == 0) {
		if (!S_ISDIR(status.st_mode))
			return 0;
		folder = inside;
	}
	for (size_t i = 0; !rc && i < PLACES; i++)
		rc = folder_list(out, folder, places[i], 0, err);
	if (!rc)
		rc = packed_list(out, folder, err);
	return !rc && text_failed(&out->names) ? error_no_memory(err) : rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_listed(const struct listing *listing, const char *name)
{
	const char *end = listing->names.data + listing->names.size;

	for (const char *at = listing->names.data; at < end; at += strlen(at) + 1)
		if (strcmp(at, name) == 0)
			return true;
	return false;
}

/* A tag may have been taken away meanwhile. */
static int missing_check(
	const char *folder, const char *name, const char *url, struct dd_error *err)
{
	CLEANUP(listing) struct listing now = {TEXT_INIT};
	int rc = listing_read(folder, &now, err);

	if (rc || !is_listed(&now, name))
		return rc;
	error_set(err, DD_SYSTEM, "cannot list %s: its %s cannot be read", url, name);
	return error_hint(err, "try again; does 'git fsck' there find it?");
}

int listing_compare(
	const struct listing *listing, const char *folder, git_remote *remote, struct dd_error *err)
{
	CLEANUP(free) const char **names = NULL;
	const git_remote_head **heads;
	size_t count = 0;

	if (!listing->names.size)
		return 0;
	if (git_remote_ls(&heads, &count, remote) < 0)
		count = 0;
	names = calloc(count + 1, sizeof *names);
	if (!names)
		return error_no_memory(err);
	for (size_t i = 0; i < count; i++)
		names[i] = heads[i]->name;
	qsort(names, count, sizeof *names, by_name);

	int rc = 0;

	for (const char *name = listing->names.data;
		!rc && name < listing->names.data + listing->names.size; name += strlen(name) + 1)
		if (!bsearch(&name, names, count, sizeof *names, by_name))
			rc = missing_check(folder, name, git_remote_url(remote), err);
	return rc;
}
