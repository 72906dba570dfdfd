/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

/* A command line, taken apart by the command's own table of options. */

#include "cli/command.h"
#include "cli/values.h"

#define OPTION_MAX 32        /* rows that one command can have, with the shared ones */
#define INPUT_MAX (8u << 20) /* bytes of a definition that is read from a file */

struct arguments {
	const struct command *command; /* NULL: what stands before the command */
	const char *values[OPTION_MAX];
	char **operands;
	size_t count; /* of operands */
	size_t used;  /* words of argv that were taken, argv[0] included */
};

/*
 * Before the command (command NULL) it stops at the first word that is no option; otherwise options
 * and operands mix. CLI_USAGE names the option and how to get help. argv is permuted and must
 * outlive args.
 */
int arguments_parse(const struct command *command, int argc, char **argv, struct arguments *args,
	struct dd_error *err);

/* CLI_USAGE unless there are as many operands as the command's row says. */
int arguments_check(const struct arguments *args, struct dd_error *err);

/* The option's value, "" for a switch that was given; NULL when it was not. */
const char *option_value(const struct arguments *args, const char *name);
bool option_given(const struct arguments *args, const char *name);

/* The operand, or NULL where there are fewer. */
const char *operand(const struct arguments *args, size_t index);

/* What the options shared by changing commands say. */
int arguments_change(const struct arguments *args, struct dd_change *out, struct dd_error *err);

/* --host-model=keep, of the commands that freeze. */
int host_model_option(const struct arguments *args, bool *keep, struct dd_error *err);

/* Reads FILE or "-". */
int read_input(const char *file, struct text *out, struct dd_error *err);
/* What messages call it. */
const char *input_name(const char *file);

#endif
