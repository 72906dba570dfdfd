/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/past.h"

#include <string.h>

#include "base/line.h"
#include "domain/secret.h"
#include "domain/transition.h"
#include "schema/diff.h"

#define SENTENCE_MAX 120
#define ODD_MAX 20 /* commits that are named */

void past_release(struct past *past)
{
	free(past->subject);
	free(past->origin);
	text_release(&past->config);
}

void pasts_release(struct pasts *pasts)
{
	for (size_t i = 0; i < pasts->count; i++)
		past_release(&pasts->items[i]);
	free(pasts->items);
	document_free(pasts->last);
	text_release(&pasts->last_xml);
}

static int add_sentence(
	struct text *words, const char *before, const struct change *change, struct dd_error *err)
{
	CLEANUP(free) char *sentence = NULL;
	CLEANUP(free) char *what = NULL;
	int rc = line_visible(&sentence, change->sentence, err);

	if (!rc)
		rc = line_visible(&what, change->device ? change->device : change->path, err);
	if (rc)
		return rc;
	if (strlen(sentence) <= SENTENCE_MAX)
		text_printf(words, "%s%s", before, sentence);
	else if (strlen(what) <= SENTENCE_MAX)
		text_printf(words, "%s%s changed", before, what);
	else
		text_printf(words, "%ssomething changed", before);
	return 0;
}

/* What a person would say that has changed; before may be NULL. */
static int make_subject(const struct document *before, const struct document *after, char **out,
	struct dd_error *err)
{
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	CLEANUP(text) struct text words = TEXT_INIT;
	int rc = before ? document_diff(before, after, &changes, err) : 0;
	size_t i;

	for (i = 0; !rc && i < changes.count && words.size < SUBJECT_MAX; i++)
		rc = add_sentence(&words, i ? ", " : "", &changes.items[i], err);
	if (rc)
		return rc;
	if (i < changes.count)
		text_printf(&words, " and %zu more", changes.count - i);
	if (!changes.count)
		text_printf(&words, "import %s", document_name(after));
	*out = text_take(&words);
	return *out ? 0 : error_no_memory(err);
}

static int add_past(const struct kept *kept, struct pasts *pasts, const struct kept_event *event,
	struct past **out, struct dd_error *err)
{
	struct past past = {.event = event};

	if (pasts->count == pasts->room) {
		size_t room = pasts->room ? 2 * pasts->room : 16;
		struct past *items = reallocarray(pasts->items, room, sizeof *items);

		if (!items)
			return error_no_memory(err);
		pasts->items = items;
		pasts->room = room;
	}
	if (event->commit->when)
		utc_format(event->commit->when, past.when);
	if (kept_path(kept, event->file, &past.origin, err))
		return DD_NO_MEMORY;
	*out = &pasts->items[pasts->count++];
	**out = past;
	return 0;
}

bool pasts_gone(const struct pasts *pasts)
{
	return pasts->count && pasts->items[pasts->count - 1].event->kind == KEPT_GONE;
}

static int add_gone(const struct kept *kept, struct pasts *pasts, const struct kept_event *event,
	struct dd_error *err)
{
	struct past *past = NULL;
	int rc;

	if (!pasts->count || pasts_gone(pasts))
		return 0;
	rc = add_past(kept, pasts, event, &past, err);
	if (!rc)
		rc = string_copy(&past->subject, "undefine", err);
	return rc ? rc : secret_write(pasts->last, &past->config, NULL, err);
}

/* Of the newest the passwords count, too, which are not in config. */
static int means_last(const struct pasts *pasts, const struct document *document,
	const struct text *config, bool newest, bool *same, struct dd_error *err)
{
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	const struct past *last = &pasts->items[pasts->count - 1];
	int rc;

	*same = strcmp(text_string(&last->config), text_string(config)) == 0;
	rc = *same && newest ? document_diff(pasts->last, document, &changes, err) : 0;
	*same &= !changes.count;
	return rc;
}

/* Adds a version, unless it means the same as the one before it. */
static int add_set(const struct kept *kept, struct pasts *pasts, const struct kept_event *event,
	bool newest, struct document **document, struct text *xml, struct dd_error *err)
{
	CLEANUP(text) struct text config = TEXT_INIT;
	const struct document *before = pasts_gone(pasts) ? NULL : pasts->last;
	struct past *past = NULL;
	bool same = false;
	/* the newest is sealed when it is made; the passwords of then open nothing any more */
	int rc = secret_write(*document, &config, NULL, err);

	if (!rc && before)
		rc = means_last(pasts, *document, &config, newest, &same, err);
	if (!rc && !same) {
		rc = add_past(kept, pasts, event, &past, err);
		if (!rc)
			rc = make_subject(before, *document, &past->subject, err);
		if (!rc) {
			past->config = config;
			config = (struct text)TEXT_INIT;
			digest_hex(xml->data, xml->size, past->hash);
		}
	}
	/* the next one is compared with the version that there is */
	if (rc || (same && !newest))
		return rc;
	document_free(pasts->last);
	pasts->last = TAKE(*document);
	text_release(&pasts->last_xml);
	pasts->last_xml = *xml;
	*xml = (struct text)TEXT_INIT;
	return 0;
}

static void note_odd(struct pasts *pasts, struct import_report *report,
	const struct kept_event *event, const char *what, const struct dd_error *why)
{
	char line[sizeof *why + 64];

	if (pasts->odd++ >= ODD_MAX)
		return;
	dd_error_format(why, line, sizeof line);
	report_note(report, "commit %.*s %s: %s", KEPT_SHORT_ID, event->commit->id, what, line);
}

/* An old version that cannot be frozen here is kept as it was written. */
static int freeze_old(struct importing *importing, struct pasts *pasts, struct document **document,
	struct import_report *report, const struct kept_event *event, struct dd_error *err)
{
	CLEANUP(document) struct document *frozen = NULL;
	struct dd_error why = {0};
	int rc = document_copy(*document, &frozen, err);

	if (rc)
		return rc;
	rc = import_complete(importing, frozen, &why);
	if (rc == DD_NO_MEMORY)
		return error_no_memory(err);
	if (rc) {
		note_odd(pasts, report, event, "is kept as it was written", &why);
		return 0;
	}
	document_free(*document);
	*document = TAKE(frozen);
	return 0;
}

static int read_event(struct importing *importing, const struct kept *kept, struct pasts *pasts,
	const struct kept_event *event, bool newest, struct import_report *report,
	struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text xml = TEXT_INIT;
	int rc;

	if (event->kind == KEPT_GONE)
		return add_gone(kept, pasts, event, err);
	if (event->kind == KEPT_BROKEN)
		return error_set(err, DD_INVALID, "%s", event->why);
	rc = kept_xml(kept, event, &xml, err);
	if (!rc)
		rc = import_parse(newest ? report : NULL, &xml, &document, err);
	if (!rc)
		rc = import_admit(document, err);
	if (!rc)
		rc = newest ? import_freeze(importing, report, document, err)
			    : freeze_old(importing, pasts, &document, report, event, err);
	return rc ? rc : add_set(kept, pasts, event, newest, &document, &xml, err);
}

int pasts_read(struct importing *importing, const struct kept *kept,
	const struct kept_domain *domain, struct pasts *pasts, struct import_report *report,
	struct dd_error *err)
{
	for (size_t i = 0; i < domain->count; i++) {
		const struct kept_event *event = &domain->events[i];
		bool newest = i + 1 == domain->count;
		struct dd_error why = {0};
		int rc = read_event(importing, kept, pasts, event, newest, report, &why);

		if (rc && (rc == DD_NO_MEMORY || newest)) {
			if (err)
				*err = why;
			return rc;
		}
		if (rc)
			note_odd(pasts, report, event, "is left out", &why);
	}
	if (pasts->odd > ODD_MAX)
		report_note(report, "and %zu more commits", pasts->odd - ODD_MAX);
	return pasts->count ? 0
			    : error_set(err, DD_INVALID, "it never was a definition, and is gone");
}
