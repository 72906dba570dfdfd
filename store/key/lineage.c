/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key/lineage.h"

#include <stdio.h>
#include <string.h>

#include "store/commit/message.h"
#include "store/git/object.h"

void lineage_release(struct lineage *lineage)
{
	free(lineage->commits);
	free(lineage->books);
	free(lineage->genesis);
	*lineage = (struct lineage){.commits = NULL};
}

bool lineage_has(const struct lineage *lineage, const git_oid *commit)
{
	for (uint32_t i = 0; i < lineage->count; i++)
		if (git_oid_equal(&lineage->commits[i], commit))
			return true;
	return false;
}

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static void cleanup_tree(git_tree **tree)
{
	git_tree_free(*tree);
}

#define DUE_MOST 1024 /* signatures that are judged together */

/* Who should have signed a version. */
struct due_signature {
	uint32_t number;
	int64_t seq;
	const struct signers *signers;
	size_t task; /* of the crew */
};

struct reading {
	struct book *book;
	const char *uuid;
	struct lineage *lineage;
	struct tenures tenures;
	const struct signers *due; /* who signs the version at hand */
	uint32_t takeovers;        /* behind the version at hand */
	uint32_t epoch;            /* of the newest, as those say that say one; 0: none did */
	struct crew *crew;
	size_t early, met; /* tasks of the crew from before; those behind the last that was met */
	struct due_signature *signatures; /* DUE_MOST, not judged yet */
	size_t signature_count;
	bool trees; /* each must be here, with what it names */
	struct dd_error *err;
};

static void cleanup_reading(struct reading *reading)
{
	tenures_release(&reading->tenures);
	free(reading->signatures);
}

/* Those who sign from here down to the takeover before. */
static int tenure_begin(struct reading *reading, const git_oid *head)
{
	struct lineage *lineage = reading->lineage;
	size_t count = lineage->book_count + 1;
	git_oid *books = reallocarray(lineage->books, count, sizeof *books);
	git_oid *genesis;
	int rc;

	if (!books)
		return error_no_memory(reading->err);
	lineage->books = books;
	genesis = reallocarray(lineage->genesis, count, sizeof *genesis);
	if (!genesis)
		return error_no_memory(reading->err);
	lineage->genesis = genesis;
	rc = tenures_signers(&reading->tenures, reading->book, head, &reading->due, reading->err);
	if (rc)
		return rc;
	if (count == 1 && signers_newest(reading->due))
		memcpy(lineage->key, signers_newest(reading->due)->open, sizeof lineage->key);
	books[count - 1] = *head;
	genesis[count - 1] = reading->due->list[0].commit;
	lineage->book_count = count;
	return 0;
}

/* How often it changed hands is what its takeovers say, so nobody can make that up. */
static const char *epoch_fault(
	struct reading *reading, const struct message_marks *marks, bool takeover)
{
	if (marks->epoch > LINEAGE_LIMIT || reading->takeovers > LINEAGE_LIMIT)
		return "had more owners than can be";
	if (!marks->epoch)
		return takeover ? "takes the domain over and has no epoch" : NULL;
	if (!reading->epoch)
		reading->epoch = marks->epoch + reading->takeovers;
	return marks->epoch + reading->takeovers == reading->epoch
		       ? NULL
		       : "has another epoch than its place in the history";
}

static const char *signature_fault(const struct due_signature *due, const struct crew_task *task)
{
	if (task->state != SIGNATURE_GOOD)
		return "has no signature that holds";
	if (signers_find(due->signers, task->signer) < 0)
		return "is signed with a key that is not its host's";
	return signers_due(due->signers, task->signer, due->seq)
		       ? NULL
		       : "is signed with a key that was not the one in force";
}

static int version_fault(
	struct reading *reading, const git_oid *oid, uint32_t number, const char *fault)
{
	char hex[COMMIT_SIZE];

	return error_set(reading->err, DD_CORRUPT, "version %u of the domain %s (commit %s) %s",
		number, reading->uuid, git_oid_tostr(hex, sizeof hex, oid), fault);
}

/* What has been read so far is signed by whom it should, or is not to be read on. */
static int signatures_judge(struct reading *reading)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < reading->signature_count; i++) {
		const struct due_signature *due = &reading->signatures[i];
		const struct crew_task *task = NULL;
		const char *fault = NULL;

		rc = crew_result(reading->crew, due->task, &task, reading->err);
		if (!rc)
			fault = signature_fault(due, task);
		if (fault)
			rc = version_fault(reading, &task->oid, due->number, fault);
	}
	reading->signature_count = 0;
	return rc;
}

static int signature_add(struct reading *reading, const git_oid *oid, git_odb_object *commit,
	const struct message_marks *marks)
{
	size_t count = crew_count(reading->crew);
	size_t task =
		reading->met < reading->early ? crew_find(reading->crew, reading->met, oid) : count;
	int rc = 0;

	if (!reading->signatures)
		reading->signatures = calloc(DUE_MOST, sizeof *reading->signatures);
	if (!reading->signatures)
		return error_no_memory(reading->err);
	if (task < count)
		reading->met = task + 1;
	else
		rc = crew_add(reading->crew, oid, git_odb_object_data(commit),
			git_odb_object_size(commit), reading->err);
	if (!rc)
		reading->signatures[reading->signature_count++] =
			(struct due_signature){.number = marks->number,
				.seq = marks->seq,
				.signers = reading->due,
				.task = task};
	return rc;
}

/* All that the tree names must be here: what is missing is best known before anything is taken. */
static int tree_fault(struct reading *reading, const git_oid *oid, const char **fault)
{
	struct book *book = reading->book;
	CLEANUP(tree) git_tree *tree = NULL;
	int code = git_tree_lookup(&tree, book->repository, oid);
	int rc = code ? object_failure(book, code, oid, "cannot read a version", reading->err) : 0;

	if (rc == DD_CORRUPT)
		*fault = "has no tree that can be read";
	if (rc)
		return rc == DD_CORRUPT ? 0 : rc;
	for (size_t i = 0; !rc && !*fault && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		bool there;

		rc = object_there(book, git_tree_entry_id(entry), &there, reading->err);
		if (!rc && !there)
			*fault = "lacks a file";
	}
	return rc;
}

/* One version; *oid becomes the one before, all zeros where there is none. */
static int version_check(struct reading *reading, git_oid *oid, uint32_t *number)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	struct commit_parts parts;
	struct message_marks marks;
	char hex[COMMIT_SIZE];
	const char *data, *fault = NULL;
	git_oid taken;
	bool takeover;
	int code = git_odb_read(&object, reading->book->objects, oid);
	int rc = code ? object_failure(
				reading->book, code, oid, "cannot read a version", reading->err)
		      : 0;

	if (rc && rc != DD_CORRUPT)
		return rc;
	git_oid_tostr(hex, sizeof hex, oid);
	if (rc || git_odb_object_type(object) != GIT_OBJECT_COMMIT)
		return error_set(reading->err, DD_CORRUPT,
			"the commit %s of the domain %s cannot be read", hex, reading->uuid);
	data = git_odb_object_data(object);
	if (!commit_parse(data, git_odb_object_size(object), &parts))
		return error_set(reading->err, DD_CORRUPT,
			"the commit %s of the domain %s is malformed", hex, reading->uuid);
	message_marks(parts.message, parts.message_size, &marks);
	takeover = marks.taken[0] && git_oid_fromstr(&taken, marks.taken) == 0;
	if (strcmp(marks.uuid, reading->uuid) != 0)
		fault = "is of another domain";
	else if (!marks.number || marks.number > LINEAGE_LIMIT ||
		 (*number && marks.number != *number - 1) ||
		 (marks.number == 1) != git_oid_is_zero(&parts.parent))
		fault = "has another number than its place in the history";
	else
		fault = epoch_fault(reading, &marks, takeover);
	if (!fault)
		rc = signature_add(reading, oid, object, &marks);
	if (!rc && !fault && reading->trees)
		rc = tree_fault(reading, &parts.tree, &fault);
	if (rc || fault)
		return rc ? rc : version_fault(reading, oid, marks.number, fault);
	if (!*number) {
		reading->lineage->count = marks.number;
		reading->lineage->commits = calloc(marks.number, sizeof(git_oid));
		if (!reading->lineage->commits)
			return error_no_memory(reading->err);
	}
	*number = marks.number;
	reading->lineage->commits[*number - 1] = *oid;
	*oid = parts.parent;
	reading->takeovers += takeover;
	return takeover ? tenure_begin(reading, &taken) : 0;
}

int lineage_read(struct book *book, const char *uuid, const git_oid *head, const git_oid *host_book,
	const struct lineage_known *known, bool trees, struct crew *crew, struct lineage *out,
	struct dd_error *err)
{
	CLEANUP(lineage) struct lineage lineage = {.commits = NULL};
	CLEANUP(crew) struct crew *own = NULL;
	CLEANUP(reading)
	struct reading reading = {.book = book,
		.uuid = uuid,
		.lineage = &lineage,
		.crew = crew,
		.early = crew ? crew_count(crew) : 0,
		.trees = trees,
		.err = err};
	git_oid oid = *head;
	uint32_t number = 0;
	uint32_t before = 0;
	bool met = false;
	int rc = repository_need(book, err);

	if (!rc && !crew)
		rc = crew_new(&own, err);
	if (!crew)
		reading.crew = own;
	if (!rc)
		rc = tenure_begin(&reading, host_book);
	while (!rc && !met && !git_oid_is_zero(&oid)) {
		/* it is read once more, as it must be signed by whom the rest says */
		met = known && git_oid_equal(&oid, &known->commit);
		before = reading.takeovers;
		rc = version_check(&reading, &oid, &number);
		if (!rc && reading.signature_count == DUE_MOST)
			rc = signatures_judge(&reading);
	}
	/* of two faults the one of the later version is told */
	if (!rc || (rc == DD_CORRUPT && reading.signature_count)) {
		int judged = signatures_judge(&reading);

		rc = judged ? judged : rc;
	}
	if (rc)
		return rc;
	lineage.epoch = met ? known->epoch + before : 1 + reading.takeovers;
	if (reading.epoch && reading.epoch != lineage.epoch)
		return error_set(err, DD_CORRUPT,
			"the domain %s came to %u owners, and its newest version says %u", uuid,
			lineage.epoch, reading.epoch);
	*out = lineage;
	lineage = (struct lineage){.commits = NULL};
	return 0;
}
