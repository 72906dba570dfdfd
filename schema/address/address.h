/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_ADDRESS_ADDRESS_H
#define SCHEMA_ADDRESS_ADDRESS_H

/*
 * Places on buses. Each bus has one allocator beside this file; here is what they share: reading
 * an <address>, telling whether somebody has it, and the addresses that detached devices left.
 *
 * A place is known by its words, such as "usb 0:1.2", "scsi 0:0:0:3" or "pci 0000:05:00.0". A drive
 * address means another place on another bus, so its words begin with the bus of its device.
 *
 * Who looks for a place asks at first for one that nobody has and nobody left (PLACE_NEW), and only
 * where there is none for one that nobody has (PLACE_FREE).
 */

#include "schema/device/kind.h"

enum place_choice {
	PLACE_NEW,
	PLACE_FREE,
	PLACE_NAMED, /* where the device's name says: whoever has it is found by the check */
};

/* The type of the device's own <address>, or NULL. */
const char *address_type(const xmlNode *device);

/* No <address>, or one that says no more than its type. */
bool address_wanted(const xmlNode *device, const char *type);

/* The device's <address> of that type, made where there is none; NULL when out of memory. */
xmlNode *address_make(xmlNode *device, const char *type, struct dd_error *err);

/* Appends the place that the element address of device means; nothing where it means none. */
void place_words(const xmlNode *device, const xmlNode *address, struct text *out);

/* The device that has the place, except for one; NULL where nobody does. */
xmlNode *address_owner(const struct document *document, const char *words, const xmlNode *except);

/*
 * Gives the device back the address that it left when it was detached, where it left one and nobody
 * has it now. *given says so.
 */
int address_return(struct document *document, xmlNode *device, bool *given, struct dd_error *err);

/* Forgets what was left at the place that the device now has. */
int address_settle(struct document *document, const xmlNode *device, struct dd_error *err);

/* The entries of <vacated>; NULL where there are none. Continue with node_next(). */
xmlNode *vacated_first(struct document *document);

/*
 * Assigns every address that is absent, in libvirt's order of buses. Drive and smart card places,
 * which say what controllers are needed, are given out before the others.
 */
int addresses_assign_drives(struct document *document, struct dd_error *err);
int addresses_assign(
	struct document *document, const struct freeze_options *options, struct dd_error *err);

/* Assigns or checks the address of one device in a frozen document, and adds what it needs. */
int address_assign(struct document *document, xmlNode *device, bool live,
	const struct freeze_options *options, struct dd_error *err);

/* The allocators for buses whose places depend on nothing but the document. */
int usb_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err);
int usb_check(const struct document *document, const xmlNode *device, struct dd_error *err);
int usb_assign_all(struct document *document, struct dd_error *err);
/* Has the bus of a drive address the target that it says? */
int drive_check(const struct document *document, const xmlNode *device, struct dd_error *err);
int drive_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err);
/* Of all disks and host devices; these are looked for a place once, not each from the start. */
int drive_assign_all(struct document *document, struct dd_error *err);
int serial_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err);
int serial_assign_all(struct document *document, struct dd_error *err);
int isa_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err);
int spapr_assign_all(struct document *document, struct dd_error *err);
int dimm_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err);
int ccid_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err);

#endif
