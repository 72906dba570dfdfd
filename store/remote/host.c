/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that one host has pushed to a remote, back where it came from: hosts/HOST/domains/UUID is
 * domains/UUID again. What a remote says is anybody's word: names have the form of those that a
 * book pushes, or are left out, and what they lead to is for whoever asked to judge.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/remote/remote.h"

#define PACKED "book.git/packed-refs"

struct line {
	git_oid oid;
	char *name; /* of the branch or tag here */
};

struct fetching {
	struct remote_link link;
	const git_remote_head **heads; /* the link's */
	size_t head_count;
	struct line *lines;
	size_t line_count;
	struct dd_error *err;
};

static void cleanup_fetching(struct fetching *fetching)
{
	for (size_t i = 0; i < fetching->line_count; i++)
		free(fetching->lines[i].name);
	free(fetching->lines);
	remote_release(&fetching->link);
}

/* ---- which hosts there are ---- */

/* HOST of a head "refs/heads/hosts/HOST/book". */
static bool host_of(const char *name, char *out, size_t size)
{
	const char *host = name + strlen(HOST_REFS);
	size_t length;

	if (strncmp(name, HOST_REFS, strlen(HOST_REFS)) != 0)
		return false;
	length = strcspn(host, "/");
	if (strcmp(host + length, "/book") != 0 || length >= size)
		return false;
	snprintf(out, size, "%.*s", (int)length, host);
	return host_name_valid(out);
}

static bool host_is_there(const struct fetching *fetching, const char *host)
{
	char name[256];

	for (size_t i = 0; i < fetching->head_count; i++)
		if (host_of(fetching->heads[i]->name, name, sizeof name) && strcmp(name, host) == 0)
			return true;
	return false;
}

static int no_host(const struct fetching *fetching, const char *host)
{
	CLEANUP(text) struct text names = TEXT_INIT;
	char name[256];

	for (size_t i = 0; i < fetching->head_count; i++)
		if (host_of(fetching->heads[i]->name, name, sizeof name))
			text_printf(&names, "%s%s", names.size ? ", " : "", name);
	error_set(fetching->err, DD_NOT_FOUND, "%s has no book of a host '%.100s'",
		git_remote_url(fetching->link.remote), host);
	return error_hint(fetching->err, "it has %s%s", names.size ? "those of " : "none at all",
		text_string(&names));
}

static int host_check(const struct fetching *fetching, const char *host)
{
	const char *own = fetching->link.book->host_name;

	if (!host_is_there(fetching, host))
		return no_host(fetching, host);
	if (strcmp(own, host) == 0 || !host_is_there(fetching, own))
		return 0;
	error_set(fetching->err, DD_REFUSED,
		"%s has a book of this machine's own name, %s: one of %s would push to the same "
		"branches",
		git_remote_url(fetching->link.remote), own, host);
	return error_hint(fetching->err,
		"restore it on a machine that is called %s, or by another name", host);
}

/* ---- names ---- */

static bool branch_fits(const char *rest)
{
	if (strncmp(rest, "domains/", 8) == 0)
		return uuid_valid(rest + 8);
	/* with the keys of this host, and of those that it took domains over from */
	return strcmp(rest, "book") == 0 || (strncmp(rest, "books/", 6) == 0 && rest[6]);
}

/* "domains/UUID/LABEL" */
static bool tag_fits(const char *rest)
{
	char uuid[UUID_SIZE];
	const char *slash = strncmp(rest, "domains/", 8) == 0 ? strchr(rest + 8, '/') : NULL;

	if (!slash || !slash[1] || strchr(slash + 1, '/') || strchr(slash, '^'))
		return false;
	snprintf(uuid, sizeof uuid, "%.*s", (int)(slash - rest - 8), rest + 8);
	return uuid_valid(uuid);
}

static const struct {
	const char *there, *here;
	bool (*fits)(const char *rest);
} places[] = {
	{HOST_REFS, "refs/heads/", branch_fits},
	{HOST_TAG_REFS, "refs/tags/", tag_fits},
};

#define PLACES (sizeof places / sizeof places[0])

static int line_add(struct fetching *fetching, const git_remote_head *head, const char *host)
{
	size_t length = strlen(host);

	for (size_t i = 0; i < PLACES; i++) {
		const char *rest = head->name + strlen(places[i].there);
		struct line *line = &fetching->lines[fetching->line_count];
		int valid = 0, rc;

		if (strncmp(head->name, places[i].there, strlen(places[i].there)) != 0 ||
			strncmp(rest, host, length) != 0 || rest[length] != '/' ||
			!places[i].fits(rest + length + 1) ||
			git_reference_name_is_valid(&valid, head->name) < 0 || !valid)
			continue;
		rc = string_format(
			&line->name, fetching->err, "%s%s", places[i].here, rest + length + 1);
		if (rc)
			return rc;
		line->oid = head->oid;
		fetching->line_count++;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->name, ((const struct line *)b)->name);
}

/* In one file, as git has many: the first checkpoint writes it anew. */
static int lines_write(struct fetching *fetching)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	char hex[GIT_OID_HEXSZ + 1];
	int rc = book_path(fetching->link.book, PACKED, &path, fetching->err);

	text_puts(&text, "# pack-refs with: sorted \n");
	for (size_t i = 0; i < fetching->line_count; i++)
		text_printf(&text, "%s %s\n",
			git_oid_tostr(hex, sizeof hex, &fetching->lines[i].oid),
			fetching->lines[i].name);
	if (!rc && text_failed(&text))
		rc = error_no_memory(fetching->err);
	return rc ? rc : file_replace(path, 0644, text.data, text.size, fetching->err);
}

static int names_take(struct fetching *fetching, const char *host)
{
	int rc = 0;

	fetching->lines = calloc(fetching->head_count, sizeof *fetching->lines);
	if (!fetching->lines)
		return error_no_memory(fetching->err);
	for (size_t i = 0; !rc && i < fetching->head_count; i++)
		rc = line_add(fetching, fetching->heads[i], host);
	if (!rc)
		qsort(fetching->lines, fetching->line_count, sizeof *fetching->lines, by_name);
	return rc;
}

/* ---- objects ---- */

static int download(struct fetching *fetching, const char *host)
{
	git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
	CLEANUP(free) char *branches = NULL;
	CLEANUP(free) char *tags = NULL;
	int code, rc = string_format(
			  &branches, fetching->err, HOST_REFS "%s/*:" REMOTE_REFS "*", host);

	if (!rc)
		rc = string_format(
			&tags, fetching->err, HOST_TAG_REFS "%s/*:" REMOTE_REFS "tags/*", host);
	if (rc)
		return rc;

	git_strarray specs = {(char *[]){branches, tags}, 2};

	remote_callbacks(&fetching->link, &options.callbacks);
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	code = git_remote_download(fetching->link.remote, &specs, &options);
	return code ? remote_failure(&fetching->link, code, "cannot fetch from", fetching->err) : 0;
}

int remote_fetch_host(struct book *book, const char *name, const char *host, struct dd_error *err)
{
	CLEANUP(fetching) struct fetching fetching = {.err = err};
	int rc = remote_connect(book, name, GIT_DIRECTION_FETCH, &fetching.link, err);
	int code;

	if (rc)
		return rc;
	code = git_remote_ls(&fetching.heads, &fetching.head_count, fetching.link.remote);
	if (code)
		return remote_failure(&fetching.link, code, "cannot list", err);
	rc = host_check(&fetching, host);
	/* the list of names is the link's, until it is used again */
	if (!rc)
		rc = names_take(&fetching, host);
	if (!rc)
		rc = download(&fetching, host);
	/* last: what a branch leads to is not asked for */
	return rc ? rc : lines_write(&fetching);
}
