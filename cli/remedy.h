/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REMEDY_H
#define CLI_REMEDY_H

/* Which commands would make the changes that a refused definition asks for. */

#include "cli/cli.h"

struct remedies {
	struct text items; /* "HEAD\tTAIL\n" each: the domain goes between */
};

static inline void cleanup_remedies(struct remedies *remedies)
{
	text_release(&remedies->items);
}

/* Adds the command for one difference; nothing where no command makes such a change. */
void remedies_add(struct remedies *remedies, const struct dd_difference *difference);

/* The commands for that domain, each once: lines into out, strings into array. */
void remedies_write(
	const struct remedies *remedies, const char *domain, struct text *out, struct json *array);

#endif
