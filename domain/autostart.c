/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains that start with the host. BOOK/run/autostart says how far that is: the id of the boot of
 * the machine, then the UUID of each domain that had its turn, a line each, and "done" at the end.
 * A line comes after its start: who dies in between meets a guest that runs, and passes over it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "domain/boot.h"
#include "domain/host.h"

#define PROGRESS_LIMIT ((size_t)64 << 20)
#define DONE "done\n"

struct progress {
	char *path;
	struct text text;
};

static void cleanup_progress(struct progress *progress)
{
	free(progress->path);
	text_release(&progress->text);
}

static bool progress_has(const struct progress *progress, const char *line)
{
	const char *found = text_string(&progress->text);
	size_t length = strlen(line);

	while ((found = strstr(found, line))) {
		if ((found == progress->text.data || found[-1] == '\n') && found[length] == '\n')
			return true;
		found += length;
	}
	return false;
}

/* What was written in an earlier boot is of no interest. */
static int progress_read(struct dd_host *host, struct progress *progress, struct dd_error *err)
{
	CLEANUP(text) struct text boot = TEXT_INIT;
	struct dd_error reason = {0};
	int rc = host_run_folder(host, "autostart", &progress->path, err);

	if (!rc)
		rc = boot_id(&boot, err);
	if (rc)
		return rc;
	rc = file_read(progress->path, PROGRESS_LIMIT, &progress->text, &reason);
	if (rc && rc != DD_NOT_FOUND)
		return error_set(err, rc, "%s", reason.message);
	if (!rc && strncmp(text_string(&progress->text), text_string(&boot), boot.size) == 0)
		return 0;
	text_clear(&progress->text);
	text_puts(&progress->text, text_string(&boot));
	return text_failed(&progress->text) ? error_no_memory(err) : 0;
}

static int progress_add(struct progress *progress, const char *line, struct dd_error *err)
{
	text_puts(&progress->text, line);
	if (text_failed(&progress->text))
		return error_no_memory(err);
	return file_replace(progress->path, 0600, progress->text.data, progress->text.size, err);
}

/* Domains whose turn it is; each is a UUID and a name. */
struct turns {
	const struct progress *progress;
	struct turn {
		char uuid[DD_UUID_SIZE];
		bool runs;
		char *name;
	} * list;
	size_t count;
	struct dd_error *err;
};

static void cleanup_turns(struct turns *turns)
{
	for (size_t i = 0; i < turns->count; i++)
		free(turns->list[i].name);
	free(turns->list);
}

static int add_turn(const struct dd_domain_info *info, void *context)
{
	struct turns *turns = context;
	struct turn *list;
	int rc;

	if (!info->autostart || progress_has(turns->progress, info->uuid))
		return 0;
	list = reallocarray(turns->list, turns->count + 1, sizeof *list);
	if (!list)
		return error_no_memory(turns->err);
	turns->list = list;
	list += turns->count;
	*list = (struct turn){.runs = info->id != 0};
	memcpy(list->uuid, info->uuid, sizeof list->uuid);
	rc = string_copy(&list->name, info->name, turns->err);
	turns->count += !rc;
	return rc;
}

static int note_running(const struct dd_domain_info *info, void *context)
{
	*(bool *)context = info->id != 0;
	return 0;
}

/* Somebody else may have been faster, or what was settled on the way was its start. */
static int start(struct dd_host *host, const char *uuid, struct dd_error *err)
{
	bool runs = false;
	int rc = dd_start(host, uuid, false, err);

	if (rc == DD_REFUSED)
		(void)dd_info(host, uuid, note_running, &runs, NULL);
	return runs ? 0 : rc;
}

static int take_turn(struct dd_host *host, const struct turn *turn, struct progress *progress,
	dd_autostarted_fn tell, void *context, struct dd_error *err)
{
	char line[DD_UUID_SIZE + 1];
	struct dd_error reason = {0};
	int failed = turn->runs ? 0 : start(host, turn->uuid, &reason);
	const struct dd_autostarted started = {
		.domain = turn->name,
		.uuid = turn->uuid,
		.error = failed ? &reason : NULL,
	};
	int rc;

	snprintf(line, sizeof line, "%s\n", turn->uuid);
	rc = progress_add(progress, line, err);
	return rc || turn->runs || !tell ? rc : tell(&started, context);
}

int dd_autostart(
	struct dd_host *host, dd_autostarted_fn started, void *context, struct dd_error *err)
{
	CLEANUP(progress) struct progress progress = {.text = TEXT_INIT};
	CLEANUP(turns) struct turns turns = {.progress = &progress, .err = err};
	int rc = progress_read(host, &progress, err);

	if (rc || progress_has(&progress, "done"))
		return rc;
	rc = dd_list(host, true, add_turn, &turns, err);
	for (size_t i = 0; !rc && i < turns.count; i++)
		rc = take_turn(host, &turns.list[i], &progress, started, context, err);
	return rc ? rc : progress_add(&progress, DONE, err);
}
