/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_INSTANCE_H
#define DOMAIN_INSTANCE_H

/*
 * Which QEMU of a domain. A start makes the first one, and each migration within the host the next
 * one, which exists beside it for a while; so each has a number and a folder of its own, in which
 * all of its sockets are:
 *
 *   BOOK/run/UUID      of the first
 *   BOOK/run/UUID/N    of the Nth, from 2 on
 *
 * Which of them has the domain says the index (struct runtime), and where that says nothing a QEMU
 * that lives.
 */

#include "domain/host.h"

#define INSTANCE_FIRST 1u

/* The folder of an instance. The caller frees it. */
int instance_folder(struct dd_host *host, const char *uuid, unsigned instance, char **out,
	struct dd_error *err);

/*
 * Of a domain as the index has it: the instance that has it, and (out may be NULL) its folder; the
 * first one where none lives. The caller frees *out.
 */
int instance_find(struct dd_host *host, const struct domain_row *row, unsigned *instance,
	char **out, struct dd_error *err);

/* Ends every QEMU of the domain, whatever the index says. */
int instance_end_all(struct dd_host *host, const char *uuid, struct dd_error *err);

/* What QEMUs have left that are gone is removed; but for what the first one and kept left. */
void instance_clean(struct dd_host *host, const char *uuid, unsigned kept);

#endif
