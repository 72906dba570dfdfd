/* SPDX-License-Identifier: Apache-2.0 */
#include "store/history/lines.h"

#include <git2.h>

#include "store/book.h"

struct lines {
	struct text *out;
	const char *before, *after;
	bool begun;
};

static int add_line(const git_diff_delta *delta, const git_diff_hunk *hunk,
	const git_diff_line *line, void *context)
{
	struct lines *lines = context;

	(void)delta;
	(void)hunk;
	/* libgit2 would name two files of a repository */
	if (line->origin == GIT_DIFF_LINE_FILE_HDR)
		return 0;
	if (!lines->begun)
		text_printf(lines->out, "--- %s\n+++ %s\n", lines->before, lines->after);
	lines->begun = true;
	if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
		line->origin == GIT_DIFF_LINE_DELETION)
		text_putc(lines->out, line->origin);
	text_add(lines->out, line->content, line->content_len);
	return 0;
}

int lines_diff(const struct text *before, const char *before_name, const struct text *after,
	const char *after_name, struct text *out, struct dd_error *err)
{
	struct lines lines = {.out = out, .before = before_name, .after = after_name};
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_patch *patch = NULL;
	int rc = libgit2_need(err);

	if (rc)
		return rc;
	options.flags = GIT_DIFF_FORCE_TEXT;
	rc = git_patch_from_buffers(&patch, text_string(before), before->size, NULL,
		text_string(after), after->size, NULL, &options);
	if (!rc)
		rc = git_patch_print(patch, add_line, &lines);
	git_patch_free(patch);
	if (rc)
		return error_set(err, DD_SYSTEM, "the lines cannot be compared");
	return text_failed(out) ? error_no_memory(err) : 0;
}
