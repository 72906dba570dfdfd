/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "migrate/channel/handshake.h"

#define MESSAGES 4
#define EDIT_SIZE 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every party has the key that comes from this seed. */
static unsigned char open_key[KEY_PUBLIC_SIZE], secret[crypto_sign_SECRETKEYBYTES];

static int identity(void *context, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	(void)context;
	(void)err;
	memcpy(key, open_key, sizeof open_key);
	return 0;
}

static int vouch(void *context, const void *data, size_t size,
	unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err)
{
	unsigned char message[sizeof KEY_VOUCH_PREFIX + KEY_VOUCH_MAX];

	(void)context;
	(void)err;
	memcpy(message, KEY_VOUCH_PREFIX, sizeof KEY_VOUCH_PREFIX);
	memcpy(message + sizeof KEY_VOUCH_PREFIX, data, size);
	crypto_sign_detached(signature, NULL, message, sizeof KEY_VOUCH_PREFIX + size, secret);
	return 0;
}

static const struct handshake_self self = {.identity = identity, .vouch = vouch, .name = "alpha"};

/* Whatever comes, and nobody who speaks the protocol: it gets nowhere, and says why. */
static void noise(bool calls, const uint8_t *data, size_t size)
{
	CLEANUP(handshake) struct handshake *handshake = NULL;
	struct handshake_bytes out;
	struct dd_error err = {0};
	int rc = calls ? handshake_call(&self, open_key, CIPHERS_KNOWN, &handshake, &out, &err)
		       : handshake_answer(&self, CIPHERS_KNOWN, &handshake, &err);

	while (!rc && handshake_wants(handshake) && size >= handshake_wants(handshake)) {
		size_t wants = handshake_wants(handshake);

		rc = handshake_hear(handshake, data, &out, &err);
		data += wants;
		size -= wants;
	}
	assert(rc <= 0 && (!rc || err.message[0]));
	assert(!handshake_peer(handshake));
}

/* Changes bytes of message number; true where that made it another one. */
static bool meddle(
	const uint8_t *edits, size_t size, size_t number, struct handshake_bytes *message)
{
	const struct handshake_bytes before = *message;

	for (; size >= EDIT_SIZE; edits += EDIT_SIZE, size -= EDIT_SIZE)
		if (edits[0] % MESSAGES == number && edits[1] < message->size)
			message->data[edits[1]] ^= edits[2];
	return memcmp(before.data, message->data, message->size) != 0;
}

static int hear(struct handshake *handshake, const struct handshake_bytes *message,
	struct handshake_bytes *answer)
{
	size_t at = 0;
	int rc = 0;

	answer->size = 0;
	while (!rc && at < message->size && handshake_wants(handshake)) {
		size_t wants = handshake_wants(handshake);

		assert(message->size - at >= wants);
		rc = handshake_hear(handshake, message->data + at, answer, NULL);
		at += wants;
	}
	return rc;
}

/* Two that speak it, and somebody in between: one changed byte, and it comes to nothing. */
static void between(const uint8_t *edits, size_t size)
{
	CLEANUP(handshake) struct handshake *calls = NULL;
	CLEANUP(handshake) struct handshake *answers = NULL;
	struct handshake_bytes message, answer;
	bool changed = false;
	int rc = handshake_call(&self, open_key, CIPHERS_KNOWN, &calls, &message, NULL);

	if (!rc)
		rc = handshake_answer(&self, CIPHERS_KNOWN, &answers, NULL);
	for (size_t i = 0; !rc && i < MESSAGES; i++) {
		changed |= meddle(edits, size, i, &message);
		rc = hear(i % 2 ? calls : answers, &message, &answer);
		if (!rc && handshake_state(answers) == HANDSHAKE_JUDGES)
			rc = handshake_judge(answers, VERDICT_KNOWN, &answer, NULL);
		message = answer;
	}
	assert(changed ? rc < 0 : calls && handshake_state(calls) == HANDSHAKE_DONE);
}

/*
 * The first byte says what the rest is: 0 what a stranger says to a host, 1 what one says that was
 * called, otherwise edits of a sound handshake: message, byte, and what is changed in it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char seed[crypto_sign_SEEDBYTES] = {1};

	if (key_start(NULL) || !size)
		return 0;
	crypto_sign_seed_keypair(open_key, secret, seed);
	if (data[0] < 2)
		noise(data[0], data + 1, size - 1);
	else
		between(data + 1, size - 1);
	return 0;
}
