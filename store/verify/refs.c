/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The refs of book.git: packed-refs, and loose files, which git prefers. A ref of ours may be
 * behind book.db as long as everything that it lacks is staged: then a checkpoint was still to
 * come. In every other case it was moved. Refs that are not ours must lead to something, no more;
 * but none may replace an object.
 */
#include "store/verify/verification.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/moment.h"
#include "store/commit/chain.h"
#include "store/folder.h"

#define REFS_LIMIT ((size_t)1 << 30)
#define LOOSE_LIMIT 4096
#define DEPTH_LIMIT 16
/* Of a domain that did not come from another host, or made here since. */
#define MADE_HERE                                                       \
	" AND (v.seq IS NOT NULL OR NOT EXISTS (SELECT 1 FROM domain d" \
	"  WHERE d.id = v.domain AND (d.epoch > 1 OR d.owner IS NOT NULL)))"
#define PACKED "book.git/packed-refs"
#define LOOSE "book.git/refs"
#define REPLACING "refs/replace/"

struct ref {
	char *name;
	git_oid oid;
	git_oid peeled; /* what git has noted that the tag points to; all zeros: nothing */
	bool loose;     /* a file of its own */
	bool seen;      /* one that book.db has, too */
};

struct refs {
	struct verification *verification;
	struct ref *list;
	size_t count, room;
	size_t sorted; /* how many of them, at the beginning, come from packed-refs */
	bool packed;   /* that file is there */
};

static void cleanup_refs(struct refs *refs)
{
	for (size_t i = 0; i < refs->count; i++)
		free(refs->list[i].name);
	free(refs->list);
}

/* ---- reading ---- */

static int ref_compare(const void *a, const void *b)
{
	return strcmp(((const struct ref *)a)->name, ((const struct ref *)b)->name);
}

static struct ref *ref_find(const struct refs *refs, size_t count, const char *name)
{
	struct ref wanted = {.name = (char *)(uintptr_t)name};

	return count ? bsearch(&wanted, refs->list, count, sizeof wanted, ref_compare) : NULL;
}

static int refs_add(struct refs *refs, const char *name, size_t length, const git_oid *oid)
{
	struct ref ref = {.oid = *oid};
	int rc;

	if (refs->count == refs->room) {
		size_t room = refs->room ? refs->room * 2 : 256;
		struct ref *grown = reallocarray(refs->list, room, sizeof *grown);

		if (!grown)
			return error_no_memory(refs->verification->err);
		refs->list = grown;
		refs->room = room;
	}
	rc = string_format(&ref.name, refs->verification->err, "%.*s", (int)length, name);
	if (!rc)
		refs->list[refs->count++] = ref;
	return rc;
}

/* Git writes them in small letters, and we look for changed bits. */
static bool oid_read(const char *hex, git_oid *out)
{
	return strspn(hex, "0123456789abcdef") >= GIT_OID_HEXSZ &&
	       git_oid_fromstrn(out, hex, GIT_OID_HEXSZ) == 0;
}

static int line_tell(struct refs *refs, size_t line)
{
	struct finding finding = {.kind = "refs", .where = PACKED};

	return finding_tell(refs->verification, &finding, PACKED ", line %zu, is malformed", line);
}

/* "OID NAME", "^OID" behind a tag, and the comment that git begins the file with. */
static int packed_line(struct refs *refs, const char *line, size_t length, size_t number)
{
	static const char head[] = "# pack-refs with: peeled fully-peeled sorted ";
	bool peeled = line[0] == '^';
	git_oid oid;

	if (number == 1 && length == sizeof head - 1 && memcmp(line, head, length) == 0)
		return 0;
	if (length < (size_t)GIT_OID_HEXSZ + peeled || !oid_read(line + peeled, &oid) ||
		(peeled ? length != GIT_OID_HEXSZ + 1 || !refs->count
			: length < GIT_OID_HEXSZ + 2 || line[GIT_OID_HEXSZ] != ' '))
		return line_tell(refs, number);
	if (!peeled)
		return refs_add(refs, line + GIT_OID_HEXSZ + 1, length - GIT_OID_HEXSZ - 1, &oid);
	refs->list[refs->count - 1].peeled = oid;
	return 0;
}

static int packed_read(struct refs *refs)
{
	struct verification *verification = refs->verification;
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	struct dd_error reason = {0};
	size_t number = 1;
	int rc = book_path(verification->book, PACKED, &path, verification->err);

	if (rc)
		return rc;
	rc = file_read(path, REFS_LIMIT, &text, &reason);
	if (rc == DD_NOT_FOUND)
		return 0;
	if (rc)
		return error_set(verification->err, rc, "%s", reason.message);
	refs->packed = true;
	for (const char *line = text_string(&text); !rc && *line; number++) {
		size_t length = strcspn(line, "\n");

		rc = packed_line(refs, line, length, number);
		line += length + (line[length] == '\n');
	}
	return rc;
}

static int loose_file(struct refs *refs, const char *path, const char *name)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	struct finding finding = {.kind = "refs", .where = name};
	struct ref *same = ref_find(refs, refs->sorted, name);
	git_oid oid;
	int rc = file_read(path, LOOSE_LIMIT, &text, refs->verification->err);

	if (rc)
		return rc;
	if (strncmp(text_string(&text), "ref: ", 5) == 0 && strncmp(name, "refs/remotes/", 13) == 0)
		return 0;
	if (text.size != GIT_OID_HEXSZ + 1 || text.data[GIT_OID_HEXSZ] != '\n' ||
		!oid_read(text.data, &oid))
		return finding_tell(refs->verification, &finding, "book.git/%s is no ref", name);
	if (!same) {
		rc = refs_add(refs, name, strlen(name), &oid);
		same = rc ? NULL : &refs->list[refs->count - 1];
	}
	if (same)
		*same = (struct ref){.name = same->name, .oid = oid, .loose = true};
	return rc;
}

/* Git moves a ref by writing the new value there first: it is none, and no ref may be called so. */
static bool is_lock(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && strcmp(name + length - 5, ".lock") == 0;
}

static int loose_read(struct refs *refs, const char *name, int depth)
{
	CLEANUP(free) char *path = NULL;
	int rc = string_format(&path, refs->verification->err, "%s/book.git/%s",
		refs->verification->book->folder, name);

	if (rc)
		return rc;

	CLEANUP(folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder && errno == ENOTDIR)
		return loose_file(refs, path, name);
	if (!folder && errno == ENOENT)
		return 0;
	if (!folder)
		return error_errno(refs->verification->err, errno, "cannot open %s", path);
	while (!rc && depth < DEPTH_LIMIT &&
		(entry = folder_next(folder, path, &rc, refs->verification->err))) {
		CLEANUP(free) char *below = NULL;

		if (entry->d_name[0] == '.' || is_lock(entry->d_name))
			continue;
		rc = string_format(&below, refs->verification->err, "%s/%s", name, entry->d_name);
		if (!rc)
			rc = loose_read(refs, below, depth + 1);
	}
	return rc;
}

static void refs_sort(struct refs *refs)
{
	if (refs->count)
		qsort(refs->list, refs->count, sizeof *refs->list, ref_compare);
}

static int refs_all(struct refs *refs)
{
	int rc = packed_read(refs);

	refs_sort(refs);
	refs->sorted = refs->count;
	if (!rc)
		rc = loose_read(refs, "refs", 0);
	refs_sort(refs);
	return rc;
}

/* ---- what book.db says ---- */

/* A number that SQL finds for two others; 0 where it finds none. */
static int number_ask(struct refs *refs, const char *sql, int64_t a, int64_t b, int64_t *out)
{
	struct statement statement = statement_begin(&refs->verification->book->database, sql);

	*out = 0;
	statement_number(&statement, a);
	statement_number(&statement, b);
	if (statement_row(&statement))
		*out = statement_integer(&statement, 0);
	return statement_end(&statement, refs->verification->err);
}

static int oid_ask(
	struct refs *refs, const char *sql, int64_t number, const git_oid *oid, int64_t *out)
{
	struct statement statement = statement_begin(&refs->verification->book->database, sql);

	*out = 0;
	statement_blob(&statement, oid->id, sizeof oid->id);
	statement_number(&statement, number);
	if (statement_row(&statement))
		*out = statement_integer(&statement, 0);
	return statement_end(&statement, refs->verification->err);
}

/* The commit of a version, and who made it when. */
static int version_facts(struct refs *refs, int64_t domain, int64_t number,
	struct commit_facts *facts, struct finding *finding)
{
	struct statement statement = statement_begin(&refs->verification->book->database,
		"SELECT oid FROM version WHERE domain = ? AND number = ?");
	git_oid oid;

	statement_number(&statement, domain);
	statement_number(&statement, number);
	if (statement_row(&statement) && statement_oid_maybe(&statement, 0, &oid))
		commit_facts_read(refs->verification, &oid, facts, finding);
	finding->version = (uint32_t)number;
	return statement_end(&statement, refs->verification->err);
}

/* ---- the branch of a domain ---- */

struct branch {
	int64_t domain;
	const char *uuid;
	int64_t newest;
	git_oid head;
};

/*
 * It is at version `at` (0: not there) and book.db at a later one. What came from another host was
 * packed when it came, so that the branch is behind until the version on top of it is packed too.
 */
static int behind(struct refs *refs, const struct branch *branch, int64_t at)
{
	struct finding finding = {.kind = "refs", .where = PACKED, .uuid = branch->uuid};
	struct commit_facts facts;
	char words[VERSION_WORDS_SIZE];
	int64_t packed;
	int rc = number_ask(refs,
		"SELECT min(number) FROM version v WHERE domain = ? AND number > ?"
		" AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.oid = v.oid)" MADE_HERE,
		branch->domain, at, &packed);

	if (rc || !packed)
		return rc;
	rc = version_facts(refs, branch->domain, packed, &facts, &finding);
	if (rc)
		return rc;
	finding.until = (uint32_t)branch->newest;
	version_words(refs->verification, &finding, words);
	if (at)
		return finding_tell(refs->verification, &finding,
			"the branch domains/%s was moved back to version %lld; it lacks %s",
			branch->uuid, (long long)at, words);
	return finding_tell(refs->verification, &finding,
		"the branch domains/%s is gone; it lacks %s", branch->uuid, words);
}

static int branch_check(struct refs *refs, const struct branch *branch)
{
	struct finding finding = {.kind = "refs", .where = PACKED, .uuid = branch->uuid};
	char name[sizeof DOMAIN_REFS + UUID_SIZE], hex[COMMIT_SIZE];
	struct ref *ref;
	int64_t at;
	int rc;

	snprintf(name, sizeof name, DOMAIN_REFS "%s", branch->uuid);
	ref = ref_find(refs, refs->count, name);
	if (!ref)
		return behind(refs, branch, 0);
	ref->seen = true;
	if (git_oid_equal(&ref->oid, &branch->head))
		return 0;
	rc = oid_ask(refs, "SELECT number FROM version WHERE oid = ?1 AND domain = ?2",
		branch->domain, &ref->oid, &at);
	if (rc || at)
		return rc ? rc : behind(refs, branch, at);
	finding.where = ref->loose ? LOOSE : PACKED;
	return finding_tell(refs->verification, &finding,
		"the branch domains/%s points to %s, which is no version of it that book.db knows",
		branch->uuid, git_oid_tostr(hex, sizeof hex, &ref->oid));
}

static int branches_check(struct refs *refs)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&refs->verification->book->database,
		"SELECT id, uuid, version, head FROM domain WHERE ?1 IS NULL OR uuid = ?1"
		" ORDER BY uuid");
	int rc = 0;

	statement_text(&statement, refs->verification->uuid);
	while (!rc && statement_row(&statement)) {
		struct branch branch = {
			.domain = statement_integer(&statement, 0),
			.uuid = statement_string(&statement, 1),
			.newest = statement_integer(&statement, 2),
		};

		(void)statement_oid_maybe(&statement, 3, &branch.head);
		rc = branch_check(refs, &branch);
	}
	return rc ? rc : statement_end(&statement, refs->verification->err);
}

/* ---- the book's own ---- */

static int own_tell(struct refs *refs, const char *name, const char *what)
{
	const struct ref *ref = ref_find(refs, refs->count, name);
	struct finding finding = {.kind = "refs", .where = ref && ref->loose ? LOOSE : PACKED};

	return finding_tell(refs->verification, &finding, "%s %s", name, what);
}

static int chain_check(struct refs *refs)
{
	struct ref *ref = ref_find(refs, refs->count, CHAIN_REF);
	int64_t at = 0, packed = 0;
	int rc = 0;

	if (ref) {
		ref->seen = true;
		rc = oid_ask(refs, "SELECT seq FROM version WHERE oid = ?1 AND ?2 = 0", 0,
			&ref->oid, &at);
		if (!rc && !at)
			return own_tell(refs, CHAIN_REF,
				"points to a version that book.db does not know: the book was "
				"longer once");
	}
	if (!rc)
		rc = number_ask(refs,
			"SELECT min(seq) FROM version v WHERE seq > ?1 + ?2"
			" AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.oid = v.oid)",
			at, 0, &packed);
	if (rc || !packed)
		return rc;
	return own_tell(
		refs, CHAIN_REF, ref ? "was moved back: later versions are packed" : "is gone");
}

static int book_check(struct refs *refs)
{
	struct ref *ref = ref_find(refs, refs->count, BOOK_REF);
	int64_t same = 0, staged = 0;
	int rc = number_ask(refs,
		"SELECT count(*) FROM staged WHERE oid = (SELECT value FROM setting"
		" WHERE key = 'book-head') AND ?1 = ?2",
		0, 0, &staged);

	if (ref)
		ref->seen = true;
	if (!rc && ref)
		rc = oid_ask(refs,
			"SELECT 1 FROM setting WHERE key = 'book-head' AND value = ?1 AND ?2 = 0",
			0, &ref->oid, &same);
	if (rc || same || staged)
		return rc;
	return own_tell(refs, BOOK_REF,
		ref ? "does not point to where book.db says that the branch \"book\" ends"
		    : "is gone");
}

static int tags_check(struct refs *refs)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&refs->verification->book->database,
		"SELECT d.uuid, t.label, t.oid, t.number,"
		" EXISTS (SELECT 1 FROM staged s WHERE s.oid = t.oid) FROM tag t"
		" JOIN domain d ON d.id = t.domain WHERE ?1 IS NULL OR d.uuid = ?1");
	int rc = 0;

	statement_text(&statement, refs->verification->uuid);
	while (!rc && statement_row(&statement)) {
		struct finding finding = {
			.kind = "refs", .where = PACKED, .uuid = statement_string(&statement, 0)};
		char name[sizeof TAG_REFS + UUID_SIZE + TAG_LABEL_LIMIT + 2];
		struct ref *ref;
		git_oid oid;

		snprintf(name, sizeof name, TAG_REFS "%s/%s", finding.uuid,
			statement_string(&statement, 1));
		ref = ref_find(refs, refs->count, name);
		if (ref)
			ref->seen = true;
		if (statement_integer(&statement, 4) ||
			(ref && statement_oid_maybe(&statement, 2, &oid) &&
				git_oid_equal(&oid, &ref->oid)))
			continue;
		finding.version = finding.until = (uint32_t)statement_integer(&statement, 3);
		rc = finding_tell(refs->verification, &finding, "the tag %s %s",
			name + sizeof "refs/tags/" - 1,
			ref ? "points to something else than book.db says" : "is gone");
	}
	return rc ? rc : statement_end(&statement, refs->verification->err);
}

/* ---- what is left ---- */

/* Whoever reads the object whose name is the ref's gets another one from git. */
static bool replaces(const char *name)
{
	return strncmp(name, REPLACING, sizeof REPLACING - 1) == 0;
}

static bool ours(const char *name)
{
	return strncmp(name, DOMAIN_REFS, sizeof DOMAIN_REFS - 1) == 0 ||
	       strncmp(name, TAG_REFS, sizeof TAG_REFS - 1) == 0 || strcmp(name, BOOK_REF) == 0 ||
	       strncmp(name, "refs/book/", 10) == 0;
}

static void cleanup_tag(git_tag **tag)
{
	git_tag_free(*tag);
}

/* Git believes the note and does not look at the tag. */
static bool note_is_false(const struct refs *refs, const struct ref *ref)
{
	CLEANUP(tag) git_tag *tag = NULL;

	return !git_oid_is_zero(&ref->peeled) &&
	       (git_tag_lookup(&tag, refs->verification->book->repository, &ref->oid) < 0 ||
		       !git_oid_equal(git_tag_target_id(tag), &ref->peeled));
}

static int rest_check(struct refs *refs)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < refs->count; i++) {
		const struct ref *ref = &refs->list[i];
		struct verification *verification = refs->verification;
		int64_t staged = 0;

		if (note_is_false(refs, ref))
			rc = own_tell(refs, ref->name,
				"is noted to lead to something else than its tag says");
		if (!rc && replaces(ref->name))
			rc = own_tell(refs, ref->name,
				"makes git show another object in the place of that one: 'git "
				"replace --delete' removes it");
		if (rc || ref->seen)
			continue;
		if (!oid_set_has(&verification->good, &ref->oid))
			rc = own_tell(refs, ref->name, "points to nothing that can be read");
		else if (ours(ref->name))
			/* of a tag that was taken away: the next checkpoint does the rest */
			rc = oid_ask(refs, "SELECT 1 FROM staged WHERE oid = ?1 AND ?2 = 0", 0,
				&ref->oid, &staged);
		if (!rc && ours(ref->name) && !staged &&
			oid_set_has(&verification->good, &ref->oid))
			rc = own_tell(refs, ref->name, "is not in book.db");
	}
	return rc;
}

static int file_lost(struct refs *refs, bool *lost)
{
	int64_t packed = 0;
	int rc = 0;

	*lost = false;
	if (refs->packed)
		return 0;
	rc = number_ask(refs,
		"SELECT count(*) FROM version v WHERE ?1 = ?2"
		" AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.oid = v.oid)" MADE_HERE,
		0, 0, &packed);
	*lost = packed != 0;
	return rc || !packed ? rc : own_tell(refs, PACKED, "is gone: git finds no version");
}

int verify_refs(struct verification *verification)
{
	CLEANUP(refs) struct refs refs = {.verification = verification};
	bool lost = false;
	int rc = refs_all(&refs);

	if (!rc)
		rc = file_lost(&refs, &lost);
	if (rc || lost)
		return rc;
	rc = branches_check(&refs);
	if (!rc)
		rc = tags_check(&refs);
	if (rc || verification->uuid)
		return rc;
	rc = chain_check(&refs);
	if (!rc)
		rc = book_check(&refs);
	return rc ? rc : rest_check(&refs);
}
