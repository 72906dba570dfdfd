/* SPDX-License-Identifier: Apache-2.0 */
/* What only the refs of book.git say, where the old book.db does not. */
#include "store/recovery/reindex.h"

#include <stdio.h>
#include <string.h>

#include "store/git/ref.h"

int reindex_refs(struct reindex *reindex, const char *beginning,
	int (*visit)(const char *name, void *context), void *context)
{
	struct dd_error reason = {0};
	int rc = refs_visit(reindex->book, beginning, visit, context, &reason);

	/* what visit gives is told already */
	if (!reindex_hindered(rc) || !reason.code)
		return reason.code ? 0 : rc;
	return error_set(reindex->err, rc, "%s", reason.message);
}

/* ---- tags ---- */

static void cleanup_tag(git_tag **tag)
{
	git_tag_free(*tag);
}

static int tag_from_ref(const char *name, void *context)
{
	struct reindex *reindex = context;
	CLEANUP(tag) git_tag *tag = NULL;
	char uuid[UUID_SIZE];
	const char *label = name + sizeof TAG_REFS - 1 + UUID_SIZE;
	struct statement statement;
	git_oid oid;
	int code;

	if (strlen(name) <= sizeof TAG_REFS - 1 + UUID_SIZE || label[-1] != '/')
		return 0;
	code = git_reference_name_to_id(&oid, reindex->book->whole, name);
	if (!code)
		code = git_tag_lookup(&tag, reindex->book->repository, &oid);
	if (code)
		return reindex_unread(reindex, code, NULL, "cannot read a tag");
	snprintf(uuid, sizeof uuid, "%s", name + sizeof TAG_REFS - 1);
	statement = statement_begin(&reindex->book->database,
		"INSERT INTO tag(domain, label, number, oid)"
		" SELECT d.id, ?2, v.number, ?3 FROM domain d JOIN version v ON v.domain = d.id"
		" WHERE d.uuid = ?1 AND v.oid = ?4 ON CONFLICT DO NOTHING");
	statement_text(&statement, uuid);
	statement_text(&statement, label);
	statement_blob(&statement, oid.id, sizeof oid.id);
	statement_blob(&statement, git_tag_target_id(tag)->id, GIT_OID_RAWSZ);
	return statement_run(&statement, reindex->err);
}

int tags_from_refs(struct reindex *reindex)
{
	return reindex->book->whole ? reindex_refs(reindex, TAG_REFS, tag_from_ref, reindex) : 0;
}
