/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include "store/database/database.h"

/*
 * The turn: the right to change book.db (SLOT_CHANGE). Who waits in line stands in SLOT_NEXT first,
 * and nobody who comes later passes; who has a seat on the board does not stand in line, because
 * others may make the change meanwhile.
 */

/* In line, up to the database's wait_ms. DD_BUSY names who has it. */
int turn_take(struct database *database, const char *what, struct dd_error *err);

/*
 * If it is free and nobody stands in line. DD_BUSY otherwise, without a message; with one, and
 * without a board, where the lock file itself is not to be had.
 */
int turn_try(struct database *database, const char *what, struct dd_error *err);

/* Gives it up, and wakes who is to have it next. */
void turn_drop(struct database *database);

#endif
