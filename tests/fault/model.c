/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes do random things to one book, each to domains of its own and beside a plain
 * model of them, which says what every call has to answer. What they share (the claim to one disk,
 * a counter, the checkpoints) is held against what all of them have seen. At the end each finds its
 * model in the book again, to the byte, and the book is verified.
 *
 *   test_fault_model [--long] [SEED]
 */
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "operations.h"
#include "state.h"

#define WORKERS 4
#define DOMAINS 6 /* of each worker */
#define LABELS 4  /* of each domain */
#define STEPS_LONG 120000
#define STEPS_SHORT 3200
#define COUNTS_MAX STEPS_LONG
#define XML_MAX 3072
#define WAIT_MS 120000 /* for the turn of each other */

/* ---- the model ---- */

struct domain {
	char uuid[UUID_SIZE];
	uint32_t version;  /* 0: there never was one */
	uint32_t *content; /* of each version, as a number to make it from */
	bool gone;
	char name[16], title[16];
	uint32_t labels[LABELS]; /* the version that has each; 0: none */
	uint64_t journal;        /* the open row, or 0 */
	bool claims_shared;
};

static struct {
	atomic_long holders; /* of the shared disk */
	atomic_uchar counted[COUNTS_MAX];
	atomic_long steps, versions, refused;
} * shared;

struct worker {
	int number;
	unsigned int seed;
	long step;
	const char *doing;
	struct scene scene;
	struct domain domains[DOMAINS];
	char cached[16];
	struct dd_error err;
};

static unsigned int chance(struct worker *worker, unsigned int of)
{
	return (unsigned int)rand_r(&worker->seed) % of;
}

static void wrong(const struct worker *worker, const char *what, int got, int wanted)
{
	printf("# worker %d, step %ld, %s: %s: %d where %d was due (%s)\n", worker->number,
		worker->step, worker->doing, what, got, wanted, worker->err.message);
	fflush(stdout);
	_exit(1);
}

static void expect(const struct worker *worker, const char *what, int got, int wanted)
{
	if (got != wanted)
		wrong(worker, what, got, wanted);
}

/* ---- definitions: what is in one follows from a number, and can be checked by anybody ---- */

static size_t xml_make(char xml[XML_MAX], const char *uuid, uint32_t version, uint32_t content)
{
	unsigned char hash[crypto_generichash_BYTES];
	unsigned int lines = 2 + content % 40;
	int at = snprintf(xml, XML_MAX, "%s %u %u\n", uuid, version, content);

	for (unsigned int i = 0; i < lines; i++)
		at += snprintf(xml + at, XML_MAX - (size_t)at, "<device n='%u' of='%u'/>\n", i,
			i % 4 ? content % 7 : content);
	crypto_generichash(
		hash, sizeof hash, (unsigned char *)xml, (unsigned long long)at, NULL, 0);
	for (int i = 0; i < 8; i++)
		at += snprintf(xml + at, XML_MAX - (size_t)at, "%02x", hash[i]);
	return (size_t)at;
}

static void xml_check(
	const struct worker *worker, const struct text *found, const char *uuid, uint32_t version)
{
	char xml[XML_MAX];
	uint32_t content = 0, number = 0;
	char named[UUID_SIZE];

	if (sscanf(text_string(found), "%36s %u %u", named, &number, &content) != 3 ||
		strcmp(named, uuid) != 0 || number != version)
		wrong(worker, "another definition was read", (int)number, (int)version);
	if (found->size != xml_make(xml, uuid, version, content) ||
		memcmp(found->data, xml, found->size) != 0)
		wrong(worker, "a definition is damaged", (int)found->size, 0);
}

/* ---- changes ---- */

struct wish {
	uint32_t base;
	const char *name;
	bool gone;
	bool index_only;
};

static int apply(
	struct worker *worker, struct domain *domain, const struct wish *wish, uint32_t *content)
{
	char xml[XML_MAX], disk[64];
	struct tree_file file = {.path = "domain.xml", .data = xml};
	struct use_row use = {"disk", disk, 'w', USE_CONFIG};
	struct version_draft version = {.subject = wish->gone ? "undefine" : "edit",
		.author = {"Ada Operator", "ada@example.org"},
		.files = &file,
		.file_count = 1};
	struct index_draft index = {.name = wish->name,
		.title = domain->title,
		.state = wish->gone ? STATE_GONE : STATE_SHUT_OFF,
		.uses = &use,
		.use_count = wish->gone ? 0 : 1};
	struct book_change change = {.uuid = domain->uuid,
		.base = wish->base,
		.version = wish->index_only ? NULL : &version,
		.index = &index,
		.journal = chance(worker, 2) ? domain->journal : 0};
	uint32_t number = 0;
	int rc;

	*content = chance(worker, 1000000);
	file.size = xml_make(xml, domain->uuid, wish->base + 1, *content);
	snprintf(disk, sizeof disk, "/disks/%s-%u", domain->uuid, chance(worker, 3));
	if (change.journal && domain->claims_shared)
		atomic_fetch_sub(&shared->holders, 1);
	rc = book_apply(worker->scene.book, &change, &number, &worker->err);
	if (change.journal && rc && domain->claims_shared)
		atomic_fetch_add(&shared->holders, 1);
	if (rc)
		return rc;
	if (change.journal) {
		domain->journal = 0;
		domain->claims_shared = false;
	}
	expect(worker, "the number of the version", (int)number,
		(int)(wish->base + !wish->index_only));
	return 0;
}

/* Another domain of the worker that has the name now. */
static bool name_taken(const struct worker *worker, const struct domain *domain, const char *name)
{
	for (int i = 0; i < DOMAINS; i++) {
		const struct domain *other = &worker->domains[i];

		if (other != domain && other->version && !other->gone &&
			strcmp(other->name, name) == 0)
			return true;
	}
	return false;
}

static int due(const struct worker *worker, const struct domain *domain, const struct wish *wish)
{
	if (!domain->version)
		return wish->base                               ? DD_NOT_FOUND
		       : name_taken(worker, domain, wish->name) ? DD_EXISTS
								: 0;
	if (!wish->base)
		return DD_EXISTS;
	if (wish->base != domain->version)
		return DD_CONFLICT;
	return !wish->gone && name_taken(worker, domain, wish->name) ? DD_EXISTS : 0;
}

static void change(struct worker *worker, struct domain *domain)
{
	char name[sizeof domain->name];
	struct wish wish = {.base = domain->version, .name = name};
	uint32_t content;
	int rc;

	snprintf(name, sizeof name, "w%d-%u", worker->number, chance(worker, DOMAINS * 3));
	if (chance(worker, 4) && domain->version)
		snprintf(name, sizeof name, "%s", domain->name);
	if (chance(worker, 8) == 0)
		wish.base = chance(worker, domain->version + 3);
	wish.gone = wish.base && chance(worker, 12) == 0;
	wish.index_only = wish.base && !wish.gone && !domain->gone && chance(worker, 6) == 0;
	snprintf(domain->title, sizeof domain->title, "title %u", chance(worker, 1000));
	worker->doing = wish.gone ? "undefine" : wish.index_only ? "rename" : "edit";

	int wanted = due(worker, domain, &wish);

	rc = apply(worker, domain, &wish, &content);
	expect(worker, name, rc, wanted);
	if (rc)
		return;
	snprintf(domain->name, sizeof domain->name, "%s", name);
	domain->gone = wish.gone;
	if (wish.index_only)
		return;
	domain->content = realloc(domain->content, (domain->version + 1) * sizeof(uint32_t));
	if (!domain->content)
		wrong(worker, "no memory", 0, 0);
	domain->content[domain->version++] = content;
	atomic_fetch_add(&shared->versions, 1);
}

/* ---- questions ---- */

static void read_version(struct worker *worker, const struct domain *domain, uint32_t number)
{
	CLEANUP(text) struct text found = TEXT_INIT;
	char xml[XML_MAX];
	int rc = book_read(
		worker->scene.book, domain->uuid, number, "domain.xml", &found, &worker->err);

	expect(worker, "reading", rc, number && number <= domain->version ? 0 : DD_NOT_FOUND);
	if (rc)
		return;
	xml_check(worker, &found, domain->uuid, number);
	expect(worker, "the content read",
		strncmp(text_string(&found), xml,
			xml_make(xml, domain->uuid, number, domain->content[number - 1])),
		0);
}

static void read_one(struct worker *worker, struct domain *domain)
{
	worker->doing = "read";
	if (domain->version)
		read_version(worker, domain, 1 + chance(worker, domain->version + 1));
}

static void find(struct worker *worker, struct domain *domain)
{
	CLEANUP(domain_row) struct domain_row row = {0};
	const char *word = domain->gone || chance(worker, 2) ? domain->uuid : domain->name;
	int rc;

	worker->doing = "find";
	if (!domain->version)
		return;
	rc = book_find(worker->scene.book, word, &row, &worker->err);
	expect(worker, word, rc, 0);
	expect(worker, "the version found", (int)row.version, (int)domain->version);
	expect(worker, "the state found", row.state == STATE_GONE, domain->gone);
	expect(worker, "the UUID found", strcmp(row.uuid, domain->uuid), 0);
	if (!domain->gone)
		expect(worker, "the name found", strcmp(row.name, domain->name), 0);
}

/* One of any worker, of which only itself can say whether it is whole. */
static int visit_any(const struct domain_row *row, void *context)
{
	struct worker *worker = context;
	CLEANUP(text) struct text found = TEXT_INIT;

	if (chance(worker, 8))
		return 0;
	expect(worker, row->uuid,
		book_read(worker->scene.book, row->uuid, row->version, "domain.xml", &found,
			&worker->err),
		0);
	xml_check(worker, &found, row->uuid, row->version);
	return 1;
}

static void read_any(struct worker *worker, struct domain *domain)
{
	(void)domain;
	worker->doing = "list";
	int rc = book_list(worker->scene.book, true, visit_any, worker, &worker->err);

	expect(worker, "listing", rc != 0 && rc != 1, 0);
}

static int visit_version(const struct version_info *info, void *context)
{
	uint32_t *next = context;

	return info->number == (*next)-- ? 0 : 1;
}

static void walk(struct worker *worker, struct domain *domain)
{
	uint32_t next = domain->version;

	worker->doing = "log";
	if (!domain->version)
		return;
	expect(worker, "walking",
		book_log(
			worker->scene.book, domain->uuid, 0, 0, visit_version, &next, &worker->err),
		0);
	expect(worker, "the versions left", (int)next, 0);
}

/* ---- tags, journal and small things ---- */

static void label_of(unsigned int number, char label[16])
{
	snprintf(label, 16, "label-%c", (char)('a' + number));
}

static void tag(struct worker *worker, struct domain *domain)
{
	unsigned int which = chance(worker, LABELS);
	uint32_t *has = &domain->labels[which];
	char label[16];
	struct tag_draft draft = {.uuid = domain->uuid,
		.number = 1 + chance(worker, domain->version + 1),
		.label = label,
		.tagger = {"Ada Operator", "ada@example.org"}};
	bool made = false;
	int wanted = 0;

	worker->doing = "tag";
	if (!domain->version)
		return;
	label_of(which, label);
	if (draft.number > domain->version)
		wanted = DD_NOT_FOUND;
	else if (*has && *has != draft.number)
		wanted = DD_EXISTS;
	expect(worker, label, book_tag(worker->scene.book, &draft, NULL, &made, &worker->err),
		wanted);
	if (wanted)
		return;
	expect(worker, "whether it was made", made, !*has);
	*has = draft.number;
}

static void untag(struct worker *worker, struct domain *domain)
{
	unsigned int which = chance(worker, LABELS);
	char label[16];
	uint32_t number = 0;
	int wanted = domain->labels[which] ? 0 : DD_NOT_FOUND;

	worker->doing = "untag";
	if (!domain->version)
		return;
	label_of(which, label);
	expect(worker, "finding it",
		book_tag_find(worker->scene.book, domain->uuid, label, &number, &worker->err),
		wanted);
	expect(worker, "what has it", (int)number, (int)domain->labels[which]);
	expect(worker, label,
		book_tag_remove(worker->scene.book, domain->uuid, label, &worker->err), wanted);
	domain->labels[which] = 0;
}

static void journal(struct worker *worker, struct domain *domain)
{
	struct use_row claim = {"disk", "/disks/shared", 'w', USE_LIVE};
	struct journal_draft draft = {.uuid = domain->uuid,
		.operation = "attach-device",
		.base = domain->version,
		.detail = "a plan",
		.claims = &claim,
		.claim_count = chance(worker, 2)};
	uint64_t id = 0;
	int rc;

	worker->doing = "journal";
	rc = journal_open(worker->scene.book, &draft, &id, NULL, &worker->err);
	if (domain->journal) {
		expect(worker, "a second row", rc, DD_BUSY);
		if (chance(worker, 2))
			return;
		if (domain->claims_shared)
			atomic_fetch_sub(&shared->holders, 1);
		expect(worker, "undoing",
			journal_undo(worker->scene.book, domain->journal, &worker->err), 0);
		domain->journal = 0;
		domain->claims_shared = false;
		return;
	}
	if (rc == DD_REFUSED && draft.claim_count) {
		atomic_fetch_add(&shared->refused, 1);
		return;
	}
	expect(worker, "opening", rc, 0);
	domain->journal = id;
	domain->claims_shared = draft.claim_count;
	if (draft.claim_count)
		expect(worker, "others with the same disk",
			(int)atomic_fetch_add(&shared->holders, 1), 0);
}

static void count(struct worker *worker, struct domain *domain)
{
	int64_t number = 0;

	(void)domain;
	worker->doing = "count";
	expect(worker, "counting", book_count(worker->scene.book, "model", &number, &worker->err),
		0);
	expect(worker, "how often that number was given",
		atomic_fetch_add(&shared->counted[number], 1), 0);
}

static void cache(struct worker *worker, struct domain *domain)
{
	CLEANUP(text) struct text found = TEXT_INIT;
	char key[16];

	(void)domain;
	worker->doing = "cache";
	snprintf(key, sizeof key, "probe-%d", worker->number);
	int rc = book_cache_get(worker->scene.book, key, &found, &worker->err);

	expect(worker, key, rc, *worker->cached ? 0 : DD_NOT_FOUND);
	expect(worker, "what was kept", strcmp(text_string(&found), worker->cached), 0);
	snprintf(worker->cached, sizeof worker->cached, "%u", chance(worker, 1000000));
	expect(worker, key, book_cache_put(worker->scene.book, key, worker->cached, &worker->err),
		0);
}

static void checkpoint(struct worker *worker, struct domain *domain)
{
	(void)domain;
	worker->doing = "checkpoint";
	expect(worker, "packing", book_checkpoint(worker->scene.book, &worker->err), 0);
}

static void reopen(struct worker *worker, struct domain *domain)
{
	(void)domain;
	worker->doing = "reopen";
	scene_close(&worker->scene);
	expect(worker, "opening", scene_open(&worker->scene, false, &worker->err), 0);
}

/* ---- a worker ---- */

static const struct {
	void (*make)(struct worker *worker, struct domain *domain);
	unsigned int weight;
} steps[] = {{change, 40}, {read_one, 20}, {find, 10}, {read_any, 6}, {walk, 2}, {tag, 6},
	{untag, 4}, {journal, 10}, {count, 4}, {cache, 3}, {checkpoint, 1}, {reopen, 1}};

static void step(struct worker *worker)
{
	struct domain *domain = &worker->domains[chance(worker, DOMAINS)];
	unsigned int all = 0, drawn, which = 0;

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		all += steps[i].weight;
	for (drawn = chance(worker, all); drawn >= steps[which].weight; which++)
		drawn -= steps[which].weight;
	steps[which].make(worker, domain);
	atomic_fetch_add(&shared->steps, 1);
}

/* Everything that the model says is in the book. */
static void compare(struct worker *worker)
{
	for (int i = 0; i < DOMAINS; i++) {
		struct domain *domain = &worker->domains[i];
		char label[16];

		find(worker, domain);
		walk(worker, domain);
		worker->doing = "compare";
		for (uint32_t number = 1; number <= domain->version; number++)
			read_version(worker, domain, number);
		for (unsigned int which = 0; which < LABELS && domain->version; which++) {
			uint32_t number = 0;

			label_of(which, label);
			(void)book_tag_find(worker->scene.book, domain->uuid, label, &number, NULL);
			expect(worker, label, (int)number, (int)domain->labels[which]);
		}
	}
}

static void work(struct worker *worker, long rounds)
{
	for (int i = 0; i < DOMAINS; i++)
		snprintf(worker->domains[i].uuid, UUID_SIZE, "11111111-2222-4333-8%03d-%012d",
			worker->number, i);
	worker->doing = "open";
	expect(worker, "opening", scene_open(&worker->scene, false, &worker->err), 0);
	for (worker->step = 0; worker->step < rounds; worker->step++)
		step(worker);
	reopen(worker, NULL);
	compare(worker);
	scene_close(&worker->scene);
	for (int i = 0; i < DOMAINS; i++)
		free(worker->domains[i].content);
}

/* ---- all of them ---- */

static int finding_tell(const struct finding *finding, void *context)
{
	(void)context;
	printf("# %s: %s\n", finding->kind, finding->sentence);
	return 0;
}

static bool judge(const char *folder)
{
	struct scene scene = {0};
	struct verify_counts counts = {0};
	struct dd_error err = {0};
	bool good;

	snprintf(scene.folder, sizeof scene.folder, "%s", folder);
	good = scene_open(&scene, false, &err) == 0 && book_checkpoint(scene.book, &err) == 0 &&
	       book_verify(scene.book, NULL, finding_tell, NULL, &counts, &err) == 0;
	scene_close(&scene);
	if (!good || state_check_git(folder, &err)) {
		printf("# %s\n", err.message);
		return false;
	}
	if (counts.versions != (uint64_t)atomic_load(&shared->versions))
		printf("# %llu versions where %ld were made\n", (unsigned long long)counts.versions,
			atomic_load(&shared->versions));
	return !counts.findings && counts.versions == (uint64_t)atomic_load(&shared->versions);
}

static bool run(const char *folder, unsigned int seed, long rounds)
{
	struct worker worker = {.scene.wait_ms = WAIT_MS};
	pid_t pids[WORKERS];
	bool good = true;

	snprintf(worker.scene.folder, sizeof worker.scene.folder, "%s", folder);
	if (scene_open(&worker.scene, true, &worker.err)) {
		printf("# %s\n", worker.err.message);
		return false;
	}
	scene_close(&worker.scene);
	fflush(stdout);
	for (int i = 0; i < WORKERS; i++) {
		worker.number = i;
		worker.seed = seed * WORKERS + (unsigned int)i;
		pids[i] = fork();
		if (pids[i] == 0) {
			work(&worker, rounds / WORKERS);
			exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		if (status)
			printf("# worker %d of seed %u ended with %d\n", i, seed, status);
		good = good && !status;
	}
	return good && judge(folder);
}

int main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "--long") == 0;
	unsigned int seed = argc > 1 + all ? (unsigned int)strtoul(argv[1 + all], NULL, 10) : 1086;
	char place[PLACE_SIZE], folder[PLACE_SIZE + 8];
	bool good;

	shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || !place_make(place)) {
		puts("Bail out! no memory or no temporary folder");
		return 2;
	}
	snprintf(folder, sizeof folder, "%s/book", place);
	good = run(folder, seed, all ? STEPS_LONG : STEPS_SHORT);
	folder_remove(place);
	printf("%sok 1 - fault_model__the_book_is_what_its_users_made # seed %u\n",
		good ? "" : "not ", seed);
	printf("# %ld operations by %d processes, %ld versions, %ld claims refused\n1..1\n",
		atomic_load(&shared->steps), WORKERS, atomic_load(&shared->versions),
		atomic_load(&shared->refused));
	return good ? 0 : 1;
}
