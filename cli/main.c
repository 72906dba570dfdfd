/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

/*
 * Were 0, 1 or 2 closed, the next file opened would become standard output, and be written to. What
 * is opened instead cannot be used either way, so that who reads or writes there is told.
 */
static void open_standard_descriptors(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(exit_status(DD_SYSTEM));
}

static void on_pipe(int number)
{
	(void)number;
}

/* A handler, because ignoring would be inherited by the programs that are started. */
static void survive_closed_pipes(void)
{
	struct sigaction action = {.sa_handler = on_pipe, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(SIGPIPE, &action, NULL);
}

/* Names and titles are UTF-8, also where no language is chosen. */
static void choose_locale(void)
{
	const char *chosen = setlocale(LC_CTYPE, "");

	if (!chosen || strcmp(chosen, "C") == 0 || strcmp(chosen, "POSIX") == 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

/* Options that may stand on either side of the command. */
static int apply_globals(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *book = option_value(args, "book");

	if (book)
		cli->book = book;
	cli->json = cli->json || option_given(args, "json");
	cli->quiet = cli->quiet || option_given(args, "quiet");
	if (option_given(args, "no-color"))
		return choose_colour(cli, "never", err);
	return choose_colour(cli, option_value(args, "color"), err);
}

static int open_book(struct cli *cli, enum book_need need, struct dd_error *err)
{
	int rc = need == BOOK_NONE ? 0 : cli_open(cli, need == BOOK_CREATE, err);

	return rc == DD_NOT_FOUND && need == BOOK_MAYBE ? 0 : rc;
}

static int run_command(struct cli *cli, int argc, char **argv, struct dd_error *err)
{
	const struct command *command = NULL;
	struct arguments args;
	int rc = command_find(argv[0], &command, err);

	if (rc < 0)
		return rc;
	rc = arguments_parse(command, argc, argv, &args, err);

	int applied = apply_globals(cli, &args, rc < 0 ? NULL : err);

	if (rc < 0 || applied < 0)
		return rc < 0 ? rc : applied;
	if (option_given(&args, "help"))
		return help_show(cli, command, err);
	if (option_given(&args, "version"))
		return command_version.run(cli, &args, err);
	cli->reason = option_value(&args, "reason");
	rc = arguments_check(&args, err);
	if (rc == 0)
		rc = open_book(cli, command->book, err);
	return rc < 0 ? rc : command->run(cli, &args, err);
}

static int run(struct cli *cli, int argc, char **argv, struct dd_error *err)
{
	struct arguments args;
	int rc = arguments_parse(NULL, argc, argv, &args, err);
	int applied = apply_globals(cli, &args, rc < 0 ? NULL : err);

	if (rc < 0 || applied < 0)
		return rc < 0 ? rc : applied;
	if (option_given(&args, "help"))
		return help_show(cli, NULL, err);
	if (option_given(&args, "version"))
		return command_version.run(cli, &args, err);
	if (args.count == 0) {
		error_set(err, CLI_USAGE, "no command given");
		return error_hint(err, "'domesday help' lists what there is");
	}
	return run_command(cli, (int)args.count, args.operands, err);
}

int main(int argc, char **argv)
{
	struct dd_error err = {0};
	struct cli cli;

	open_standard_descriptors();
	survive_closed_pipes();
	choose_locale();
	cli_init(&cli);

	int code = run(&cli, argc, argv, &err);
	int status = cli_finish(&cli, code, &err);

	cli_release(&cli);
	return status;
}
