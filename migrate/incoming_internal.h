/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_INCOMING_INTERNAL_H
#define MIGRATE_INCOMING_INTERNAL_H

/* What incoming.c and arrival.c share. */

#include "migrate/incoming.h"
#include "migrate/offer.h"

/* What was put aside of a domain that comes. DD_NOT_FOUND: nothing. */
int incoming_offer_read(
	struct dd_host *host, const char *uuid, struct json **out, struct dd_error *err);
void incoming_file_remove(struct dd_host *host, const char *uuid, const char *file);

/* op acts in the name of whoever moves the domain, as the source says. */
void incoming_act_as(struct operation *op, const struct json *offer);

/* Whatever there is of it goes, QEMU too, but for the row. */
void incoming_clear(struct operation *op);

#endif
