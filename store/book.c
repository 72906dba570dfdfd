/* SPDX-License-Identifier: Apache-2.0 */
#include "store/room.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define WAIT_MS_DEFAULT 30000
#define HOST_NAME_LIMIT 255

int book_path(const struct book *book, const char *name, char **out, struct dd_error *err)
{
	return string_format(out, err, "%s/%s", book->folder, name);
}

bool uuid_valid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof form - 1)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++) {
		bool digit = strchr("0123456789abcdef", text[i]) != NULL;

		if (form[i] == 'x' ? !digit : text[i] != '-')
			return false;
	}
	return true;
}

/* It stands in commits, in an e-mail address and in allowed_signers, so no surprises. */
/* One that can be a part of a ref's name. */
bool host_name_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";
	size_t length = strlen(name);
	const char *end = strrchr(name, '.');

	return length && length <= HOST_NAME_LIMIT && strspn(name, letters) == length &&
	       *name != '.' && !strstr(name, "..") &&
	       !(end && (!end[1] || strcmp(end, ".lock") == 0));
}

static int host_name_resolve(struct book *book, const char *wanted, struct dd_error *err)
{
	char name[HOST_NAME_LIMIT + 1] = "";
	int rc;

	if (!wanted && gethostname(name, sizeof name - 1) < 0)
		return error_errno(err, errno, "cannot learn this host's name");
	if (!wanted && !host_name_valid(name))
		snprintf(name, sizeof name, "localhost");
	if (wanted && !host_name_valid(wanted))
		return error_set(err, DD_INVALID, "'%s' is no host name", wanted);
	rc = string_copy(&book->host_name, wanted ? wanted : name, err);
	if (!rc)
		rc = string_format(&book->committer_email, err, "domesday@%s", book->host_name);
	return rc;
}

static int folder_resolve(struct book *book, const char *folder, struct dd_error *err)
{
	char *current;
	int rc;

	if (!*folder)
		return error_set(err, DD_INVALID, "the book's folder has no name");
	if (*folder == '/')
		return string_copy(&book->folder, folder, err);
	current = getcwd(NULL, 0);
	if (!current)
		return error_errno(err, errno, "cannot learn the current folder");
	rc = string_format(&book->folder, err, "%s/%s", current, folder);
	free(current);
	return rc;
}

static void trim_slashes(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
}

int book_prepare(const char *folder, const struct book_options *options, const char *database,
	struct book **out, struct dd_error *err)
{
	CLEANUP(book) struct book *book = calloc(1, sizeof *book);
	int rc;

	if (!book)
		return error_no_memory(err);
	book->database.lock_fd = -1;
	book->database.seat = -1;
	book->wait_ms = options && options->wait_ms ? options->wait_ms : WAIT_MS_DEFAULT;
	book->database.wait_ms = book->wait_ms;
	rc = folder_resolve(book, folder, err);
	if (rc)
		return rc;
	trim_slashes(book->folder);
	rc = host_name_resolve(book, options ? options->host_name : NULL, err);
	if (!rc)
		rc = book_path(book, database, &book->database.path, err);
	if (!rc)
		rc = book_path(book, "lock", &book->database.lock_path, err);
	if (!rc)
		*out = TAKE(book);
	return rc;
}

int book_open(const char *folder, const struct book_options *options, struct book **out,
	struct dd_error *err)
{
	CLEANUP(book) struct book *book = NULL;
	int rc = book_prepare(folder, options, BOOK_DATABASE, &book, err);

	if (!rc)
		rc = layout_open(book, options && options->create, err);
	if (!rc)
		*out = TAKE(book);
	return rc;
}

int book_log_check(struct book *book, struct dd_error *err)
{
	return database_log_check(&book->database, err);
}

void book_close(struct book *book)
{
	if (!book)
		return;
	/* the staged objects are read through the database, so it goes last */
	repository_close(book);
	database_close(&book->database);
	key_release(book->key);
	text_release(&book->unsound);
	free(book->committer_email);
	free(book->host_name);
	free(book->folder);
	free(book);
}

const char *book_folder(const struct book *book)
{
	return book->folder;
}

const char *book_host_name(const struct book *book)
{
	return book->host_name;
}
