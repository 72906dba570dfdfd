/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"device", 0, "DEVICE", "one device only: target, MAC, alias, or \"disk vdb\""},
	{"path", 0, "PATH",
		"only what is there or below, such as devices/disk or os/type/@machine"},
	{NULL},
};

/* A version that something comes from, as it stands beside the lines. */
struct origin {
	uint32_t number;
	char when[MOMENT_SIZE];
	char *who;
	char *operation;
	struct json *json;
};

struct view {
	struct cli *cli;
	struct origin *origins; /* the newest first */
	size_t count;
	size_t number_width, who_width, operation_width;
	struct json *parts;
};

static void cleanup_view(struct view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		free(view->origins[i].who);
		free(view->origins[i].operation);
		json_free(view->origins[i].json);
	}
	free(view->origins);
	json_free(view->parts);
}

/* Characters of UTF-8. */
static size_t width(const char *text, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static void widen(size_t *column, size_t wanted)
{
	if (wanted > *column)
		*column = wanted;
}

static int add_origin(const struct dd_version_info *info, void *context)
{
	struct view *view = context;
	struct origin *origins = reallocarray(view->origins, view->count + 1, sizeof *origins);

	if (!origins)
		return DD_NO_MEMORY;
	view->origins = origins;

	struct origin *origin = &origins[view->count++];

	*origin = (struct origin){.number = info->number, .json = json_object()};
	moment_format(info->when, origin->when);
	if (string_format(
		    &origin->who, NULL, "%.*s", person_name_length(info->author), info->author) ||
		string_copy(&origin->operation, info->operation, NULL))
		return DD_NO_MEMORY;
	json_put_number(origin->json, "version", info->number);
	put_time(origin->json, "when", info->when);
	json_put_string(origin->json, "author", info->author);
	json_put_string(origin->json, "operation", info->operation);
	json_put_string(origin->json, "subject", info->subject);
	json_put_string(origin->json, "reason", info->reason);
	widen(&view->number_width, (size_t)snprintf(NULL, 0, "%u", info->number));
	widen(&view->who_width, width(origin->who, strlen(origin->who)));
	widen(&view->operation_width, strlen(origin->operation));
	return 0;
}

static const struct origin *origin_of(const struct view *view, uint32_t number)
{
	size_t i = 0;

	while (i + 1 < view->count && view->origins[i].number != number)
		i++;
	return &view->origins[i];
}

static void add_parts(struct view *view, const struct dd_blame_line *line)
{
	for (size_t i = 0; i < line->count; i++) {
		const struct dd_blame_part *part = &line->parts[i];
		struct json *object = json_copy(origin_of(view, part->version)->json);

		json_put_string(object, "path", part->path);
		json_put_string(object, "value", part->value);
		json_push(view->parts, object);
	}
}

/* From one column of the line to another, at its place. */
static void put_row(struct view *view, uint32_t version, const char *line, size_t from, size_t to)
{
	const struct origin *origin = origin_of(view, version);
	struct text *out = &view->cli->out;
	size_t padding = view->who_width - width(origin->who, strlen(origin->who));

	while (to > from && line[to - 1] == ' ')
		to--;
	text_printf(out, "%s%*u%s %s %s%*s %-*s | %*s%.*s\n", colour(view->cli, COLOUR_YELLOW),
		(int)view->number_width, version, colour(view->cli, COLOUR_NONE), origin->when,
		origin->who, (int)padding, "", (int)view->operation_width, origin->operation,
		(int)width(line, from), "", (int)(to - from), line + from);
}

/* What a line has of one version after the other. */
struct row {
	struct view *view;
	const char *line;
	size_t from;
	uint32_t version;
};

static void row_go_on(struct row *row, size_t column, uint32_t version)
{
	if (version == row->version)
		return;
	if (row->version)
		put_row(row->view, row->version, row->line, row->from, column);
	row->from = row->version ? column : 0;
	row->version = version;
}

/* A line of which parts come from different versions is shown in as many. */
static void put_line(struct view *view, const struct dd_blame_line *line)
{
	struct row row = {.view = view, .line = line->text};
	const struct dd_blame_part *text = NULL; /* the element whose text is still to come */

	for (size_t i = 0; i < line->count; i++) {
		const struct dd_blame_part *part = &line->parts[i];

		if (text && text->text_column <= part->column)
			row_go_on(&row, text->text_column, text->version);
		row_go_on(&row, part->column, part->version);
		text = part->text_column                          ? part
		       : text && text->text_column > part->column ? text
								  : NULL;
	}
	if (text)
		row_go_on(&row, text->text_column, text->version);
	put_row(view, row.version ? row.version : line->version, line->text, row.from,
		line->length);
}

static int add_line(const struct dd_blame_line *line, void *context)
{
	struct view *view = context;

	if (view->cli->json)
		add_parts(view, line);
	else
		put_line(view, line);
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(view) struct view view = {.cli = cli, .parts = json_array()};
	CLEANUP(free) char *domain = NULL;
	struct dd_blame_options wanted = {
		.device = option_value(args, "device"),
		.path = option_value(args, "path"),
	};
	int rc = dd_resolve(cli->host, operand(args, 0), &domain, &wanted.version, err);

	wanted.domain = domain;
	if (rc == 0)
		rc = dd_blame(cli->host, &wanted, add_origin, add_line, &view, err);
	if (rc == DD_NO_MEMORY)
		return error_no_memory(err);
	return rc < 0 || !cli->json ? rc : cli_answer(cli, TAKE(view.parts), err);
}

const struct command command_blame = {
	.name = "blame",
	.group = GROUP_HISTORY,
	.operands = "NAME[@VERSION]",
	.summary = "show a definition, and for each element and attribute who set it, and when",
	.about = "An element is set when it comes and when its own text changes, an attribute when "
		 "its\n"
		 "value does. A line of which parts come from different versions is shown in as "
		 "many.",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
