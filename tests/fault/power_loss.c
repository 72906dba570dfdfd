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

#include "power.h"
#include "rehearsal.h"
#include "state.h"

#define ROUNDS_LONG 6000 /* of all operations together */
#define ROUNDS_SHORT 400
#define GIT_STEP 8 /* how often git looks at the book, too */
#define FAILURES_MAX 5

/* libgit2 loses memory where it cannot write; points.c is about that. */
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
	return "detect_leaks=0";
}

struct trial {
	struct rehearsal well;
	char after[256];
	long changes; /* of the last run */
	int failures;
};

/* Runs it, with the power gone after so many changes; 0: never. */
static int run(struct trial *trial, struct scene *scene, long cut, struct dd_error *err)
{
	const struct operation *operation = trial->well.operation;
	int rc = rehearsal_reset(&trial->well, err);

	if (rc)
		return rc;
	power_watch(trial->well.folder, operation->makes ? NULL : trial->well.pristine);
	rc = rehearsal_open(&trial->well, scene, err);
	power_cut_after(cut);
	if (!rc)
		rc = operation->run(scene, err);
	scene_close(scene);
	trial->changes = power_unwatch();
	return rc;
}

static int run_well(struct trial *trial, struct dd_error *err)
{
	struct scene scene = rehearsal_scene(&trial->well, trial->well.folder);
	int rc = rehearsal_run(&trial->well, err);

	if (!rc)
		rc = run(trial, &scene, 0, err);
	return rc ? rc : power_restore(trial->after, 0, err);
}

/* ---- one round ---- */

static const char *state_judge(struct trial *trial, struct dd_error *err)
{
	CLEANUP(text) struct text now = TEXT_INIT;
	struct scene scene = rehearsal_scene(&trial->well, trial->after);

	if (trial->well.operation->makes) {
		/* where nobody was told that it is made, it is made now */
		if (scene_open(&scene, !trial->well.acknowledged, err))
			return "the book does not open";
		scene_close(&scene);
	}
	if (state_read(trial->after, &now, err))
		return "the book cannot be read";
	for (size_t i = trial->well.acknowledged;
		i <= trial->well.acknowledged + 1 && i < trial->well.state_count; i++)
		if (strcmp(text_string(&now), text_string(&trial->well.states[i])) == 0)
			return NULL;
	return trial->well.operation->makes ? NULL : "the book is not as it was told to be";
}

static const char *go_on(struct trial *trial, bool git, struct dd_error *err)
{
	struct scene scene = rehearsal_scene(&trial->well, trial->after);
	const struct rehearsal *well = &trial->well;
	int rc = scene_open(&scene, false, err);

	if (!rc && well->operation->check &&
		well->operation->check(&scene, well->acknowledged + 1 >= well->state_count, err)) {
		scene_close(&scene);
		return "it does not hold outside the book";
	}
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
	struct scene scene = rehearsal_scene(&trial->well, trial->well.folder);
	struct dd_error err = {0};
	unsigned int mixed = (unsigned int)seed;
	long cut = 1 + rand_r(&mixed) % changes;
	const char *wrong;

	rehearsal_count(&trial->well, &scene);
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
			trial->well.operation->name, (unsigned long long)seed, cut, changes,
			trial->well.acknowledged, wrong, err.message);
	fflush(stdout);
}

/* Gives the number of changes that there are to choose from; 0: it does not even run. */
static long trial_run(struct trial *trial, long rounds, uint64_t only)
{
	struct dd_error err = {0};
	long changes;

	if (run_well(trial, &err)) {
		printf("# %s: the power stays, and yet: %s\n", trial->well.operation->name,
			err.message);
		trial->failures++;
		return 0;
	}
	changes = trial->changes;
	for (long i = 0; i < rounds && changes; i++)
		round_try(trial, changes, only ? only : (uint64_t)i + 1);
	rehearsal_release(&trial->well);
	return changes;
}

int main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "--long") == 0;
	const char *name = argc > 1 + all ? argv[1 + all] : NULL;
	uint64_t only = argc > 2 + all ? strtoull(argv[2 + all], NULL, 10) : 0;
	long each = (all ? ROUNDS_LONG : ROUNDS_SHORT) / (long)operation_count, rounds = 0;
	char place[PLACE_SIZE];
	int number = 0, failed = 0;

	if (!place_make(place)) {
		puts("Bail out! no temporary folder");
		return 2;
	}
	scene_be_predictable();
	for (size_t i = 0; i < operation_count; i++) {
		struct trial trial = {.well.operation = &operations[i]};

		if (operations[i].reads || (name && strcmp(name, operations[i].name) != 0))
			continue;
		rehearsal_place(&trial.well, place);
		snprintf(trial.after, sizeof trial.after, "%s/after", place);

		long own = only ? 1 : each / (operations[i].slow && !all ? 2 : 1);
		long changes = trial_run(&trial, own, only);

		failed += trial.failures > 0;
		rounds += own;
		printf("%sok %d - fault_power_loss__%s # %ld changes\n",
			trial.failures ? "not " : "", ++number, operations[i].name, changes);
		fflush(stdout);
		rehearsal_clear(&trial.well);
		folder_remove(trial.after);
	}
	printf("# %ld rounds\n1..%d\n", rounds, number);
	folder_remove(place);
	return failed ? 1 : 0;
}
