/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_EDIT_INTERNAL_H
#define SCHEMA_EDIT_INTERNAL_H

#include "schema/edit.h"

/* DD_REFUSED, naming who, when another device needs this one or every machine has it. */
int detach_check(const struct document *document, const xmlNode *device, struct dd_error *err);

/* Does a device's address lead to that controller? */
bool edit_plugged_into(const xmlNode *device, const xmlNode *controller);

/* The rest of every edit: canonical form, and a definition that does not contradict itself. */
int edit_finish(
	struct document *document, const struct freeze_options *options, struct dd_error *err);

#endif
