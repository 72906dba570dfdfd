/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_SHARE_H
#define QMP_SHARE_H

/* What another QEMU on this host can have in common with one that runs. */

#include "schema/document.h"

/* Is the memory of the live document of one piece, and shared? */
bool share_possible(const struct document *live);

/*
 * Opens the memory of the QEMU in the folder. DD_UNSUPPORTED: it is not of one shared piece.
 * DD_NOT_FOUND: no QEMU is there.
 */
int share_memory(const char *folder, int *fd, struct dd_error *err);

/*
 * The tap interface of that name, which cannot be opened twice. Both then read from it, and one
 * that stands still keeps a packet at most. DD_NOT_FOUND: that QEMU has none of that name.
 */
int share_tap(const char *folder, const char *name, int *fd, struct dd_error *err);

#endif
