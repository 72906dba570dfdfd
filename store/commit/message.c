/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit/message.h"

#include <string.h>

/* ---- people ---- */

static bool crud(unsigned char c)
{
	return c <= ' ' || c == 0x7f || (c < 0x80 && strchr(".,:;<>\"\\'", c));
}

/* Appends word without what would end or split a header, or fallback when nothing is left. */
static void word_add(struct text *out, const char *word, const char *fallback, bool spaces)
{
	size_t length = strnlen(word ? word : "", PERSON_LIMIT);
	size_t before = out->size;

	while (length && crud((unsigned char)word[0])) {
		word++;
		length--;
	}
	while (length && crud((unsigned char)word[length - 1]))
		length--;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)word[i];

		if (c >= (spaces ? 0x20 : 0x21) && c != 0x7f && c != '<' && c != '>')
			text_putc(out, (char)c);
	}
	if (out->size == before)
		text_puts(out, fallback);
}

bool person_name_stays(const char *name)
{
	CLEANUP(text) struct text kept = TEXT_INIT;

	word_add(&kept, name, "", true);
	return strcmp(text_string(&kept), name) == 0;
}

void person_add(struct text *out, const struct person *person)
{
	word_add(out, person->name, "unknown", true);
	text_puts(out, " <");
	word_add(out, person->email, "unknown", false);
	text_putc(out, '>');
}

/* ---- making ---- */

static bool one_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool key_valid(const char *key)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-";
	static const char *const ours[] = {"Domain", "Version", "Host", "Book-Seq", "Book-Prev"};
	size_t length = strlen(key);

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strcasecmp(key, ours[i]) == 0)
			return false;
	return length && length <= 64 && strspn(key, letters) == length;
}

static int subject_add(struct text *out, const char *subject, struct dd_error *err)
{
	if (!subject || !*subject || strlen(subject) > SUBJECT_LIMIT || !one_line(subject))
		return error_set(err, DD_INVALID, "'%.80s' cannot be a version's subject",
			subject ? subject : "");
	text_printf(out, "%s\n\n", subject);
	return 0;
}

static int body_add(struct text *out, const char *body, struct dd_error *err)
{
	size_t length = body ? strlen(body) : 0;

	if (length > BODY_LIMIT)
		return error_set(
			err, DD_INVALID, "a version's text has more than %d bytes", BODY_LIMIT);
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)body[i] < 0x20 && !strchr("\n\t", body[i])) || body[i] == 0x7f)
			return error_set(
				err, DD_INVALID, "a version's text has control characters");
	while (length && *body == '\n') {
		body++;
		length--;
	}
	while (length && body[length - 1] == '\n')
		length--;
	if (!length)
		return 0;
	text_add(out, body, length);
	text_puts(out, "\n\n");
	return 0;
}

static int trailers_add(struct text *out, const struct version_draft *draft, struct dd_error *err)
{
	if (draft->trailer_count > TRAILERS_LIMIT)
		return error_set(
			err, DD_INVALID, "a version has more than %d trailers", TRAILERS_LIMIT);
	for (size_t i = 0; i < draft->trailer_count; i++) {
		const struct trailer *trailer = &draft->trailers[i];

		if (!key_valid(trailer->key))
			return error_set(
				err, DD_INVALID, "'%s' cannot name a trailer", trailer->key);
		if (!one_line(trailer->value) || strlen(trailer->value) > TRAILER_VALUE_LIMIT)
			return error_set(err, DD_INVALID, "the trailer %s is not one short line",
				trailer->key);
		text_printf(out, "%s: %s\n", trailer->key, trailer->value);
	}
	return 0;
}

int message_open(const char *subject, const char *body, struct text *out, struct dd_error *err)
{
	int rc = subject_add(out, subject, err);

	return rc ? rc : body_add(out, body, err);
}

int message_build(const struct version_draft *draft, const struct message_facts *facts,
	struct text *out, struct dd_error *err)
{
	int rc = message_open(draft->subject, draft->body, out, err);

	if (rc)
		return rc;
	text_printf(out, "Domain: %s\nVersion: %u\n", facts->uuid, facts->number);
	rc = trailers_add(out, draft, err);
	if (rc)
		return rc;
	text_printf(out, "Host: %s\n", facts->host);
	return text_failed(out) ? error_no_memory(err) : 0;
}

void message_chain(struct text *message, int64_t seq, const char *prev)
{
	text_printf(message, "Book-Seq: %lld\nBook-Prev: %s\n", (long long)seq, prev);
}

/* ---- reading ---- */

/* Where the last paragraph of a text without newlines at its end begins. */
static size_t last_paragraph(const char *text, size_t length)
{
	for (size_t i = length; i >= 2; i--)
		if (text[i - 1] == '\n' && text[i - 2] == '\n')
			return i;
	return length;
}

/* The value of the first trailer with that key; NULL: there is none. */
static const char *trailer_find(const char *message, size_t size, const char *key, size_t *length)
{
	size_t key_size = strlen(key);
	const char *end, *line;

	while (size && message[size - 1] == '\n')
		size--;
	end = message + size;
	line = message + last_paragraph(message, size);
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t left = (size_t)((newline ? newline : end) - line);

		if (left >= key_size + 2 && memcmp(line, key, key_size) == 0 &&
			memcmp(line + key_size, ": ", 2) == 0) {
			*length = left - key_size - 2;
			return line + key_size + 2;
		}
		line += left + 1;
	}
	return NULL;
}

static int64_t trailer_number(const char *message, size_t size, const char *key)
{
	size_t length = 0;
	const char *value = trailer_find(message, size, key, &length);
	int64_t number = 0;

	if (!value || !length || length > 18)
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return 0;
		number = number * 10 + (value[i] - '0');
	}
	return number;
}

/* Left "" where the value has not exactly that length. */
static void trailer_word(const char *message, size_t size, const char *key, char *out, size_t room)
{
	size_t length = 0;
	const char *value = trailer_find(message, size, key, &length);

	if (value && length == room - 1)
		memcpy(out, value, length);
}

void message_marks(const char *message, size_t size, struct message_marks *out)
{
	int64_t number = trailer_number(message, size, "Version");
	int64_t epoch = trailer_number(message, size, "Epoch");

	*out = (struct message_marks){
		.number = number <= UINT32_MAX ? (uint32_t)number : 0,
		.seq = trailer_number(message, size, "Book-Seq"),
		.epoch = epoch <= UINT32_MAX ? (uint32_t)epoch : 0,
	};
	trailer_word(message, size, "Domain", out->uuid, sizeof out->uuid);
	trailer_word(message, size, "Book-Prev", out->prev, sizeof out->prev);
	trailer_word(message, size, TAKEN_BOOK, out->taken, sizeof out->taken);
}

bool message_trailer(const char *message, size_t size, const char *key, struct text *out)
{
	size_t length = 0;
	const char *value = trailer_find(message, size, key, &length);

	if (value)
		text_add(out, value, length);
	return value != NULL;
}

static int part_copy(char **out, const char *text, size_t length, struct dd_error *err)
{
	while (length && text[length - 1] == '\n')
		length--;
	*out = strndup(text, length);
	return *out ? 0 : error_no_memory(err);
}

static int trailers_parse(
	const char *text, size_t length, struct version_info *info, struct dd_error *err)
{
	const char *end = text + length;
	size_t lines = 1;

	for (const char *at = text; at < end; at++)
		lines += *at == '\n';
	info->trailers = calloc(lines, sizeof *info->trailers);
	if (!info->trailers)
		return error_no_memory(err);
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((newline ? newline : end) - text);

		if (line && part_copy(&info->trailers[info->trailer_count], text, line, err))
			return DD_NO_MEMORY;
		info->trailer_count += line != 0;
		text += line + 1;
	}
	return 0;
}

int message_parse(const char *message, struct version_info *info, struct dd_error *err)
{
	size_t length = strlen(message);
	size_t subject = strcspn(message, "\n");
	size_t trailers, body;
	int rc;

	while (length && message[length - 1] == '\n')
		length--;
	trailers = last_paragraph(message, length);
	body = subject;
	while (body < trailers && message[body] == '\n')
		body++;
	rc = part_copy(&info->subject, message, subject, err);
	if (!rc)
		rc = part_copy(&info->body, message + body, trailers - body, err);
	if (!rc)
		rc = trailers_parse(message + trailers, length - trailers, info, err);
	return rc;
}

/* "Name <email> SECONDS +0000" of a header, without what stands behind the email. */
static int person_parse(const char *line, char **person, int64_t *when, struct dd_error *err)
{
	size_t length = strcspn(line, "\n");
	const char *end = memrchr(line, '>', length);

	if (!end || end[1] != ' ')
		return error_set(err, DD_CORRUPT, "a version does not say who made it and when");
	*when = strtoll(end + 2, NULL, 10);
	*person = strndup(line, (size_t)(end + 1 - line));
	return *person ? 0 : error_no_memory(err);
}

int version_info_read(const char *text, struct version_info *info, struct dd_error *err)
{
	static const char author[] = "author ", committer[] = "committer ";
	int rc = 0;

	/* a line that goes on another begins with a space, so that no header is mistaken */
	for (; !rc && *text && *text != '\n'; text += strcspn(text, "\n"), text += *text == '\n') {
		if (strncmp(text, author, sizeof author - 1) == 0 && !info->author)
			rc = person_parse(
				text + sizeof author - 1, &info->author, &info->authored, err);
		else if (strncmp(text, committer, sizeof committer - 1) == 0 && !info->committer)
			rc = person_parse(
				text + sizeof committer - 1, &info->committer, &info->when, err);
	}
	if (!rc && (*text != '\n' || !info->author || !info->committer))
		rc = error_set(err, DD_CORRUPT, "a version's commit is cut short");
	return rc ? rc : message_parse(text + 1, info, err);
}

void version_info_release(struct version_info *info)
{
	for (size_t i = 0; i < info->trailer_count; i++)
		free(info->trailers[i]);
	free(info->trailers);
	free(info->author);
	free(info->committer);
	free(info->subject);
	free(info->body);
	*info = (struct version_info){0};
}

const char *version_trailer(const struct version_info *info, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; i < info->trailer_count; i++) {
		const char *line = info->trailers[i];

		if (strncasecmp(line, key, length) == 0 && strncmp(line + length, ": ", 2) == 0)
			return line + length + 2;
	}
	return NULL;
}
