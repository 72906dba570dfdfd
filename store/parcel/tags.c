/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags that come with a history. Its owner says what its versions are called: the sender's tags,
 * all of which it sends, take the place of those that the book has. Each must name a version of the
 * history, and be signed with a key of a host that has owned it since the book last saw it, or of
 * this one; the object of one that came before is here already, and was checked then.
 */
#include <string.h>

#include "store/parcel/parcel.h"

static int number_find(
	const struct parcel *parcel, const git_oid *commit, uint32_t *number, struct dd_error *err)
{
	const struct lineage *lineage = &parcel->lineage;
	struct statement row;

	for (*number = lineage->count; *number; --*number)
		if (git_oid_equal(&lineage->commits[*number - 1], commit))
			return 0;
	row = statement_begin(&parcel->book->database,
		"SELECT v.number FROM version v JOIN domain d ON d.id = v.domain"
		" WHERE d.uuid = ? AND v.oid = ?");
	statement_text(&row, parcel->uuid);
	statement_blob(&row, commit->id, sizeof commit->id);
	if (statement_row(&row))
		*number = (uint32_t)statement_integer(&row, 0);
	return statement_end(&row, err);
}

static int signer_known(struct parcel *parcel, struct tenures *tenures,
	const struct tag_parts *parts, bool *known, struct dd_error *err)
{
	const struct lineage *lineage = &parcel->lineage;
	const struct signers *signers;
	git_oid own;
	int rc = book_own_oid(parcel->book, "book-head", &own, err);

	*known = false;
	for (size_t i = 0; !rc && !*known && i <= lineage->book_count; i++) {
		const git_oid *head = i < lineage->book_count ? &lineage->books[i] : &own;

		rc = tenures_signers(tenures, parcel->book, head, &signers, err);
		*known = !rc && signers_find(signers, parts->signer) >= 0;
	}
	return rc;
}

static int tag_add(struct parcel *parcel, const struct tag_parts *parts, uint32_t number,
	const void *data, size_t size, struct dd_error *err)
{
	CLEANUP(text) struct text copy = TEXT_INIT;
	size_t count = parcel->tag_objects.count;
	struct arrived_tag *grown = reallocarray(parcel->tags, count + 1, sizeof *grown);
	git_oid oid;

	if (!grown)
		return error_no_memory(err);
	parcel->tags = grown;
	grown[count].number = number;
	memcpy(grown[count].label, parts->label, sizeof parts->label);
	text_add(&copy, data, size);
	return object_add_text(&parcel->tag_objects, GIT_OBJECT_TAG, &copy, &oid, err);
}

int parcel_tag(struct parcel *parcel, struct tenures *tenures, const git_oid *oid, const void *data,
	size_t size, bool *holds, struct dd_error *err)
{
	struct tag_parts parts;
	uint32_t number = 0;
	bool there = false;
	int rc = 0;

	*holds = tag_parse(data, size, &parts) && strcmp(parts.uuid, parcel->uuid) == 0;
	for (size_t i = 0; *holds && i < parcel->tag_objects.count; i++)
		*holds = strcmp(parcel->tags[i].label, parts.label) != 0;
	if (*holds)
		rc = number_find(parcel, &parts.commit, &number, err);
	*holds = *holds && number;
	if (rc || !*holds)
		return rc;
	parcel_look(parcel);
	rc = repository_need(parcel->book, err);
	if (!rc)
		rc = object_there(parcel->book, oid, &there, err);
	parcel_look(parcel);
	if (!rc && !there)
		rc = signer_known(parcel, tenures, &parts, holds, err);
	return rc || !*holds ? rc : tag_add(parcel, &parts, number, data, size, err);
}
