/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

/*
 * What is in a backup, in this order: BACKUP (what it is), book.db (a copy by SQLite of one
 * moment), the files of keys/, and of book.git refs, config and the packs. All else of a
 * book can be made again, or is of the running host alone.
 */

#include "store/room.h"

#define BACKUP_NOTE "BACKUP"
#define BACKUP_NOTE_BEGINS "domesday backup 1\n"
#define BACKUP_PACKS "book.git/objects/pack/"
#define BACKUP_BRANCHES "book.git/" DOMAIN_REFS /* those that are not in packed-refs */

/* Is it the name of a pack or its index, without folder? */
bool backup_is_pack(const char *name);

/* Names of single files that may be in a backup, and the mode each is made with; NULL ends. */
struct backup_file {
	const char *name;
	mode_t mode;
	bool needed;
};
extern const struct backup_file backup_files[];

#endif
