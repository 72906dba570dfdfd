/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_VFS_H
#define STORE_VFS_H

/*
 * The VFS that a book's database is opened through. It wraps the default one: the pages of the
 * database get their sums (page_sum.h), and what a transaction writes into the log is written at
 * once (log_gather.h). For the latter a connection must have synchronous=FULL, as SQLite has it
 * unless it is told otherwise; a commit then is written down, and durable only after the log has
 * been synced once more.
 */

#include <sqlite3.h>
#include <stdbool.h>

/* Its name; NULL: no memory. Any thread. */
const char *database_vfs(void);

/* Is it an open log of a database that was opened through it? */
bool vfs_is_log(const sqlite3_file *file);

#endif
