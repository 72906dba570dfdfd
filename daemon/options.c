/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

const char options_help[] =
	"Usage: domesdayd [--book=DIR] [--host-name=NAME] [--listen=ADDRESS]...\n"
	"\n"
	"Does a book's background work in the foreground: checkpoints, pushes to its remotes,\n"
	"autostart, and settling what a crash left; and answers the hosts that are its peers.\n"
	"Ends upon SIGTERM or SIGINT; guests go on.\n"
	"\n"
	"  -b, --book=DIR         the book's folder\n"
	"      --host-name=NAME   this host's name; otherwise the machine's\n"
	"      --listen=ADDRESS   where peers reach it, HOST or HOST:PORT (16520); 0.0.0.0 and\n"
	"                         [::] are all; otherwise nowhere\n"
	"  -h, --help             show help and do nothing else\n"
	"  -V, --version          show the version and do nothing else\n";

enum { HOST_NAME = 256, LISTEN };

static const struct option table[] = {
	{"book", required_argument, NULL, 'b'},
	{"host-name", required_argument, NULL, HOST_NAME},
	{"listen", required_argument, NULL, LISTEN},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL},
};

static int usage(struct dd_error *err)
{
	error_hint(err, "see 'domesdayd --help'");
	return OPTIONS_USAGE;
}

/* The word stands just before optind. A known option in it is one with a value too few or many. */
static int bad_option(int found, const char *word, struct dd_error *err)
{
	char letter[] = {'-', (char)optopt, '\0'};
	bool is_letter = strncmp(word, "--", 2) != 0;

	if (found == ':')
		error_set(
			err, OPTIONS_USAGE, "option '%s' needs a value", is_letter ? letter : word);
	else if (!is_letter && optopt)
		error_set(err, OPTIONS_USAGE, "option '%s' takes no value", word);
	else
		error_set(err, OPTIONS_USAGE, "unknown option '%s'", is_letter ? letter : word);
	return usage(err);
}

static int too_many(struct dd_error *err)
{
	error_set(err, OPTIONS_USAGE, "it listens at %d addresses at most", OPTIONS_LISTEN);
	return usage(err);
}

int options_parse(int argc, char **argv, struct options *out, struct dd_error *err)
{
	struct options options = {.book = NULL};
	int found;

	opterr = 0;
	while ((found = getopt_long(argc, argv, ":b:hV", table, NULL)) != -1) {
		switch (found) {
		case 'b':
			options.book = optarg;
			break;
		case HOST_NAME:
			options.host_name = optarg;
			break;
		case LISTEN:
			if (options.listen_count == OPTIONS_LISTEN)
				return too_many(err);
			options.listen[options.listen_count++] = optarg;
			break;
		case 'h':
			options.help = true;
			break;
		case 'V':
			options.version = true;
			break;
		default:
			return bad_option(found, argv[optind - 1], err);
		}
	}
	if (optind < argc && !options.help && !options.version) {
		error_set(err, OPTIONS_USAGE, "'%s' is too much", argv[optind]);
		return usage(err);
	}
	*out = options;
	return 0;
}
