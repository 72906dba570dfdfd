/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_MAC_H
#define SCHEMA_MAC_H

#include <stdbool.h>

#include "base/error.h"

#define MAC_SIZE 18 /* with the final NUL */

/* Six pairs of digits with colons, of one interface and not a group. NULL is none. */
bool mac_is_valid(const char *address);

/* A random one with QEMU's prefix 52:54:00. */
int mac_make(char address[static MAC_SIZE], struct dd_error *err);

#endif
