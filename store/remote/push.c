/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branches to a remote.
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

#include "store/checkpoint/books.h"
#include "store/folder.h"
#include "store/git/ref.h"
#include "store/lock/lock.h"
#include "store/remote/ownership.h"
#include "store/remote/transfer.h"

#define LOCK_SECONDS 100 /* that nobody takes to move a branch */
#define FIRST_SLEEP_MS 20
#define LONGEST_SLEEP_MS 500

/* ---- what is to be sent ---- */

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

/* Whom it was taken from may have gone on with it before anybody was told. */
static int consider_source(
	struct transfer *transfer, const char *uuid, const git_oid *oid, bool *vain)
{
	struct book *book = transfer->link.book;
	CLEANUP(free) char *there = NULL;
	const git_oid *theirs;
	bool known = true;
	char host[256];
	int rc = ownership_source(book, uuid, oid, host, sizeof host, transfer->err);

	*vain = false;
	if (rc || !*host)
		return rc;
	rc = string_format(&there, transfer->err, HOST_REFS "%s/domains/%s", host, uuid);
	theirs = rc ? NULL : transfer_head(transfer, there);
	if (theirs)
		rc = history_follows(book, oid, theirs, &known, transfer->err);
	if (rc || known)
		return rc;
	*vain = true;
	rc = ownership_vain(book, uuid, host, transfer->err);
	return rc ? rc : transfer_tell(transfer, host, uuid, BRANCH_LOST, NULL, theirs);
}

/* Where others look for who owns it, of a domain that came from another host. */
static int consider_claim(
	struct transfer *transfer, const char *name, const char *uuid, const git_oid *oid)
{
	char there[sizeof OWNER_REFS + UUID_SIZE];
	enum branch_outcome outcome;
	const git_oid *before;
	bool claimed, vain = false;
	int rc = ownership_claimed(transfer->link.book, uuid, &claimed, transfer->err);

	if (rc || !claimed)
		return rc;
	snprintf(there, sizeof there, OWNER_REFS "%s", uuid);
	before = transfer_head(transfer, there);
	rc = transfer_compare(transfer, before, oid, &outcome);
	if (rc)
		return rc;
	if (outcome == BRANCH_DIVERGED)
		return transfer_tell(
			transfer, transfer->link.book->host_name, uuid, outcome, before, oid);
	if (outcome != BRANCH_CURRENT)
		rc = consider_source(transfer, uuid, oid, &vain);
	if (rc || vain)
		return rc;
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

	rc = string_format(&there, transfer->err, HOST_REFS "%s/%s", host, rest);
	if (rc)
		return rc;
	transfer->seen += uuid != NULL;
	before = transfer_head(transfer, there);
	rc = transfer_compare(transfer, before, oid, &outcome);
	if (!rc && (outcome == BRANCH_CREATED || outcome == BRANCH_FORWARDED))
		rc = spec_add(transfer, "", name, there);
	if (!rc && uuid)
		rc = consider_claim(transfer, name, uuid, oid);
	return rc ? rc : transfer_tell(transfer, host, uuid, outcome, before, oid);
}

static int consider_tag(struct transfer *transfer, const char *name, const git_oid *oid)
{
	CLEANUP(free) char *there = NULL;
	const git_oid *before;
	int rc = string_format(&there, transfer->err, HOST_TAG_REFS "%s/%s",
		transfer->link.book->host_name, name + strlen("refs/tags/"));

	if (rc)
		return rc;
	before = transfer_head(transfer, there);
	return before && git_oid_equal(before, oid) ? 0 : spec_add(transfer, "+", name, there);
}

struct considering {
	struct transfer *transfer;
	int (*consider)(struct transfer *transfer, const char *name, const git_oid *oid);
};

static void cleanup_ref(git_reference **ref)
{
	git_reference_free(*ref);
}

static int consider_ref(const char *name, void *context)
{
	const struct considering *considering = context;
	struct transfer *transfer = considering->transfer;
	struct book *book = transfer->link.book;
	CLEANUP(ref) git_reference *ref = NULL;
	int code = git_reference_lookup(&ref, book->whole, name);

	if (code)
		return repository_failure(book, code, "cannot read the branches", transfer->err);
	if (git_reference_type(ref) != GIT_REFERENCE_DIRECT)
		return 0;
	return considering->consider(transfer, name, git_reference_target(ref));
}

static int consider_all(struct transfer *transfer, const char *folder,
	int (*consider)(struct transfer *transfer, const char *name, const git_oid *oid))
{
	struct considering considering = {transfer, consider};

	return refs_visit(transfer->link.book, folder, consider_ref, &considering, transfer->err);
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

/* Does somebody else move that branch just now? By the words of libgit2, and of git. */
static bool is_contended(const char *status)
{
	/* with the reason behind it where there is another */
	static const char locked[] = "for writing: ";
	static const char *const others[] = {"already exists", "File exists",
		"reference value does not match", "cannot lock ref", "failed to update ref"};
	size_t length = strlen(status), size = sizeof locked - 1;
	bool found = length >= size && strcmp(status + length - size, locked) == 0;

	for (size_t i = 0; !found && i < sizeof others / sizeof others[0]; i++)
		found = strstr(status, others[i]) != NULL;
	return found;
}

/* The other side's word on one ref. */
static int refused(const char *ref, const char *status, void *payload)
{
	struct remote_link *link = payload;

	if (!status || link->refusal.code)
		return 0;
	link->contended = is_contended(status);
	error_set(&link->refusal, DD_REFUSED, "it refused %s: %s", ref, status);
	if (strstr(status, ".lock"))
		error_hint(&link->refusal,
			"somebody moves that branch, or died doing so: try again in two minutes");
	return 0;
}

/*
 * In a repository on this machine, locks of what is to be pushed whose holder died. One is held for
 * the moment in which a line is written, and nobody else moves the branches of this host; but git
 * and libgit2 would wait for somebody to remove it.
 */
static void locks_clear(const struct transfer *transfer)
{
	const char *folder = remote_folder(&transfer->link);

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
	const char *folder = remote_folder(&transfer->link);
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

/* ---- sending ---- */

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

static int owners_told(struct transfer *transfer)
{
	int rc = 0;

	for (size_t at = 0; !rc && at < transfer->claimed.size; at += UUID_SIZE)
		rc = ownership_told(
			transfer->link.book, transfer->claimed.data + at, transfer->err);
	return rc;
}

/* What the other side has, and what it has not. */
static int send_once(struct transfer *transfer)
{
	struct book *book = transfer->link.book;
	int rc = remote_connect(
		book, transfer->name, GIT_DIRECTION_PUSH, &transfer->link, transfer->err);

	if (!rc)
		rc = transfer_heads(transfer);
	if (!rc)
		rc = transfer_ask_owners(transfer);
	if (!rc)
		rc = refs_hold(transfer);
	if (!rc)
		rc = consider_ref(BOOK_REF, &(struct considering){transfer, consider_branch});
	if (!rc)
		rc = consider_all(transfer, BOOKS_REFS, consider_branch);
	if (!rc)
		rc = consider_all(transfer, DOMAIN_REFS, consider_branch);
	if (!rc)
		rc = consider_all(transfer, TAG_REFS, consider_tag);
	if (!rc)
		rc = drop_tags(transfer);
	if (!rc)
		rc = refs_judge(transfer);
	if (!rc)
		rc = upload(transfer);
	refs_let_go(transfer);
	/* what libgit2 opened meanwhile may be half of it, and it says so only when it is asked
	 * next */
	book->objects_doubtful = true;
	return rc;
}

/* As it was before the first look; what was told of that look stays true. */
static void look_anew(struct transfer *transfer)
{
	struct transfer next = {
		.link.book = transfer->link.book,
		.name = transfer->name,
		.domains = transfer->domains,
		.err = transfer->err,
	};

	transfer_release(transfer);
	*transfer = next;
	*transfer->err = (struct dd_error){0};
}

/*
 * Two who push at once want the same, so whoever is refused for what the other is doing looks again
 * what is left to do.
 */
static int send_all(struct transfer *transfer)
{
	int64_t until = lock_clock_us() + (int64_t)transfer->link.book->wait_ms * 1000;
	int rc = send_once(transfer);

	for (int ms = FIRST_SLEEP_MS; rc && transfer->link.contended && lock_clock_us() < until;
		ms = ms < LONGEST_SLEEP_MS ? 2 * ms : ms) {
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
		look_anew(transfer);
		rc = send_once(transfer);
	}
	return rc;
}

static int push(struct transfer *transfer)
{
	struct book *book = transfer->link.book;
	int rc = domains_count(transfer);

	if (!rc)
		rc = book_checkpoint(book, transfer->err);
	if (!rc)
		rc = send_all(transfer);
	if (!rc && transfer->other_book)
		return other_book(transfer);
	if (!rc)
		rc = owners_told(transfer);
	return rc ? rc : transfer_conclude(transfer, "does not lead to what this book has");
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
