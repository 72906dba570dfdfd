/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_RECOVER_H
#define DOMAIN_RECOVER_H

/*
 * Settling what a holder of the domain's job lock left when it died. QEMU is asked what it has;
 * what is there is carried to its end, what is not is undone.
 */

#include "domain/journal_detail.h"

/* op holds the lock and is loaded. *settled: there was something, and the index may have changed.
 */
int recover_settle(struct operation *op, bool *settled, struct dd_error *err);

/*
 * A migration is settled with the other host's help, by the room that knows how: it says here by
 * whom, before there are threads. op acts in the name of whoever began it, and has the row's id.
 */
typedef int recover_migration_fn(
	struct operation *op, const struct json *detail, struct dd_error *err);
void recover_migrations_with(recover_migration_fn *settle);

#endif
