/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_OID_SET_H
#define STORE_OID_SET_H

/* A set of object names, about 40 bytes each; and a plain list of them. */

#include <git2.h>
#include <stdbool.h>

#include "base/text.h"

struct oid_set {
	git_oid *slots; /* all zeros: free */
	size_t count, room;
};

/* DD_NO_MEMORY. *added (may be NULL): it was not there before. The name of all zeros cannot be in.
 */
int oid_set_add(struct oid_set *set, const git_oid *oid, bool *added, struct dd_error *err);
bool oid_set_has(const struct oid_set *set, const git_oid *oid);
void oid_set_release(struct oid_set *set);

struct oid_list {
	git_oid *list;
	size_t count, room;
};

int oid_list_add(struct oid_list *list, const git_oid *oid, struct dd_error *err);
void oid_list_release(struct oid_list *list);

#endif
