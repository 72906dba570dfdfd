/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation, once for every call in it that can fail: that call fails, alone or with all
 * after it, and what the book says afterwards is what it said before or after, to the byte. It is
 * whole for SQLite and for git, the same open book goes on working, and nothing is leaked.
 *
 *   test_fault_points [--long | --every N] [OPERATION [WEATHER [POINT]]]
 *
 * --long fails every point, --every each Nth; otherwise some that lie evenly between the first and
 * the last are failed. POINT alone is tried.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rehearsal.h"
#include "state.h"
#include "ticker.h"

#define FAILURES_MAX 5 /* that are printed of one operation */
#define POINTS_SHORT 8 /* that are tried of one operation in one weather without --long */
#define GIT_STEP                                                                        \
	16 /* how often git looks at the book, too; it is asked rarely for its slowness \
	    */

/* LeakSanitizer's, where it is there. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

struct options {
	long every; /* 0: a few */
	const char *operation;
	int weather; /* -1: each */
	long point;  /* 0: each */
};

/* What a child has come to, seen by its parent even if it crashes. */
struct progress {
	long points, tried, failures;
	long step; /* where it is, or goes on after a crash: two for each point */
	bool trying;
};

struct trial {
	struct rehearsal well;
	enum weather weather;
	const struct options *options;
	struct progress *progress;
	long most_allocated;
};

static long point_of(const struct progress *progress)
{
	return progress->step / 2 + 1;
}

static bool for_ever(const struct progress *progress)
{
	return progress->step % 2;
}

static void complain(
	const struct trial *trial, const char *kind, const char *wrong, const char *detail)
{
	struct progress *progress = trial->progress;

	if (progress->failures++ < FAILURES_MAX)
		printf("# %s %s %ld (%s), %s: %s: %s\n", trial->well.operation->name,
			weather_names[trial->weather], point_of(progress), kind,
			for_ever(progress) ? "and all after it" : "alone", wrong, detail);
	fflush(stdout);
}

/* ---- a run in which all is well ---- */

static int run_well(struct trial *trial, struct dd_error *err)
{
	struct scene scene = rehearsal_scene(&trial->well, trial->well.folder);
	int rc = rehearsal_run(&trial->well, err);

	/* and again, to count what can fail with everything as it is in the runs to come */
	if (!rc)
		rc = rehearsal_begin(&trial->well, &scene, err);
	ticker_start(trial->weather, 0, false);
	if (!rc)
		rc = trial->well.operation->run(&scene, err);
	trial->progress->points = ticker_stop().points;
	scene_close(&scene);
	return rc;
}

/* ---- one point ---- */

/*
 * Before, where it is said to have failed. Of what could not be synced nobody knows whether it will
 * last, so there it may be done, too.
 */
static const char *state_judge(
	struct trial *trial, int rc, const struct ticked *ticked, struct dd_error *err)
{
	CLEANUP(text) struct text now = TEXT_INIT;

	if (trial->well.operation->makes)
		return NULL;
	if (state_read(trial->well.folder, &now, err))
		return "the book cannot be read";
	if (!rc && trial->well.acknowledged + 1 != trial->well.state_count)
		return "it has not reported all that it has done";
	if (strcmp(text_string(&now), text_string(&trial->well.states[trial->well.acknowledged])) ==
		0)
		return NULL;
	(void)error_wrap(err, "after %zu steps", trial->well.acknowledged);
	if (trial->well.acknowledged + 1 < trial->well.state_count &&
		strcmp(text_string(&now),
			text_string(&trial->well.states[trial->well.acknowledged + 1])) == 0)
		return FAILED(*ticked, CALL_SYNC) ? NULL : "what it says has failed is done";
	return "the book is between before and after";
}

/* Who was told of a failure tries again, with the same open book where there is one. */
static const char *go_on(
	struct trial *trial, struct scene *scene, bool done, bool again, struct dd_error *err)
{
	CLEANUP(text) struct text now = TEXT_INIT;
	const struct operation *operation = trial->well.operation;
	size_t last = trial->well.state_count - 1;

	/* who may only read is given a book that can only be read */
	if (operation->opens)
		scene_close(scene);
	if (again && operation->run(scene, err))
		return "it does not work afterwards";
	if (!scene->book && scene_open(scene, operation->makes, err))
		return "the book does not open any more";
	if (again && !operation->makes) {
		if (state_read(trial->well.folder, &now, err))
			return "the book cannot be read when it was done again";
		if (strcmp(text_string(&now), text_string(&trial->well.states[last])) != 0)
			return "done again it came to something else";
	}
	if (operation->check && operation->check(scene, done || again, err))
		return "it does not hold outside the book";
	if (scene_edit(scene, 8, 0, err) || book_checkpoint(scene->book, err))
		return "the book takes no other version afterwards";
	return NULL;
}

static const char *leaks_judge(struct trial *trial, int descriptors)
{
	long allocated = atomic_load(&calls_allocated);

	if (descriptors_open() != descriptors)
		return "a descriptor is left open";
	if (allocated <= trial->most_allocated)
		return NULL;
	trial->most_allocated = allocated;
	return __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check()
		       ? "memory is lost"
		       : NULL;
}

/* What somebody is told who has to do something about the book's disk. */
static const struct {
	int code;
	const char *words;
} told[WEATHERS] = {
	[WEATHER_FULL] = {DD_SYSTEM, "o space left"},
	[WEATHER_READ_ONLY] = {DD_SYSTEM, "ead-only"},
	[WEATHER_DENIED] = {DD_SYSTEM, ""},
	[WEATHER_LOCKLESS] = {DD_UNSUPPORTED, "OFD locks"},
};

/* A row says so of what book_verify() tells. */
static bool is_finding(const struct dd_error *err)
{
	return strncmp(err->message, FOUND, sizeof FOUND - 1) == 0;
}

/* What cannot be read is a finding, but has to be called that; and memory is not read. */
static bool is_unread(const struct dd_error *err, const struct ticked *ticked)
{
	static const char *const words[] = {
		"cannot be read", "cannot read", "cannot be opened", "cannot open"};
	bool said = false;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		said = said || strstr(err->message, words[i]);
	return said && (FAILED(*ticked, CALL_READ) || FAILED(*ticked, CALL_STATUS) ||
			       FAILED(*ticked, CALL_OPEN) || FAILED(*ticked, CALL_LIST));
}

/* What a disk does not give back is damaged, as SQLite sees it, too. */
static const char *error_judge(
	const struct trial *trial, int rc, const struct dd_error *err, const struct ticked *ticked)
{
	const char *words = told[trial->weather].words;
	/* why they cannot write or remove something libgit2 and SQLite may keep to themselves */
	bool vague = strstr(err->message, "no reason given") ||
		     strstr(err->message, "unable to open database file") ||
		     trial->well.operation->remote;
	bool unread = FAILED(*ticked, CALL_READ) || FAILED(*ticked, CALL_STATUS);

	if (rc && (err->code != rc || !err->message[0]))
		return "the failure has no message";
	if (rc == DD_CORRUPT && !is_finding(err) && !unread)
		return "the failure is called damage";
	if (is_finding(err) && !is_unread(err, ticked))
		return "a failure is found as damage";
	/* what fails at a remote is its refusal, whose words are libgit2's */
	if (rc && rc != DD_SYSTEM && rc != DD_NO_MEMORY && rc != DD_CORRUPT &&
		trial->weather != WEATHER_LOCKLESS && !strstr(err->message, "it refused refs/"))
		return "the failure is taken for something else";
	if (rc && words && !vague &&
		(rc != told[trial->weather].code || !strstr(err->message, words)))
		return "it is not said what is wrong with the disk";
	if (!rc && trial->weather == WEATHER_LOCKLESS && trial->progress->step == 1)
		return "it works without any lock";
	return NULL;
}

/* Gives how it ended for the operation itself. */
static struct ticked point_run(
	struct trial *trial, struct scene *scene, int *rc, struct dd_error *err)
{
	ticker_start(trial->weather, point_of(trial->progress), for_ever(trial->progress));
	*rc = trial->well.operation->run(scene, err);
	return ticker_stop();
}

static const char *point_judge(
	struct trial *trial, struct scene *scene, struct dd_error *err, struct ticked *ticked)
{
	bool again;
	const char *wrong;
	int rc = rehearsal_begin(&trial->well, scene, err);

	if (rc)
		return "the scene cannot be set";
	rehearsal_count(&trial->well, scene);
	*ticked = point_run(trial, scene, &rc, err);
	scene->acknowledged = NULL;
	/* what could not be synced may be done, and then cannot be done again */
	again = rc && trial->well.operation->repeats && !FAILED(*ticked, CALL_SYNC);
	wrong = error_judge(trial, rc, err, ticked);
	if (!wrong)
		wrong = state_judge(trial, rc, ticked, err);
	if (!wrong && trial->progress->tried % GIT_STEP == 0 && !trial->well.operation->makes &&
		state_check_git(trial->well.folder, err))
		wrong = "git finds fault with it";
	if (!wrong)
		wrong = go_on(trial, scene, !rc, again, err);
	if (!wrong && trial->progress->tried % GIT_STEP == 0 &&
		state_check_git(trial->well.folder, err))
		wrong = "git finds fault with it when it was done again";
	return wrong;
}

static void point_try(struct trial *trial)
{
	struct progress *progress = trial->progress;
	struct scene scene = rehearsal_scene(&trial->well, trial->well.folder);
	struct dd_error err = {0};
	struct ticked ticked = {0};
	int descriptors = descriptors_open();
	/* libgit2 loses memory and descriptors where its calls fail; what we lose shows at the
	 * points of ours */
	bool forgiven = ticker_is_libgit2(point_of(progress), for_ever(progress));
	const char *wrong;

	progress->tried++;
	progress->trying = true;
	if (forgiven && __lsan_disable)
		__lsan_disable();
	wrong = point_judge(trial, &scene, &err, &ticked);
	scene_close(&scene);
	if (forgiven && __lsan_enable)
		__lsan_enable();
	if (!wrong && !forgiven)
		wrong = leaks_judge(trial, descriptors);
	progress->trying = false;
	if (wrong)
		complain(trial, call_kind_name(ticked.kind), wrong, err.message);
}

static bool point_chosen(const struct trial *trial)
{
	const struct options *options = trial->options;
	long few = POINTS_SHORT / (trial->well.operation->slow ? 2 : 1);
	long step = options->every ? options->every : 1 + trial->progress->points / few;

	if (options->point)
		return point_of(trial->progress) == options->point;
	return point_of(trial->progress) % step == 0;
}

/* ---- one operation, in a process of its own ---- */

static void trial_run(struct trial *trial)
{
	struct progress *progress = trial->progress;
	struct dd_error err = {0};

	scene_be_predictable();
	if (run_well(trial, &err)) {
		complain(trial, "nothing", "nothing fails, and yet", err.message);
		return;
	}
	for (; point_of(progress) <= progress->points; progress->step++)
		if (point_chosen(trial))
			point_try(trial);
	rehearsal_release(&trial->well);
}

/* Whether there is more to do: it crashed at one point. */
static bool trial_crashed(struct trial *trial, pid_t pid)
{
	int status;
	char how[32];

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return false;
	snprintf(how, sizeof how, WIFSIGNALED(status) ? "signal %d" : "status %d",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	complain(trial, "unknown", "it ends the process", how);
	trial->progress->step++;
	return trial->progress->trying;
}

static void trial_fork(struct trial *trial, const char *place)
{
	pid_t pid;

	rehearsal_place(&trial->well, place);
	do {
		trial->progress->trying = false;
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			trial_run(trial);
			exit(0);
		}
	} while (trial_crashed(trial, pid));
	rehearsal_clear(&trial->well);
}

static bool chosen(const struct options *options, size_t operation, int weather)
{
	return (!options->operation ||
		       strcmp(options->operation, operations[operation].name) == 0) &&
	       (options->weather < 0 || options->weather == weather);
}

static int options_read(struct options *options, int argc, char **argv)
{
	int next = 1;

	*options = (struct options){.weather = -1};
	if (next < argc && strcmp(argv[next], "--long") == 0) {
		options->every = 1;
		next++;
	} else if (next + 1 < argc && strcmp(argv[next], "--every") == 0) {
		options->every = strtol(argv[next + 1], NULL, 10);
		next += 2;
	}
	if (next < argc)
		options->operation = argv[next++];
	if (next < argc)
		for (options->weather = 0;
			options->weather < WEATHERS &&
			strcmp(argv[next], weather_names[options->weather]) != 0;)
			options->weather++;
	if (options->weather == WEATHERS || options->every < 0)
		return -1;
	next++;
	if (next < argc)
		options->point = strtol(argv[next++], NULL, 10);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct progress *progress = mmap(
		NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char place[PLACE_SIZE];
	long points = 0, tried = 0;
	int number = 0, failed = 0;

	if (options_read(&options, argc, argv) || progress == MAP_FAILED || !place_make(place)) {
		puts("Bail out! usage: test_fault_points [--long | --every N] [OPERATION [WEATHER "
		     "[POINT]]]");
		return 2;
	}
	for (size_t i = 0; i < operation_count; i++)
		for (int weather = 0; weather < WEATHERS; weather++) {
			struct trial trial = {.well.operation = &operations[i],
				.weather = (enum weather)weather,
				.options = &options,
				.progress = progress};

			if (!chosen(&options, i, weather))
				continue;
			*progress = (struct progress){0};

			trial_fork(&trial, place);
			if (!progress->points && !progress->failures)
				continue;
			points += progress->points;
			tried += progress->tried;
			failed += progress->failures > 0;
			printf("%sok %d - fault_points__%s_%s # %ld points, failed %ld times\n",
				progress->failures ? "not " : "", ++number, operations[i].name,
				weather_names[weather], progress->points, progress->tried);
		}
	printf("# %ld points, failed %ld times\n1..%d\n", points, tried, number);
	folder_remove(place);
	return failed ? 1 : 0;
}
