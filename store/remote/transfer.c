/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branches to a remote and from it.
 *
 * Before anything is sent, each branch is compared with what the other side has: it goes only where
 * it is a later state of that. So a remote never loses a version by us, and one that has lost or
 * changed one is noticed, here and by every other host that once fetched it. Tags are no history:
 * the newest wins.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/remote/ownership.h"
#include "store/remote/remote.h"

#define LOCK_SECONDS 100 /* that nobody takes to move a branch */

typedef int branch_fn(const struct branch_report *branch, void *context);

struct transfer {
	struct remote_link link;
	const char *name; /* of the remote */
	branch_fn *visit;
	void *context;
	size_t domains, seen; /* that should have a branch here, and those that have */
	size_t diverged;
	bool other_book;                /* the branch "book" is among them */
	char first[2 * UUID_SIZE + 64]; /* that diverged, in words */
	const git_remote_head **heads;  /* what the remote has, by name */
	size_t head_count;
	char **specs; /* refspecs to push */
	size_t spec_count, spec_room;
	bool held;           /* SLOT_CHECKPOINT */
	struct text claimed; /* UUIDs of domains that the remote will know to be ours, with a NUL */
	struct dd_error *err;
};

static void cleanup_transfer(struct transfer *transfer)
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

static int heads_read(struct transfer *transfer)
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
static const git_oid *head_find(const struct transfer *transfer, const char *name)
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
static int outcome_of(struct transfer *transfer, const git_oid *before, const git_oid *after,
	enum branch_outcome *out)
{
	struct book *book = transfer->link.book;
	int code;

	*out = BRANCH_CREATED;
	if (!before)
		return 0;
	*out = BRANCH_CURRENT;
	if (git_oid_equal(before, after))
		return 0;
	*out = BRANCH_DIVERGED;
	if (!git_odb_exists(book->objects, before))
		return 0;
	code = git_graph_descendant_of(book->whole, after, before);
	if (code < 0)
		return repository_failure(book, code, "cannot compare branches", transfer->err);
	if (code)
		*out = BRANCH_FORWARDED;
	return 0;
}

static int tell(struct transfer *transfer, const char *host, const char *uuid,
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

static int conclude(const struct transfer *transfer, const char *what)
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

static int other_book(const struct transfer *transfer)
{
	error_set(transfer->err, DD_CONFLICT,
		"%s has another book under the name of this host, %s: its keys do not lead to "
		"those "
		"of this one, and nothing was pushed",
		transfer->name, transfer->link.book->host_name);
	return error_hint(transfer->err,
		"was this host restored elsewhere, or another machine given its name? One of the "
		"two must not go on");
}

/* ---- push ---- */

static int spec_add(struct transfer *transfer, const char *flag, const char *from, const char *to)
{
	if (transfer->spec_count == transfer->spec_room) {
		size_t room = transfer->spec_room ? transfer->spec_room * 2 : 64;
		char **more = reallocarray(transfer->specs, room, sizeof *more);

		if (!more)
			return error_no_memory(transfer->err);
		transfer->specs = more;
		transfer->spec_room = room;
	}

	int rc = string_format(
		&transfer->specs[transfer->spec_count], transfer->err, "%s%s:%s", flag, from, to);

	transfer->spec_count += !rc;
	return rc;
}

/* Where others look for who owns it, of a domain that came from another host. */
static int consider_claim(
	struct transfer *transfer, const char *name, const char *uuid, const git_oid *oid)
{
	char there[sizeof OWNER_REFS + UUID_SIZE];
	enum branch_outcome outcome;
	const git_oid *before;
	bool claimed;
	int rc = ownership_claimed(transfer->link.book, uuid, &claimed, transfer->err);

	if (rc || !claimed)
		return rc;
	snprintf(there, sizeof there, OWNER_REFS "%s", uuid);
	before = head_find(transfer, there);
	rc = outcome_of(transfer, before, oid, &outcome);
	if (rc)
		return rc;
	if (outcome == BRANCH_DIVERGED)
		return tell(transfer, transfer->link.book->host_name, uuid, outcome, before, oid);
	if (outcome != BRANCH_CURRENT)
		rc = spec_add(transfer, "", name, there);
	text_add(&transfer->claimed, uuid, UUID_SIZE);
	return rc || !text_failed(&transfer->claimed) ? rc : error_no_memory(transfer->err);
}

static int consider_branch(struct transfer *transfer, const char *name, const git_oid *oid)
{
	const char *rest = name + strlen("refs/heads/");
	const char *host = transfer->link.book->host_name;
	const char *uuid = strncmp(name, DOMAIN_REFS, strlen(DOMAIN_REFS)) == 0
				   ? name + strlen(DOMAIN_REFS)
				   : NULL;
	CLEANUP(free) char *there = NULL;
	enum branch_outcome outcome;
	const git_oid *before;
	int rc;

	if (!uuid && strcmp(name, BOOK_REF) != 0 &&
		strncmp(name, BOOKS_REFS, strlen(BOOKS_REFS)) != 0)
		return 0; /* somebody else's */
	rc = string_format(&there, transfer->err, HOST_REFS "%s/%s", host, rest);
	if (rc)
		return rc;
	transfer->seen += uuid != NULL;
	before = head_find(transfer, there);
	rc = outcome_of(transfer, before, oid, &outcome);
	if (!rc && (outcome == BRANCH_CREATED || outcome == BRANCH_FORWARDED))
		rc = spec_add(transfer, "", name, there);
	if (!rc && uuid)
		rc = consider_claim(transfer, name, uuid, oid);
	return rc ? rc : tell(transfer, host, uuid, outcome, before, oid);
}

static int consider_tag(struct transfer *transfer, const char *name, const git_oid *oid)
{
	CLEANUP(free) char *there = NULL;
	const git_oid *before;
	int rc = string_format(&there, transfer->err, HOST_TAG_REFS "%s/%s",
		transfer->link.book->host_name, name + strlen("refs/tags/"));

	if (rc)
		return rc;
	before = head_find(transfer, there);
	return before && git_oid_equal(before, oid) ? 0 : spec_add(transfer, "+", name, there);
}

static int consider_all(struct transfer *transfer, const char *glob,
	int (*consider)(struct transfer *transfer, const char *name, const git_oid *oid))
{
	struct book *book = transfer->link.book;
	git_reference_iterator *refs = NULL;
	git_reference *ref = NULL;
	int rc = 0, code = git_reference_iterator_glob_new(&refs, book->whole, glob);

	while (!rc && !code && (code = git_reference_next(&ref, refs)) == 0) {
		const git_oid *oid = git_reference_target(ref);

		if (oid)
			rc = consider(transfer, git_reference_name(ref), oid);
		git_reference_free(ref);
	}
	git_reference_iterator_free(refs);
	if (rc || code == GIT_ITEROVER || !code)
		return rc;
	return repository_failure(book, code, "cannot read the branches", transfer->err);
}

/* A tag that was taken away here goes there too. */
static int drop_tags(struct transfer *transfer)
{
	struct book *book = transfer->link.book;
	CLEANUP(free) char *own = NULL;
	int rc = string_format(&own, transfer->err, HOST_TAG_REFS "%s/domains/", book->host_name);

	for (size_t i = 0; !rc && i < transfer->head_count; i++) {
		const char *there = transfer->heads[i]->name;
		CLEANUP(free) char *here = NULL;
		git_oid oid;

		if (strncmp(there, own, strlen(own)) != 0 || strchr(there, '^'))
			continue;
		rc = string_format(&here, transfer->err, TAG_REFS "%s", there + strlen(own));
		if (!rc && git_reference_name_to_id(&oid, book->whole, here) == GIT_ENOTFOUND)
			rc = spec_add(transfer, "", "", there);
	}
	return rc;
}

/* The other side's word on one ref. */
static int refused(const char *ref, const char *status, void *payload)
{
	struct remote_link *link = payload;

	if (!status || link->refusal.code)
		return 0;
	error_set(&link->refusal, DD_REFUSED, "it refused %s: %s", ref, status);
	if (strstr(status, ".lock"))
		error_hint(&link->refusal,
			"somebody moves that branch, or died doing so: try again in two minutes");
	return 0;
}

/* Where the remote is a folder of this machine; NULL: it is not. */
static const char *local_folder(const struct transfer *transfer)
{
	static const char scheme[] = "file://";
	const char *folder = git_remote_url(transfer->link.remote);

	if (strncmp(folder, scheme, sizeof scheme - 1) == 0)
		folder += sizeof scheme - 1;
	return folder[0] == '/' ? folder : NULL;
}

/*
 * In a repository on this machine, locks of what is to be pushed whose holder died. One is held for
 * the moment in which a line is written, and nobody else moves the branches of this host; but git
 * and libgit2 would wait for somebody to remove it.
 */
static void locks_clear(const struct transfer *transfer)
{
	const char *folder = local_folder(transfer);

	for (size_t i = 0; folder && i < transfer->spec_count; i++) {
		CLEANUP(free) char *path = NULL;
		struct stat status;

		if (string_format(&path, NULL, "%s/%s.lock", folder,
			    strrchr(transfer->specs[i], ':') + 1) == 0 &&
			lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
			status.st_mtime + LOCK_SECONDS < time(NULL))
			(void)unlink(path);
	}
}

/* There libgit2 syncs the folder of a branch, but not that the folder itself is there. */
static int folders_sync(struct transfer *transfer)
{
	static const struct {
		const char *above, *below; /* the host's name */
	} refs[] = {{"refs"}, {"refs/heads"}, {HOST_REFS}, {HOST_REFS, ""}, {HOST_REFS, "/domains"},
		{"refs/tags"}, {HOST_TAG_REFS}, {HOST_TAG_REFS, ""}, {HOST_TAG_REFS, "/domains"}};
	const char *folder = local_folder(transfer);
	int rc = 0;

	for (size_t i = 0; !rc && folder && i < sizeof refs / sizeof refs[0]; i++) {
		CLEANUP(free) char *path = NULL;

		rc = string_format(&path, transfer->err, "%s/%s%s%s", folder, refs[i].above,
			refs[i].below ? transfer->link.book->host_name : "",
			refs[i].below ? refs[i].below : "");
		if (!rc && access(path, F_OK) == 0)
			rc = folder_sync(path, transfer->err);
	}
	return rc;
}

/*
 * Branches of two moments would be a gap in the chain, for whoever restores from them. So no
 * checkpoint moves one until libgit2, too, has read where they are; it needs no network for that.
 */
static int refs_hold(struct transfer *transfer)
{
	struct book *book = transfer->link.book;
	int rc = database_lock(
		&book->database, SLOT_CHECKPOINT, "push", book->wait_ms, transfer->err);

	transfer->held = !rc;
	return rc;
}

static void refs_let_go(struct transfer *transfer)
{
	if (transfer->held)
		database_unlock(&transfer->link.book->database, SLOT_CHECKPOINT);
	transfer->held = false;
}

static int refs_were_read(const git_push_update **updates, size_t count, void *payload)
{
	struct remote_link *link = payload;

	(void)updates;
	(void)count;
	/* the link is in a transfer */
	refs_let_go((struct transfer *)((char *)link - offsetof(struct transfer, link)));
	return 0;
}

static int upload(struct transfer *transfer)
{
	git_push_options options = GIT_PUSH_OPTIONS_INIT;
	git_strarray specs = {transfer->specs, transfer->spec_count};
	int code;

	/* keys that do not follow each other: what either signs is nothing to the other */
	if (!transfer->spec_count || transfer->other_book)
		return 0;
	locks_clear(transfer);
	remote_callbacks(&transfer->link, &options.callbacks);
	options.callbacks.push_negotiation = refs_were_read;
	options.callbacks.push_update_reference = refused;
	code = git_remote_upload(transfer->link.remote, &specs, &options);
	if (code || transfer->link.refusal.code)
		return remote_failure(&transfer->link, code, "cannot push to", transfer->err);
	return folders_sync(transfer);
}

/* Each has a branch after the next checkpoint, but for what another host owns; and none ever goes.
 */
static int domains_count(struct transfer *transfer)
{
	struct statement statement = statement_begin(&transfer->link.book->database,
		"SELECT count(*) FROM domain WHERE owner_book IS NULL");

	if (statement_row(&statement))
		transfer->domains = (size_t)statement_integer(&statement, 0);
	return statement_end(&statement, transfer->err);
}

/*
 * Libgit2 passes over branches whose folder it cannot list, and takes packed-refs, where the branch
 * "book" always is, for missing from then on where it could not look at it once.
 */
static int refs_judge(struct transfer *transfer)
{
	struct book *book = transfer->link.book;
	git_oid oid;

	if (transfer->seen >= transfer->domains &&
		git_reference_name_to_id(&oid, book->whole, BOOK_REF) == 0)
		return 0;
	error_set(transfer->err, DD_SYSTEM, "the branches of %s/book.git cannot all be read",
		book->folder);
	return error_hint(transfer->err, "try again; does 'domesday verify' find them?");
}

/* ---- who owns what ---- */

/* The host on whose branch of the domain that commit is; of several any. */
static int claim_find(struct transfer *transfer, struct owner_claim *claim, char *host, size_t size)
{
	struct book *book = transfer->link.book;

	for (size_t i = 0; i < transfer->head_count; i++) {
		const char *name = transfer->heads[i]->name, *uuid;
		CLEANUP(free) char *book_name = NULL;
		const git_oid *host_book;
		int rc;

		if (strncmp(name, HOST_REFS, strlen(HOST_REFS)) != 0 ||
			!branch_parts(name + strlen(HOST_REFS), host, size, &uuid) || !uuid ||
			strcmp(uuid, claim->uuid) != 0 || strcmp(host, book->host_name) == 0 ||
			!git_odb_exists(book->objects, &transfer->heads[i]->oid))
			continue;
		if (!git_oid_equal(&transfer->heads[i]->oid, &claim->owned) &&
			git_graph_descendant_of(
				book->repository, &transfer->heads[i]->oid, &claim->owned) != 1)
			continue;
		rc = string_format(&book_name, transfer->err, HOST_REFS "%s/book", host);
		if (rc)
			return rc;
		host_book = head_find(transfer, book_name);
		if (!host_book)
			continue;
		claim->host = host;
		claim->head = transfer->heads[i]->oid;
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
	return rc || !lost ? rc : tell(transfer, host, claim.uuid, BRANCH_LOST, NULL, &claim.owned);
}

/* Of owners that we did not know of; *unseen: there is one whose history is not here. */
static int owners_heed(struct transfer *transfer, bool *unseen)
{
	struct book *book = transfer->link.book;
	int rc = 0;

	*unseen = false;
	for (size_t i = 0; !rc && i < transfer->head_count; i++) {
		const git_remote_head *ref = transfer->heads[i];
		const char *uuid = ref->name + strlen(OWNER_REFS);
		bool doubtful;

		if (strncmp(ref->name, OWNER_REFS, strlen(OWNER_REFS)) != 0 || !uuid_valid(uuid))
			continue;
		rc = ownership_doubtful(book, uuid, &ref->oid, &doubtful, transfer->err);
		if (rc || !doubtful)
			continue;
		if (git_odb_exists(book->objects, &ref->oid))
			rc = owner_heed(transfer, ref);
		else
			*unseen = true;
	}
	return rc;
}

static int fetch(struct transfer *transfer);

/* Before anything is said of our own. */
static int owners_ask(struct transfer *transfer)
{
	CLEANUP(transfer)
	struct transfer theirs = {.name = transfer->name, .err = transfer->err};
	bool unseen;
	int rc = owners_heed(transfer, &unseen);

	if (rc || !unseen)
		return rc;
	rc = remote_connect(transfer->link.book, transfer->name, GIT_DIRECTION_FETCH, &theirs.link,
		transfer->err);
	if (!rc)
		rc = fetch(&theirs);
	return rc ? rc : owners_heed(transfer, &unseen);
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
	int rc = remote_connect(book, remote, GIT_DIRECTION_FETCH, &transfer.link, transfer.err);

	if (!rc)
		rc = heads_read(&transfer);
	if (!rc)
		rc = owners_confirm(&transfer);
	return rc ? rc : owners_ask(&transfer);
}

static int owners_told(struct transfer *transfer)
{
	int rc = 0;

	for (size_t at = 0; !rc && at < transfer->claimed.size; at += UUID_SIZE)
		rc = ownership_told(
			transfer->link.book, transfer->claimed.data + at, transfer->err);
	return rc;
}

static int push(struct transfer *transfer)
{
	struct book *book = transfer->link.book;
	int rc = domains_count(transfer);

	if (!rc)
		rc = book_checkpoint(book, transfer->err);
	if (!rc)
		rc = remote_connect(
			book, transfer->name, GIT_DIRECTION_PUSH, &transfer->link, transfer->err);
	if (!rc)
		rc = heads_read(transfer);
	if (!rc)
		rc = owners_ask(transfer);
	if (!rc)
		rc = refs_hold(transfer);
	if (!rc)
		rc = consider_all(transfer, "refs/heads/*", consider_branch);
	if (!rc)
		rc = consider_all(transfer, TAG_REFS "*", consider_tag);
	if (!rc)
		rc = drop_tags(transfer);
	if (!rc)
		rc = refs_judge(transfer);
	if (!rc)
		rc = upload(transfer);
	refs_let_go(transfer);
	/* what libgit2 opened meanwhile may be half of it */
	if (rc)
		book->objects_doubtful = true;
	if (!rc && transfer->other_book)
		return other_book(transfer);
	if (!rc)
		rc = owners_told(transfer);
	return rc ? rc : conclude(transfer, "does not lead to what this book has");
}

int book_push(struct book *book, const char *remote, branch_fn *visit, void *context,
	struct dd_error *err)
{
	struct dd_error own = {0};
	CLEANUP(transfer)
	struct transfer transfer = {
		.link.book = book,
		.name = remote,
		.visit = visit,
		.context = context,
		.err = err ? err : &own,
	};

	return push(&transfer);
}

/* ---- pull ---- */

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
	git_reference *ref = NULL;
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

	rc = outcome_of(transfer, before, &head->oid, &outcome);
	if (!rc && (outcome == BRANCH_CREATED || outcome == BRANCH_FORWARDED)) {
		code = git_reference_create(&ref, book->whole, here, &head->oid, true, NULL);
		git_reference_free(ref);
		if (code)
			rc = repository_failure(book, code, "cannot set a branch", transfer->err);
	}
	return rc ? rc : tell(transfer, host, uuid, outcome, before, &head->oid);
}

static int receive_all(struct transfer *transfer)
{
	struct book *book = transfer->link.book;
	/* a checkpoint writes refs too */
	int rc = database_lock(
		&book->database, SLOT_CHECKPOINT, "pull", book->wait_ms, transfer->err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < transfer->head_count; i++)
		if (strncmp(transfer->heads[i]->name, HOST_REFS, strlen(HOST_REFS)) == 0)
			rc = receive_branch(transfer, transfer->heads[i]);
	database_unlock(&book->database, SLOT_CHECKPOINT);
	return rc;
}

static int fetch(struct transfer *transfer)
{
	int rc = heads_read(transfer);

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
	int rc = remote_connect(book, remote, GIT_DIRECTION_FETCH, &transfer.link, transfer.err);

	if (!rc)
		rc = fetch(&transfer);
	if (!rc)
		rc = owners_heed(&transfer, &unseen);
	return rc ? rc : conclude(&transfer, "does not follow what was fetched before");
}
