/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LOG_GATHER_H
#define STORE_LOG_GATHER_H

/*
 * SQLite writes a commit into its log in small pieces, two for each page: a frame's header of 24
 * bytes, and the page. They follow one another in the file, so they are gathered here and go to the
 * system as one write, when SQLite syncs the log at the end of the commit. Only after that it lets
 * anybody see the commit, and a failure of that write is a failure of the commit.
 *
 * What begins the log anew, its header at 0, is written as it comes: SQLite syncs it in earnest.
 */

#include <sqlite3.h>
#include <stddef.h>

struct log_gathering {
	unsigned char *data;
	size_t size;
	sqlite3_int64 at; /* where in the log data begins */
};

/* Codes of SQLite; real is the log's file. Nothing stays gathered after a failure. */
int log_gather_write(struct log_gathering *gathering, sqlite3_file *real, const void *data,
	int size, sqlite3_int64 at);
/* Writes down what was gathered. */
int log_gather_down(struct log_gathering *gathering, sqlite3_file *real);
void log_gathering_release(struct log_gathering *gathering);

#endif
