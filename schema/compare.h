/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_COMPARE_H
#define SCHEMA_COMPARE_H

/*
 * Walks two definitions side by side and reports each property that differs. What is said in words
 * about it (diff), and whether it may differ (abi, edit), is for others.
 */

#include "schema/diff.h"

#define PLACE_SIZE NODE_PATH_SIZE

struct difference {
	enum change_kind kind;
	/* the device that it is about, on either side; both NULL for CHANGE_SETTING */
	const xmlNode *device_before;
	const xmlNode *device_after;
	/* the element with the property, NULL on the side that does not have the element */
	const xmlNode *before;
	const xmlNode *after;
	/* the attribute that differs; NULL for the text, or the whole element (address, metadata…)
	 */
	const char *attribute;
	bool whole;
	/* like siblings are the same ones in another order; before and after are the first ones */
	bool order;
	/* within the device or the domain, without indexes: "source/@file", "os/type/@machine" */
	const char *place;
};

/* 0 goes on, anything else ends the walk and is returned. The difference is valid in the call. */
typedef int (*difference_fn)(const struct difference *difference, void *context);

/* An element of the second, and the one of the first that it is held against; NULL: none. */
typedef void (*held_fn)(const xmlNode *before, const xmlNode *after, void *context);

/*
 * As compare_documents; held is told besides of each element of the second whose properties are
 * compared one by one, and so not of what is equal or differs as a whole.
 */
int compare_documents_held(const struct document *before, const struct document *after,
	difference_fn visit, held_fn held, void *context, struct dd_error *err);

/* Only the elements called like one of the second: a child of <domain> or of <devices>. */
int compare_likes_held(const struct document *before, const struct document *after,
	const xmlNode *like, difference_fn visit, held_fn held, void *context,
	struct dd_error *err);

int compare_documents(const struct document *before, const struct document *after,
	difference_fn visit, void *context, struct dd_error *err);

/* Only CHANGE_SETTING: everything but the devices. */
int compare_settings(const struct document *before, const struct document *after,
	difference_fn visit, void *context, struct dd_error *err);

/* Only CHANGE_UPDATED, of one device. */
int compare_devices(const xmlNode *before, const xmlNode *after, difference_fn visit, void *context,
	struct dd_error *err);

/*
 * What tells an element from like siblings (a feature's name, a vCPU's number), and the attribute
 * that says it. NULL where only its place does.
 */
const char *element_key(const xmlNode *node, const char **attribute);

/* Is it one of a list: has it siblings of its own name, or could have? */
bool element_is_many(const xmlNode *node);

/* Is it the order of devices? They are all children of one element, and belong to none. */
bool order_of_devices(const struct difference *difference);

/* Is it an order that says nothing, as each has a name or an address of its own to be found by? */
bool order_is_free(const struct difference *difference);

/* The place in a NULL-terminated list (or NULL) that place is or is below; NULL: none. */
const char *place_listed(const char *place, const char *const *list);

#endif
