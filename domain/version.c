/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/version.h"

#include <stdlib.h>
#include <string.h>

void version_names_release(struct version_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i].label);
	free(names->list);
	*names = (struct version_names){.list = NULL};
}

static int add_name(const char *label, uint32_t number, void *context)
{
	struct version_names *names = context;

	if (names->count == names->room) {
		size_t room = names->room ? names->room * 2 : 8;
		struct version_name *list = reallocarray(names->list, room, sizeof *list);

		if (!list)
			return DD_NO_MEMORY;
		names->list = list;
		names->room = room;
	}
	names->list[names->count].number = number;
	names->list[names->count].label = strdup(label);
	return names->list[names->count++].label ? 0 : DD_NO_MEMORY;
}

int version_names_read(
	struct version_names *names, struct book *book, const char *uuid, struct dd_error *err)
{
	int rc = book_tags(book, uuid, add_name, names, err);

	return rc == DD_NO_MEMORY ? error_no_memory(err) : rc;
}

static void put_names(struct text *out, const struct version_names *names, uint32_t number)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->list[i].number == number)
			text_printf(out, "%s%s", out->size ? " " : "", names->list[i].label);
}

static int64_t number_of(const struct version_info *info, const char *key, int64_t otherwise)
{
	const char *value = version_trailer(info, key);
	char *end = NULL;
	long long number = value ? strtoll(value, &end, 10) : 0;

	return end && end != value && !*end ? number : otherwise;
}

static struct dd_caller caller_of(const struct version_info *info)
{
	const char *known_by = version_trailer(info, "Caller-Known-By");
	const char *program = version_trailer(info, "Program");
	int64_t uid = number_of(info, "Caller-Uid", -1);

	return (struct dd_caller){
		.uid = uid,
		.acting_uid = number_of(info, "Acting-Uid", uid),
		.known_by = known_by ? known_by : "",
		.program = program ? program : "",
	};
}

int version_tell(const struct version_info *info, const struct domain_row *row,
	const struct version_names *names, dd_version_fn visit, void *context)
{
	CLEANUP(text) struct text tags = TEXT_INIT;
	const char *operation = version_trailer(info, "Operation");
	struct dd_version_info told = {
		.domain = row->name,
		.number = info->number,
		.when = info->when,
		.authored = info->authored,
		.author = info->author,
		.caller = caller_of(info),
		.committer = info->committer,
		.operation = operation ? operation : "",
		.subject = info->subject,
		.reason = info->body ? info->body : "",
		.trailers = (const char *const *)info->trailers,
		.trailer_count = info->trailer_count,
	};

	_Static_assert(DD_COMMIT_SIZE == COMMIT_SIZE, "one size of a commit's name");
	if (!visit)
		return 0;
	memcpy(told.uuid, row->uuid, UUID_SIZE);
	memcpy(told.commit, info->commit, COMMIT_SIZE);
	put_names(&tags, names, info->number);
	told.tags = text_string(&tags);
	return visit(&told, context);
}
