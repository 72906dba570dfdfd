/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REPORT_REPORT_H
#define CLI_REPORT_REPORT_H

/*
 * A page about a domain or the whole book. What there is to say is collected first (collect.c), and
 * then written as one HTML text that needs nothing besides (page.c, timeline.c): no script, no
 * font, no picture from anywhere. Whatever comes from a definition or a person goes through
 * html_text().
 */

#include "cli/cli.h"

enum report_class {
	CLASS_MADE,    /* define, import */
	CLASS_CAME,    /* attach */
	CLASS_WENT,    /* detach */
	CLASS_CHANGED, /* all the others */
	CLASS_BACK,    /* rollback */
	CLASS_MOVED,   /* migrate, evacuate */
	CLASS_GONE,    /* undefine */
	CLASS_COUNT
};

/* What differs, or is wrong: a sentence each, as list items. */
struct report_list {
	struct text items;
	size_t count;
};

struct report_domain {
	char uuid[DD_UUID_SIZE];
	char *name, *title, *state;
	uint32_t version;
	bool running;
	struct report_list drift, pending;
	char *unchecked; /* why the guest could not be asked; or NULL */
	size_t findings; /* of verify, about it */
};

struct report_version {
	char uuid[DD_UUID_SIZE];
	char *domain;
	uint32_t number;
	int64_t when;
	enum report_class class;
	char *operation, *who, *host, *subject, *reason, *tags;
	char commit[DD_COMMIT_SIZE];
	struct report_list changes;
};

struct report {
	const struct cli *cli;
	const char *asked; /* a domain; NULL: the book */
	struct report_domain *domains;
	size_t domain_count, domain_room;
	struct report_version *versions; /* the newest first */
	size_t version_count, version_room;
	struct report_list findings;
	struct dd_verified verified;
	struct text definition; /* of one domain: its lines, with their versions */
};

void report_release(struct report *report);
static inline void cleanup_report(struct report *report)
{
	report_release(report);
}

/* limit: of versions. */
int report_collect(struct report *report, struct dd_host *host, const char *domain, uint32_t limit,
	struct dd_error *err);

/* Appends the whole page. now: seconds since the epoch. */
void report_page(const struct report *report, int64_t now, struct text *out);

/* ---- its parts ---- */

const char *report_class_word(enum report_class class); /* "made", "came"… */

void report_timeline(const struct report *report, struct text *out);

/* Appends a string, escaped, for text and for attributes in quotes. */
void html_text(struct text *out, const char *string);
void html_bytes(struct text *out, const char *string, size_t size);

/* The style sheet. */
extern const char report_style[];

#endif
