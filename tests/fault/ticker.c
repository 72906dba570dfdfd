/* SPDX-License-Identifier: Apache-2.0 */
#include "ticker.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

const char *const weather_names[WEATHERS] = {"broken", "full", "read-only", "denied", "lockless"};

static struct {
	enum weather weather;
	long point;
	bool for_ever;
	atomic_long points;
	atomic_bool halved;
	atomic_uint failed;
	enum call_kind kind;
} ticker;

static const char *const kind_names[CALL_KINDS] = {
	[CALL_MEMORY] = "memory",
	[CALL_OPEN] = "open",
	[CALL_CLOSE] = "close",
	[CALL_READ] = "read",
	[CALL_WRITE] = "write",
	[CALL_SYNC] = "sync",
	[CALL_RENAME] = "rename",
	[CALL_LINK] = "link",
	[CALL_UNLINK] = "unlink",
	[CALL_FOLDER] = "folder",
	[CALL_TRUNCATE] = "truncate",
	[CALL_MAP] = "map",
	[CALL_UNMAP] = "unmap",
	[CALL_LOCK] = "lock",
	[CALL_LIST] = "list",
	[CALL_STATUS] = "status",
};

const char *call_kind_name(enum call_kind kind)
{
	return kind_names[kind];
}

/* Not asked through the calls that are watched. */
static bool is_there(const struct call *call)
{
	int folder = call->fd < 0 ? AT_FDCWD : call->fd;

	return syscall(SYS_faccessat, folder, call->path, F_OK) == 0;
}

static int broken(const struct call *call)
{
	switch (call->kind) {
	case CALL_MEMORY:
	case CALL_MAP:
		return ENOMEM;
	default:
		return EIO;
	}
}

static int full(const struct call *call)
{
	switch (call->kind) {
	case CALL_OPEN:
		return call->flags & O_CREAT && !is_there(call) ? ENOSPC : 0;
	case CALL_FOLDER:
		return call->flags ? ENOSPC : 0;
	case CALL_WRITE:
	case CALL_RENAME:
	case CALL_LINK:
		return ENOSPC;
	default:
		return 0;
	}
}

static int denied(const struct call *call)
{
	switch (call->kind) {
	case CALL_OPEN:
		return (call->flags & O_ACCMODE) != O_RDONLY ? EACCES : 0;
	case CALL_FOLDER:
	case CALL_RENAME:
	case CALL_LINK:
	case CALL_UNLINK:
		return EACCES;
	default:
		return 0;
	}
}

static int read_only(const struct call *call)
{
	bool changes = denied(call) || call->kind == CALL_WRITE || call->kind == CALL_TRUNCATE;

	return changes ? EROFS : 0;
}

static int lockless(const struct call *call)
{
	bool fails = call->kind == CALL_LOCK &&
		     (call->flags == F_OFD_SETLK || call->flags == F_OFD_SETLKW);

	return fails ? EINVAL : 0;
}

static int (*const weathers[WEATHERS])(const struct call *call) = {
	broken, full, read_only, denied, lockless};

#define OWNERS_MAX 65536

static bool owners[OWNERS_MAX]; /* of each point: is it libgit2 that calls? */

static const void *base_of(uintptr_t address)
{
	Dl_info info;

	return dladdr((const void *)address, &info) ? info.dli_fbase : NULL;
}

static _Unwind_Reason_Code frame_look(struct _Unwind_Context *frame, void *found)
{
	if (base_of(_Unwind_GetIP(frame)) != base_of((uintptr_t)git_libgit2_init))
		return _URC_NO_REASON;
	*(bool *)found = true;
	return _URC_END_OF_STACK;
}

static bool called_by_libgit2(void)
{
	bool found = false;

	(void)_Unwind_Backtrace(frame_look, &found);
	return found;
}

bool ticker_is_libgit2(long point, bool or_after)
{
	for (long i = point; i < OWNERS_MAX && (i == point || or_after); i++)
		if (owners[i])
			return true;
	return false;
}

static __thread bool inside; /* what looks may ask for memory, too */

static void note_owner(long point)
{
	if (point >= OWNERS_MAX)
		return;
	inside = true;
	owners[point] = called_by_libgit2();
	inside = false;
}

static int before(const struct call *call)
{
	if (inside)
		return 0;

	int kept = errno, number = weathers[ticker.weather](call);
	long tick;

	errno = kept;
	if (!number)
		return 0;
	tick = atomic_fetch_add(&ticker.points, 1) + 1;
	/* the write after the one that got half of its bytes there meets the full disk, too */
	if (atomic_exchange(&ticker.halved, false) && call->kind == CALL_WRITE)
		return number;
	if (!ticker.point)
		note_owner(tick);
	if (!ticker.point || (ticker.for_ever ? tick < ticker.point : tick != ticker.point))
		return 0;
	if (!atomic_fetch_or(&ticker.failed, 1U << call->kind))
		ticker.kind = call->kind;
	if (ticker.weather == WEATHER_FULL && call->kind == CALL_WRITE && tick == ticker.point) {
		atomic_store(&ticker.halved, true);
		return CALL_SHORT;
	}
	return number;
}

void ticker_start(enum weather weather, long point, bool for_ever)
{
	static const struct calls_watch watch = {.before = before};

	if (!point)
		memset(owners, 0, sizeof owners);
	ticker.weather = weather;
	ticker.point = point;
	ticker.for_ever = for_ever;
	atomic_store(&ticker.points, 0);
	atomic_store(&ticker.failed, 0);
	atomic_store(&ticker.halved, false);
	calls_watch(&watch);
}

struct ticked ticker_stop(void)
{
	calls_watch(NULL);
	return (struct ticked){
		atomic_load(&ticker.points), atomic_load(&ticker.failed), ticker.kind};
}
