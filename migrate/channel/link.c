/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/channel/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "migrate/channel/address.h"
#include "migrate/channel/channel.h"
#include "qmp/deadline.h"

#define KEEPALIVE_FIRST 10 /* seconds of silence before the kernel asks, and between questions */
#define KEEPALIVE_NEXT 5
#define KEEPALIVE_TRIES 4
#define FAREWELL_MS 500
#define FAREWELL_BYTES 65536

static void cleanup_addresses(struct addrinfo **found)
{
	if (*found)
		freeaddrinfo(*found);
}

/* ---- waiting ---- */

bool link_later(int number)
{
	return number == EAGAIN || number == EINTR;
}

int link_stopped(const atomic_bool *stop, struct dd_error *err)
{
	if (stop && atomic_load_explicit(stop, memory_order_relaxed))
		return error_set(err, DD_SYSTEM, "was told to stop");
	return 0;
}

int link_wait(const struct link *link, short events, int64_t deadline, struct dd_error *err)
{
	struct pollfd wanted = {.fd = link->fd, .events = events};

	for (;;) {
		int rc = link_stopped(link->stop, err);
		int left = deadline_left(deadline);
		int ready;

		if (rc)
			return rc;
		if (link->stop && left > CHANNEL_STOP_MS)
			left = CHANNEL_STOP_MS;
		ready = poll(&wanted, 1, left);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return error_errno(err, errno, "cannot wait for the other side");
		if (deadline_left(deadline) == 0)
			return error_set(err, DD_BUSY, "the other side is silent");
	}
}

static int broken(int number, struct dd_error *err)
{
	return error_errno(err, number, "the link to the other side is broken");
}

int link_read(const struct link *link, void *data, size_t most, int64_t deadline, size_t *got,
	struct dd_error *err)
{
	for (;;) {
		ssize_t count = recv(link->fd, data, most, 0);
		int rc;

		if (count > 0) {
			*got = (size_t)count;
			return 0;
		}
		if (count == 0)
			return error_set(err, DD_SYSTEM, "the other side has hung up");
		if (!link_later(errno))
			return broken(errno, err);
		rc = link_wait(link, POLLIN, deadline, err);
		if (rc)
			return rc;
	}
}

int link_read_all(
	const struct link *link, void *data, size_t size, int64_t deadline, struct dd_error *err)
{
	unsigned char *at = data;

	for (size_t got; size; at += got, size -= got) {
		int rc = link_read(link, at, size, deadline, &got, err);

		if (rc)
			return rc;
	}
	return 0;
}

int link_write_all(const struct link *link, const void *data, size_t size, int64_t deadline,
	struct dd_error *err)
{
	const unsigned char *at = data;

	while (size) {
		ssize_t count = send(link->fd, at, size, MSG_NOSIGNAL);
		int rc;

		if (count >= 0) {
			at += count;
			size -= (size_t)count;
			continue;
		}
		if (!link_later(errno))
			return broken(errno, err);
		rc = link_wait(link, POLLOUT, deadline, err);
		if (rc)
			return rc;
	}
	return 0;
}

void link_farewell(const struct link *link)
{
	int64_t deadline = deadline_in(FAREWELL_MS);
	unsigned char nobody_reads[1024];
	size_t all = 0, got;

	if (shutdown(link->fd, SHUT_WR) < 0)
		return;
	while (all < FAREWELL_BYTES &&
		link_read(link, nobody_reads, sizeof nobody_reads, deadline, &got, NULL) == 0)
		all += got;
}

/* ---- making one ---- */

int link_prepare(const struct link *link, struct dd_error *err)
{
	static const struct {
		int level, name, value;
	} rows[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_FIRST},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_NEXT},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TRIES},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, CHANNEL_LINK_MS},
	};
	int flags = fcntl(link->fd, F_GETFL);

	if (flags < 0 || fcntl(link->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno(err, errno, "cannot use a connection");
	/* it may be no TCP socket, which has none of these and needs none */
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		(void)setsockopt(link->fd, rows[i].level, rows[i].name, &rows[i].value,
			sizeof rows[i].value);
	return 0;
}

static int connect_to(
	struct link *link, const struct addrinfo *to, int64_t deadline, struct dd_error *err)
{
	CLEANUP(close)
	int fd = socket(
		to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->ai_protocol);
	const struct link trial = {.fd = fd, .stop = link->stop};
	int number = 0, rc;
	socklen_t size = sizeof number;

	if (fd < 0)
		return error_errno(err, errno, "no socket");
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return error_errno(err, errno, "no connection");
		rc = link_wait(&trial, POLLOUT, deadline, err);
		if (rc == DD_BUSY)
			return error_errno(err, ETIMEDOUT, "no connection");
		if (rc)
			return rc;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0 || number)
			return error_errno(err, number ? number : errno, "no connection");
	}
	rc = link_prepare(&trial, err);
	if (rc)
		return rc;
	link->fd = fd;
	fd = -1;
	return 0;
}

static size_t count_of(const struct addrinfo *found)
{
	size_t count = 0;

	for (; found; found = found->ai_next)
		count++;
	return count;
}

int link_open(struct link *link, const char *words, int wait_ms, struct dd_error *err)
{
	const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	CLEANUP(addresses) struct addrinfo *found = NULL;
	int64_t deadline = deadline_in(wait_ms);
	struct address address;
	int rc = address_parse(words, &address, err);

	if (rc)
		return rc;
	rc = getaddrinfo(address.host, address.port, &wanted, &found);
	if (rc)
		return error_set(err, DD_SYSTEM, "cannot look up the host '%s': %s", address.host,
			gai_strerror(rc));
	rc = DD_SYSTEM;
	/* one that swallows everything leaves time for the next */
	for (const struct addrinfo *at = found; rc && at; at = at->ai_next) {
		rc = link_stopped(link->stop, err);
		if (rc)
			return rc;
		rc = connect_to(
			link, at, deadline_in(deadline_left(deadline) / (int)count_of(at)), err);
	}
	if (!rc)
		return 0;
	error_wrap(err, "cannot reach %s", words);
	return error_hint(err, "is domesdayd up there, with --listen, and the port open?");
}
