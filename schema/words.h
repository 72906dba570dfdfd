/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_WORDS_H
#define SCHEMA_WORDS_H

#include "schema/tree.h"

/* What a device is told by among its kind ("vdb", a MAC); nothing where it has nothing. Appends. */
void device_identity(const xmlNode *device, struct text *out);

/*
 * The name that a device has to itself within its kind: target, MAC, index. NULL for one that has
 * none and is only known by its place, such as a video card.
 */
const char *device_own_name(const xmlNode *device);

/* Have both such a name, and is it the same by the rules of their kind? */
bool device_same(const xmlNode *a, const xmlNode *b);

/* An <address> element as a person writes it: "pci 0000:05:00.0", "drive 0:0:0:1". Appends. */
void address_words(const xmlNode *address, struct text *out);

/* The address of a device that says where, and not only on what kind of bus; or NULL. */
const xmlNode *full_address(const xmlNode *device);

/* Is everything that part says true of whole? */
bool node_contains(const xmlNode *whole, const xmlNode *part);

/* Do two elements mean the same address? The flag multifunction is not part of one. */
bool address_same(const xmlNode *a, const xmlNode *b);

#endif
