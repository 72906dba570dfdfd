/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/*
 * Tells the service manager how far we are, as sd_notify(3) describes it: one datagram of
 * "NAME=VALUE" lines to the Unix socket that $NOTIFY_SOCKET names, a first '@' standing for the NUL
 * of an abstract one. Without that variable nobody is told, and that is no error. state is
 * "READY=1", "STOPPING=1".
 */
void notify(const char *state);

#endif
