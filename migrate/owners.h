/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_OWNERS_H
#define MIGRATE_OWNERS_H

/*
 * What the peers own by now, as they say themselves: where this host's book, or a remote, has not
 * heard of a migration.
 */

#include "migrate/peer.h"

struct owners {
	struct dd_host *host;
	struct owners_peer {
		char name[PEER_NAME_MAX];
		struct channel *channel; /* NULL: it does not answer */
	} * list;
	size_t count;
};

void owners_release(struct owners *owners);

/*
 * Connects to every peer that is trusted, but the one called except (NULL: none is), to all at
 * once. One that does not answer within two seconds is named in a warning.
 */
int owners_meet(
	struct owners *owners, struct dd_host *host, const char *except, struct dd_error *err);

/* Does somebody answer who is called so? */
bool owners_answers(struct dd_host *host, const char *name);

/*
 * *holder, which the caller frees: the peer that owns a domain with an epoch above that one, the
 * highest where several do; NULL: none says so.
 */
int owners_ask(struct owners *owners, const char *uuid, uint32_t epoch, char **holder,
	struct dd_error *err);

#endif
