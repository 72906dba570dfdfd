/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/report.h"

#include <string.h>
#include <time.h>

#include "base/file.h"
#include "cli/arguments.h"
#include "cli/command/all.h"

#define VERSIONS 500 /* shown, unless somebody wants more */
#define PAGE_MODE 0600

static const struct option_row options[] = {
	{"html", 0, "FILE", "where the page goes; '-' is standard output"},
	{"number", 'n', "N", "show the newest N versions; without it 500"},
	{NULL},
};

static size_t drifted(const struct report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->domain_count; i++)
		count += report->domains[i].drift.count > 0;
	return count;
}

static int answer(struct cli *cli, const struct report *report, const char *file,
	const struct text *page, struct dd_error *err)
{
	struct json *object;

	if (strcmp(file, "-") != 0) {
		int rc = file_put(file, PAGE_MODE, page->data, page->size, err);

		if (rc < 0)
			return rc;
		cli_note(cli, "%s: %zu domain%s, %zu version%s", file, report->domain_count,
			plural(report->domain_count), report->version_count,
			plural(report->version_count));
	} else if (!cli->json) {
		cli->exact = true;
		text_add(&cli->out, page->data, page->size);
	}
	if (!cli->json)
		return 0;
	object = json_object();
	json_put_string(object, "html", strcmp(file, "-") == 0 ? text_string(page) : file);
	json_put_number(object, "domains", (int64_t)report->domain_count);
	json_put_number(object, "versions", (int64_t)report->version_count);
	json_put_number(object, "drifted", (int64_t)drifted(report));
	json_put_bool(object, "sound", report->findings.count == 0);
	return cli_answer(cli, object, err);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *file = option_value(args, "html"), *number = option_value(args, "number");
	CLEANUP(report) struct report report = {.cli = cli, .asked = operand(args, 0)};
	CLEANUP(text) struct text page = TEXT_INIT;
	uint64_t limit = VERSIONS;
	int rc = number ? parse_number(number, "-n", 1, UINT32_MAX, &limit, err) : 0;

	if (rc == 0 && !file)
		return error_set(err, CLI_USAGE, "say where the page goes: --html FILE");
	if (rc == 0)
		rc = report_collect(&report, cli->host, report.asked, (uint32_t)limit, err);
	if (rc < 0)
		return rc;
	report_page(&report, time(NULL), &page);
	return text_failed(&page) ? error_no_memory(err) : answer(cli, &report, file, &page, err);
}

const struct command command_report = {
	.name = "report",
	.group = GROUP_HISTORY,
	.operands = "[NAME]",
	.summary = "write a page to look at: time line, versions, drift, signatures",
	.about = "One HTML file that needs nothing besides: of a domain, or of the whole book. "
		 "Running\n"
		 "guests are compared with their record and the history is verified for it.",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
