/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CORPUS_H
#define TESTS_SUPPORT_CORPUS_H

/* The definitions of CORPUS_DIR, one after the other. */

#include <dirent.h>
#include <stdbool.h>

#include "base/file.h"
#include "tests/support/document.h"

typedef void (*corpus_fn)(const char *name, const struct text *xml, void *context);

/* Calls visit for each file of folder whose name ends so; gives their number, 0 without corpus. */
static inline size_t corpus_visit(
	const char *folder, const char *ending, corpus_fn visit, void *context)
{
	char path[4096];
	size_t count = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "%s/%s", CORPUS_DIR, folder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		size_t length = strlen(entry->d_name), end = strlen(ending);
		struct text xml = TEXT_INIT;
		struct dd_error err = {0};

		if (length < end || strcmp(entry->d_name + length - end, ending) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s/%s", CORPUS_DIR, folder, entry->d_name);
		must(file_read(path, DOCUMENT_SIZE_MAX, &xml, &err), &err);
		visit(entry->d_name, &xml, context);
		text_release(&xml);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

#endif
