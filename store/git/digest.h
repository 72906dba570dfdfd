/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_DIGEST_H
#define STORE_DIGEST_H

#include <stddef.h>

#define DIGEST_SIZE 65 /* of a SHA-256 in hexadecimal, and the NUL */

/* The SHA-256 of bytes, as sha256sum prints it. */
void digest_hex(const void *data, size_t size, char out[DIGEST_SIZE]);

#endif
