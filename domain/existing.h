/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_EXISTING_H
#define DOMAIN_EXISTING_H

/* Which domain of the book a definition is about. */

#include "domain/host.h"

/*
 * book_find() for somebody who names it: where it is not here any more, the error says who has it.
 */
int existing_named(
	struct dd_host *host, const char *domain, struct domain_row *row, struct dd_error *err);

/* By UUID, or by name. DD_NOT_FOUND for a new one. */
int existing_find(struct dd_host *host, const struct document *document, struct domain_row *row,
	struct dd_error *err);

/* DD_EXISTS where another domain that comes here from another host just now will be called so. */
int existing_coming_check(
	struct dd_host *host, const char *uuid, const char *name, struct dd_error *err);

/*
 * The same, and where the domain uuid would have the UUID of another, also of one that is gone, as
 * its name: by that nobody could mean it.
 */
int existing_name_check(
	struct dd_host *host, const char *uuid, const char *name, struct dd_error *err);

/* DD_EXISTS where given has the name of one domain and the UUID of another. */
int existing_check(
	const struct document *given, const struct domain_row *row, struct dd_error *err);

#endif
