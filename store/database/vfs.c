/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/vfs.h"

#include <pthread.h>

#include "store/database/log_gather.h"
#include "store/database/page_sum.h"

#define VFS_NAME "domesday"

struct wrapped_file {
	sqlite3_file parent;
	sqlite3_file *real;             /* behind this struct */
	struct page_summing summing;    /* of the database */
	struct log_gathering gathering; /* of its log */
};

static sqlite3_vfs *default_vfs;

static struct wrapped_file *wrapped(sqlite3_file *file)
{
	return (struct wrapped_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
	return wrapped(file)->real;
}

/* ---- the database ---- */

static int database_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
	return page_sum_write(&wrapped(file)->summing, real(file), data, size, at);
}

static int database_file_close(sqlite3_file *file)
{
	page_summing_release(&wrapped(file)->summing);
	return real(file)->pMethods->xClose(real(file));
}

/* ---- its log ---- */

static int log_down(sqlite3_file *file)
{
	return log_gather_down(&wrapped(file)->gathering, real(file));
}

static int log_read(sqlite3_file *file, void *data, int size, sqlite3_int64 at)
{
	int code = log_down(file);

	return code ? code : real(file)->pMethods->xRead(real(file), data, size, at);
}

static int log_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
	return log_gather_write(&wrapped(file)->gathering, real(file), data, size, at);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int code = log_down(file);

	return code ? code : real(file)->pMethods->xTruncate(real(file), size);
}

/* With something gathered it is the end of a commit, and whoever made that syncs it later. */
static int log_sync(sqlite3_file *file, int flags)
{
	if (wrapped(file)->gathering.size)
		return log_down(file);
	return real(file)->pMethods->xSync(real(file), flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
	int code = log_down(file);

	return code ? code : real(file)->pMethods->xFileSize(real(file), size);
}

/* What was not written down by now is of no transaction that became true. */
static int log_close(sqlite3_file *file)
{
	log_gathering_release(&wrapped(file)->gathering);
	return real(file)->pMethods->xClose(real(file));
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

static const sqlite3_io_methods database_methods = {
	.iVersion = 2, /* no memory map: what is read there could not be seen */
	.xClose = database_file_close,
	.xRead = pass_read,
	.xWrite = database_write,
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

static const sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = pass_lock,
	.xUnlock = pass_unlock,
	.xCheckReservedLock = pass_check_lock,
	.xFileControl = pass_control,
	.xSectorSize = pass_sector,
	.xDeviceCharacteristics = pass_device,
};

bool vfs_is_log(const sqlite3_file *file)
{
	return file && file->pMethods == &log_methods;
}

static int vfs_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
	struct wrapped_file *file = wrapped(base);
	int code;

	(void)vfs;
	if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
		return default_vfs->xOpen(default_vfs, name, base, flags, out_flags);
	*file = (struct wrapped_file){.real = (sqlite3_file *)(file + 1)};
	code = default_vfs->xOpen(default_vfs, name, file->real, flags, out_flags);
	/* SQLite closes what has methods, and nothing else */
	if (file->real->pMethods)
		file->parent.pMethods = flags & SQLITE_OPEN_WAL ? &log_methods : &database_methods;
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
	own_vfs.szOsFile = default_vfs->szOsFile + (int)sizeof(struct wrapped_file);
	own_vfs.xOpen = vfs_open;
	ready = sqlite3_vfs_register(&own_vfs, 0) == SQLITE_OK;
}

const char *database_vfs(void)
{
	pthread_once(&once, vfs_start);
	return ready ? VFS_NAME : NULL;
}
