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

/*
 * A word counts in the sums as often as the pairs behind it say, and of the two numbers one is
 * always odd.
 */
bool sums_one_word(
	const struct sums *kept, const struct sums *made, size_t size, struct sums_change *change)
{
	uint32_t first = kept->first - made->first, second = kept->second - made->second;
	uint32_t even[2] = {1, 1}, odd[2] = {0, 1}; /* of the words of a pair */
	struct sums_change found = {.in_sums = !first || !second, .at = size};
	bool is = found.in_sums;

	for (size_t at = size; !is && at >= 8; at -= 8) {
		is = one_change(even, first, second, &found.by);
		found.at = at - 8;
		if (!is && (is = one_change(odd, first, second, &found.by)))
			found.at = at - 4;
		even[0] += even[1];
		even[1] += even[0];
		odd[0] += odd[1];
		odd[1] += odd[0];
	}
	if (change)
		*change = found;
	return is;
}
