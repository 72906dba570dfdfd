/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SUMS_H
#define STORE_SUMS_H

/*
 * SQLite's checksum of its log, which the pages of book.db have as well: two running sums of 32
 * bits over words in pairs, `a += word + b; b += word + a`. They are linear, so what was changed by
 * one word can be told from what is something else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sums {
	uint32_t first, second;
};

/* Adds bytes, a multiple of eight, as words that have their lowest byte first, or their highest. */
void sums_add(struct sums *sums, const unsigned char *data, size_t size, bool high_first);

struct sums_change {
	bool in_sums; /* not in what they are of, which has the rest */
	size_t at;    /* of the word; in_sums: behind the last one */
	uint32_t by;  /* to be added to it */
	/*
	 * It is no other word. Where only the highest bits of one were changed, several would do:
	 * the sums say that it is one, and not which.
	 */
	bool sure;
};

/*
 * Is what was summed up over so many bytes just what was kept but for one word, there or in the
 * sums themselves? They differ. *change (may be NULL) makes them alike again.
 */
bool sums_one_word(
	const struct sums *kept, const struct sums *made, size_t size, struct sums_change *change);

/* Can it be the word at that place that was changed? *by is to be added to it. */
bool sums_word_at(
	const struct sums *kept, const struct sums *made, size_t size, size_t at, uint32_t *by);

/* Changes the last eight of the bytes, at data, so that what was summed up is what was kept. */
void sums_fit(
	const struct sums *kept, const struct sums *made, unsigned char *data, bool high_first);

/* Adds to the word at data, which has its lowest byte first, or its highest. */
void sums_word_change(unsigned char *data, uint32_t by, bool high_first);

#endif
