/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A socket that is bound without SO_REUSEADDR has a port that nobody else has. With it set
 * afterwards, others who set it as well can bind to the same, as long as this one does not listen
 * (socket(7)); those who look for a port here do not set it at first, and pass on to the next. Who
 * wants a certain one must set it: connections of before may not be over yet (tcp(7), TIME_WAIT).
 */
#include "qmp/port.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PORT_LAST 65535

static int share(int fd, struct dd_error *err)
{
	static const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)
		       ? error_errno(err, errno, "cannot share a port")
		       : 0;
}

/* alone: nobody else may have it, listening or not. */
static int bind_one(const struct addrinfo *where, bool alone, int *fd, struct dd_error *err)
{
	CLEANUP(close) int made = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int code = made < 0 ? error_errno(err, errno, "cannot make a socket") : 0;

	if (!code && !alone)
		code = share(made, err);
	if (!code && bind(made, where->ai_addr, where->ai_addrlen))
		return error_set(
			err, errno == EADDRINUSE ? DD_BUSY : DD_SYSTEM, "%s", strerror(errno));
	if (!code && alone)
		code = share(made, err);
	if (code)
		return code;
	*fd = made;
	made = -1;
	return 0;
}

static int try_one(const char *host, unsigned port, bool alone, int *fd, struct dd_error *err)
{
	static const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char service[16];
	int code;

	snprintf(service, sizeof service, "%u", port);
	code = getaddrinfo(host, service, &hints, &found);
	if (code)
		return error_set(
			err, DD_INVALID, "there is no address '%s': %s", host, gai_strerror(code));
	code = bind_one(found, alone, fd, err);
	freeaddrinfo(found);
	return code ? error_wrap(err, "port %u at %s", port, host) : 0;
}

int port_reserve(const char *host, unsigned first, unsigned *port, int *fd, struct dd_error *err)
{
	for (*port = first; *port <= PORT_LAST; ++*port) {
		int code = try_one(host, *port, true, fd, err);

		if (code != DD_BUSY)
			return code;
	}
	return error_set(err, DD_BUSY, "no port from %u on is free at %s", first, host);
}

int port_check(const char *host, unsigned port, struct dd_error *err)
{
	CLEANUP(close) int fd = -1;

	return try_one(host, port, false, &fd, err);
}
