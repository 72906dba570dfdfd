/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DIFF_H
#define SCHEMA_DIFF_H

/*
 * What differs between two definitions, in devices and settings, never in lines. Devices are
 * matched as in document_match_device; a matched device that differs gives one change per
 * differing property.
 */

#include "schema/document.h"

enum change_kind {
	CHANGE_ATTACHED, /* a device that only the second has */
	CHANGE_DETACHED, /* a device that only the first has */
	CHANGE_UPDATED,  /* a property of a device that both have */
	CHANGE_SETTING,  /* anything outside <devices> */
};

struct change {
	enum change_kind kind;
	char *device;   /* "disk vdb", "interface 52:54:00:…"; NULL for CHANGE_SETTING */
	char *path;     /* element path in the document that has it */
	char *before;   /* value or element text; NULL where there was none */
	char *after;    /* value or element text; NULL where there is none */
	char *sentence; /* "disk vdb attached: /images/data.qcow2, pci 0000:05:00.0" */
};

struct changes {
	struct change *items;
	size_t count;
};

#define CHANGES_INIT          \
	{                     \
		.items = NULL \
	}

/* Appends to out. An equal pair gives none. */
int document_diff(const struct document *before, const struct document *after, struct changes *out,
	struct dd_error *err);

void changes_release(struct changes *changes);
static inline void cleanup_changes(struct changes *changes)
{
	changes_release(changes);
}

/*
 * The device in a few words, for subjects and messages: "disk vdb", "interface 52:54:00:…",
 * "controller usb 0", "input mouse ps2". Appends to out.
 */
void device_words(const xmlNode *device, struct text *out);

/* Where it is and what is behind it: "/images/data.qcow2, pci 0000:05:00.0". Appends to out. */
void device_details(const xmlNode *device, struct text *out);

#endif
