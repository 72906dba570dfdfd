/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/channel/beside.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "migrate/channel/channel_internal.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void set_port(union address *address, unsigned port)
{
	if (address->any.sa_family == AF_INET6)
		address->v6.sin6_port = htons((uint16_t)port);
	else
		address->v4.sin_port = htons((uint16_t)port);
}

static socklen_t size_of(const union address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

static bool is_same_host(const union address *one, const union address *other)
{
	if (one->any.sa_family != other->any.sa_family)
		return false;
	return one->any.sa_family == AF_INET6
		       ? memcmp(&one->v6.sin6_addr, &other->v6.sin6_addr,
				 sizeof one->v6.sin6_addr) == 0
		       : one->v4.sin_addr.s_addr == other->v4.sin_addr.s_addr;
}

static int name_of(int fd, int (*name)(int fd, struct sockaddr *address, socklen_t *size),
	union address *out, struct dd_error *err)
{
	socklen_t size = sizeof *out;

	memset(out, 0, sizeof *out);
	return name(fd, &out->any, &size) ? error_errno(err, errno, "cannot see the connection")
					  : 0;
}

/* A write is not to wait for a packet to fill. */
static void prepare(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

int beside_listen(const struct channel *channel, int *fd, unsigned *port, struct dd_error *err)
{
	CLEANUP(close) int made = -1;
	union address own;
	int rc = name_of(channel->link.fd, getsockname, &own, err);

	if (rc)
		return rc;
	set_port(&own, 0);
	made = socket(own.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0 || bind(made, &own.any, size_of(&own)) < 0 || listen(made, 4) < 0)
		return error_errno(err, errno, "cannot listen for a connection");
	rc = name_of(made, getsockname, &own, err);
	if (rc)
		return rc;
	*port = ntohs(own.any.sa_family == AF_INET6 ? own.v6.sin6_port : own.v4.sin_port);
	*fd = made;
	made = -1;
	return 0;
}

int beside_accept(
	const struct channel *channel, int listener, int wait_ms, int *fd, struct dd_error *err)
{
	union address wanted, found;
	struct pollfd poll_fd = {.fd = listener, .events = POLLIN};
	int rc = name_of(channel->link.fd, getpeername, &wanted, err);

	/* a stranger costs a try, and no time */
	for (int tries = 0; !rc && tries < 8 && poll(&poll_fd, 1, wait_ms) == 1; tries++) {
		CLEANUP(close) int made = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (made < 0 || name_of(made, getpeername, &found, NULL) ||
			!is_same_host(&wanted, &found))
			continue;
		prepare(made);
		*fd = made;
		made = -1;
		return 0;
	}
	return rc ? rc : error_set(err, DD_SYSTEM, "nobody has connected");
}

static int finish(int fd, int wait_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	int failed = 0;
	socklen_t size = sizeof failed;

	if (poll(&poll_fd, 1, wait_ms) != 1)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) ? errno : failed;
}

int beside_connect(
	const struct channel *channel, unsigned port, int wait_ms, int *fd, struct dd_error *err)
{
	CLEANUP(close) int made = -1;
	union address far;
	int rc = name_of(channel->link.fd, getpeername, &far, err);
	int failed = 0;

	if (rc)
		return rc;
	set_port(&far, port);
	made = socket(far.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0)
		return error_errno(err, errno, "cannot make a socket");
	if (connect(made, &far.any, size_of(&far)) < 0)
		failed = errno == EINPROGRESS ? finish(made, wait_ms) : errno;
	if (failed)
		return error_errno(err, failed, "cannot reach port %u", port);
	prepare(made);
	*fd = made;
	made = -1;
	return 0;
}
