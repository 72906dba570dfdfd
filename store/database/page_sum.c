/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/page_sum.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "store/database/sums.h"

#define VFS_NAME "domesday-page-sum"
#define PAGE_MIN 512
#define PAGE_MAX 65536
#define HEADER_SIZE 100
#define HEADER_PAGE_SIZE 16 /* two bytes; 1 means 65536 */
#define HEADER_RESERVED 20
#define LOCK_BYTE 0x40000000 /* the page that it is in is never written */
#define TRIES 5              /* while a page is being written under our eyes */
#define TRY_AGAIN_US 10000

static struct sums sum_make(const unsigned char *page, size_t size, uint32_t number)
{
	struct sums sums = {number, ~number};

	sums_add(&sums, page, size - PAGE_SUM_SIZE, false);
	return sums;
}

static void sum_put(const struct sums *sums, unsigned char out[PAGE_SUM_SIZE])
{
	uint32_t words[2] = {htole32(sums->first), htole32(sums->second)};

	memcpy(out, words, sizeof words);
}

static struct sums sum_get(const unsigned char kept[PAGE_SUM_SIZE])
{
	uint32_t words[2];

	memcpy(words, kept, sizeof words);
	return (struct sums){le32toh(words[0]), le32toh(words[1])};
}

/* ---- writing ---- */

struct summed_file {
	sqlite3_file parent;
	sqlite3_file *real; /* behind this struct */
	bool reserved;      /* the last bytes of its pages are ours */
	unsigned char *page;
};

static sqlite3_vfs *default_vfs;

static struct summed_file *summed(sqlite3_file *file)
{
	return (struct summed_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
	return summed(file)->real;
}

/* Another process may have given the file its form since it was opened. */
static bool is_reserved(struct summed_file *file, const unsigned char *data, sqlite3_int64 at)
{
	unsigned char byte = 0;

	if (at == 0)
		file->reserved = data[HEADER_RESERVED] == PAGE_SUM_SIZE;
	else if (!file->reserved)
		file->reserved = file->real->pMethods->xRead(
					 file->real, &byte, 1, HEADER_RESERVED) == SQLITE_OK &&
				 byte == PAGE_SUM_SIZE;
	return file->reserved;
}

static int sum_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 at)
{
	struct summed_file *file = summed(base);
	size_t length = (size_t)size;
	struct sums sums;

	if (size < PAGE_MIN || size > PAGE_MAX || (size & (size - 1)) || at % size ||
		!is_reserved(file, data, at))
		return file->real->pMethods->xWrite(file->real, data, size, at);
	if (!file->page)
		file->page = sqlite3_malloc(PAGE_MAX);
	if (!file->page)
		return SQLITE_IOERR_NOMEM;
	memcpy(file->page, data, length);
	sums = sum_make(file->page, length, (uint32_t)(at / size) + 1);
	sum_put(&sums, file->page + length - PAGE_SUM_SIZE);
	return file->real->pMethods->xWrite(file->real, file->page, size, at);
}

static int sum_close(sqlite3_file *base)
{
	sqlite3_free(summed(base)->page);
	return real(base)->pMethods->xClose(real(base));
}

/* ---- the rest is the default VFS's ---- */

static int pass_read(sqlite3_file *file, void *data, int size, sqlite3_int64 at)
{
	return real(file)->pMethods->xRead(real(file), data, size, at);
}

static int pass_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return real(file)->pMethods->xTruncate(real(file), size);
}

static int pass_sync(sqlite3_file *file, int flags)
{
	return real(file)->pMethods->xSync(real(file), flags);
}

static int pass_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real(file)->pMethods->xFileSize(real(file), size);
}

static int pass_lock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xLock(real(file), level);
}

static int pass_unlock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xUnlock(real(file), level);
}

static int pass_check_lock(sqlite3_file *file, int *out)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

static int pass_control(sqlite3_file *file, int operation, void *argument)
{
	return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int pass_sector(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int pass_device(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int pass_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
	return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}

static int pass_map_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void pass_barrier(sqlite3_file *file)
{
	real(file)->pMethods->xShmBarrier(real(file));
}

static int pass_unmap(sqlite3_file *file, int delete)
{
	return real(file)->pMethods->xShmUnmap(real(file), delete);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* no memory map: what is read there could not be seen */
	.xClose = sum_close,
	.xRead = pass_read,
	.xWrite = sum_write,
	.xTruncate = pass_truncate,
	.xSync = pass_sync,
	.xFileSize = pass_size,
	.xLock = pass_lock,
	.xUnlock = pass_unlock,
	.xCheckReservedLock = pass_check_lock,
	.xFileControl = pass_control,
	.xSectorSize = pass_sector,
	.xDeviceCharacteristics = pass_device,
	.xShmMap = pass_map,
	.xShmLock = pass_map_lock,
	.xShmBarrier = pass_barrier,
	.xShmUnmap = pass_unmap,
};

static int vfs_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
	struct summed_file *file = summed(base);
	int code;

	(void)vfs;
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return default_vfs->xOpen(default_vfs, name, base, flags, out_flags);
	*file = (struct summed_file){.real = (sqlite3_file *)(file + 1)};
	code = default_vfs->xOpen(default_vfs, name, file->real, flags, out_flags);
	/* SQLite closes what has methods, and nothing else */
	if (file->real->pMethods)
		file->parent.pMethods = &methods;
	return code;
}

static sqlite3_vfs own_vfs;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

/* Everything but opening goes to the default VFS, which takes its own state from itself. */
static void vfs_start(void)
{
	default_vfs = sqlite3_vfs_find(NULL);
	if (!default_vfs)
		return;
	own_vfs = *default_vfs;
	own_vfs.pNext = NULL;
	own_vfs.zName = VFS_NAME;
	own_vfs.szOsFile = default_vfs->szOsFile + (int)sizeof(struct summed_file);
	own_vfs.xOpen = vfs_open;
	ready = sqlite3_vfs_register(&own_vfs, 0) == SQLITE_OK;
}

const char *page_sum_vfs(void)
{
	pthread_once(&once, vfs_start);
	return ready ? VFS_NAME : NULL;
}

int page_sum_reserve(sqlite3 *sqlite)
{
	int size = PAGE_SUM_SIZE;

	return sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_RESERVE_BYTES, &size);
}

/* ---- looking ---- */

static bool is_empty(const unsigned char *page, size_t size)
{
	return !page[0] && memcmp(page, page + 1, size - 1) == 0;
}

static int file_read(sqlite3_file *file, void *data, size_t size, sqlite3_int64 at)
{
	return file->pMethods->xRead(file, data, (int)size, at);
}

/*
 * A free page that was never written is a hole of zeros. A program that wrote a page without its
 * sum has changed more than a word; a bit that fell over has not.
 */
static bool page_is_sound(
	sqlite3_file *file, unsigned char *page, size_t size, uint32_t number, int *code)
{
	for (int i = 0; i < TRIES; i++) {
		struct sums kept, made;

		if (i)
			usleep(TRY_AGAIN_US);
		*code = file_read(
			file, page, size, (sqlite3_int64)(number - 1) * (sqlite3_int64)size);
		if (*code)
			return true;
		kept = sum_get(page + size - PAGE_SUM_SIZE);
		made = sum_make(page, size, number);
		if ((kept.first == made.first && kept.second == made.second) ||
			is_empty(page, size) || !sums_one_word(&kept, &made, size - PAGE_SUM_SIZE))
			return true;
	}
	return false;
}

/* 0 where the file has no sums; -1 where the header cannot be. */
static long page_size(const unsigned char *header)
{
	long size = header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];

	if (size == 1)
		size = PAGE_MAX;
	if (size < PAGE_MIN || size & (size - 1) ||
		(header[HEADER_RESERVED] && header[HEADER_RESERVED] != PAGE_SUM_SIZE))
		return -1;
	return header[HEADER_RESERVED] ? size : 0;
}

int page_sum_check(
	sqlite3 *sqlite, int (*tell)(uint32_t page, void *context), void *context, int *code)
{
	CLEANUP(free) unsigned char *page = malloc(PAGE_MAX);
	unsigned char header[HEADER_SIZE];
	sqlite3_file *file = NULL;
	sqlite3_int64 length = 0;
	long size = 0;
	int rc = 0;

	*code = page ? sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &file)
		     : SQLITE_NOMEM;
	if (!*code)
		*code = file->pMethods->xFileSize(file, &length);
	if (!*code && length >= HEADER_SIZE)
		*code = file_read(file, header, sizeof header, 0);
	if (!*code && length >= HEADER_SIZE)
		size = page_size(header);
	if (*code || size <= 0)
		return *code || !size ? 0 : tell(0, context);
	for (uint32_t number = 1; !rc && !*code && (sqlite3_int64)number * size <= length; number++)
		if (number != LOCK_BYTE / size + 1 &&
			!page_is_sound(file, page, (size_t)size, number, code))
			rc = tell(number, context);
	return rc;
}
