/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/configuration.h"

#include <libgen.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/folder.h"
#include "store/git/digest.h"

#define SEAL "# sha256 of all below, for 'domesday verify': "
#define SEAL_SIZE (sizeof SEAL - 1 + DIGEST_SIZE) /* with its newline */
#define CONFIGURATION_LIMIT ((size_t)1 << 20)
#define COPY ".change" /* behind the file's name */

static bool begins_with_comment(const struct text *content)
{
	return content->size && content->data[0] == '#';
}

static size_t seal_length(const struct text *content)
{
	const char *end =
		begins_with_comment(content) ? memchr(content->data, '\n', content->size) : NULL;

	return end ? (size_t)(end - content->data) + 1 : 0;
}

static void seal_make(const char *below, size_t size, struct text *out)
{
	char digest[DIGEST_SIZE];

	digest_hex(below, size, digest);
	text_printf(out, SEAL "%s\n", digest);
}

int configuration_check(const struct text *content, bool *whole, struct dd_error *err)
{
	CLEANUP(text) struct text seal = TEXT_INIT;
	size_t length = seal_length(content);

	*whole = true;
	if (!begins_with_comment(content))
		return 0;
	seal_make(content->data + length, content->size - length, &seal);
	if (text_failed(&seal))
		return error_no_memory(err);
	*whole = length == SEAL_SIZE && memcmp(content->data, seal.data, SEAL_SIZE) == 0;
	return 0;
}

int configuration_make(const char *path, const char *content, struct dd_error *err)
{
	CLEANUP(text) struct text whole = TEXT_INIT;

	seal_make(content, strlen(content), &whole);
	text_puts(&whole, content);
	if (text_failed(&whole))
		return error_no_memory(err);
	return file_replace(path, 0644, whole.data, whole.size, err);
}

/* Of a change that was cut short: to libgit2 its lock is somebody's, for ever. */
static int left_clear(const char *path, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	CLEANUP(free) char *name = NULL;
	CLEANUP(free) char *copy = NULL;
	int rc = string_copy(&folder, path, err);

	if (!rc)
		rc = string_format(&name, err, "%s.", strrchr(path, '/') + 1);
	if (!rc)
		rc = string_format(&copy, err, "%s" COPY, strrchr(path, '/') + 1);
	if (!rc)
		rc = folder_clean(dirname(folder), copy, "", err);
	return rc ? rc : folder_clean(folder, name, ".new", err);
}

static int copy_change(const char *copy,
	int (*change)(git_config *config, void *context, struct dd_error *err), void *context,
	struct dd_error *err)
{
	git_config *config = NULL;
	int32_t format;
	int rc = 0;

	/* for libgit2 a file that it fails to look at is an empty one */
	if (git_config_open_ondisk(&config, copy) < 0 ||
		git_config_get_int32(&format, config, "core.repositoryformatversion") < 0)
		rc = error_set(err, DD_SYSTEM, "cannot read %s", copy);
	if (!rc)
		rc = change(config, context, err);
	git_config_free(config);
	return rc;
}

int configuration_change(const char *path,
	int (*change)(git_config *config, void *context, struct dd_error *err), void *context,
	struct dd_error *err)
{
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	CLEANUP(free) char *copy = NULL;
	size_t seal;
	int rc = left_clear(path, err);

	if (!rc)
		rc = file_read(path, CONFIGURATION_LIMIT, &before, err);
	if (!rc)
		rc = string_format(&copy, err, "%s" COPY, path);
	if (rc)
		return rc;
	seal = seal_length(&before);
	rc = file_replace(copy, 0644, before.data + seal, before.size - seal, err);
	if (!rc)
		rc = copy_change(copy, change, context, err);
	if (!rc)
		rc = file_read(copy, CONFIGURATION_LIMIT, &after, err);
	if (!rc)
		rc = configuration_make(path, text_string(&after), err);
	/* one that stays goes with the next change */
	(void)unlink(copy);
	return rc;
}
