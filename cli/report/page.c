/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/moment.h"
#include "cli/report/report.h"

const char *report_class_word(enum report_class class)
{
	static const char *const words[CLASS_COUNT] = {
		[CLASS_MADE] = "made",
		[CLASS_CAME] = "came",
		[CLASS_WENT] = "went",
		[CLASS_CHANGED] = "changed",
		[CLASS_BACK] = "back",
		[CLASS_MOVED] = "moved",
		[CLASS_GONE] = "gone",
	};

	return words[class];
}

static void put_time(struct text *out, int64_t when)
{
	char words[MOMENT_SIZE];

	moment_format(when, words);
	text_printf(out, "<time>%s</time>", words);
}

/* ---- at a glance ---- */

static void put_head(const struct report *report, int64_t now, struct text *out)
{
	const char *name =
		report->asked ? report->domains[0].name : dd_host_book(report->cli->host);

	text_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		       "style-src 'unsafe-inline'\">\n<title>");
	html_text(out, name);
	text_puts(out, " – Domesday</title>\n<style>\n");
	text_puts(out, report_style);
	text_puts(out, "</style>\n</head>\n<body>\n<header>\n<h1>");
	html_text(out, name);
	text_puts(out, "</h1>\n<p class=\"soft\">");
	if (report->asked) {
		html_text(out, report->domains[0].title);
		text_printf(out, "%s%s<br>", report->domains[0].title[0] ? " · " : "",
			report->domains[0].uuid);
	}
	text_puts(out, "as of ");
	put_time(out, now);
	text_puts(out, "</p>\n</header>\n");
}

static void put_tile(struct text *out, const char *mood, const char *number, const char *words)
{
	text_printf(out, "<div class=\"tile%s%s\"><b>%s</b>%s</div>\n", *mood ? " " : "", mood,
		number, words);
}

static void put_count(
	struct text *out, const char *mood, unsigned long long number, const char *words)
{
	CLEANUP(text) struct text digits = TEXT_INIT;

	text_number(&digits, number, 10, 1);
	put_tile(out, mood, text_string(&digits), words);
}

struct totals {
	size_t running, drifted, unchecked, pending;
};

static struct totals totals_of(const struct report *report)
{
	struct totals totals = {0};

	for (size_t i = 0; i < report->domain_count; i++) {
		const struct report_domain *domain = &report->domains[i];

		totals.running += domain->running;
		totals.drifted += domain->drift.count > 0;
		totals.unchecked += domain->unchecked != NULL;
		totals.pending += domain->pending.count > 0;
	}
	return totals;
}

static void put_guests(const struct report *report, struct text *out)
{
	struct totals totals = totals_of(report);
	const struct report_domain *domain = report->asked ? &report->domains[0] : NULL;

	if (totals.drifted)
		put_count(out, "bad", domain ? domain->drift.count : totals.drifted,
			domain ? "differences of guest and record"
			       : "running guests that are not as recorded");
	else
		put_tile(out,
			totals.unchecked ? "wait"
			: totals.running ? "good"
					 : "",
			!totals.running    ? "–"
			: totals.unchecked ? "unknown"
					   : "none",
			"drift of running guests");
	put_count(out, totals.pending ? "wait" : "",
		domain ? domain->pending.count : totals.pending,
		domain ? "changes that wait for the next start"
		       : "domains with changes that wait for a start");
}

static void put_tiles(const struct report *report, struct text *out)
{
	text_puts(out, "<section class=\"tiles\">\n");
	if (report->asked) {
		put_tile(out, "", report->domains[0].state, "now");
	} else {
		put_count(out, "", report->domain_count, "domains");
		put_count(out, "", totals_of(report).running, "running");
	}
	put_count(out, "", report->verified.versions, "versions");
	if (report->findings.count)
		put_count(out, "bad", report->verified.findings, "findings: damage to the book");
	else
		put_tile(out, "good", "sound", "signatures and history");
	put_guests(report, out);
	text_puts(out, "</section>\n");
}

/* ---- domains ---- */

static void put_badge(struct text *out, const char *mood, const char *words)
{
	text_printf(out, "<span class=\"badge %s\">%s</span> ", mood, words);
}

static void put_state(struct text *out, const struct report_domain *domain)
{
	if (domain->findings)
		put_badge(out, "bad", "damaged");
	else
		put_badge(out, "good", "signed");
	if (domain->unchecked)
		put_badge(out, "wait", "not answering");
	else if (domain->running && !domain->drift.count)
		put_badge(out, "good", "as recorded");
	if (domain->drift.count)
		put_badge(out, "bad", "drifted");
	if (domain->pending.count)
		put_badge(out, "wait", "pending");
}

static void put_domains(const struct report *report, struct text *out)
{
	text_puts(out, "<h2>Domains</h2>\n<div class=\"sheet\"><table>\n<tr><th>name<th>state"
		       "<th>version<th>checked</tr>\n");
	for (size_t i = 0; i < report->domain_count; i++) {
		const struct report_domain *domain = &report->domains[i];

		text_puts(out, "<tr><td><b>");
		html_text(out, domain->name);
		text_puts(out, "</b> <small>");
		html_text(out, domain->title);
		text_puts(out, "</small><td>");
		html_text(out, domain->state);
		text_printf(out, "<td><a href=\"#v%s-%u\">%u</a><td>", domain->uuid,
			domain->version, domain->version);
		put_state(out, domain);
		text_puts(out, "</tr>\n");
	}
	text_puts(out, "</table></div>\n");
}

static void put_list(struct text *out, const char *title, const char *name, const char *list)
{
	text_puts(out, "<h2>");
	text_puts(out, title);
	html_text(out, name);
	text_printf(
		out, "</h2>\n<div class=\"sheet\"><ul class=\"changes\">\n%s</ul></div>\n", list);
}

static void put_concerns(const struct report *report, struct text *out)
{
	if (report->findings.count)
		put_list(out, "What is wrong with the book", "",
			text_string(&report->findings.items));
	for (size_t i = 0; i < report->domain_count; i++) {
		const struct report_domain *domain = &report->domains[i];

		if (domain->unchecked) {
			text_puts(out, "<h2>Not answering: ");
			html_text(out, domain->name);
			text_puts(out, "</h2>\n<div class=\"sheet\">");
			html_text(out, domain->unchecked);
			text_puts(out, "</div>\n");
		}
		if (domain->drift.count)
			put_list(out, "The guest is not as recorded: ", domain->name,
				text_string(&domain->drift.items));
		if (domain->pending.count)
			put_list(out, "From the next start: ", domain->name,
				text_string(&domain->pending.items));
	}
}

/* ---- versions ---- */

static void put_version(
	struct text *out, const struct report *report, const struct report_version *version)
{
	text_printf(out, "<article class=\"card %s\" id=\"v%s%s%u\">\n<h3>",
		report_class_word(version->class), report->asked ? "" : version->uuid,
		report->asked ? "" : "-", version->number);
	html_text(out, version->subject);
	text_puts(out, "</h3>\n<p class=\"soft\">");
	html_text(out, version->domain);
	text_printf(out, "@%u", version->number);
	if (version->tags[0]) {
		text_puts(out, " <span class=\"badge\">");
		html_text(out, version->tags);
		text_puts(out, "</span>");
	}
	text_puts(out, " · ");
	put_time(out, version->when);
	text_puts(out, " · ");
	html_text(out, version->who);
	text_puts(out, " · ");
	html_text(out, version->operation);
	text_printf(out, " · <small>%.10s, ", version->commit);
	html_text(out, version->host);
	text_puts(out, "</small></p>\n");
	if (version->reason[0]) {
		text_puts(out, "<p>“");
		html_text(out, version->reason);
		text_puts(out, "”</p>\n");
	}
	if (version->changes.count)
		text_printf(out, "<ul class=\"changes\">\n%s</ul>\n",
			text_string(&version->changes.items));
	text_puts(out, "</article>\n");
}

static void put_versions(const struct report *report, struct text *out)
{
	text_puts(out, "<h2>Versions</h2>\n");
	for (size_t i = 0; i < report->version_count; i++)
		put_version(out, report, &report->versions[i]);
	if (report->version_count < report->verified.versions)
		text_printf(out, "<p class=\"soft\">The newest %zu of %llu versions.</p>\n",
			report->version_count, (unsigned long long)report->verified.versions);
}

void report_page(const struct report *report, int64_t now, struct text *out)
{
	put_head(report, now, out);
	put_tiles(report, out);
	text_puts(out, "<h2>Time line</h2>\n<div class=\"sheet\">\n");
	report_timeline(report, out);
	text_puts(out, "</div>\n");
	if (!report->asked)
		put_domains(report, out);
	put_concerns(report, out);
	if (report->asked)
		text_printf(out,
			"<h2>Definition</h2>\n<div class=\"sheet\"><details><summary>as it is now, "
			"and since which version each line is so</summary>\n<pre>%s</pre></details>"
			"</div>\n",
			text_string(&report->definition));
	put_versions(report, out);
	text_puts(out, "</body>\n</html>\n");
}
