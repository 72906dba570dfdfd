/* SPDX-License-Identifier: Apache-2.0 */
/* What a remote says of the owners of domains (ownership.h). */
#include <string.h>

#include "store/git/ref.h"
#include "store/remote/ownership.h"
#include "store/remote/transfer.h"

/* The host on whose branch of the domain that commit is; of several any. */
static int claim_find(struct transfer *transfer, struct owner_claim *claim, char *host, size_t size)
{
	struct book *book = transfer->link.book;

	for (size_t i = 0; i < transfer->head_count; i++) {
		const char *name = transfer->heads[i]->name, *uuid;
		CLEANUP(free) char *book_name = NULL;
		const git_oid *host_book, *head = &transfer->heads[i]->oid;
		bool follows;
		int rc;

		if (strncmp(name, HOST_REFS, strlen(HOST_REFS)) != 0 ||
			!branch_parts(name + strlen(HOST_REFS), host, size, &uuid) || !uuid ||
			strcmp(uuid, claim->uuid) != 0 || strcmp(host, book->host_name) == 0)
			continue;
		rc = object_there(book, head, &follows, transfer->err);
		if (!rc && follows)
			rc = history_follows(book, head, &claim->owned, &follows, transfer->err);
		if (rc)
			return rc;
		if (!follows)
			continue;
		rc = string_format(&book_name, transfer->err, HOST_REFS "%s/book", host);
		if (rc)
			return rc;
		host_book = transfer_head(transfer, book_name);
		if (!host_book)
			continue;
		claim->host = host;
		claim->head = *head;
		claim->host_book = *host_book;
		return 0;
	}
	return 0;
}

static int owner_heed(struct transfer *transfer, const git_remote_head *ref)
{
	struct book *book = transfer->link.book;
	struct owner_claim claim = {.uuid = ref->name + strlen(OWNER_REFS), .owned = ref->oid};
	char host[256];
	bool lost = false;
	int rc = claim_find(transfer, &claim, host, sizeof host);

	if (!rc && claim.host)
		rc = ownership_heed(book, &claim, &lost, transfer->err);
	return rc || !lost
		       ? rc
		       : transfer_tell(transfer, host, claim.uuid, BRANCH_LOST, NULL, &claim.owned);
}

/* Of owners that we did not know of; *unseen: there is one whose history is not here. */
int transfer_heed_owners(struct transfer *transfer, bool *unseen)
{
	struct book *book = transfer->link.book;
	int rc = 0;

	*unseen = false;
	for (size_t i = 0; !rc && i < transfer->head_count; i++) {
		const git_remote_head *ref = transfer->heads[i];
		const char *uuid = ref->name + strlen(OWNER_REFS);
		bool doubtful, there;

		if (strncmp(ref->name, OWNER_REFS, strlen(OWNER_REFS)) != 0 || !uuid_valid(uuid))
			continue;
		rc = ownership_doubtful(book, uuid, &ref->oid, &doubtful, transfer->err);
		if (rc || !doubtful)
			continue;
		rc = object_there(book, &ref->oid, &there, transfer->err);
		if (!rc && there)
			rc = owner_heed(transfer, ref);
		*unseen = *unseen || !there;
	}
	return rc;
}

/* Before anything is said of our own. */
int transfer_ask_owners(struct transfer *transfer)
{
	CLEANUP(transfer)
	struct transfer theirs = {.name = transfer->name, .err = transfer->err};
	bool unseen;
	int rc = transfer_heed_owners(transfer, &unseen);

	if (rc || !unseen)
		return rc;
	rc = remote_connect(transfer->link.book, transfer->name, GIT_DIRECTION_FETCH, &theirs.link,
		transfer->err);
	if (!rc)
		rc = transfer_fetch(&theirs);
	return rc ? rc : transfer_heed_owners(transfer, &unseen);
}

static int owners_confirm(struct transfer *transfer)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < transfer->head_count; i++) {
		const git_remote_head *ref = transfer->heads[i];
		const char *uuid = ref->name + strlen(OWNER_REFS);

		if (strncmp(ref->name, OWNER_REFS, strlen(OWNER_REFS)) == 0 && uuid_valid(uuid))
			rc = ownership_confirm(transfer->link.book, uuid, &ref->oid, transfer->err);
	}
	return rc;
}

int book_ask_owners(struct book *book, const char *remote, branch_fn *visit, void *context,
	struct dd_error *err)
{
	struct dd_error own = {0};
	CLEANUP(transfer)
	struct transfer transfer = {
		.name = remote, .visit = visit, .context = context, .err = err ? err : &own};
	int rc;

	repository_forget(book);
	rc = remote_connect(book, remote, GIT_DIRECTION_FETCH, &transfer.link, transfer.err);
	if (!rc)
		rc = transfer_heads(&transfer);
	if (!rc)
		rc = owners_confirm(&transfer);
	return rc ? rc : transfer_ask_owners(&transfer);
}
