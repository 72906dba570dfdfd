/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_FREEZE_H
#define SCHEMA_FREEZE_H

/*
 * Freezing: deciding, once, everything about a definition that a hypervisor would otherwise decide
 * again at each start. UUID, versioned machine type, CPU, default devices and controllers, MACs,
 * every address; in the order and at the places that libvirt 9 chooses. What is already there is
 * kept; a frozen document freezes to itself, byte for byte.
 */

#include "schema/capabilities.h"
#include "schema/document.h"

struct freeze_options {
	const struct capabilities *capabilities;
	bool keep_host_model; /* leave <cpu mode='host-model'> floating, as libvirt does */
};

/*
 * Freezes the document in place. On failure the document is in an undefined but releasable state.
 * DD_INVALID: contradicts itself (a duplicate address, a missing target…), with line and path.
 * DD_UNSUPPORTED: a machine type or device that the capabilities do not have.
 */
int document_freeze(
	struct document *document, const struct freeze_options *options, struct dd_error *err);

/*
 * Freezes one device that was just added to the <devices> of a frozen document: MAC, target,
 * address (its own vacated one if it had one, else one that was never used), and whatever
 * controller or hub it needs, which is added to the document too. live says that the guest is
 * running: then only places that can be hot-plugged are given out and DD_REFUSED says why there is
 * none.
 */
int device_freeze(struct document *document, xmlNode *device, bool live,
	const struct freeze_options *options, struct dd_error *err);

/*
 * Checks that a definition does not contradict itself: duplicate addresses, targets, MACs and
 * aliases, missing controllers, values out of range. document_freeze ends with it.
 */
int document_check(
	const struct document *document, const struct capabilities *caps, struct dd_error *err);

#endif
