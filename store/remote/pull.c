/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branches from a remote, of every host that pushed there. What was fetched once stays: a branch
 * that does not go on from it is named and left.
 */
#include <stdio.h>
#include <string.h>

#include "store/git/ref.h"
#include "store/remote/ownership.h"
#include "store/remote/transfer.h"

static int download(struct transfer *transfer)
{
	static char wanted[] = HOST_REFS "*:" REMOTE_REFS "*";
	git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
	git_strarray specs = {(char *[]){wanted}, 1};
	int code;

	remote_callbacks(&transfer->link, &options.callbacks);
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	code = git_remote_download(transfer->link.remote, &specs, &options);
	return code ? remote_failure(&transfer->link, code, "cannot fetch from", transfer->err) : 0;
}

bool branch_parts(const char *rest, char *host, size_t size, const char **uuid)
{
	const char *slash = strchr(rest, '/');

	if (!slash || (size_t)(slash - rest) >= size)
		return false;
	snprintf(host, size, "%.*s", (int)(slash - rest), rest);
	*uuid = NULL;
	if (strcmp(slash, "/book") == 0 ||
		(strncmp(slash, "/books/", strlen("/books/")) == 0 && !strchr(slash + 7, '/')))
		return true;
	if (strncmp(slash, "/domains/", strlen("/domains/")) != 0)
		return false;
	*uuid = slash + strlen("/domains/");
	return uuid_valid(*uuid);
}

static int receive_branch(struct transfer *transfer, const git_remote_head *head)
{
	struct book *book = transfer->link.book;
	const char *rest = head->name + strlen(HOST_REFS);
	CLEANUP(free) char *here = NULL;
	enum branch_outcome outcome;
	char host[256];
	const char *uuid;
	git_oid oid;
	int code, rc;

	if (!branch_parts(rest, host, sizeof host, &uuid))
		return 0;
	rc = string_format(&here, transfer->err, REMOTE_REFS "%s/%s", transfer->name, rest);
	if (rc)
		return rc;
	code = git_reference_name_to_id(&oid, book->whole, here);
	if (code && code != GIT_ENOTFOUND)
		return repository_failure(book, code, "cannot read the branches", transfer->err);

	const git_oid *before = code ? NULL : &oid;

	rc = transfer_compare(transfer, before, &head->oid, &outcome);
	if (!rc && (outcome == BRANCH_CREATED || outcome == BRANCH_FORWARDED))
		rc = ref_point(book, here, &head->oid, transfer->err);
	return rc ? rc : transfer_tell(transfer, host, uuid, outcome, before, &head->oid);
}

/* Whose claim of a domain counts; beside the hosts' branches, whose names are longer. */
static int receive_owner(struct transfer *transfer, const git_remote_head *head)
{
	const char *uuid = head->name + strlen(OWNER_REFS);
	struct book *book = transfer->link.book;
	CLEANUP(free) char *here = NULL;
	bool there = false;
	git_oid before;
	int rc = uuid_valid(uuid) ? object_there(book, &head->oid, &there, transfer->err) : 0;

	if (rc || !there)
		return rc;
	rc = string_format(&here, transfer->err, FETCHED_OWNER, transfer->name, uuid);
	if (rc || (git_reference_name_to_id(&before, book->whole, here) == 0 &&
			  git_oid_equal(&before, &head->oid)))
		return rc;
	return ref_point(book, here, &head->oid, transfer->err);
}

static int receive_all(struct transfer *transfer)
{
	struct book *book = transfer->link.book;
	/* a checkpoint writes refs too */
	int rc = database_lock(
		&book->database, SLOT_CHECKPOINT, "pull", book->wait_ms, transfer->err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < transfer->head_count; i++) {
		const git_remote_head *head = transfer->heads[i];

		if (strncmp(head->name, HOST_REFS, strlen(HOST_REFS)) == 0)
			rc = receive_branch(transfer, head);
		else if (strncmp(head->name, OWNER_REFS, strlen(OWNER_REFS)) == 0)
			rc = receive_owner(transfer, head);
	}
	database_unlock(&book->database, SLOT_CHECKPOINT);
	return rc;
}

int transfer_fetch(struct transfer *transfer)
{
	int rc = transfer_heads(transfer);

	if (!rc)
		rc = download(transfer);
	return rc ? rc : receive_all(transfer);
}

int book_pull(struct book *book, const char *remote, branch_fn *visit, void *context,
	struct dd_error *err)
{
	struct dd_error own = {0};
	CLEANUP(transfer)
	struct transfer transfer = {
		.name = remote, .visit = visit, .context = context, .err = err ? err : &own};
	bool unseen;
	int rc;

	repository_forget(book);
	rc = remote_connect(book, remote, GIT_DIRECTION_FETCH, &transfer.link, transfer.err);
	if (!rc)
		rc = transfer_fetch(&transfer);
	if (!rc)
		rc = transfer_heed_owners(&transfer, &unseen);
	return rc ? rc : transfer_conclude(&transfer, "does not follow what was fetched before");
}
