/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit as git stores it. The signature is made over the commit without its gpgsig header, and
 * then stands in it, every line after the first set in by one space.
 */
#include "store/git/object.h"

#include <string.h>

#include "store/commit/message.h"

static void header_person(
	struct text *out, const char *key, const struct person *person, int64_t when)
{
	text_printf(out, "%s ", key);
	person_add(out, person);
	text_printf(out, " %lld +0000\n", (long long)when);
}

void commit_headers(const struct commit_draft *draft, struct text *out)
{
	char tree[GIT_OID_HEXSZ + 1], parent[GIT_OID_HEXSZ + 1];

	text_printf(out, "tree %s\n", git_oid_tostr(tree, sizeof tree, &draft->tree));
	if (draft->parent)
		text_printf(
			out, "parent %s\n", git_oid_tostr(parent, sizeof parent, draft->parent));
	header_person(
		out, "author", &draft->author, draft->authored ? draft->authored : draft->when);
	header_person(out, "committer", &draft->committer, draft->when);
}

void commit_parent(struct text *headers, const git_oid *parent)
{
	size_t tree = strlen("tree \n") + GIT_OID_HEXSZ;
	struct text with = TEXT_INIT;
	char hex[GIT_OID_HEXSZ + 1];

	/* what lacks its end must stay known for that */
	if (text_failed(headers))
		return;
	text_add(&with, headers->data, tree);
	text_printf(&with, "parent %s\n", git_oid_tostr(hex, sizeof hex, parent));
	text_add(&with, headers->data + tree, headers->size - tree);
	text_release(headers);
	*headers = with;
}

static void signature_add(struct text *out, const struct text *signature)
{
	text_puts(out, "gpgsig ");
	for (size_t i = 0; i < signature->size; i++) {
		text_putc(out, signature->data[i]);
		if (signature->data[i] == '\n' && i + 1 < signature->size)
			text_putc(out, ' ');
	}
}

int commit_sign(struct object_set *set, const struct key *key, struct text *headers,
	const struct text *message, git_oid *oid, struct dd_error *err)
{
	CLEANUP(text) struct text whole = TEXT_INIT;
	CLEANUP(text) struct text signature = TEXT_INIT;
	int rc;

	text_add(&whole, headers->data, headers->size);
	text_putc(&whole, '\n');
	text_add(&whole, message->data, message->size);
	if (text_failed(&whole) || text_failed(headers) || text_failed(message))
		return error_no_memory(err);
	rc = key_sign(key, whole.data, whole.size, &signature, err);
	if (rc)
		return rc;
	signature_add(headers, &signature);
	text_putc(headers, '\n');
	text_add(headers, message->data, message->size);
	return object_add_text(set, GIT_OBJECT_COMMIT, headers, oid, err);
}

/* ---- and read again ---- */

struct reading {
	const char *at, *end;
};

/* The rest of a line that begins with these words; NULL, and nothing is read, if it does not. */
static const char *line_take(struct reading *reading, const char *words, size_t *size)
{
	size_t length = strlen(words);
	const char *value = reading->at + length;
	const char *newline;

	if ((size_t)(reading->end - reading->at) < length ||
		memcmp(reading->at, words, length) != 0)
		return NULL;
	newline = memchr(value, '\n', (size_t)(reading->end - value));
	if (!newline)
		return NULL;
	*size = (size_t)(newline - value);
	reading->at = newline + 1;
	return value;
}

static bool oid_take(struct reading *reading, const char *words, git_oid *out)
{
	size_t size;
	const char *value = line_take(reading, words, &size);

	return value && size == GIT_OID_HEXSZ && git_oid_fromstrn(out, value, size) == 0;
}

/* "Name <email>", and the seconds behind it. */
static bool person_take(
	struct reading *reading, const char *words, const char **name, size_t *size, int64_t *when)
{
	size_t length, digits = 0;
	const char *line = line_take(reading, words, &length);
	const char *close = line ? memrchr(line, '>', length) : NULL;

	if (!close || (size_t)(close - line) + 3 > length || close[1] != ' ')
		return false;
	*name = line;
	*size = (size_t)(close + 1 - line);
	*when = 0;
	for (close += 2; close[digits] >= '0' && close[digits] <= '9' && digits < 18; digits++)
		*when = *when * 10 + (close[digits] - '0');
	return digits && close[digits] == ' ';
}

static void signature_take(struct reading *reading, const char *data, struct commit_parts *parts)
{
	size_t size;

	parts->header_at = parts->header_end = (size_t)(reading->at - data);
	parts->signature = line_take(reading, "gpgsig ", &size);
	if (!parts->signature)
		return;
	while (line_take(reading, " ", &size))
		;
	parts->signature_size = (size_t)(reading->at - parts->signature);
	parts->header_end = (size_t)(reading->at - data);
}

bool commit_parse(const char *data, size_t size, struct commit_parts *out)
{
	struct reading reading = {data, data + size};
	const char *committer;
	int64_t authored;
	size_t ignored;

	*out = (struct commit_parts){.author = NULL};
	if (!oid_take(&reading, "tree ", &out->tree))
		return false;
	(void)oid_take(&reading, "parent ", &out->parent);
	if (!person_take(&reading, "author ", &out->author, &out->author_size, &authored) ||
		!person_take(&reading, "committer ", &committer, &ignored, &out->when))
		return false;
	signature_take(&reading, data, out);
	if (!line_take(&reading, "", &ignored) || ignored)
		return false;
	out->message = reading.at;
	out->message_size = (size_t)(reading.end - reading.at);
	return true;
}

int commit_check(const char *data, size_t size, const struct commit_parts *parts, struct text *room,
	enum signature_state *state, unsigned char signer[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	text_clear(room);
	text_add(room, data, parts->header_at);
	text_add(room, data + parts->header_end, size - parts->header_end);
	if (text_failed(room))
		return error_no_memory(err);
	*state = signature_check(
		parts->signature, parts->signature_size, room->data, room->size, signer);
	return 0;
}
