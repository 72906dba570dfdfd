/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_COOKIE_H
#define MIGRATE_COOKIE_H

/*
 * What a client carries from one host to the other, where it is the client that drives a migration:
 * each phase but the last makes a cookie, and the next one, on the other side, is told it. It is
 * one line of JSON, an object of exactly
 *
 *   version                 1
 *   phase                   that made it: "begin", "prepare", "perform", "finish"
 *   id, uuid, from, to      which migration, of what, from which host to which
 *   wishes                  of begin: an object as wishes.h has it
 *   disks                   of prepare: what becomes of them (storage_answer())
 *   screens                 of prepare: where they are (screen.h), or missing
 *   token, statistics       of perform: with which alone it can be decided (offer.h)
 *   state                   of finish: how it ended, a word of phases.h
 *
 * Nothing is true because a cookie says so: it names a row of the journal on either side, and the
 * token, and the hosts believe those. So it needs no signature.
 */

#include <domesday/migrate.h>

#include "migrate/row.h"

enum cookie_phase { COOKIE_BEGIN, COOKIE_PREPARE, COOKIE_PERFORM, COOKIE_FINISH };

struct cookie {
	struct json *json; /* that holds it all, of one that was read; otherwise NULL */
	enum cookie_phase phase;
	const char *id, *uuid, *from, *to;
	const struct json *wishes;
	const struct json *disks;
	const struct json *screens;
	const char *token;
	const struct json *statistics;
	enum destination_state state;
};

void cookie_release(struct cookie *cookie);
static inline void cleanup_cookie(struct cookie *cookie)
{
	cookie_release(cookie);
}

/* "begin" */
const char *cookie_phase_word(enum cookie_phase phase);

/* DD_INVALID: it is none; the message names what is wrong with it. */
int cookie_read(const char *text, struct cookie *out, struct dd_error *err);

/* The caller frees *out. DD_INVALID: it would have more than DD_COOKIE_MAX bytes. */
int cookie_write(const struct cookie *cookie, char **out, struct dd_error *err);

#endif
