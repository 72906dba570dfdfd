/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/page_sum.h"

#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "store/database/sums.h"

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
