/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/secret.h"

#include <stdlib.h>
#include <string.h>

#include "domain/record.h"
#include "qmp/json.h"
#include "schema/diff.h"
#include "schema/words.h"

_Static_assert(BOOK_SECRET_NAME_SIZE == SECRET_NAME_SIZE, "one size of a secret's name");

/* A text that had a secret in it. */
static void text_wipe(struct text *text)
{
	if (text->data)
		explicit_bzero(text->data, text->size);
	text_release(text);
}

static inline void cleanup_wipe(struct text *text)
{
	text_wipe(text);
}

/* ---- given and recorded ones ---- */

/* Is it the same device of both? */
static bool same_device(const struct secret *one, const struct secret *other)
{
	char name[TREE_NAME_SIZE];

	return node_is(one->device, node_name(other->device, name, sizeof name)) &&
	       (device_same(one->device, other->device) ||
		       (node_is(one->device, "graphics") && node_attr(one->device, "type") &&
			       node_attr_is(
				       other->device, "type", node_attr(one->device, "type"))));
}

/* The name of the recorded secret in that place, if it is the same as value. */
static const char *same_name(struct dd_host *host, const char *uuid, const struct secret *given,
	const struct secret_list *recorded, const char *value)
{
	for (size_t i = 0; i < recorded->count; i++) {
		const struct secret *one = &recorded->items[i];
		CLEANUP(wipe) struct text known = TEXT_INIT;

		if (secret_alike(one, given) && same_device(one, given) && secret_name(one) &&
			book_secret_get(host->book, uuid, secret_name(one), &known, NULL) == 0 &&
			strcmp(text_string(&known), value) == 0)
			return secret_name(one);
	}
	return NULL;
}

static int draft_add(
	struct new_secrets *secrets, const char *name, const char *value, struct dd_error *err)
{
	struct secret_draft *items =
		reallocarray(secrets->items, secrets->count + 1, sizeof *items);
	char *copy = NULL;
	int rc;

	if (!items)
		return error_no_memory(err);
	secrets->items = items;
	rc = string_copy(&copy, value, err);
	if (rc)
		return rc;
	memcpy(items[secrets->count].name, name, SECRET_NAME_SIZE);
	items[secrets->count++].value = copy;
	return 0;
}

/* fresh NULL: nobody will want to know. */
static int seal_one(struct dd_host *host, const char *uuid, const struct secret *secret,
	const struct secret_list *recorded, struct new_secrets *fresh, struct dd_error *err)
{
	CLEANUP(wipe) struct text value = TEXT_INIT;
	char name[SECRET_NAME_SIZE];
	const char *known;
	int rc = secret_get(secret, &value, err);

	if (rc)
		return rc;
	known = same_name(host, uuid, secret, recorded, text_string(&value));
	if (known)
		return secret_put_name(secret, known, err);
	rc = book_secret_name(name, err);
	if (!rc && fresh)
		rc = draft_add(fresh, name, text_string(&value), err);
	return rc ? rc : secret_put_name(secret, name, err);
}

static int seal_given(struct dd_host *host, const char *uuid, struct document *given,
	const struct document *record, struct new_secrets *fresh, struct dd_error *err)
{
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	CLEANUP(secret_list) struct secret_list recorded = {.items = NULL};
	int rc = secrets_find(given, &list, err);

	if (!rc && list.count && record)
		rc = secrets_find(record, &recorded, err);
	for (size_t i = 0; !rc && i < list.count; i++)
		if (!secret_name(&list.items[i]))
			rc = seal_one(host, uuid, &list.items[i], &recorded, fresh, err);
	return rc;
}

int secret_seal(struct operation *op, struct document *given, struct dd_error *err)
{
	return seal_given(op->host, op->row.uuid, given, op->config, &op->secrets, err);
}

int secret_seal_copy(struct operation *op, const struct document *document, struct document **out,
	struct dd_error *err)
{
	CLEANUP(document) struct document *copy = NULL;
	int rc;

	if (secrets_sealed(document, NULL) == 0)
		return 0;
	rc = document_copy(document, &copy, err);
	if (!rc)
		rc = secret_seal(op, copy, err);
	if (!rc)
		*out = TAKE(copy);
	return rc;
}

static int keep_one(struct document *given, const struct secret *secret, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(given)); device && !rc;
		device = node_after(device))
		if (same_device(secret, &(struct secret){.device = device}))
			rc = secret_inherit(secret, device, err);
	return rc;
}

int secret_keep(struct document *given, const struct document *record, struct dd_error *err)
{
	CLEANUP(secret_list) struct secret_list recorded = {.items = NULL};
	int rc = secrets_find(record, &recorded, err);

	for (size_t i = 0; !rc && i < recorded.count; i++)
		rc = keep_one(given, &recorded.items[i], err);
	return rc || !recorded.count ? rc : document_canonicalise(given, err);
}

int secret_compare(struct dd_host *host, struct document *given, const struct document *record,
	struct dd_error *err)
{
	int rc = seal_given(host, document_uuid(record), given, record, NULL, err);

	return rc ? rc : secret_keep(given, record, err);
}

/* ---- into the book, and out of it ---- */

int secret_store(struct operation *op, struct dd_error *err)
{
	struct new_secrets *secrets = &op->secrets;
	int rc = 0;

	if (secrets->count && !secrets->stored)
		rc = book_secrets_put(
			op->host->book, op->row.uuid, secrets->items, secrets->count, err);
	if (!rc)
		secrets->stored = secrets->count > 0;
	return rc;
}

void secret_release(struct operation *op)
{
	struct new_secrets *secrets = &op->secrets;

	if (secrets->stored && !secrets->named && !op->journal)
		(void)book_secrets_drop(
			op->host->book, op->row.uuid, secrets->items, secrets->count, NULL);
	for (size_t i = 0; i < secrets->count; i++) {
		char *value = (char *)(uintptr_t)secrets->items[i].value;

		explicit_bzero(value, strlen(value));
		free(value);
	}
	free(secrets->items);
	*secrets = (struct new_secrets){.items = NULL};
}

static int reveal_one(
	struct dd_host *host, const char *uuid, const struct secret *secret, struct dd_error *err)
{
	CLEANUP(wipe) struct text value = TEXT_INIT;
	CLEANUP(text) struct text words = TEXT_INIT;
	int rc = book_secret_get(host->book, uuid, secret_name(secret), &value, err);

	if (!rc)
		return secret_put(secret, text_string(&value), err);
	device_words(secret->device, &words);
	if (rc == DD_NOT_FOUND)
		rc = DD_REFUSED;
	if (err)
		err->code = rc;
	error_wrap(err, "the %s of %s", secret->attribute ? "password" : "cookies",
		text_string(&words));
	error_hint(err, "give it anew: domesday update-device --config NAME FILE");
	return rc;
}

int secret_reveal(struct dd_host *host, const char *uuid, const struct document *document,
	struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *copy = NULL;
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	int rc = document_copy(document, &copy, err);

	if (!rc)
		rc = secrets_find(copy, &list, err);
	for (size_t i = 0; !rc && i < list.count; i++)
		if (secret_name(&list.items[i]))
			rc = reveal_one(host, uuid, &list.items[i], err);
	if (!rc)
		*out = TAKE(copy);
	return rc;
}

/* ---- as a version has them ---- */

int secret_write(const struct document *document, struct text *out, struct json *places,
	struct dd_error *err)
{
	CLEANUP(document) struct document *copy = NULL;
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	int rc = secrets_find(document, &list, err);

	if (rc || !list.count)
		return rc ? rc : document_write(document, out, err);
	for (size_t i = 0; places && !rc && i < list.count; i++) {
		const char *name = secret_name(&list.items[i]);

		rc = name ? 0 : secrets_sealed(document, err);
		if (!rc && !json_put_string(places, list.items[i].place, name))
			rc = error_no_memory(err);
	}
	if (!rc)
		rc = document_copy(document, &copy, err);
	if (!rc)
		rc = secrets_hide(copy, err);
	return rc ? rc : document_write(copy, out, err);
}

struct restoring {
	struct document *document;
	struct dd_error *err;
};

static int restore_one(const char *place, const struct json *name, void *context)
{
	const struct restoring *restoring = context;
	const char *word = json_as_string(name);

	if (!word || strlen(word) != SECRET_NAME_SIZE - 1)
		return error_set(restoring->err, DD_CORRUPT, "%s names no secret of %s",
			FILE_SECRETS, place);
	return secret_restore(restoring->document, place, word, restoring->err);
}

int secret_read(struct document *document, const struct text *secrets, const char *file,
	struct dd_error *err)
{
	struct restoring restoring = {document, err};
	CLEANUP(json) struct json *json = NULL;
	int rc;

	if (!secrets->size)
		return 0;
	rc = json_parse(secrets->data, secrets->size, &json, err);
	if (!rc)
		rc = json_each(json_get(json, file), restore_one, &restoring);
	return rc ? rc : document_canonicalise(document, err);
}
