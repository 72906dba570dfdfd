/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_AUTHORITIES_H
#define STORE_AUTHORITIES_H

#include "base/error.h"

/*
 * git_libgit2_init() without the certificates of the authorities that servers are believed by. One
 * thread at a time. Gives libgit2's code.
 */
int authorities_put_off(void);

/* They are read now, if that was put off; before a server is asked for its own. Any thread. */
int authorities_need(struct dd_error *err);

#endif
