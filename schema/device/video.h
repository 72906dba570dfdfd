/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEVICE_VIDEO_H
#define SCHEMA_DEVICE_VIDEO_H

#include "schema/device/kind.h"

/* The card that firmware draws on; NULL where there is none. */
xmlNode *video_primary(const struct document *document);

/* Puts the primary card first and marks it. */
int video_mark_primary(struct document *document, struct dd_error *err);

#endif
