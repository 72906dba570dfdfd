/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PAGE_SUM_H
#define STORE_PAGE_SUM_H

/*
 * A checksum at the end of every page of book.db, so that a changed bit is found wherever it is, in
 * what SQLite calls free space too. SQLite leaves the last PAGE_SUM_SIZE bytes of each page alone
 * where the file was made so (page_sum_reserve); the VFS fills them in (vfs.h) when a page
 * is written to the file. Pages that are still in the log have SQLite's own checksum there.
 *
 * The sum is made of all before it and of the page's number: two running sums of 32 bits, as SQLite
 * has them in its log. Nothing but book_verify() and a reindex look at it, so a program that writes
 * to book.db past Domesday breaks nothing. SQLite writes pages also for one that only reads, when
 * it closes the file as the last; these have an old sum, or none. So what is damage is a page that
 * is its sum's but for one word.
 */

#include <sqlite3.h>
#include <stdbool.h>

#include "base/text.h"

#define PAGE_SUM_SIZE 8

struct page_summing {
	bool reserved; /* the last bytes of the file's pages are ours */
	unsigned char *page;
};

/* Writes to real, a page with its sum where it has room for one. A code of SQLite. */
int page_sum_write(struct page_summing *summing, sqlite3_file *real, const void *data, int size,
	sqlite3_int64 at);
void page_summing_release(struct page_summing *summing);

/* Before anything is written to a file that is empty. A code of SQLite. */
int page_sum_reserve(sqlite3 *sqlite);

/*
 * Reads the pages in the file, and tells each that is damaged; page 0 is the file's
 * header. A file that was made without sums has nothing to tell. It reads through SQLite's own
 * descriptor, since closing another one would drop the locks on the file. Non-zero: what tell
 * returned; *code is SQLite's.
 */
int page_sum_check(
	sqlite3 *sqlite, int (*tell)(uint32_t page, void *context), void *context, int *code);

struct page_mending {
	size_t size;      /* of a page; 0: the file was made without sums */
	unsigned mended;  /* pages */
	unsigned damaged; /* others, of which the sum does not say which word it was */
};

/*
 * Puts the changed word of damaged pages right, in the file, and syncs it. For a file that this
 * process has not opened, and that nobody writes to. 0 or a negative errno.
 */
int page_sum_mend(const char *path, struct page_mending *mending);

#endif
