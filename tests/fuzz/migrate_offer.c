/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes from others about a migration, and what is kept of it: the first byte says as what the
 * rest is read, by its remainder by three: an offer of a peer, a cookie of a client, the detail of
 * a journal's row.
 *
 * What is accepted has every member that is used without a further look; a cookie that was read is
 * written, and read again, as it was.
 */
#include <assert.h>
#include <string.h>

#include "migrate/cookie.h"
#include "migrate/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_offer(const struct json *offer)
{
	struct dd_error err = {0};
	struct parcel_heads heads;
	unsigned char key[KEY_PUBLIC_SIZE];

	if (offer_key(offer, key, &err))
		assert(err.code == DD_CORRUPT);
	if (offer_check(offer, &err)) {
		assert(err.code == DD_INVALID && *err.message);
		return;
	}
	assert(offer_heads(offer, &heads, &err) == 0);
	assert(strlen(heads.head) == COMMIT_SIZE - 1 && strlen(heads.book) == COMMIT_SIZE - 1);
	assert(heads.version && heads.epoch && heads.objects);
	assert(migration_id_valid(json_get_string(offer, "id")));
	assert(strlen(json_get_string(offer, "uuid")) == UUID_SIZE - 1);
	assert(json_get_string(offer, "name") && json_get_string(offer, "author_email"));
	assert(!token_fits("", json_get_string(offer, "token_hash")));
}

static void read_row(struct json *detail)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	struct dd_error err = {0};

	if (migration_row_read(&row, detail, &err)) {
		assert(err.code == DD_CORRUPT);
		return;
	}
	assert(migration_id_valid(row.id) && row.peer);
	assert(row.outgoing ? source_word(row.source) : destination_word(row.destination));
}

static void read_cookie(const char *text)
{
	CLEANUP(cookie) struct cookie cookie = {.json = NULL};
	CLEANUP(cookie) struct cookie second = {.json = NULL};
	CLEANUP(free) char *again = NULL;
	struct dd_error err = {0};

	if (cookie_read(text, &cookie, &err)) {
		assert(err.code == DD_INVALID && *err.message);
		return;
	}
	assert(host_name_valid(cookie.from) && host_name_valid(cookie.to));
	if (cookie_write(&cookie, &again, &err)) {
		assert(err.code == DD_INVALID); /* longer with its escapes */
		return;
	}
	assert(cookie_read(again, &second, &err) == 0);
	assert(json_equal(cookie.json, second.json));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(json) struct json *json = NULL;

	if (!size || key_start(NULL))
		return 0;
	text_add(&text, data + 1, size - 1);
	if (data[0] % 3 == 1)
		read_cookie(text_string(&text));
	else if (json_parse(text_string(&text), text.size, &json, NULL) == 0)
		data[0] % 3 ? read_row(TAKE(json)) : read_offer(json);
	return 0;
}
