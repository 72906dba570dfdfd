/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LOG_SUM_H
#define STORE_LOG_SUM_H

/*
 * The checksums in SQLite's write-ahead log (sqlite.org/fileformat2.html, section 4). Each frame's
 * sum goes on from the one before; where one is wrong the log ends, and whatever was committed
 * behind it is as if it had never been. So it must be after a loss of power, and so SQLite does it,
 * without a word, where a bit has fallen over in what was synced long ago.
 *
 * The two are told apart: a frame that was not written to its end, or that an older transaction
 * left there, differs in much; one that is right but for a single word, or but for the salt that
 * says which log it is of, was whole once.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the log as far as it goes. *damaged: frame number *frame (from 1 on; 0: the log's header)
 * was whole once and is not any more. Returns SQLite's code.
 */
int log_sum_check(sqlite3 *sqlite, bool *damaged, uint32_t *frame);

/*
 * The same for what comes behind the last frame that counts for whoever has the database open:
 * where SQLite has stopped reading. One frame is read, as a rule. While nobody writes.
 */
int log_sum_end(sqlite3 *sqlite, bool *damaged, uint32_t *frame);

struct log_mending {
	/*
	 * What a page ends with and nobody reads, of which the last eight bytes are given the value
	 * with which the sum fits where it does not say which word was changed. Given; 0: none.
	 */
	size_t spare;
	unsigned mended;  /* frames, and the header */
	unsigned damaged; /* frames that count again, with their changed word */
	bool cut;         /* there is another, which ends the log */
};

/*
 * Puts right what log_sum_check() calls damaged, in the file of that name, which nobody has open:
 * of sums that are linear the one word can be told, as a rule. 0 or a negative errno; a log that is
 * not there is right.
 */
int log_sum_mend(const char *path, struct log_mending *mending);

/*
 * The page of that number as the newest commit in the log has it, size bytes of it. *found is false
 * where the log has not. SQLite's code.
 */
int log_sum_page(sqlite3 *sqlite, uint32_t number, unsigned char *page, size_t size, bool *found);

#endif
