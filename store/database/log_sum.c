/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/log_sum.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/database/sums.h"

#define HEADER_SIZE 32
#define HEADER_SUMMED 24
#define HEADER_SALT 16
#define FRAME_HEADER 24
#define FRAME_SUMMED 8 /* of its header */
#define FRAME_SALT 8
#define FRAME_SUM 16
#define SALT_SIZE 8
#define MAGIC 0x377f0682 /* and one more where words have their highest byte first */
#define PAGE_MIN 512
#define PAGE_MAX 65536
#define TRIES 5 /* while the log is being written, or begun anew, under our eyes */
#define TRY_AGAIN_US 10000

struct log {
	sqlite3_file *file;
	sqlite3_int64 size;
	unsigned char header[HEADER_SIZE];
	bool high_first;
	size_t page;
	struct sums sums; /* up to the last frame that is right */
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
	return salted && sums_one_word(&kept, &made, FRAME_SUMMED + log->page) ? FRAME_DAMAGED
									       : FRAME_OTHER;
}

static int log_read(struct log *log, bool *damaged, uint32_t *frame)
{
	CLEANUP(free) unsigned char *data = malloc(FRAME_HEADER + PAGE_MAX);
	int code = data ? SQLITE_OK : SQLITE_NOMEM;

	*frame = 0;
	*damaged = !header_is_sound(log);
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
	}
	return code;
}

int log_sum_check(sqlite3 *sqlite, bool *damaged, uint32_t *frame)
{
	struct log log = {.file = NULL};
	int code = sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log.file);

	*damaged = false;
	if (code || !log.file || !log.file->pMethods)
		return code;
	for (int i = 0; i < TRIES && !code && (i == 0 || *damaged); i++) {
		if (i)
			usleep(TRY_AGAIN_US);
		log.sums = (struct sums){0};
		*damaged = false;
		code = log.file->pMethods->xFileSize(log.file, &log.size);
		if (code || log.size < HEADER_SIZE)
			return code;
		code = log.file->pMethods->xRead(log.file, log.header, HEADER_SIZE, 0);
		if (!code)
			code = log_read(&log, damaged, frame);
	}
	/* cut off under our eyes */
	return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
}
