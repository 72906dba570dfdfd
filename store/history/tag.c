/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for versions. A tag is a row that says which version a label names, and a git tag object,
 * signed like a version, that says who gave it and why; both come in one transaction. The object's
 * text is git's: headers, the message (made as a version's is), and the signature over both behind
 * it. Refs follow at the next checkpoint (refs.c), which there is as soon as an object is staged;
 * so a removal stages the tag's object once more, and the ref goes.
 */
#include "store/history/tag.h"

#include <stdio.h>
#include <string.h>

#include "base/line.h"
#include "store/commit/commit.h"
#include "store/commit/message.h"
#include "store/git/object.h"

static const char table[] =
	"CREATE TABLE tag("
	"  domain INTEGER NOT NULL, label TEXT NOT NULL, number INTEGER NOT NULL,"
	"  oid BLOB NOT NULL, PRIMARY KEY(domain, label)) WITHOUT ROWID;";

int tag_table_make(struct database *database, struct dd_error *err)
{
	return database_execute(database, table, err);
}

void tag_info_release(struct tag_info *info)
{
	free(info->label);
	free(info->tagger);
	free(info->body);
	*info = (struct tag_info){0};
}

/* ---- looking up ---- */

struct tag_row {
	int64_t domain;
	uint32_t number; /* 0: there is no such tag */
	git_oid oid;
};

static int row_find(struct book *book, const char *uuid, const char *label, struct tag_row *row,
	struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT d.id, t.number, t.oid FROM domain d"
		" LEFT JOIN tag t ON t.domain = d.id AND t.label = ?2 WHERE d.uuid = ?1");

	*row = (struct tag_row){0};
	statement_text(&statement, uuid);
	statement_text(&statement, label);
	if (statement_row(&statement)) {
		row->domain = statement_integer(&statement, 0);
		row->number = (uint32_t)statement_integer(&statement, 1);
		if (row->number)
			(void)statement_oid(&statement, 2, &row->oid);
	}
	return statement_end(&statement, err);
}

static int list_label(const char *label, uint32_t number, void *context)
{
	struct text *list = context;

	text_printf(list, "%s%s (%u)", list->size ? ", " : "", label, number);
	return 0;
}

static int no_tag(struct book *book, const char *uuid, const char *label, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {0};
	CLEANUP(text) struct text list = TEXT_INIT;
	int rc = book_find(book, uuid, &row, err);

	if (!rc)
		rc = book_tags(book, uuid, list_label, &list, err);
	if (rc)
		return rc;
	error_set(err, DD_NOT_FOUND, "no version of the domain '%s' is called '%.100s'", row.name,
		label);
	error_hint(err, list.size ? "there is %s" : "it has no tags%s", text_string(&list));
	return DD_NOT_FOUND;
}

/* The row of a tag that is there. */
static int row_need(struct book *book, const char *uuid, const char *label, struct tag_row *row,
	struct dd_error *err)
{
	int rc = row_find(book, uuid, label, row, err);

	return rc || row->number ? rc : no_tag(book, uuid, label, err);
}

int book_tag_find(struct book *book, const char *uuid, const char *label, uint32_t *number,
	struct dd_error *err)
{
	struct tag_row row;
	int rc = row_need(book, uuid, label, &row, err);

	if (!rc)
		*number = row.number;
	return rc;
}

int book_tags(struct book *book, const char *uuid,
	int (*visit)(const char *label, uint32_t number, void *context), void *context,
	struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&book->database,
		"SELECT t.label, t.number FROM tag t JOIN domain d ON d.id = t.domain"
		" WHERE d.uuid = ? ORDER BY t.number, t.label");

	statement_text(&statement, uuid);
	while (statement_row(&statement)) {
		int rc = visit(statement_string(&statement, 0),
			(uint32_t)statement_integer(&statement, 1), context);

		if (rc)
			return rc;
	}
	return statement_end(&statement, err);
}

static void cleanup_tag(git_tag **tag)
{
	git_tag_free(*tag);
}

static int message_body(const char *message, struct tag_info *info, struct dd_error *err)
{
	CLEANUP(version_info) struct version_info parsed = {0};
	int rc = message_parse(message, &parsed, err);

	if (!rc)
		info->body = TAKE(parsed.body);
	return rc;
}

static int info_fill(struct tag_info *info, const git_tag *tag, struct dd_error *err)
{
	const git_signature *tagger = git_tag_tagger(tag);
	const char *message = git_tag_message(tag);
	const char *signature = message ? strstr(message, SIGNATURE_HEAD) : NULL;
	CLEANUP(free) char *words = NULL;
	int rc;

	if (!tagger || !signature)
		return error_set(err, DD_CORRUPT, "the tag '%s' is not signed", info->label);
	info->when = tagger->when.time;
	rc = string_format(&info->tagger, err, "%s <%s>", tagger->name, tagger->email);
	if (!rc)
		rc = string_format(&words, err, "%.*s", (int)(signature - message), message);
	return rc ? rc : message_body(words, info, err);
}

int book_tag_read(struct book *book, const char *uuid, const char *label, struct tag_info *out,
	struct dd_error *err)
{
	CLEANUP(tag) git_tag *tag = NULL;
	CLEANUP(tag_info) struct tag_info info = {0};
	struct tag_row row;
	int rc = row_need(book, uuid, label, &row, err);
	int code;

	if (!rc)
		rc = repository_need(book, err);
	if (!rc)
		rc = string_copy(&info.label, label, err);
	if (rc)
		return rc;
	code = git_tag_lookup(&tag, book->repository, &row.oid);
	if (code)
		return object_failure(book, code, &row.oid, "cannot read a tag", err);
	info.number = row.number;
	git_oid_tostr(info.object, sizeof info.object, &row.oid);
	rc = info_fill(&info, tag, err);
	if (rc)
		return rc;
	*out = info;
	info = (struct tag_info){0};
	return 0;
}

/* ---- giving ---- */

/* Without memory: whoever reads a tag could not tell a lack of it from a name that is none. */
static int label_check(const char *uuid, const char *label, struct dd_error *err)
{
	char ref[sizeof TAG_REFS + UUID_SIZE + TAG_LABEL_LIMIT];
	size_t length = strlen(label);
	int valid = 0;

	if (length && length <= TAG_LABEL_LIMIT && label[0] != '-' && !strpbrk(label, "/@{") &&
		strspn(label, "0123456789") < length) {
		snprintf(ref, sizeof ref, TAG_REFS "%s/%s", uuid, label);
		if (git_reference_name_is_valid(&valid, ref) < 0)
			valid = 0;
	}
	if (valid)
		return 0;
	error_set(err, DD_INVALID, "'%.100s' cannot be the name of a version", label);
	return error_hint(err, "letters, digits, '-', '_' and '.' can, up to %d; not digits alone",
		TAG_LABEL_LIMIT);
}

/* What is given today; what others gave has to be read. */
static int label_good(const char *uuid, const char *label, struct dd_error *err)
{
	int rc = label_check(uuid, label, err);

	return rc ? rc : line_check(label, TAG_LABEL_LIMIT, "the name of a version", err);
}

/* What comes before the tagger of a tag that a book makes, and more. */
#define TAG_HEAD_SIZE 512

bool tag_parse(const char *data, size_t size, struct tag_parts *out)
{
	const char *signature = memmem(data, size, SIGNATURE_HEAD, sizeof SIGNATURE_HEAD - 1);
	size_t signed_size = signature ? (size_t)(signature - data) : 0;
	char head[TAG_HEAD_SIZE] = "";
	char hex[COMMIT_SIZE];
	int end = 0;

	if (!signature || signature_check(signature, size - signed_size, data, signed_size,
				  out->signer) != SIGNATURE_GOOD)
		return false;
	memcpy(head, data, signed_size < sizeof head ? signed_size : sizeof head - 1);
	return sscanf(head,
		       "object %40[0-9a-f]\ntype commit\ntag domains/%36[0-9a-f-]/%100[^\n]\n"
		       "tagger %n",
		       hex, out->uuid, out->label, &end) == 3 &&
	       end && git_oid_fromstr(&out->commit, hex) == 0 && uuid_valid(out->uuid) &&
	       label_check(out->uuid, out->label, NULL) == 0;
}

struct tagging {
	struct book *book;
	const struct tag_draft *draft;
	uint32_t number;
	git_oid oid; /* of the tag object */
	struct object_set objects;
	bool made;
};

static void cleanup_tagging(struct tagging *tagging)
{
	object_set_release(&tagging->objects);
}

static void headers_add(struct text *out, const struct tag_draft *draft, const git_oid *commit)
{
	char hex[GIT_OID_HEXSZ + 1];

	text_printf(out, "object %s\ntype commit\ntag domains/%s/%s\ntagger ",
		git_oid_tostr(hex, sizeof hex, commit), draft->uuid, draft->label);
	person_add(out, &draft->tagger);
	text_printf(out, " %lld +0000\n\n", (long long)time(NULL));
}

static int message_add(struct text *out, const struct tagging *tagging, struct dd_error *err)
{
	const struct tag_draft *draft = tagging->draft;
	CLEANUP(free) char *subject = NULL;
	struct version_draft message = {.body = draft->body};
	struct message_facts facts = {
		.uuid = draft->uuid,
		.number = tagging->number,
		.host = tagging->book->host_name,
	};
	int rc = string_format(
		&subject, err, "version %u is called %s", tagging->number, draft->label);

	message.subject = subject;
	return rc ? rc : message_build(&message, &facts, out, err);
}

static int tag_prepare(struct tagging *tagging, struct dd_error *err)
{
	struct book *book = tagging->book;
	CLEANUP(text) struct text whole = TEXT_INIT;
	CLEANUP(text) struct text signature = TEXT_INIT;
	git_oid commit;
	int rc = commit_ready(book, err);

	if (!rc)
		rc = label_good(tagging->draft->uuid, tagging->draft->label, err);
	if (!rc)
		rc = version_find(book, tagging->draft->uuid, &tagging->number, &commit, err);
	if (rc)
		return rc;
	headers_add(&whole, tagging->draft, &commit);
	rc = message_add(&whole, tagging, err);
	if (!rc && text_failed(&whole))
		rc = error_no_memory(err);
	if (!rc)
		rc = key_sign(book->key, whole.data, whole.size, &signature, err);
	if (rc)
		return rc;
	text_add(&whole, signature.data, signature.size);
	return object_add_text(&tagging->objects, GIT_OBJECT_TAG, &whole, &tagging->oid, err);
}

static int row_insert(const struct tagging *tagging, int64_t domain, struct dd_error *err)
{
	struct statement statement = statement_begin(&tagging->book->database,
		"INSERT INTO tag(domain, label, number, oid) VALUES(?, ?, ?, ?)");

	statement_number(&statement, domain);
	statement_text(&statement, tagging->draft->label);
	statement_number(&statement, tagging->number);
	statement_blob(&statement, tagging->oid.id, sizeof tagging->oid.id);
	return statement_run(&statement, err);
}

static int tag_write(void *context, struct dd_error *err)
{
	struct tagging *tagging = context;
	const struct tag_draft *draft = tagging->draft;
	struct tag_row row;
	int rc = row_find(tagging->book, draft->uuid, draft->label, &row, err);

	tagging->made = !rc && !row.number;
	if (rc || row.number == tagging->number)
		return rc;
	if (row.number) {
		error_set(err, DD_EXISTS, "version %u is called '%s' already", row.number,
			draft->label);
		return error_hint(err, "take the name away first, with --delete");
	}
	rc = object_set_stage(&tagging->objects, &tagging->book->database, row.domain, err);
	return rc ? rc : row_insert(tagging, row.domain, err);
}

int book_tag(struct book *book, const struct tag_draft *draft, uint32_t *number, bool *made,
	struct dd_error *err)
{
	CLEANUP(tagging)
	struct tagging tagging = {.book = book, .draft = draft, .number = draft->number};
	int rc = tag_prepare(&tagging, err);

	if (!rc)
		rc = database_change(&book->database, "tag", tag_write, &tagging, err);
	if (rc)
		return rc;
	if (number)
		*number = tagging.number;
	*made = tagging.made;
	return 0;
}

/* ---- taking away ---- */

struct untagging {
	struct book *book;
	const char *uuid;
	const char *label;
};

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static int object_restage(
	struct book *book, const struct tag_row *row, struct object_set *set, struct dd_error *err)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	git_oid oid;
	int code = git_odb_read(&object, book->objects, &row->oid);
	int rc;

	if (code)
		return object_failure(book, code, &row->oid, "cannot read a tag", err);
	rc = object_add(set, GIT_OBJECT_TAG, git_odb_object_data(object),
		git_odb_object_size(object), &oid, err);
	return rc ? rc : object_set_stage(set, &book->database, row->domain, err);
}

static int tag_erase(void *context, struct dd_error *err)
{
	const struct untagging *untagging = context;
	struct book *book = untagging->book;
	CLEANUP(object_set) struct object_set set = {0};
	struct statement statement;
	struct tag_row row;
	int rc = row_need(book, untagging->uuid, untagging->label, &row, err);

	if (!rc)
		rc = object_restage(book, &row, &set, err);
	if (rc)
		return rc;
	statement =
		statement_begin(&book->database, "DELETE FROM tag WHERE domain = ? AND label = ?");
	statement_number(&statement, row.domain);
	statement_text(&statement, untagging->label);
	return statement_run(&statement, err);
}

int book_tag_remove(struct book *book, const char *uuid, const char *label, struct dd_error *err)
{
	struct untagging untagging = {book, uuid, label};
	int rc = repository_need(book, err);

	return rc ? rc : database_change(&book->database, "tag", tag_erase, &untagging, err);
}

/* ---- those of another host ---- */

static bool same_tag(const struct arrived_tag *tag, const struct object *object, const char *label,
	const git_oid *oid)
{
	return strcmp(tag->label, label) == 0 && git_oid_equal(&object->oid, oid);
}

/* The refs of what is not among them are to go: see tag_erase(). */
static int others_erase(struct book *book, int64_t domain, const struct arrived_tag *tags,
	const struct object_set *objects, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement rows =
		statement_begin(&book->database, "SELECT label, oid FROM tag WHERE domain = ?");
	int rc = 0;

	statement_number(&rows, domain);
	while (!rc && statement_row(&rows)) {
		CLEANUP(object_set) struct object_set restaged = {0};
		struct tag_row row = {.domain = domain};
		bool kept = false;

		if (!statement_oid(&rows, 1, &row.oid))
			break;
		for (size_t i = 0; i < objects->count; i++)
			kept |= same_tag(
				&tags[i], &objects->list[i], statement_string(&rows, 0), &row.oid);
		if (!kept)
			rc = object_restage(book, &row, &restaged, err);
	}
	return rc ? rc : statement_end(&rows, err);
}

int tags_replace(struct book *book, int64_t domain, const struct arrived_tag *tags,
	const struct object_set *objects, struct dd_error *err)
{
	struct statement statement;
	int rc = others_erase(book, domain, tags, objects, err);

	if (rc)
		return rc;
	statement = statement_begin(&book->database, "DELETE FROM tag WHERE domain = ?");
	statement_number(&statement, domain);
	rc = statement_run(&statement, err);
	/* with a tag that is staged the next checkpoint makes its refs */
	if (!rc)
		rc = object_set_stage(objects, &book->database, domain, err);
	for (size_t i = 0; !rc && i < objects->count; i++) {
		statement = statement_begin(&book->database,
			"INSERT INTO tag(domain, label, number, oid) VALUES(?, ?, ?, ?)");
		statement_number(&statement, domain);
		statement_text(&statement, tags[i].label);
		statement_number(&statement, tags[i].number);
		statement_blob(&statement, objects->list[i].oid.id, GIT_OID_RAWSZ);
		rc = statement_run(&statement, err);
	}
	return rc;
}
