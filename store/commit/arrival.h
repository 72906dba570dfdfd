/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ARRIVAL_H
#define STORE_ARRIVAL_H

/*
 * Versions that another host made, on their way into the tables: all objects are in book.git, and
 * lineage.h has checked them. They have no place in this book's chain.
 */

#include "store/room.h"

struct arrived_tag;
struct lineage;
struct object_set;

struct arrival {
	const char *uuid, *host;
	const struct lineage *lineage;
	/*
	 * The domain may be this host's own, and run, where the history goes on from what the book
	 * has: who gave it away hears what became of it.
	 */
	bool given;
	/* what its versions are called from then on; NULL: what they are */
	const struct arrived_tag *tags;
	const struct object_set *tag_objects;
};

/*
 * May it come, and is the domain this host's own? DD_CONFLICT: it does not go on from what the book
 * has of the domain. DD_EXISTS: the domain is this host's own. DD_REFUSED: a guest of it runs here.
 */
int arrival_check(
	struct book *book, const struct arrival *arrival, bool *own, struct dd_error *err);

/*
 * Makes the domain one that host owns and that is not here, with that history, and has the keys of
 * the hosts before kept (books.h). Checks first. Inside database_change().
 */
int arrival_write(
	struct book *book, const struct arrival *arrival, int64_t *domain, struct dd_error *err);

/* ---- of a parcel, see store/parcel/ ---- */

/*
 * Before the transaction: is the change one that takes it in? Then the objects of a large one go to
 * book.git.
 */
int parcel_install(struct parcel *parcel, const struct book_change *change, struct dd_error *err);
/* arrival_write() of it, with the objects of a small one. Inside database_change(). */
int parcel_write(struct parcel *parcel, int64_t *domain, struct dd_error *err);
/* It is in the book. */
void parcel_arrived(struct parcel *parcel);

#endif
