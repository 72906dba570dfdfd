/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_JSON_H
#define QMP_JSON_H

/*
 * JSON, behind one file: json.c alone includes json-c. A struct json is a value that owns what is
 * in it. Building never fails half-way: a failed allocation makes the result NULL, every function
 * takes NULL and does nothing or gives NULL, and what a NULL was put into is spoilt and cannot be
 * written; so one check at the end, of json_failed() or of json_write(), is enough.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct json;

/* Deeper or larger than these, or not UTF-8, is DD_INVALID. */
#define JSON_DEPTH_MAX 256
#define JSON_SIZE_MAX (64u << 20)

int json_parse(const char *text, size_t size, struct json **out, struct dd_error *err);
void json_free(struct json *json);
CLEANUP_DEFINE(json, struct json *, json_free)

/* Appends as one line; json_write_pretty with two-space indent. */
int json_write(const struct json *json, struct text *out, struct dd_error *err);
int json_write_pretty(const struct json *json, struct text *out, struct dd_error *err);

struct json *json_object(void);
struct json *json_array(void);
struct json *json_string(const char *value); /* NULL gives JSON null */
struct json *json_number(int64_t value);
struct json *json_unsigned(uint64_t value);
struct json *json_bool(bool value);
struct json *json_null(void);
struct json *json_copy(const struct json *json);
bool json_equal(const struct json *a, const struct json *b);
bool json_empty(const struct json *object); /* true for what is no object, too */

/* NULL, or an object or array that something could not be put into. */
bool json_failed(const struct json *json);

/* Take ownership of value, also on failure (they then return false and object is unusable). */
bool json_put(struct json *object, const char *key, struct json *value);
bool json_push(struct json *array, struct json *value);

/* Shorthands for the usual members. */
bool json_put_string(struct json *object, const char *key, const char *value);
bool json_put_number(struct json *object, const char *key, int64_t value);
bool json_put_bool(struct json *object, const char *key, bool value);

/* Borrowed from the object or array; NULL where absent or of another kind. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *array, size_t index);
size_t json_count(const struct json *array); /* elements of an array; 0 for anything else */
const char *json_get_string(const struct json *object, const char *key);
int64_t json_get_number(const struct json *object, const char *key, int64_t otherwise);
uint64_t json_get_unsigned(const struct json *object, const char *key, uint64_t otherwise);
bool json_get_bool(const struct json *object, const char *key, bool otherwise);
const char *json_as_string(const struct json *json); /* NULL for another kind */
bool json_as_bool(const struct json *json, bool otherwise);
int64_t json_as_number(const struct json *json, int64_t otherwise);

/* Calls visit for each member of an object, in order; stops with its non-zero result. */
int json_each(const struct json *object,
	int (*visit)(const char *key, const struct json *value, void *context), void *context);

#endif
