/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

/* Programs of the operator's, that are asked something and answer: run without a shell, bounded. */

#include "base/error.h"
#include "base/text.h"

struct program {
	const char *const *argv;        /* NULL-terminated; the first is an absolute path */
	const char *const *environment; /* NULL-terminated; or NULL: that of this process */
	const char *input;              /* what it reads on its standard input; NULL: nothing */
	size_t output_max;              /* bytes of its standard output that are kept */
	size_t errors_max;              /* of its standard error; 0: that is ours */
	unsigned seconds;               /* for all of it */
	const char *what;               /* that it is called in messages: "the fence-command" */
};

struct program_end {
	int status; /* as waitpid() has it */
	struct text output, errors;
	bool cut; /* its output was more than output_max, and the rest is lost */
};

#define PROGRAM_END_INIT                                 \
	{                                                \
		.output = TEXT_INIT, .errors = TEXT_INIT \
	}

void program_end_release(struct program_end *end);
static inline void cleanup_program_end(struct program_end *end)
{
	program_end_release(end);
}

/*
 * Runs it to its end, in a process group of its own; what of that is left is killed. 0: it ended,
 * by whatever status. DD_REFUSED: not within seconds. DD_SYSTEM: it cannot be run. Any thread.
 */
int program_run(const struct program *program, struct program_end *end, struct dd_error *err);

#endif
