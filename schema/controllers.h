/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CONTROLLERS_H
#define SCHEMA_CONTROLLERS_H

/*
 * Controllers: finding, numbering and ordering them, and adding those that a machine has or a
 * device needs. In a definition to be frozen those of one type are put together by index, since
 * they get their addresses in this order; those that are added then stand at the end.
 */

#include "schema/freeze.h"

/* The first controller of a type, and the next of the same type. */
xmlNode *controller_first(const struct document *document, const char *type);
xmlNode *controller_next(const xmlNode *controller);

/* By their indexes: the one after controller, of NULL the first. Those without one come not. */
xmlNode *controller_after(
	const struct document *document, const char *type, const xmlNode *controller);

/* Those that SCSI devices of the host name: they come before the machine's own. */
int controllers_add_for_host_devices(struct document *document, struct dd_error *err);

xmlNode *controller_find(const struct document *document, const char *type, unsigned index);
unsigned controller_index(const xmlNode *controller); /* CONTROLLER_INDEX_NONE: has none */

/* Adds a controller at the end. model may be NULL. */
int controller_add(struct document *document, const char *type, unsigned index, const char *model,
	xmlNode **out, struct dd_error *err);

/* Adds it where there is none of that type and index. */
int controller_ensure(struct document *document, const char *type, unsigned index,
	const char *model, struct dd_error *err);

/* Gives every controller without an index the lowest free one, and sorts the list. */
int controllers_number(struct document *document, struct dd_error *err);

/* Is it one of the USB 1 companions of an EHCI controller? */
bool controller_is_companion(const xmlNode *controller);

/* Says at which ports of its master a USB 1 companion starts. */
int controller_fill_master(xmlNode *controller, struct dd_error *err);

/* Adds the controllers that every machine of this type has. */
int controllers_add_machine(struct document *document, struct dd_error *err);

/* Adds the controllers that the addresses of the devices call for; the PCI ones excepted. */
int controllers_add_needed(struct document *document, struct dd_error *err);

#endif
