/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libc's functions, ours before libc's own. Memory comes from a sanitizer's allocator where there
 * is one, and else from libc's second names for it, so that nothing here depends on dlsym(), which
 * allocates. Nothing is synced in truth: no test here pulls a real plug, and a disk would make them
 * slow; and nobody sleeps who is watched. This file is built without sanitizers, as it is called
 * before they are ready.
 */
#include "calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *memory);
extern void *__interceptor_malloc(size_t size) __attribute__((weak));
extern void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
extern void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));
extern void __interceptor_free(void *memory) __attribute__((weak));

/* The sanitizer's function, or libc's. */
#define HEAP(name) (__interceptor_##name ? __interceptor_##name : __libc_##name)

atomic_long calls_allocated;
atomic_long calls_clock;
static _Atomic(const struct calls_watch *) watching;

void calls_watch(const struct calls_watch *watch)
{
	atomic_store(&watching, watch);
}

#define REAL(name)                                                          \
	({                                                                  \
		static __typeof__(&name) known;                             \
		if (!known)                                                 \
			known = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
		known;                                                      \
	})

static int before(const struct call *call)
{
	const struct calls_watch *watch = atomic_load(&watching);

	return watch && watch->before ? watch->before(call) : 0;
}

static long after(const struct call *call, long result)
{
	const struct calls_watch *watch = atomic_load(&watching);
	int number = errno;

	if (watch && watch->after)
		watch->after(call, result);
	errno = number;
	return result;
}

/* Makes a call that gives -1 on failure. */
#define MAKE(what, real)                                         \
	({                                                       \
		int failing = before(&(what));                   \
		if (failing > 0)                                 \
			errno = failing;                         \
		failing > 0 ? -1 : after(&(what), (long)(real)); \
	})

/* ---- memory ---- */

static bool refused(void)
{
	struct call call = {.kind = CALL_MEMORY, .fd = -1};
	int number = before(&call);

	if (number > 0)
		errno = number;
	return number > 0;
}

void *malloc(size_t size)
{
	void *memory = refused() ? NULL : HEAP(malloc)(size);

	atomic_fetch_add(&calls_allocated, memory != NULL);
	return memory;
}

void *calloc(size_t count, size_t size)
{
	void *memory = refused() ? NULL : HEAP(calloc)(count, size);

	atomic_fetch_add(&calls_allocated, memory != NULL);
	return memory;
}

void *realloc(void *old, size_t size)
{
	if (old && !size) {
		free(old);
		return NULL;
	}

	void *memory = refused() ? NULL : HEAP(realloc)(old, size);

	atomic_fetch_add(&calls_allocated, !old && memory);
	return memory;
}

void free(void *memory)
{
	atomic_fetch_sub(&calls_allocated, memory != NULL);
	HEAP(free)(memory);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(count, size, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, whole);
}

char *strndup(const char *string, size_t limit)
{
	size_t size = strnlen(string, limit);
	char *copy = malloc(size + 1);

	if (copy) {
		memcpy(copy, string, size);
		copy[size] = '\0';
	}
	return copy;
}

char *strdup(const char *string)
{
	return strndup(string, strlen(string));
}

/* ---- files ---- */

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
	struct call call = {.kind = CALL_OPEN, .fd = folder, .path = path, .flags = flags};

	return (int)MAKE(call, REAL(openat)(folder == -1 ? AT_FDCWD : folder, path, flags, mode));
}

int open(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return open_any(-1, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return open_any(-1, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return open_any(folder, path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
	return open_any(-1, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* A descriptor is gone whatever close() says. */
int close(int fd)
{
	struct call call = {.kind = CALL_CLOSE, .fd = fd};
	int number = before(&call);
	int result = (int)after(&call, REAL(close)(fd));

	if (number > 0) {
		errno = number;
		return -1;
	}
	return result;
}

ssize_t read(int fd, void *data, size_t size)
{
	struct call call = {.kind = CALL_READ, .fd = fd, .size = size, .offset = -1};

	return MAKE(call, REAL(read)(fd, data, size));
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
	struct call call = {.kind = CALL_READ, .fd = fd, .size = size, .offset = offset};

	return MAKE(call, REAL(pread)(fd, data, size, offset));
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset)
{
	return pread(fd, data, size, offset);
}

static ssize_t write_any(int fd, const void *data, size_t size, off_t offset)
{
	struct call call = {
		.kind = CALL_WRITE, .fd = fd, .data = data, .size = size, .offset = offset};
	int number = before(&call);

	if (number > 0) {
		errno = number;
		return -1;
	}
	if (number == CALL_SHORT && size > 1)
		size /= 2;
	return after(&call,
		offset < 0 ? REAL(write)(fd, data, size) : REAL(pwrite)(fd, data, size, offset));
}

ssize_t write(int fd, const void *data, size_t size)
{
	return write_any(fd, data, size, -1);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return write_any(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
	return write_any(fd, data, size, offset);
}

int fsync(int fd)
{
	struct call call = {.kind = CALL_SYNC, .fd = fd};

	return (int)MAKE(call, 0);
}

int fdatasync(int fd)
{
	return fsync(fd);
}

int rename(const char *from, const char *to)
{
	struct call call = {.kind = CALL_RENAME, .fd = -1, .path = from, .other = to};

	return (int)MAKE(call, REAL(rename)(from, to));
}

int link(const char *from, const char *to)
{
	struct call call = {.kind = CALL_LINK, .fd = -1, .path = from, .other = to};

	return (int)MAKE(call, REAL(link)(from, to));
}

int unlink(const char *path)
{
	struct call call = {.kind = CALL_UNLINK, .fd = -1, .path = path};

	return (int)MAKE(call, REAL(unlink)(path));
}

int unlinkat(int folder, const char *path, int flags)
{
	struct call call = {.kind = CALL_UNLINK, .fd = folder, .path = path, .flags = flags};

	return (int)MAKE(call, REAL(unlinkat)(folder, path, flags));
}

int mkdir(const char *path, mode_t mode)
{
	struct call call = {.kind = CALL_FOLDER, .fd = -1, .path = path, .flags = 1};

	return (int)MAKE(call, REAL(mkdir)(path, mode));
}

int rmdir(const char *path)
{
	struct call call = {.kind = CALL_FOLDER, .fd = -1, .path = path};

	return (int)MAKE(call, REAL(rmdir)(path));
}

/* libc's own would not come by here. */
int remove(const char *path)
{
	return rmdir(path) == 0 || (errno == ENOTDIR && unlink(path) == 0) ? 0 : -1;
}

char *mkdtemp(char *path)
{
	struct call call = {.kind = CALL_FOLDER, .fd = -1, .path = path, .flags = 1};
	int number = before(&call);

	if (number > 0) {
		errno = number;
		return NULL;
	}
	path = REAL(mkdtemp)(path);
	(void)after(&call, path ? 0 : -1);
	return path;
}

int nftw(const char *path,
	int (*visit)(const char *path, const struct stat *status, int flag, struct FTW *walk),
	int descriptors, int flags)
{
	struct call call = {.kind = CALL_LIST, .fd = -1, .path = path};

	return (int)MAKE(call, REAL(nftw)(path, visit, descriptors, flags));
}

int ftruncate(int fd, off_t size)
{
	struct call call = {.kind = CALL_TRUNCATE, .fd = fd, .offset = size};

	return (int)MAKE(call, REAL(ftruncate)(fd, size));
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	struct call call = {.kind = CALL_MAP,
		.fd = fd,
		.size = size,
		.offset = offset,
		.flags = flags & MAP_SHARED && protection & PROT_WRITE};
	long result = MAKE(call, (intptr_t)REAL(mmap)(at, size, protection, flags, fd, offset));

	return (void *)(intptr_t)result;
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset)
{
	return mmap(at, size, protection, flags, fd, offset);
}

/* Seen while the memory is still there. */
int munmap(void *at, size_t size)
{
	struct call call = {.kind = CALL_UNMAP, .fd = -1, .data = at, .size = size};

	(void)after(&call, 0);
	return REAL(munmap)(at, size);
}

/* A lock that is given back is gone, as a descriptor is that is closed. */
static int fcntl_any(int fd, int command, void *argument)
{
	bool locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
		     command == F_OFD_SETLKW;
	struct call call = {.kind = CALL_LOCK, .fd = fd, .flags = command};

	if (!locks || ((const struct flock *)argument)->l_type == F_UNLCK)
		return REAL(fcntl)(fd, command, argument);
	return (int)MAKE(call, REAL(fcntl)(fd, command, argument));
}

int fcntl(int fd, int command, ...)
{
	va_list args;

	va_start(args, command);
	void *argument = va_arg(args, void *);
	va_end(args);
	return fcntl_any(fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
	va_list args;

	va_start(args, command);
	void *argument = va_arg(args, void *);
	va_end(args);
	return fcntl_any(fd, command, argument);
}

DIR *opendir(const char *path)
{
	struct call call = {.kind = CALL_LIST, .fd = -1, .path = path};
	int number = before(&call);

	if (number > 0) {
		errno = number;
		return NULL;
	}
	return REAL(opendir)(path);
}

struct dirent *readdir(DIR *folder)
{
	struct call call = {.kind = CALL_LIST, .fd = dirfd(folder)};
	int number = before(&call);

	if (number > 0) {
		errno = number;
		return NULL;
	}
	return REAL(readdir)(folder);
}

/* ---- questions ---- */

#define QUESTION(type, name, parameters, ...)                       \
	type name parameters                                        \
	{                                                           \
		struct call call = {.kind = CALL_STATUS, .fd = -1}; \
                                                                    \
		return (type)MAKE(call, REAL(name)(__VA_ARGS__));   \
	}

QUESTION(int, stat, (const char *path, struct stat *out), path, out)
QUESTION(int, stat64, (const char *path, struct stat64 *out), path, out)
QUESTION(int, lstat, (const char *path, struct stat *out), path, out)
QUESTION(int, lstat64, (const char *path, struct stat64 *out), path, out)
QUESTION(int, fstat, (int fd, struct stat *out), fd, out)
QUESTION(int, fstat64, (int fd, struct stat64 *out), fd, out)
QUESTION(int, access, (const char *path, int mode), path, mode)
QUESTION(int, faccessat, (int folder, const char *path, int mode, int flags), folder, path, mode,
	flags)
QUESTION(int, fstatat, (int folder, const char *path, struct stat *out, int flags), folder, path,
	out, flags)
QUESTION(ssize_t, readlink, (const char *path, char *out, size_t size), path, out, size)

/* Who is watched is alone with the book: there is nobody to wait for. */
int nanosleep(const struct timespec *duration, struct timespec *left)
{
	return atomic_load(&watching) ? 0 : REAL(nanosleep)(duration, left);
}

int usleep(useconds_t duration)
{
	return atomic_load(&watching) ? 0 : REAL(usleep)(duration);
}

/* Libgit2 starts a thread for each; with one, calls come in the same order in every run. */
long sysconf(int name)
{
	return name == _SC_NPROCESSORS_ONLN ? 1 : REAL(sysconf)(name);
}

time_t time(time_t *out)
{
	long fixed = atomic_load(&calls_clock);
	struct timespec now;

	if (!fixed) {
		clock_gettime(CLOCK_REALTIME, &now);
		fixed = now.tv_sec;
	}
	if (out)
		*out = fixed;
	return fixed;
}
