/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_SHARING_H
#define DOMAIN_SHARING_H

#include "domain/host.h"

/*
 * Two domains may name the same disk, as long as they do not run together: that is refused when it
 * comes to it (store/lock/journal.h, claims), and worth a word before. Warns of every exclusive use
 * by document, which is of one domain, that before (may be NULL) did not have and that others have.
 */
int sharing_warn(struct dd_host *host, const struct document *before,
	const struct document *document, struct dd_error *err);

#endif
