/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit/request.h"

#include <string.h>

/* ---- writing ---- */

static void put_number(struct text *out, uint64_t number)
{
	text_add(out, &number, sizeof number);
}

/* With its NUL; NULL is a size that no string has. */
static void put_string(struct text *out, const char *string)
{
	put_number(out, string ? strlen(string) : UINT64_MAX);
	if (string)
		text_add(out, string, strlen(string) + 1);
}

static void put_index(struct text *out, const struct index_draft *index)
{
	put_number(out, index != NULL);
	if (!index)
		return;
	put_string(out, index->name);
	put_string(out, index->title);
	put_number(out, index->state);
	put_number(out, index->autostart);
	put_string(out, index->runtime);
	put_number(out, index->epoch);
	put_number(out, index->owned);
	put_number(out, index->use_count);
	for (size_t i = 0; i < index->use_count; i++) {
		put_string(out, index->uses[i].kind);
		put_string(out, index->uses[i].value);
		put_number(out, (uint64_t)(unsigned char)index->uses[i].mode);
		put_number(out, (uint64_t)index->uses[i].scope);
	}
}

static void put_version(struct text *out, const struct prepared_version *version)
{
	put_string(out, text_string(&version->headers));
	put_string(out, text_string(&version->message));
	put_number(out, version->objects.count);
	for (size_t i = 0; i < version->objects.count; i++) {
		const struct object *object = &version->objects.list[i];

		text_add(out, &object->oid, sizeof object->oid);
		put_number(out, (uint64_t)object->type);
		put_number(out, object->size);
		text_add(out, object->data, object->size);
	}
}

void request_write(const struct prepared *prepared, struct text *out)
{
	const struct book_change *change = prepared->change;

	put_string(out, change->uuid);
	put_number(out, change->base);
	put_number(out, change->journal);
	put_index(out, change->index);
	put_number(out, prepared->version_count);
	for (size_t i = 0; i < prepared->version_count; i++)
		put_version(out, &prepared->versions[i]);
}

/* ---- reading ---- */

struct reader {
	const char *at;
	size_t left;
	bool failed;
};

static const void *get_bytes(struct reader *reader, size_t size)
{
	const char *bytes = reader->at;

	if (reader->failed || size > reader->left) {
		reader->failed = true;
		return NULL;
	}
	reader->at += size;
	reader->left -= size;
	return bytes;
}

static uint64_t get_number(struct reader *reader)
{
	uint64_t number = 0;
	const void *bytes = get_bytes(reader, sizeof number);

	if (bytes)
		memcpy(&number, bytes, sizeof number);
	return number;
}

static const char *get_string(struct reader *reader)
{
	uint64_t size = get_number(reader);
	const char *string;

	if (size == UINT64_MAX)
		return NULL;
	string = size < reader->left ? get_bytes(reader, size + 1) : NULL;
	if (!string || string[size] != '\0')
		reader->failed = true;
	return string;
}

/* One that may not be NULL. */
static const char *get_words(struct reader *reader)
{
	const char *words = get_string(reader);

	if (!words)
		reader->failed = true;
	return reader->failed ? "" : words;
}

/* How many of something there are, each of which takes some bytes. */
static size_t get_count(struct reader *reader)
{
	uint64_t count = get_number(reader);

	if (count > reader->left)
		reader->failed = true;
	return reader->failed ? 0 : (size_t)count;
}

static int get_index(struct reader *reader, struct request *request, struct dd_error *err)
{
	struct index_draft *index = &request->index;

	if (!get_number(reader))
		return 0;
	request->change.index = index;
	index->name = get_words(reader);
	index->title = get_string(reader);
	index->state = (enum domain_state)get_number(reader);
	index->autostart = get_number(reader) != 0;
	index->runtime = get_string(reader);
	index->epoch = (uint32_t)get_number(reader);
	index->owned = get_number(reader) != 0;
	index->use_count = get_count(reader);
	request->uses = calloc(index->use_count + 1, sizeof *request->uses);
	if (!request->uses)
		return error_no_memory(err);
	index->uses = request->uses;
	for (size_t i = 0; i < index->use_count; i++) {
		struct use_row *use = &request->uses[i];

		use->kind = get_words(reader);
		use->value = get_words(reader);
		use->mode = (char)get_number(reader);
		use->scope = (int)get_number(reader);
	}
	return 0;
}

static int get_objects(struct reader *reader, struct object_set *set, struct dd_error *err)
{
	size_t count = get_count(reader);

	/* and the commit, which comes later */
	set->list = calloc(count + 1, sizeof *set->list);
	if (!set->list)
		return error_no_memory(err);
	set->room = count + 1;
	for (; set->count < count && !reader->failed; set->count++) {
		struct object *object = &set->list[set->count];
		const void *oid = get_bytes(reader, sizeof object->oid);

		if (oid)
			memcpy(&object->oid, oid, sizeof object->oid);
		object->type = (git_object_t)get_number(reader);
		object->size = get_number(reader);
		object->data = get_bytes(reader, object->size);
	}
	return 0;
}

static int get_versions(struct reader *reader, struct prepared *prepared, struct dd_error *err)
{
	size_t count = get_count(reader);
	int rc = 0;

	prepared->versions = calloc(count + 1, sizeof *prepared->versions);
	if (!prepared->versions)
		return error_no_memory(err);
	for (; !rc && prepared->version_count < count && !reader->failed;) {
		struct prepared_version *version = &prepared->versions[prepared->version_count++];

		text_puts(&version->headers, get_words(reader));
		text_puts(&version->message, get_words(reader));
		rc = get_objects(reader, &version->objects, err);
	}
	return rc;
}

int request_read(
	struct book *book, const struct text *data, struct request *out, struct dd_error *err)
{
	struct reader reader = {.at = data->data, .left = data->size};
	int rc;

	*out = (struct request){.prepared.book = book};
	out->prepared.change = &out->change;
	out->change.version = &out->version;
	out->change.uuid = get_words(&reader);
	out->change.base = (uint32_t)get_number(&reader);
	out->change.journal = get_number(&reader);
	rc = get_index(&reader, out, err);
	if (!rc)
		rc = get_versions(&reader, &out->prepared, err);
	if (!rc && (reader.failed || reader.left))
		rc = error_set(err, DD_CORRUPT, "a change was written down wrongly");
	return rc;
}

void request_release(struct request *request)
{
	prepared_release(&request->prepared);
	free(request->uses);
	*request = (struct request){.uses = NULL};
}
