/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/cookie.h"

#include <string.h>

#include "migrate/offer.h"

#define VERSION 1

static const char *const words[] = {"begin", "prepare", "perform", "finish"};

#define PHASES (sizeof words / sizeof words[0])

void cookie_release(struct cookie *cookie)
{
	json_free(cookie->json);
	*cookie = (struct cookie){.json = NULL};
}

const char *cookie_phase_word(enum cookie_phase phase)
{
	return words[phase];
}

/* ---- making one ---- */

static void copy_string(const struct json *from, struct json *to, const char *key)
{
	const char *value = json_get_string(from, key);

	if (value)
		json_put_string(to, key, value);
}

static struct json *wishes_copy(const struct json *wishes)
{
	struct json *out = json_object();
	struct json *maps = json_array();
	const struct json *asked = json_get(wishes, "maps");

	copy_string(wishes, out, "name");
	copy_string(wishes, out, "xml");
	copy_string(wishes, out, "persistent_xml");
	copy_string(wishes, out, "transport");
	for (size_t i = 0; i < json_count(asked); i++)
		json_push(maps, json_string(json_as_string(json_at(asked, i))));
	json_put(out, "maps", maps);
	json_put_bool(out, "paused", json_get_bool(wishes, "paused", false));
	json_put_bool(out, "copy_storage", json_get_bool(wishes, "copy_storage", false));
	json_put_bool(out, "overwrite_storage", json_get_bool(wishes, "overwrite_storage", false));
	json_put_bool(out, "unsafe", json_get_bool(wishes, "unsafe", false));
	return out;
}

static struct json *disks_copy(const struct json *disks)
{
	struct json *out = json_array();

	for (size_t i = 0; i < json_count(disks); i++)
		json_push(out, json_copy(json_at(disks, i)));
	return out;
}

static int count_copy(const char *key, const struct json *value, void *context)
{
	json_put_number(context, key, json_as_number(value, 0));
	return 0;
}

static struct json *statistics_copy(const struct json *statistics)
{
	struct json *out = json_object();

	json_each(statistics, count_copy, out);
	return out;
}

static struct json *made(const struct cookie *cookie)
{
	struct json *out = json_object();

	json_put_number(out, "version", VERSION);
	json_put_string(out, "phase", words[cookie->phase]);
	json_put_string(out, "id", cookie->id);
	json_put_string(out, "uuid", cookie->uuid);
	json_put_string(out, "from", cookie->from);
	json_put_string(out, "to", cookie->to);
	if (cookie->phase == COOKIE_BEGIN)
		json_put(out, "wishes", wishes_copy(cookie->wishes));
	if (cookie->phase == COOKIE_PREPARE)
		json_put(out, "disks", disks_copy(cookie->disks));
	if (cookie->phase == COOKIE_PREPARE && cookie->screens)
		json_put(out, "screens", json_copy(cookie->screens));
	if (cookie->phase == COOKIE_PERFORM) {
		json_put_string(out, "token", cookie->token);
		json_put(out, "statistics", statistics_copy(cookie->statistics));
	}
	if (cookie->phase == COOKIE_FINISH)
		json_put_string(out, "state", destination_word(cookie->state));
	return out;
}

int cookie_write(const struct cookie *cookie, char **out, struct dd_error *err)
{
	CLEANUP(json) struct json *json = made(cookie);
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = json_write(json, &text, err);

	if (!rc && text.size > DD_COOKIE_MAX)
		rc = error_set(err, DD_INVALID,
			"what is wished for at the destination has more than %d bytes",
			DD_COOKIE_MAX);
	return rc ? rc : string_copy(out, text_string(&text), err);
}

/* ---- reading one ---- */

static bool is_hex(const char *word, size_t size, const char *digits)
{
	return word && strlen(word) == size - 1 && strspn(word, digits) == size - 1;
}

static bool phase_read(const char *word, enum cookie_phase *out)
{
	for (size_t i = 0; word && i < PHASES; i++)
		if (strcmp(words[i], word) == 0) {
			*out = (enum cookie_phase)i;
			return true;
		}
	return false;
}

/* The member that is missing or malformed; NULL: none. */
static const char *fault(struct cookie *cookie)
{
	const struct json *json = cookie->json;

	cookie->id = json_get_string(json, "id");
	cookie->uuid = json_get_string(json, "uuid");
	cookie->from = json_get_string(json, "from");
	cookie->to = json_get_string(json, "to");
	cookie->wishes = json_get(json, "wishes");
	cookie->disks = json_get(json, "disks");
	cookie->screens = json_get(json, "screens");
	cookie->token = json_get_string(json, "token");
	cookie->statistics = json_get(json, "statistics");
	if (json_get_number(json, "version", 0) != VERSION)
		return "version";
	if (!phase_read(json_get_string(json, "phase"), &cookie->phase))
		return "phase";
	if (!migration_id_valid(cookie->id))
		return "id";
	if (!is_hex(cookie->uuid, UUID_SIZE, "0123456789abcdef-"))
		return "uuid";
	if (!cookie->from || !host_name_valid(cookie->from))
		return "from";
	if (!cookie->to || !host_name_valid(cookie->to))
		return "to";
	if (cookie->phase == COOKIE_PERFORM &&
		!is_hex(cookie->token, TOKEN_SIZE, "0123456789abcdef"))
		return "token";
	if (cookie->phase == COOKIE_FINISH &&
		!destination_read(json_get_string(json, "state"), &cookie->state))
		return "state";
	return NULL;
}

/* Nothing else is in it, and what has no check of its own is what we would have made of it. */
static int exact(const struct cookie *cookie, struct dd_error *err)
{
	CLEANUP(json) struct json *again = made(cookie);

	if (json_failed(again))
		return error_no_memory(err);
	if (json_equal(again, cookie->json))
		return 0;
	return error_set(err, DD_INVALID, "the cookie of '%s' has in it what does not belong there",
		words[cookie->phase]);
}

int cookie_read(const char *text, struct cookie *out, struct dd_error *err)
{
	CLEANUP(cookie) struct cookie cookie = {.json = NULL};
	size_t size = text ? strnlen(text, DD_COOKIE_MAX + 1) : 0;
	const char *wrong;
	int rc;

	if (!size || size > DD_COOKIE_MAX)
		return error_set(err, DD_INVALID, "a cookie has 1 to %d bytes", DD_COOKIE_MAX);
	rc = json_parse(text, size, &cookie.json, NULL);
	if (rc)
		return rc == DD_NO_MEMORY ? error_no_memory(err)
					  : error_set(err, DD_INVALID, "that is no cookie");
	wrong = fault(&cookie);
	rc = wrong ? error_set(err, DD_INVALID, "the cookie has no valid '%s'", wrong)
		   : exact(&cookie, err);
	if (rc)
		return rc;
	*out = cookie;
	cookie.json = NULL;
	return 0;
}
