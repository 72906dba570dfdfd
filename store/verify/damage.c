/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that are missing, and whose versions a missing or damaged object takes with it. A sound
 * book is done after one look at the list of what is needed; in another the trees of all versions
 * are gone through again, to name the first and the last that need it.
 */
#include "store/verify/verification.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_LIMIT 16 /* of folders in a version's tree */

/* A file or folder that cannot be read, in versions of one domain that follow each other. */
struct loss {
	git_oid oid; /* all zeros: none at hand */
	char path[256];
	char uuid[UUID_SIZE];
	uint32_t first, last;
	git_oid commit; /* of the first */
};

struct search {
	struct verification *verification;
	struct loss loss;
	git_oid tree; /* of the version before, which had none */
	bool sound;
};

static void cleanup_tree(git_tree **tree)
{
	git_tree_free(*tree);
}

static int loss_tell(struct search *search)
{
	struct loss *loss = &search->loss;
	struct finding finding = {
		.kind = "object",
		.where = "book.git",
		.uuid = loss->uuid,
		.version = loss->first,
		.until = loss->last,
	};
	struct commit_facts facts;
	char hex[COMMIT_SIZE], words[VERSION_WORDS_SIZE];

	if (!loss->first)
		return 0;
	commit_facts_read(search->verification, &loss->commit, &facts, &finding);
	loss->first = 0;
	return finding_tell(search->verification, &finding, "%s: %s (object %s) %s",
		version_words(search->verification, &finding, words), loss->path,
		git_oid_tostr(hex, sizeof hex, &loss->oid),
		oid_set_has(&search->verification->good, &loss->oid) ? "is damaged in one place"
		: git_odb_exists(search->verification->book->objects, &loss->oid) ? "is damaged"
										  : "is missing");
}

/* The first object below tree that is not whole; its path goes to loss. */
static bool tree_search(
	struct search *search, const git_oid *oid, const char *path, int depth, struct loss *loss)
{
	const struct verification *verification = search->verification;
	CLEANUP(tree) git_tree *tree = NULL;

	if (oid_set_has(&verification->bad, oid)) {
		loss->oid = *oid;
		snprintf(loss->path, sizeof loss->path, "%s", *path ? path : "its tree");
		return true;
	}
	if (depth > DEPTH_LIMIT || git_tree_lookup(&tree, verification->book->repository, oid) < 0)
		return false;
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		bool folder = git_tree_entry_type(entry) == GIT_OBJECT_TREE;
		char below[sizeof loss->path];

		snprintf(below, sizeof below, "%.127s%s%.127s", path, *path ? "/" : "",
			git_tree_entry_name(entry));
		if (folder ? tree_search(search, git_tree_entry_id(entry), below, depth + 1, loss)
			   : oid_set_has(&verification->bad, git_tree_entry_id(entry))) {
			if (!folder) {
				loss->oid = *git_tree_entry_id(entry);
				snprintf(loss->path, sizeof loss->path, "%s", below);
			}
			return true;
		}
	}
	return false;
}

static int version_search(
	struct search *search, const char *uuid, uint32_t number, const git_oid *oid)
{
	git_commit *commit = NULL;
	struct loss found = {.first = number, .last = number, .commit = *oid};
	bool lost;
	int rc;

	/* a commit that is lost is told with its row */
	if (git_commit_lookup(&commit, search->verification->book->repository, oid) < 0)
		return 0;
	if (search->sound && git_oid_equal(&search->tree, git_commit_tree_id(commit))) {
		git_commit_free(commit);
		return 0;
	}
	lost = tree_search(search, git_commit_tree_id(commit), "", 0, &found);
	search->tree = *git_commit_tree_id(commit);
	search->sound = !lost;
	git_commit_free(commit);
	if (lost && search->loss.first && strcmp(search->loss.uuid, uuid) == 0 &&
		git_oid_equal(&search->loss.oid, &found.oid)) {
		search->loss.last = number;
		return 0;
	}
	rc = loss_tell(search);
	if (lost) {
		snprintf(found.uuid, sizeof found.uuid, "%s", uuid);
		search->loss = found;
	}
	return rc;
}

static int all_search(struct search *search)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&search->verification->book->database,
		"SELECT d.uuid, v.number, v.oid FROM version v JOIN domain d ON d.id = v.domain"
		" WHERE ?1 IS NULL OR d.uuid = ?1 ORDER BY v.domain, v.number");
	int rc = 0;

	statement_text(&statement, search->verification->uuid);
	while (!rc && statement_row(&statement)) {
		git_oid oid;

		if (!statement_oid_maybe(&statement, 2, &oid))
			continue; /* told with its row */
		rc = version_search(search, statement_string(&statement, 0),
			(uint32_t)statement_integer(&statement, 1), &oid);
	}
	if (!rc)
		rc = loss_tell(search);
	return rc ? rc : statement_end(&statement, search->verification->err);
}

int verify_damage(struct verification *verification)
{
	struct search search = {.verification = verification};
	int rc = 0;

	for (size_t i = 0; !rc && i < verification->needed.count; i++)
		if (!oid_set_has(&verification->good, &verification->needed.list[i]))
			rc = oid_set_add(&verification->bad, &verification->needed.list[i], NULL,
				verification->err);
	return rc || !verification->bad.count ? rc : all_search(&search);
}
