/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PROCLOCKS_H
#define STORE_PROCLOCKS_H

/*
 * Which process holds SQLite's write lock on a database, 0 when that cannot be told. It is read
 * from /proc/locks, because opening and closing the locked file to ask would drop our own locks on
 * it.
 */
int proclocks_writer(const char *database_path);

#endif
