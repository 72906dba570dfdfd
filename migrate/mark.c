/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/mark.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "domain/boot.h"

static int mark_path(const char *folder, char **out, struct dd_error *err)
{
	return string_format(out, err, "%s/ran", folder);
}

int mark_make(const char *folder, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = mark_path(folder, &path, err);

	return rc ? rc : file_touch(path, 0600, err);
}

void mark_remove(const char *folder)
{
	CLEANUP(free) char *path = NULL;

	if (mark_path(folder, &path, NULL) == 0)
		(void)unlink(path);
}

int mark_put_boot(struct json *detail, struct dd_error *err)
{
	CLEANUP(text) struct text boot = TEXT_INIT;
	int rc = boot_id(&boot, err);

	if (!rc && !json_put_string(detail, "boot", text_string(&boot)))
		rc = error_no_memory(err);
	return rc;
}

bool mark_found(const char *folder, const struct json *detail)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(text) struct text boot = TEXT_INIT;
	const char *then = json_get_string(detail, "boot");

	if (boot_id(&boot, NULL) || !then || strcmp(then, text_string(&boot)) != 0)
		return true;
	return mark_path(folder, &path, NULL) || access(path, F_OK) == 0;
}
