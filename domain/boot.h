/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_BOOT_H
#define DOMAIN_BOOT_H

#include "base/text.h"

/*
 * Appends the kernel's name for this run of the machine, and a newline: another one after each
 * boot, the same for all that happens in between.
 */
int boot_id(struct text *out, struct dd_error *err);

#endif
