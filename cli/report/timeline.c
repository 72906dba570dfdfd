/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time line, drawn: a row a domain, a column a version, each version a dot of its kind. Columns
 * are apart evenly, since versions come in bursts with weeks between; times stand below.
 */
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "cli/report/report.h"

#define WIDTH 1000
#define LABELS 170 /* of the names */
#define MARGIN 14
#define ROW 26
#define ROWS_MAX 30  /* domains with a row of their own; the others share one */
#define TIMES 4      /* that are written below */
#define TIME_HALF 54 /* of the width of one */
#define LABEL_MAX 22 /* characters of a name */

/* Which domain has which row. */
struct rows {
	const char *uuids[ROWS_MAX];
	const char *names[ROWS_MAX];
	size_t count;
	bool others;
};

static size_t row_of(const struct rows *rows, const char *uuid)
{
	size_t row = 0;

	while (row < rows->count && strcmp(rows->uuids[row], uuid) != 0)
		row++;
	return row;
}

static void rows_fill(struct rows *rows, const struct report *report)
{
	for (size_t i = 0; i < report->version_count; i++) {
		const struct report_version *version = &report->versions[i];

		if (row_of(rows, version->uuid) < rows->count)
			continue;
		if (rows->count == ROWS_MAX) {
			rows->others = true;
			continue;
		}
		rows->uuids[rows->count] = version->uuid;
		rows->names[rows->count++] = version->domain;
	}
}

/* The oldest on the left. */
static double column(const struct report *report, size_t index)
{
	double step = (double)(WIDTH - LABELS - 2 * MARGIN) / (double)report->version_count;

	return LABELS + MARGIN + step * ((double)(report->version_count - 1 - index) + 0.5);
}

static double line_of(size_t row)
{
	return ROW * ((double)row + 0.5);
}

static double radius(const struct report *report)
{
	double step = (double)(WIDTH - LABELS - 2 * MARGIN) / (double)report->version_count;
	double wanted = step * 0.42;

	return wanted > 7 ? 7 : wanted < 2.5 ? 2.5 : wanted;
}

/* As many characters of UTF-8 as there is room for. */
static void put_label(struct text *out, const char *name)
{
	size_t size = 0, count = 0;

	while (name[size] && count < LABEL_MAX) {
		size++;
		while (((unsigned char)name[size] & 0xc0) == 0x80)
			size++;
		count++;
	}
	html_bytes(out, name, size);
	text_puts(out, name[size] ? "…" : "");
}

static void put_row(
	struct text *out, const struct report *report, const struct rows *rows, size_t row)
{
	double from = 0, to = 0;

	for (size_t i = 0; i < report->version_count; i++) {
		if (row_of(rows, report->versions[i].uuid) != row)
			continue;
		from = column(report, i);
		to = to > 0 ? to : from;
	}
	text_printf(out, "<text x=\"%d\" y=\"%.1f\" class=\"name\">", LABELS, line_of(row) + 4);
	if (row < rows->count)
		put_label(out, rows->names[row]);
	else
		text_puts(out, "others");
	text_printf(out, "</text>\n<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", from,
		line_of(row), to, line_of(row));
}

static void put_dot(
	struct text *out, const struct report *report, const struct rows *rows, size_t index)
{
	const struct report_version *version = &report->versions[index];
	char when[MOMENT_SIZE];

	moment_format(version->when, when);
	text_printf(out,
		"<a href=\"#v%s%s%u\"><circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" "
		"r=\"%.1f\"><title>",
		report->asked ? "" : version->uuid, report->asked ? "" : "-", version->number,
		report_class_word(version->class), column(report, index),
		line_of(row_of(rows, version->uuid)), radius(report));
	html_text(out, version->domain);
	text_printf(out, "@%u, %s, ", version->number, when);
	html_text(out, version->who);
	text_puts(out, ": ");
	html_text(out, version->subject);
	text_puts(out, "</title></circle></a>\n");
}

static void put_times(struct text *out, const struct report *report, double bottom)
{
	size_t last = report->version_count - 1, times = last + 1 < TIMES ? last + 1 : TIMES;
	/* where all is of one hour, minutes do not tell them apart */
	bool young = report->versions[0].when - report->versions[last].when < 3600;
	int length = young ? (int)strlen("2026-11-22 12:06:59") : (int)strlen("2026-11-22 12:06");

	for (size_t i = 0; i < times; i++) {
		double x;
		size_t index = times > 1 ? last - last * i / (times - 1) : 0;
		char when[MOMENT_SIZE];

		moment_format(report->versions[index].when, when);
		x = column(report, index);
		text_printf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"time %s\">%.*s</text>\n", x,
			bottom + 16,
			x < LABELS + TIME_HALF  ? "first"
			: x > WIDTH - TIME_HALF ? "last"
						: "middle",
			length, when);
	}
}

void report_timeline(const struct report *report, struct text *out)
{
	static const char *const titles[CLASS_COUNT] = {
		[CLASS_MADE] = "defined",
		[CLASS_CAME] = "device attached",
		[CLASS_WENT] = "device detached",
		[CLASS_CHANGED] = "changed",
		[CLASS_BACK] = "rolled back",
		[CLASS_MOVED] = "to another host",
		[CLASS_GONE] = "undefined",
	};
	struct rows rows = {.count = 0};
	double bottom;
	size_t count;

	if (!report->version_count)
		return;
	rows_fill(&rows, report);
	count = rows.count + rows.others;
	bottom = ROW * (double)count;
	text_printf(out,
		"<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"time line of versions\">\n",
		WIDTH, bottom + 24);
	for (size_t row = 0; row < count; row++)
		put_row(out, report, &rows, row);
	for (size_t i = report->version_count; i--;)
		put_dot(out, report, &rows, i);
	put_times(out, report, bottom);
	text_puts(out, "</svg>\n<p class=\"legend\">");
	for (int class = 0; class < CLASS_COUNT; class ++)
		text_printf(out, "<span class=\"dot %s\"></span>%s ", report_class_word(class),
			titles[class]);
	text_puts(out, "</p>\n");
}
