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

#define KEY_PUBLIC_SIZE 32

struct key; /* its secret half is in locked memory and wiped when released */

/* DD_NOT_FOUND, DD_REFUSED (others may read it), DD_CORRUPT, DD_SYSTEM. */
int key_load(const char *path, struct key **out, struct dd_error *err);
void key_release(struct key *key);
CLEANUP_DEFINE(key, struct key *, key_release)

/* Makes what is missing of the three files in the folder; principal is "domesday@HOST". */
int key_make(const char *folder, const char *principal, struct dd_error *err);

/*
 * Appends an armoured signature (SSHSIG, namespace "git", SHA-512) over data, lines ended by \n,
 * the last one too.
 */
int key_sign(const struct key *key, const void *data, size_t size, struct text *out,
	struct dd_error *err);

#endif
