/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_SOCKET_H
#define QMP_SOCKET_H

/*
 * Unix sockets by path, of any length: the kernel takes 107 bytes, so a longer path goes through
 * a descriptor of its folder.
 */

#include "base/error.h"

/* A listening socket, 0600, close-on-exec, in place of whatever was at path. */
int socket_listen(const char *path, int *fd, struct dd_error *err);

/* DD_NOT_FOUND: no such socket, or nobody listens. DD_BUSY: the queue of connectors is full. */
int socket_connect(const char *path, int *fd, struct dd_error *err);

#endif
