/* SPDX-License-Identifier: Apache-2.0 */
/* json-c has types by the names of two of our functions; it sees them under others. */
#define json_object jsonc_value
#define json_bool jsonc_bool
#include <json-c/json.h>
#undef json_object
#undef json_bool

#include "qmp/json.h"

#include <ctype.h>
#include <string.h>

/*
 * How a value is held. A struct json * is a json-c object under another name. json-c's own word for
 * JSON null is a NULL pointer, which here means "not there" or "out of memory"; so null is the
 * address of null_value, never counted or freed, and translated where values go in and come out.
 *
 * An object or array to which something could not be added carries the mark `spoilt` as its user
 * data; putting it into another spoils that one too, and nothing spoilt is ever written. So who
 * builds a tree may leave the checking to the one who writes it.
 */
static char null_value;
static char spoilt;

static struct jsonc_value *raw(const struct json *json)
{
	if (!json || (const void *)json == &null_value)
		return NULL;
	return (struct jsonc_value *)(uintptr_t)json;
}

static struct json *wrap(struct jsonc_value *object)
{
	return object ? (struct json *)object : (struct json *)(void *)&null_value;
}

static bool is_null(const struct json *json)
{
	return (const void *)json == &null_value;
}

static bool is(const struct json *json, enum json_type type)
{
	return raw(json) && json_object_is_type(raw(json), type);
}

bool json_failed(const struct json *json)
{
	return !json || (raw(json) && json_object_get_userdata(raw(json)) == &spoilt);
}

static bool spoil(struct json *container)
{
	if (is(container, json_type_object) || is(container, json_type_array))
		json_object_set_userdata(raw(container), &spoilt, NULL);
	return false;
}

/* A string with a NUL inside would be cut short by everybody who reads it as a C string. */
static bool has_nul(struct jsonc_value *object);

static bool member_has_nul(struct jsonc_value *object)
{
	for (struct lh_entry *entry = lh_table_head(json_object_get_object(object)); entry;
		entry = lh_entry_next(entry))
		if (has_nul(lh_entry_v(entry)))
			return true;
	return false;
}

static bool has_nul(struct jsonc_value *object)
{
	switch (json_object_get_type(object)) {
	case json_type_string:
		return memchr(json_object_get_string(object), '\0',
			(size_t)json_object_get_string_len(object));
	case json_type_array:
		for (size_t i = 0; i < json_object_array_length(object); i++)
			if (has_nul(json_object_array_get_idx(object, i)))
				return true;
		return false;
	case json_type_object:
		return member_has_nul(object);
	default:
		return false;
	}
}

static int parse_error(
	const struct json_tokener *tokener, enum json_tokener_error code, struct dd_error *err)
{
	if (code == json_tokener_error_depth)
		return error_set(
			err, DD_INVALID, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
	if (code == json_tokener_continue)
		return error_set(err, DD_INVALID, "JSON ends too early");
	return error_set(err, DD_INVALID, "malformed JSON at byte %zu: %s",
		json_tokener_get_parse_end((struct json_tokener *)(uintptr_t)tokener),
		json_tokener_error_desc(code));
}

static bool only_space(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!text[i] || !strchr(" \t\r\n", text[i]))
			return false;
	return true;
}

/* The length of the UTF-8 sequence at text, 0 for none: overlong forms and surrogates are none. */
static size_t utf8_length(const unsigned char *text, size_t size)
{
	size_t length = text[0] < 0x80   ? 1
			: text[0] < 0xc2 ? 0
			: text[0] < 0xe0 ? 2
			: text[0] < 0xf0 ? 3
			: text[0] < 0xf5 ? 4
					 : 0;

	if (length > size)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

static int check_utf8(const char *text, size_t size, struct dd_error *err)
{
	for (size_t i = 0; i < size;) {
		size_t length = utf8_length((const unsigned char *)text + i, size - i);

		if (!length)
			return error_set(err, DD_INVALID, "JSON is not UTF-8 at byte %zu", i);
		i += length;
	}
	return 0;
}

/* The length of a string token that begins at text; 0 where a raw control character is in it. */
static size_t string_length(const char *text, size_t size)
{
	for (size_t i = 1; i < size; i++) {
		if ((unsigned char)text[i] < 0x20)
			return 0;
		if (text[i] == '"')
			return i + 1;
		if (text[i] == '\\')
			i++;
	}
	return size; /* not closed: json-c says so */
}

/* json-c would silently take the nearest number that it can hold. */
static bool number_fits(const char *text, size_t length)
{
	bool negative = text[0] == '-';
	const char *most = negative ? "9223372036854775808" : "18446744073709551615";
	size_t digits = length - negative;

	for (size_t i = negative; i < length; i++)
		if (!isdigit((unsigned char)text[i]))
			return true;
	if (digits != strlen(most))
		return digits < strlen(most);
	return memcmp(text + negative, most, digits) <= 0;
}

/* The length of true, false, null or a number that begins at text; 0 for anything else. */
static size_t word_length(const char *text, size_t size)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t length = 0;

	while (length < size &&
		(isalnum((unsigned char)text[length]) || strchr("+-.", text[length])))
		length++;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (length == strlen(words[i]) && memcmp(text, words[i], length) == 0)
			return length;

	size_t digit = text[0] == '-';

	if (digit >= length || !isdigit((unsigned char)text[digit]))
		return 0;
	if (text[digit] == '0' && digit + 1 < length && isdigit((unsigned char)text[digit + 1]))
		return 0;
	return number_fits(text, length) ? length : 0;
}

/*
 * json-c takes spellings that are not JSON whatever its flags say: quotes of the other kind,
 * comments, overlong UTF-8, NaN, any case of true, numbers with leading zeros. Tokens are looked at
 * here first.
 */
static int check_tokens(const char *text, size_t size, struct dd_error *err)
{
	for (size_t i = 0; i < size;) {
		size_t length = 1;

		if (text[i] == '"')
			length = string_length(text + i, size - i);
		else if (!strchr("{}[]:, \t\r\n", text[i]))
			length = word_length(text + i, size - i);
		if (!length)
			return error_set(err, DD_INVALID, "malformed JSON at byte %zu", i);
		i += length;
	}
	return 0;
}

static int tokenise(struct json_tokener *tokener, const char *text, size_t size,
	struct jsonc_value **out, struct dd_error *err)
{
	struct jsonc_value *object = json_tokener_parse_ex(tokener, text, (int)size);
	enum json_tokener_error code = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);

	if (code == json_tokener_continue) {
		/* a number at the top is complete only when something follows it */
		object = json_tokener_parse_ex(tokener, "", 1);
		code = json_tokener_get_error(tokener);
		if (code != json_tokener_success)
			return parse_error(tokener,
				code == json_tokener_error_depth ? code : json_tokener_continue,
				err);
		end = size;
	}
	if (code != json_tokener_success)
		return parse_error(tokener, code, err);
	if (!only_space(text + end, size - end)) {
		json_object_put(object);
		return error_set(
			err, DD_INVALID, "more text after the JSON value at byte %zu", end);
	}
	*out = object;
	return 0;
}

int json_parse(const char *text, size_t size, struct json **out, struct dd_error *err)
{
	if (size > JSON_SIZE_MAX)
		return error_set(err, DD_INVALID, "JSON is larger than %u bytes", JSON_SIZE_MAX);
	if (size && memchr(text, '\0', size))
		return error_set(err, DD_INVALID, "JSON with a NUL byte in it");
	if (!size || only_space(text, size))
		return error_set(err, DD_INVALID, "JSON ends too early");

	int code = check_utf8(text, size, err);

	if (!code)
		code = check_tokens(text, size, err);
	if (code)
		return code;

	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	struct jsonc_value *object = NULL;

	if (!tokener)
		return error_no_memory(err);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);

	code = tokenise(tokener, text, size, &object, err);

	json_tokener_free(tokener);
	if (code)
		return code;
	if (has_nul(object)) {
		json_object_put(object);
		return error_set(err, DD_INVALID, "JSON string with a NUL in it");
	}
	*out = wrap(object);
	return 0;
}

void json_free(struct json *json)
{
	json_object_put(raw(json));
}

static int write_as(const struct json *json, int flags, struct text *out, struct dd_error *err)
{
	if (json_failed(json))
		return error_no_memory(err);

	size_t size = 0;
	const char *text = json_object_to_json_string_length(
		raw(json), flags | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	if (!text)
		return error_no_memory(err);
	text_add(out, text, size);
	return text_failed(out) ? error_no_memory(err) : 0;
}

int json_write(const struct json *json, struct text *out, struct dd_error *err)
{
	return write_as(json, JSON_C_TO_STRING_PLAIN, out, err);
}

int json_write_pretty(const struct json *json, struct text *out, struct dd_error *err)
{
	return write_as(json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED, out, err);
}

struct json *json_object(void)
{
	return (struct json *)json_object_new_object();
}

struct json *json_array(void)
{
	return (struct json *)json_object_new_array();
}

struct json *json_string(const char *value)
{
	return value ? (struct json *)json_object_new_string(value) : json_null();
}

struct json *json_number(int64_t value)
{
	return (struct json *)json_object_new_int64(value);
}

struct json *json_unsigned(uint64_t value)
{
	return (struct json *)json_object_new_uint64(value);
}

struct json *json_bool(bool value)
{
	return (struct json *)json_object_new_boolean(value);
}

struct json *json_null(void)
{
	return wrap(NULL);
}

struct json *json_copy(const struct json *json)
{
	struct jsonc_value *copy = NULL;

	if (!json || is_null(json))
		return json ? json_null() : NULL;
	if (json_failed(json) || json_object_deep_copy(raw(json), &copy, NULL))
		return NULL;
	return wrap(copy);
}

bool json_put(struct json *object, const char *key, struct json *value)
{
	if (!is(object, json_type_object) || json_failed(value) ||
		json_object_object_add(raw(object), key, raw(value))) {
		json_free(value);
		return spoil(object);
	}
	return !json_failed(object);
}

bool json_push(struct json *array, struct json *value)
{
	if (!is(array, json_type_array) || json_failed(value) ||
		json_object_array_add(raw(array), raw(value))) {
		json_free(value);
		return spoil(array);
	}
	return !json_failed(array);
}

bool json_put_string(struct json *object, const char *key, const char *value)
{
	return json_put(object, key, json_string(value));
}

bool json_put_number(struct json *object, const char *key, int64_t value)
{
	return json_put(object, key, json_number(value));
}

bool json_put_bool(struct json *object, const char *key, bool value)
{
	return json_put(object, key, json_bool(value));
}

const struct json *json_get(const struct json *object, const char *key)
{
	struct jsonc_value *value = NULL;

	if (!is(object, json_type_object) || !json_object_object_get_ex(raw(object), key, &value))
		return NULL;
	return wrap(value);
}

const struct json *json_at(const struct json *array, size_t index)
{
	if (index >= json_count(array))
		return NULL;
	return wrap(json_object_array_get_idx(raw(array), index));
}

size_t json_count(const struct json *array)
{
	return is(array, json_type_array) ? json_object_array_length(raw(array)) : 0;
}

const char *json_get_string(const struct json *object, const char *key)
{
	return json_as_string(json_get(object, key));
}

int64_t json_get_number(const struct json *object, const char *key, int64_t otherwise)
{
	return json_as_number(json_get(object, key), otherwise);
}

uint64_t json_get_unsigned(const struct json *object, const char *key, uint64_t otherwise)
{
	const struct json *value = json_get(object, key);

	if (!is(value, json_type_int) || json_object_get_int64(raw(value)) < 0)
		return otherwise;
	return json_object_get_uint64(raw(value));
}

bool json_get_bool(const struct json *object, const char *key, bool otherwise)
{
	const struct json *value = json_get(object, key);

	return is(value, json_type_boolean) ? json_object_get_boolean(raw(value)) : otherwise;
}

bool json_as_bool(const struct json *json, bool otherwise)
{
	return is(json, json_type_boolean) ? json_object_get_boolean(raw(json)) : otherwise;
}

const char *json_as_string(const struct json *json)
{
	return is(json, json_type_string) ? json_object_get_string(raw(json)) : NULL;
}

int64_t json_as_number(const struct json *json, int64_t otherwise)
{
	if (!is(json, json_type_int) || json_object_get_uint64(raw(json)) > INT64_MAX)
		return otherwise;
	return json_object_get_int64(raw(json));
}

bool json_equal(const struct json *a, const struct json *b)
{
	return json_object_equal(raw(a), raw(b));
}

bool json_empty(const struct json *object)
{
	return !is(object, json_type_object) || !json_object_object_length(raw(object));
}

int json_each(const struct json *object,
	int (*visit)(const char *key, const struct json *value, void *context), void *context)
{
	if (!is(object, json_type_object))
		return 0;
	for (struct lh_entry *entry = lh_table_head(json_object_get_object(raw(object))); entry;
		entry = lh_entry_next(entry)) {
		int result = visit(lh_entry_k(entry), wrap(lh_entry_v(entry)), context);

		if (result)
			return result;
	}
	return 0;
}
