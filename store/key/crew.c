/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key/crew.h"

#include <pthread.h>

#define ALONE 64 /* tasks that are done before a thread has begun */

int crew_add(struct crew *crew, const struct crew_task *task, const char *commit, size_t size,
	struct dd_error *err)
{
	if (!crew->tasks)
		crew->tasks = calloc(CREW_MOST, sizeof *crew->tasks);
	if (!crew->tasks)
		return error_no_memory(err);
	crew->tasks[crew->count] = *task;
	crew->tasks[crew->count].at = crew->commits.size;
	crew->tasks[crew->count].size = size;
	crew->count++;
	text_add(&crew->commits, commit, size);
	return text_failed(&crew->commits) ? error_no_memory(err) : 0;
}

struct share {
	struct crew *crew;
	size_t from, until;
};

static void *share_run(void *context)
{
	const struct share *share = context;
	CLEANUP(text) struct text payload = TEXT_INIT;

	for (size_t i = share->from; i < share->until; i++) {
		struct crew_task *task = &share->crew->tasks[i];
		const char *commit = share->crew->commits.data + task->at;
		struct commit_parts parts;

		task->state = SIGNATURE_MALFORMED;
		task->failed = commit_parse(commit, task->size, &parts) &&
			       commit_check(commit, task->size, &parts, &payload, &task->state,
				       task->signer, NULL);
	}
	return NULL;
}

int crew_run(struct crew *crew, struct dd_error *err)
{
	struct share all = {crew, 0, crew->count}, other = {crew, crew->count / 2, crew->count};
	pthread_t thread;
	bool failed = false;

	if (crew->count >= ALONE && pthread_create(&thread, NULL, share_run, &other) == 0) {
		all.until = other.from;
		share_run(&all);
		pthread_join(thread, NULL);
	} else {
		share_run(&all);
	}
	for (size_t i = 0; i < crew->count; i++)
		failed |= crew->tasks[i].failed;
	return failed ? error_no_memory(err) : 0;
}

void crew_clear(struct crew *crew)
{
	crew->count = 0;
	text_clear(&crew->commits);
}

void crew_release(struct crew *crew)
{
	free(crew->tasks);
	text_release(&crew->commits);
}
