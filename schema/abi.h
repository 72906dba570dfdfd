/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_ABI_H
#define SCHEMA_ABI_H

/*
 * What a guest can see of its definition, and when each part of it may change. abi_check() in
 * edit.h is the question that a guest's continuity depends on; this is the table behind it.
 */

#include "schema/compare.h"

enum change_when abi_when(const struct difference *difference, bool *visible);

/*
 * Fails as abi_check() does: DD_REFUSED with the path, both values and the way that is left. A
 * difference of a device's coming or going is refused, too.
 */
int abi_refuse(const struct difference *difference, struct dd_error *err);

#endif
