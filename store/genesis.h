/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GENESIS_H
#define STORE_GENESIS_H

#include "store/room.h"

/*
 * Stages the first commit of the branch "book", which HEAD points to: a README and allowed_signers.
 * Inside the transaction that makes the tables.
 */
int genesis_stage(struct book *book, struct dd_error *err);

#endif
