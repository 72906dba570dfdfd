/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CHECK_TUNING_H
#define SCHEMA_CHECK_TUNING_H

#include "schema/document.h"

/* Threads, pins, schedulers, shares of caches and memory: each for something that there is, once.
 */
int check_tuning(const struct document *document, struct dd_error *err);

/* Is there an I/O thread of that id? */
bool thread_exists(const struct document *document, uint64_t id);

#endif
