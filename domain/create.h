/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_CREATE_H
#define DOMAIN_CREATE_H

/* A domain comes to be, from a frozen definition. */

#include "domain/operation.h"

/*
 * Version 1, or of a domain that is gone the next; outcome->config is the frozen definition. change
 * may be NULL; where it has an if_version, that is the version that the domain is at, shut off or
 * gone, and its history goes on. DD_EXISTS: the domain is there, or its name is another's.
 */
int domain_create(struct dd_host *host, const char *operation, const struct outcome *outcome,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);

#endif
