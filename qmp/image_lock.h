/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_IMAGE_LOCK_H
#define QMP_IMAGE_LOCK_H

/* Who writes to an image, by the locks that every QEMU takes on its images. */

#include "base/error.h"

#include <stdbool.h>

/* Does any QEMU have it open to write, or somebody hold it? DD_SYSTEM: it cannot be opened. */
int image_written(const char *path, bool *found, struct dd_error *err);

/*
 * Takes part in it as a QEMU does that writes and lets nobody else: until *fd is closed no QEMU can
 * open the image to write, on this host or on another, and image_written() says true. Nothing is
 * written. DD_BUSY: somebody writes to it. DD_REFUSED: it is no regular file, whose locks would be
 * this host's alone.
 */
int image_hold(const char *path, int *fd, struct dd_error *err);

#endif
