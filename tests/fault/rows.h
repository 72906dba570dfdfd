/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_ROWS_H
#define FAULT_ROWS_H

/*
 * What the rows of the table are made of: prepare_…, run_… and check_… as in struct operation.
 * Those that other files use, too, stand without such a word before them.
 */

#include "operations.h"

/* ---- operations.c ---- */

int run_undefine(struct scene *scene, struct dd_error *err);
int run_small_things(struct scene *scene, struct dd_error *err);

/* ---- recovery.c: a book made anew ---- */

int prepare_reindex(struct scene *scene, struct dd_error *err);
int run_reindex(struct scene *scene, struct dd_error *err);
int run_backup(struct scene *scene, struct dd_error *err);
int check_backup(struct scene *scene, bool done, struct dd_error *err);
int prepare_restore(struct scene *scene, struct dd_error *err);
int run_restore(struct scene *scene, struct dd_error *err);
int check_restore(struct scene *scene, bool done, struct dd_error *err);
int run_restore_from(struct scene *scene, struct dd_error *err);
int check_restore_from(struct scene *scene, bool done, struct dd_error *err);

/* ---- remotes.c: a repository elsewhere, and another host ---- */

#define REMOTE "remote.git" /* in the book's folder */

int prepare_push(struct scene *scene, struct dd_error *err);
int run_push(struct scene *scene, struct dd_error *err);
int check_push(struct scene *scene, bool done, struct dd_error *err);
int prepare_pushed(struct scene *scene, struct dd_error *err);
int run_verify_against(struct scene *scene, struct dd_error *err);
int run_remote_add(struct scene *scene, struct dd_error *err);
int check_remote_add(struct scene *scene, bool done, struct dd_error *err);
int prepare_remote_remove(struct scene *scene, struct dd_error *err);
int run_remote_remove(struct scene *scene, struct dd_error *err);
int check_remote_remove(struct scene *scene, bool done, struct dd_error *err);
int prepare_pull(struct scene *scene, struct dd_error *err);
int run_pull(struct scene *scene, struct dd_error *err);
int check_pull(struct scene *scene, bool done, struct dd_error *err);
int prepare_take(struct scene *scene, struct dd_error *err);
int run_take(struct scene *scene, struct dd_error *err);
int check_take(struct scene *scene, bool done, struct dd_error *err);

/* ---- parcels.c: what a migration moves ---- */

int prepare_receive(struct scene *scene, struct dd_error *err);
int run_receive(struct scene *scene, struct dd_error *err);
int check_receive(struct scene *scene, bool done, struct dd_error *err);
int prepare_arrive(struct scene *scene, struct dd_error *err);
int run_arrive(struct scene *scene, struct dd_error *err);
int check_arrive(struct scene *scene, bool done, struct dd_error *err);
int prepare_hand_over(struct scene *scene, struct dd_error *err);
int run_hand_over(struct scene *scene, struct dd_error *err);
int check_hand_over(struct scene *scene, bool done, struct dd_error *err);

/* ---- trust.c: the key that signs, and whether all is true ---- */

int run_rotate(struct scene *scene, struct dd_error *err);
int check_rotate(struct scene *scene, bool done, struct dd_error *err);
int run_verify(struct scene *scene, struct dd_error *err);
/* A finding as the failure of whoever looked for some. */
int visit_finding(const struct finding *finding, void *err);

#endif
