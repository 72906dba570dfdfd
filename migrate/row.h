/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_ROW_H
#define MIGRATE_ROW_H

/*
 * What a host has written down of a migration. While it is under way that is the domain's journal
 * row, on either side, so that nobody changes the domain meanwhile; its "state" is that of
 * moves.def. How it ended at the destination outlives the row, as a note in the book's settings,
 * until the source has no row of it any more.
 */

#include "domain/recover.h"
#include "migrate/phases.h"

#define MIGRATION_LOCAL "local" /* the side of who is both */
#define MIGRATION_ID_SIZE 33    /* 32 hexadecimal digits drawn at random, and the NUL */

struct migration_row {
	struct journal_row journal;
	struct json *detail; /* all of it */
	/* of it: */
	const char *id;
	const char *peer;                   /* the other host's name */
	bool outgoing;                      /* this host is the source */
	bool local;                         /* and both, from a QEMU here to another */
	bool live;                          /* with a guest */
	enum source_state source;           /* where it is outgoing, */
	enum destination_state destination; /* or otherwise */
};

void migration_row_release(struct migration_row *row);
static inline void cleanup_migration_row(struct migration_row *row)
{
	migration_row_release(row);
}

bool migration_id_valid(const char *id);
bool migration_uuid_valid(const char *uuid);

/* Reads a row's detail, which is taken over; the rest of row is as before. DD_CORRUPT. */
int migration_row_read(struct migration_row *row, struct json *detail, struct dd_error *err);

/*
 * The migration of a domain that is under way here. DD_NOT_FOUND: none is, or another than id
 * (where that is not NULL).
 */
int migration_row_find(struct dd_host *host, const char *uuid, const char *id,
	struct migration_row *out, struct dd_error *err);

/* At the destination: waits a QEMU for it, be it for a guest or for disks alone? */
bool migration_row_waits(const struct migration_row *row);
#define ROW_COPIES "copies" /* of a detail: a QEMU waits for disks alone */

/* The detail of a new row of op, with what both sides have. NULL: no memory. */
struct json *migration_detail(
	const struct operation *op, const char *id, const char *peer, bool outgoing, bool live);

/* Puts the state's word into a detail, and (unless that is a new row) the detail into the journal.
 */
int migration_row_write(
	struct operation *op, struct json *detail, const char *state, struct dd_error *err);

/*
 * DD_REFUSED where this host or the peer has something written down of a migration between the two
 * that is not over on both sides.
 */
int migration_peer_free(struct dd_host *host, const char *peer, struct dd_error *err);
/* Whoever moves a domain to it hears, as of job-abort, that it is not to be. */
int migration_peer_call_off(struct dd_host *host, const char *peer, struct dd_error *err);

/* ---- how it ended ---- */

struct migration_end {
	char id[MIGRATION_ID_SIZE];
	char uuid[UUID_SIZE];
	char *peer;
	enum destination_state state; /* ABORTED, RUNNING or RETURNED */
	int64_t since;                /* seconds since the epoch */
};

void migration_end_release(struct migration_end *end);
static inline void cleanup_migration_end(struct migration_end *end)
{
	migration_end_release(end);
}

/* Name and value of the note, for whoever writes it with something else. */
int migration_end_note(const struct migration_end *end, struct text *name, struct text *value,
	struct dd_error *err);
/* Writes it by itself, durably. */
int migration_end_write(struct book *book, const struct migration_end *end, struct dd_error *err);
/* DD_NOT_FOUND: it is not known to have ended. */
int migration_end_read(
	struct book *book, const char *id, struct migration_end *out, struct dd_error *err);
/* The source has no row any more. One that is not there is no error. */
int migration_end_forget(struct book *book, const char *id, struct dd_error *err);
/* Every one. visit must not change the book. */
int migration_end_list(struct book *book,
	int (*visit)(const struct migration_end *end, void *context), void *context,
	struct dd_error *err);

#endif
