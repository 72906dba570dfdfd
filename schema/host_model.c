/* SPDX-License-Identifier: Apache-2.0 */

/*
 * host-model, decided.
 *
 * It means: the CPU of this host, as near as a named model comes to it, and what is missing or too
 * much by feature. Two things say what that is, both in QEMU's own words: what the accelerator can
 * do here ("max" under software emulation, "host" under KVM), and what each named model stands for.
 *
 * Of the models by the host's vendor the one is taken that needs the fewest words about features,
 * of equals the one of the host's family and model, of those the first by name. It goes by its
 * versioned name, so that a later QEMU means the same by it. Every feature in which the two differ
 * is then said: required, or disabled. What the definition says of a feature itself goes before.
 *
 * Such a CPU has check='full': QEMU is to refuse rather than to leave out a feature.
 */

#include "schema/host_model.h"

#include <stdlib.h>
#include <string.h>

#include "schema/fill.h"

#define FEATURE_NAME_MAX 64

/* A word of a sorted list. */
struct word_at {
	const char *start;
	size_t length;
};

static struct word_at word_first(const char *words)
{
	return (struct word_at){words, strcspn(words, " ")};
}

static void word_next(struct word_at *word)
{
	const char *end = word->start + word->length;

	*word = word_first(end + (*end == ' '));
}

/* As strcmp; the end of a list comes after every word. */
static int word_compare(const struct word_at *a, const struct word_at *b)
{
	size_t shorter = a->length < b->length ? a->length : b->length;
	int order;

	if (!a->length || !b->length)
		return (!a->length) - (!b->length);
	order = memcmp(a->start, b->start, shorter);
	return order ? order : (a->length > b->length) - (a->length < b->length);
}

static bool words_have(const char *words, const char *name)
{
	struct word_at wanted = word_first(name);

	for (struct word_at word = word_first(words); word.length; word_next(&word))
		if (word_compare(&word, &wanted) == 0)
			return true;
	return false;
}

/* Told of each feature that one of two lists has alone. */
typedef int (*feature_fn)(const char *name, bool wanted, void *context);

/* What belongs to a feature that the host does not have goes with it, in QEMU, unsaid. */
static bool goes_unsaid(const struct word_at *word, const char *host)
{
	return strncmp(word->start, "vmx-", 4) == 0 && !words_have(host, "vmx");
}

static int features_compare(const char *host, const char *model, feature_fn tell, void *context)
{
	struct word_at a = word_first(host);
	struct word_at b = word_first(model);
	int rc = 0;

	while ((a.length || b.length) && !rc) {
		int order = word_compare(&a, &b);
		const struct word_at word = order < 0 ? a : b;
		char name[FEATURE_NAME_MAX] = "";

		if (order && word.length < sizeof name && !goes_unsaid(&word, host)) {
			memcpy(name, word.start, word.length);
			rc = tell(name, order < 0, context);
		}
		if (order <= 0)
			word_next(&a);
		if (order >= 0)
			word_next(&b);
	}
	return rc;
}

/* ---- the model ---- */

static int count_feature(const char *name, bool wanted, void *context)
{
	(void)name;
	(void)wanted;
	++*(unsigned *)context;
	return 0;
}

/* Smaller is nearer. */
static unsigned distance(const struct cpu_expansion *host, const struct cpu_expansion *model)
{
	unsigned count = 0;

	(void)features_compare(host->features, model->features, count_feature, &count);
	return count * 2 + (host->family != model->family || host->model != model->model);
}

static const struct cpu_expansion *nearest_model(
	const struct accelerator *accelerator, const struct capabilities *caps, const char *vendor)
{
	const struct cpu_expansion *best = NULL;
	unsigned least = 0;

	for (size_t i = 0; i < accelerator->model_count; i++) {
		const struct cpu_expansion *model = &accelerator->models[i];
		const struct cpu_model *entry = capabilities_cpu(caps, model->name);
		unsigned far;

		if (!entry || entry->deprecated || (vendor && strcmp(model->vendor, vendor) != 0))
			continue;
		far = distance(&accelerator->host, model);
		if (best && (far > least || (far == least && strcmp(model->name, best->name) > 0)))
			continue;
		best = model;
		least = far;
	}
	return best;
}

/* ---- features ---- */

/* Where a definition has another word for it than QEMU. */
static const char *definition_name(const char *name)
{
	static const char *const names[][2] = {
		{"cmp-legacy", "cmp_legacy"},
		{"ds-cpl", "ds_cpl"},
		{"fxsr-opt", "fxsr_opt"},
		{"kvm-pv-eoi", "kvm_pv_eoi"},
		{"kvm-pv-unhalt", "kvm_pv_unhalt"},
		{"lahf-lm", "lahf_lm"},
		{"nodeid-msr", "nodeid_msr"},
		{"pclmulqdq", "pclmuldq"},
		{"perfctr-core", "perfctr_core"},
		{"perfctr-nb", "perfctr_nb"},
		{"tsc-adjust", "tsc_adjust"},
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i][0], name) == 0)
			return names[i][1];
	return name;
}

static xmlNode *find_feature(const xmlNode *cpu, const char *name)
{
	for (xmlNode *feature = node_child(cpu, "feature"); feature; feature = node_next(feature))
		if (node_attr_is(feature, "name", name) ||
			node_attr_is(feature, "name", definition_name(name)))
			return feature;
	return NULL;
}

static bool host_has(const char *features, const xmlNode *feature)
{
	const char *name = node_attr(feature, "name");

	for (struct word_at word = word_first(features); name && word.length; word_next(&word)) {
		char own[FEATURE_NAME_MAX] = "";

		if (word.length >= sizeof own)
			continue;
		memcpy(own, word.start, word.length);
		if (strcmp(own, name) == 0 || strcmp(definition_name(own), name) == 0)
			return true;
	}
	return false;
}

/* What the definition says itself. *forced: of a feature that is not there. */
static int settle_given(
	xmlNode *cpu, const struct cpu_expansion *host, bool *forced, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *feature = node_child(cpu, "feature"); feature && !rc;
		feature = node_next(feature)) {
		bool there = host_has(host->features, feature);

		if (node_attr_is(feature, "policy", "optional"))
			rc = node_set_attr(feature, "policy", there ? "require" : "disable", err);
		else if (node_attr_is(feature, "policy", "force"))
			*forced = *forced || !there;
		else if (!there && (!node_attr(feature, "policy") ||
					   node_attr_is(feature, "policy", "require")))
			return node_error(feature, err, DD_UNSUPPORTED,
				"the CPU here has no feature '%s'", node_attr(feature, "name"));
	}
	return rc;
}

struct rows {
	xmlNode *cpu;
	struct dd_error *err;
};

static int add_feature(const char *name, bool wanted, void *context)
{
	struct rows *rows = context;
	xmlNode *feature;
	int rc;

	if (find_feature(rows->cpu, name))
		return 0;
	feature = node_add(rows->cpu, "feature", rows->err);
	rc = feature ? node_set_attr(feature, "policy", wanted ? "require" : "disable", rows->err)
		     : DD_NO_MEMORY;
	return rc ? rc : node_set_attr(feature, "name", definition_name(name), rows->err);
}

/* ---- both ---- */

static int name_model(xmlNode *cpu, const struct cpu_expansion *model, const char *vendor,
	bool forced, struct dd_error *err)
{
	xmlNode *node = fill_child(cpu, "model", err);
	int rc = node ? node_set_attr(cpu, "mode", "custom", err) : DD_NO_MEMORY;

	if (!rc)
		rc = node_set_attr(cpu, "match", "exact", err);
	/* a forced feature is one that QEMU is told of and may leave out */
	if (!rc)
		rc = node_set_attr(cpu, "check", forced ? "none" : "full", err);
	if (!rc)
		rc = node_set_attr(node, "fallback", "forbid", err);
	if (!rc && strcmp(vendor, model->vendor) != 0)
		rc = fill_attr(node, "vendor_id", vendor, err);
	return rc ? rc : node_set_text(node, model->name, err);
}

static int refuse_unknown(const xmlNode *cpu, const struct capabilities *caps, struct dd_error *err)
{
	node_error(cpu, err, DD_UNSUPPORTED, "it is not known what CPU %s gives such a domain here",
		caps->emulator ? caps->emulator : "QEMU");
	return error_hint(err, "name a model, or leave it open: --host-model=keep");
}

int host_model_freeze(const struct document *document, xmlNode *cpu,
	const struct capabilities *caps, struct dd_error *err)
{
	const struct accelerator *accelerator =
		capabilities_accelerator(caps, node_attr(document_root(document), "type"));
	const struct cpu_expansion *host = accelerator ? &accelerator->host : NULL;
	const struct cpu_expansion *model = NULL;
	struct rows rows = {cpu, err};
	bool forced = false;
	int rc;

	if (accelerator)
		model = nearest_model(accelerator, caps, host->vendor);
	if (accelerator && !model)
		model = nearest_model(accelerator, caps, NULL);
	if (!model)
		return refuse_unknown(cpu, caps, err);
	rc = settle_given(cpu, host, &forced, err);
	if (!rc)
		rc = name_model(cpu, model, host->vendor, forced, err);
	return rc ? rc : features_compare(host->features, model->features, add_feature, &rows);
}

/* ---- the same definition once more ---- */

static bool forces(const xmlNode *cpu)
{
	for (const xmlNode *feature = node_child(cpu, "feature"); feature;
		feature = node_next(feature))
		if (node_attr_is(feature, "policy", "force"))
			return true;
	return false;
}

static bool is_frozen(const xmlNode *cpu)
{
	return node_attr_is(cpu, "mode", "custom") && node_attr_is(cpu, "match", "exact") &&
	       node_attr_is(node_child(cpu, "model"), "fallback", "forbid") &&
	       (node_attr_is(cpu, "check", "full") || forces(cpu));
}

static bool is_wanted(const xmlNode *feature)
{
	const char *policy = node_attr(feature, "policy");

	return !policy || strcmp(policy, "require") == 0 || strcmp(policy, "force") == 0;
}

/* What the definition says against the record is left for the comparison to find. */
static int adopt_feature(xmlNode *cpu, const xmlNode *recorded, struct dd_error *err)
{
	const char *policy = node_attr(recorded, "policy");
	const char *name = node_attr(recorded, "name");
	xmlNode *given = find_feature(cpu, name);
	int rc = 0;

	if (given && !node_attr_is(given, "policy", "optional") &&
		is_wanted(given) != is_wanted(recorded))
		return 0;
	if (!given)
		given = node_add(cpu, "feature", err);
	if (!given)
		return DD_NO_MEMORY;
	rc = node_set_attr(given, "policy", policy, err);
	return rc ? rc : node_set_attr(given, "name", name, err);
}

int host_model_adopt(struct document *given, const struct document *record, struct dd_error *err)
{
	static const char *const attributes[] = {"mode", "match", "check"};
	xmlNode *cpu = node_child(document_root(given), "cpu");
	const xmlNode *recorded = node_child(document_root(record), "cpu");
	const xmlNode *model = node_child(recorded, "model");
	xmlNode *own;
	int rc = 0;

	if (!node_attr_is(cpu, "mode", "host-model") || !is_frozen(recorded))
		return 0;
	own = fill_child(cpu, "model", err);
	if (!own)
		return DD_NO_MEMORY;
	for (size_t i = 0; i < COUNT(attributes) && !rc; i++)
		rc = node_set_attr(cpu, attributes[i], node_attr(recorded, attributes[i]), err);
	if (!rc)
		rc = node_set_attr(own, "fallback", "forbid", err);
	if (!rc && node_attr(model, "vendor_id"))
		rc = fill_attr(own, "vendor_id", node_attr(model, "vendor_id"), err);
	if (!rc)
		rc = node_set_text(own, node_text(model), err);
	for (const xmlNode *feature = node_child(recorded, "feature"); feature && !rc;
		feature = node_next(feature))
		rc = adopt_feature(cpu, feature, err);
	return rc;
}

/* ---- another host ---- */

static const char *model_features(
	const xmlNode *cpu, const struct capabilities *caps, const struct accelerator *accelerator)
{
	const char *name = node_text(node_child(cpu, "model"));
	const struct cpu_model *entry = name ? capabilities_cpu(caps, name) : NULL;

	if (entry && entry->alias)
		name = entry->alias;
	for (size_t i = 0; name && i < accelerator->model_count; i++)
		if (strcmp(accelerator->models[i].name, name) == 0)
			return accelerator->models[i].features;
	return "";
}

void host_model_lacks(const struct document *document, const struct capabilities *here,
	const char *there, struct text *out)
{
	const xmlNode *cpu = node_child(document_root(document), "cpu");
	const struct accelerator *accelerator =
		capabilities_accelerator(here, node_attr(document_root(document), "type"));
	const char *model;

	if (!accelerator || !accelerator->host.name || !node_attr_is(cpu, "check", "full"))
		return;
	model = model_features(cpu, here, accelerator);
	for (struct word_at word = word_first(there); word.length; word_next(&word)) {
		char name[FEATURE_NAME_MAX] = "";
		const xmlNode *said;

		if (word.length >= sizeof name)
			continue;
		memcpy(name, word.start, word.length);
		said = find_feature(cpu, name);
		if (!words_have(accelerator->host.features, name) &&
			(said ? is_wanted(said) : words_have(model, name)))
			text_printf(out, "%s%s", out->size ? ", " : "", name);
	}
}
