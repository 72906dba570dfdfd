/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/*
 * A command is a row of data and one function. Its line of arguments, its options, --help, the
 * manual and the completion all come from that row, so they cannot disagree.
 */

#include "cli/cli.h"

struct arguments;

struct option_row {
	const char *name;  /* without dashes */
	char letter;       /* 0: none */
	const char *value; /* what it takes, such as "N"; NULL: it is a switch */
	const char *help;
};

/* Options that many commands have; bits of struct command's `shared`. */
enum {
	OPTIONS_CHANGE = 1, /* --if-version, --reason */
	OPTIONS_SCOPE = 2,  /* --config, --live, --persistent, --current */
	OPTIONS_REASON = 4  /* --reason alone */
};

enum command_group {
	GROUP_DEFINITION,
	GROUP_LOOK,
	GROUP_GUEST,
	GROUP_EDIT,
	GROUP_HISTORY,
	GROUP_OTHERS,
	GROUP_HOST,
	GROUP_COUNT
};

enum book_need {
	BOOK_NONE,   /* runs without */
	BOOK_MAYBE,  /* uses one that is there; otherwise host is NULL */
	BOOK_OPEN,   /* fails without */
	BOOK_CREATE, /* makes it where there is none */
};

struct command {
	const char *name;
	const char *also; /* virsh's name for the same thing, or NULL */
	enum command_group group;
	/*
	 * Words apart by a space: [OPTIONAL], REPEATED... How many there may be is counted from
	 * this, and what completes them is known by NAME, FILE, DEVICE and COMMAND in them.
	 */
	const char *operands;
	const char *summary;              /* one line */
	const char *about;                /* paragraphs, apart by a newline; may be NULL */
	const struct option_row *options; /* ended by a row without a name; may be NULL */
	unsigned shared;
	enum book_need book;
	bool hidden; /* from the list in help and manual */
	/* A dd_code or CLI_USAGE with err, or an exit status. */
	int (*run)(struct cli *cli, const struct arguments *args, struct dd_error *err);
};

/* Every command, by group; NULL past the end. */
const struct command *command_at(size_t index);

/* CLI_USAGE, with a suggestion, where there is none of that name. */
int command_find(const char *name, const struct command **out, struct dd_error *err);

const char *command_group_title(enum command_group group);

/*
 * Its own options, then those that it shares, then those of every command (all that command NULL
 * has); NULL past the end.
 */
const struct option_row *command_option(const struct command *command, size_t index);
size_t command_option_count(const struct command *command);
/* One of those of every command. */
bool command_option_global(const struct option_row *row);

/* The candidate nearest to a mistyped word, or NULL when none is near. */
const char *nearest(const char *word, const char *(*candidate)(size_t index, const void *context),
	const void *context);

/* Answers with help. command NULL: the overview. */
int help_show(struct cli *cli, const struct command *command, struct dd_error *err);

#endif
