/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_FLAG_H
#define MIGRATE_FLAG_H

/*
 * Two files in the runtime folder of a domain that leaves, by which other processes tell and are
 * told: the one calls the migration off, the other says that the client that drives it rests.
 */

#include "domain/operation.h"

/* The file that calls it off as soon as it is there. The caller frees it. */
int flag_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err);
/* Makes it. */
int flag_raise(struct dd_host *host, const char *uuid, struct dd_error *err);
/* DD_REFUSED: it is there. path may be NULL. */
int flag_check(const char *path, struct dd_error *err);
/* The same, by another way; always DD_REFUSED. */
int flag_called_off(struct dd_error *err);

/*
 * Between the calls of a client that drives it nobody looks for that file, which others may want to
 * know. What a process that died has left says nothing.
 */
int flag_rest(struct dd_host *host, const char *uuid, struct dd_error *err);
void flag_wake(struct dd_host *host, const char *uuid);
bool flag_rests(struct dd_host *host, const char *uuid);

/*
 * Of one that is over, also where who began it has died: neither is there, nor what was told of it
 * (progress.h), nor an empty folder.
 */
void flag_forget(struct dd_host *host, const char *uuid);

#endif
