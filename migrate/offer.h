/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_OFFER_H
#define MIGRATE_OFFER_H

/*
 * What the source tells of a domain that it wants to hand over, beside its history: an object of
 *
 *   id, uuid, name, live, paused        which migration, of what; paused by its user
 *   autostart                           whether it starts with the host
 *   stays                               a client drives it: whoever brings it may hang up
 *   token_hash                          of the token, with which alone it can be decided
 *   head, book, version, epoch, objects what the parcel holds (struct parcel_heads)
 *   running                             of a live one: the definition that its guest runs with
 *   disks                               what it knows of their images (evidence.h)
 *   secrets                             name and value of each that the definitions name
 *   author_name, author_email, uid, acting_uid, program, reason   who moves it, and why
 *
 * and, put in by the destination, whom it has it from: peer and peer_key.
 */

#include "migrate/row.h"
#include "store/key/key.h"
#include "store/parcels.h"

#define OFFER_FILE "offer.json" /* in the guest's folder at the destination, 0600 */
#define OFFER_MAX ((size_t)16 << 20)
#define OFFER_PEER "peer"

#define TOKEN_SIZE 65 /* 64 hexadecimal digits, and the NUL */

/* Draws a token, and what can be told of it before it is let out. */
void token_draw(char token[TOKEN_SIZE], char hash[TOKEN_SIZE]);
/* Is it the one? In time that says nothing of it. */
bool token_fits(const char *token, const char *hash);

/* Draws an id. */
void migration_id_draw(char id[MIGRATION_ID_SIZE]);

/* All of it but the parcel's heads. live: the guest's document, NULL without one. */
int offer_new(const struct operation *op, const char *id, const char *token_hash,
	const struct document *live, struct json **out, struct dd_error *err);
bool offer_put_heads(struct json *offer, const struct parcel_heads *heads);
bool offer_put_peer(struct json *offer, const char *peer, const unsigned char key[KEY_PUBLIC_SIZE]);

/* DD_INVALID: something is missing, or is not what it should be. */
int offer_check(const struct json *offer, struct dd_error *err);
int offer_heads(const struct json *offer, struct parcel_heads *out, struct dd_error *err);
int offer_key(const struct json *offer, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err);

/* Puts the secrets into the book, durably, or takes them out again. */
int offer_secrets_put(struct book *book, const struct json *offer, struct dd_error *err);
int offer_secrets_drop(struct book *book, const struct json *offer, struct dd_error *err);

#endif
