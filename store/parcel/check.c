/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer says that a domain's history is, beside what it sent. The peer is known by its key,
 * and by nothing else; so its own book must end with that key, and each version must be signed by
 * whom the history itself says (lineage.h), down to one that the book has already.
 */
#include <string.h>

#include "store/parcel/parcel.h"

static int heads_read(struct parcel *parcel, const struct parcel_heads *heads, struct dd_error *err)
{
	if (git_oid_fromstr(&parcel->head, heads->head) == 0 &&
		git_oid_fromstr(&parcel->host_book, heads->book) == 0 &&
		!git_oid_is_zero(&parcel->head) && !git_oid_is_zero(&parcel->host_book))
		return 0;
	return error_set(err, DD_CORRUPT, "the host '%.64s' does not say which history it sent",
		parcel->host);
}

/* What the book has of it; *found false: nothing. */
static int known_read(
	struct parcel *parcel, struct lineage_known *known, bool *found, struct dd_error *err)
{
	struct statement row = statement_begin(&parcel->book->database,
		"SELECT version, epoch, head FROM domain WHERE uuid = ? AND version > 0");

	statement_text(&row, parcel->uuid);
	*found = statement_row(&row);
	if (*found) {
		known->number = (uint32_t)statement_integer(&row, 0);
		known->epoch = (uint32_t)statement_integer(&row, 1);
		(void)statement_oid(&row, 2, &known->commit);
	}
	return statement_end(&row, err);
}

static int heads_compare(
	const struct parcel *parcel, const struct parcel_heads *heads, struct dd_error *err)
{
	const struct lineage *lineage = &parcel->lineage;

	if (lineage->count == heads->version && lineage->epoch == heads->epoch)
		return 0;
	return error_set(err, DD_CORRUPT,
		"the host '%.64s' sent version %u, epoch %u, of the domain %s, and calls it "
		"version %u, epoch %u",
		parcel->host, lineage->count, lineage->epoch, parcel->uuid, heads->version,
		heads->epoch);
}

static int key_compare(
	const struct parcel *parcel, const unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	char here[KEY_WORDS_SIZE], there[KEY_WORDS_SIZE];

	if (memcmp(parcel->lineage.key, key, KEY_PUBLIC_SIZE) == 0)
		return 0;
	key_fingerprint(key, here);
	key_fingerprint(parcel->lineage.key, there);
	return error_set(err, DD_REFUSED,
		"the host '%.64s' has the key %s, and sent the book of a host with the key %s",
		parcel->host, here, there);
}

struct checking {
	struct parcel *parcel;
	const unsigned char *key;
	const struct parcel_heads *heads;
};

static int check(void *context, struct dd_error *err)
{
	const struct checking *checking = context;
	struct parcel *parcel = checking->parcel;
	struct book *book = parcel->book;
	struct lineage_known known;
	bool found;
	int rc = known_read(parcel, &known, &found, err);

	if (!rc)
		rc = lineage_read(book, parcel->uuid, &parcel->head, &parcel->host_book,
			found ? &known : NULL, false, parcel->crew, &parcel->lineage, err);
	if (!rc)
		rc = heads_compare(parcel, checking->heads, err);
	if (!rc)
		rc = key_compare(parcel, checking->key, err);
	if (!rc)
		rc = arrival_check(book, &parcel->arrival, &parcel->own, err);
	return rc ? rc : parcel_needed(parcel, checking->heads->objects, err);
}

int parcel_check(struct parcel *parcel, const char *host, const unsigned char key[KEY_PUBLIC_SIZE],
	const struct parcel_heads *heads, struct dd_error *err)
{
	struct checking checking = {parcel, key, heads};
	int rc = host_name_valid(host)
			 ? string_copy(&parcel->host, host, err)
			 : error_set(err, DD_INVALID, "'%.64s' is no host's name", host);

	if (!rc)
		rc = heads_read(parcel, heads, err);
	if (!rc)
		rc = parcel_view_open(parcel, err);
	if (rc)
		return rc;
	parcel->arrival = (struct arrival){.uuid = parcel->uuid,
		.host = parcel->host,
		.lineage = &parcel->lineage,
		.given = true};
	parcel_look(parcel);
	/* each look at book.db by itself costs a lock */
	rc = database_snapshot(&parcel->book->database, check, &checking, err);
	parcel_look(parcel);
	parcel->arrival.tags = parcel->tags;
	parcel->arrival.tag_objects = &parcel->tag_objects;
	return rc;
}
