/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/capabilities.h"

#include "qmp/json.h"
#include "qmp/monitor.h"
#include "qmp/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/*
 * A probe turns QEMU's answers into one JSON document of our own, and that document, fresh or from
 * the cache, into a struct capabilities. So there is one way to fill it, and a cached answer cannot
 * differ from a fresh one.
 *
 *   {"emulator": PATH, "version": "7.2.22", "package": …, "kvm": false,
 *    "machines": [{"name", "alias"?, "default-cpu"?, "cpu-max", "default", "deprecated",
 *                  "hotpluggable-cpus"}],
 *    "cpus": [{"name", "alias"?, "deprecated", "usable"}],
 *    "devices": [NAME, …]}                                        sorted
 */
#define FORMAT 1            /* of that document; a part of the key */
#define LIST_MAX (1u << 16) /* entries of any list in it */

static char *copy_string(const char *string, bool *failed)
{
	char *copy = string ? strdup(string) : NULL;

	if (string && !copy)
		*failed = true;
	return copy;
}

static bool read_machine(const struct json *json, struct machine_type *machine)
{
	bool failed = !json_get_string(json, "name");

	machine->name = copy_string(json_get_string(json, "name"), &failed);
	machine->alias = copy_string(json_get_string(json, "alias"), &failed);
	machine->default_cpu = copy_string(json_get_string(json, "default-cpu"), &failed);
	machine->cpu_max = (unsigned)json_get_number(json, "cpu-max", 1);
	machine->is_default = json_get_bool(json, "default", false);
	machine->deprecated = json_get_bool(json, "deprecated", false);
	machine->hotpluggable_cpus = json_get_bool(json, "hotpluggable-cpus", false);
	return !failed;
}

static bool read_cpu(const struct json *json, struct cpu_model *cpu)
{
	bool failed = !json_get_string(json, "name");

	cpu->name = copy_string(json_get_string(json, "name"), &failed);
	cpu->alias = copy_string(json_get_string(json, "alias"), &failed);
	cpu->deprecated = json_get_bool(json, "deprecated", false);
	cpu->usable = json_get_bool(json, "usable", false);
	return !failed;
}

static bool read_machines(const struct json *list, struct capabilities *caps)
{
	caps->machines = calloc(json_count(list) + 1, sizeof *caps->machines);
	if (!caps->machines)
		return false;
	for (size_t i = 0; i < json_count(list); i++)
		if (!read_machine(json_at(list, i), &caps->machines[caps->machine_count++]))
			return false;
	return true;
}

static bool read_cpus(const struct json *list, struct capabilities *caps)
{
	caps->cpus = calloc(json_count(list) + 1, sizeof *caps->cpus);
	if (!caps->cpus)
		return false;
	for (size_t i = 0; i < json_count(list); i++)
		if (!read_cpu(json_at(list, i), &caps->cpus[caps->cpu_count++]))
			return false;
	return true;
}

static bool read_devices(const struct json *list, struct capabilities *caps)
{
	caps->devices = calloc(json_count(list) + 1, sizeof *caps->devices);
	if (!caps->devices)
		return false;
	for (size_t i = 0; i < json_count(list); i++) {
		bool failed = !json_as_string(json_at(list, i));

		caps->devices[caps->device_count++] =
			copy_string(json_as_string(json_at(list, i)), &failed);
		if (failed)
			return false;
	}
	return true;
}

static int read_document(const struct json *json, struct capabilities **out, struct dd_error *err)
{
	const struct json *machines = json_get(json, "machines");
	const struct json *cpus = json_get(json, "cpus");
	const struct json *devices = json_get(json, "devices");
	bool failed = false;

	if (!json_get_string(json, "emulator") || !json_get_string(json, "version") ||
		json_count(machines) > LIST_MAX || json_count(cpus) > LIST_MAX ||
		json_count(devices) > LIST_MAX)
		return error_set(err, DD_INVALID, "not the capabilities of a QEMU");

	CLEANUP(capabilities) struct capabilities *caps = calloc(1, sizeof *caps);

	if (!caps)
		return error_no_memory(err);
	caps->emulator = copy_string(json_get_string(json, "emulator"), &failed);
	caps->version = copy_string(json_get_string(json, "version"), &failed);
	caps->package = copy_string(
		json_get_string(json, "package") ? json_get_string(json, "package") : "", &failed);
	caps->kvm = json_get_bool(json, "kvm", false);
	if (failed)
		return error_no_memory(err);
	if (!read_machines(machines, caps) || !read_cpus(cpus, caps) ||
		!read_devices(devices, caps))
		return error_set(err, DD_INVALID, "not the capabilities of a QEMU");
	*out = TAKE(caps);
	return 0;
}

int capabilities_from_json(
	const char *text, size_t size, struct capabilities **out, struct dd_error *err)
{
	CLEANUP(json) struct json *json = NULL;
	int code = json_parse(text, size, &json, err);

	return code ? code : read_document(json, out, err);
}

static struct json *write_machine(const struct machine_type *machine)
{
	struct json *json = json_object();

	json_put_string(json, "name", machine->name);
	if (machine->alias)
		json_put_string(json, "alias", machine->alias);
	if (machine->default_cpu)
		json_put_string(json, "default-cpu", machine->default_cpu);
	json_put_number(json, "cpu-max", machine->cpu_max);
	json_put_bool(json, "default", machine->is_default);
	json_put_bool(json, "deprecated", machine->deprecated);
	json_put_bool(json, "hotpluggable-cpus", machine->hotpluggable_cpus);
	return json;
}

static struct json *write_cpu(const struct cpu_model *cpu)
{
	struct json *json = json_object();

	json_put_string(json, "name", cpu->name);
	if (cpu->alias)
		json_put_string(json, "alias", cpu->alias);
	json_put_bool(json, "deprecated", cpu->deprecated);
	json_put_bool(json, "usable", cpu->usable);
	return json;
}

int capabilities_to_json(const struct capabilities *caps, struct text *out, struct dd_error *err)
{
	CLEANUP(json) struct json *json = json_object();
	struct json *machines = json_array();
	struct json *cpus = json_array();
	struct json *devices = json_array();

	json_put_string(json, "emulator", caps->emulator);
	json_put_string(json, "version", caps->version);
	json_put_string(json, "package", caps->package);
	json_put_bool(json, "kvm", caps->kvm);
	for (size_t i = 0; i < caps->machine_count; i++)
		json_push(machines, write_machine(&caps->machines[i]));
	for (size_t i = 0; i < caps->cpu_count; i++)
		json_push(cpus, write_cpu(&caps->cpus[i]));
	for (size_t i = 0; i < caps->device_count; i++)
		json_push(devices, json_string(caps->devices[i]));
	json_put(json, "machines", machines);
	json_put(json, "cpus", cpus);
	json_put(json, "devices", devices);
	return json_write(json, out, err);
}

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

static int ask_cpus(struct monitor *monitor, struct json *document, struct dd_error *err)
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
		json_push(list, to);
	}
	json_put(document, "cpus", list);
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

static int ask_all(struct monitor *monitor, const char *emulator, struct capabilities **out,
	struct dd_error *err)
{
	static int (*const questions[])(struct monitor *, struct json *, struct dd_error *) = {
		ask_version, ask_kvm, ask_machines, ask_cpus, ask_devices};
	CLEANUP(json) struct json *document = json_object();

	json_put_string(document, "emulator", emulator);
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		int code = questions[i](monitor, document, err);

		if (code)
			return code;
	}
	return json_failed(document) ? error_no_memory(err) : read_document(document, out, err);
}

/* A QEMU with no machine, whose monitor is the other end of *fd. It ends when we do. */
static int start_probe(const char *emulator, int log, int *fd, pid_t *pid, struct dd_error *err)
{
	int ends[2];
	char chardev[64];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return error_errno(err, errno, "cannot make a socket");
	snprintf(chardev, sizeof chardev, "socket,id=monitor,fd=%d", ends[1]);

	const char *const argv[] = {emulator, "-S", "-no-user-config", "-nodefaults", "-nographic",
		"-machine", "none,accel=tcg", "-chardev", chardev, "-mon",
		"chardev=monitor,mode=control", NULL};
	const struct spawn spawn = {
		.argv = (char *const *)(uintptr_t)argv,
		.log = log,
		.keep = &ends[1],
		.keep_count = 1,
		.lock = -1,
		.pid = pid,
	};
	int code = process_spawn(&spawn, err);

	close(ends[1]);
	if (code)
		close(ends[0]);
	else
		*fd = ends[0];
	return code;
}

int capabilities_probe(const char *emulator, struct capabilities **out, struct dd_error *err)
{
	CLEANUP(monitor) struct monitor *monitor = NULL;
	int log = memfd_create("qemu-probe", MFD_CLOEXEC);
	int fd = -1;
	pid_t pid = 0;

	if (emulator[0] != '/') {
		if (log >= 0)
			close(log);
		return error_set(err, DD_INVALID, "'%s' is not the full path of a QEMU", emulator);
	}
	if (log < 0)
		return error_errno(err, errno, "cannot make a temporary file");

	int code = start_probe(emulator, log, &fd, &pid, err);

	if (code) {
		close(log);
		return code == DD_NOT_FOUND
			       ? error_set(err, code, "there is no QEMU at %s", emulator)
			       : code;
	}
	code = monitor_new(fd, log, MONITOR_GREETING_MS, &monitor, err);
	if (!code)
		code = ask_all(monitor, emulator, out, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!code)
		return 0;
	if (err && code != DD_NO_MEMORY)
		err->code = code = DD_HYPERVISOR;
	return error_wrap(err, "asking %s what it can do", emulator);
}
