/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_RESERVE_H
#define STORE_RESERVE_H

/* Makes libgit2 take its memory from here. Before libgit2 is started; gives libgit2's code. */
int reserve_give(void);

#endif
