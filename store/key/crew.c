/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is added fills a batch; a full one is handed out, and the thread, which begins with the
 * first of them, takes one after the other. So does whoever asks for a result that is not there
 * yet, or adds more while many batches wait: that keeps the memory for commits within WAITING
 * batches. A batch's tasks are who has taken it's, until it is done.
 */
#include "store/key/crew.h"

#include <pthread.h>
#include <stdlib.h>

#define BATCH 64
#define WAITING 64 /* batches that nobody has taken */
#define AHEAD 16   /* tasks among which one is looked for */

struct batch {
	struct crew_task tasks[BATCH];
	size_t first, count; /* first: number of its first task */
	struct text commits; /* of all, until it is done */
	bool done, failed;   /* failed: for want of memory */
};

struct crew {
	struct batch **batches;
	size_t count, room;
	size_t handed, taken; /* batches */
	bool threaded, ended;
	pthread_t thread;
	pthread_mutex_t mutex; /* for all of the above, but what only the owner changes and reads */
	pthread_cond_t more, done;
};

int crew_new(struct crew **out, struct dd_error *err)
{
	struct crew *crew;
	int rc = key_start(err);

	if (rc)
		return rc;
	crew = calloc(1, sizeof *crew);
	if (!crew)
		return error_no_memory(err);
	pthread_mutex_init(&crew->mutex, NULL);
	pthread_cond_init(&crew->more, NULL);
	pthread_cond_init(&crew->done, NULL);
	*out = crew;
	return 0;
}

/* ---- looking ---- */

static void batch_run(struct batch *batch)
{
	CLEANUP(text) struct text payload = TEXT_INIT;

	for (size_t i = 0; i < batch->count; i++) {
		struct crew_task *task = &batch->tasks[i];
		const char *commit = batch->commits.data + task->at;
		struct commit_parts parts;

		task->state = SIGNATURE_MALFORMED;
		if (commit_parse(commit, task->size, &parts) &&
			commit_check(commit, task->size, &parts, &payload, &task->state,
				task->signer, NULL))
			batch->failed = true;
	}
	text_release(&batch->commits);
}

/* With the lock, which is given up meanwhile. */
static void take(struct crew *crew)
{
	struct batch *batch = crew->batches[crew->taken++];

	pthread_mutex_unlock(&crew->mutex);
	batch_run(batch);
	pthread_mutex_lock(&crew->mutex);
	batch->done = true;
	pthread_cond_signal(&crew->done);
}

static void *work(void *context)
{
	struct crew *crew = context;

	pthread_mutex_lock(&crew->mutex);
	while (!crew->ended)
		if (crew->taken < crew->handed)
			take(crew);
		else
			pthread_cond_wait(&crew->more, &crew->mutex);
	pthread_mutex_unlock(&crew->mutex);
	return NULL;
}

/* ---- adding ---- */

static int batch_begin(struct crew *crew, struct dd_error *err)
{
	struct batch *batch = calloc(1, sizeof *batch), **grown = crew->batches;
	size_t room = crew->room ? crew->room * 2 : 16, first = crew_count(crew);

	pthread_mutex_lock(&crew->mutex);
	if (crew->count == crew->room)
		grown = reallocarray(crew->batches, room, sizeof(struct batch *));
	if (grown && crew->count == crew->room)
		crew->room = room;
	if (grown)
		crew->batches = grown;
	if (grown && batch)
		crew->batches[crew->count++] = batch;
	pthread_mutex_unlock(&crew->mutex);
	if (grown && batch) {
		batch->first = first;
		batch->commits = (struct text)TEXT_INIT;
		return 0;
	}
	free(batch);
	return error_no_memory(err);
}

/* The batches up to here are full, or will not become so. */
static void hand_out(struct crew *crew)
{
	pthread_mutex_lock(&crew->mutex);
	crew->handed = crew->count;
	pthread_cond_signal(&crew->more);
	/* without a thread it is all done by who asks */
	if (!crew->threaded && crew->batches[crew->count - 1]->count == BATCH)
		crew->threaded = pthread_create(&crew->thread, NULL, work, crew) == 0;
	if (crew->handed - crew->taken > WAITING)
		take(crew);
	pthread_mutex_unlock(&crew->mutex);
}

int crew_add(struct crew *crew, const git_oid *oid, const char *commit, size_t size,
	struct dd_error *err)
{
	int rc = crew->handed == crew->count ? batch_begin(crew, err) : 0;
	struct batch *batch;

	if (rc)
		return rc;
	batch = crew->batches[crew->count - 1];
	batch->tasks[batch->count] =
		(struct crew_task){.oid = *oid, .at = batch->commits.size, .size = size};
	text_add(&batch->commits, commit, size);
	if (text_failed(&batch->commits))
		return error_no_memory(err);
	if (++batch->count == BATCH)
		hand_out(crew);
	return 0;
}

/* ---- asking ---- */

size_t crew_count(const struct crew *crew)
{
	const struct batch *last = crew->count ? crew->batches[crew->count - 1] : NULL;

	return last ? last->first + last->count : 0;
}

static int batch_compare(const void *a, const void *b)
{
	const size_t *number = a;
	const struct batch *batch = *(struct batch *const *)b;

	return (*number >= batch->first + batch->count) - (*number < batch->first);
}

/* Only the owner changes the list. */
static size_t batch_of(const struct crew *crew, size_t number)
{
	struct batch **found =
		bsearch(&number, crew->batches, crew->count, sizeof(struct batch *), batch_compare);

	return found ? (size_t)(found - crew->batches) : 0;
}

static struct crew_task *task_of(const struct crew *crew, size_t number)
{
	struct batch *batch = crew->batches[batch_of(crew, number)];

	return &batch->tasks[number - batch->first];
}

size_t crew_find(const struct crew *crew, size_t from, const git_oid *oid)
{
	size_t count = crew_count(crew);

	for (size_t i = from; i < count && i < from + AHEAD; i++)
		if (git_oid_equal(&task_of(crew, i)->oid, oid))
			return i;
	return count;
}

int crew_result(
	struct crew *crew, size_t number, const struct crew_task **out, struct dd_error *err)
{
	size_t at = batch_of(crew, number);
	struct batch *batch = crew->batches[at];
	bool failed;

	if (at >= crew->handed)
		hand_out(crew);
	pthread_mutex_lock(&crew->mutex);
	while (!batch->done)
		if (crew->taken < crew->handed)
			take(crew);
		else
			pthread_cond_wait(&crew->done, &crew->mutex);
	failed = batch->failed;
	pthread_mutex_unlock(&crew->mutex);
	if (failed)
		return error_no_memory(err);
	*out = task_of(crew, number);
	return 0;
}

void crew_release(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->mutex);
	crew->ended = true;
	pthread_cond_signal(&crew->more);
	pthread_mutex_unlock(&crew->mutex);
	if (crew->threaded)
		pthread_join(crew->thread, NULL);
	for (size_t i = 0; i < crew->count; i++) {
		text_release(&crew->batches[i]->commits);
		free(crew->batches[i]);
	}
	free(crew->batches);
	pthread_cond_destroy(&crew->done);
	pthread_cond_destroy(&crew->more);
	pthread_mutex_destroy(&crew->mutex);
	free(crew);
}
