/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/*
 * One run of the command. What it says on standard output is collected here and written in one go
 * when the command has succeeded, so a failure leaves no half of an answer behind, and a full disk
 * or a closed pipe is noticed in one place. Only a list that is as long as the book is large begins
 * to come before it is complete (cli_flow).
 */

#include <domesday.h>

#include "base/text.h"
#include "qmp/json.h"

/* Exit statuses. A failure of the library has its own, see exit_status(). */
enum {
	STATUS_OK = 0,
	STATUS_NO = 1,    /* the question was answered, and the answer is no */
	STATUS_USAGE = 2, /* the command line makes no sense */
	STATUS_PIPE = 141 /* the reader of standard output left, as a shell shows it */
};

/* What ends a noun that is counted. */
static inline const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* For strings that the library hands out. */
static inline void cleanup_dd(char **string)
{
	dd_free(*string);
}

/* Beside enum dd_code: a mistake on the command line. */
#define CLI_USAGE (-1000)

struct cli {
	const char *book;   /* --book, or NULL */
	const char *reason; /* --reason, or NULL */
	bool json;
	bool quiet;
	bool colour;        /* standard output shows colours */
	bool colour_chosen; /* by an option */
	struct dd_host *host;
	struct text out;      /* for standard output */
	bool exact;           /* as it is: XML, and what programs read; see cli_put_value() */
	bool stalled;         /* nobody took what was to go out early */
	struct json *answer;  /* with --json: the one value for standard output instead */
	struct text advice;   /* lines that go under the error message */
	struct json *details; /* with --json: an object whose members go into the error */
};

void cli_init(struct cli *cli);
void cli_release(struct cli *cli);

/* Opens the book into cli->host. DD_NOT_FOUND where there is none and create is false. */
int cli_open(struct cli *cli, bool create, struct dd_error *err);

/* One line on standard error, unless --quiet or --json ask for silence. */
void cli_note(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

/* What struct dd_host_options calls warn: a line on standard error. context is not used. */
void cli_warn(const char *message, void *context);

/* Adds a value that stands alone: as it is, but spelt out (base/line.h) where a terminal reads. */
void cli_put_value(struct cli *cli, const char *value);

/* Takes the value that --json prints, also NULL for one that could not be built. */
int cli_answer(struct cli *cli, struct json *value, struct dd_error *err);

/* An error as a member of what --json prints; what is not known is left out. */
struct json *error_json(const struct dd_error *err);

/* The process's exit status for a command's result: a dd_code, CLI_USAGE or a status as it is. */
int exit_status(int code);

/* Statuses in order, for the manual: NULL past the end. */
const char *exit_status_words(int status);

/*
 * Lets out what was collected, where it is much and somebody reads; otherwise it is kept for the
 * end, so that no book is held open for a pager that stands still. 0, or STATUS_PIPE: the reader
 * left, and nothing more is wanted.
 */
int cli_flow(struct cli *cli);

/* Writes what was collected, or the error, and gives the exit status. */
int cli_finish(struct cli *cli, int code, const struct dd_error *err);

#endif
