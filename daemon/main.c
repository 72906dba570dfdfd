/* SPDX-License-Identifier: Apache-2.0 */
/* domesdayd: the background work of one book, and its door for other hosts. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/options.h"

#define STATUS_USAGE 2

/* A remote that hangs up is no reason to die, and ignoring would be inherited by guests. */
static void on_pipe(int number)
{
	(void)number;
}

static void survive_closed_pipes(void)
{
	struct sigaction action = {.sa_handler = on_pipe, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(SIGPIPE, &action, NULL);
}

/* The host is kept open, for the claim goes with it. */
static int look_after(const struct options *options, struct dd_error *err)
{
	struct work_book book = {.folder = options->book, .host_name = options->host_name};
	const struct dd_host_options opening = work_options(&book);
	CLEANUP(host) struct dd_host *host = NULL;
	int rc = dd_host_open(&opening, &host, err);

	if (!rc)
		rc = dd_upkeep_claim(host, err);
	if (rc)
		return rc;
	book.folder = dd_host_book(host);
	return loop_run(&book, options->listen, options->listen_count, err);
}

static int run(int argc, char **argv, struct dd_error *err)
{
	struct options options;
	int rc = options_parse(argc, argv, &options, err);

	if (rc)
		return rc;
	if (options.help || options.version) {
		if (options.help)
			fputs(options_help, stdout);
		else
			printf("domesdayd %s\n", dd_version());
		return fflush(stdout) ? error_set(err, DD_SYSTEM, "cannot write the output") : 0;
	}
	return look_after(&options, err);
}

int main(int argc, char **argv)
{
	struct dd_error err = {0};
	int rc;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	log_init();
	survive_closed_pipes();
	rc = run(argc, argv, &err);
	if (rc)
		log_error(LOG_FAILURE, &err, "%s", "");
	/* statuses are those of domesday(1) */
	return !rc ? 0 : rc == OPTIONS_USAGE ? STATUS_USAGE : STATUS_USAGE - rc;
}
