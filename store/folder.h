/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <dirent.h>
#include <stdbool.h>

#include "base/text.h"

static inline void cleanup_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

/* *out is NULL where there is no such folder. */
int folder_open(const char *path, DIR **out, struct dd_error *err);

/*
 * The next entry of the folder that path names; NULL behind the last. Where the disk does not say
 * what else there is, rc becomes DD_SYSTEM: what was not listed is not for that missing.
 */
const struct dirent *folder_next(DIR *folder, const char *path, int *rc, struct dd_error *err);

/* Makes the names in the folder durable. */
int folder_sync(const char *path, struct dd_error *err);

/*
 * Removes the files whose names begin and end so: what a process that died left of files that it
 * was making. A folder that is not there has none.
 */
int folder_clean(const char *path, const char *prefix, const char *suffix, struct dd_error *err);

/* Removes the folder with all that is in it; one that is not there is gone. */
int folder_erase(const char *path, struct dd_error *err);

/* Does name end with the number of a process that is dead, and suffix: "host.next.4711.new"? */
bool folder_left_by_dead(const char *name, const char *suffix);

/*
 * Removes what file_replace() (base/file.h) of processes that died left in the folder. What cannot
 * be removed stays.
 */
void folder_clean_dead(const char *path);

#endif
