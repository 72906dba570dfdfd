/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows with a repository elsewhere, and another host that pushes there. Both are in the book's
 * folder, so that whatever happens to that happens to them, too.
 */
#include <git2.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "changes.h"
#include "rows.h"
#include "state.h"
#include "store/folder.h"

#define PATH_SIZE 320
#define BRANCHES 5 /* four domains and the book's own */

#define OTHER "beta"    /* another host; its book is in the folder of that name */
#define TAKEN 5         /* domain of the other that is taken over */
#define LOST 0          /* own domain that the other took over */
#define ORIGIN "origin" /* the remote's name */

/* ---- push ---- */

int prepare_push(struct scene *scene, struct dd_error *err)
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

int run_push(struct scene *scene, struct dd_error *err)
{
	struct arrivals arrivals;

	return told(scene, push(scene, &arrivals, err));
}

/*
 * What was said to be there is; what was not comes at the next try, if not at once: a lock that was
 * left there is somebody's for a while. And git finds it whole.
 */
int check_push(struct scene *scene, bool done, struct dd_error *err)
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

/* ---- a remote as witness ---- */

int prepare_pushed(struct scene *scene, struct dd_error *err)
{
	struct arrivals arrivals;
	int rc = prepare_push(scene, err);

	return rc ? rc : push(scene, &arrivals, err);
}

int run_verify_against(struct scene *scene, struct dd_error *err)
{
	char path[PATH_SIZE];
	struct verify_counts counts;
	struct dd_error found = {0};
	int rc;

	snprintf(path, sizeof path, "%s/" REMOTE, scene->folder);
	rc = book_verify_against(scene->book, NULL, path, visit_finding, &found, &counts, err);
	if (found.code) {
		*err = found;
		rc = found.code;
	}
	return told(scene, rc);
}

/* ---- another host ---- */

static struct scene other_scene(const struct scene *scene)
{
	struct scene other = {.host = OTHER};

	snprintf(other.folder, sizeof other.folder, "%.200s/" OTHER, scene->folder);
	return other;
}

static int visit_remote(const struct remote_row *remote, void *path)
{
	snprintf(path, PATH_SIZE, "%s", remote->url);
	return 0;
}

/* The repository in the scene's folder, wherever that was moved to. */
static int origin_add(const struct scene *scene, struct book *book, struct dd_error *err)
{
	char path[PATH_SIZE];
	struct remote_row remote = {ORIGIN, path, NULL};

	snprintf(path, sizeof path, "%s/" REMOTE, scene->folder);
	(void)book_remote_remove(book, ORIGIN, NULL);
	return book_remote_add(book, &remote, err);
}

/* A book that the power left is in another folder than it was made in. */
static int origin_follow(const struct scene *scene, struct book *book, struct dd_error *err)
{
	char path[PATH_SIZE] = "";

	(void)book_remotes(book, visit_remote, path, NULL);
	return strncmp(path, scene->folder, strlen(scene->folder)) == 0 &&
			       path[strlen(scene->folder)] == '/'
		       ? 0
		       : origin_add(scene, book, err);
}

/* A domain of another host, claimed and told, as evacuate does it. Goes on where it ended. */
static int take_over(struct scene *scene, int domain, const char *from, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	const char *host = scene->host ? scene->host : HOST;
	char uuid[UUID_SIZE];
	struct book_taken taken;
	int rc;

	uuid_of(domain, uuid);
	rc = book_find(scene->book, uuid, &row, err);
	if (rc && rc != DD_NOT_FOUND)
		return rc;
	if (!rc && row.state != STATE_GONE && (!row.owner || strcmp(row.owner, host) == 0))
		return told(scene, book_push(scene->book, ORIGIN, NULL, NULL, err));
	rc = told(scene, book_take(scene->book, ORIGIN, from, uuid, &taken, err));
	if (!rc) {
		struct wish wish = {.domain = domain,
			.base = taken.version,
			.subject = "take over",
			.epoch = taken.epoch + 1,
			.taken_from = from,
			.taken_book = taken.book};

		rc = grant(scene, &wish, err);
	}
	return rc ? rc : told(scene, book_push(scene->book, ORIGIN, NULL, NULL, err));
}

/* Two domains of its own, one with a tag, on the remote; and what is there, fetched. */
static int other_begin(struct scene *scene, struct scene *other, struct dd_error *err)
{
	int rc;

	*other = other_scene(scene);
	rc = scene_open(other, true, err);
	if (!rc)
		rc = origin_add(scene, other->book, err);
	for (int domain = TAKEN; !rc && domain < TAKEN + 2; domain++)
		for (uint32_t base = 0; !rc && base < 2; base++)
			rc = scene_edit(other, domain, base, err);
	if (!rc)
		rc = tag(other, TAKEN, 1, "theirs", err);
	if (!rc)
		rc = book_push(other->book, ORIGIN, NULL, NULL, err);
	return rc ? rc : book_pull(other->book, ORIGIN, NULL, NULL, err);
}

/* ---- which remotes there are ---- */

static int visit_fetched(const struct fetched_row *row, void *context)
{
	text_printf(context, "%s %s %s\n", row->host, row->uuid, row->newest->commit);
	return 0;
}

int run_remote_add(struct scene *scene, struct dd_error *err)
{
	char path[PATH_SIZE];
	struct remote_row remote = {ORIGIN, path, NULL};

	snprintf(path, sizeof path, "%s/" REMOTE, scene->folder);
	return told(scene, book_remote_add(scene->book, &remote, err));
}

/* What is beside the configuration while it is changed goes with the next change. */
static int configuration_alone(const struct scene *scene, struct dd_error *err)
{
	static const char begins[] = "config.";
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	char path[PATH_SIZE];
	int rc;

	snprintf(path, sizeof path, "%s/book.git", scene->folder);
	rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err)))
		if (strncmp(entry->d_name, begins, sizeof begins - 1) == 0)
			rc = error_set(err, DD_CORRUPT, "%s is left", entry->d_name);
	return rc;
}

/* It is there, or can be added now, and is taken away again. */
int check_remote_add(struct scene *scene, bool done, struct dd_error *err)
{
	char path[PATH_SIZE] = "";
	int rc = book_remotes(scene->book, visit_remote, path, err);

	if (!rc && done && !path[0])
		rc = error_set(err, DD_CORRUPT, "there is no remote");
	if (!rc && !path[0])
		rc = run_remote_add(scene, err);
	if (!rc)
		rc = book_remote_remove(scene->book, ORIGIN, err);
	return rc ? rc : configuration_alone(scene, err);
}

int prepare_remote_remove(struct scene *scene, struct dd_error *err)
{
	int rc = prepare_pushed(scene, err);

	if (!rc)
		rc = origin_add(scene, scene->book, err);
	return rc ? rc : book_pull(scene->book, ORIGIN, NULL, NULL, err);
}

int run_remote_remove(struct scene *scene, struct dd_error *err)
{
	return told(scene, book_remote_remove(scene->book, ORIGIN, err));
}

/* One that is there can be taken away; of one that is not nothing is left. */
int check_remote_remove(struct scene *scene, bool done, struct dd_error *err)
{
	CLEANUP(text) struct text fetched = TEXT_INIT;
	char path[PATH_SIZE] = "";
	int rc = book_remotes(scene->book, visit_remote, path, err);

	if (!rc && done && path[0])
		rc = error_set(err, DD_CORRUPT, "the remote is there");
	if (!rc && path[0])
		rc = book_remote_remove(scene->book, ORIGIN, err);
	/* one of its name is another */
	if (!rc)
		rc = run_remote_add(scene, err);
	if (!rc)
		rc = book_fetched(scene->book, ORIGIN, HOST, visit_fetched, &fetched, err);
	if (!rc && fetched.size)
		rc = error_set(err, DD_CORRUPT, "what was fetched is left");
	return rc ? rc : configuration_alone(scene, err);
}

/* ---- pull ---- */

/* The other has domains of its own there, and one that was this host's. */
int prepare_pull(struct scene *scene, struct dd_error *err)
{
	struct scene other = {.book = NULL};
	int rc = prepare_pushed(scene, err);

	if (!rc)
		rc = other_begin(scene, &other, err);
	if (!rc)
		rc = take_over(&other, LOST, HOST, err);
	scene_close(&other);
	return rc ? rc : origin_add(scene, scene->book, err);
}

int run_pull(struct scene *scene, struct dd_error *err)
{
	return told(scene, book_pull(scene->book, ORIGIN, NULL, NULL, err));
}

/* What is on the branches that were fetched of the other, beside what the other has itself. */
static int fetched_judge(struct scene *scene, bool needed, struct dd_error *err)
{
	CLEANUP(text) struct text fetched = TEXT_INIT;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct scene other = other_scene(scene);
	char uuid[UUID_SIZE];
	int rc = book_fetched(scene->book, ORIGIN, OTHER, visit_fetched, &fetched, err);
	const int domains[] = {LOST, TAKEN, TAKEN + 1};

	if (!rc)
		rc = scene_open(&other, false, err);
	for (size_t i = 0; !rc && i < sizeof domains / sizeof domains[0]; i++) {
		CLEANUP(version_info) struct version_info info = {0};

		uuid_of(domains[i], uuid);
		rc = book_version(other.book, uuid, 0, &info, err);
		const char *at = strstr(text_string(&fetched), uuid);
		if (!rc && at ? strncmp(at + UUID_SIZE, info.commit, COMMIT_SIZE - 1) != 0 : needed)
			rc = error_set(err, DD_CORRUPT, "%s %s: it should be %s", uuid,
				at ? at : "was not fetched", info.commit);
	}
	scene_close(&other);
	uuid_of(LOST, uuid);
	if (!rc)
		rc = book_find(scene->book, uuid, &row, err);
	if (!rc && needed && (!row.owner || strcmp(row.owner, OTHER) != 0))
		rc = error_set(err, DD_CORRUPT, "who owns the domain was not learnt");
	return rc;
}

/* What was said to be fetched is; what was not comes at the next try. */
int check_pull(struct scene *scene, bool done, struct dd_error *err)
{
	int rc = fetched_judge(scene, done, err);

	if (!rc)
		rc = origin_follow(scene, scene->book, err);
	if (!rc)
		rc = book_pull(scene->book, ORIGIN, NULL, NULL, err);
	return rc ? rc : fetched_judge(scene, true, err);
}

/* ---- takeover ---- */

int prepare_take(struct scene *scene, struct dd_error *err)
{
	struct scene other = {.book = NULL};
	int rc = prepare_pushed(scene, err);

	if (!rc)
		rc = other_begin(scene, &other, err);
	scene_close(&other);
	if (!rc)
		rc = origin_add(scene, scene->book, err);
	return rc ? rc : book_pull(scene->book, ORIGIN, NULL, NULL, err);
}

int run_take(struct scene *scene, struct dd_error *err)
{
	return take_over(scene, TAKEN, OTHER, err);
}

static int owns(struct book *book, bool *result, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	char uuid[UUID_SIZE];
	int rc;

	uuid_of(TAKEN, uuid);
	rc = book_find(book, uuid, &row, err);
	*result = !rc && !row.owner && row.state != STATE_GONE;
	return rc == DD_NOT_FOUND ? 0 : rc;
}

/* Once the host before has heard of the remote, the domain has one owner, or waits for one. */
static int owners_judge(struct scene *scene, bool needed, struct dd_error *err)
{
	struct scene other = other_scene(scene);
	bool ours, theirs = false;
	int rc = owns(scene->book, &ours, err);

	if (!rc)
		rc = scene_open(&other, false, err);
	if (!rc)
		rc = book_push(other.book, ORIGIN, NULL, NULL, err);
	if (!rc)
		rc = owns(other.book, &theirs, err);
	scene_close(&other);
	if (!rc && ours && theirs)
		rc = error_set(err, DD_CORRUPT, "the domain has two owners");
	if (!rc && needed && (!ours || theirs))
		rc = error_set(err, DD_CORRUPT, "the domain is not taken over");
	return rc;
}

/* Locks that were left on the remote are somebody's for a while, so what failed goes on later. */
int check_take(struct scene *scene, bool done, struct dd_error *err)
{
	int rc;

	atomic_store(&calls_clock, CLOCK_LATER);
	rc = owners_judge(scene, done, err);
	if (!rc)
		rc = run_take(scene, err);
	if (!rc)
		rc = owners_judge(scene, true, err);
	atomic_store(&calls_clock, CLOCK);
	return rc;
}
