/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CPU of mode host-passthrough or maximum has no name that QEMU would know on another host, so
 * the definition cannot freeze it. What it was when the domain was created is kept beside the
 * definition, as cpu.json in the version's tree:
 *
 *   {"accelerator": "tcg", "name": "max", "vendor": …, "family": …, "model": …, "stepping": …,
 *    "model-id": …, "features": [NAME, …]}
 *
 * in the words of QEMU, one feature a line so that a diff can be read. A start compares.
 */
#include "domain/cpu_seen.h"

#include <string.h>

#include "qmp/json.h"

#define NAMED_MAX 6 /* features that a refusal spells out, of those gone and of those new */

bool cpu_is_passed(const struct document *document)
{
	const xmlNode *cpu = node_child(document_root(document), "cpu");

	return node_attr_is(cpu, "mode", "host-passthrough") ||
	       node_attr_is(cpu, "mode", "maximum");
}

static const struct accelerator *accelerator_of(
	const struct document *document, const struct capabilities *caps)
{
	return capabilities_accelerator(caps, node_attr(document_root(document), "type"));
}

static void push_words(struct json *array, const char *words)
{
	while (*words) {
		size_t length = strcspn(words, " ");
		CLEANUP(free) char *word = strndup(words, length);

		json_push(array, word ? json_string(word) : NULL);
		words += length + (words[length] == ' ');
	}
}

int cpu_seen_write(const struct document *document, const struct capabilities *caps,
	struct text *out, struct dd_error *err)
{
	const struct accelerator *accelerator = accelerator_of(document, caps);
	CLEANUP(json) struct json *json = NULL;
	struct json *features;
	int rc;

	if (!accelerator || !cpu_is_passed(document))
		return 0;
	json = json_object();
	features = json_array();
	push_words(features, accelerator->host.features);
	json_put_string(json, "accelerator", accelerator == &caps->tcg ? "tcg" : "kvm");
	json_put_string(json, "name", accelerator->host.name);
	json_put_string(json, "vendor", accelerator->host.vendor);
	json_put_number(json, "family", accelerator->host.family);
	json_put_number(json, "model", accelerator->host.model);
	json_put_number(json, "stepping", accelerator->host.stepping);
	json_put_string(json, "model-id", accelerator->host.model_id);
	json_put(json, "features", features);
	rc = json_write_pretty(json, out, err);
	if (!rc && out->data[out->size - 1] != '\n')
		text_putc(out, '\n');
	return rc ? rc : text_failed(out) ? error_no_memory(err) : 0;
}

int cpu_seen_decide(struct operation *op, const struct document *document,
	const struct capabilities *caps, struct dd_error *err)
{
	text_clear(&op->cpu_next);
	op->cpu_decided = true;
	return cpu_seen_write(document, caps, &op->cpu_next, err);
}

/* ---- comparing ---- */

static void add_part(struct text *out, const char *part)
{
	text_printf(out, "%s%s", out->size ? "; " : "", part);
}

static void compare_string(
	const struct json *before, const struct json *after, const char *key, struct text *out)
{
	const char *a = json_get_string(before, key);
	const char *b = json_get_string(after, key);

	if (strcmp(a ? a : "", b ? b : "") != 0)
		text_printf(out, "%s%s '%s' instead of '%s'", out->size ? "; " : "", key,
			b ? b : "", a ? a : "");
}

static void compare_number(
	const struct json *before, const struct json *after, const char *key, struct text *out)
{
	int a = (int)json_get_number(before, key, 0);
	int b = (int)json_get_number(after, key, 0);

	if (a != b)
		text_printf(out, "%s%s %d instead of %d", out->size ? "; " : "", key, b, a);
}

static bool has_word(const struct json *list, const char *word)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const char *other = json_as_string(json_at(list, i));

		if (other && strcmp(other, word) == 0)
			return true;
	}
	return false;
}

/* Those of `of` that `in` has not. */
static void name_missing(
	const struct json *of, const struct json *in, const char *words, struct text *out)
{
	CLEANUP(text) struct text names = TEXT_INIT;
	unsigned count = 0;

	for (size_t i = 0; i < json_count(of); i++) {
		const char *name = json_as_string(json_at(of, i));

		if (!name || has_word(in, name))
			continue;
		if (count++ < NAMED_MAX)
			text_printf(&names, "%s %s", count > 1 ? "," : "", name);
	}
	if (count > NAMED_MAX)
		text_printf(&names, " and %u more", count - NAMED_MAX);
	if (!count)
		return;
	add_part(out, words);
	text_puts(out, text_string(&names));
}

static int compare(const struct text *recorded, const struct text *here, struct text *out,
	struct dd_error *err)
{
	static const char *const strings[] = {"accelerator", "vendor", "model-id"};
	static const char *const numbers[] = {"family", "model", "stepping"};
	CLEANUP(json) struct json *before = NULL;
	CLEANUP(json) struct json *after = NULL;
	int rc = json_parse(text_string(recorded), recorded->size, &before, err);

	if (!rc)
		rc = json_parse(text_string(here), here->size, &after, err);
	if (rc)
		return error_wrap(err, "comparing the CPU with the recorded one");
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		compare_string(before, after, strings[i], out);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		compare_number(before, after, numbers[i], out);
	name_missing(json_get(before, "features"), json_get(after, "features"), "without", out);
	name_missing(json_get(after, "features"), json_get(before, "features"), "with", out);
	return text_failed(out) ? error_no_memory(err) : 0;
}

int cpu_seen_check(struct operation *op, const struct document *live,
	const struct capabilities *caps, bool accept, struct dd_error *err)
{
	CLEANUP(text) struct text differences = TEXT_INIT;
	int rc;

	if (!cpu_is_passed(live) || !accelerator_of(live, caps))
		return 0;
	rc = cpu_seen_decide(op, live, caps, err);
	if (!rc && op->cpu_text.size)
		rc = compare(&op->cpu_text, &op->cpu_next, &differences, err);
	if (rc || !differences.size || accept)
		return rc;
	op->cpu_decided = false;
	node_error(node_child(document_root(op->config), "cpu"), err, DD_REFUSED,
		"the CPU here is not the one that domain '%s' was created on: %s", op->row.name,
		text_string(&differences));
	return error_hint(err, "to give it this one from now on: domesday start --accept-cpu %s",
		op->row.name);
}

bool cpu_seen_changes(const struct operation *op)
{
	return op->cpu_decided && op->cpu_text.size &&
	       strcmp(text_string(&op->cpu_text), text_string(&op->cpu_next)) != 0;
}

int cpu_seen_compare(const struct document *document, const struct capabilities *caps,
	const struct text *recorded, struct text *out, struct dd_error *err)
{
	CLEANUP(text) struct text here = TEXT_INIT;
	int rc = cpu_seen_write(document, caps, &here, err);

	return rc || !here.size ? rc : compare(recorded, &here, out, err);
}
