/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

/* How far a migration is, in one line: of the command that drives it, and of those that look. */

#include <domesday/migrate.h>

#include "base/text.h"

/* Appends it, in no more than room columns: what does not fit is left out from the end. */
void progress_line(const struct dd_migration_progress *progress, size_t room, struct text *line);

#endif
