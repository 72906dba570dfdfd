/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for libgit2. It does not survive each allocation that fails: some leave half-made things
 * behind, some are followed through NULL. So when malloc() has nothing any more, what is small
 * comes from a reserve that was set aside beforehand, and what is large (the content of objects,
 * windows into packs) fails, which libgit2 does expect. The book itself asks malloc() and soon
 * finds out; so the reserve has to last only until its caller returns.
 *
 * How large an object's content will be libgit2 believes the pack that it is in, and fills that
 * much memory with zeros before it looks at the first byte. A bit that changed there, or in the
 * index, could make that all the memory of the host. What no object here can need is refused, as
 * damage.
 *
 * The reserve is a row of pieces, each behind its size, and the first that is free and large enough
 * is handed out: where libgit2 fails it also forgets some for good, and all around these must serve
 * again.
 */
#include "store/git/reserve.h"

#include <git2.h>
#include <git2/sys/alloc.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RESERVE_SIZE ((size_t)1 << 20)
#define PIECE_LIMIT ((size_t)16384)
/* Of an object; a file of a version has 64 MiB at most. */
#define CONTENT_LIMIT ((size_t)256 << 20)
/* Of anything else. */
#define ROOM_LIMIT ((size_t)4 << 30)

struct piece {
	size_t size; /* of data, a multiple of 16 */
	bool taken;
	_Alignas(16) char data[];
};

static struct {
	pthread_mutex_t lock;
	size_t used; /* where the row ends */
	_Alignas(16) char room[RESERVE_SIZE];
} reserve = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool reserved(const void *memory)
{
	return (const char *)memory >= reserve.room &&
	       (const char *)memory < reserve.room + RESERVE_SIZE;
}

static struct piece *piece_of(void *memory)
{
	return (struct piece *)((char *)memory - sizeof(struct piece));
}

static struct piece *piece_at(size_t offset)
{
	return (struct piece *)(reserve.room + offset);
}

/* The offset behind a piece. */
static size_t piece_end(size_t offset)
{
	return offset + sizeof(struct piece) + piece_at(offset)->size;
}

/* Makes a free piece and those that are free behind it one, or the end of the row. */
static void pieces_join(size_t offset)
{
	size_t end;

	for (end = piece_end(offset); end < reserve.used && !piece_at(end)->taken;)
		end = piece_end(end);
	piece_at(offset)->size = end - offset - sizeof(struct piece);
	if (end == reserve.used)
		reserve.used = offset;
}

/* A free piece of that size, where there is one; what is left of a larger one stays free. */
static struct piece *hole_find(size_t size)
{
	for (size_t at = 0; at < reserve.used; at = piece_end(at)) {
		struct piece *piece = piece_at(at);

		if (piece->taken)
			continue;
		pieces_join(at);
		if (at >= reserve.used)
			break;
		if (piece->size >= size + sizeof(struct piece)) {
			size_t left = piece->size - size - sizeof(struct piece);

			piece->size = size;
			*piece_at(piece_end(at)) = (struct piece){.size = left};
		}
		if (piece->size >= size)
			return piece;
	}
	return NULL;
}

static void *reserve_take(size_t size)
{
	size_t rounded = (size + 15) & ~(size_t)15;
	struct piece *piece;

	if (size > PIECE_LIMIT)
		return NULL;
	pthread_mutex_lock(&reserve.lock);
	piece = hole_find(rounded);
	if (!piece && sizeof *piece + rounded <= RESERVE_SIZE - reserve.used) {
		piece = piece_at(reserve.used);
		piece->size = rounded;
		reserve.used = piece_end(reserve.used);
	}
	if (piece)
		piece->taken = true;
	pthread_mutex_unlock(&reserve.lock);
	return piece ? piece->data : NULL;
}

static void reserve_return(struct piece *piece)
{
	pthread_mutex_lock(&reserve.lock);
	piece->taken = false;
	pthread_mutex_unlock(&reserve.lock);
}

/* ---- as libgit2 wants them; file and line are of its sources ---- */

static void *too_large(void)
{
	git_error_set_str(
		GIT_ERROR_ODB, "an object says that it is larger than any that a book can have");
	return NULL;
}

static void *give(size_t size, const char *file, int line)
{
	void *memory;

	(void)file;
	(void)line;
	if (size > ROOM_LIMIT)
		return too_large();
	memory = malloc(size);
	if (!memory)
		memory = reserve_take(size);
	if (!memory)
		git_error_set_oom();
	return memory;
}

static void take_back(void *memory)
{
	if (reserved(memory))
		reserve_return(piece_of(memory));
	else
		free(memory);
}

static void *give_array(size_t count, size_t size, const char *file, int line)
{
	size_t whole;

	if (__builtin_mul_overflow(count, size, &whole)) {
		git_error_set_oom();
		return NULL;
	}
	return give(whole, file, line);
}

static void *give_empty(size_t count, size_t size, const char *file, int line)
{
	void *memory = count == 1 && size > CONTENT_LIMIT ? too_large()
							  : give_array(count, size, file, line);

	return memory ? memset(memory, 0, count * size) : NULL;
}

static void *give_again(void *old, size_t size, const char *file, int line)
{
	void *memory =
		old && !reserved(old) && size <= ROOM_LIMIT ? realloc(old, size ? size : 1) : NULL;
	size_t had;

	if (memory)
		return memory;
	memory = give(size, file, line);
	if (!memory || !old)
		return memory;
	had = reserved(old) ? piece_of(old)->size : malloc_usable_size(old);
	memcpy(memory, old, had < size ? had : size);
	take_back(old);
	return memory;
}

static void *give_array_again(void *old, size_t count, size_t size, const char *file, int line)
{
	size_t whole;

	if (__builtin_mul_overflow(count, size, &whole)) {
		git_error_set_oom();
		return NULL;
	}
	return give_again(old, whole, file, line);
}

/* As many bytes as it is told, whatever is in them. */
static char *copy_bytes(const char *bytes, size_t size, const char *file, int line)
{
	char *copy = give(size + 1, file, line);

	if (!copy)
		return NULL;
	memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

static char *copy_start(const char *string, size_t limit, const char *file, int line)
{
	return copy_bytes(string, strnlen(string, limit), file, line);
}

static char *copy_string(const char *string, const char *file, int line)
{
	return copy_bytes(string, strlen(string), file, line);
}

int reserve_give(void)
{
	git_allocator allocator = {
		.gmalloc = give,
		.gcalloc = give_empty,
		.gstrdup = copy_string,
		.gstrndup = copy_start,
		.gsubstrdup = copy_bytes,
		.grealloc = give_again,
		.greallocarray = give_array_again,
		.gmallocarray = give_array,
		.gfree = take_back,
	};

	return git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator);
}
