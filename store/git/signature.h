/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SIGNATURE_H
#define STORE_SIGNATURE_H

/* What key_sign() made, read again: who signed, and does it hold? */

#include "store/key/key.h"

#define SIGNATURE_HEAD "-----BEGIN SSH SIGNATURE-----"

enum signature_state {
	SIGNATURE_GOOD,
	SIGNATURE_MISSING,   /* there is none */
	SIGNATURE_MALFORMED, /* not of the form that key_sign() gives it */
	SIGNATURE_FALSE,     /* made over something else */
};

/*
 * The armour's lines may be set in by spaces. signer is set where the state is GOOD or FALSE. Any
 * thread, once libsodium was started (key_start).
 */
enum signature_state signature_check(const char *armour, size_t size, const void *data,
	size_t data_size, unsigned char signer[KEY_PUBLIC_SIZE]);

#endif
