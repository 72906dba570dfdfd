/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/capabilities_internal.h"

#include "qmp/bare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT 2 /* of the document, see capabilities_json.c; a part of the key */

int capabilities_key(const char *emulator, struct text *out, struct dd_error *err)
{
	struct stat info;

	if (stat(emulator, &info)) {
		if (errno == ENOENT || errno == ENOTDIR)
			return error_set(err, DD_NOT_FOUND, "there is no QEMU at %s", emulator);
		return error_errno(err, errno, "cannot look at %s", emulator);
	}
	text_printf(out, "%d %s %lld %lld.%09ld", FORMAT, emulator, (long long)info.st_size,
		(long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
	return text_failed(out) ? error_no_memory(err) : 0;
}

/* "qemu64-x86_64-cpu" is the type of the model "qemu64". */
static struct json *model_of_type(const char *type)
{
	static const char *const suffixes[] = {"-x86_64-cpu", "-i386-cpu"};
	size_t length = type ? strlen(type) : 0;

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		size_t suffix = strlen(suffixes[i]);

		if (length > suffix && strcmp(type + length - suffix, suffixes[i]) == 0) {
			CLEANUP(free) char *model = strndup(type, length - suffix);

			return model ? json_string(model) : NULL;
		}
	}
	return json_string(type);
}

static int ask_version(struct monitor *monitor, struct json *document, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = monitor_call(monitor, "query-version", NULL, &reply, err);
	const struct json *qemu = json_get(reply, "qemu");
	char version[64];

	if (code)
		return code;
	snprintf(version, sizeof version, "%d.%d.%d", (int)json_get_number(qemu, "major", 0),
		(int)json_get_number(qemu, "minor", 0), (int)json_get_number(qemu, "micro", 0));
	json_put_string(document, "version", version);
	json_put_string(document, "package", json_get_string(reply, "package"));
	return 0;
}

static bool kvm_opens(void)
{
	CLEANUP(close) int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd >= 0;
}

static int ask_kvm(struct monitor *monitor, struct json *document, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = monitor_call(monitor, "query-kvm", NULL, &reply, err);

	if (!code)
		json_put_bool(
			document, "kvm", json_get_bool(reply, "present", false) && kvm_opens());
	return code;
}

static int ask_machines(struct monitor *monitor, struct json *document, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = monitor_call(monitor, "query-machines", NULL, &reply, err);

	if (code)
		return code;

	struct json *list = json_array();

	for (size_t i = 0; i < json_count(reply); i++) {
		const struct json *from = json_at(reply, i);
		struct json *to = json_object();

		json_put_string(to, "name", json_get_string(from, "name"));
		if (json_get(from, "alias"))
			json_put_string(to, "alias", json_get_string(from, "alias"));
		if (json_get(from, "default-cpu-type"))
			json_put(to, "default-cpu",
				model_of_type(json_get_string(from, "default-cpu-type")));
		json_put_number(to, "cpu-max", json_get_number(from, "cpu-max", 1));
		json_put_bool(to, "default", json_get_bool(from, "is-default", false));
		json_put_bool(to, "deprecated", json_get_bool(from, "deprecated", false));
		json_put_bool(
			to, "hotpluggable-cpus", json_get_bool(from, "hotpluggable-cpus", false));
		json_push(list, to);
	}
	json_put(document, "machines", list);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int ask_devices(struct monitor *monitor, struct json *document, struct dd_error *err)
{
	CLEANUP(json) struct json *args = json_object();
	CLEANUP(json) struct json *reply = NULL;

	json_put_string(args, "implements", "device");
	json_put_bool(args, "abstract", false);

	int code = monitor_call(monitor, "qom-list-types", TAKE(args), &reply, err);

	if (code)
		return code;

	size_t count = json_count(reply);
	CLEANUP(free) const char **names = calloc(count + 1, sizeof *names);
	struct json *list = json_array();

	if (!names)
		json_push(list, NULL);
	for (size_t i = 0; names && i < count; i++) {
		const char *name = json_get_string(json_at(reply, i), "name");

		names[i] = name ? name : "";
	}
	if (names && count)
		qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; names && i < count; i++)
		json_push(list, json_string(names[i]));
	json_put(document, "devices", list);
	return 0;
}

static int ask_all(struct monitor *monitor, struct json *document, struct dd_error *err)
{
	static int (*const questions[])(struct monitor *, struct json *, struct dd_error *) = {
		ask_version, ask_kvm, ask_machines, ask_cpu_names, ask_devices, ask_tcg_models};

	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		int code = questions[i](monitor, document, err);

		if (code)
			return code;
	}
	return 0;
}

typedef int (*question)(struct monitor *monitor, struct json *document, struct dd_error *err);

struct asking {
	question ask;
	struct json *document;
};

static int ask(struct monitor *monitor, void *context, struct dd_error *err)
{
	const struct asking *asking = context;

	return asking->ask(monitor, asking->document, err);
}

/* Asks a QEMU started for that alone. */
static int probe(const char *emulator, const char *accelerator, question which,
	struct json *document, struct dd_error *err)
{
	struct asking asking = {which, document};
	int code = bare_qemu(emulator, accelerator, ask, &asking, err);

	if (!code || code == DD_NOT_FOUND)
		return code;
	if (err && code != DD_NO_MEMORY)
		err->code = code = DD_HYPERVISOR;
	return error_wrap(err, "asking %s what it can do", emulator);
}

int capabilities_probe(const char *emulator, struct capabilities **out, struct dd_error *err)
{
	CLEANUP(json) struct json *document = json_object();
	int code;

	if (emulator[0] != '/')
		return error_set(err, DD_INVALID, "'%s' is not the full path of a QEMU", emulator);
	json_put_string(document, "emulator", emulator);
	code = probe(emulator, "tcg", ask_all, document, err);
	/* what KVM offers is worth having, but its absence is no failure */
	if (!code && json_get_bool(document, "kvm", false) && host_virtualises())
		(void)probe(emulator, "kvm", ask_kvm_models, document, NULL);
	if (code)
		return code;
	return json_failed(document) ? error_no_memory(err) : capabilities_read(document, out, err);
}
