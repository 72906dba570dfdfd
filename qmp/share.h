/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_SHARE_H
#define QMP_SHARE_H

/* The memory of a running QEMU, for another one on this host to have it in common. */

#include "schema/document.h"

/*
 * Opens the memory of the QEMU in the folder, which runs the live document. DD_UNSUPPORTED: it is
 * not one shared piece, <source type='memfd'/> and <access mode='shared'/> in <memoryBacking>.
 * DD_NOT_FOUND: no QEMU is there.
 */
int share_open(const char *folder, const struct document *live, int *fd, struct dd_error *err);

#endif
