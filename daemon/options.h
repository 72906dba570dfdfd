/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

/* The command line of domesdayd. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define OPTIONS_USAGE (-1000) /* beside enum dd_code: the command line makes no sense */

#define OPTIONS_LISTEN 16 /* addresses */

struct options {
	const char *book;      /* NULL: as the command finds it */
	const char *host_name; /* NULL: this machine's */
	const char *listen[OPTIONS_LISTEN];
	size_t listen_count;
	bool help, version;
};

int options_parse(int argc, char **argv, struct options *out, struct dd_error *err);

/* The words of --help. */
extern const char options_help[];

#endif
