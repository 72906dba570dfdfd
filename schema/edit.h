/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_EDIT_H
#define SCHEMA_EDIT_H

/*
 * The only ways in which a frozen definition changes. Each takes the document from one canonical,
 * frozen, checked state to the next, or fails and leaves it releasable but undefined: callers edit
 * a copy.
 */

#include "schema/freeze.h"
#include "schema/name.h"

/*
 * Adds a device, frozen, behind its like; a disk among those of its bus by its target, a port by
 * its number. *attached points into document. DD_EXISTS: target, MAC… in use, says by whom.
 */
int edit_attach(struct document *document, const struct document *device, bool live,
	const struct freeze_options *options, xmlNode **attached, struct dd_error *err);

/*
 * Removes a device; its address becomes vacated. The first serial port takes the console that
 * stands for it along. DD_REFUSED for one that others need (a controller in use) or that every
 * machine has.
 */
int edit_detach(struct document *document, xmlNode *device, struct dd_error *err);

/*
 * After the last of the detaches that belong together: DD_REFUSED, naming who, when what is left
 * needs what has gone (a SPICE channel the last SPICE screen). In between it may.
 */
int edit_detached(const struct document *document, const struct freeze_options *options,
	struct dd_error *err);

/*
 * Changes the properties of the device that device means (document_match_device) to what it says,
 * where the ABI allows it. What it is silent about stays, but for the medium of a drive whose
 * medium can change: saying none ejects it. An element that can change as a whole is replaced as a
 * whole, and taken away by saying it empty (<iotune/>). live: only what can change while the guest
 * runs. *updated points into document. DD_REFUSED names the path that may not change.
 */
int edit_update(struct document *document, const struct document *device, bool live,
	const struct freeze_options *options, xmlNode **updated, struct dd_error *err);

/*
 * Memory in KiB: maximum sets <memory> (shut off only: the caller knows), otherwise
 * <currentMemory>. vCPUs: maximum sets <vcpu>, otherwise its current attribute.
 */
int edit_memory(struct document *document, uint64_t kib, bool maximum, struct dd_error *err);
int edit_vcpus(struct document *document, unsigned count, bool maximum,
	const struct freeze_options *options, struct dd_error *err);

/* New name; DD_INVALID where name_check refuses it. */
int edit_rename(struct document *document, const char *name, struct dd_error *err);

/* element is "title" or "description"; NULL or "" removes it. A title is one line. */
int edit_text(
	struct document *document, const char *element, const char *text, struct dd_error *err);

/*
 * Sets the child of <metadata> that belongs to the namespace uri: xml is one element (put into the
 * namespace under prefix key if it has none), NULL removes. DD_NOT_FOUND when removing none.
 */
int edit_metadata(struct document *document, const char *uri, const char *key, const char *xml,
	struct dd_error *err);

/*
 * May a guest that has seen before be given after instead? Compares everything that a guest can
 * see. DD_REFUSED names the first path and both values.
 */
int abi_check(const struct document *before, const struct document *after, struct dd_error *err);

#endif
