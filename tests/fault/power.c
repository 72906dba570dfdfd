/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each file that is touched is held twice: as bytes that are on the disk for sure, and as a list of
 * what was done to it since. A sync of the file moves the list into the bytes. Names are held the
 * same way: which file has which name for sure, and a list of what became of names since, which a
 * sync of their folder makes true. Files that are not touched are on the real disk as they were.
 *
 * The shared memory of SQLite's log is left out: it is made anew by who opens the book.
 */
#include "power.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "calls.h"

#define SECTOR 512
#define NODES_MAX 4096
#define NAMES_MAX 16384
#define MAPS_MAX 64
#define FILE_LIMIT ((size_t)1 << 30)

struct written {
	off_t offset; /* of a truncation: the size */
	size_t size;
	char *data; /* NULL: a truncation */
};

struct node {
	bool folder;
	dev_t device;
	ino_t inode;
	bool gone;    /* its number may be another's now */
	char *origin; /* where its bytes are before it is touched */
	bool touched;
	struct text sure;
	struct written *since;
	size_t since_count, since_room;
};

/* One thing that became of a name: it was given to a node, or taken (node -1). */
struct naming {
	char *path;
	int node;
	size_t step; /* those of one call, a rename, happen together */
};

struct names {
	struct naming list[NAMES_MAX];
	size_t count;
};

struct mapping {
	const void *at;
	int node;
	off_t offset;
};

static struct {
	char folder[PATH_MAX];
	struct node nodes[NODES_MAX];
	int node_count;
	struct names sure, now, since; /* now: sure, and since upon it */
	struct mapping maps[MAPS_MAX];
	long changes, cut;
	size_t steps;
} disk;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread bool inside; /* our own calls are not watched */

/* What a test cannot do without: it says so and ends. */
static void *needed(void *memory)
{
	if (!memory) {
		puts("Bail out! the watcher has no memory");
		exit(1);
	}
	return memory;
}

/* ---- names ---- */

static struct naming *name_find(struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i].path, path) == 0)
			return &names->list[i];
	return NULL;
}

static void name_append(struct names *names, const char *path, int node, size_t step)
{
	if (names->count == NAMES_MAX)
		needed(NULL);
	names->list[names->count++] =
		(struct naming){.path = needed(strdup(path)), .node = node, .step = step};
}

/* In a map of what is, not a list of what became. */
static void name_set(struct names *names, const char *path, int node)
{
	struct naming *naming = name_find(names, path);

	if (naming && node < 0) {
		free(naming->path);
		*naming = names->list[--names->count];
	} else if (naming) {
		naming->node = node;
	} else if (node >= 0) {
		name_append(names, path, node, 0);
	}
}

static void names_clear(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i].path);
	names->count = 0;
}

static void name_becomes(const char *path, int node, size_t step)
{
	name_set(&disk.now, path, node);
	name_append(&disk.since, path, node, step);
}

static bool is_in(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && path[length] == '/' &&
	       !strchr(path + length + 1, '/');
}

/* A rename is one thing on the disk, whichever of its folders is synced. */
static void folder_synced(const char *folder)
{
	size_t kept = 0;

	for (size_t i = 0; i < disk.since.count; i++)
		if (is_in(disk.since.list[i].path, folder))
			for (size_t j = 0; j < disk.since.count; j++)
				if (disk.since.list[j].step == disk.since.list[i].step)
					disk.since.list[j].step = 0;
	for (size_t i = 0; i < disk.since.count; i++) {
		struct naming naming = disk.since.list[i];

		if (naming.step) {
			disk.since.list[kept++] = naming;
			continue;
		}
		name_set(&disk.sure, naming.path, naming.node);
		free(naming.path);
	}
	disk.since.count = kept;
}

/* ---- nodes ---- */

static int node_new(const struct stat *status, const char *origin)
{
	struct node *node = &disk.nodes[disk.node_count];

	if (disk.node_count == NODES_MAX)
		needed(NULL);
	*node = (struct node){.folder = S_ISDIR(status->st_mode),
		.device = status->st_dev,
		.inode = status->st_ino,
		.origin = origin ? needed(strdup(origin)) : NULL,
		.touched = !origin,
		.sure = TEXT_INIT};
	return disk.node_count++;
}

static int node_of(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	for (int i = disk.node_count - 1; i >= 0; i--)
		if (disk.nodes[i].device == status.st_dev && disk.nodes[i].inode == status.st_ino &&
			!disk.nodes[i].gone)
			return i;
	return -1;
}

/* Before it is changed for the first time: what is in it now is on the disk. */
static void node_touch(int number)
{
	struct node *node = &disk.nodes[number];

	if (node->touched)
		return;
	if (file_read(node->origin, FILE_LIMIT, &node->sure, NULL))
		needed(NULL);
	node->touched = true;
}

static void node_wrote(int number, off_t offset, const void *data, size_t size)
{
	struct node *node = &disk.nodes[number];

	if (node->since_count == node->since_room) {
		node->since_room = node->since_room ? 2 * node->since_room : 16;
		node->since =
			needed(reallocarray(node->since, node->since_room, sizeof *node->since));
	}
	struct written *written = &node->since[node->since_count++];

	*written = (struct written){.offset = offset, .size = size};
	if (data)
		written->data = memcpy(needed(malloc(size + 1)), data, size);
}

static void apply_bytes(struct text *to, off_t offset, const char *data, size_t size)
{
	static const char zeros[SECTOR];

	while (to->size < (size_t)offset) {
		size_t gap = (size_t)offset - to->size;

		text_add(to, zeros, gap < sizeof zeros ? gap : sizeof zeros);
	}
	size_t over = to->size - (size_t)offset < size ? to->size - (size_t)offset : size;

	if (over)
		memcpy(to->data + offset, data, over);
	text_add(to, data + over, size - over);
}

static void apply_size(struct text *to, off_t size)
{
	if (to->size < (size_t)size)
		apply_bytes(to, size, "", 0);
	else if (to->data)
		to->data[to->size = (size_t)size] = '\0';
}

static void written_release(struct node *node)
{
	for (size_t i = 0; i < node->since_count; i++)
		free(node->since[i].data);
	node->since_count = 0;
}

static void node_synced(int number)
{
	struct node *node = &disk.nodes[number];

	for (size_t i = 0; i < node->since_count; i++) {
		const struct written *written = &node->since[i];

		if (written->data)
			apply_bytes(&node->sure, written->offset, written->data, written->size);
		else
			apply_size(&node->sure, written->offset);
	}
	written_release(node);
}

/* ---- what is watched ---- */

static bool path_of_descriptor(int fd, char out[PATH_MAX])
{
	char link[64];
	ssize_t size;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	size = readlink(link, out, PATH_MAX - 1);
	if (size >= 0)
		out[size] = '\0';
	return size >= 0;
}

/* Below the folder, absolute, or false. */
static bool path_of(int folder, const char *path, char out[PATH_MAX])
{
	char base[PATH_MAX];
	size_t length;

	if (*path == '/' || folder < 0)
		snprintf(out, PATH_MAX, "%s", path);
	else if (path_of_descriptor(folder, base))
		snprintf(out, PATH_MAX, "%.2000s/%.2000s", base, path);
	else
		return false;
	for (char *slash = out; (slash = strstr(slash, "//"));)
		memmove(slash, slash + 1, strlen(slash));
	length = strlen(out);
	if (length > 1 && out[length - 1] == '/')
		out[length - 1] = '\0';
	length = strlen(disk.folder);
	return strncmp(out, disk.folder, length) == 0 && (out[length] == '/' || !out[length]);
}

static bool left_out(const char *path)
{
	size_t length = strlen(path);

	return length > 4 && strcmp(path + length - 4, "-shm") == 0;
}

/* Changes something that a crash could undo, or keeps a crash from it? */
static bool matters(const struct call *call)
{
	switch (call->kind) {
	case CALL_OPEN:
		return call->flags & (O_CREAT | O_TRUNC);
	case CALL_WRITE:
	case CALL_SYNC:
	case CALL_RENAME:
	case CALL_LINK:
	case CALL_UNLINK:
	case CALL_FOLDER:
	case CALL_TRUNCATE:
		return true;
	default:
		return false;
	}
}

static int before(const struct call *call)
{
	int refused = 0, number;

	if (inside || !matters(call))
		return 0;
	inside = true;
	pthread_mutex_lock(&lock);
	disk.changes++;
	if (disk.cut && disk.changes > disk.cut)
		refused = EIO;
	/* what a file held before its first change */
	if (!refused && (call->kind == CALL_WRITE || call->kind == CALL_TRUNCATE) &&
		(number = node_of(call->fd)) >= 0)
		node_touch(number);
	char path[PATH_MAX];

	if (!refused && call->kind == CALL_OPEN && path_of(call->fd, call->path, path)) {
		const struct naming *naming = name_find(&disk.now, path);

		if (naming && call->flags & O_TRUNC)
			node_touch(naming->node);
	}
	pthread_mutex_unlock(&lock);
	inside = false;
	return refused;
}

static void opened(const struct call *call, int fd)
{
	char path[PATH_MAX];
	struct stat status;

	if (!(call->flags & (O_CREAT | O_TRUNC)) || !path_of(call->fd, call->path, path) ||
		left_out(path) || fstat(fd, &status) < 0)
		return;

	const struct naming *naming = name_find(&disk.now, path);

	if (!naming)
		name_becomes(path, node_new(&status, NULL), ++disk.steps);
	else if (call->flags & O_TRUNC)
		node_wrote(naming->node, 0, NULL, 0);
}

static void unnamed(const char *path, size_t step)
{
	const struct naming *naming = name_find(&disk.now, path);
	int node = naming ? naming->node : -1;

	if (node < 0)
		return;
	name_becomes(path, -1, step);
	for (size_t i = 0; i < disk.now.count; i++)
		if (disk.now.list[i].node == node)
			return;
	disk.nodes[node].gone = true;
}

/* What is in a folder that was renamed goes with it; what was not sure there need not. */
static void moved(const char *from, const char *to, size_t step)
{
	size_t count = disk.now.count, length = strlen(from);
	CLEANUP(free) struct naming *list = needed(calloc(count + 1, sizeof *list));

	memcpy(list, disk.now.list, count * sizeof *list);
	for (size_t i = 0; i < count; i++)
		list[i].path = needed(strdup(list[i].path));
	/* those of one step one behind the other */
	for (size_t i = 0; i < 2 * count; i++) {
		struct naming *naming = &list[i % count];
		const struct naming *sure = name_find(&disk.sure, naming->path);
		bool is_sure = sure && sure->node == naming->node;
		char path[PATH_MAX];

		if (strncmp(naming->path, from, length) != 0 || naming->path[length] != '/')
			continue;
		snprintf(path, sizeof path, "%.2000s%.2000s", to, naming->path + length);
		if (i < count)
			name_becomes(naming->path, -1, step);
		if (i < count ? is_sure : !name_find(&disk.now, path))
			name_becomes(path, naming->node, i < count ? step : ++disk.steps);
	}
	for (size_t i = 0; i < count; i++)
		free(list[i].path);
}

static void renamed(const struct call *call)
{
	char from[PATH_MAX], to[PATH_MAX];
	const struct naming *naming;

	if (!path_of(-1, call->path, from) || !path_of(-1, call->other, to))
		return;
	naming = name_find(&disk.now, from);
	if (!naming)
		return;

	int node = naming->node;
	size_t step = ++disk.steps;

	unnamed(to, step);
	name_becomes(to, node, step);
	if (call->kind == CALL_RENAME)
		name_becomes(from, -1, step);
	if (disk.nodes[node].folder)
		moved(from, to, step);
}

static void folder_made(const struct call *call)
{
	struct stat status;
	char path[PATH_MAX];

	if (!path_of(call->fd, call->path, path))
		return;
	if (!call->flags)
		unnamed(path, ++disk.steps);
	else if (stat(path, &status) == 0)
		name_becomes(path, node_new(&status, NULL), ++disk.steps);
}

static void written(const struct call *call, long result)
{
	int node = node_of(call->fd);
	off_t offset = call->offset;

	if (node < 0)
		return;
	if (offset < 0)
		offset = lseek(call->fd, 0, SEEK_CUR) - result;
	node_wrote(node, offset, call->data, (size_t)result);
}

static void synced(int fd)
{
	struct stat status;
	char path[PATH_MAX];
	int node = node_of(fd);

	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		if (path_of_descriptor(fd, path))
			folder_synced(path);
	} else if (node >= 0) {
		node_touch(node);
		node_synced(node);
	}
}

static void mapped(const struct call *call, const void *at)
{
	int node = call->flags ? node_of(call->fd) : -1;

	if (node < 0)
		return;
	node_touch(node);
	for (size_t i = 0; i < MAPS_MAX; i++)
		if (!disk.maps[i].at) {
			disk.maps[i] = (struct mapping){at, node, call->offset};
			return;
		}
	needed(NULL);
}

/* All of it counts as written; what is the same harms nobody. */
static void unmapped(const struct call *call)
{
	for (size_t i = 0; i < MAPS_MAX; i++)
		if (disk.maps[i].at && disk.maps[i].at == call->data) {
			if (!disk.cut || disk.changes < disk.cut)
				node_wrote(disk.maps[i].node, disk.maps[i].offset, call->data,
					call->size);
			disk.maps[i].at = NULL;
		}
}

static void after(const struct call *call, long result)
{
	char path[PATH_MAX];

	if (inside || result < 0)
		return;
	inside = true;
	pthread_mutex_lock(&lock);
	switch (call->kind) {
	case CALL_OPEN:
		opened(call, (int)result);
		break;
	case CALL_WRITE:
		written(call, result);
		break;
	case CALL_TRUNCATE:
		if (node_of(call->fd) >= 0)
			node_wrote(node_of(call->fd), call->offset, NULL, 0);
		break;
	case CALL_SYNC:
		synced(call->fd);
		break;
	case CALL_RENAME:
	case CALL_LINK:
		renamed(call);
		break;
	case CALL_UNLINK:
		if (path_of(call->fd, call->path, path))
			unnamed(path, ++disk.steps);
		break;
	case CALL_FOLDER:
		folder_made(call);
		break;
	case CALL_MAP:
		mapped(call, (const void *)result);
		break;
	case CALL_UNMAP:
		unmapped(call);
		break;
	default:
		break;
	}
	pthread_mutex_unlock(&lock);
	inside = false;
}

/* ---- from outside ---- */

/* Both are folders; where the one has something, the other has it, too. */
static void known(const char *path, const char *copy)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	struct stat status;

	if (stat(path, &status) == 0) {
		int node = node_new(&status, copy);

		name_set(&disk.sure, path, node);
		name_set(&disk.now, path, node);
	}
	while (folder && (entry = readdir(folder))) {
		char below[PATH_MAX], other[PATH_MAX];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
		snprintf(other, sizeof other, "%s/%s", copy, entry->d_name);
		if (!left_out(below))
			known(below, other);
	}
	if (folder)
		closedir(folder);
}

void power_watch(const char *folder, const char *copy)
{
	static const struct calls_watch watch = {.before = before, .after = after};

	snprintf(disk.folder, sizeof disk.folder, "%s", folder);
	disk.changes = disk.cut = 0;
	disk.steps = 0;
	if (copy)
		known(folder, copy);
	calls_watch(&watch);
}

void power_cut_after(long changes)
{
	disk.cut = changes;
}

long power_unwatch(void)
{
	calls_watch(NULL);
	return disk.changes;
}

/* ---- the power is back ---- */

static uint64_t chance(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

static void file_suffers(struct node *node, uint64_t *seed)
{
	for (size_t i = 0; i < node->since_count; i++) {
		const struct written *written = &node->since[i];
		uint64_t fate = chance(seed) % 4;

		if (!written->data && fate < 2)
			apply_size(&node->sure, written->offset);
		else if (written->data && fate == 0)
			apply_bytes(&node->sure, written->offset, written->data, written->size);
		/* a size that grew without its bytes shows zeros */
		for (size_t at = 0; written->data && fate == 1 && at < written->size;) {
			size_t sector = SECTOR - (size_t)(written->offset + (off_t)at) % SECTOR;
			size_t size = written->size - at < sector ? written->size - at : sector;

			if (chance(seed) % 2)
				apply_bytes(&node->sure, written->offset + (off_t)at,
					written->data + at, size);
			at += size;
		}
	}
}

/* Of an ordered list its first part, or of an unordered one some of it. */
static void names_suffer(uint64_t *seed)
{
	bool ordered = chance(seed) % 2;
	size_t until = (size_t)chance(seed) % (disk.since.count + 1), step = 0;
	bool kept = false;

	for (size_t i = 0; i < disk.since.count; i++) {
		const struct naming *naming = &disk.since.list[i];

		if (naming->step != step)
			kept = ordered ? i < until : chance(seed) % 2;
		step = naming->step;
		if (kept)
			name_set(&disk.sure, naming->path, naming->node);
	}
}

static int path_compare(const void *a, const void *b)
{
	return strcmp(((const struct naming *)a)->path, ((const struct naming *)b)->path);
}

static int node_put(const struct naming *naming, const char *target, struct dd_error *err)
{
	const struct node *node = &disk.nodes[naming->node];
	char path[PATH_MAX];
	CLEANUP(text) struct text content = TEXT_INIT;
	CLEANUP(close) int fd = -1;
	int rc = 0;

	snprintf(path, sizeof path, "%s%s", target, naming->path + strlen(disk.folder));
	if (node->folder) {
		/* not where its own folder is lost */
		if (mkdir(path, 0700) < 0 && errno != ENOENT && errno != EEXIST)
			rc = error_errno(err, errno, "cannot make %s", path);
		return rc;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0 && !node->touched)
		rc = file_read(node->origin, FILE_LIMIT, &content, err);
	if (rc)
		return rc;
	const struct text *bytes = node->touched ? &node->sure : &content;

	rc = fd < 0 ? -errno : file_write(fd, text_string(bytes), bytes->size);
	return rc ? error_errno(err, -rc, "cannot make %s", path) : 0;
}

static void disk_forget(void)
{
	for (int i = 0; i < disk.node_count; i++) {
		written_release(&disk.nodes[i]);
		free(disk.nodes[i].since);
		free(disk.nodes[i].origin);
		text_release(&disk.nodes[i].sure);
	}
	disk.node_count = 0;
	names_clear(&disk.sure);
	names_clear(&disk.now);
	names_clear(&disk.since);
	memset(disk.maps, 0, sizeof disk.maps);
}

int power_restore(const char *folder, uint64_t seed, struct dd_error *err)
{
	int rc = 0;

	seed = seed * 0x9e3779b97f4a7c15 + 1;
	names_suffer(&seed);
	for (int i = 0; i < disk.node_count; i++)
		file_suffers(&disk.nodes[i], &seed);
	qsort(disk.sure.list, disk.sure.count, sizeof *disk.sure.list, path_compare);
	for (size_t i = 0; !rc && i < disk.sure.count; i++)
		rc = node_put(&disk.sure.list[i], folder, err);
	disk_forget();
	return rc;
}
