/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_UPGRADE_H
#define STORE_UPGRADE_H

#include "store/room.h"

/* Finds where the chain ends, and keeps two versions from having one place in it. */
#define UPGRADE_SEQ_INDEX "CREATE UNIQUE INDEX version_seq ON version(seq) WHERE seq IS NOT NULL;"

/* Finds those that run among many that do not. */
#define UPGRADE_RUNNING_INDEX \
	"CREATE INDEX IF NOT EXISTS domain_running ON domain(name) WHERE state = 1;"

/* Brings book.db from any lower format to BOOK_FORMAT, in one transaction. Under SLOT_CREATE. */
int upgrade_run(struct book *book, struct dd_error *err);

#endif
