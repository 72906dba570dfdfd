/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

/* Words of a command line that are numbers or sizes. Each fails with CLI_USAGE. */

#include <stdint.h>

#include "base/error.h"

/* A decimal number of an operand or option, called `what` in messages. */
int parse_number(const char *word, const char *what, uint64_t least, uint64_t most, uint64_t *out,
	struct dd_error *err);

/* "2G", "512MiB", "2097152" (KiB, as in the definition) to KiB, rounded up. */
int parse_size(const char *word, uint64_t *kib, struct dd_error *err);

#endif
