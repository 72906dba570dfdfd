/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SIDE_H
#define CLI_SIDE_H

/* An operand that is a definition: a domain's version (NAME, NAME@N, NAME@LABEL, NAME@{TIME}), or a
 * file. */

#include "cli/arguments.h"

/* A dd_side and what it points to. */
struct side {
	struct dd_side dd;
	char *name;
	struct text input;
};

static inline void cleanup_side(struct side *side)
{
	free(side->name);
	text_release(&side->input);
}

/*
 * A word with a '/', ending in .xml, or '-' is a file. For another one the book is opened, where it
 * is not yet.
 */
int side_read(struct cli *cli, const char *word, struct side *side, struct dd_error *err);

#endif
