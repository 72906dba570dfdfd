/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

/* Versions that were told of, kept to be shown one way or another. */

#include "cli/output.h"

struct entry {
	uint32_t number;
	char uuid[DD_UUID_SIZE];
	char *domain;
	char *host; /* that made it; "" where it does not say */
	char *epoch;
	int64_t when;
	char *who;
	char *what;   /* subject, reason, tags */
	char *header; /* who, when and why, in lines */
	struct json *json;
	struct differences differences;
	char *xml; /* what differs in lines of XML; or NULL */
};

struct history {
	const struct cli *cli;
	struct entry **entries; /* the newest first */
	size_t count, room;
	bool failed; /* out of memory; the callbacks then end the enumeration */
};

void history_release(struct history *history);
static inline void cleanup_history(struct history *history)
{
	history_release(history);
}

/* A dd_version_fn and a dd_difference_fn for the version told last; the context is a history. */
int history_add(const struct dd_version_info *info, void *context);
int history_add_difference(const struct dd_difference *difference, void *context);

void history_reverse(struct history *history);

/* Each way to show it goes to out. */
int history_table(
	const struct history *history, struct cli *cli, bool with_domain, struct dd_error *err);
void history_lines(const struct history *history, struct text *out, bool with_domain);
/* One line a version, each host a column, and a line between where the domain moved. */
int history_graph(const struct history *history, struct text *out, struct dd_error *err);
/* With what each changed under it. */
void history_blocks(const struct history *history, struct text *out);
struct json *history_json(struct history *history, bool with_changes);

/* Who made a version, when and why, in the lines that come before what it changed. */
void version_header(const struct cli *cli, const struct dd_version_info *info, struct text *out);

#endif
