/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains that another host owns by now. Their history ends with versions that this book has not
 * signed: the receipt of the host that they went to, whose branch "book" was kept. So such a
 * history counts where the domain's own branch, or the row in the old book.db, ends with it, and
 * all of it is signed by whom it should down to version 1. What others only pushed to a remote
 * leads to nothing here.
 */
#include <stdio.h>
#include <string.h>

#include "store/checkpoint/books.h"
#include "store/key/lineage.h"
#include "store/recovery/reindex.h"

/* One that cannot be read for what is in it is none. */
static int history_try(struct reindex *reindex, const char *uuid, const git_oid *head,
	const git_oid *host_book, struct given_away *out)
{
	CLEANUP(lineage) struct lineage lineage = {.commits = NULL};
	CLEANUP(version_info) struct version_info info = {0};
	struct dd_error reason = {0};
	const char *host;
	int rc = lineage_read(
		reindex->book, uuid, head, host_book, NULL, true, NULL, &lineage, &reason);

	if (!rc)
		rc = version_read(reindex->book, 0, head, &info, &reason);
	if (reindex_hindered(rc))
		return error_set(reindex->err, rc, "%s", reason.message);
	host = rc ? NULL : version_trailer(&info, "Host");
	if (!host || !host_name_valid(host))
		return 0;
	*out = (struct given_away){.found = true, .book = *host_book, .epoch = lineage.epoch};
	snprintf(out->host, sizeof out->host, "%s", host);
	return 0;
}

struct books_search {
	struct reindex *reindex;
	const char *uuid;
	const git_oid *head;
	struct given_away *out;
};

static int book_try(const char *name, void *context)
{
	struct books_search *search = context;
	struct reindex *reindex = search->reindex;
	git_oid oid;
	int code =
		search->out->found ? 0 : git_reference_name_to_id(&oid, reindex->book->whole, name);

	if (code)
		return reindex_unread(reindex, code, NULL, "cannot read a branch");
	return search->out->found
		       ? 0
		       : history_try(reindex, search->uuid, search->head, &oid, search->out);
}

/* Of the hosts whose keys were kept, the one that has the domain now. */
static int books_try(
	struct reindex *reindex, const char *uuid, const git_oid *head, struct given_away *out)
{
	struct books_search search = {reindex, uuid, head, out};

	return reindex_refs(reindex, BOOKS_REFS, book_try, &search);
}

int given_away_find(struct reindex *reindex, const struct verification *verification,
	const struct sighting *list, size_t count, struct given_away *out)
{
	struct book *book = reindex->book;
	char name[sizeof DOMAIN_REFS + UUID_SIZE];
	git_oid head, host_book;
	bool found;
	int rc = old_given_away(reindex, list->uuid, &head, &host_book, &found);
	int code;

	*out = (struct given_away){.found = false};
	if (rc || found)
		return rc ? rc : history_try(reindex, list->uuid, &head, &host_book, out);
	snprintf(name, sizeof name, DOMAIN_REFS "%s", list->uuid);
	code = book->whole ? git_reference_name_to_id(&head, book->whole, name) : GIT_ENOTFOUND;
	if (code == GIT_ENOTFOUND)
		return 0;
	if (code)
		return reindex_unread(reindex, code, NULL, "cannot read a branch");
	for (size_t i = 0; i < count; i++)
		if (git_oid_equal(&list[i].oid, &head))
			return sighting_own(verification, &list[i])
				       ? 0
				       : books_try(reindex, list->uuid, &head, out);
	return 0;
}
