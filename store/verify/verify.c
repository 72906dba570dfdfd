/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is all of it true? Everything is read once, in the order in which it lies: pack by pack, then
 * what is staged. Each object is hashed, each commit's signature checked, and of each version a few
 * words are kept. These are then compared with the rows of book.db, along each domain and along the
 * chain, and with the refs; so a lie would have to be told in all these places at once, and signed.
 *
 * One read transaction of book.db is open all the while, and SLOT_CHECKPOINT is held, so that
 * nothing moves from one to the other under our eyes. Commits go on.
 */
#include "store/verify/verification.h"

#include <stdio.h>
#include <string.h>

#include "base/line.h"
#include "base/moment.h"
#include "store/git/object.h"

static int oid_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(git_oid));
}

struct sighting *sighting_find(const struct verification *verification, const git_oid *oid)
{
	/* the name is a sighting's first member */
	return verification->sighting_count
		       ? bsearch(oid, verification->sightings, verification->sighting_count,
				 sizeof *verification->sightings, oid_compare)
		       : NULL;
}

/* ---- findings ---- */

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

/* Whatever bytes the damaged have become, what is said of them is one line of text. */
static int visible_tell(struct verification *verification, const struct finding *finding)
{
	struct finding shown = *finding;
	const char **const words[] = {
		&shown.where, &shown.uuid, &shown.name, &shown.who, &shown.sentence};
	char *lines[sizeof words / sizeof words[0]] = {NULL};
	size_t count = sizeof words / sizeof words[0];
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		if (!*words[i])
			continue;
		rc = line_visible(&lines[i], *words[i], verification->err);
		*words[i] = lines[i];
	}
	if (!rc)
		rc = verification->visit(&shown, verification->context);
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	return rc;
}

int finding_tell(
	struct verification *verification, struct finding *finding, const char *format, ...)
{
	CLEANUP(text) struct text sentence = TEXT_INIT;
	char name[256];
	va_list args;

	if (verification->counts->findings++ >= FINDINGS_LIMIT)
		return 0;
	if (finding->uuid && !finding->name) {
		index_name(verification->book, finding->uuid, name, sizeof name);
		finding->name = name;
	}
	va_start(args, format);
	text_vprintf(&sentence, format, args);
	va_end(args);
	if (text_failed(&sentence))
		return error_no_memory(verification->err);
	finding->sentence = text_string(&sentence);
	return visible_tell(verification, finding);
}

void commit_facts_read(struct verification *verification, const git_oid *oid,
	struct commit_facts *facts, struct finding *finding)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	struct commit_parts parts;

	*facts = (struct commit_facts){.when = 0};
	finding->commit = git_oid_tostr(facts->commit, sizeof facts->commit, oid);
	if (git_odb_read(&object, verification->book->objects, oid) < 0 ||
		git_odb_object_type(object) != GIT_OBJECT_COMMIT ||
		!commit_parse(git_odb_object_data(object), git_odb_object_size(object), &parts))
		return;
	snprintf(facts->who, sizeof facts->who, "%.*s", (int)parts.author_size, parts.author);
	finding->who = facts->who;
	finding->when = facts->when = parts.when;
}

const char *version_words(
	struct verification *verification, const struct finding *finding, char *out)
{
	char name[256] = "", moment[MOMENT_SIZE], since[MOMENT_SIZE + 280] = "";
	const char *end = finding->who ? strstr(finding->who, " <") : NULL;

	if (finding->uuid)
		index_name(verification->book, finding->uuid, name, sizeof name);
	moment_format(finding->when, moment);
	if (finding->who)
		snprintf(since, sizeof since, " (%s, %.*s)", moment,
			end ? (int)(end - finding->who) : (int)strlen(finding->who), finding->who);
	if (finding->until > finding->version)
		snprintf(out, VERSION_WORDS_SIZE, "versions %u to %u of '%s'%s", finding->version,
			finding->until, name, since);
	else
		snprintf(out, VERSION_WORDS_SIZE, "version %u of '%s'%s", finding->version, name,
			since);
	return out;
}

int damage_tell(struct verification *verification, int rc, const char *kind, const char *where)
{
	struct finding finding = {.kind = kind, .where = where};
	struct dd_error *err = verification->err;
	int told;

	if (rc != DD_CORRUPT)
		return rc;
	told = finding_tell(verification, &finding, "%s", err->message);
	*err = (struct dd_error){0};
	return told;
}

/* ---- all of it ---- */

void verification_release(struct verification *verification)
{
	signers_release(&verification->signers);
	free(verification->sightings);
	free(verification->keys);
	free(verification->takeovers);
	tenures_release(&verification->tenures);
	oid_set_release(&verification->good);
	oid_set_release(&verification->bad);
	oid_list_release(&verification->needed);
	text_release(&verification->payload);
}

/* Who signs must be known before anything signed is read. */
static int read_signers(struct verification *verification)
{
	int rc = signers_read(verification->book, &verification->signers, verification->err);

	if (rc)
		return damage_tell(verification, rc, "key", "book.git");
	for (size_t i = 0; !rc && i < verification->signers.count; i++) {
		const struct signer *signer = &verification->signers.list[i];
		struct commit_facts facts;
		struct finding finding = {.kind = "key", .where = "book.git"};
		char moment[MOMENT_SIZE];

		if (!signer->fault)
			continue;
		commit_facts_read(verification, &signer->commit, &facts, &finding);
		moment_format(signer->when, moment);
		rc = finding_tell(verification, &finding,
			"the change of the key of %s (commit %s by %s) %s; what is signed with the "
			"key that it brings does not count",
			moment, facts.commit, signer->who, signer->fault);
	}
	return rc;
}

static int verify_all(void *context, struct dd_error *err)
{
	struct verification *verification = context;
	static int (*const parts[])(struct verification * verification) = {read_signers,
		verify_objects, verify_graph, verify_damage, verify_versions, verify_chain,
		verify_keys, verify_refs, verify_indices};
	struct dd_error reason = {0};
	/* first, as this starts libgit2; that it fails comes after what may be the reason */
	int opened = repository_need(verification->book, &reason);
	int rc = verify_files(verification);

	(void)err; /* is the verification's */
	if (!rc && verification->book->unsound.size) {
		repository_close(verification->book);
		opened = repository_need(verification->book, &reason);
	}
	if (!rc && opened) {
		error_set(verification->err, opened, "%s", reason.message);
		return damage_tell(verification, opened, "file", "book.git");
	}
	for (size_t i = 0; !rc && i < sizeof parts / sizeof parts[0]; i++)
		rc = damage_tell(verification, parts[i](verification), "file", "book.db");
	return rc;
}

static int verify_in_snapshot(struct verification *verification)
{
	struct book *book = verification->book;
	int rc = verify_log(verification);

	return rc ? rc
		  : database_snapshot(&book->database, verify_all, verification, verification->err);
}

int book_verify(struct book *book, const char *uuid,
	int (*visit)(const struct finding *finding, void *context), void *context,
	struct verify_counts *counts, struct dd_error *err)
{
	struct dd_error own = {0};
	struct verify_counts counted = {0};
	struct verification verification = {
		.book = book,
		.uuid = uuid,
		.visit = visit,
		.context = context,
		.counts = counts ? counts : &counted,
		.err = err ? err : &own,
	};
	int rc;

	*verification.counts = counted;
	if (book->unsound.size)
		repository_close(book);
	text_release(&book->unsound);
	repository_forget(book);
	rc = database_lock(&book->database, SLOT_CHECKPOINT, "verify", book->wait_ms, err);
	if (rc)
		return rc;
	rc = verify_in_snapshot(&verification);
	database_unlock(&book->database, SLOT_CHECKPOINT);
	verification_release(&verification);
	return rc;
}
