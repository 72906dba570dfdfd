/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What storing costs, for tests/bench/store:
 *
 * storing write FOLDER FILE WRITERS COUNT
 *	versions a second: of the book, of bare SQLite, of bare SQLite in batches of eight
 * storing stall FOLDER FILE COUNT
 *	one writer alone, then while checkpoints run
 * storing read FOLDER
 *	log, diff and blame in a book that write made
 * storing prove FOLDER
 *	verify of that book
 * storing fill FOLDER FILE DOMAINS COUNT
 *	a book of so many domains, COUNT versions each
 *
 * write: each of WRITERS processes gives a domain of its own COUNT versions, through book_apply(),
 * each with FILE changed in a few digits. After that the rows that the book now holds are put into
 * an empty database of the same layout, by as many processes, WAL and synchronous=FULL, one
 * transaction a version: git objects, version, head. What is left out is everything that is not
 * storing (names, trees, signatures, chain), so the ratio says what these cost. Then once more,
 * eight versions a transaction: what no group of eight can do better.
 *
 * A line of write and stall is: versions a second, median and 99th percentile of one in us.
 */
#include <domesday.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "store/book.h"

#define WRITERS_MAX 64
#define COUNT_MAX 1000000
/* In FILE, replaced by eight digits: which domain it is, and which version of all. */
#define DOMAIN_MARK '#'
#define VERSION_MARK '@'
#define MARK_SIZE 8
#define GIT_COMMIT 1 /* staged.type of a version's last object */
#define BATCH 8      /* versions in a transaction of bare SQLite, at most */

/* What the processes of one run share. */
struct race {
	unsigned writers, count;
	unsigned domains; /* to fill */
	atomic_uint ready;
	atomic_bool go, stop;
	double times[]; /* of each version, a writer's one after the other */
};

struct work {
	const char *folder;
	const char *file;
	struct race *race;
	unsigned writer;
	unsigned batch; /* of bare SQLite */
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int fail(const char *what)
{
	fprintf(stderr, "storing: %s\n", what);
	return 1;
}

/* ---- a race ---- */

static struct race *race_make(unsigned writers, unsigned count)
{
	size_t size = sizeof(struct race) + sizeof(double) * writers * count;
	struct race *race =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (race == MAP_FAILED)
		exit(fail("no memory"));
	race->writers = writers;
	race->count = count;
	return race;
}

static void race_wait(struct race *race)
{
	atomic_fetch_add(&race->ready, 1);
	while (!atomic_load(&race->go))
		usleep(100);
}

static int time_compare(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void race_print(struct race *race, double seconds)
{
	size_t count = (size_t)race->writers * race->count;

	qsort(race->times, count, sizeof race->times[0], time_compare);
	printf("%.0f %.0f %.0f\n", (double)count / seconds, race->times[count / 2] * 1e6,
		race->times[count - 1 - count / 100] * 1e6);
	fflush(stdout);
}

/* Runs body in a process for each writer and prints what they did. */
static int race_run(const struct work *work, int (*body)(struct work *work))
{
	struct race *race = work->race;
	pid_t pids[WRITERS_MAX];
	int failed = 0;

	atomic_store(&race->ready, 0);
	atomic_store(&race->go, false);
	for (unsigned i = 0; i < race->writers; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct work own = *work;

			own.writer = i;
			_exit(body(&own));
		}
	}
	while (atomic_load(&race->ready) < race->writers)
		usleep(1000);

	double began = now();

	atomic_store(&race->go, true);
	for (unsigned i = 0; i < race->writers; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		failed |= status;
	}
	if (failed)
		return fail("a writer failed");
	race_print(race, now() - began);
	return 0;
}

static double *own_times(struct work *work)
{
	return work->race->times + (size_t)work->writer * work->race->count;
}

/* ---- the book ---- */

static int book_of(struct work *work, struct book **book)
{
	struct book_options options = {.create = true, .host_name = "bench"};
	struct dd_error err = {0};
	char place[512];

	snprintf(place, sizeof place, "%s/book", work->folder);
	return book_open(place, &options, book, &err) ? fail(err.message) : 0;
}

static void mark_replace(struct text *xml, char mark, unsigned number)
{
	char marks[MARK_SIZE + 1], digits[16];

	memset(marks, mark, MARK_SIZE);
	marks[MARK_SIZE] = '\0';
	snprintf(digits, sizeof digits, "%08u", number % 100000000);
	for (char *at = xml->data; (at = strstr(at, marks));)
		memcpy(at, digits, MARK_SIZE);
}

/* Each version is unlike all others, by its number among them. */
static int write_version(struct book *book, unsigned writer, uint32_t base, unsigned versions,
	const struct text *pattern)
{
	CLEANUP(text) struct text xml = TEXT_INIT;
	struct tree_file file = {.path = "domain.xml"};
	char uuid[UUID_SIZE], name[32], disks[2][64];
	/* what FILE uses, so that verify finds nothing */
	struct use_row uses[] = {{"disk", disks[0], 'w', USE_CONFIG},
		{"disk", disks[1], 'w', USE_CONFIG},
		{"disk", "/var/images/install.iso", 'r', USE_CONFIG},
		{"mac", "52:54:00:00:00:01", 'w', USE_CONFIG},
		{"mac", "52:54:00:00:00:02", 'w', USE_CONFIG}};
	struct trailer trailer = {"Operation", "set-description"};
	struct version_draft version = {
		.subject = "set description",
		.author = {"Ada Operator", "ada@example.org"},
		.trailers = &trailer,
		.trailer_count = 1,
		.files = &file,
		.file_count = 1,
	};
	struct index_draft index = {.name = name, .uses = uses, .use_count = 5};
	struct book_change change = {
		.uuid = uuid, .base = base, .version = &version, .index = &index};
	struct dd_error err = {0};

	text_add(&xml, pattern->data, pattern->size);
	mark_replace(&xml, DOMAIN_MARK, writer);
	mark_replace(&xml, VERSION_MARK, writer * (versions + 1) + base);
	file.data = xml.data;
	file.size = xml.size;
	snprintf(uuid, sizeof uuid, "11111111-2222-4333-8444-%012u", writer);
	snprintf(name, sizeof name, "domain%08u", writer);
	snprintf(disks[0], sizeof disks[0], "/var/images/%08u-vda.img", writer);
	snprintf(disks[1], sizeof disks[1], "/var/images/%08u-vdb.img", writer);
	return book_apply(book, &change, NULL, &err) ? fail(err.message) : 0;
}

static int write_book(struct work *work)
{
	CLEANUP(book) struct book *book = NULL;
	CLEANUP(text) struct text xml = TEXT_INIT;
	double *times = own_times(work);
	int rc = file_read(work->file, 1u << 20, &xml, NULL);

	if (!rc)
		rc = book_of(work, &book);
	/* the key, the repository and the statements are not what is measured */
	if (!rc)
		rc = write_version(book, work->writer, 0, work->race->count, &xml);
	race_wait(work->race);
	for (unsigned i = 0; !rc && i < work->race->count; i++) {
		double began = now();

		rc = write_version(book, work->writer, i + 1, work->race->count, &xml);
		times[i] = now() - began;
	}
	return rc ? 1 : 0;
}

/* ---- bare SQLite ---- */

struct bare {
	sqlite3 *sqlite;
	int rc; /* the first failure; nothing is done after it */
};

static void bare_run(struct bare *bare, const char *sql)
{
	if (bare->rc == SQLITE_OK)
		bare->rc = sqlite3_exec(bare->sqlite, sql, NULL, NULL, NULL);
}

static sqlite3_stmt *bare_prepare(struct bare *bare, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (bare->rc == SQLITE_OK)
		bare->rc = sqlite3_prepare_v2(bare->sqlite, sql, -1, &statement, NULL);
	return statement;
}

static void bare_step(struct bare *bare, sqlite3_stmt *statement)
{
	if (bare->rc == SQLITE_OK)
		bare->rc = sqlite3_step(statement);
	if (bare->rc == SQLITE_DONE)
		bare->rc = SQLITE_OK;
	sqlite3_reset(statement);
}

static void bare_open(struct bare *bare, const struct work *work)
{
	char path[512], book[512];
	sqlite3_stmt *attach;

	snprintf(path, sizeof path, "%s/bare-%u.db", work->folder, work->batch);
	snprintf(book, sizeof book, "%s/book/book.db", work->folder);
	bare->rc = sqlite3_open(path, &bare->sqlite);
	sqlite3_busy_timeout(bare->sqlite, 60000);
	bare_run(bare, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
	attach = bare_prepare(bare, "ATTACH ?1 AS book");
	sqlite3_bind_text(attach, 1, book, -1, SQLITE_STATIC);
	bare_step(bare, attach);
	sqlite3_finalize(attach);
}

/* The same tables and indexes, and the domains. */
static int bare_lay_out(const struct work *work)
{
	struct bare bare = {.sqlite = NULL};
	sqlite3_stmt *schema;

	bare_open(&bare, work);
	schema = bare_prepare(&bare, "SELECT sql FROM book.sqlite_schema WHERE sql IS NOT NULL AND "
				     "name NOT LIKE 'sqlite%'");
	while (bare.rc == SQLITE_OK && sqlite3_step(schema) == SQLITE_ROW)
		bare_run(&bare, (const char *)sqlite3_column_text(schema, 0));
	sqlite3_finalize(schema);
	bare_run(&bare, "INSERT INTO domain SELECT * FROM book.domain");
	sqlite3_close(bare.sqlite);
	return bare.rc == SQLITE_OK ? 0 : fail(sqlite3_errstr(bare.rc));
}

/* The rows of one domain into memory, so that reading them costs nothing. */
static void bare_load(struct bare *bare, unsigned writer)
{
	char sql[512];

	snprintf(sql, sizeof sql,
		"ATTACH ':memory:' AS memory;"
		"CREATE TEMP TABLE mine AS SELECT id FROM book.domain WHERE name = 'domain%08u';"
		"CREATE TABLE memory.staged AS SELECT * FROM book.staged"
		" WHERE domain = (SELECT id FROM mine) ORDER BY id;"
		"CREATE TABLE memory.version AS SELECT * FROM book.version"
		" WHERE domain = (SELECT id FROM mine);"
		"CREATE UNIQUE INDEX memory.version_oid ON version(oid); DETACH book",
		writer);
	bare_run(bare, sql);
}

struct copying {
	struct bare *bare;
	sqlite3_stmt *row, *object, *version, *head;
	int64_t next; /* row to copy */
};

static void copying_begin(struct copying *copying, struct bare *bare)
{
	copying->bare = bare;
	copying->next = 1;
	copying->row = bare_prepare(bare, "SELECT type, oid FROM memory.staged WHERE rowid = ?1");
	copying->object = bare_prepare(bare,
		"INSERT INTO staged(oid, type, domain, data) SELECT oid, type, domain, data"
		" FROM memory.staged WHERE rowid = ?1 ON CONFLICT DO NOTHING");
	copying->version = bare_prepare(
		bare, "INSERT INTO version SELECT * FROM memory.version WHERE oid = ?1");
	copying->head = bare_prepare(bare,
		"UPDATE domain SET head = ?1, version = (SELECT number FROM memory.version"
		" WHERE oid = ?1) WHERE id = (SELECT domain FROM memory.version WHERE oid = ?1)");
}

static void copying_end(struct copying *copying)
{
	sqlite3_finalize(copying->row);
	sqlite3_finalize(copying->object);
	sqlite3_finalize(copying->version);
	sqlite3_finalize(copying->head);
}

/* Version and head, where the row was that of a commit. A row that stays open would keep a
 * snapshot. */
static bool bare_copy_head(struct copying *copying)
{
	struct bare *bare = copying->bare;
	bool last = false;

	sqlite3_bind_int64(copying->row, 1, copying->next++);
	if (sqlite3_step(copying->row) != SQLITE_ROW) {
		bare->rc = SQLITE_NOTFOUND;
	} else if (sqlite3_column_int(copying->row, 0) == GIT_COMMIT) {
		sqlite3_bind_value(copying->version, 1, sqlite3_column_value(copying->row, 1));
		sqlite3_bind_value(copying->head, 1, sqlite3_column_value(copying->row, 1));
		last = true;
	}
	sqlite3_reset(copying->row);
	if (last) {
		bare_step(bare, copying->version);
		bare_step(bare, copying->head);
	}
	return last;
}

static void bare_copy_version(struct copying *copying)
{
	struct bare *bare = copying->bare;
	bool last = false;

	while (!last && bare->rc == SQLITE_OK) {
		sqlite3_bind_int64(copying->object, 1, copying->next);
		bare_step(bare, copying->object);
		last = bare_copy_head(copying);
	}
}

static double bare_copy_batch(struct copying *copying, unsigned count)
{
	double began = now();

	bare_run(copying->bare, "BEGIN IMMEDIATE");
	for (unsigned i = 0; i < count; i++)
		bare_copy_version(copying);
	bare_run(copying->bare, "COMMIT");
	return now() - began;
}

static int write_bare(struct work *work)
{
	struct bare bare = {.sqlite = NULL};
	struct copying copying;
	double *times = own_times(work);
	unsigned count = work->race->count;

	bare_open(&bare, work);
	bare_load(&bare, work->writer);
	copying_begin(&copying, &bare);
	/* the first version was not counted in the book either */
	(void)bare_copy_batch(&copying, 1);
	race_wait(work->race);
	for (unsigned i = 0; bare.rc == SQLITE_OK && i < count; i += work->batch) {
		unsigned size = count - i < work->batch ? count - i : work->batch;
		double taken = bare_copy_batch(&copying, size);

		for (unsigned j = 0; j < size; j++)
			times[i + j] = taken;
	}
	copying_end(&copying);
	sqlite3_close(bare.sqlite);
	return bare.rc == SQLITE_OK ? 0 : fail(sqlite3_errstr(bare.rc));
}

static int bare_race(struct work *work, unsigned batch)
{
	int rc;

	work->batch = batch;
	rc = bare_lay_out(work);
	return rc ? rc : race_run(work, write_bare);
}

static int compare(struct work *work, char **arguments)
{
	unsigned long writers = strtoul(arguments[0], NULL, 10);
	unsigned long count = strtoul(arguments[1], NULL, 10);
	int rc;

	if (!writers || writers > WRITERS_MAX || !count || count > COUNT_MAX)
		return fail("that many cannot be");
	work->race = race_make((unsigned)writers, (unsigned)count);
	rc = race_run(work, write_book);
	if (!rc)
		rc = bare_race(work, 1);
	return rc ? rc : bare_race(work, BATCH);
}

/* ---- beside a checkpoint ---- */

/* A second domain grows too, so that each checkpoint has something to do. */
static int checkpoint_for_ever(struct work *work)
{
	CLEANUP(book) struct book *book = NULL;
	struct dd_error err = {0};
	int rc = book_of(work, &book);

	while (!rc && !atomic_load(&work->race->stop))
		if (book_checkpoint(book, &err))
			rc = fail(err.message);
	return rc;
}

static int stall(struct work *work, char **arguments)
{
	unsigned long count = strtoul(arguments[0], NULL, 10);
	static char folder[512];
	int rc, status;

	if (!count || count > COUNT_MAX)
		return fail("that many cannot be");
	work->race = race_make(1, (unsigned)count);
	rc = race_run(work, write_book);
	snprintf(folder, sizeof folder, "%s/beside", work->folder);
	work->folder = folder;
	if (rc || directory_make(NULL, folder, 0700, NULL))
		return 1;

	pid_t pid = fork();

	if (pid == 0)
		_exit(checkpoint_for_ever(work));
	rc = race_run(work, write_book);
	atomic_store(&work->race->stop, true);
	waitpid(pid, &status, 0);
	return rc || status;
}

/* ---- many domains ---- */

static int fill_share(struct work *work)
{
	CLEANUP(book) struct book *book = NULL;
	CLEANUP(text) struct text xml = TEXT_INIT;
	struct race *race = work->race;
	int rc = file_read(work->file, 1u << 20, &xml, NULL);

	if (!rc)
		rc = book_of(work, &book);
	for (unsigned i = work->writer; !rc && i < race->domains; i += race->writers)
		for (unsigned base = 0; !rc && base < race->count; base++)
			rc = write_version(book, i, base, race->count, &xml);
	return rc ? 1 : 0;
}

/* By many at once, so that it does not take the whole day. */
static int fill(struct work *work, char **arguments)
{
	enum { FILLERS = 16 };
	unsigned long domains = strtoul(arguments[0], NULL, 10);
	unsigned long count = strtoul(arguments[1], NULL, 10);
	pid_t pids[FILLERS];
	int failed = 0;

	if (!domains || domains > COUNT_MAX || !count || count > COUNT_MAX)
		return fail("that many cannot be");
	work->race = race_make(FILLERS, 0);
	work->race->domains = (unsigned)domains;
	work->race->count = (unsigned)count;
	for (unsigned i = 0; i < FILLERS; i++) {
		work->writer = i;
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(fill_share(work));
	}
	for (unsigned i = 0; i < FILLERS; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		failed |= status;
	}
	return failed ? fail("a writer failed") : 0;
}

/* ---- looking back ---- */

static int count_version(const struct dd_version_info *info, void *context)
{
	(void)info;
	++*(unsigned *)context;
	return 0;
}

static int count_difference(const struct dd_difference *difference, void *context)
{
	(void)difference;
	++*(unsigned *)context;
	return 0;
}

enum { ROUNDS = 101 };

/* The processor's own time: nothing is written, and nobody waited for. */
static double busy(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int diff_any(struct dd_host *host, unsigned versions, double *time, struct dd_error *err)
{
	struct dd_side before = {
		.domain = "domain00000000", .version = 1 + (unsigned)rand() % versions};
	struct dd_side after = {
		.domain = "domain00000000", .version = 1 + (unsigned)rand() % versions};
	unsigned differences = 0;
	double began = busy();
	int rc = dd_diff(host, &before, &after, count_difference, &differences, err);

	*time = busy() - began;
	return rc;
}

static int count_line(const struct dd_blame_line *line, void *context)
{
	(void)line;
	++*(unsigned *)context;
	return 0;
}

static int blame_all(struct dd_host *host, double *time, struct dd_error *err)
{
	const struct dd_blame_options options = {.domain = "domain00000000"};
	unsigned lines = 0;
	double began = now();
	int rc = dd_blame(host, &options, NULL, count_line, &lines, err);

	*time = now() - began;
	return rc;
}

static int look_back(struct work *work, char **arguments)
{
	char place[512];
	struct dd_host_options options = {.book = place, .program = "bench"};
	struct dd_error err = {0};
	struct dd_host *host = NULL;
	unsigned versions = 0;
	double log[ROUNDS], diff[ROUNDS], blame[ROUNDS];
	int rc;

	(void)arguments;
	snprintf(place, sizeof place, "%s/book", work->folder);
	rc = dd_host_open(&options, &host, &err);
	for (int i = 0; !rc && i < ROUNDS; i++) {
		double began = busy();

		versions = 0;
		rc = dd_log(host, "domain00000000", 0, count_version, &versions, &err);
		log[i] = busy() - began;
		if (!rc)
			rc = diff_any(host, versions, &diff[i], &err);
		if (!rc)
			rc = blame_all(host, &blame[i], &err);
	}
	dd_host_close(host);
	if (rc)
		return fail(err.message);
	qsort(log, ROUNDS, sizeof log[0], time_compare);
	qsort(diff, ROUNDS, sizeof diff[0], time_compare);
	qsort(blame, ROUNDS, sizeof blame[0], time_compare);
	printf("%u %.0f %.0f %.0f\n", versions, log[ROUNDS / 2] * 1e6, diff[ROUNDS / 2] * 1e6,
		blame[ROUNDS / 2] * 1e6);
	return 0;
}

static int show_finding(const struct finding *finding, void *context)
{
	(void)context;
	fprintf(stderr, "%s\n", finding->sentence);
	return 0;
}

/* Versions a second of one core: verify has one thread, and others use the machine. */
static int prove(struct work *work, char **arguments)
{
	char place[512];
	struct verify_counts counts = {0};
	struct dd_error err = {0};
	CLEANUP(book) struct book *book = NULL;
	clock_t began;
	int rc;

	(void)arguments;
	snprintf(place, sizeof place, "%s/book", work->folder);
	rc = book_open(place, NULL, &book, &err);
	began = clock();
	if (!rc)
		rc = book_verify(book, NULL, show_finding, NULL, &counts, &err);
	if (rc || counts.findings)
		return fail(rc ? err.message : "the book is not sound");
	printf("%.0f\n", (double)counts.versions * CLOCKS_PER_SEC / (double)(clock() - began));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		int arguments;
		int (*run)(struct work *work, char **arguments);
	} modes[] = {{"write", 6, compare}, {"stall", 5, stall}, {"read", 3, look_back},
		{"prove", 3, prove}, {"fill", 6, fill}};

	for (size_t i = 0; argc > 2 && i < sizeof modes / sizeof modes[0]; i++) {
		struct work work = {.folder = argv[2], .file = argv[3]};

		if (strcmp(argv[1], modes[i].word) == 0 && argc == modes[i].arguments)
			return modes[i].run(&work, argv + 4);
	}
	return fail("usage: storing write FOLDER FILE WRITERS COUNT | stall FOLDER FILE COUNT | "
		    "read FOLDER | prove FOLDER | fill FOLDER FILE DOMAINS COUNT");
}
