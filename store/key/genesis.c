/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key/genesis.h"

#include <string.h>

#include "base/file.h"
#include "store/commit/commit.h"

#define SIGNERS_LIMIT 65536

static const char readme[] =
	"# A book of domains\n"
	"\n"
	"Each branch `domains/UUID` is the history of one virtual machine: every commit is one\n"
	"version of its definition, signed by the host that made it.\n"
	"\n"
	"    git branch --all\n"
	"    git log -p origin/domains/UUID\n"
	"    git -c gpg.ssh.allowedSignersFile=allowed_signers log --show-signature "
	"origin/domains/UUID\n";

int branch_commit(struct book *book, const struct branch_draft *draft, struct object_set *set,
	git_oid *oid, struct dd_error *err)
{
	struct tree_file files[] = {
		{"README.md", readme, sizeof readme - 1},
		{"allowed_signers", draft->signers->data, draft->signers->size},
	};
	struct commit_draft commit = {
		.parent = draft->parent,
		.author = draft->author,
		.committer = {book->host_name, book->committer_email},
		.when = draft->when,
	};
	CLEANUP(text) struct text headers = TEXT_INIT;
	int rc = tree_build(set, files, 2, &commit.tree, err);

	if (rc)
		return rc;
	commit_headers(&commit, &headers);
	return commit_sign(set, book->key, &headers, draft->message, oid, err);
}

/* The branch may grow; where the chain of versions begins stays. */
static int heads_set(struct book *book, const git_oid *oid, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"INSERT INTO setting(key, value) VALUES('book-head', ?1), ('genesis', ?1)");

	statement_blob(&statement, oid->id, sizeof oid->id);
	return statement_run(&statement, err);
}

int genesis_stage(struct book *book, struct dd_error *err)
{
	CLEANUP(object_set) struct object_set set = {0};
	CLEANUP(text) struct text signers = TEXT_INIT;
	CLEANUP(text) struct text message = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	struct branch_draft draft = {
		.signers = &signers,
		.message = &message,
		.author = {book->host_name, book->committer_email},
		.when = time(NULL),
	};
	git_oid oid;
	int rc = commit_ready(book, err);

	if (!rc)
		rc = book_path(book, "keys/allowed_signers", &path, err);
	if (!rc)
		rc = file_read(path, SIGNERS_LIMIT, &signers, err);
	text_puts(&message, "open the book\n");
	if (!rc)
		rc = branch_commit(book, &draft, &set, &oid, err);
	if (!rc)
		rc = object_set_stage(&set, &book->database, 0, err);
	if (!rc)
		rc = heads_set(book, &oid, err);
	return rc;
}
