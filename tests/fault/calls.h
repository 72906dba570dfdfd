/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_CALLS_H
#define FAULT_CALLS_H

/*
 * What the program, and every library that it is linked with, asks of libc: memory and files. The
 * functions of that name are defined here, and so stand before libc's for SQLite and libgit2 too; a
 * watch sees each call before it is made, may make it fail, and sees what came of it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum call_kind {
	CALL_MEMORY,
	CALL_OPEN,
	CALL_CLOSE,
	CALL_READ,
	CALL_WRITE,
	CALL_SYNC,
	CALL_RENAME,
	CALL_LINK,
	CALL_UNLINK,
	CALL_FOLDER, /* mkdir, rmdir */
	CALL_TRUNCATE,
	CALL_MAP,
	CALL_UNMAP,
	CALL_LOCK,
	CALL_LIST,   /* opendir, readdir */
	CALL_STATUS, /* stat, access and their like */
	CALL_KINDS
};

struct call {
	enum call_kind kind;
	int fd;           /* -1: by path */
	const char *path; /* relative to fd where that is a folder */
	const char *other;
	const void *data;
	size_t size;
	off_t offset; /* -1: where the descriptor is */
	int flags;    /* of open, mmap and fcntl; of a folder: whether it is made */
};

#define CALL_SHORT (-1) /* answer of before(): a write does half of what was asked */

struct calls_watch {
	/* 0: let it happen; an errno: it fails with that. Any thread. */
	int (*before)(const struct call *call);
	void (*after)(const struct call *call, long result);
};

/* NULL: nobody watches. */
void calls_watch(const struct calls_watch *watch);

/* Allocations that nobody has freed yet. */
extern atomic_long calls_allocated;

/* time() gives this where it is not 0, so that equal histories have equal names. */
extern atomic_long calls_clock;

#endif
