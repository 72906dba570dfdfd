/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a remote: what it has, beside what we have. */
#include "store/remote/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void transfer_release(struct transfer *transfer)
{
	for (size_t i = 0; i < transfer->spec_count; i++)
		free(transfer->specs[i]);
	free(transfer->specs);
	free(transfer->heads);
	text_release(&transfer->claimed);
	remote_release(&transfer->link);
}

/* ---- what the remote has ---- */

static int by_name(const void *a, const void *b)
{
	const git_remote_head *const *one = a;
	const git_remote_head *const *other = b;

	return strcmp((*one)->name, (*other)->name);
}

int transfer_heads(struct transfer *transfer)
{
	const git_remote_head **heads;
	int code = git_remote_ls(&heads, &transfer->head_count, transfer->link.remote);

	if (code)
		return remote_failure(&transfer->link, code, "cannot list", transfer->err);
	if (!transfer->head_count)
		return 0;
	transfer->heads = reallocarray(NULL, transfer->head_count, sizeof(const git_remote_head *));
	if (!transfer->heads)
		return error_no_memory(transfer->err);
	for (size_t i = 0; i < transfer->head_count; i++)
		transfer->heads[i] = heads[i];
	qsort(transfer->heads, transfer->head_count, sizeof(const git_remote_head *), by_name);
	return 0;
}

/* NULL: it has no such ref. */
const git_oid *transfer_head(const struct transfer *transfer, const char *name)
{
	git_remote_head wanted = {.name = (char *)(uintptr_t)name};
	const git_remote_head *key = &wanted;
	const git_remote_head **found =
		transfer->head_count ? bsearch(&key, transfer->heads, transfer->head_count,
					       sizeof(const git_remote_head *), by_name)
				     : NULL;

	return found ? &(*found)->oid : NULL;
}

/* ---- comparing ---- */

/* What becomes of a branch at before (NULL: none) that is to go to after. */
int transfer_compare(struct transfer *transfer, const git_oid *before, const git_oid *after,
	enum branch_outcome *out)
{
	struct book *book = transfer->link.book;
	git_object_t type;
	size_t size;
	bool there;
	int code, rc;

	*out = BRANCH_CREATED;
	if (!before)
		return 0;
	*out = BRANCH_CURRENT;
	if (git_oid_equal(before, after))
		return 0;
	*out = BRANCH_DIVERGED;
	rc = object_there(book, before, &there, transfer->err);
	if (rc || !there)
		return rc;
	if (git_odb_read_header(&size, &type, book->objects, after) == 0 &&
		type != GIT_OBJECT_COMMIT)
		return 0;
	code = git_graph_descendant_of(book->whole, after, before);
	if (code < 0)
		return object_failure(book, code, NULL, "cannot compare branches", transfer->err);
	if (code)
		*out = BRANCH_FORWARDED;
	return 0;
}

int transfer_tell(struct transfer *transfer, const char *host, const char *uuid,
	enum branch_outcome outcome, const git_oid *before, const git_oid *after)
{
	char hex[2][GIT_OID_HEXSZ + 1] = {"", ""};
	struct branch_report report = {host, uuid, outcome, hex[0], hex[1]};

	if (before)
		git_oid_tostr(hex[0], sizeof hex[0], before);
	git_oid_tostr(hex[1], sizeof hex[1], after);
	if (outcome == BRANCH_DIVERGED && !transfer->diverged++)
		snprintf(transfer->first, sizeof transfer->first, "%s%s of host %.64s",
			uuid ? "domain " : "the branch book", uuid ? uuid : "", host);
	transfer->other_book |= outcome == BRANCH_DIVERGED && !uuid;
	return transfer->visit ? transfer->visit(&report, transfer->context) : 0;
}

int transfer_conclude(const struct transfer *transfer, const char *what)
{
	char more[48] = "";

	if (!transfer->diverged)
		return 0;
	if (transfer->diverged > 1)
		snprintf(more, sizeof more, " (and of %zu more)", transfer->diverged - 1);
	error_set(transfer->err, DD_CONFLICT, "what %s has of %s%s %s", transfer->name,
		transfer->first, more, what);
	return error_hint(transfer->err, "that history was rewritten, or two books have one host's "
					 "name: compare them before "
					 "anything is removed; all other branches are up to date");
}
