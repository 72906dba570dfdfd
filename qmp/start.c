/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/guest_internal.h"

#include "base/file.h"
#include "qmp/argv.h"
#include "qmp/carrier.h"
#include "qmp/port.h"
#include "qmp/process.h"
#include "qmp/share.h"
#include "qmp/socket.h"
#include "qmp/tap.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * A start, and what a kill of the starter leaves behind at each point: before the fork nothing (the
 * lock goes with the starter); after it a QEMU that holds the lock and that the next one finds by
 * it, stopped before its first instruction (-S) until somebody lets it run.
 */
#define VARIABLES_MAX (64u << 20)
#define INHERITED_MAX 64 /* descriptors handed to QEMU: the monitor's socket and taps */

struct start {
	const char *folder;
	int log;
	int lock;
	int inherited[INHERITED_MAX]; /* the first is the monitor's */
	size_t count;
	int memory; /* descriptor, or -1 */
	int *port;  /* reserved for QEMU, which has it when it greets, or -1; the caller's */
	char **argv;
	const cpu_set_t *cpus;
};

static void start_release(struct start *start)
{
	for (size_t i = 0; i < start->count; i++)
		close(start->inherited[i]);
	if (start->log >= 0)
		close(start->log);
	if (start->lock >= 0)
		close(start->lock);
	if (start->memory >= 0)
		close(start->memory);
	for (char **arg = start->argv; arg && *arg; arg++)
		free(*arg);
	free(start->argv);
}

static inline void cleanup_start(struct start *start)
{
	start_release(start);
}

int guest_check(const struct document *live, const struct capabilities *caps, struct dd_error *err)
{
	return guest_check_beside(live, caps, NULL, err);
}

int guest_check_beside(const struct document *live, const struct capabilities *caps,
	const char *from, struct dd_error *err)
{
	CLEANUP(plan)
	struct plan plan = {.live = live, .caps = caps, .folder = "/", .from = from};
	int code = machine_check(live, err);

	return code ? code : plan_domain(&plan, err);
}

int guest_command_line(const char *folder, const struct document *live,
	const struct capabilities *caps, struct json **array, struct dd_error *err)
{
	CLEANUP(plan) struct plan plan = {.live = live, .caps = caps, .folder = folder};
	int code = machine_check(live, err);

	if (!code)
		code = plan_domain(&plan, err);
	return code ? code : argv_render(&plan, 3, array, err);
}

static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static int inherit(struct start *start, int fd, struct dd_error *err)
{
	if (start->count == INHERITED_MAX) {
		close(fd);
		return error_set(err, DD_UNSUPPORTED, "more than %d interfaces on bridges",
			INHERITED_MAX - 1);
	}
	start->inherited[start->count++] = fd;
	return 0;
}

static int open_monitor(struct start *start, struct dd_error *err)
{
	char path[PATH_MAX];
	int fd = -1;
	int length = snprintf(path, sizeof path, "%s/monitor.sock", start->folder);

	if (length < 0 || (size_t)length >= sizeof path)
		return error_set(err, DD_INVALID, "folder name is too long");

	int code = socket_listen(path, &fd, err);

	return code ? code : inherit(start, fd, err);
}

static int open_taps(struct start *start, struct plan *plan, struct dd_error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct step *step = &plan->steps[i];
		char number[16];
		int fd = -1;

		if (!step->tap)
			continue;

		int code = plan->from ? share_tap(plan->from, step->tap, &fd, err)
				      : tap_open(step->tap, step->bridge, &fd, err);

		if (!code)
			code = inherit(start, fd, err);
		if (code)
			return code;
		snprintf(number, sizeof number, "%d", fd);
		if (!json_put_string(step->args, "fd", number))
			return error_no_memory(err);
	}
	return 0;
}

static int find_port(struct start *start, struct step *step, struct dd_error *err)
{
	CLEANUP(text) struct text value = TEXT_INIT;
	unsigned port = 0;
	int code;

	if (step->port)
		return port_check(step->host, step->port, err);
	code = port_reserve(step->host, PORT_OF_SCREENS, &port, start->port, err);
	if (code)
		return code;
	text_printf(&value, "%s,port=%u", json_get_string(step->args, "value"), port);
	return text_failed(&value) || !json_put_string(step->args, "value", text_string(&value))
		       ? error_no_memory(err)
		       : 0;
}

/* There is one screen at most that needs it. */
static int find_ports(struct start *start, struct plan *plan, struct dd_error *err)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].host)
			return find_port(start, &plan->steps[i], err);
	return 0;
}

static int make_argv(struct start *start, const struct plan *plan, struct dd_error *err)
{
	CLEANUP(json) struct json *array = NULL;
	int code = argv_render(plan, start->inherited[0], &array, err);

	if (code)
		return code;
	start->argv = calloc(json_count(array) + 1, sizeof *start->argv);
	if (!start->argv)
		return error_no_memory(err);
	for (size_t i = 0; i < json_count(array); i++) {
		code = string_copy(&start->argv[i], json_as_string(json_at(array, i)), err);
		if (code)
			return code;
	}
	return 0;
}

/* So that the log says which of its lines belong to which run. */
static int log_start(const struct start *start, struct dd_error *err)
{
	CLEANUP(text) struct text line = TEXT_INIT;
	time_t now = time(NULL);
	struct tm broken;
	char when[32];

	gmtime_r(&now, &broken);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &broken);
	text_printf(&line, "--- %s starting", when);
	for (char **arg = start->argv; *arg; arg++)
		text_printf(&line, " %s", *arg);
	text_putc(&line, '\n');
	if (text_failed(&line))
		return error_no_memory(err);
	if (write(start->log, text_string(&line), line.size) != (ssize_t)line.size)
		return error_errno(err, errno, "cannot write %s/qemu.log", start->folder);
	return 0;
}

static int spawn(struct start *start, struct plan *plan, struct dd_error *err)
{
	int code = open_monitor(start, err);

	if (!code && start->memory >= 0)
		code = inherit(start, take_fd(&start->memory), err);
	if (!code)
		code = open_taps(start, plan, err);
	if (!code)
		code = find_ports(start, plan, err);
	if (!code)
		code = make_argv(start, plan, err);
	if (!code)
		code = log_start(start, err);
	if (code)
		return code;

	const struct spawn request = {
		.argv = start->argv,
		.log = start->log,
		.keep = start->inherited,
		.keep_count = start->count,
		.cpus = start->cpus,
		.lock = start->lock,
	};

	return process_spawn(&request, err);
}

/* "0-3,^2,8" as a set; false where it is none. */
static bool read_cpus(const char *text, cpu_set_t *out)
{
	CPU_ZERO(out);
	while (*text) {
		bool without = *text == '^';
		char *end = NULL;
		unsigned long first = strtoul(text + without, &end, 10);
		unsigned long last = first;

		if (end == text + without)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if ((*end && *end != ',') || last < first || last >= CPU_SETSIZE)
			return false;
		for (; first <= last; first++)
			without ? CPU_CLR(first, out) : CPU_SET(first, out);
		text = *end ? end + 1 : end;
	}
	return CPU_COUNT(out) > 0;
}

/* Firmware keeps its variables in a file of the guest's own, at first a copy of a template. */
static int make_variables(const struct document *live, struct dd_error *err)
{
	const xmlNode *nvram = node_descend(document_root(live), "os/nvram");
	const char *model = node_attr(nvram, "template");
	CLEANUP(text) struct text content = TEXT_INIT;

	if (!model || access(node_text(nvram), F_OK) == 0)
		return 0;

	int code = file_read(model, VARIABLES_MAX, &content, err);

	if (!code)
		code = file_replace(
			node_text(nvram), 0600, text_string(&content), content.size, err);
	return code ? error_wrap(err, "the firmware's variables") : 0;
}

/* memory: a descriptor that QEMU gets under this number, or -1; taken over, also on failure. */
static int launch(
	const char *folder, struct plan *plan, int memory, int *port, struct dd_error *err)
{
	CLEANUP(start)
	struct start start = {
		.folder = folder, .log = -1, .lock = -1, .memory = memory, .port = port};
	const xmlNode *vcpu = node_child(document_root(plan->live), "vcpu");
	CLEANUP(free) char *copy = NULL;
	cpu_set_t cpus;
	int code = string_copy(&copy, folder, err);

	if (!code)
		code = directory_make(dirname(copy), folder, 0700, err);
	if (node_attr(vcpu, "cpuset")) {
		if (!read_cpus(node_attr(vcpu, "cpuset"), &cpus))
			return node_error(vcpu, err, DD_INVALID, "cpuset is no set of CPUs");
		start.cpus = &cpus;
	}
	if (!code && !plan->bare)
		code = make_variables(plan->live, err);
	if (!code)
		code = process_lock(folder, &start.lock, err);
	if (!code)
		code = process_log(folder, &start.log, err);
	return code ? code : spawn(&start, plan, err);
}

/* Fails with QEMU's last words when it has died already. */
static int meet(const char *folder, struct guest **out, struct dd_error *err)
{
	CLEANUP(close) int log = -1;
	int code = guest_meet(folder, MONITOR_GREETING_MS, out, err);

	if (code != DD_NOT_FOUND)
		return code;
	error_set(err, DD_HYPERVISOR, "QEMU has ended");
	if (process_log(folder, &log, NULL) == 0)
		log_explain(log, err);
	return DD_HYPERVISOR;
}

static bool has_balloon(const struct document *live)
{
	const xmlNode *balloon = node_child(document_devices(live), "memballoon");

	return balloon && !node_attr_is(balloon, "model", "none");
}

static int settle(struct guest *guest, const struct document *live,
	bool (*wanted)(const xmlNode *device), struct dd_error *err)
{
	const xmlNode *device = node_first(document_devices(live));
	int code = 0;

	for (; device && !code; device = node_after(device))
		if (wanted(device))
			code = hotplug_settle(guest->monitor, device, err);
	return code;
}

static bool is_any(const xmlNode *device)
{
	return device;
}

static bool is_interface(const xmlNode *device)
{
	return node_is(device, "interface");
}

/* All that is the host's; a network card's state comes with the stream. */
static bool is_the_hosts(const xmlNode *device)
{
	return !is_interface(device);
}

int guest_settle(struct guest *guest, const struct document *live, struct dd_error *err)
{
	const xmlNode *root = document_root(live);
	uint64_t now = 0;
	uint64_t most = 0;
	int code = settle(guest, live, is_any, err);

	if (!code && node_text_number(node_child(root, "memory"), &most) &&
		node_text_number(node_child(root, "currentMemory"), &now) && now < most &&
		has_balloon(live))
		code = guest_set_memory(guest, now, err);
	return code;
}

static int settle_incoming(struct guest *guest, const struct document *live, struct dd_error *err)
{
	return settle(guest, live, is_the_hosts, err);
}

int guest_settle_arrived(struct guest *guest, const struct document *live, struct dd_error *err)
{
	return settle(guest, live, is_interface, err);
}

/* Starts what is planned. finish, or NULL, has the last word: where it fails, nothing is left. */
static int begin(struct plan *plan, int memory,
	int (*finish)(struct guest *guest, const struct document *live, struct dd_error *err),
	struct guest **out, struct dd_error *err)
{
	CLEANUP(guest) struct guest *guest = NULL;
	CLEANUP(close) int port = -1;
	int code = launch(plan->folder, plan, memory, &port, err);

	if (code)
		return code;
	code = meet(plan->folder, &guest, err);
	if (!code && finish)
		code = finish(guest, plan->live, err);
	if (code) {
		guest_free(TAKE(guest));
		guest_destroy(plan->folder, NULL);
		return code;
	}
	*out = TAKE(guest);
	return 0;
}

int guest_start(const char *folder, const struct document *live, const struct capabilities *caps,
	struct guest **out, struct dd_error *err)
{
	CLEANUP(plan) struct plan plan = {.live = live, .caps = caps, .folder = folder};
	int code = machine_check(live, err);

	if (!code)
		code = plan_domain(&plan, err);
	return code ? code : begin(&plan, -1, guest_settle, out, err);
}

bool guest_memory_in_common(const struct document *live)
{
	return share_possible(live);
}

int guest_start_incoming(const char *folder, const struct document *live,
	const struct capabilities *caps, const char *from, struct guest **out, struct dd_error *err)
{
	CLEANUP(plan)
	struct plan plan = {
		.live = live, .caps = caps, .folder = folder, .from = from, .incoming = true};
	CLEANUP(close) int memory = -1;
	char path[64];
	int code = machine_check(live, err);

	if (!code && from && share_possible(live)) {
		code = share_memory(from, &memory, err);
		snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
		plan.memory = path;
	}
	if (!code)
		code = plan_domain(&plan, err);
	if (code)
		return code;
	plan_argument(&plan, "-incoming", "defer");
	code = plan_finish(&plan, err);
	return code ? code : begin(&plan, take_fd(&memory), settle_incoming, out, err);
}

int carrier_start(const char *folder, const struct document *definition,
	const struct capabilities *caps, struct guest **out, struct dd_error *err)
{
	CLEANUP(plan)
	struct plan plan = {.live = definition, .caps = caps, .folder = folder, .bare = true};
	int code;

	plan_argument(&plan, "-machine", "none,accel=tcg");
	code = plan_finish(&plan, err);
	return code ? code : begin(&plan, -1, NULL, out, err);
}
