/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of book.db beside the commits that they name, domain by domain from version 1 on: is it
 * the commit of that version of that domain, does it follow the one before, has it the place in the
 * chain that the row says, and is it signed with the key that was due then, the book's or that of
 * the book it came from? And the other way: commits that the book has signed and book.db does not
 * know.
 */
#include "store/verify/verification.h"

#include <stdio.h>
#include <string.h>

#include "base/moment.h"

/* Versions of one domain, one behind the other, whose commits cannot be read. */
struct lost {
	uint32_t first, last; /* first 0: none at hand */
	git_oid oid;          /* of the first */
	git_oid sound;        /* of the version before; all zeros: none */
};

struct walk {
	struct verification *verification;
	char uuid[UUID_SIZE];
	int64_t domain;
	uint32_t newest; /* as the domain's row says */
	git_oid head;
	git_oid owner_book; /* likewise; all zeros: none */
	struct dues dues;
	uint32_t number; /* of the row at hand */
	git_oid before;  /* commit of the row before; all zeros: none */
	struct lost lost;
};

/* ---- telling ---- */

static int version_tell(struct walk *walk, const git_oid *oid, const char *kind, const char *where,
	const char *what)
{
	struct finding finding = {
		.kind = kind,
		.where = where,
		.uuid = walk->uuid,
		.version = walk->number,
		.until = walk->number,
	};
	char words[VERSION_WORDS_SIZE];
	struct commit_facts facts;

	commit_facts_read(walk->verification, oid, &facts, &finding);
	return finding_tell(walk->verification, &finding, "%s %s",
		version_words(walk->verification, &finding, words), what);
}

static int lost_tell(struct walk *walk)
{
	const struct lost lost = walk->lost;
	struct finding finding = {
		.kind = "object",
		.where = "book.git",
		.uuid = walk->uuid,
		.version = lost.first,
		.until = lost.last,
	};
	struct finding sound = {.kind = NULL};
	char words[VERSION_WORDS_SIZE], since[MOMENT_SIZE], hex[COMMIT_SIZE];
	struct commit_facts facts;

	walk->lost.first = 0;
	if (!lost.first)
		return 0;
	if (!git_oid_is_zero(&lost.sound))
		commit_facts_read(walk->verification, &lost.sound, &facts, &sound);
	finding.when = sound.when;
	finding.commit = git_oid_tostr(hex, sizeof hex, &lost.oid);
	moment_format(sound.when, since);
	return finding_tell(walk->verification, &finding,
		"%s: the commit %s is missing or damaged%s%s",
		version_words(walk->verification, &finding, words), hex,
		sound.when ? "; the version before is of " : "", sound.when ? since : "");
}

static int gap_tell(struct walk *walk, uint32_t first, uint32_t last)
{
	struct finding finding = {
		.kind = "index",
		.where = "book.db",
		.uuid = walk->uuid,
		.version = first,
		.until = last,
	};
	char words[VERSION_WORDS_SIZE];

	return finding_tell(walk->verification, &finding, "%s: book.db has no row of it",
		version_words(walk->verification, &finding, words));
}

/* ---- one version ---- */

static const char *signature_words(const struct sighting *sighting)
{
	static const char *const words[] = {
		[SIGNATURE_MISSING] = "is not signed",
		[SIGNATURE_MALFORMED] = "has a malformed signature",
		[SIGNATURE_FALSE] = "has a signature that was made over something else: the "
				    "version was changed",
	};

	return words[sighting->state];
}

static int check_signature(struct walk *walk, const struct sighting *sighting)
{
	const struct verification *verification = walk->verification;
	const struct signers *signers = dues_at(&walk->dues, walk->number);
	const unsigned char *open;

	if (!signers || !signers->count)
		return 0; /* told already: there is nothing to compare with */
	if (sighting->state != SIGNATURE_GOOD)
		return version_tell(
			walk, &sighting->oid, "signature", "book.git", signature_words(sighting));
	open = verification->keys[sighting->key];
	if (signers_find(signers, open) < 0)
		return version_tell(walk, &sighting->oid, "signature", "book.git",
			signers == &verification->signers
				? "is signed with a key that is not the book's"
				: "is signed with a key that is not that of the book it came from");
	if (!signers_due(signers, open, sighting->seq))
		return version_tell(walk, &sighting->oid, "signature", "book.git",
			"is signed with a key of the book that was not the one in force");
	return 0;
}

static int check_place(struct walk *walk, const struct sighting *sighting, int64_t seq)
{
	int rc = 0;

	if (strcmp(sighting->uuid, walk->uuid) != 0 || sighting->number != walk->number)
		rc = version_tell(walk, &sighting->oid, "index", "book.db",
			"is, as its commit says, another version than its row in book.db says");
	if (!rc && !git_oid_equal(&sighting->parent, &walk->before))
		rc = version_tell(walk, &sighting->oid, "chain", "book.git",
			"does not follow the version that is before it in book.db");
	/* what came from another book, or from before the chain, has no place in it */
	if (!rc && seq && sighting->seq != seq)
		rc = version_tell(walk, &sighting->oid, "index", "book.db",
			"has, as its commit says, another place in the chain than its row says");
	return rc;
}

static int check_row(struct walk *walk, const git_oid *oid, int64_t seq)
{
	struct sighting *sighting = sighting_find(walk->verification, oid);
	int rc;

	walk->verification->counts->versions++;
	if (!sighting) {
		if (!walk->lost.first)
			walk->lost = (struct lost){
				.first = walk->number, .oid = *oid, .sound = walk->before};
		walk->lost.last = walk->number;
		return 0;
	}
	sighting->listed = true;
	rc = lost_tell(walk);
	if (!rc)
		rc = check_signature(walk, sighting);
	return rc ? rc : check_place(walk, sighting, seq);
}

/* ---- one domain ---- */

static int domain_end(struct walk *walk)
{
	int rc = walk->domain ? lost_tell(walk) : 0;

	if (rc || !walk->domain)
		return rc;
	if (walk->number < walk->newest)
		return gap_tell(walk, walk->number + 1, walk->newest);
	if (walk->number > walk->newest)
		return version_tell(walk, &walk->before, "index", "book.db",
			"is newer than what the row of its domain in book.db calls the newest");
	if (!git_oid_equal(&walk->before, &walk->head))
		return version_tell(walk, &walk->before, "index", "book.db",
			"is not what the row of its domain in book.db names as the newest");
	return 0;
}

/* The book has that commit as that version. */
static int is_row(const struct takeover *takeover, bool *result, void *context)
{
	const struct walk *walk = context;
	struct statement statement = statement_begin(&walk->verification->book->database,
		"SELECT 1 FROM version WHERE domain = ? AND number = ? AND oid = ?");

	statement_number(&statement, walk->domain);
	statement_number(&statement, takeover->number);
	statement_blob(&statement, takeover->oid.id, sizeof takeover->oid.id);
	*result = statement_row(&statement);
	return statement_end(&statement, walk->verification->err);
}

static int dues_find(struct walk *walk)
{
	struct verification *verification = walk->verification;
	struct dd_error *err = verification->err;
	int rc = dues_read(verification, walk->uuid,
		git_oid_is_zero(&walk->owner_book) ? NULL : &walk->owner_book, is_row, walk,
		&walk->dues);

	if (rc != DD_CORRUPT)
		return rc;

	uint32_t count = (uint32_t)walk->dues.count;
	struct finding finding = {
		.kind = "key",
		.where = "book.git",
		.uuid = walk->uuid,
		.version = 1,
		.until = count ? walk->dues.list[count - 1].first - 1 : walk->newest,
	};
	char words[VERSION_WORDS_SIZE], reason[sizeof err->message];

	snprintf(reason, sizeof reason, "%s", err->message);
	*err = (struct dd_error){0};
	return finding_tell(verification, &finding,
		"%s: the keys of the host that it came from cannot be read: %s",
		version_words(verification, &finding, words), reason);
}

static int domain_begin(struct walk *walk, struct statement *statement)
{
	int rc = domain_end(walk);
	struct verification *verification = walk->verification;

	*walk = (struct walk){
		.verification = verification,
		.dues = walk->dues,
		.domain = statement_integer(statement, 0),
		.newest = (uint32_t)statement_integer(statement, 2),
	};
	snprintf(walk->uuid, sizeof walk->uuid, "%s", statement_string(statement, 1));
	(void)statement_oid_maybe(statement, 3, &walk->head);
	(void)statement_oid_maybe(statement, 7, &walk->owner_book);
	verification->counts->domains++;
	return rc ? rc : dues_find(walk);
}

static int row_visit(struct walk *walk, struct statement *statement)
{
	uint32_t number = (uint32_t)statement_integer(statement, 4);
	git_oid oid;
	int rc = 0;

	if (walk->domain != statement_integer(statement, 0))
		rc = domain_begin(walk, statement);
	if (rc || sqlite3_column_type(statement->handle, 4) == SQLITE_NULL)
		return rc;
	if (number > walk->number + 1)
		rc = gap_tell(walk, walk->number + 1, number - 1);
	walk->number = number;
	(void)statement_oid_maybe(statement, 5, &oid);
	if (!rc)
		rc = check_row(walk, &oid, statement_integer(statement, 6));
	walk->before = oid;
	return rc;
}

static int rows_walk(struct verification *verification)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&verification->book->database,
		"SELECT d.id, d.uuid, d.version, d.head, v.number, v.oid, v.seq, d.owner_book"
		" FROM domain d"
		" LEFT JOIN version v ON v.domain = d.id WHERE ?1 IS NULL OR d.uuid = ?1"
		" ORDER BY d.id, v.number");
	struct walk walk = {.verification = verification};
	int rc = 0;

	statement_text(&statement, verification->uuid);
	while (!rc && statement_row(&statement))
		rc = row_visit(&walk, &statement);
	if (!rc)
		rc = statement_end(&statement, verification->err);
	if (!rc)
		rc = domain_end(&walk);
	cleanup_dues(&walk.dues);
	return rc;
}

/* Versions and uses of no domain. */
static int orphans_tell(struct verification *verification)
{
	struct statement statement = statement_begin(&verification->book->database,
		"SELECT (SELECT count(*) FROM version"
		"  WHERE domain <> 0 AND domain NOT IN (SELECT id FROM domain)),"
		" (SELECT count(*) FROM use WHERE domain NOT IN (SELECT id FROM domain)),"
		" (SELECT count(*) FROM tag WHERE domain NOT IN (SELECT id FROM domain))");
	static const char *const words[] = {"versions", "uses", "tags"};
	int64_t counts[3] = {0};
	int rc;

	if (statement_row(&statement))
		for (int i = 0; i < 3; i++)
			counts[i] = statement_integer(&statement, i);
	rc = statement_end(&statement, verification->err);
	for (int i = 0; !rc && i < 3; i++) {
		struct finding finding = {.kind = "index", .where = "book.db"};

		if (counts[i])
			rc = finding_tell(verification, &finding,
				"book.db has %lld %s of a domain that it does not have",
				(long long)counts[i], words[i]);
	}
	return rc;
}

/* ---- the other way ---- */

/* One of ours: signed with the book's key, as a version. */
static bool stray(const struct verification *verification, const struct sighting *sighting)
{
	return sighting->uuid[0] && !sighting->listed && sighting_own(verification, sighting);
}

static int stray_compare(const void *a, const void *b)
{
	const struct sighting *left = *(struct sighting *const *)a;
	const struct sighting *right = *(struct sighting *const *)b;
	int order = strcmp(left->uuid, right->uuid);

	return order ? order : (left->number > right->number) - (left->number < right->number);
}

static int strays_tell(
	struct verification *verification, struct sighting *const *strays, size_t count)
{
	struct finding finding = {
		.kind = "index",
		.where = "book.db",
		.uuid = strays[0]->uuid,
		.version = strays[0]->number,
		.until = strays[count - 1]->number,
	};
	char words[VERSION_WORDS_SIZE];
	struct commit_facts facts;

	commit_facts_read(verification, &strays[0]->oid, &facts, &finding);
	return finding_tell(verification, &finding,
		"%s: signed and in book.git (commit %s), but book.db does not know it",
		version_words(verification, &finding, words), facts.commit);
}

static int find_strays(struct verification *verification)
{
	CLEANUP(free) struct sighting **strays = NULL;
	size_t count = 0, at = 0, run;
	int rc = 0;

	for (size_t i = 0; i < verification->sighting_count; i++)
		count += stray(verification, &verification->sightings[i]);
	if (!count)
		return 0;
	strays = calloc(count, sizeof *strays);
	if (!strays)
		return error_no_memory(verification->err);
	for (size_t i = 0; i < verification->sighting_count; i++)
		if (stray(verification, &verification->sightings[i]))
			strays[at++] = &verification->sightings[i];
	qsort(strays, count, sizeof *strays, stray_compare);
	for (at = 0; !rc && at < count; at += run) {
		for (run = 1; at + run < count; run++)
			if (strcmp(strays[at + run]->uuid, strays[at]->uuid) != 0 ||
				strays[at + run]->number != strays[at]->number + run)
				break;
		rc = strays_tell(verification, strays + at, run);
	}
	return rc;
}

int verify_versions(struct verification *verification)
{
	int rc = rows_walk(verification);

	if (!rc && !verification->uuid)
		rc = orphans_tell(verification);
	return rc ? rc : find_strays(verification);
}
