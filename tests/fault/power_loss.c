/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power goes at a random moment of an operation. What had been acknowledged until then is in
 * the book that comes back, at most one change more, and nothing else; the book is verified, and
 * takes a new version and a checkpoint.
 *
 *   test_fault_power_loss [--long] [OPERATION [SEED]]
 *
 * SEED alone is tried; a failure names the one that it came with.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operations.h"
#include "power.h"
#include "state.h"

#define ROUNDS_LONG 6000 /* of all operations together */
#define ROUNDS_SHORT 340
#define STATES_MAX 64
#define GIT_STEP 8 /* how often git looks at the book, too */
#define FAILURES_MAX 5

/* libgit2 loses memory where it cannot write; points.c is about that. */
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
	return "detect_leaks=0";
}

struct trial {
	const struct operation *operation;
	char pristine[PATH_MAX], folder[256], after[256];
	struct text states[STATES_MAX]; /* before, and after each change that was reported done */
	size_t state_count, acknowledged;
	long changes; /* of the last run */
	int failures;
};

static void note_state(struct scene *scene)
{
	struct trial *trial = scene->context;
	struct dd_error err = {0};

	if (trial->state_count == STATES_MAX ||
		state_read(scene->folder, &trial->states[trial->state_count++], &err)) {
		printf("Bail out! %s: %s\n", trial->operation->name, err.message);
		exit(1);
	}
}

static void count_acknowledged(struct scene *scene)
{
	struct trial *trial = scene->context;

	trial->acknowledged++;
}

static struct scene scene_of(struct trial *trial, const char *folder)
{
	struct scene scene = {.context = trial};

	snprintf(scene.folder, sizeof scene.folder, "%s", folder);
	return scene;
}

static int pristine_make(struct trial *trial, struct dd_error *err)
{
	struct scene scene = scene_of(trial, trial->pristine);
	int rc = scene_open(&scene, true, err);

	if (!rc)
		rc = scene_fill(&scene, err);
	if (!rc && trial->operation->prepare)
		rc = trial->operation->prepare(&scene, err);
	scene_close(&scene);
	return rc;
}

/* Runs it, with the power gone after so many changes; 0: never. */
static int run(struct trial *trial, struct scene *scene, long cut, struct dd_error *err)
{
	const struct operation *operation = trial->operation;
	int rc;

	folder_remove(trial->folder);
	rc = operation->makes ? 0 : folder_copy(trial->pristine, trial->folder, err);
	if (rc)
		return rc;
	power_watch(trial->folder, operation->makes ? NULL : trial->pristine);
	if (!operation->makes && !operation->opens)
		rc = scene_open(scene, false, err);
	power_cut_after(cut);
	if (!rc)
		rc = operation->run(scene, err);
	scene_close(scene);
	trial->changes = power_unwatch();
	return rc;
}

static int run_well(struct trial *trial, struct dd_error *err)
{
	struct scene scene = scene_of(trial, trial->folder);
	int rc = trial->operation->makes ? 0 : pristine_make(trial, err);

	if (!rc && !trial->operation->makes)
		rc = folder_copy(trial->pristine, trial->folder, err);
	if (!rc && !trial->operation->makes && !trial->operation->opens)
		rc = scene_open(&scene, false, err);
	if (!rc && !trial->operation->makes)
		note_state(&scene);
	scene.acknowledged = trial->operation->makes ? NULL : note_state;
	if (!rc)
		rc = trial->operation->run(&scene, err);
	scene_close(&scene);
	scene.acknowledged = NULL;
	if (!rc)
		rc = run(trial, &scene, 0, err);
	return rc ? rc : power_restore(trial->after, 0, err);
}

/* ---- one round ---- */

static const char *state_judge(struct trial *trial, struct dd_error *err)
{
	CLEANUP(text) struct text now = TEXT_INIT;
	struct scene scene = scene_of(trial, trial->after);

	if (trial->operation->makes) {
		/* where nobody was told that it is made, it is made now */
		if (scene_open(&scene, !trial->acknowledged, err))
			return "the book does not open";
		scene_close(&scene);
	}
	if (state_read(trial->after, &now, err))
		return "the book cannot be read";
	for (size_t i = trial->acknowledged; i <= trial->acknowledged + 1 && i < trial->state_count;
		i++)
		if (strcmp(text_string(&now), text_string(&trial->states[i])) == 0)
			return NULL;
	return trial->operation->makes ? NULL : "the book is not as it was told to be";
}

static const char *go_on(struct trial *trial, bool git, struct dd_error *err)
{
	struct scene scene = scene_of(trial, trial->after);
	int rc = scene_open(&scene, false, err);

	if (!rc)
		rc = scene_edit(&scene, 8, 0, err);
	if (!rc)
		rc = book_checkpoint(scene.book, err);
	scene_close(&scene);
	if (rc)
		return "the book takes no other version";
	return git && state_check_git(trial->after, err) ? "git finds fault with it" : NULL;
}

static void round_try(struct trial *trial, long changes, uint64_t seed)
{
	struct scene scene = scene_of(trial, trial->folder);
	struct dd_error err = {0};
	unsigned int mixed = (unsigned int)seed;
	long cut = 1 + rand_r(&mixed) % changes;
	const char *wrong;

	trial->acknowledged = 0;
	scene.acknowledged = count_acknowledged;
	folder_remove(trial->after);
	(void)run(trial, &scene, cut, &err); /* it fails, or has done all before */
	if (power_restore(trial->after, seed, &err))
		wrong = "the folder cannot be restored";
	else
		wrong = state_judge(trial, &err);
	if (!wrong)
		wrong = go_on(trial, seed % GIT_STEP == 0, &err);
	if (wrong && trial->failures++ < FAILURES_MAX)
		printf("# %s %llu: power lost after change %ld of %ld, %zu acknowledged: %s: %s\n",
			trial->operation->name, (unsigned long long)seed, cut, changes,
			trial->acknowledged, wrong, err.message);
	fflush(stdout);
}

/* Gives the number of changes that there are to choose from; 0: it does not even run. */
static long trial_run(struct trial *trial, long rounds, uint64_t only)
{
	struct dd_error err = {0};
	long changes;

	if (run_well(trial, &err)) {
		printf("# %s: the power stays, and yet: %s\n", trial->operation->name, err.message);
		trial->failures++;
		return 0;
	}
	changes = trial->changes;
	for (long i = 0; i < rounds && changes; i++)
		round_try(trial, changes, only ? only : (uint64_t)i + 1);
	for (size_t i = 0; i < trial->state_count; i++)
		text_release(&trial->states[i]);
	return changes;
}

int main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "--long") == 0;
	const char *name = argc > 1 + all ? argv[1 + all] : NULL;
	uint64_t only = argc > 2 + all ? strtoull(argv[2 + all], NULL, 10) : 0;
	long each = (all ? ROUNDS_LONG : ROUNDS_SHORT) / (long)operation_count, rounds = 0;
	const char *temporary = getenv("TMPDIR");
	char place[128];
	int number = 0, failed = 0;

	snprintf(place, sizeof place, "%s/fault-XXXXXX", temporary ? temporary : "/tmp");
	if (!mkdtemp(place)) {
		puts("Bail out! no temporary folder");
		return 2;
	}
	scene_be_predictable();
	for (size_t i = 0; i < operation_count; i++) {
		struct trial trial = {.operation = &operations[i]};

		if (name && strcmp(name, operations[i].name) != 0)
			continue;
		snprintf(trial.pristine, sizeof trial.pristine, "%s/pristine", place);
		snprintf(trial.folder, sizeof trial.folder, "%s/book", place);
		snprintf(trial.after, sizeof trial.after, "%s/after", place);

		long changes = trial_run(&trial, only ? 1 : each, only);

		failed += trial.failures > 0;
		rounds += only ? 1 : each;
		printf("%sok %d - fault_power_loss__%s # %ld changes\n",
			trial.failures ? "not " : "", ++number, operations[i].name, changes);
		fflush(stdout);
		folder_remove(trial.pristine);
		folder_remove(trial.folder);
		folder_remove(trial.after);
	}
	printf("# %ld rounds\n1..%d\n", rounds, number);
	folder_remove(place);
	return failed ? 1 : 0;
}
