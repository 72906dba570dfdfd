/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/sums.h"

#include <endian.h>
#include <string.h>

void sums_add(struct sums *sums, const unsigned char *data, size_t size, bool high_first)
{
	struct sums sum = *sums;

	for (size_t at = 0; at + 8 <= size; at += 8) {
		uint32_t words[2];

		memcpy(words, data + at, sizeof words);
		sum.first += (high_first ? be32toh(words[0]) : le32toh(words[0])) + sum.second;
		sum.second += (high_first ? be32toh(words[1]) : le32toh(words[1])) + sum.first;
	}
	*sums = sum;
}

/* Of an odd number, modulo 2^32. */
static uint32_t inverse(uint32_t odd)
{
	uint32_t found = odd;

	for (int i = 0; i < 5; i++)
		found *= 2 - odd * found;
	return found;
}

/* Is there one change of a word that makes these differences, where it counts so often in each? */
static bool one_change(const uint32_t weights[2], uint32_t first, uint32_t second, uint32_t *change)
{
	*change = weights[0] & 1 ? first * inverse(weights[0]) : second * inverse(weights[1]);
	return *change * weights[0] == first && *change * weights[1] == second;
}

/* One that would do. */
static void candidate_add(
	struct sums_change *found, unsigned *count, bool in_sums, size_t at, uint32_t by)
{
	if (++*count == 1)
		*found = (struct sums_change){.in_sums = in_sums, .at = at, .by = by};
}

/*
 * A word counts in the sums as often as the pairs behind it say, and of the two numbers one is
 * always odd.
 */
bool sums_one_word(
	const struct sums *kept, const struct sums *made, size_t size, struct sums_change *change)
{
	uint32_t first = kept->first - made->first, second = kept->second - made->second, by;
	uint32_t even[2] = {1, 1}, odd[2] = {0, 1}; /* of the words of a pair */
	struct sums_change found = {.at = size};
	unsigned count = 0;

	if (!first || !second)
		candidate_add(&found, &count, true, size, 0);
	for (size_t at = size; count < 2 && at >= 8; at -= 8) {
		if (one_change(even, first, second, &by))
			candidate_add(&found, &count, false, at - 8, by);
		if (one_change(odd, first, second, &by))
			candidate_add(&found, &count, false, at - 4, by);
		even[0] += even[1];
		even[1] += even[0];
		odd[0] += odd[1];
		odd[1] += odd[0];
	}
	found.sure = count == 1;
	if (change)
		*change = found;
	return count;
}

bool sums_word_at(
	const struct sums *kept, const struct sums *made, size_t size, size_t at, uint32_t *by)
{
	uint32_t weights[2] = {at % 8 == 0, 1};

	for (size_t behind = at - at % 8 + 8; behind < size; behind += 8) {
		weights[0] += weights[1];
		weights[1] += weights[0];
	}
	return one_change(weights, kept->first - made->first, kept->second - made->second, by);
}

void sums_fit(
	const struct sums *kept, const struct sums *made, unsigned char *data, bool high_first)
{
	uint32_t first = kept->first - made->first, second = kept->second - made->second;

	/* the last pair: its first word counts once in each, the other in the second alone */
	sums_word_change(data, first, high_first);
	sums_word_change(data + 4, second - first, high_first);
}

void sums_word_change(unsigned char *data, uint32_t by, bool high_first)
{
	uint32_t word;

	memcpy(&word, data, sizeof word);
	word = high_first ? htobe32(be32toh(word) + by) : htole32(le32toh(word) + by);
	memcpy(data, &word, sizeof word);
}
