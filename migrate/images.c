/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/images.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "domain/crash.h"
#include "qmp/image.h"

#define KEY "made"

static int name_of(const char *path, const char *id, char **out, struct dd_error *err)
{
	return string_format(out, err, "%s.domesday-%s", path, id);
}

static bool is_made(const struct storage_disk *disk)
{
	return (disk->verdict == STORAGE_COPY && disk->make) || disk->verdict == STORAGE_SENT;
}

bool images_needed(const struct storage *storage)
{
	for (size_t i = 0; i < storage->count; i++)
		if (is_made(&storage->disks[i]))
			return true;
	return false;
}

/* Which file that is, as long as there is one of its name. */
static int birth(const char *path, struct json *object, struct dd_error *err)
{
	struct statx info;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &info))
		return error_errno(err, errno, "cannot look at %s", path);
	json_put(object, "inode", json_unsigned(info.stx_ino));
	if (info.stx_mask & STATX_BTIME)
		json_put_number(object, "born",
			info.stx_btime.tv_sec * 1000000000 + info.stx_btime.tv_nsec);
	return 0;
}

bool images_plan(struct json *detail, const struct storage *storage)
{
	struct json *array = json_array();

	for (size_t i = 0; i < storage->count; i++)
		if (is_made(&storage->disks[i])) {
			struct json *object = json_object();

			json_put_string(object, "path", storage->disks[i].path);
			json_push(array, object);
		}
	return json_put(detail, KEY, array);
}

/* Synced before anything has it under its own name. */
static int fill(const char *path, const char *content, struct dd_error *err)
{
	size_t length = content ? strlen(content) : 0, size = 0;
	CLEANUP(free) unsigned char *bytes = malloc(length + 1);
	CLEANUP(close) int fd = -1;
	int failed;

	if (!bytes)
		return error_no_memory(err);
	if (!length || sodium_base642bin(bytes, length, content, length, NULL, &size, NULL,
			       sodium_base64_VARIANT_ORIGINAL))
		return error_set(
			err, DD_INVALID, "the firmware's variables that came along cannot be read");
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "cannot write %s", path);
	failed = file_write(fd, bytes, size);
	if (!failed && fsync(fd))
		failed = -errno;
	return failed ? error_errno(err, -failed, "cannot write %s", path) : 0;
}

static int make(const struct storage_disk *disk, const char *id, const char *emulator,
	struct json *array, struct dd_error *err)
{
	const xmlNode *base = disk_base(disk->element);
	const char *format = node_attr(node_child(base, "format"), "type");
	struct json *object = json_object();
	CLEANUP(free) char *name = NULL;
	int rc = name_of(disk->path, id, &name, err);
	const struct image image = {
		.path = name,
		.format = disk->format,
		.size = disk->bytes,
		.backing = disk_path(base),
		.backing_format = format ? format : "raw",
	};

	if (!rc)
		rc = image_create(emulator, &image, err);
	if (!rc && disk->verdict == STORAGE_SENT)
		rc = fill(name, disk->content, err);
	json_put_string(object, "path", disk->path);
	/* what takes another's place stays, whatever comes of it */
	if (!rc && disk->make)
		rc = birth(name, object, err);
	json_push(array, object);
	return rc;
}

static int folder_sync(const char *path, struct dd_error *err)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(free) char *folder = strndup(path, (size_t)(slash - path) + 1);
	CLEANUP(close) int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 || fsync(fd) ? error_errno(err, errno, "cannot sync the folder of %s", path)
				   : 0;
}

static int place(const struct storage_disk *disk, const char *id, struct dd_error *err)
{
	CLEANUP(free) char *name = NULL;
	int rc = name_of(disk->path, id, &name, err);

	if (rc)
		return rc;
	if (disk->make ? link(name, disk->path) : rename(name, disk->path)) {
		rc = errno == EEXIST ? DD_EXISTS : DD_SYSTEM;
		error_errno(err, errno, "disk %s: cannot make %s", disk->target, disk->path);
		if (err)
			err->code = rc;
		return rc;
	}
	(void)unlink(name);
	return folder_sync(disk->path, err);
}

int images_make(struct operation *op, struct json *detail, const struct storage *storage,
	const char *emulator, struct dd_error *err)
{
	const char *id = json_get_string(detail, "id");
	struct json *array = json_array();
	int rc = 0;

	for (size_t i = 0; !rc && i < storage->count; i++)
		if (is_made(&storage->disks[i]))
			rc = make(&storage->disks[i], id, emulator, array, err);
	CRASH_POINT("incoming:making");
	if (rc) {
		json_free(array);
		return rc;
	}
	if (!json_count(array)) {
		json_free(array);
		return 0;
	}
	json_put(detail, KEY, array);
	rc = migration_row_write(op, detail, destination_word(DESTINATION_PREPARED), err);
	for (size_t i = 0; !rc && i < storage->count; i++)
		if (is_made(&storage->disks[i]))
			rc = place(&storage->disks[i], id, err);
	CRASH_POINT("incoming:made");
	return rc;
}

/* ---- and away ---- */

static void remove_one(const struct json *object, const char *id)
{
	const char *path = json_get_string(object, "path");
	CLEANUP(json) struct json *found = json_object();
	CLEANUP(free) char *name = NULL;

	if (!path || name_of(path, id, &name, NULL))
		return;
	(void)unlink(name);
	json_put_string(found, "path", path);
	if (json_get(object, "inode") && birth(path, found, NULL) == 0 && json_equal(found, object))
		(void)unlink(path);
}

void images_remove(struct dd_host *host, const char *uuid)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	const struct json *made;

	if (migration_row_find(host, uuid, NULL, &row, NULL) || row.outgoing)
		return;
	made = json_get(row.detail, KEY);
	for (size_t i = 0; i < json_count(made); i++)
		remove_one(json_at(made, i), row.id);
}
