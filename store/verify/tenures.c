/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose signatures are due in a domain's history (tenure.h). It is found out from its end: the book
 * itself signs what is behind the latest takeover, and says with it who signed what is before.
 */
#include "store/verify/verification.h"

#include <string.h>

/* ---- keys that signed ---- */

int key_number(
	struct verification *verification, const unsigned char open[KEY_PUBLIC_SIZE], int *number)
{
	for (size_t i = verification->key_count; i-- > 0;)
		if (memcmp(verification->keys[i], open, KEY_PUBLIC_SIZE) == 0) {
			*number = (int)i;
			return 0;
		}
	if (verification->key_count == verification->key_room) {
		size_t room = verification->key_room ? verification->key_room * 2 : 16;
		unsigned char(*grown)[KEY_PUBLIC_SIZE] =
			reallocarray(verification->keys, room, sizeof *grown);

		if (!grown)
			return error_no_memory(verification->err);
		verification->keys = grown;
		verification->key_room = room;
	}
	memcpy(verification->keys[verification->key_count], open, KEY_PUBLIC_SIZE);
	*number = (int)verification->key_count++;
	return 0;
}

bool sighting_own(const struct verification *verification, const struct sighting *sighting)
{
	return sighting->key >= 0 &&
	       signers_find(&verification->signers, verification->keys[sighting->key]) >= 0;
}

/* ---- takeovers ---- */

int takeover_add(struct verification *verification, const struct takeover *takeover)
{
	if (verification->takeover_count == verification->takeover_room) {
		size_t room = verification->takeover_room ? verification->takeover_room * 2 : 16;
		struct takeover *grown = reallocarray(verification->takeovers, room, sizeof *grown);

		if (!grown)
			return error_no_memory(verification->err);
		verification->takeovers = grown;
		verification->takeover_room = room;
	}
	verification->takeovers[verification->takeover_count++] = *takeover;
	return 0;
}

static int takeover_compare(const void *a, const void *b)
{
	const struct takeover *left = a, *right = b;
	int order = strcmp(left->uuid, right->uuid);

	return order ? order : (left->number < right->number) - (left->number > right->number);
}

void takeovers_sort(struct verification *verification)
{
	if (verification->takeover_count)
		qsort(verification->takeovers, verification->takeover_count,
			sizeof *verification->takeovers, takeover_compare);
}

/* ---- one history ---- */

static int due_add(
	struct verification *verification, struct dues *dues, const struct signers *signers)
{
	if (dues->count == dues->room) {
		size_t room = dues->room ? dues->room * 2 : 4;
		struct due *grown = reallocarray(dues->list, room, sizeof *grown);

		if (!grown)
			return error_no_memory(verification->err);
		dues->list = grown;
		dues->room = room;
	}
	dues->list[dues->count++] = (struct due){1, signers};
	return 0;
}

/* Where those of a domain begin. */
static size_t takeovers_of(const struct verification *verification, const char *uuid)
{
	size_t from = 0, until = verification->takeover_count;

	while (from < until) {
		size_t middle = from + (until - from) / 2;

		if (strcmp(verification->takeovers[middle].uuid, uuid) < 0)
			from = middle + 1;
		else
			until = middle;
	}
	return from;
}

int dues_read(struct verification *verification, const char *uuid, const git_oid *owner_book,
	int (*holds)(const struct takeover *takeover, bool *result, void *context), void *context,
	struct dues *out)
{
	const struct signers *newest = &verification->signers;
	int rc = 0;

	out->count = 0;
	if (owner_book)
		rc = tenures_signers(&verification->tenures, verification->book, owner_book,
			&newest, verification->err);
	if (!rc)
		rc = due_add(verification, out, newest);
	for (size_t i = takeovers_of(verification, uuid);
		!rc && i < verification->takeover_count &&
		strcmp(verification->takeovers[i].uuid, uuid) == 0;
		i++) {
		const struct takeover *takeover = &verification->takeovers[i];
		struct due *last = &out->list[out->count - 1];
		const struct signers *before;
		bool held;

		/* of two for one version the first that counts */
		if (takeover->key < 0 || (out->count > 1 && takeover->number >= last[-1].first) ||
			!signers_due(
				last->signers, verification->keys[takeover->key], takeover->seq))
			continue;
		rc = holds(takeover, &held, context);
		if (rc || !held)
			continue;
		last->first = takeover->number;
		rc = tenures_signers(&verification->tenures, verification->book, &takeover->book,
			&before, verification->err);
		if (!rc)
			rc = due_add(verification, out, before);
	}
	return rc;
}

const struct signers *dues_at(const struct dues *dues, uint32_t number)
{
	for (size_t i = 0; i < dues->count; i++)
		if (number >= dues->list[i].first)
			return dues->list[i].signers;
	return NULL;
}

static int book_signs(struct verification *verification, const git_oid *book,
	const unsigned char open[KEY_PUBLIC_SIZE], bool *result)
{
	const struct signers *signers;
	int rc = tenures_signers(
		&verification->tenures, verification->book, book, &signers, verification->err);

	if (rc == DD_CORRUPT) {
		*verification->err = (struct dd_error){0};
		return 0;
	}
	*result = !rc && signers_find(signers, open) >= 0;
	return rc;
}

int host_signs(struct verification *verification, const char *uuid, const git_oid *owner_book,
	const unsigned char open[KEY_PUBLIC_SIZE], bool *result)
{
	int rc = 0;

	*result = signers_find(&verification->signers, open) >= 0;
	if (!*result && owner_book)
		rc = book_signs(verification, owner_book, open, result);
	for (size_t i = takeovers_of(verification, uuid);
		!rc && !*result && i < verification->takeover_count &&
		strcmp(verification->takeovers[i].uuid, uuid) == 0;
		i++)
		rc = book_signs(verification, &verification->takeovers[i].book, open, result);
	return rc;
}
