/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_IMAGE_H
#define QMP_IMAGE_H

/* Images that are made anew, with nothing in them yet. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct image {
	const char *path;           /* where nothing is yet */
	const char *format;         /* one that image_can_create() knows */
	uint64_t size;              /* bytes that the guest sees */
	const char *backing;        /* path of the image that it builds on, or NULL */
	const char *backing_format; /* with backing */
};

/* Bytes that the guest sees of one that is there; 0: that cannot be told of its format. */
uint64_t image_size(const char *path, const char *format);

/* How many snapshots it has within itself, which nobody sees who only reads it. */
unsigned image_snapshots(const char *path, const char *format);

bool image_can_create(const char *format);

/*
 * Makes one, 0600, of the owner of its folder, with the help of emulator where its format needs
 * that. DD_EXISTS: something is there; DD_NOT_FOUND: there is no such folder. After any failure
 * nothing is there that was not before.
 */
int image_create(const char *emulator, const struct image *image, struct dd_error *err);

#endif
