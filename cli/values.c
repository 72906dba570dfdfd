/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/values.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"

int parse_number(const char *word, const char *what, uint64_t least, uint64_t most, uint64_t *out,
	struct dd_error *err)
{
	char *end = NULL;

	errno = 0;
	unsigned long long number = strtoull(word, &end, 10);

	if (*word < '0' || *word > '9' || *end || errno || number < least || number > most)
		return error_set(err, CLI_USAGE, "%s is a number from %llu to %llu, not '%s'", what,
			(unsigned long long)least, (unsigned long long)most, word);
	*out = number;
	return 0;
}

static const struct {
	const char *suffix;
	uint64_t bytes;
} units[] = {
	{"", 1024},
	{"b", 1},
	{"k", 1ull << 10},
	{"kib", 1ull << 10},
	{"kb", 1000},
	{"m", 1ull << 20},
	{"mib", 1ull << 20},
	{"mb", 1000ull * 1000},
	{"g", 1ull << 30},
	{"gib", 1ull << 30},
	{"gb", 1000ull * 1000 * 1000},
	{"t", 1ull << 40},
	{"tib", 1ull << 40},
	{"tb", 1000ull * 1000 * 1000 * 1000},
};

int parse_size(const char *word, uint64_t *kib, struct dd_error *err)
{
	char *end = NULL;

	errno = 0;
	unsigned long long number = strtoull(word, &end, 10);

	for (size_t i = 0;
		*word >= '0' && *word <= '9' && !errno && i < sizeof units / sizeof *units; i++) {
		uint64_t bytes = 0;

		if (strcasecmp(end, units[i].suffix) != 0)
			continue;
		if (__builtin_mul_overflow(number, units[i].bytes, &bytes))
			break;
		*kib = bytes / 1024 + (bytes % 1024 != 0);
		return 0;
	}
	error_set(err, CLI_USAGE, "'%s' is no size", word);
	return error_hint(err, "write a number and K, M, G or T, such as 2G; a bare number is KiB");
}
