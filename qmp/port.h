/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_PORT_H
#define QMP_PORT_H

/* TCP ports for a program that cannot look for a free one itself, nor say that one is taken. */

#include "base/error.h"

#define PORT_OF_SCREENS 5900 /* the first */

/*
 * Finds the first port from first on that nobody has at host, an address or a name, and keeps it
 * from all others who look in this way, until *fd, the caller's, is closed: whoever binds to it
 * with SO_REUSEADDR set gets it meanwhile. DD_BUSY: all are taken. DD_INVALID: no such address.
 */
int port_reserve(const char *host, unsigned first, unsigned *port, int *fd, struct dd_error *err);

/* DD_BUSY: somebody listens at that port. */
int port_check(const char *host, unsigned port, struct dd_error *err);

#endif
