/* SPDX-License-Identifier: Apache-2.0 */
/* The whole book in one file, and back. */
#include "domain/host.h"

#include <string.h>

static int named(const char *file, struct dd_error *err)
{
	if (strcmp(file, "-") == 0)
		return error_set(err, DD_INVALID,
			"a backup is a file, and none goes to standard output or comes from "
			"standard input");
	return *file ? 0 : error_set(err, DD_INVALID, "the file of the backup has no name");
}

int dd_backup(struct dd_host *host, const char *file, struct dd_error *err)
{
	int rc = named(file, err);

	return rc ? rc : book_backup(host->book, file, err);
}

int dd_restore(const struct dd_host_options *options, const char *file, dd_finding_fn finding,
	void *context, struct dd_verified *result, struct dd_error *err)
{
	struct dd_host_options open = *options;
	CLEANUP(free) char *folder = NULL;
	struct dd_host *host = NULL;
	int rc = named(file, err);

	if (!rc)
		rc = host_book_folder(options, &folder, err);
	if (!rc)
		rc = book_restore(folder, file, err);
	open.book = folder;
	open.create = false;
	if (!rc)
		rc = dd_host_open(&open, &host, err);
	if (!rc)
		rc = dd_verify(host, NULL, finding, context, result, err);
	dd_host_close(host);
	return rc;
}
