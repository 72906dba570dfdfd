/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which commits are the versions, where there are more than one for a number: so it is when an old
 * book.db was put back, and changed. The sightings are of one domain, sorted by number.
 */
#include "store/recovery/reindex.h"

/* Some commit before it in the sorted list is the one that it goes on from. */
static bool goes_on(const struct sighting *list, size_t at)
{
	for (size_t i = at; i-- && list[i].number + 1 >= list[at].number;)
		if (git_oid_equal(&list[i].oid, &list[at].parent))
			return true;
	return false;
}

void versions_choose(
	struct reindex *reindex, struct sighting *list, size_t count, const git_oid *newest)
{
	const git_oid *wanted = newest;

	for (size_t end = count, first; end; end = first) {
		size_t chosen;

		for (first = end - 1; first && list[first - 1].number == list[end - 1].number;)
			first--;
		chosen = first;
		for (size_t i = first; i < end; i++) {
			list[i].listed = false;
			if (git_oid_equal(&list[i].oid, wanted))
				chosen = i;
			else if (!git_oid_equal(&list[chosen].oid, wanted) &&
				 !goes_on(list, chosen) && goes_on(list, i))
				chosen = i;
		}
		list[chosen].listed = true;
		wanted = &list[chosen].parent;
	}
	for (size_t i = 0; i < count; i++) {
		char hex[COMMIT_SIZE];

		if (!list[i].listed)
			reindex_lost(reindex,
				"of the domain %s there is more than one version %u: the commit %s "
				"is left out",
				list[i].uuid, list[i].number,
				git_oid_tostr(hex, sizeof hex, &list[i].oid));
	}
}
