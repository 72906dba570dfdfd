/* SPDX-License-Identifier: Apache-2.0 */
#include "operations.h"

#include <git2.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "state.h"
#include "store/database/vfs.h"

#define WAIT_MS 300            /* for a lock that fails for ever */
#define CLOCK 1790000000       /* all versions are of that second */
#define CLOCK_LATER 4000000000 /* than any file is from */
#define XML_SIZE 4096
#define LARGE_SIZE 150000
#define PACKS 31 /* one more makes a checkpoint merge them */

/* ---- chance that is none ---- */

static const char *drawn_name(void)
{
	return "counting";
}

static void drawn_fill(void *const bytes, const size_t size)
{
	static unsigned char next = 1;

	for (size_t i = 0; i < size; i++)
		((unsigned char *)bytes)[i] = next++;
}

static uint32_t drawn(void)
{
	uint32_t number;

	drawn_fill(&number, sizeof number);
	return number;
}

void scene_be_predictable(void)
{
	static struct randombytes_implementation counting = {
		.implementation_name = drawn_name, .random = drawn, .buf = drawn_fill};

	randombytes_set_implementation(&counting);
	atomic_store(&calls_clock, CLOCK);
}

/* ---- one change each ---- */

int scene_open(struct scene *scene, bool create, struct dd_error *err)
{
	struct book_options options = {.create = create,
		.host_name = HOST,
		.wait_ms = scene->wait_ms ? scene->wait_ms : WAIT_MS};

	return book_open(scene->folder, &options, &scene->book, err);
}

void scene_close(struct scene *scene)
{
	book_close(TAKE(scene->book));
}

static int told(struct scene *scene, int rc)
{
	if (!rc && scene->acknowledged)
		scene->acknowledged(scene);
	return rc;
}

struct wish {
	int domain; /* which also says its UUID, name and disk */
	uint32_t base;
	const char *subject;
	const char *name; /* NULL: its usual one */
	size_t size;      /* of domain.xml; 0: the usual */
	enum domain_state state;
	bool index_only;
	uint64_t journal;
};

static void uuid_of(int domain, char uuid[UUID_SIZE])
{
	snprintf(uuid, UUID_SIZE, "11111111-2222-4333-8444-%012d", domain);
}

static int grant(struct scene *scene, const struct wish *wish, struct dd_error *err)
{
	static char xml[LARGE_SIZE];
	size_t size = wish->size ? wish->size : XML_SIZE;
	char uuid[UUID_SIZE], name[32], path[64], snapshot[64];
	struct use_row uses[] = {{"disk", path, 'w', USE_CONFIG}, {"mac", name, 's', USE_CONFIG}};
	struct tree_file files[] = {
		{"domain.xml", xml, size}, {"snapshots/first.xml", snapshot, sizeof snapshot}};
	struct trailer trailers[] = {{"Operation", wish->subject}, {"Device", "vda"}};
	struct version_draft version = {
		.subject = wish->subject,
		.author = {"Ada Operator", "ada@example.org"},
		.trailers = trailers,
		.trailer_count = 2,
		.files = files,
		.file_count = 2,
	};
	struct index_draft index = {
		.name = wish->name ? wish->name : name,
		.title = wish->index_only ? "another title" : "",
		.state = wish->state,
		.autostart = wish->index_only,
		.uses = uses,
		.use_count = 2,
	};
	struct book_change change = {
		.uuid = uuid,
		.base = wish->base,
		.version = wish->index_only ? NULL : &version,
		.index = &index,
		.journal = wish->journal,
	};

	uuid_of(wish->domain, uuid);
	snprintf(name, sizeof name, "guest%d", wish->domain);
	snprintf(path, sizeof path, "/disks/%d-%u.img", wish->domain, wish->base);
	memset(snapshot, 's', sizeof snapshot);
	for (size_t at = 0; at < size;) /* alike between versions, so that deltas are worth it */
		at += (size_t)snprintf(xml + at, size - at, "<d n='%d' v='%u' at='%zu'/>\n",
			wish->domain, at % 1024 < 512 ? wish->base : 0, at);
	return told(scene, book_apply(scene->book, &change, NULL, err));
}

int scene_edit(struct scene *scene, int n, uint32_t base, struct dd_error *err)
{
	return grant(scene, &(struct wish){.domain = n, .base = base, .subject = "edit"}, err);
}

static int checkpoint(struct scene *scene, struct dd_error *err)
{
	return told(scene, book_checkpoint(scene->book, err));
}

static int journal_begin(struct scene *scene, int domain, uint64_t *id, struct dd_error *err)
{
	char uuid[UUID_SIZE], path[64];
	struct use_row claims[] = {{"disk", path, 'w', USE_LIVE}, {"mac", "x", 's', USE_LIVE}};
	struct journal_draft draft = {
		.uuid = uuid,
		.operation = "attach-device",
		.detail = "what recovery needs",
		.claims = claims,
		.claim_count = 2,
	};

	uuid_of(domain, uuid);
	snprintf(path, sizeof path, "/disks/hot-%d.img", domain);
	return told(scene, journal_open(scene->book, &draft, id, NULL, err));
}

/* ---- the rows ---- */

int scene_fill(struct scene *scene, struct dd_error *err)
{
	int rc = 0;

	for (int domain = 0; !rc && domain < 4; domain++)
		for (uint32_t base = 0; !rc && base < 3; base++)
			rc = scene_edit(scene, domain, base, err);
	if (!rc)
		rc = checkpoint(scene, err);
	for (int domain = 0; !rc && domain < 2; domain++)
		rc = scene_edit(scene, domain, 3, err);
	return rc;
}

static int run_create(struct scene *scene, struct dd_error *err)
{
	return told(scene, scene_open(scene, true, err));
}

static int run_open(struct scene *scene, struct dd_error *err)
{
	return told(scene, scene_open(scene, false, err));
}

static int visit_row(const struct domain_row *row, void *context)
{
	(void)row;
	++*(int *)context;
	return 0;
}

static int run_read(struct scene *scene, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	char uuid[UUID_SIZE];
	int count = 0;
	int rc = book_list(scene->book, true, visit_row, &count, err);

	uuid_of(1, uuid);
	for (uint32_t number = 1; !rc && number <= 4; number++)
		rc = book_read(scene->book, uuid, number, "domain.xml", &text, err);
	return told(scene, rc);
}

static int run_define(struct scene *scene, struct dd_error *err)
{
	return grant(scene, &(struct wish){.domain = 9, .subject = "define"}, err);
}

static int run_edit(struct scene *scene, struct dd_error *err)
{
	return scene_edit(scene, 0, 4, err);
}

/* The files of a version that there was, as a new one: what is packed is not staged again. */
static int run_rollback(struct scene *scene, struct dd_error *err)
{
	CLEANUP(text) struct text xml = TEXT_INIT;
	char uuid[UUID_SIZE];
	struct tree_file file = {.path = "domain.xml"};
	struct version_draft version = {.subject = "roll back to version 2",
		.author = {"Ada", "ada@example.org"},
		.files = &file,
		.file_count = 1};
	struct book_change change = {.uuid = uuid, .base = 3, .version = &version};
	int rc;

	uuid_of(2, uuid);
	rc = book_read(scene->book, uuid, 2, "domain.xml", &xml, err);
	file.data = xml.data;
	file.size = xml.size;
	return rc ? rc : told(scene, book_apply(scene->book, &change, NULL, err));
}

static int run_index(struct scene *scene, struct dd_error *err)
{
	struct wish wish = {.domain = 2, .base = 3, .index_only = true, .name = "renamed"};

	return grant(scene, &wish, err);
}

static int run_undefine(struct scene *scene, struct dd_error *err)
{
	struct wish wish = {.domain = 3, .base = 3, .subject = "undefine", .state = STATE_GONE};

	return grant(scene, &wish, err);
}

static int run_journal(struct scene *scene, struct dd_error *err)
{
	struct wish wish = {.domain = 1, .base = 4, .subject = "attach disk"};
	uint64_t undone = 0;
	int rc = journal_begin(scene, 0, &undone, err);

	if (!rc)
		rc = journal_begin(scene, 1, &wish.journal, err);
	if (!rc)
		rc = grant(scene, &wish, err);
	return rc ? rc : told(scene, journal_undo(scene->book, undone, err));
}

static int run_small_things(struct scene *scene, struct dd_error *err)
{
	int64_t number;
	int rc = told(scene, book_cache_put(scene->book, "probe", "what was found", err));

	return rc ? rc : told(scene, book_count(scene->book, "domain-id", &number, err));
}

static int fill_packs(struct scene *scene, struct dd_error *err)
{
	uint32_t version = 4;
	int rc = 0;

	for (int pack = 0; !rc && pack < PACKS; pack++) {
		rc = scene_edit(scene, 0, version++, err);
		if (!rc)
			rc = checkpoint(scene, err);
	}
	return rc ? rc : scene_edit(scene, 1, 4, err);
}

static int tag(
	struct scene *scene, int domain, uint32_t number, const char *label, struct dd_error *err)
{
	char uuid[UUID_SIZE];
	struct tag_draft draft = {
		.uuid = uuid,
		.number = number,
		.label = label,
		.tagger = {"Ada Operator", "ada@example.org"},
		.body = "as it was sold",
	};

	bool made;

	uuid_of(domain, uuid);
	return told(scene, book_tag(scene->book, &draft, NULL, &made, err));
}

static int run_tag(struct scene *scene, struct dd_error *err)
{
	return tag(scene, 1, 2, "sold", err);
}

static int tag_two(struct scene *scene, struct dd_error *err)
{
	int rc = tag(scene, 1, 2, "sold", err);

	return rc ? rc : tag(scene, 2, 1, "first", err);
}

static int run_untag(struct scene *scene, struct dd_error *err)
{
	char uuid[UUID_SIZE];

	uuid_of(1, uuid);
	return told(scene, book_tag_remove(scene->book, uuid, "sold", err));
}

/*
 * A book as its first format was: without what came later. It holds no version, since those made
 * here carry their place in a chain that it does not know.
 */
static int make_old(struct scene *scene, struct dd_error *err)
{
	static const char sql[] =
		"DROP INDEX version_seq; ALTER TABLE version DROP COLUMN seq; DROP TABLE tag;"
		"DROP TABLE secret;"
		"DROP INDEX domain_running; ALTER TABLE domain DROP COLUMN epoch; ALTER TABLE "
		"domain DROP COLUMN owner; ALTER TABLE domain DROP COLUMN owner_book;"
		"DELETE FROM setting WHERE key = 'genesis'; PRAGMA user_version = 1";
	char path[sizeof scene->folder + 16];
	sqlite3 *database = NULL;
	int rc, code;

	scene_close(scene);
	folder_remove(scene->folder);
	rc = scene_open(scene, true, err);
	if (rc)
		return rc;
	scene_close(scene);
	snprintf(path, sizeof path, "%s/book.db", scene->folder);
	code = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, database_vfs());
	if (!code)
		code = sqlite3_exec(database, sql, NULL, NULL, NULL);
	if (code)
		rc = error_set(err, DD_CORRUPT, "%s", sqlite3_errmsg(database));
	sqlite3_close(database);
	return rc;
}

/* ---- elsewhere ---- */

/* In the book's folder, so that whatever happens to that happens to the remote, too. */
#define REMOTE "remote.git"
#define BRANCHES 5 /* four domains and the book's own */

static int tag_and_remote(struct scene *scene, struct dd_error *err)
{
	char path[sizeof scene->folder + 16];
	git_repository *remote = NULL;
	int rc = tag_two(scene, err);

	snprintf(path, sizeof path, "%s/" REMOTE, scene->folder);
	if (!rc && git_repository_init(&remote, path, true))
		rc = error_set(err, DD_SYSTEM, "%s", git_error_last()->message);
	git_repository_free(remote);
	return rc;
}

struct arrivals {
	int current, late, diverged;
};

static int visit_branch(const struct branch_report *branch, void *context)
{
	struct arrivals *arrivals = context;

	arrivals->current += branch->outcome == BRANCH_CURRENT;
	arrivals->late += branch->outcome == BRANCH_CREATED || branch->outcome == BRANCH_FORWARDED;
	arrivals->diverged += branch->outcome == BRANCH_DIVERGED;
	return 0;
}

static int push(struct scene *scene, struct arrivals *arrivals, struct dd_error *err)
{
	char path[sizeof scene->folder + 16];

	*arrivals = (struct arrivals){0};
	snprintf(path, sizeof path, "%s/" REMOTE, scene->folder);
	return book_push(scene->book, path, visit_branch, arrivals, err);
}

static int run_push(struct scene *scene, struct dd_error *err)
{
	struct arrivals arrivals;

	return told(scene, push(scene, &arrivals, err));
}

/*
 * What was said to be there is; what was not comes at the next try, if not at once: a lock that was
 * left there is somebody's for a while. And git finds it whole.
 */
static int check_push(struct scene *scene, bool done, struct dd_error *err)
{
	char path[sizeof scene->folder + 16];
	struct arrivals before, after;
	int rc;

	atomic_store(&calls_clock, CLOCK_LATER);
	rc = push(scene, &before, err);
	if (!rc)
		rc = push(scene, &after, err);
	atomic_store(&calls_clock, CLOCK);
	if (rc)
		return rc;
	if ((done && before.late) || after.late || after.diverged || after.current != BRANCHES)
		return error_set(err, DD_CORRUPT,
			"the remote lacked %d branches, then %d, and has %d", before.late,
			after.late, after.current);
	snprintf(path, sizeof path, "%s/" REMOTE, scene->folder);
	return state_check_repository(path, err);
}

/* ---- anew ---- */

/* Something in every table. */
static int fill_tables(struct scene *scene, struct dd_error *err)
{
	uint64_t undone;
	int rc = tag_two(scene, err);

	if (!rc)
		rc = run_undefine(scene, err);
	if (!rc)
		rc = run_small_things(scene, err);
	return rc ? rc : journal_begin(scene, 1, &undone, err);
}

/* The tests' definitions say which domain and version they are of. */
static int index_of(struct book *book, const char *uuid, struct index_draft *out, void *context,
	struct dd_error *err)
{
	static char name[32], disk[64];
	static const struct use_row uses[] = {
		{"disk", disk, 'w', USE_CONFIG}, {"mac", name, 's', USE_CONFIG}};
	CLEANUP(version_info) struct version_info info = {0};
	CLEANUP(text) struct text xml = TEXT_INIT;
	int domain, rc = book_version(book, uuid, 0, &info, err);

	(void)context;
	if (!rc)
		rc = book_read(book, uuid, 0, "domain.xml", &xml, err);
	if (rc)
		return rc;
	if (sscanf(text_string(&xml), "<d n='%d'", &domain) != 1)
		return error_set(err, DD_CORRUPT, "no definition of the tests");
	snprintf(name, sizeof name, "guest%d", domain);
	snprintf(disk, sizeof disk, "/disks/%d-%u.img", domain, info.number);
	*out = (struct index_draft){.name = name,
		.title = "",
		.state = strcmp(info.subject, "undefine") == 0 ? STATE_GONE : STATE_SHUT_OFF,
		.uses = uses,
		.use_count = 2};
	return 0;
}

static void keep_loss(const char *sentence, void *context)
{
	text_printf(context, "%s; ", sentence);
}

/* Nothing was lost before, so nothing may be missing afterwards. */
static int run_reindex(struct scene *scene, struct dd_error *err)
{
	CLEANUP(text) struct text lost = TEXT_INIT;
	struct book_options options = {.host_name = HOST, .wait_ms = WAIT_MS};
	struct reindex_calls calls = {index_of, keep_loss, &lost};
	struct reindex_counts counts;
	int rc = book_reindex(scene->folder, &options, &calls, &counts, err);

	if (!rc && counts.losses)
		rc = error_set(err, DD_CONFLICT, "lost: %s", text_string(&lost));
	return told(scene, rc);
}

static int run_gc(struct scene *scene, struct dd_error *err)
{
	return told(scene, book_gc(scene->book, err));
}

/* More than SQLite's log holds before it is copied into the database and begun anew. */
static int run_long_log(struct scene *scene, struct dd_error *err)
{
	int rc = 0;

	for (uint32_t base = 4; !rc && base < 4 + 8; base++) {
		struct wish wish = {
			.domain = 0, .base = base, .subject = "large", .size = LARGE_SIZE};

		rc = grant(scene, &wish, err);
	}
	return rc;
}

/* A busy day. */
static int run_life(struct scene *scene, struct dd_error *err)
{
	int rc = run_define(scene, err);

	if (!rc)
		rc = run_edit(scene, err);
	if (!rc)
		rc = checkpoint(scene, err);
	if (!rc)
		rc = run_index(scene, err);
	if (!rc)
		rc = run_rollback(scene, err);
	if (!rc)
		rc = run_journal(scene, err);
	if (!rc)
		rc = checkpoint(scene, err);
	if (!rc)
		rc = run_undefine(scene, err);
	if (!rc)
		rc = run_tag(scene, err);
	if (!rc)
		rc = run_small_things(scene, err);
	return rc;
}

const struct operation operations[] = {
	{"create", NULL, run_create, .makes = true, .repeats = true},
	{"open", NULL, run_open, .opens = true, .repeats = true},
	{"upgrade", make_old, run_open, .opens = true, .repeats = true},
	{"read", NULL, run_read, .repeats = true},
	{"define", NULL, run_define, .repeats = true},
	{"edit", NULL, run_edit, .repeats = true},
	{"rollback", NULL, run_rollback, .repeats = true},
	{"index", NULL, run_index, .repeats = true},
	{"undefine", NULL, run_undefine, .repeats = true},
	{"journal", NULL, run_journal},
	{"tag", NULL, run_tag, .repeats = true},
	{"untag", tag_two, run_untag, .repeats = true},
	{"small-things", NULL, run_small_things},
	{"checkpoint", NULL, checkpoint, .repeats = true},
	{"checkpoint-tags", tag_two, checkpoint, .repeats = true},
	{"repack", fill_packs, checkpoint, .repeats = true},
	{"gc", fill_packs, run_gc, .repeats = true},
	{"reindex", fill_tables, run_reindex, .repeats = true},
	{"push", tag_and_remote, run_push, .check = check_push},
	{"long-log", NULL, run_long_log},
	{"life", NULL, run_life},
};

const size_t operation_count = sizeof operations / sizeof operations[0];
