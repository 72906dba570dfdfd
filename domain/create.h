/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_CREATE_H
#define DOMAIN_CREATE_H

/* A domain comes to be, from a frozen definition. */

#include "domain/operation.h"

struct creation {
	const char *operation; /* "define" */
	const char *subject;
	bool autostart;
	const struct trailer *trailers; /* further ones */
	size_t trailer_count;
};

/*
 * Version 1, or of a domain that is gone the next. change may be NULL. DD_EXISTS: the domain is
 * there, or its name is another's.
 */
int domain_create(struct dd_host *host, const struct document *frozen,
	const struct creation *creation, const struct dd_change *change, struct dd_result *result,
	struct dd_error *err);

#endif
