/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEVICE_CHOICES_H
#define SCHEMA_DEVICE_CHOICES_H

/*
 * Attributes whose value is one of a few words. A kind lists its own in the column choices, ended
 * by a row without a path.
 */

#include "schema/tree.h"

struct choice {
	const char *path;   /* "driver/@cache": an attribute of the device or of its children */
	const char *words;  /* apart by a space */
	const char *silent; /* the one that means the same as saying nothing, and goes; or NULL */
};

/* Refuses a word that is none of them, and drops the silent ones. rows may be NULL. */
int choices_apply(xmlNode *device, const struct choice *rows, struct dd_error *err);

#endif
