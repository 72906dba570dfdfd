/* SPDX-License-Identifier: Apache-2.0 */
/* An image of the counting guest: build/release/tests/bench_counting FILE PAGES DELAY FILLED */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/counting.h"

static unsigned number(const char *word)
{
	return (unsigned)strtoul(word, NULL, 10);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: counting FILE PAGES DELAY FILLED\n");
		return 1;
	}
	if (boot_write(argv[1], (struct work){.pages = number(argv[2]),
					.delay = number(argv[3]),
					.filled = number(argv[4])})) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
