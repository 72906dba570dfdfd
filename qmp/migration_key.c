/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The key of a migration's own TLS. QEMU takes it from a file of a fixed name, which has a line
 * NAME:KEY, the key in hexadecimal. The side that sends reads it when it is told of the object, the
 * side that receives only when somebody connects, for every connection anew.
 */
#include "qmp/guest_internal.h"
#include "qmp/migration.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE "keys.psk"
#define KEY_USER "migration"

static int key_path(const char *folder, char path[PATH_MAX], struct dd_error *err)
{
	int length = snprintf(path, PATH_MAX, "%s/" KEY_FILE, folder);

	return length < 0 || length >= PATH_MAX
		       ? error_set(err, DD_INVALID, "folder name is too long")
		       : 0;
}

static int remove_file(const struct guest *guest, struct dd_error *err)
{
	char path[PATH_MAX];
	int code = key_path(guest->folder, path, err);

	if (!code && unlink(path) && errno != ENOENT)
		return error_errno(err, errno, "cannot remove %s", path);
	return code;
}

static int write_file(const struct guest *guest, const unsigned char key[MIGRATION_KEY_SIZE],
	struct dd_error *err)
{
	char line[sizeof KEY_USER ":" + 2 * MIGRATION_KEY_SIZE];
	size_t size = sizeof KEY_USER;
	char path[PATH_MAX];
	int code = key_path(guest->folder, path, err);

	if (code)
		return code;

	CLEANUP(close)
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, errno, "cannot make %s", path);
	memcpy(line, KEY_USER ":", size);
	for (size_t i = 0; i < MIGRATION_KEY_SIZE; i++)
		size += (size_t)snprintf(line + size, sizeof line - size, "%02x", key[i]);
	code = file_write(fd, line, size);
	explicit_bzero(line, sizeof line);
	return code ? error_errno(err, -code, "cannot write %s", path) : 0;
}

static int add_object(const struct guest *guest, bool source, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "qom-type", "tls-creds-psk");
	json_put_string(args, "id", MIGRATION_KEY_OBJECT);
	json_put_string(args, "endpoint", source ? "client" : "server");
	json_put_string(args, "dir", guest->folder);
	if (source)
		json_put_string(args, "username", KEY_USER);
	return monitor_call(guest->monitor, "object-add", args, NULL, err);
}

static int remove_object(const struct guest *guest, struct dd_error *err)
{
	struct json *args = json_object();
	struct dd_error failure = {.code = 0};

	json_put_string(args, "id", MIGRATION_KEY_OBJECT);

	int code = monitor_call(guest->monitor, "object-del", args, NULL, &failure);

	if (!code || hotplug_says_absent(&failure))
		return 0;
	if (err)
		*err = failure;
	return code;
}

int guest_migration_set_key(struct guest *guest, bool source,
	const unsigned char key[MIGRATION_KEY_SIZE], struct dd_error *err)
{
	int code = guest_migration_forget_key(guest, err);

	if (!code)
		code = write_file(guest, key, err);
	if (!code)
		code = add_object(guest, source, err);
	if (code || source) {
		int removed = remove_file(guest, code ? NULL : err);

		return code ? code : removed;
	}
	return 0;
}

int guest_migration_forget_key(struct guest *guest, struct dd_error *err)
{
	int code = remove_file(guest, err);

	return code ? code : remove_object(guest, err);
}

void guest_migration_remove_key(const char *folder)
{
	char path[PATH_MAX];

	if (key_path(folder, path, NULL) == 0)
		(void)unlink(path);
}
