/* SPDX-License-Identifier: Apache-2.0 */
#include "store/remote/listing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/git/ref.h"
#include "store/remote/ownership.h"
#include "store/remote/remote.h"

/* Of the branches and tags of hosts, and of who owns what. */
static const char *const places[] = {HOST_REFS, HOST_TAG_REFS, OWNER_REFS};

#define PLACES (sizeof places / sizeof places[0])

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
	return refs_list(folder, places, PLACES, &out->names, err);
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
