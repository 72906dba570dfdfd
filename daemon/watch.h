/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

/*
 * An eye on the files of a book that change when the book does. It tells of a change once and is
 * then closed until watch_on(), so that a book that is written to a thousand times a second does
 * not wake us as often.
 */

#include <stdbool.h>
#include <sys/stat.h>
#include <uv.h>

#define WATCH_FOLDERS 2
#define WATCH_FILES 2 /* in each */

struct watch {
	struct watch_folder {
		uv_fs_event_t handle;
		struct watch *watch;
		char *path;
		const char *const *names;
		struct stat seen[WATCH_FILES];
	} folders[WATCH_FOLDERS];
	void (*changed)(void *context);
	void *context;
};

/*
 * 0, or an error of libuv's. The handles are the loop's to close, and watch_release() comes after
 * that. folder is copied.
 */
int watch_init(struct watch *watch, uv_loop_t *loop, const char *folder,
	void (*changed)(void *context), void *context);

/* Whatever changes from now on is told. What cannot be watched is not. */
void watch_on(struct watch *watch);

void watch_release(struct watch *watch);

#endif
