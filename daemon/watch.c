/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify also tells of a file that was not written to: whoever opens the log of a database as root
 * sets its owner, and so does each of our own looks. So a file counts as changed when its size or
 * time did; or when that time is so young that another change might have the same one.
 */
#include "daemon/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define YOUNG_NS 50000000LL /* more than a tick of any kernel's clock */

/* What tells of a change: commits, and the remotes that there are. */
static const struct {
	const char *below; /* the book's folder */
	const char *names[WATCH_FILES + 1];
} watched[WATCH_FOLDERS] = {
	{"", {"book.db", "book.db-wal"}},
	{"/book.git", {"config"}},
};

int watch_init(struct watch *watch, uv_loop_t *loop, const char *folder,
	void (*changed)(void *context), void *context)
{
	watch->changed = changed;
	watch->context = context;
	for (size_t i = 0; i < WATCH_FOLDERS; i++) {
		struct watch_folder *one = &watch->folders[i];
		int code = uv_fs_event_init(loop, &one->handle);

		one->handle.data = one;
		one->watch = watch;
		one->names = watched[i].names;
		if (!code && string_format(&one->path, NULL, "%s%s", folder, watched[i].below))
			code = UV_ENOMEM;
		if (code)
			return code;
	}
	return 0;
}

void watch_release(struct watch *watch)
{
	for (size_t i = 0; i < WATCH_FOLDERS; i++)
		free(TAKE(watch->folders[i].path));
}

/* All zeros where there is none. */
static void file_see(const struct watch_folder *folder, size_t which, struct stat *out)
{
	CLEANUP(free) char *path = NULL;

	memset(out, 0, sizeof *out);
	if (string_format(&path, NULL, "%s/%s", folder->path, folder->names[which]) == 0 &&
		stat(path, out) < 0)
		memset(out, 0, sizeof *out);
}

static bool is_young(const struct stat *status)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - status->st_mtim.tv_sec) * 1000000000LL + now.tv_nsec -
		       status->st_mtim.tv_nsec <
	       YOUNG_NS;
}

static bool file_changed(const struct watch_folder *folder, size_t which)
{
	const struct stat *before = &folder->seen[which];
	struct stat now;

	file_see(folder, which, &now);
	return now.st_ino != before->st_ino || now.st_size != before->st_size ||
	       now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec || is_young(&now);
}

static bool counts(const struct watch_folder *folder, const char *name)
{
	for (size_t i = 0; name && folder->names[i]; i++)
		if (strcmp(name, folder->names[i]) == 0)
			return file_changed(folder, i);
	/* something about the folder itself */
	return !name || strcmp(name, strrchr(folder->path, '/') + 1) == 0;
}

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
	struct watch_folder *folder = handle->data;
	struct watch *watch = folder->watch;

	(void)events;
	if (!status && !counts(folder, name))
		return;
	for (size_t i = 0; i < WATCH_FOLDERS; i++)
		uv_fs_event_stop(&watch->folders[i].handle);
	watch->changed(watch->context);
}

void watch_on(struct watch *watch)
{
	for (size_t i = 0; i < WATCH_FOLDERS; i++) {
		struct watch_folder *folder = &watch->folders[i];

		if (!uv_is_active((uv_handle_t *)&folder->handle))
			(void)uv_fs_event_start(&folder->handle, on_event, folder->path, 0);
		for (size_t j = 0; folder->names[j]; j++)
			file_see(folder, j, &folder->seen[j]);
	}
}
