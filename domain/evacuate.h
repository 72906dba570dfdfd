/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_EVACUATE_H
#define DOMAIN_EVACUATE_H

#include <domesday.h>

/* Hosts that can be asked themselves: the remote may not have heard yet of where a domain went. */
struct elsewhere {
	/*
	 * Who has the domain now, with an epoch above that one: *holder, which the caller frees, or
	 * NULL where nobody says so. An error ends the evacuation before anything is taken.
	 */
	int (*ask)(void *context, const char *uuid, uint32_t epoch, char **holder,
		struct dd_error *err);
	void *context;
};

/* dd_evacuate(), with them. */
int evacuate(struct dd_host *host, const struct dd_evacuation *evacuation,
	const struct elsewhere *elsewhere, const struct dd_change *change,
	dd_evacuated_fn evacuated, void *context, struct dd_error *err);

#endif
