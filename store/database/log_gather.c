/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/log_gather.h"

#include <string.h>

/*
 * A transaction that has more is written in several pieces. SQLite's VFS looks at no more than the
 * last 17 bits of a size.
 */
#define ROOM ((size_t)124 << 10)

static int write_now(sqlite3_file *real, const void *data, size_t size, sqlite3_int64 at)
{
	return real->pMethods->xWrite(real, data, (int)size, at);
}

int log_gather_down(struct log_gathering *gathering, sqlite3_file *real)
{
	size_t size = gathering->size;

	gathering->size = 0;
	return size ? write_now(real, gathering->data, size, gathering->at) : SQLITE_OK;
}

int log_gather_write(struct log_gathering *gathering, sqlite3_file *real, const void *data,
	int size, sqlite3_int64 at)
{
	size_t length = (size_t)size;

	if (!gathering->data)
		gathering->data = sqlite3_malloc(ROOM);
	if (at != gathering->at + (sqlite3_int64)gathering->size ||
		length > ROOM - gathering->size) {
		int code = log_gather_down(gathering, real);

		if (code)
			return code;
	}
	if (at == 0 || length > ROOM || !gathering->data)
		return write_now(real, data, length, at);
	if (!gathering->size)
		gathering->at = at;
	memcpy(gathering->data + gathering->size, data, length);
	gathering->size += length;
	return SQLITE_OK;
}

void log_gathering_release(struct log_gathering *gathering)
{
	sqlite3_free(gathering->data);
	*gathering = (struct log_gathering){.data = NULL};
}
