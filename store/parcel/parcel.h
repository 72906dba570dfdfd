/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PARCEL_H
#define STORE_PARCEL_H

/* What the files of this folder share about one parcel that comes in. */

#include "store/commit/arrival.h"
#include "store/git/oid_set.h"
#include "store/git/pack.h"
#include "store/git/pack_stream.h"
#include "store/history/tag.h"
#include "store/key/lineage.h"
#include "store/key/tenure.h"
#include "store/parcels.h"

#define PARCELS "parcels" /* in the book's folder; each is in one that is called by its domain */
#define PARCEL_FEW 64     /* objects that are kept in memory, and no deltas among them … */
#define PARCEL_SMALL \
	((size_t)256 << 10) /* … of so many bytes together, as they come and unpacked */

/* The objects of the book and, beside them, those of the parcel. */
struct parcel_view {
	git_repository *repository, *whole;
	git_odb *objects;
	struct staging *staging;
	bool doubtful;
};

struct parcel {
	struct book *book;
	char uuid[UUID_SIZE];
	char *host;
	char *folder;
	/* while it comes in */
	struct pack_scan *scan;
	git_indexer *indexer;          /* NULL as long as it may be a small one */
	git_indexer_progress progress; /* its own */
	struct text bytes;             /* of a small one, as they came */
	size_t unpacked;               /* bytes of objects */
	bool large;                    /* it is none */
	struct crew *crew;             /* of a large one: looks at the commits that have come */
	/* once it is whole */
	char name[PACK_NAME_SIZE]; /* of a large one's pack */
	struct object_set objects; /* of a small one, all */
	struct parcel_view view;
	git_oid head, host_book;
	struct lineage lineage;
	struct arrived_tag *tags; /* as many as there are objects of them */
	struct object_set tag_objects;
	struct arrival arrival;
	bool own;  /* the domain is this host's */
	bool kept; /* it stays in its folder */
};

/* Makes what the book reads those of the view, or, called again, its own. */
void parcel_look(struct parcel *parcel);

/* Opens the view of it. */
int parcel_view_open(struct parcel *parcel, struct dd_error *err);

/* ---- check.c ---- */

/* Is it what heads says, and what may be taken from that host? Fills in lineage and arrival. */
int parcel_check(struct parcel *parcel, const char *host, const unsigned char key[KEY_PUBLIC_SIZE],
	const struct parcel_heads *heads, struct dd_error *err);

/* ---- needed.c ---- */

/*
 * DD_CORRUPT where its objects are others than those that its heads lead to and the book has not,
 * or so many, or have not the form that a book gives them. While looking.
 */
int parcel_needed(struct parcel *parcel, uint64_t objects, struct dd_error *err);

/* ---- tags.c ---- */

/*
 * Takes in a tag that was sent, where it is one of the history's. tenures is for the keys that are
 * read on the way. While looking.
 */
int parcel_tag(struct parcel *parcel, struct tenures *tenures, const git_oid *oid, const void *data,
	size_t size, bool *holds, struct dd_error *err);

#endif
