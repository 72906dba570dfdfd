/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_TAP_H
#define QMP_TAP_H

/* Tap interfaces of the host, for guests on a bridge. They live as long as QEMU has them open. */

#include "schema/tree.h"

#define TAP_NAME_SIZE 16

/*
 * The name that the definition gives (<target dev>), or one made from the domain's UUID and the
 * device's alias, so that nobody has to remember it.
 */
void tap_name(const char *uuid, const xmlNode *interface, char out[TAP_NAME_SIZE]);

/* DD_NOT_FOUND: this host has no bridge of that name. */
int tap_check_bridge(const char *bridge, struct dd_error *err);

/*
 * Makes the interface, sets it up, and puts it into the bridge (NULL: none). *fd is the caller's,
 * close-on-exec. DD_EXISTS: somebody else has one of that name.
 */
int tap_open(const char *name, const char *bridge, int *fd, struct dd_error *err);

#endif
