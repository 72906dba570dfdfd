/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/report/report.h"

static void list_release(struct report_list *list)
{
	text_release(&list->items);
}

static void domain_release(struct report_domain *domain)
{
	free(domain->name);
	free(domain->title);
	free(domain->state);
	free(domain->unchecked);
	list_release(&domain->drift);
	list_release(&domain->pending);
}

static void version_release(struct report_version *version)
{
	free(version->domain);
	free(version->operation);
	free(version->who);
	free(version->host);
	free(version->subject);
	free(version->reason);
	free(version->tags);
	list_release(&version->changes);
}

void report_release(struct report *report)
{
	for (size_t i = 0; i < report->domain_count; i++)
		domain_release(&report->domains[i]);
	for (size_t i = 0; i < report->version_count; i++)
		version_release(&report->versions[i]);
	free(report->domains);
	free(report->versions);
	list_release(&report->findings);
	text_release(&report->definition);
}

/* ---- differences ---- */

static int add_difference(const struct dd_difference *difference, void *context)
{
	struct report_list *list = context;
	bool came = strcmp(difference->kind, "attached") == 0;
	bool went = strcmp(difference->kind, "detached") == 0;

	text_printf(&list->items, "<li class=\"%s\">", came ? "came" : went ? "went" : "changed");
	html_text(&list->items, difference->sentence);
	text_puts(&list->items, "</li>\n");
	list->count++;
	return 0;
}

/* ---- versions ---- */

static enum report_class class_of(const char *operation)
{
	static const struct {
		const char *operation;
		enum report_class class;
	} classes[] = {
		{"define", CLASS_MADE},
		{"import", CLASS_MADE},
		{"attach-device", CLASS_CAME},
		{"detach-device", CLASS_WENT},
		{"rollback", CLASS_BACK},
		{"migrate", CLASS_MOVED},
		{"evacuate", CLASS_MOVED},
		{"undefine", CLASS_GONE},
	};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (strcmp(classes[i].operation, operation) == 0)
			return classes[i].class;
	return CLASS_CHANGED;
}

/* One more place at the end of an array, emptied; NULL when out of memory. */
static void *grow(void **items, size_t *count, size_t *room, size_t size)
{
	char *place;

	if (*count == *room) {
		size_t wanted = *room ? *room * 2 : 64;
		void *bigger = reallocarray(*items, wanted, size);

		if (!bigger)
			return NULL;
		*items = bigger;
		*room = wanted;
	}
	place = (char *)*items + size * (*count)++;
	memset(place, 0, size);
	return place;
}

static int add_version(const struct dd_version_info *info, void *context)
{
	struct report *report = context;
	void *versions = report->versions;
	struct report_version *version = grow(
		&versions, &report->version_count, &report->version_room, sizeof *report->versions);

	report->versions = versions;
	if (!version)
		return DD_NO_MEMORY;
	memcpy(version->uuid, info->uuid, sizeof version->uuid);
	memcpy(version->commit, info->commit, sizeof version->commit);
	version->number = info->number;
	version->when = info->when;
	version->class = class_of(info->operation);
	if (string_copy(&version->domain, info->domain, NULL) ||
		string_copy(&version->operation, info->operation, NULL) ||
		string_format(&version->who, NULL, "%.*s", person_name_length(info->author),
			info->author) ||
		string_format(&version->host, NULL, "%.*s", person_name_length(info->committer),
			info->committer) ||
		string_copy(&version->subject, info->subject, NULL) ||
		string_copy(&version->reason, info->reason, NULL) ||
		string_copy(&version->tags, info->tags, NULL))
		return DD_NO_MEMORY;
	return 0;
}

static int add_change(const struct dd_difference *difference, void *context)
{
	const struct report *report = context;

	return add_difference(difference, &report->versions[report->version_count - 1].changes);
}

/* ---- domains ---- */

static int add_domain(const struct dd_domain_info *info, void *context)
{
	struct report *report = context;
	void *domains = report->domains;
	struct report_domain *domain = grow(
		&domains, &report->domain_count, &report->domain_room, sizeof *report->domains);

	report->domains = domains;
	if (!domain)
		return DD_NO_MEMORY;
	memcpy(domain->uuid, info->uuid, sizeof domain->uuid);
	domain->version = info->version;
	domain->running = info->pid != 0;
	if (string_copy(&domain->name, info->name, NULL) ||
		string_copy(&domain->title, info->title, NULL) ||
		string_copy(&domain->state, info->state, NULL))
		return DD_NO_MEMORY;
	return 0;
}

/* A guest that cannot be asked is said to be so, and costs nobody the page. */
static int look_at(struct report_domain *domain, struct dd_host *host, struct dd_error *err)
{
	const struct dd_side live = {.domain = domain->uuid, .live = true};
	const struct dd_side record = {.domain = domain->uuid};
	struct dd_error why = {.code = 0};
	int rc;

	if (!domain->running)
		return 0;
	rc = dd_check(host, domain->uuid, add_difference, &domain->drift, &why);
	if (rc == DD_NO_MEMORY)
		return error_no_memory(err);
	if (rc < 0 && string_copy(&domain->unchecked, why.message, err))
		return DD_NO_MEMORY;
	return dd_diff(host, &live, &record, add_difference, &domain->pending, err);
}

static int add_finding(const struct dd_finding *finding, void *context)
{
	struct report *report = context;

	text_puts(&report->findings.items, "<li>");
	html_text(&report->findings.items, finding->kind);
	text_puts(&report->findings.items, ": ");
	html_text(&report->findings.items, finding->sentence);
	text_puts(&report->findings.items, "</li>\n");
	report->findings.count++;
	for (size_t i = 0; i < report->domain_count; i++)
		if (finding->uuid && strcmp(report->domains[i].uuid, finding->uuid) == 0)
			report->domains[i].findings++;
	return 0;
}

/* ---- the definition ---- */

static int add_line(const struct dd_blame_line *line, void *context)
{
	struct report *report = context;
	struct text *out = &report->definition;

	text_printf(out, "<a href=\"#v%u\">%u</a>", line->version, line->version);
	text_puts(out, "<span>");
	html_bytes(out, line->text, line->length);
	text_puts(out, "</span>\n");
	return 0;
}

/* ---- all of it ---- */

int report_collect(struct report *report, struct dd_host *host, const char *domain, uint32_t limit,
	struct dd_error *err)
{
	const struct dd_log_options log = {.domain = domain, .limit = limit};
	const struct dd_blame_options blame = {.domain = domain};
	int rc = domain ? dd_info(host, domain, add_domain, report, err)
			: dd_list(host, true, add_domain, report, err);

	for (size_t i = 0; rc == 0 && i < report->domain_count; i++)
		rc = look_at(&report->domains[i], host, err);
	if (rc == 0)
		rc = dd_log_with(host, &log, add_version, add_change, report, err);
	if (rc == 0)
		rc = dd_verify(host, domain, add_finding, report, &report->verified, err);
	if (rc == 0 && domain)
		rc = dd_blame(host, &blame, NULL, add_line, report, err);
	return rc == DD_NO_MEMORY ? error_no_memory(err) : rc;
}
