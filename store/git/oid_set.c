/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/oid_set.h"

#include <string.h>

#define ROOM_FIRST 1024 /* a power of two, as every later one */

/* Object names are as good as random, so their own bits spread them. */
static git_oid *slot_of(const struct oid_set *set, const git_oid *oid)
{
	size_t at;

	memcpy(&at, oid->id, sizeof at);
	for (;; at++) {
		git_oid *slot = &set->slots[at & (set->room - 1)];

		if (git_oid_is_zero(slot) || git_oid_equal(slot, oid))
			return slot;
	}
}

static int set_grow(struct oid_set *set, struct dd_error *err)
{
	struct oid_set grown = {
		.count = set->count, .room = set->room ? set->room * 2 : ROOM_FIRST};

	grown.slots = calloc(grown.room, sizeof *grown.slots);
	if (!grown.slots)
		return error_no_memory(err);
	for (size_t i = 0; i < set->room; i++)
		if (!git_oid_is_zero(&set->slots[i]))
			*slot_of(&grown, &set->slots[i]) = set->slots[i];
	free(set->slots);
	*set = grown;
	return 0;
}

int oid_set_add(struct oid_set *set, const git_oid *oid, bool *added, struct dd_error *err)
{
	git_oid *slot;
	int rc = set->count * 2 >= set->room ? set_grow(set, err) : 0;

	if (rc)
		return rc;
	slot = slot_of(set, oid);
	if (added)
		*added = git_oid_is_zero(slot);
	set->count += git_oid_is_zero(slot) != 0;
	*slot = *oid;
	return 0;
}

bool oid_set_has(const struct oid_set *set, const git_oid *oid)
{
	return set->count && !git_oid_is_zero(oid) && !git_oid_is_zero(slot_of(set, oid));
}

void oid_set_release(struct oid_set *set)
{
	free(set->slots);
	*set = (struct oid_set){0};
}

int oid_list_add(struct oid_list *list, const git_oid *oid, struct dd_error *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 1024;
		git_oid *grown = reallocarray(list->list, room, sizeof *grown);

		if (!grown)
			return error_no_memory(err);
		list->list = grown;
		list->room = room;
	}
	list->list[list->count++] = *oid;
	return 0;
}

void oid_list_release(struct oid_list *list)
{
	free(list->list);
	*list = (struct oid_list){0};
}
