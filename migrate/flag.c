/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/flag.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "domain/instance.h"
#include "migrate/progress.h"

#define FLAG "abort"
#define RESTS "resting"

static int file_path(
	struct dd_host *host, const char *uuid, const char *file, char **out, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	int rc = host_run_folder(host, uuid, &folder, err);

	return rc ? rc : string_format(out, err, "%s/%s", folder, file);
}

static int file_make(struct dd_host *host, const char *uuid, const char *file, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	CLEANUP(free) char *path = NULL;
	int rc = host_run_folder(host, uuid, &folder, err);

	if (!rc)
		rc = directory_make(book_folder(host->book), folder, 0700, err);
	if (!rc)
		rc = file_path(host, uuid, file, &path, err);
	return rc ? rc : file_touch(path, 0600, err);
}

static void file_remove(struct dd_host *host, const char *uuid, const char *file)
{
	CLEANUP(free) char *path = NULL;

	if (file_path(host, uuid, file, &path, NULL) == 0)
		(void)unlink(path);
}

int flag_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err)
{
	return file_path(host, uuid, FLAG, out, err);
}

int flag_raise(struct dd_host *host, const char *uuid, struct dd_error *err)
{
	return file_make(host, uuid, FLAG, err);
}

int flag_check(const char *path, struct dd_error *err)
{
	return path && access(path, F_OK) == 0 ? flag_called_off(err) : 0;
}

int flag_called_off(struct dd_error *err)
{
	return error_set(err, DD_REFUSED, "the migration was called off");
}

int flag_rest(struct dd_host *host, const char *uuid, struct dd_error *err)
{
	return file_make(host, uuid, RESTS, err);
}

void flag_wake(struct dd_host *host, const char *uuid)
{
	file_remove(host, uuid, RESTS);
}

bool flag_rests(struct dd_host *host, const char *uuid)
{
	CLEANUP(free) char *path = NULL;

	return file_path(host, uuid, RESTS, &path, NULL) == 0 && access(path, F_OK) == 0;
}

void flag_forget(struct dd_host *host, const char *uuid)
{
	file_remove(host, uuid, FLAG);
	file_remove(host, uuid, RESTS);
	progress_forget(host, uuid);
	instance_clean(host, uuid, INSTANCE_FIRST);
}
