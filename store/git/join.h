/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOIN_H
#define STORE_JOIN_H

#include "store/git/pack.h"

/*
 * Puts packs together as they are: their entries are copied, deltas too, which say how far back
 * their base is, and the indexes merged. That costs no more than reading and writing the bytes, in
 * constant memory, whatever the number of objects; but what two packs have alike is not found.
 *
 * names: of count packs. DD_UNSUPPORTED where two packs have the same object, or a pack is not as
 * ours are; then they can still be packed anew, object by object.
 */
int packs_join(struct pack *pack, const char (*names)[PACK_NAME_SIZE], size_t count,
	char name[PACK_NAME_SIZE], struct dd_error *err);

#endif
