/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_MARK_H
#define MIGRATE_MARK_H

/*
 * That a guest that came may have run in the QEMU of a folder: a file there. It outlives every
 * process; where the machine itself went down since, everything may have run.
 */

#include "qmp/json.h"

/* Before the guest is told to run. */
int mark_make(const char *folder, struct dd_error *err);
/* It said no, or another one comes. */
void mark_remove(const char *folder);

/* Into the detail of a row: when this machine booted. */
int mark_put_boot(struct json *detail, struct dd_error *err);
/* detail: of that row. */
bool mark_found(const char *folder, const struct json *detail);

#endif
