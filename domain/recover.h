/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_RECOVER_H
#define DOMAIN_RECOVER_H

/*
 * Settling what a holder of the domain's job lock left when it died. QEMU is asked what it has;
 * what is there is carried to its end, what is not is undone.
 */

#include "domain/operation.h"

/* op holds the lock and is loaded. *settled: there was something, and the index may have changed.
 */
int recover_settle(struct operation *op, bool *settled, struct dd_error *err);

#endif
