/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for libgit2. It does not survive each allocation that fails: some leave half-made things
 * behind, some are followed through NULL. So when malloc() has nothing any more, what is small
 * comes from a reserve that was set aside beforehand, and what is large (the content of objects,
 * windows into packs) fails, which libgit2 does expect. The book itself asks malloc() and soon
 * finds out; so the reserve has to last only until its caller returns.
 *
 * It is handed out from front to back, each piece behind its size, and is whole again when the last
 * piece has come back.
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

struct piece {
	size_t size;
	_Alignas(16) char data[];
};

static struct {
	pthread_mutex_t lock;
	size_t used, pieces;
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

static void *reserve_take(size_t size)
{
	size_t whole = sizeof(struct piece) + ((size + 15) & ~(size_t)15);
	struct piece *piece = NULL;

	if (size > PIECE_LIMIT)
		return NULL;
	pthread_mutex_lock(&reserve.lock);
	if (whole <= RESERVE_SIZE - reserve.used) {
		piece = (struct piece *)(reserve.room + reserve.used);
		piece->size = size;
		reserve.used += whole;
		reserve.pieces++;
	}
	pthread_mutex_unlock(&reserve.lock);
	return piece ? piece->data : NULL;
}

static void reserve_return(void)
{
	pthread_mutex_lock(&reserve.lock);
	if (--reserve.pieces == 0)
		reserve.used = 0;
	pthread_mutex_unlock(&reserve.lock);
}

/* ---- as libgit2 wants them; file and line are of its sources ---- */

static void *give(size_t size, const char *file, int line)
{
	void *memory = malloc(size);

	(void)file;
	(void)line;
	if (!memory)
		memory = reserve_take(size);
	if (!memory)
		git_error_set_oom();
	return memory;
}

static void take_back(void *memory)
{
	if (reserved(memory))
		reserve_return();
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
	void *memory = give_array(count, size, file, line);

	return memory ? memset(memory, 0, count * size) : NULL;
}

static void *give_again(void *old, size_t size, const char *file, int line)
{
	void *memory = old && !reserved(old) ? realloc(old, size ? size : 1) : NULL;
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
