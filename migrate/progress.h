/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_PROGRESS_H
#define MIGRATE_PROGRESS_H

/*
 * How far a migration is: told to whoever asked for it, and to other processes by a file in the
 * domain's runtime folder, which is made anew with each word. Nothing depends on that file.
 */

#include <domesday/migrate.h>

#include "qmp/json.h"

/* The file. The caller frees *out. */
int progress_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err);

/* One that is over at once tells nobody by it. path may be NULL. */
void progress_write(const char *path, const struct dd_migration_progress *told);

/* It is over. That there is none is no error. */
void progress_forget(struct dd_host *host, const char *uuid);

#endif
