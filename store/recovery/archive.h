/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

/*
 * The file of a backup: a tar archive (POSIX ustar) of plain files. A header has 512 bytes: name at
 * 0 (100), mode, owner and group in octal at 100, 108 and 116, size in octal at 124 (12; above 8
 * GiB the number itself, its first bit set), time at 136, checksum at 148, type at 156, "ustar" and
 * "00" at 257. Contents are filled up to 512, and two empty headers end the file.
 */

#include <sys/types.h>

#include "base/text.h"

#define ARCHIVE_NAME_SIZE 100
#define ARCHIVE_HEADER_SIZE 512

/* Appends a file of size bytes that are read from `from` at its beginning. DD_SYSTEM names path. */
int archive_add(int fd, const char *path, const char *name, mode_t mode, int from, off_t size,
	struct dd_error *err);
/* The same from memory. */
int archive_add_text(int fd, const char *path, const char *name, mode_t mode, const char *text,
	struct dd_error *err);
int archive_end(int fd, const char *path, struct dd_error *err);

struct archive_entry {
	char name[ARCHIVE_NAME_SIZE + 1];
	off_t size;
};

struct archive {
	int fd;
	const char *path; /* for messages */
	off_t left;       /* of the file; no entry can be larger */
};

/*
 * The next entry; *end where there is none. Then its content, all of it, before the one after. All
 * that is not as archive_add() writes it, a truncated file too, is DD_CORRUPT.
 */
int archive_next(
	struct archive *archive, struct archive_entry *entry, bool *end, struct dd_error *err);
int archive_copy(struct archive *archive, const struct archive_entry *entry, int to,
	const char *target, struct dd_error *err);

#endif
