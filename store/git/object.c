/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/object.h"

#include <string.h>

void object_set_release(struct object_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->list[i].owned);
	free(set->list);
	*set = (struct object_set){0};
}

static int object_set_grow(struct object_set *set, struct dd_error *err)
{
	size_t room = set->room ? set->room * 2 : 8;
	struct object *list;

	if (set->count < set->room)
		return 0;
	list = reallocarray(set->list, room, sizeof *list);
	if (!list)
		return error_no_memory(err);
	set->list = list;
	set->room = room;
	return 0;
}

int object_add(struct object_set *set, git_object_t type, const void *data, size_t size,
	git_oid *oid, struct dd_error *err)
{
	struct object object = {.type = type, .data = data ? data : "", .size = size};
	int rc = object_set_grow(set, err);

	if (rc)
		return rc;
	if (git_odb_hash(&object.oid, object.data, size, type) < 0)
		return error_set(err, DD_SYSTEM, "cannot name a git object");
	set->list[set->count++] = object;
	*oid = object.oid;
	return 0;
}

int object_add_text(struct object_set *set, git_object_t type, struct text *data, git_oid *oid,
	struct dd_error *err)
{
	int rc;

	if (text_failed(data))
		return error_no_memory(err);
	rc = object_add(set, type, text_string(data), data->size, oid, err);
	if (rc)
		return rc;
	set->list[set->count - 1].owned = TAKE(data->data);
	text_release(data);
	return 0;
}

int object_set_stage(const struct object_set *set, struct database *database, int64_t domain,
	struct dd_error *err)
{
	struct statement statement = statement_begin(database,
		"INSERT INTO staged(oid, type, domain, data) VALUES(?, ?, ?, ?)"
		" ON CONFLICT DO NOTHING");

	for (size_t i = 0; i < set->count; i++) {
		const struct object *object = &set->list[i];

		statement_blob(&statement, object->oid.id, sizeof object->oid.id);
		statement_number(&statement, object->type);
		statement_number(&statement, domain);
		statement_blob(&statement, object->data, object->size);
		(void)statement_row(&statement);
		statement_again(&statement);
	}
	return statement_end(&statement, err);
}
