/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_KEY_H
#define STORE_KEY_H

/*
 * The host's Ed25519 key and the signatures made with it, in OpenSSH's own formats, so that
 * ssh-keygen and git understand both.
 *
 *   keys/host             openssh-key-v1, no passphrase, 0600
 *   keys/host.pub         one line, "ssh-ed25519 BASE64 COMMENT"
 *   keys/allowed_signers  one line a key, 'PRINCIPAL namespaces="git" ssh-ed25519 BASE64'
 *
 * Facts from OpenSSH's PROTOCOL.key and PROTOCOL.sshsig.
 */

#include "base/text.h"

#define KEY_TYPE "ssh-ed25519"
#define KEY_PUBLIC_SIZE 32

struct key; /* its secret half is in locked memory and wiped when released */

/* Starts libsodium, as all others here do by themselves. */
int key_start(struct dd_error *err);

/* DD_NOT_FOUND, DD_REFUSED (others may read it), DD_CORRUPT, DD_SYSTEM. */
int key_load(const char *path, struct key **out, struct dd_error *err);
void key_release(struct key *key);
CLEANUP_DEFINE(key, struct key *, key_release)

void key_public(const struct key *key, unsigned char out[KEY_PUBLIC_SIZE]);

/* "ssh-ed25519 BASE64" as in host.pub, and "SHA256:…" as ssh-keygen -l shows it. */
#define KEY_WORDS_SIZE 128
void key_words(const unsigned char open[KEY_PUBLIC_SIZE], char out[KEY_WORDS_SIZE]);
void key_fingerprint(const unsigned char open[KEY_PUBLIC_SIZE], char out[KEY_WORDS_SIZE]);
/* The first key in a line such as those of host.pub and allowed_signers; false: there is none. */
bool key_words_read(const char *line, unsigned char out[KEY_PUBLIC_SIZE]);

/* Makes what is missing of the three files in the folder; principal is "domesday@HOST". */
int key_make(const char *folder, const char *principal, struct dd_error *err);

/* A new key, in a file that is replaced where it is there. */
int key_generate(const char *path, const char *comment, struct dd_error *err);
/* Writes keys/host. */
int key_save(const struct key *key, const char *path, const char *comment, struct dd_error *err);
/* Writes host.pub, one line with the comment. */
int key_publish(const struct key *key, const char *path, const char *comment, struct dd_error *err);

/*
 * Appends an armoured signature (SSHSIG, namespace "git", SHA-512) over data, lines ended by \n,
 * the last one too.
 */
int key_sign(const struct key *key, const void *data, size_t size, struct text *out,
	struct dd_error *err);

/*
 * A plain Ed25519 signature for another host, by which this one shows in a conversation of theirs
 * that it is who it says it is. It is over KEY_VOUCH_PREFIX, its NUL and the data, so that nobody
 * can make it out to be one over a commit, which begins with "SSHSIG", or the other way round.
 */
#define KEY_VOUCH_PREFIX "domesday-peer-1"
#define KEY_VOUCH_MAX 256 /* bytes of data */
#define KEY_SIGNATURE_SIZE 64
int key_vouch(const struct key *key, const void *data, size_t size,
	unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err);
bool key_vouched(const unsigned char open[KEY_PUBLIC_SIZE], const void *data, size_t size,
	const unsigned char signature[KEY_SIGNATURE_SIZE]);

#endif
