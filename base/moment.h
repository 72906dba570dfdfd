/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

/*
 * A moment as a person writes it, in local time unless it names another zone:
 *
 *   2026-11-01   2026-11-01 12:00   2026-11-01T12:00:30   a day begins at midnight
 *   2026-11-01T12:00:00Z   2026-11-01 12:00 +01:00        with a zone
 *   12:00   today   today 12:00   yesterday 12:00         today and yesterday
 *   yesterday   2 hours ago   3 months ago                that long before now
 *   now   @1793534400                                     seconds since 1970, UTC
 */

#include <stdint.h>

#include "base/error.h"

/* Both in seconds since the epoch. DD_INVALID says what would have been understood. */
int moment_parse(const char *words, int64_t now, int64_t *out, struct dd_error *err);

/* "2026-11-01 12:00:30", local time; for messages. */
#define MOMENT_SIZE 32
void moment_format(int64_t seconds, char out[MOMENT_SIZE]);

#endif
