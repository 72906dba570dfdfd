/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/capabilities_internal.h"

#include <string.h>

#include "base/file.h"

/*
 * What QEMU says of CPUs. A model's "static" expansion is every property that a guest could notice,
 * each with the value that the model has under the accelerator that QEMU runs with: the features as
 * true or false, the vendor and the numbers. Of the features the true ones are kept. The aliases of
 * a feature are not in it, so each goes by one name.
 *
 * "max" is all that TCG can do, and "host" all that KVM lets through that can be migrated: that is
 * the CPU which host-model, host-passthrough and maximum mean.
 */
#define HOST_FLAGS_MAX (16u << 20) /* bytes of /proc/cpuinfo that are looked at */

/* The strings of a list, apart by a space. */
static void put_words(struct json *object, const char *key, const struct json *list)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	for (size_t i = 0; i < json_count(list); i++) {
		const char *word = json_as_string(json_at(list, i));

		if (word)
			text_printf(&words, "%s%s", words.size ? " " : "", word);
	}
	json_put(object, key, text_failed(&words) ? NULL : json_string(text_string(&words)));
}

int ask_cpu_names(struct monitor *monitor, struct json *document, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = monitor_call(monitor, "query-cpu-definitions", NULL, &reply, err);

	if (code)
		return code;

	struct json *list = json_array();

	for (size_t i = 0; i < json_count(reply); i++) {
		const struct json *from = json_at(reply, i);
		const struct json *missing = json_get(from, "unavailable-features");
		struct json *to = json_object();

		json_put_string(to, "name", json_get_string(from, "name"));
		if (json_get(from, "alias-of"))
			json_put_string(to, "alias", json_get_string(from, "alias-of"));
		json_put_bool(to, "deprecated", json_get_bool(from, "deprecated", false));
		json_put_bool(to, "usable", missing && json_count(missing) == 0);
		if (json_count(missing))
			put_words(to, "missing", missing);
		json_push(list, to);
	}
	json_put(document, "cpus", list);
	return 0;
}

static int push_name(const char *key, const struct json *value, void *list)
{
	(void)value;
	return json_push(list, json_string(key)) ? 0 : DD_NO_MEMORY;
}

static int push_feature(const char *key, const struct json *value, void *list)
{
	return json_as_bool(value, false) ? push_name(key, value, list) : 0;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the true properties, sorted. */
static void put_features(struct json *object, const struct json *props)
{
	CLEANUP(json) struct json *found = json_array();
	CLEANUP(json) struct json *sorted = json_array();

	json_each(props, push_feature, found);

	size_t count = json_count(found);
	CLEANUP(free) const char **names = calloc(count + 1, sizeof *names);

	for (size_t i = 0; names && i < count; i++)
		names[i] = json_as_string(json_at(found, i));
	if (names && count)
		qsort(names, count, sizeof *names, compare_words);
	for (size_t i = 0; names && i < count; i++)
		json_push(sorted, json_string(names[i]));
	if (names)
		put_words(object, "features", sorted);
	else
		json_put(object, "features", NULL);
}

static int expand(
	struct monitor *monitor, const char *name, struct json **out, struct dd_error *err)
{
	CLEANUP(json) struct json *args = json_object();
	CLEANUP(json) struct json *reply = NULL;
	struct json *model = json_object();

	json_put_string(model, "name", name);
	json_put_string(args, "type", "static");
	json_put(args, "model", model);

	int code = monitor_call(monitor, "query-cpu-model-expansion", TAKE(args), &reply, err);

	if (code)
		return code;

	static const char *const numbers[] = {"family", "model", "stepping"};
	const struct json *props = json_get(json_get(reply, "model"), "props");
	struct json *cpu = json_object();

	json_put_string(cpu, "name", name);
	json_put_string(cpu, "vendor", json_get_string(props, "vendor"));
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		json_put_number(cpu, numbers[i], json_get_number(props, numbers[i], 0));
	json_put_string(cpu, "model-id", json_get_string(props, "model-id"));
	put_features(cpu, props);
	*out = cpu;
	return 0;
}

/* Models that name no CPU of their own. */
static bool is_open_ended(const char *name)
{
	static const char *const names[] = {"max", "host", "base"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int ask_models(struct monitor *monitor, const char *accelerator, const char *best,
	struct json *document, struct dd_error *err)
{
	const struct json *names = json_get(document, "cpus");
	struct json *models = json_array();
	struct json *host = NULL;
	int code = expand(monitor, best, &host, err);

	for (size_t i = 0; i < json_count(names) && !code; i++) {
		const char *name = json_get_string(json_at(names, i), "name");
		struct json *cpu = NULL;

		if (json_get(json_at(names, i), "alias") || is_open_ended(name))
			continue;
		code = expand(monitor, name, &cpu, err);
		json_push(models, cpu);
	}

	struct json *answer = json_object();
	CLEANUP(json) struct json *all = json_copy(json_get(document, "accelerators"));

	if (!all)
		all = json_object();
	json_put(answer, "host", host);
	json_put(answer, "models", models);
	json_put(all, accelerator, answer);
	if (!code)
		json_put(document, "accelerators", TAKE(all));
	return code;
}

int ask_tcg_models(struct monitor *monitor, struct json *document, struct dd_error *err)
{
	return ask_models(monitor, "tcg", "max", document, err);
}

int ask_kvm_models(struct monitor *monitor, struct json *document, struct dd_error *err)
{
	return ask_models(monitor, "kvm", "host", document, err);
}

bool host_virtualises(void)
{
	CLEANUP(text) struct text info = TEXT_INIT;

	if (file_read("/proc/cpuinfo", HOST_FLAGS_MAX, &info, NULL))
		return false;

	const char *flags = strstr(text_string(&info), "\nflags");
	CLEANUP(free) char *line = flags ? strndup(flags + 1, strcspn(flags + 1, "\n")) : NULL;

	return line && (strstr(line, " vmx") || strstr(line, " svm"));
}
