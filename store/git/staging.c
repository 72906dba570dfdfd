/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object database for libgit2 over the table "staged" of book.db. It only reads: objects come
 * into the table in the transaction of the version that they belong to, and leave it after a
 * checkpoint. An object that leaves while it is looked for is found in its pack, because libgit2
 * lists the packs anew before it gives up, and the pack is complete before the row goes.
 */
#include "store/room.h"

#include <git2/sys/odb_backend.h>
#include <string.h>

#define STAGING_PRIORITY 100 /* libgit2's own are at 1 and 2 */

struct staging {
	git_odb_backend parent; /* libgit2 hands out its address */
	struct database *database;
	int failed;
	bool hidden;
};

void staging_hide(struct staging *staging, bool hidden)
{
	staging->hidden = hidden;
}

int staging_failed(struct staging *staging)
{
	int code = staging->failed;

	staging->failed = 0;
	return code;
}

static int staging_end(struct staging *staging, struct statement *statement, int result)
{
	if (statement->code) {
		staging->failed = statement->code;
		git_error_set_str(GIT_ERROR_ODB, "the staged objects cannot be read");
		result = GIT_ERROR;
	}
	statement_drop(statement);
	return result;
}

static int staging_read(
	void **data, size_t *size, git_object_t *type, git_odb_backend *backend, const git_oid *oid)
{
	struct staging *staging = (struct staging *)backend;
	struct statement statement =
		statement_begin(staging->database, "SELECT type, data FROM staged WHERE oid = ?");
	int result = GIT_ENOTFOUND;

	statement_blob(&statement, oid->id, sizeof oid->id);
	if (statement_row(&statement)) {
		const void *blob = sqlite3_column_blob(statement.handle, 1);
		size_t length = (size_t)sqlite3_column_bytes(statement.handle, 1);
		char *copy = git_odb_backend_data_alloc(backend, length + 1);

		result = copy ? 0 : GIT_ERROR;
		if (copy) {
			if (length)
				memcpy(copy, blob, length);
			copy[length] = '\0';
			*data = copy;
			*size = length;
			*type = (git_object_t)statement_integer(&statement, 0);
		}
	}
	return staging_end(staging, &statement, result);
}

static int staging_read_header(
	size_t *size, git_object_t *type, git_odb_backend *backend, const git_oid *oid)
{
	struct staging *staging = (struct staging *)backend;
	struct statement statement = statement_begin(
		staging->database, "SELECT type, length(data) FROM staged WHERE oid = ?");
	int result = GIT_ENOTFOUND;

	statement_blob(&statement, oid->id, sizeof oid->id);
	if (statement_row(&statement)) {
		*type = (git_object_t)statement_integer(&statement, 0);
		*size = (size_t)statement_integer(&statement, 1);
		result = 0;
	}
	return staging_end(staging, &statement, result);
}

static int staging_exists(git_odb_backend *backend, const git_oid *oid)
{
	size_t size;
	git_object_t type;

	return !((struct staging *)backend)->hidden &&
	       staging_read_header(&size, &type, backend, oid) == 0;
}

static void staging_free(git_odb_backend *backend)
{
	free(backend);
}

int staging_attach(struct database *database, git_odb *objects, struct staging **out)
{
	struct staging *staging = calloc(1, sizeof *staging);
	int code;

	if (!staging) {
		git_error_set_oom();
		return GIT_ERROR;
	}
	git_odb_init_backend(&staging->parent, GIT_ODB_BACKEND_VERSION);
	staging->parent.read = staging_read;
	staging->parent.read_header = staging_read_header;
	staging->parent.exists = staging_exists;
	staging->parent.free = staging_free;
	staging->database = database;
	code = git_odb_add_backend(objects, &staging->parent, STAGING_PRIORITY);
	if (code)
		free(staging);
	else
		*out = staging;
	return code;
}
