/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_WISHES_H
#define MIGRATE_WISHES_H

/*
 * What is to be otherwise at the destination: a domain's definitions as they will be there, from
 * those that it has at the source and from what the user asked for, an object of
 *
 *   maps             array of "KIND:FROM=TO" (schema/retarget.h), WISHES_MAPS_MAX at most
 *   xml              the definition that the guest is to run with
 *   persistent_xml   the one for its next start; otherwise that is what it runs with
 *   name             another name
 *   postcopy         true: it may come by post-copy
 *   transport        "tls": its state comes by QEMU's own connection (door.h)
 *   paused           true: it is not to go on by itself
 *   copy_storage     true: disks that are not there are copied (storage.h)
 *   overwrite_storage  true: to images that are there, too
 *   unsafe           true: what may be shared is, whatever speaks against it
 *
 * of which each may be missing. A definition is never a replacement: it is what the record becomes
 * by edits, and of the guest that runs nothing changes that it can see.
 */

#include <domesday/migrate.h>

#include "domain/operation.h"
#include "migrate/hook.h"
#include "qmp/json.h"

#define WISHES_MAPS_MAX 64

struct wished {
	struct document *config;
	struct document *live; /* NULL without a guest */
};

void wished_release(struct wished *wished);
static inline void cleanup_wished(struct wished *wished)
{
	wished_release(wished);
}

/* The object. NULL: no memory. */
struct json *wishes_new(const struct dd_migrate_options *options);

/*
 * op->config: the recorded definition. live: that of the guest at the source, as
 * document_strip_place() leaves it; or NULL. Secrets that come with the wishes are op's to store.
 * hook: has the last word on the definition that the guest runs with, or that is recorded where
 * there is none; NULL: nobody is asked. DD_INVALID names the wish; DD_REFUSED: the guest would see
 * it, or the hook refuses.
 */
int wishes_grant(struct operation *op, const struct json *wishes, const struct document *live,
	const struct hook *hook, struct wished *out, struct dd_error *err);

#endif
