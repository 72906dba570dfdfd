/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/instance.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/runtime.h"
#include "qmp/guest.h"
#include "store/folder.h"

int instance_folder(
	struct dd_host *host, const char *uuid, unsigned instance, char **out, struct dd_error *err)
{
	CLEANUP(free) char *first = NULL;
	int rc = host_run_folder(host, uuid, &first, err);

	if (!rc && instance > INSTANCE_FIRST)
		return string_format(out, err, "%s/%u", first, instance);
	if (!rc)
		*out = TAKE(first);
	return rc;
}

/* ---- all that there are ---- */

/* The number that a folder's name is; 0: it is none. */
static unsigned number_of(const char *name)
{
	char *end = NULL;
	unsigned long number = strtoul(name, &end, 10);
	size_t length = strlen(name);

	return length > 0 && length < 10 && strspn(name, "0123456789") == length && name[0] != '0'
		       ? (unsigned)number
		       : 0;
}

/* Each but the first. Stops at, and returns, the first answer that is not 0. */
static int each_later(struct dd_host *host, const char *uuid,
	int (*visit)(const char *folder, unsigned instance, void *context), void *context,
	struct dd_error *err)
{
	CLEANUP(free) char *first = NULL;
	int rc = host_run_folder(host, uuid, &first, err);
	DIR *entries = rc ? NULL : opendir(first);

	if (rc || !entries)
		return rc || errno == ENOENT ? rc
					     : error_errno(err, errno, "cannot list %s", first);
	for (const struct dirent *entry = readdir(entries); entry && !rc;
		entry = readdir(entries)) {
		CLEANUP(free) char *folder = NULL;
		unsigned number = number_of(entry->d_name);

		if (number > INSTANCE_FIRST)
			rc = string_format(&folder, err, "%s/%s", first, entry->d_name);
		if (!rc && folder)
			rc = visit(folder, number, context);
	}
	closedir(entries);
	return rc;
}

static int note_living(const char *folder, unsigned instance, void *context)
{
	unsigned *living = context;

	if (guest_alive(folder, NULL))
		*living = instance;
	return 0;
}

int instance_find(struct dd_host *host, const struct domain_row *row, unsigned *instance,
	char **out, struct dd_error *err)
{
	CLEANUP(runtime) struct runtime runtime = {.instance = INSTANCE_FIRST};
	int rc = row->state == STATE_RUNNING && row->runtime
			 ? runtime_read(row, &runtime, err)
			 : each_later(host, row->uuid, note_living, &runtime.instance, err);

	if (!rc && out)
		rc = instance_folder(host, row->uuid, runtime.instance, out, err);
	if (!rc)
		*instance = runtime.instance;
	return rc;
}

static int end_one(const char *folder, unsigned instance, void *context)
{
	(void)instance;
	return guest_destroy(folder, context);
}

int instance_end_all(struct dd_host *host, const char *uuid, struct dd_error *err)
{
	CLEANUP(free) char *first = NULL;
	int rc = host_run_folder(host, uuid, &first, err);

	if (!rc)
		rc = guest_destroy(first, err);
	return rc ? rc : each_later(host, uuid, end_one, err, err);
}

static int clean_one(const char *folder, unsigned instance, void *context)
{
	const unsigned *kept = context;

	if (instance != *kept && !guest_alive(folder, NULL))
		(void)folder_erase(folder, NULL);
	return 0;
}

void instance_clean(struct dd_host *host, const char *uuid, unsigned kept)
{
	(void)each_later(host, uuid, clean_one, &kept, NULL);
}
