/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A remote that was pushed to has seen what the book was. Branches only grow, so each branch that
 * it has of this host must end in a version that the book still has; else the history here was
 * rewritten or cut off since. What the remote has more is fetched, to say from which version on.
 */
#include "store/remote/remote.h"

#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "store/commit/message.h"
#include "store/git/object.h"
#include "store/verify/verification.h"

#define WALK_LIMIT 1000000 /* versions of one domain */

struct witness {
	struct verification verification;
	struct remote_link link;
	char where[300]; /* for findings: "the remote NAME" */
	uint64_t compared;
};

/* ---- what the book has ---- */

static int ask(
	struct witness *witness, const char *sql, const char *uuid, const git_oid *oid, bool *known)
{
	struct statement statement = statement_begin(&witness->verification.book->database, sql);

	statement_text(&statement, uuid);
	statement_blob(&statement, oid->id, sizeof oid->id);
	*known = statement_row(&statement);
	return statement_end(&statement, witness->verification.err);
}

static int version_known(struct witness *witness, const char *uuid, const git_oid *oid, bool *known)
{
	return ask(witness,
		"SELECT 1 FROM version v JOIN domain d ON d.id = v.domain"
		" WHERE d.uuid = ? AND v.oid = ?",
		uuid, oid, known);
}

static bool branch_known(const struct witness *witness, const git_oid *oid)
{
	const struct signers *signers = &witness->verification.signers;

	for (size_t i = 0; i < signers->count; i++)
		if (git_oid_equal(&signers->list[i].commit, oid))
			return true;
	return false;
}

/* ---- what the remote has more ---- */

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static void fetch(struct witness *witness, const char *ref)
{
	git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
	char *spec = (char *)(uintptr_t)ref;
	git_strarray specs = {&spec, 1};

	remote_callbacks(&witness->link, &options.callbacks);
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	/* without it only the words are missing that say since when */
	(void)git_remote_download(witness->link.remote, &specs, &options);
}

/* The first version that is not the book's, from the remote's newest back. */
static int first_lost(struct witness *witness, const char *uuid, const git_oid *newest,
	struct finding *finding, git_oid *first)
{
	struct book *book = witness->verification.book;
	git_oid oid = *newest;
	bool known = false;
	int rc = 0;

	*first = *newest;
	for (int i = 0; !rc && !known && !git_oid_is_zero(&oid) && i < WALK_LIMIT; i++) {
		CLEANUP(odb_object) git_odb_object *object = NULL;
		struct commit_parts parts;
		struct message_marks marks;

		if (git_odb_read(&object, book->objects, &oid) < 0 ||
			git_odb_object_type(object) != GIT_OBJECT_COMMIT ||
			!commit_parse(
				git_odb_object_data(object), git_odb_object_size(object), &parts))
			break;
		message_marks(parts.message, parts.message_size, &marks);
		finding->version = marks.number;
		if (!finding->until)
			finding->until = marks.number;
		*first = oid;
		oid = parts.parent;
		if (!git_oid_is_zero(&oid))
			rc = version_known(witness, uuid, &oid, &known);
	}
	return rc;
}

static int domain_tell(
	struct witness *witness, const char *ref, const char *uuid, const git_oid *newest)
{
	struct verification *verification = &witness->verification;
	struct finding finding = {.kind = "chain", .where = witness->where, .uuid = uuid};
	struct commit_facts facts;
	char words[VERSION_WORDS_SIZE], hex[COMMIT_SIZE];
	git_oid first;
	int rc;

	fetch(witness, ref);
	rc = first_lost(witness, uuid, newest, &finding, &first);
	if (rc)
		return rc;
	if (!finding.version)
		return finding_tell(verification, &finding,
			"%s has the commit %s of the domain %s, and the book has not: its history "
			"was rewritten or cut off",
			witness->where, git_oid_tostr(hex, sizeof hex, newest), uuid);
	commit_facts_read(verification, &first, &facts, &finding);
	return finding_tell(verification, &finding,
		"%s: %s has another one (commit %s), and the book has not: its history was "
		"rewritten "
		"or cut off",
		version_words(verification, &finding, words), witness->where, facts.commit);
}

/* ---- one ref after the other ---- */

/* "domains/UUID" or "book", of this host on a shared remote, or in a plain copy of book.git. */
static const char *own_part(const struct witness *witness, const char *name)
{
	const char *host = witness->verification.book->host_name;
	size_t length = strlen(host);

	if (strncmp(name, HOST_REFS, sizeof HOST_REFS - 1) == 0) {
		name += sizeof HOST_REFS - 1;
		return strncmp(name, host, length) == 0 && name[length] == '/' ? name + length + 1
									       : NULL;
	}
	return strncmp(name, "refs/heads/", 11) == 0 ? name + 11 : NULL;
}

static int head_check(struct witness *witness, const git_remote_head *head)
{
	struct verification *verification = &witness->verification;
	struct finding finding = {.kind = "key", .where = witness->where};
	const char *part = own_part(witness, head->name);
	const char *uuid = part && strncmp(part, "domains/", 8) == 0 ? part + 8 : NULL;
	bool known = true;
	int rc = 0;

	if (!part || (uuid ? !uuid_valid(uuid) : strcmp(part, "book") != 0))
		return 0;
	if (verification->uuid && (!uuid || strcmp(uuid, verification->uuid) != 0))
		return 0;
	witness->compared++;
	if (!uuid && !branch_known(witness, &head->oid))
		return finding_tell(verification, &finding,
			"%s has a branch \"book\" that is not the book's: a change of the key was "
			"taken away, or it is of another book",
			witness->where);
	if (uuid)
		rc = version_known(witness, uuid, &head->oid, &known);
	return rc || known ? rc : domain_tell(witness, head->name, uuid, &head->oid);
}

static int heads_check(struct witness *witness)
{
	const git_remote_head **heads;
	CLEANUP(free) git_remote_head *list = NULL;
	size_t count = 0;
	int code = git_remote_ls(&heads, &count, witness->link.remote);
	int rc = 0;

	if (code)
		return remote_failure(
			&witness->link, code, "cannot list", witness->verification.err);
	/* they are the connection's, which a fetch may use for another list */
	list = calloc(count ? count : 1, sizeof *list);
	if (!list)
		return error_no_memory(witness->verification.err);
	for (size_t i = 0; !rc && i < count; i++) {
		list[i] = *heads[i];
		list[i].name = strdup(heads[i]->name);
		if (!list[i].name)
			rc = error_no_memory(witness->verification.err);
	}
	for (size_t i = 0; !rc && i < count; i++)
		rc = head_check(witness, &list[i]);
	for (size_t i = 0; i < count; i++)
		free(list[i].name);
	return rc;
}

int book_verify_against(struct book *book, const char *uuid, const char *remote,
	int (*visit)(const struct finding *finding, void *context), void *context,
	struct verify_counts *counts, struct dd_error *err)
{
	struct dd_error own = {0};
	struct verify_counts counted = {0};
	struct witness witness = {
		.verification =
			{
				.book = book,
				.uuid = uuid,
				.visit = visit,
				.context = context,
				.counts = counts ? counts : &counted,
				.err = err ? err : &own,
			},
	};
	struct verification *verification = &witness.verification;
	int rc;

	repository_forget(book);
	rc = repository_need(book, verification->err);
	snprintf(witness.where, sizeof witness.where, "the remote %.256s", remote);
	if (!rc)
		rc = signers_read(book, &verification->signers, verification->err);
	if (!rc)
		rc = remote_connect(
			book, remote, GIT_DIRECTION_FETCH, &witness.link, verification->err);
	if (!rc)
		rc = heads_check(&witness);
	if (!rc && !witness.compared)
		rc = error_set(verification->err, DD_NOT_FOUND, "%s has nothing of the host %s",
			witness.where, book->host_name);
	remote_release(&witness.link);
	verification_release(verification);
	return rc;
}
