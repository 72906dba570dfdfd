/* SPDX-License-Identifier: Apache-2.0 */
#include "store/recovery/archive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

#define BLOCK 512
#define COPY_SIZE ((size_t)1 << 16)
#define OCTAL_MAX 077777777777LL /* in eleven digits */

struct header {
	char name[100];
	char mode[8], owner[8], group[8];
	unsigned char size[12];
	char time[12];
	char sum[8];
	char type;
	char link[100];
	char magic[6], version[2];
	char rest[247];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

/* ---- writing ---- */

static int put(int fd, const char *path, const void *data, size_t size, struct dd_error *err)
{
	int number = -file_write(fd, data, size);

	return number ? error_errno(err, number, "cannot write %s", path) : 0;
}

/* With the field of the sum taken for spaces. */
static unsigned header_sum(const struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned sum = 0;

	for (size_t i = 0; i < sizeof *header; i++)
		sum += i >= 148 && i < 156 ? ' ' : bytes[i];
	return sum;
}

static void size_put(struct header *header, off_t size)
{
	if (size <= OCTAL_MAX) {
		snprintf((char *)header->size, sizeof header->size, "%011llo",
			(unsigned long long)size);
		return;
	}
	header->size[0] = 0x80;
	for (int i = 11; i > 0; i--, size >>= 8)
		header->size[i] = (unsigned char)(size & 0xff);
}

static int header_put(
	int fd, const char *path, const char *name, mode_t mode, off_t size, struct dd_error *err)
{
	struct header header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};

	if (strlen(name) >= sizeof header.name)
		return error_set(err, DD_INVALID, "%s has too long a name for a backup", name);
	memcpy(header.name, name, strlen(name));
	snprintf(header.mode, sizeof header.mode, "%07o", (unsigned)mode & 07777);
	snprintf(header.owner, sizeof header.owner, "%07o", 0);
	snprintf(header.group, sizeof header.group, "%07o", 0);
	snprintf(header.time, sizeof header.time, "%011llo", (unsigned long long)time(NULL));
	size_put(&header, size);
	snprintf(header.sum, sizeof header.sum, "%06o", header_sum(&header));
	header.sum[7] = ' ';
	return put(fd, path, &header, sizeof header, err);
}

static size_t filling(off_t size)
{
	return (size_t)((BLOCK - size % BLOCK) % BLOCK);
}

int archive_add(int fd, const char *path, const char *name, mode_t mode, int from, off_t size,
	struct dd_error *err)
{
	static const char zeros[BLOCK];
	CLEANUP(free) char *data = malloc(COPY_SIZE);
	int rc = data ? header_put(fd, path, name, mode, size, err) : error_no_memory(err);

	for (off_t at = 0; !rc && at < size;) {
		size_t left = (size_t)(size - at);
		ssize_t got = pread(from, data, left < COPY_SIZE ? left : COPY_SIZE, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, errno, "cannot read %s", name);
		if (!got)
			return error_set(err, DD_CORRUPT, "%s became shorter", name);
		rc = put(fd, path, data, (size_t)got, err);
		at += got;
	}
	return rc ? rc : put(fd, path, zeros, filling(size), err);
}

int archive_add_text(int fd, const char *path, const char *name, mode_t mode, const char *text,
	struct dd_error *err)
{
	static const char zeros[BLOCK];
	size_t size = strlen(text);
	int rc = header_put(fd, path, name, mode, (off_t)size, err);

	if (!rc)
		rc = put(fd, path, text, size, err);
	return rc ? rc : put(fd, path, zeros, filling((off_t)size), err);
}

int archive_end(int fd, const char *path, struct dd_error *err)
{
	static const char zeros[2 * BLOCK];

	return put(fd, path, zeros, sizeof zeros, err);
}

/* ---- reading ---- */

static int no_archive(const struct archive *archive, struct dd_error *err)
{
	return error_set(err, DD_CORRUPT, "%s is no backup, or damaged", archive->path);
}

static int take(struct archive *archive, void *data, size_t size, struct dd_error *err)
{
	char *at = data;

	if ((off_t)size > archive->left)
		return error_set(err, DD_CORRUPT, "the backup %s is cut off", archive->path);
	while (size) {
		ssize_t got = read(archive->fd, at, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, errno, "cannot read %s", archive->path);
		if (!got)
			return error_set(
				err, DD_CORRUPT, "the backup %s is cut off", archive->path);
		at += got;
		size -= (size_t)got;
		archive->left -= got;
	}
	return 0;
}

/* -1 for what is no number. */
static off_t size_get(const struct header *header)
{
	off_t size = 0;

	if (header->size[0] == 0x80) {
		if (header->size[1] || header->size[2] || header->size[3] || header->size[4] & 0x80)
			return -1;
		for (int i = 4; i < 12; i++)
			size = size << 8 | header->size[i];
		return size;
	}
	for (int i = 0; i < 11; i++) {
		if (header->size[i] < '0' || header->size[i] > '7')
			return -1;
		size = size << 3 | (header->size[i] - '0');
	}
	return size;
}

static bool is_end(const struct header *header)
{
	static const struct header empty;

	return memcmp(header, &empty, sizeof empty) == 0;
}

int archive_next(
	struct archive *archive, struct archive_entry *entry, bool *end, struct dd_error *err)
{
	struct header header;
	unsigned sum = 0;
	int rc = take(archive, &header, sizeof header, err);

	*end = false;
	if (rc)
		return rc;
	if (is_end(&header)) {
		*end = true;
		rc = take(archive, &header, sizeof header, err);
		return rc || is_end(&header) ? rc : no_archive(archive, err);
	}
	for (int i = 0; i < 6; i++) {
		if (header.sum[i] < '0' || header.sum[i] > '7')
			return no_archive(archive, err);
		sum = sum << 3 | (unsigned)(header.sum[i] - '0');
	}
	*entry = (struct archive_entry){.size = size_get(&header)};
	if (sum != header_sum(&header) || memcmp(header.magic, "ustar", 6) != 0 ||
		header.type != '0' || entry->size < 0 || entry->size > archive->left)
		return no_archive(archive, err);
	memcpy(entry->name, header.name, sizeof header.name);
	return 0;
}

int archive_copy(struct archive *archive, const struct archive_entry *entry, int to,
	const char *target, struct dd_error *err)
{
	CLEANUP(free) char *data = malloc(COPY_SIZE);
	int rc = data ? 0 : error_no_memory(err);

	for (off_t left = entry->size; !rc && left;) {
		size_t part = left < (off_t)COPY_SIZE ? (size_t)left : COPY_SIZE;

		rc = take(archive, data, part, err);
		if (!rc)
			rc = put(to, target, data, part, err);
		left -= (off_t)part;
	}
	return rc ? rc : take(archive, data, filling(entry->size), err);
}
