/* SPDX-License-Identifier: Apache-2.0 */

/* Tables: libsmartcols behind one file. */

#include <stdio.h>
#include <string.h>

#include <libsmartcols.h>

#include "base/line.h"
#include "cli/output.h"

struct table {
	struct libscols_table *scols;
	size_t columns;
	bool failed;
	bool colour;
};

static const char *const colour_names[] = {
	[COLOUR_BOLD] = "bold",
	[COLOUR_RED] = "red",
	[COLOUR_GREEN] = "green",
	[COLOUR_YELLOW] = "yellow",
	[COLOUR_BLUE] = "blue",
};

int table_new(struct cli *cli, const char *const *titles, struct table **out, struct dd_error *err)
{
	CLEANUP(table) struct table *table = calloc(1, sizeof *table);

	if (!table)
		return error_no_memory(err);
	table->colour = cli->colour;
	table->scols = scols_new_table();
	if (!table->scols || scols_table_enable_colors(table->scols, cli->colour))
		return error_no_memory(err);
	for (; titles[table->columns]; table->columns++) {
		bool last = !titles[table->columns + 1];
		struct libscols_column *column = scols_table_new_column(
			table->scols, titles[table->columns], 0, last ? SCOLS_FL_WRAP : 0);

		if (!column)
			return error_no_memory(err);
	}
	*out = TAKE(table);
	return 0;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->scols);
	free(table);
}

void table_row(struct table *table, enum colour which, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table->scols, NULL);

	if (!line)
		table->failed = true;
	for (size_t i = 0; line && i < table->columns; i++) {
		CLEANUP(text) struct text cell = TEXT_INIT;

		/* before it is measured */
		line_spell(&cell, cells[i], strlen(cells[i]), "");
		table->failed |=
			text_failed(&cell) || scols_line_set_data(line, i, text_string(&cell)) != 0;
	}
	if (line && table->colour && which != COLOUR_NONE)
		table->failed |= scols_line_set_color(line, colour_names[which]) != 0;
}

/* The library fills the last column with spaces in some cases; nobody wants those in a pipe. */
static void add_trimmed(struct text *out, const char *lines)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n");
		size_t kept = length;

		while (kept && lines[kept - 1] == ' ')
			kept--;
		text_add(out, lines, kept);
		text_putc(out, '\n');
		lines += length + (lines[length] == '\n');
	}
}

int table_print(struct table *table, struct cli *cli, struct dd_error *err)
{
	CLEANUP(free) char *lines = NULL;

	if (table->failed)
		return error_no_memory(err);
	if (scols_table_is_empty(table->scols))
		return 0;
	if (scols_print_table_to_string(table->scols, &lines) != 0)
		return error_no_memory(err);
	add_trimmed(&cli->out, lines);
	return 0;
}
