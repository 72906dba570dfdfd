/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEVICE_CHARDEV_H
#define SCHEMA_DEVICE_CHARDEV_H

#include "schema/device/kind.h"

/* Makes the first serial port and the first serial console the pair that they are. */
int chardev_pair_console(struct document *document, struct dd_error *err);

#endif
