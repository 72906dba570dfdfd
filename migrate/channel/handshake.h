/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_HANDSHAKE_H
#define MIGRATE_HANDSHAKE_H

/*
 * How two hosts that have never met on this connection come to have keys that nobody else has, each
 * knowing whose other end it is. Pure: bytes in, bytes out. Of the family of SIGMA-I (Krawczyk
 * 2003):
 *
 *   1. caller  MAGIC, version, ciphers it can, fresh X25519 key
 *   2. called  MAGIC, version, the cipher taken, fresh X25519 key,
 *              sealed: its identity, and its signature over 'R', all that went before, its identity
 *   3. caller  sealed: its identity, and its signature over 'I', all that went before, its identity
 *   4. called  sealed: whether it knows the caller
 *
 * What is sealed is so under keys from the two fresh ones (BLAKE2b, crypto_kdf), a direction each,
 * with a hash of all that went before authenticated; the keys of the frames come from the same
 * secret and the hash of 1 to 3. The fresh keys are forgotten with the handshake, so that who gets
 * at a host's key later can read nothing that was said before. Both sign both fresh keys, so that
 * nothing that was recorded is of use again. The caller shows who it is after the called has
 * proved to be whom it expects, and to that one only.
 *
 * Every message has one size, so that a stranger can make us keep that much and no more. The first
 * HANDSHAKE_HEAD bytes are alike in every version, which is how another one is told by its number.
 */

#include <stdbool.h>

#include "migrate/channel/frame.h"
#include "store/key/key.h"

#define HANDSHAKE_VERSION 1
#define HANDSHAKE_MOST 256 /* more than any message has */

enum handshake_verdict {
	VERDICT_KNOWN = 0,
	VERDICT_UNKNOWN = 1,
	VERDICT_REVOKED = 2,
};

/* Who this host is. Asked when it is needed, so that a stranger's noise costs nothing. */
struct handshake_self {
	int (*identity)(void *context, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err);
	int (*vouch)(void *context, const void *data, size_t size,
		unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err);
	void *context;
	const char *name; /* this host's, for what messages tell the operator to type elsewhere */
};

struct handshake_bytes {
	unsigned char data[HANDSHAKE_MOST];
	size_t size;
};

enum handshake_state {
	HANDSHAKE_HEARS,    /* as many bytes as handshake_wants() says are to be fed to it */
	HANDSHAKE_JUDGES,   /* called: the caller has proved its key; handshake_judge() */
	HANDSHAKE_DONE,     /* there are keys */
	HANDSHAKE_NO_CALLER /* asked for the key alone, it has it and says no more */
};

struct handshake; /* in locked memory; wiped when released */

/*
 * To call. expected: whose answer is wanted; NULL: whoever answers, whose key is all that is asked
 * for. self is not needed then, and is copied otherwise. out: message 1. ciphers: of
 * ciphers_here().
 */
int handshake_call(const struct handshake_self *self, const unsigned char *expected,
	unsigned ciphers, struct handshake **handshake, struct handshake_bytes *out,
	struct dd_error *err);
/* To be called. */
int handshake_answer(const struct handshake_self *self, unsigned ciphers,
	struct handshake **handshake, struct dd_error *err);
void handshake_free(struct handshake *handshake); /* NULL does nothing */
CLEANUP_DEFINE(handshake, struct handshake *, handshake_free)

enum handshake_state handshake_state(const struct handshake *handshake);
size_t handshake_wants(const struct handshake *handshake);

/*
 * Takes the next handshake_wants() bytes; what is to be sent then is in *out, which may be nothing,
 * and is to be sent after a failure, too. After a failure it is of no more use. DD_CORRUPT: no
 * handshake, or changed on its way. DD_UNSUPPORTED: another version. DD_REFUSED: not whom we
 * expected, or it does not want us. Or what self said.
 */
int handshake_hear(struct handshake *handshake, const unsigned char *bytes,
	struct handshake_bytes *out, struct dd_error *err);

/* The other's key, once it is proved; NULL before. */
const unsigned char *handshake_peer(const struct handshake *handshake);

/* In HANDSHAKE_JUDGES: *out is sent, and then it is done; DD_REFUSED where it is not to go on. */
int handshake_judge(struct handshake *handshake, enum handshake_verdict verdict,
	struct handshake_bytes *out, struct dd_error *err);

/* In HANDSHAKE_DONE: the keys of what is sent and of what comes, the caller's. DD_NO_MEMORY. */
int handshake_keys(const struct handshake *handshake, struct frame_key *send,
	struct frame_key *receive, struct dd_error *err);

#endif
