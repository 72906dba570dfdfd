/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ROTATION_H
#define STORE_ROTATION_H

/*
 * The key that signs, and how the next one takes its place.
 *
 * 1. The new key is written to keys/host.next, durably.
 * 2. One transaction: a commit on the branch "book" that names it, signed with the old key and with
 *    a place in the chain; and the setting "signer", which from then on is the key that counts.
 * 3. keys/host.next becomes keys/host, and the two public files follow.
 *
 * Where the old key was lost, the new one signs that commit itself (struct signer's adopted).
 *
 * Who dies before 2 leaves a file that nobody reads; who dies after it, or cannot write then,
 * leaves 3 to whoever signs next. A book whose key was never changed has no such setting: its key
 * is keys/host.
 */

#include "store/room.h"

/* book->key is the key that counts now. Inside database_change() it stays so. */
int signing_key(struct book *book, struct dd_error *err);

#endif
