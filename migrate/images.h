/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_IMAGES_H
#define MIGRATE_IMAGES_H

/*
 * Files that the destination of a migration makes, and that go again where it comes to nothing:
 * images to be copied to, and the firmware's variables that came with the offer.
 *
 * The row names them before there is one ("made", an array of objects of path; and of inode, born
 * once it is made). Each is made under a name that has the migration's id, and so is nobody else's;
 * when the row knows its inode and the time of its birth it is linked to its path, where nothing
 * may be, and loses the other name. So whoever finds the row can tell what is its own at every
 * moment, and nothing else is ever removed.
 */

#include "migrate/row.h"
#include "migrate/storage.h"

/* Is there anything to be made? */
bool images_needed(const struct storage *storage);

/* Into the detail of a row that is not open yet. */
bool images_plan(struct json *detail, const struct storage *storage);

/* Makes them; op has the row, and detail is what is in it. DD_EXISTS: something came to be there.
 */
int images_make(struct operation *op, struct json *detail, const struct storage *storage,
	const char *emulator, struct dd_error *err);

/* Removes those of the domain's row; QEMU is gone. */
void images_remove(struct dd_host *host, const char *uuid);

#endif
