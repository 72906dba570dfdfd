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

/* When something may become what it is in the second. */
enum change_when {
	WHEN_RUNNING,  /* also while the guest runs */
	WHEN_SHUT_OFF, /* from its next start on */
	WHEN_NEVER,    /* not by itself: the device goes and another comes, or an upgrade says so */
};

struct change {
	enum change_kind kind;
	enum change_when when;
	bool visible;   /* the guest can see it */
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

/* The same for all but the devices, and for one device alone: as it was, and as it is. */
int document_diff_settings(const struct document *before, const struct document *after,
	struct changes *out, struct dd_error *err);
int device_diff(
	const xmlNode *before, const xmlNode *after, struct changes *out, struct dd_error *err);

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
