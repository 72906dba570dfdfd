/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LATEST_H
#define STORE_LATEST_H

#include "store/room.h"

/* What a key has signed, as far as it was looked at. */
struct latest {
	int64_t place; /* in the chain: what is behind it was not looked at */
	int64_t when;  /* the latest time of all that was */
};

/* Begins behind the place where the key in force came. */
int latest_begin(struct book *book, struct latest *latest, struct dd_error *err);
/* Goes on to the end of the chain, and looks at the tags. What is damaged has no time. */
int latest_find(struct book *book, struct latest *latest, struct dd_error *err);

#endif
