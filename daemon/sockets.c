/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sockets.h"

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

#define IDLE_SECONDS 30 /* before the first question */
#define GAP_SECONDS 15  /* between two */
#define QUESTIONS 6     /* without an answer */
#define PATIENCE_MS 120000

static bool is_tcp(int fd)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof domain;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       (domain == AF_INET || domain == AF_INET6) &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* One that is closed meanwhile, or was none of ours to begin with, is no worse for it. */
static void ask(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_KEEPIDLE, IDLE_SECONDS},
		{IPPROTO_TCP, TCP_KEEPINTVL, GAP_SECONDS},
		{IPPROTO_TCP, TCP_KEEPCNT, QUESTIONS},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, PATIENCE_MS},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
	};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			sizeof options[i].value);
}

void sockets_ask_peers(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && is_tcp(fd))
			ask(fd);
	}
	closedir(folder);
}
