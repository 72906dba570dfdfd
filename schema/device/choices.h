/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEVICE_CHOICES_H
#define SCHEMA_DEVICE_CHOICES_H

/*
 * Attributes whose value is one of a few words, or that have to be there. A kind lists its own in
 * the column choices, ended by a row without a path.
 */

#include "schema/tree.h"

struct choice {
	const char *path;   /* "driver/@cache": an attribute of the device or of its children */
	const char *words;  /* apart by a space; NULL: any */
	const char *silent; /* the one that means the same as saying nothing, and goes; or NULL */
	bool required;      /* of an element that is there */
};

/* Refuses a word that is none of them or is missing, and drops the silent ones. rows may be NULL.
 */
int choices_apply(xmlNode *device, const struct choice *rows, struct dd_error *err);

#endif
