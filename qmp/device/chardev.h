/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_DEVICE_CHARDEV_H
#define QMP_DEVICE_CHARDEV_H

/* What serial, console and channel share. */

#include "qmp/device/rows.h"

/* The paths that plan_chardev() interprets, in each row's list beside its own. */
#define CHARDEV_KNOWN                                                                       \
	"@type", "@tty", "source/@path", "source/@mode", "source/@host", "source/@service", \
		"source/@append", "source/@channel", "source/seclabel/", "protocol/@type",  \
		"log/@file", "log/@append"

void put_chardev(struct json *args, const xmlNode *device); /* refers to the chardev */

/* Does it listen at a place that its definition names, and that only one QEMU can have? */
bool chardev_listens(const xmlNode *device);

#endif
