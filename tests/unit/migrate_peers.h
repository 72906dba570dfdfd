/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_PEERS_H
#define MIGRATE_PEERS_H

/* What the tests of the peer channel share: hosts with keys of their own, and no book. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/channel/channel.h"

struct party {
	unsigned char key[KEY_PUBLIC_SIZE];
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	bool lies; /* names the key of another, without having it */
	unsigned char claimed[KEY_PUBLIC_SIZE];
	unsigned asked; /* how often anything was asked of it */
};

static inline int party_identity(
	void *context, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	struct party *party = context;

	(void)err;
	party->asked++;
	memcpy(key, party->lies ? party->claimed : party->key, KEY_PUBLIC_SIZE);
	return 0;
}

static inline int party_vouch(void *context, const void *data, size_t size,
	unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err)
{
	unsigned char message[sizeof KEY_VOUCH_PREFIX + KEY_VOUCH_MAX];
	struct party *party = context;

	(void)err;
	party->asked++;
	memcpy(message, KEY_VOUCH_PREFIX, sizeof KEY_VOUCH_PREFIX);
	memcpy(message + sizeof KEY_VOUCH_PREFIX, data, size);
	crypto_sign_detached(
		signature, NULL, message, sizeof KEY_VOUCH_PREFIX + size, party->secret);
	return 0;
}

static inline void party_init(struct party *party)
{
	memset(party, 0, sizeof *party);
	crypto_sign_keypair(party->key, party->secret);
}

static inline struct handshake_self party_self(struct party *party)
{
	return (struct handshake_self){.identity = party_identity,
		.vouch = party_vouch,
		.context = party,
		.name = "alpha"};
}

#endif
