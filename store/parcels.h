/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PARCELS_H
#define STORE_PARCELS_H

/*
 * A migration moves a domain with all of its history: as a git pack, which is read out of the
 * sender's book, checked in the receiver's, and there becomes true in one transaction with the
 * version that claims the domain (book_change.parcel). That version goes back to the sender in the
 * same way, as the receipt, and ends its own history (book_parcel_take()).
 *
 * Until it is taken a parcel is nobody's but its receiver's: a small one in memory, a large one,
 * and one that was kept for others to find, in parcels/UUID of the book's folder, where nobody but
 * these functions sees it. Who calls them holds the domain's job lock. One that has neither that
 * nor a journal row goes when the next parcel comes: at once where it has not come in whole, since
 * who received it died, and otherwise after PARCEL_KEPT_S, for which it may wait for somebody.
 */

#define PARCEL_KEPT_S 600

#include "store/book.h"

/* What a parcel holds, as its sender says. */
struct parcel_heads {
	char head[COMMIT_SIZE]; /* the newest version */
	char book[COMMIT_SIZE]; /* newest commit of the sender's branch "book" */
	uint32_t version;       /* number of the newest version */
	uint32_t epoch;
	uint64_t objects; /* in the pack */
};

/*
 * Hands put (which returns non-zero to stop with it) the pack of all that a receiver lacks whose
 * newest version is the commit have ("" where it has none): versions, tags, and keys of this host
 * and of those before. Needs no checkpoint. heads is filled in before the first call of put, which
 * must not use the book. DD_CONFLICT: have is no version here. DD_NOT_FOUND: no such domain.
 */
int book_parcel_write(struct book *book, const char *uuid, const char *have,
	struct parcel_heads *heads, int (*put)(const void *data, size_t size, void *context),
	void *context, struct dd_error *err);

/* What is taken from a peer at most; 0: the default. */
struct parcel_limits {
	uint64_t bytes;    /* of the pack; 4 GiB */
	uint64_t unpacked; /* bytes of all objects; 64 GiB */
	uint64_t objects;  /* 1,000,000 */
	uint64_t object;   /* bytes of one; 64 MiB */
};

/* Begins to receive; limits may be NULL. What was left of an earlier one of the domain goes. */
int book_parcel_begin(struct book *book, const char *uuid, const struct parcel_limits *limits,
	struct parcel **out, struct dd_error *err);

/*
 * Takes in the next bytes, in whatever pieces. DD_REFUSED: a limit, which the message names.
 * DD_CORRUPT: no pack that a book writes. After a failure there is only parcel_release().
 */
int book_parcel_put(struct parcel *parcel, const void *data, size_t size, struct dd_error *err);

/*
 * The pack is whole: everything in it is checked. host and
 * key are those of the peer, whom the caller has authenticated. DD_CORRUPT: it is not what heads
 * says, lacks something, has something that nobody needs, or is not signed by whom it should.
 * DD_REFUSED: key is not the sender's newest. DD_CONFLICT: it does not go on from what the book has
 * of the domain. DD_EXISTS: neither does it, and the domain is this host's own.
 */
int book_parcel_end(struct parcel *parcel, const char *host, const unsigned char key[32],
	const struct parcel_heads *heads, struct book_taken *out, struct dd_error *err);

/* After it: when 0 is returned it is durable, and book_parcel_open() finds it. */
int book_parcel_keep(struct parcel *parcel, struct dd_error *err);

/*
 * Finds, in another process maybe, what was kept. DD_NOT_FOUND: there is no
 * parcel of the domain. Otherwise as book_parcel_end().
 */
int book_parcel_open(struct book *book, const char *uuid, const char *host,
	const unsigned char key[32], const struct parcel_heads *heads, struct parcel **parcel,
	struct book_taken *out, struct dd_error *err);

/* Appends a file of its newest version. DD_NOT_FOUND: it has none of that name. */
int book_parcel_read(
	struct parcel *parcel, const char *path, struct text *out, struct dd_error *err);
int book_parcel_version(struct parcel *parcel, struct version_info *out, struct dd_error *err);

/*
 * One transaction: the history is in the book, as that of a domain which the sender owns and which
 * is not here any more; the journal row (0: none) ends, with a note (NULL: none) of how. kept says
 * how the domain is listed from then on, as the sender's (NULL: not at all); where another has its
 * name by then it is not. DD_REFUSED: the domain's epoch has not grown, so the sender does not own
 * it.
 */
int book_parcel_take(struct parcel *parcel, uint64_t journal, const struct index_draft *kept,
	const char *note_name, const char *note_value, struct dd_error *err);

/* Those that are to go do so, as when the next parcel comes. */
int book_parcels_tidy(struct book *book, struct dd_error *err);

/* Bytes of the files of a parcel that is there; 0: there is none. */
int book_parcel_size(struct book *book, const char *uuid, uint64_t *out, struct dd_error *err);

/* Forgets what was received of a domain and not taken. That there is nothing is no error. */
int book_parcel_drop(struct book *book, const char *uuid, struct dd_error *err);

/* What was not kept goes, or was taken. NULL does nothing. */
void parcel_release(struct parcel *parcel);
CLEANUP_DEFINE(parcel, struct parcel *, parcel_release)

#endif
