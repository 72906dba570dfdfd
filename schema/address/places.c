/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/address/places.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	char *words;
	const xmlNode *owner; /* NULL: somebody left it */
	size_t order;
};

struct places {
	struct entry *entries;
	size_t count, room;
};

void places_free(struct places *places)
{
	if (!places)
		return;
	for (size_t i = 0; i < places->count; i++)
		free(places->entries[i].words);
	free(places->entries);
	free(places);
}

static int add(struct places *places, const xmlNode *device, bool left, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	place_words(device, node_child(device, "address"), &words);
	if (text_failed(&words))
		return error_no_memory(err);
	if (!words.size)
		return 0;
	if (places->count == places->room) {
		size_t room = places->room ? places->room * 2 : 64;
		struct entry *more = reallocarray(places->entries, room, sizeof *more);

		if (!more)
			return error_no_memory(err);
		places->entries = more;
		places->room = room;
	}
	places->entries[places->count] = (struct entry){
		.words = text_take(&words), .owner = left ? NULL : device, .order = places->count};
	places->count++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct entry *first = a;
	const struct entry *second = b;
	int order = strcmp(first->words, second->words);

	if (order)
		return order;
	return first->order < second->order ? -1 : first->order > second->order;
}

int places_new(struct document *document, enum place_choice choice, struct places **out,
	struct dd_error *err)
{
	CLEANUP(places) struct places *places = calloc(1, sizeof *places);
	int rc = places ? 0 : error_no_memory(err);

	for (const xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device))
		rc = add(places, device, false, err);
	if (!rc && choice == PLACE_NEW)
		for (const xmlNode *entry = vacated_first(document); entry && !rc;
			entry = node_next(entry))
			rc = add(places, entry, true, err);
	if (rc)
		return rc;
	if (places->count)
		qsort(places->entries, places->count, sizeof places->entries[0], compare);
	*out = TAKE(places);
	return 0;
}

/* The index of the first entry that is not before words. */
static size_t lower_bound(const struct places *places, const char *words)
{
	size_t low = 0;
	size_t high = places->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(places->entries[middle].words, words) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int places_add(struct places *places, const xmlNode *device, struct dd_error *err)
{
	int rc = add(places, device, false, err);
	struct entry added;
	size_t at;

	if (rc || !places->count)
		return rc;
	/* behind its equals, as it is the latest */
	added = places->entries[--places->count];
	for (at = lower_bound(places, added.words);
		at < places->count && strcmp(places->entries[at].words, added.words) == 0; at++)
		;
	memmove(&places->entries[at + 1], &places->entries[at],
		(places->count - at) * sizeof added);
	places->entries[at] = added;
	places->count++;
	return 0;
}

bool places_taken(const struct places *places, const char *words)
{
	size_t i = lower_bound(places, words);

	return i < places->count && strcmp(places->entries[i].words, words) == 0;
}

const xmlNode *places_owner(const struct places *places, const char *words, const xmlNode *except)
{
	for (size_t i = lower_bound(places, words); i < places->count; i++) {
		const struct entry *entry = &places->entries[i];

		if (strcmp(entry->words, words) != 0)
			break;
		if (entry->owner && entry->owner != except)
			return entry->owner;
	}
	return NULL;
}
