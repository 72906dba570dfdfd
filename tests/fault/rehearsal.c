/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearsal.h"

#include <stdio.h>
#include <stdlib.h>

#include "state.h"

void rehearsal_place(struct rehearsal *self, const char *place)
{
	snprintf(self->pristine, sizeof self->pristine, "%s/pristine", place);
	snprintf(self->folder, sizeof self->folder, "%s/book", place);
}

struct scene rehearsal_scene(struct rehearsal *self, const char *folder)
{
	struct scene scene = {.context = self};

	snprintf(scene.folder, sizeof scene.folder, "%s", folder);
	return scene;
}

static void note_state(struct scene *scene)
{
	struct rehearsal *self = scene->context;
	struct dd_error err = {0};

	if (self->state_count == STATES_MAX ||
		state_read(scene->folder, &self->states[self->state_count++], &err)) {
		printf("Bail out! %s: %s\n", self->operation->name, err.message);
		exit(1);
	}
}

static int pristine_make(struct rehearsal *self, struct dd_error *err)
{
	struct scene scene = rehearsal_scene(self, self->folder);
	int rc;

	/* where it will be used: it may keep addresses of what is in it */
	folder_remove(self->pristine);
	folder_remove(self->folder);
	rc = scene_open(&scene, true, err);
	if (!rc)
		rc = scene_fill(&scene, err);
	if (!rc && self->operation->prepare)
		rc = self->operation->prepare(&scene, err);
	scene_close(&scene);
	return rc ? rc : folder_copy(self->folder, self->pristine, err);
}

int rehearsal_reset(struct rehearsal *self, struct dd_error *err)
{
	folder_remove(self->folder);
	return self->operation->makes ? 0 : folder_copy(self->pristine, self->folder, err);
}

int rehearsal_open(const struct rehearsal *self, struct scene *scene, struct dd_error *err)
{
	const struct operation *operation = self->operation;

	return operation->makes || operation->opens ? 0 : scene_open(scene, false, err);
}

int rehearsal_begin(struct rehearsal *self, struct scene *scene, struct dd_error *err)
{
	int rc = rehearsal_reset(self, err);

	return rc ? rc : rehearsal_open(self, scene, err);
}

int rehearsal_run(struct rehearsal *self, struct dd_error *err)
{
	struct scene scene = rehearsal_scene(self, self->folder);
	int rc = self->operation->makes ? 0 : pristine_make(self, err);

	if (!rc)
		rc = rehearsal_begin(self, &scene, err);
	if (!rc && !self->operation->makes) {
		note_state(&scene);
		scene.acknowledged = note_state;
	}
	if (!rc)
		rc = self->operation->run(&scene, err);
	scene_close(&scene);
	return rc;
}

static void count_one(struct scene *scene)
{
	struct rehearsal *self = scene->context;

	self->acknowledged++;
}

void rehearsal_count(struct rehearsal *self, struct scene *scene)
{
	self->acknowledged = 0;
	scene->acknowledged = count_one;
}

void rehearsal_release(struct rehearsal *self)
{
	for (size_t i = 0; i < self->state_count; i++)
		text_release(&self->states[i]);
}

void rehearsal_clear(const struct rehearsal *self)
{
	folder_remove(self->pristine);
	folder_remove(self->folder);
}
