/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/log_sum.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/database/sums.h"
#include "store/database/vfs.h"

#define HEADER_SIZE 32
#define HEADER_SUMMED 24
#define HEADER_SALT 16
#define FRAME_HEADER 24
#define FRAME_PAGES 4  /* of the database after a commit; else 0 */
#define FRAME_SUMMED 8 /* of its header */
#define FRAME_SALT 8
#define FRAME_SUM 16
#define SALT_SIZE 8
#define SPARE_MIN 8      /* a pair of words */
#define MAGIC 0x377f0682 /* and one more where words have their highest byte first */
#define PAGE_MIN 512
#define PAGE_MAX 65536
#define INDEX_SIZE 32768 /* of the first piece of shared memory */
#define INDEX_FRAMES 16  /* there: frames that count, in the machine's own order of bytes */
#define INDEX_SUMS 24
#define INDEX_SALT 32
#define INDEX_READ 40
#define TRIES 5 /* while the log is being written, or begun anew, under our eyes */
#define TRY_AGAIN_US 10000

struct log {
	sqlite3_file *file;
	sqlite3_int64 size;
	unsigned char header[HEADER_SIZE];
	bool high_first;
	size_t page;
	struct sums sums; /* up to the last frame that is right */
	/* a page that somebody wants, of the newest commit; NULL: nobody does */
	unsigned char *wanted;
	unsigned char *pending; /* of a transaction whose end was not read yet */
	uint32_t number;
	bool found, is_pending;
};

static uint32_t number_at(const unsigned char *data)
{
	uint32_t number;

	memcpy(&number, data, sizeof number);
	return be32toh(number);
}

static bool sums_equal(const struct sums *a, const struct sums *b)
{
	return a->first == b->first && a->second == b->second;
}

/* SQLite syncs it before it goes on, so it is there, or it was never written. */
static bool header_is_sound(struct log *log)
{
	const unsigned char *header = log->header;
	const struct sums kept = {
		number_at(header + HEADER_SUMMED), number_at(header + HEADER_SUMMED + 4)};

	log->high_first = number_at(header) & 1;
	log->page = number_at(header + 8);
	sums_add(&log->sums, header, HEADER_SUMMED, log->high_first);
	return (number_at(header) & ~1u) == MAGIC && sums_equal(&log->sums, &kept) &&
	       log->page >= PAGE_MIN && log->page <= PAGE_MAX && !(log->page & (log->page - 1));
}

enum frame_is { FRAME_RIGHT, FRAME_OTHER, FRAME_DAMAGED };

static enum frame_is frame_judge(struct log *log, const unsigned char *frame)
{
	bool salted = memcmp(frame + FRAME_SALT, log->header + HEADER_SALT, SALT_SIZE) == 0;
	const struct sums kept = {number_at(frame + FRAME_SUM), number_at(frame + FRAME_SUM + 4)};
	struct sums made = log->sums;

	sums_add(&made, frame, FRAME_SUMMED, log->high_first);
	sums_add(&made, frame + FRAME_HEADER, log->page, log->high_first);
	if (sums_equal(&made, &kept)) {
		log->sums = made;
		return salted ? FRAME_RIGHT : FRAME_DAMAGED;
	}
	return salted && sums_one_word(&kept, &made, FRAME_SUMMED + log->page, NULL) ? FRAME_DAMAGED
										     : FRAME_OTHER;
}

static void frame_keep(struct log *log, const unsigned char *frame)
{
	bool commit = number_at(frame + FRAME_PAGES) != 0;

	if (number_at(frame) == log->number) {
		memcpy(log->pending, frame + FRAME_HEADER, log->page);
		log->is_pending = true;
	}
	if (!commit || !log->is_pending)
		return;
	memcpy(log->wanted, log->pending, log->page);
	log->is_pending = false;
	log->found = true;
}

/* From the frame behind *frame on, as far as it goes. */
static int frames_read(struct log *log, bool *damaged, uint32_t *frame)
{
	CLEANUP(free) unsigned char *data = malloc(FRAME_HEADER + PAGE_MAX);
	int code = data ? SQLITE_OK : SQLITE_NOMEM;

	while (!code && !*damaged) {
		size_t size = FRAME_HEADER + log->page;
		sqlite3_int64 at = HEADER_SIZE + (sqlite3_int64)*frame * (sqlite3_int64)size;
		enum frame_is is;

		if (at + (sqlite3_int64)size > log->size)
			break;
		code = log->file->pMethods->xRead(log->file, data, (int)size, at);
		if (code)
			break;
		is = frame_judge(log, data);
		if (is == FRAME_OTHER)
			break;
		++*frame;
		*damaged = is == FRAME_DAMAGED;
		if (log->wanted && !*damaged)
			frame_keep(log, data);
	}
	return code;
}

static int log_read(struct log *log, bool *damaged, uint32_t *frame)
{
	*frame = 0;
	*damaged = !header_is_sound(log);
	return frames_read(log, damaged, frame);
}

/* From the beginning, and again while something is wrong with it, as it may be changing. */
static int log_walk(sqlite3 *sqlite, struct log *log, bool *damaged, uint32_t *frame)
{
	int code = sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log->file);

	*damaged = false;
	if (code || !vfs_is_log(log->file))
		return code;
	for (int i = 0; i < TRIES && !code && (i == 0 || *damaged); i++) {
		if (i)
			usleep(TRY_AGAIN_US);
		log->sums = (struct sums){0};
		log->found = log->is_pending = false;
		*damaged = false;
		code = log->file->pMethods->xFileSize(log->file, &log->size);
		if (code || log->size < HEADER_SIZE)
			return code;
		code = log->file->pMethods->xRead(log->file, log->header, HEADER_SIZE, 0);
		if (!code)
			code = log_read(log, damaged, frame);
	}
	/* cut off under our eyes */
	return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
}

int log_sum_check(sqlite3 *sqlite, bool *damaged, uint32_t *frame)
{
	struct log log = {.file = NULL};

	return log_walk(sqlite, &log, damaged, frame);
}

static void index_copy(void volatile *memory, unsigned char out[INDEX_READ])
{
	const unsigned char volatile *from = memory;

	for (size_t i = 0; i < INDEX_READ; i++)
		out[i] = from[i];
}

int log_sum_end(sqlite3 *sqlite, bool *damaged, uint32_t *frame)
{
	struct log log = {.file = NULL};
	unsigned char index[INDEX_READ];
	void volatile *memory = NULL;
	sqlite3_file *file = NULL;
	int code = sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	*damaged = false;
	*frame = 0;
	if (!code)
		code = sqlite3_file_control(
			sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log.file);
	if (code || !vfs_is_log(log.file))
		return code;
	code = log.file->pMethods->xFileSize(log.file, &log.size);
	if (code || log.size < HEADER_SIZE)
		return code;
	code = log.file->pMethods->xRead(log.file, log.header, HEADER_SIZE, 0);
	if (!code)
		code = file->pMethods->xShmMap(file, 0, INDEX_SIZE, 0, &memory);
	if (code || !memory)
		return code;
	index_copy(memory, index);
	*damaged = !header_is_sound(&log);
	memcpy(frame, index + INDEX_FRAMES, sizeof *frame);
	if (*frame)
		memcpy(&log.sums, index + INDEX_SUMS, sizeof log.sums);
	/* all of it is in the database, and it begins anew */
	else if (!*damaged && memcmp(index + INDEX_SALT, log.header + HEADER_SALT, SALT_SIZE))
		return 0;
	if (*damaged)
		*frame = 0;
	return frames_read(&log, damaged, frame);
}

/* ---- mending ---- */

static void number_put(unsigned char *data, uint32_t number)
{
	uint32_t bytes = htobe32(number);

	memcpy(data, &bytes, sizeof bytes);
}

static void sums_put(unsigned char *data, const struct sums *sums)
{
	number_put(data, sums->first);
	number_put(data + 4, sums->second);
}

/* Reads the frame there; *is FRAME_OTHER where it is none. 0 or a negative errno. */
static int frame_get(struct log *log, int fd, off_t at, unsigned char *data, enum frame_is *is)
{
	size_t size = FRAME_HEADER + log->page;
	ssize_t got = pread(fd, data, size, at);

	*is = got == (ssize_t)size ? frame_judge(log, data) : FRAME_OTHER;
	return got < 0 ? -errno : 0;
}

/* Is there a frame that goes on from these sums? */
static bool goes_on(const struct log *log, int fd, off_t at, const struct sums *sums)
{
	CLEANUP(free) unsigned char *data = malloc(FRAME_HEADER + PAGE_MAX);
	struct log tried = *log;
	enum frame_is is = FRAME_OTHER;

	tried.sums = *sums;
	return data && frame_get(&tried, fd, at, data, &is) == 0 && is == FRAME_RIGHT;
}

/*
 * The frame there, which is damaged, becomes what it was. *sure is false where that cannot be told;
 * then it is made to fit, in what nobody reads.
 */
static void frame_mend(
	const struct log *log, int fd, off_t at, unsigned char *frame, size_t spare, bool *sure)
{
	const struct sums kept = {number_at(frame + FRAME_SUM), number_at(frame + FRAME_SUM + 4)};
	unsigned char *page = frame + FRAME_HEADER;
	struct sums made = log->sums;
	struct sums_change change;

	*sure = true;
	memcpy(frame + FRAME_SALT, log->header + HEADER_SALT, SALT_SIZE);
	sums_add(&made, frame, FRAME_SUMMED, log->high_first);
	sums_add(&made, page, log->page, log->high_first);
	if (sums_equal(&made, &kept) ||
		!sums_one_word(&kept, &made, FRAME_SUMMED + log->page, &change))
		return;
	if (change.in_sums && !change.sure)
		change.sure = goes_on(log, fd, at + FRAME_HEADER + (off_t)log->page, &made);
	*sure = change.sure;
	if (!change.sure && spare >= SPARE_MIN)
		sums_fit(&kept, &made, page + log->page - SPARE_MIN, log->high_first);
	else if (change.sure && change.in_sums)
		sums_put(frame + FRAME_SUM, &made);
	else if (change.sure)
		sums_word_change(change.at < FRAME_SUMMED ? frame + change.at
							  : page + change.at - FRAME_SUMMED,
			change.by, log->high_first);
}

/* Changes the word there, or the sums where it is behind the last. False: that cannot be it. */
static bool header_change(struct log *log, size_t at)
{
	unsigned char *header = log->header;
	const struct sums kept = {
		number_at(header + HEADER_SUMMED), number_at(header + HEADER_SUMMED + 4)};
	struct sums made = {0};
	uint32_t by;

	sums_add(&made, header, HEADER_SUMMED, log->high_first);
	if (at == HEADER_SUMMED)
		sums_put(header + HEADER_SUMMED, &made);
	else if (sums_word_at(&kept, &made, HEADER_SUMMED, at, &by))
		sums_word_change(header + at, by, log->high_first);
	else
		return false;
	log->sums = (struct sums){0};
	return header_is_sound(log);
}

/* Which word it was the first frame knows, which goes on from the header. */
static bool header_mend(struct log *log, int fd)
{
	/* which byte of a word comes first stands in the header itself */
	for (int high = 0; high < 2; high++)
		for (size_t at = 0; at <= HEADER_SUMMED; at += 4) {
			struct log tried = *log;

			tried.high_first = high;
			if (!header_change(&tried, at) ||
				!goes_on(&tried, fd, HEADER_SIZE, &tried.sums))
				continue;
			*log = tried;
			return true;
		}
	return false;
}

/* 0 or a negative errno. */
static int frames_mend(struct log *log, int fd, struct log_mending *mending)
{
	CLEANUP(free) unsigned char *data = malloc(FRAME_HEADER + PAGE_MAX);
	size_t size = FRAME_HEADER + log->page;
	enum frame_is is = FRAME_RIGHT;
	int rc = data ? 0 : -ENOMEM;

	for (off_t at = HEADER_SIZE; !rc && is != FRAME_OTHER; at += (off_t)size) {
		const struct sums before = log->sums;
		bool sure;

		rc = frame_get(log, fd, at, data, &is);
		if (rc || is != FRAME_DAMAGED)
			continue;
		log->sums = before;
		frame_mend(log, fd, at, data, mending->spare, &sure);
		/* the sums go on from it only where it is right now */
		mending->cut = frame_judge(log, data) != FRAME_RIGHT;
		if (mending->cut)
			return 0;
		if (pwrite(fd, data, size, at) != (ssize_t)size)
			return errno ? -errno : -EIO;
		*(sure ? &mending->mended : &mending->damaged) += 1;
	}
	return rc;
}

int log_sum_mend(const char *path, struct log_mending *mending)
{
	CLEANUP(close) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct log log = {.file = NULL};
	int rc = 0;

	*mending = (struct log_mending){.spare = mending->spare};
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (pread(fd, log.header, HEADER_SIZE, 0) != HEADER_SIZE)
		return 0;
	if (!header_is_sound(&log)) {
		log.sums = (struct sums){0};
		mending->cut = !header_mend(&log, fd);
		if (mending->cut)
			return 0;
		if (pwrite(fd, log.header, HEADER_SIZE, 0) != HEADER_SIZE)
			return -EIO;
		mending->mended++;
	}
	rc = frames_mend(&log, fd, mending);
	if (!rc && mending->mended + mending->damaged && fdatasync(fd) < 0)
		rc = -errno;
	return rc;
}

int log_sum_page(sqlite3 *sqlite, uint32_t number, unsigned char *page, size_t size, bool *found)
{
	CLEANUP(free) unsigned char *wanted = malloc(PAGE_MAX);
	CLEANUP(free) unsigned char *pending = malloc(PAGE_MAX);
	struct log log = {.wanted = wanted, .pending = pending, .number = number};
	uint32_t frame;
	bool damaged;
	int code = wanted && pending ? log_walk(sqlite, &log, &damaged, &frame) : SQLITE_NOMEM;

	*found = !code && log.found && log.page == size;
	if (*found)
		memcpy(page, wanted, size);
	return code;
}
