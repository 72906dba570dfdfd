/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/page_sum.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "store/database/log_sum.h"
#include "store/database/sums.h"

#define PAGE_MIN 512
#define PAGE_MAX 65536
#define HEADER_SIZE 100
#define HEADER_PAGE_SIZE 16 /* two bytes; 1 means 65536 */
#define HEADER_RESERVED 20
#define LOCK_BYTE 0x40000000 /* the page that it is in is never written */
#define SECTOR 512           /* that a disk writes whole */
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

/* Another process may have given the file its form since it was opened. */
static bool is_reserved(struct page_summing *summing, sqlite3_file *real, const unsigned char *data,
	sqlite3_int64 at)
{
	unsigned char byte = 0;

	if (at == 0)
		summing->reserved = data[HEADER_RESERVED] == PAGE_SUM_SIZE;
	else if (!summing->reserved)
		summing->reserved =
			real->pMethods->xRead(real, &byte, 1, HEADER_RESERVED) == SQLITE_OK &&
			byte == PAGE_SUM_SIZE;
	return summing->reserved;
}

int page_sum_write(struct page_summing *summing, sqlite3_file *real, const void *data, int size,
	sqlite3_int64 at)
{
	size_t length = (size_t)size;
	struct sums sums;

	if (size < PAGE_MIN || size > PAGE_MAX || (size & (size - 1)) || at % size ||
		!is_reserved(summing, real, data, at))
		return real->pMethods->xWrite(real, data, size, at);
	if (!summing->page)
		summing->page = sqlite3_malloc(PAGE_MAX);
	if (!summing->page)
		return SQLITE_IOERR_NOMEM;
	memcpy(summing->page, data, length);
	sums = sum_make(summing->page, length, (uint32_t)(at / size) + 1);
	sum_put(&sums, summing->page + length - PAGE_SUM_SIZE);
	return real->pMethods->xWrite(real, summing->page, size, at);
}

void page_summing_release(struct page_summing *summing)
{
	sqlite3_free(summing->page);
	*summing = (struct page_summing){.page = NULL};
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

struct looking {
	sqlite3 *sqlite;
	sqlite3_file *file;
	unsigned char *page;   /* PAGE_MAX bytes each */
	unsigned char *in_log; /* the same page there */
	size_t size;
	int code; /* of SQLite */
};

static unsigned bits_apart(const unsigned char *a, const unsigned char *b, size_t size)
{
	unsigned bits = 0;

	for (size_t i = 0; i < size; i++)
		bits += (unsigned)__builtin_popcount(a[i] ^ b[i]);
	return bits;
}

static bool same_sector(const struct looking *looking, size_t at)
{
	at -= at % SECTOR;
	return memcmp(looking->page + at, looking->in_log + at, SECTOR) == 0;
}

/*
 * The power went while the page was copied from the log, which still has it: so one part of it is
 * as it is there, and the other as it was before. A bit that fell over makes neither, but for one
 * in a page that had been copied whole.
 */
static bool is_torn(struct looking *looking, uint32_t number, const struct sums_change *change)
{
	size_t size = looking->size;
	struct sums sums;
	bool found = false;

	looking->code = log_sum_page(looking->sqlite, number, looking->in_log, size, &found);
	if (looking->code || !found)
		return false;
	sums = sum_make(looking->in_log, size, number);
	sum_put(&sums, looking->in_log + size - PAGE_SUM_SIZE);
	return ((change->sure && same_sector(looking, change->at)) ||
		       same_sector(looking, size - 1)) &&
	       bits_apart(looking->page, looking->in_log, size) > 1;
}

/*
 * A free page that was never written is a hole of zeros. A program that wrote a page without its
 * sum has changed more than a word; a bit that fell over has not.
 */
static bool page_is_sound(struct looking *looking, uint32_t number)
{
	size_t size = looking->size;
	struct sums_change change = {.at = 0};
	struct sums kept, made;

	for (int i = 0; i < TRIES; i++) {
		if (i)
			usleep(TRY_AGAIN_US);
		looking->code = file_read(looking->file, looking->page, size,
			(sqlite3_int64)(number - 1) * (sqlite3_int64)size);
		if (looking->code)
			return true;
		kept = sum_get(looking->page + size - PAGE_SUM_SIZE);
		made = sum_make(looking->page, size, number);
		if ((kept.first == made.first && kept.second == made.second) ||
			is_empty(looking->page, size) ||
			!sums_one_word(&kept, &made, size - PAGE_SUM_SIZE, &change))
			return true;
	}
	return is_torn(looking, number, &change);
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

static int pages_look(struct looking *looking, sqlite3_int64 length,
	int (*tell)(uint32_t page, void *context), void *context)
{
	sqlite3_int64 size = (sqlite3_int64)looking->size;
	int rc = 0;

	for (uint32_t number = 1; !rc && !looking->code && number * size <= length; number++)
		if (number != LOCK_BYTE / size + 1 && !page_is_sound(looking, number) &&
			!looking->code)
			rc = tell(number, context);
	return rc;
}

int page_sum_check(
	sqlite3 *sqlite, int (*tell)(uint32_t page, void *context), void *context, int *code)
{
	CLEANUP(free) unsigned char *page = malloc(PAGE_MAX);
	CLEANUP(free) unsigned char *in_log = malloc(PAGE_MAX);
	struct looking looking = {.sqlite = sqlite, .page = page, .in_log = in_log};
	unsigned char header[HEADER_SIZE];
	sqlite3_int64 length = 0;
	long size = 0;
	int rc;

	*code = page && in_log ? sqlite3_file_control(
					 sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &looking.file)
			       : SQLITE_NOMEM;
	if (!*code)
		*code = looking.file->pMethods->xFileSize(looking.file, &length);
	if (!*code && length >= HEADER_SIZE)
		*code = file_read(looking.file, header, sizeof header, 0);
	if (!*code && length >= HEADER_SIZE)
		size = page_size(header);
	if (*code || size <= 0)
		return *code || !size ? 0 : tell(0, context);
	looking.size = (size_t)size;
	rc = pages_look(&looking, length, tell, context);
	*code = looking.code;
	return rc;
}

/* ---- mending ---- */

enum page_is { PAGE_RIGHT, PAGE_MENDED, PAGE_DAMAGED };

/* One that is its sum's but for one word is put right where the sums say which. */
static enum page_is page_mend(unsigned char *page, size_t size, uint32_t number)
{
	const struct sums kept = sum_get(page + size - PAGE_SUM_SIZE);
	const struct sums made = sum_make(page, size, number);
	struct sums_change change;

	if ((kept.first == made.first && kept.second == made.second) || is_empty(page, size) ||
		!sums_one_word(&kept, &made, size - PAGE_SUM_SIZE, &change))
		return PAGE_RIGHT;
	if (!change.sure)
		return PAGE_DAMAGED;
	if (change.in_sums)
		sum_put(&made, page + size - PAGE_SUM_SIZE);
	else
		sums_word_change(page + change.at, change.by, false);
	return PAGE_MENDED;
}

/*
 * How large the pages are the first one says, where that may be what is damaged: then it is the
 * size with which the page can be put right. 0: there are no sums.
 */
static size_t size_find(int fd, unsigned char *page)
{
	long said = pread(fd, page, HEADER_SIZE, 0) == HEADER_SIZE ? page_size(page) : 0;

	for (size_t size = PAGE_MIN; size <= PAGE_MAX; size *= 2)
		if (pread(fd, page, size, 0) == (ssize_t)size &&
			page_mend(page, size, 1) == PAGE_MENDED && page_size(page) == (long)size)
			return size;
	return said > 0 ? (size_t)said : 0;
}

/* 0 or a negative errno. */
static int pages_mend(int fd, unsigned char *page, size_t size, struct page_mending *mending)
{
	for (uint32_t number = 1; size; number++) {
		off_t at = (off_t)(number - 1) * (off_t)size;
		ssize_t got = pread(fd, page, size, at);
		enum page_is is;

		if (got != (ssize_t)size)
			return got < 0 ? -errno : 0;
		is = number == LOCK_BYTE / size + 1 ? PAGE_RIGHT : page_mend(page, size, number);
		if (is == PAGE_DAMAGED)
			mending->damaged++;
		if (is != PAGE_MENDED)
			continue;
		if (pwrite(fd, page, size, at) != (ssize_t)size)
			return errno ? -errno : -EIO;
		mending->mended++;
	}
	return 0;
}

int page_sum_mend(const char *path, struct page_mending *mending)
{
	CLEANUP(free) unsigned char *page = malloc(PAGE_MAX);
	struct stat status;
	int rc;

	*mending = (struct page_mending){0};
	/* what is no file SQLite has to say itself */
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return 0;

	CLEANUP(close) int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || !page)
		return fd < 0 ? -errno : -ENOMEM;
	mending->size = size_find(fd, page);
	rc = pages_mend(fd, page, mending->size, mending);
	return !rc && mending->mended && fdatasync(fd) < 0 ? -errno : rc;
}
