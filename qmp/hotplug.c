/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/hotplug.h"

#include "qmp/deadline.h"
#include "qmp/device/rows.h"
#include "qmp/tap.h"

#include <string.h>

#define ASK_AGAIN_MS 2000 /* a guest that was not ready misses the first request */
#define RELEASE_TRIES 50  /* a backend may be in use for a moment after its device has gone */
#define RELEASE_NAP_MS 10

static const struct {
	const char *add;
	const char *remove;
	const char *key; /* by which remove knows it, in its arguments and in those of add */
} commands[] = {
	[STEP_OBJECT] = {"object-add", "object-del", "id"},
	[STEP_CHARDEV] = {"chardev-add", "chardev-remove", "id"},
	[STEP_BLOCKDEV] = {"blockdev-add", "blockdev-del", "node-name"},
	[STEP_NETDEV] = {"netdev_add", "netdev_del", "id"},
	[STEP_DEVICE] = {"device_add", "device_del", "id"},
};

static int send_tap(struct monitor *monitor, const struct step *step, struct dd_error *err)
{
	CLEANUP(close) int fd = -1;
	int code = tap_open(step->tap, step->bridge, &fd, err);

	return code ? code : monitor_send_fd(monitor, json_get_string(step->args, "fd"), fd, err);
}

static int do_step(struct monitor *monitor, const struct step *step, struct dd_error *err)
{
	int code = step->tap ? send_tap(monitor, step, err) : 0;
	struct json *args = code ? NULL : json_copy(step->args);

	if (code)
		return code;
	if (!args)
		return error_no_memory(err);
	code = monitor_call(monitor, commands[step->kind].add, args, NULL, err);
	if (code && step->tap) {
		struct json *name = json_object();

		json_put_string(name, "fdname", json_get_string(step->args, "fd"));
		monitor_call(monitor, "closefd", name, NULL, NULL);
	}
	return code;
}

static int remove_step(struct monitor *monitor, const struct step *step, struct dd_error *err)
{
	const char *key = commands[step->kind].key;
	struct json *args = json_object();

	json_put_string(args, key, json_get_string(step->args, key));
	return monitor_call(monitor, commands[step->kind].remove, args, NULL, err);
}

bool hotplug_says_absent(const struct dd_error *err)
{
	return err->code == DD_NOT_FOUND || strstr(err->message, "not found") ||
	       strstr(err->message, "ailed to find node") || strstr(err->message, "annot find");
}

static int remove_backend(struct monitor *monitor, const struct step *step, struct dd_error *err)
{
	struct dd_error failure = {.code = 0};

	for (int tries = 0; tries < RELEASE_TRIES; tries++) {
		int code = remove_step(monitor, step, &failure);

		if (!code || hotplug_says_absent(&failure))
			return 0;
		if (code != DD_HYPERVISOR)
			break;
		deadline_nap(RELEASE_NAP_MS);
	}
	if (err)
		*err = failure;
	return failure.code;
}

int hotplug_undo_backends(struct monitor *monitor, const struct plan *plan, struct dd_error *err)
{
	int result = 0;

	for (size_t i = plan->count; i--;) {
		if (plan->steps[i].kind == STEP_DEVICE || plan->steps[i].kind == STEP_ARGUMENT)
			continue;

		int code = remove_backend(monitor, &plan->steps[i], result ? NULL : err);

		result = result ? result : code;
	}
	return result;
}

/* A device that has just been added was not seen by the guest yet: it goes without asking. */
static void undo(struct monitor *monitor, const struct plan *plan, size_t count)
{
	while (count--) {
		const struct step *step = &plan->steps[count];

		if (step->kind == STEP_DEVICE)
			hotplug_remove_device(
				monitor, json_get_string(step->args, "id"), ASK_AGAIN_MS, NULL);
		else
			remove_backend(monitor, step, NULL);
	}
}

/* What the machine takes at its start alone, this one or any without ACPI. */
static void hint_start(struct dd_error *err)
{
	(void)error_hint(err, "with --config it is there from the guest's next start");
}

int hotplug_do(struct monitor *monitor, const struct plan *plan, struct dd_error *err)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_ARGUMENT) {
			error_set(err, DD_REFUSED, "this device can only be there from the start");
			hint_start(err);
			return DD_REFUSED;
		}
	for (size_t i = 0; i < plan->count; i++) {
		int code = do_step(monitor, &plan->steps[i], err);

		if (code) {
			undo(monitor, plan, i);
			if (code == DD_HYPERVISOR && plan->steps[i].kind == STEP_DEVICE)
				hint_start(err);
			return code;
		}
	}
	return 0;
}

int hotplug_has_device(struct monitor *monitor, const char *id, bool *out, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	struct json *args = json_object();
	bool found = false;

	json_put_string(args, "path", "/machine/peripheral");

	int code = monitor_call(monitor, "qom-list", args, &reply, err);

	if (code)
		return code;
	for (size_t i = 0; i < json_count(reply) && !found; i++) {
		const char *name = json_get_string(json_at(reply, i), "name");

		found = name && strcmp(name, id) == 0;
	}
	*out = found;
	return 0;
}

/* The events that settle an unplug. */
static bool is_verdict(const char *name, const struct json *data, void *context)
{
	const char *device = json_get_string(data, "device");

	return name && device && strcmp(device, context) == 0 &&
	       (strcmp(name, "DEVICE_DELETED") == 0 ||
		       strcmp(name, "DEVICE_UNPLUG_GUEST_ERROR") == 0 ||
		       strcmp(name, "MEM_UNPLUG_ERROR") == 0);
}

static int ask_removal(struct monitor *monitor, const char *id, struct dd_error *err)
{
	struct dd_error failure = {.code = 0};
	struct json *args = json_object();

	json_put_string(args, "id", id);
	if (monitor_call(monitor, "device_del", args, NULL, &failure) == 0 ||
		hotplug_says_absent(&failure) || strstr(failure.message, "process of unplug"))
		return 0;
	if (err)
		*err = failure;
	return failure.code;
}

/* One request and the wait after it. *done: the device has gone. */
static int remove_once(
	struct monitor *monitor, const char *id, int64_t deadline, bool *done, struct dd_error *err)
{
	CLEANUP(json) struct json *event = NULL;
	CLEANUP(free) char *name = NULL;
	int left = deadline_left(deadline);
	bool there = true;
	int code = string_copy(&name, id, err);

	if (!code)
		code = ask_removal(monitor, id, err);
	if (!code)
		code = monitor_await(monitor, is_verdict, name,
			left < ASK_AGAIN_MS ? left : ASK_AGAIN_MS, &event, err);
	if (!code)
		code = hotplug_has_device(monitor, id, &there, err);
	if (code)
		return code;
	*done = !there;
	if (there && event && strcmp(json_get_string(event, "event"), "DEVICE_DELETED") != 0)
		return error_set(err, DD_REFUSED, "the guest refuses to let go of %s", id);
	return 0;
}

int hotplug_remove_device(
	struct monitor *monitor, const char *id, int wait_ms, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);
	bool done = false;

	monitor_drop_events(monitor);
	do {
		int code = remove_once(monitor, id, deadline, &done, err);

		if (code)
			return code;
	} while (!done && deadline_left(deadline));
	if (done)
		return 0;
	error_set(err, DD_REFUSED, "the guest has not let go of %s for %d seconds", id,
		(wait_ms + 999) / 1000);
	return error_hint(err, "it must have booted, and know how to unplug; try again, also if it "
			       "lets go later: then the record follows");
}

/* ---- what is set afterwards ---- */

static int settle_interface(struct monitor *monitor, const xmlNode *nic, struct dd_error *err)
{
	struct json *args;

	if (!node_attr_is(node_child(nic, "link"), "state", "down"))
		return 0;
	args = json_object();
	json_put_string(args, "name", alias_of(nic));
	json_put_bool(args, "up", false);
	return monitor_call(monitor, "set_link", args, NULL, err);
}

static int set_password(struct monitor *monitor, const xmlNode *graphics, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "protocol", node_attr(graphics, "type"));
	json_put_string(args, "password", node_attr(graphics, "passwd"));
	if (node_attr(graphics, "connected"))
		json_put_string(args, "connected", node_attr(graphics, "connected"));
	return monitor_call(monitor, "set_password", args, NULL, err);
}

static int settle_graphics(struct monitor *monitor, const xmlNode *graphics, struct dd_error *err)
{
	const char *password = node_attr(graphics, "passwd");
	char expiry[EXPIRY_SIZE];
	struct json *args;
	int code = password ? graphics_expiry(graphics, expiry, err) : 0;

	if (code || !password)
		return code;
	/* an empty one, in libvirt's words, lets nobody in; QEMU would let in who gives none */
	if (*password)
		code = set_password(monitor, graphics, err);
	if (code)
		return code;
	args = json_object();
	json_put_string(args, "protocol", node_attr(graphics, "type"));
	json_put_string(args, "time", expiry);
	return monitor_call(monitor, "expire_password", args, NULL, err);
}

static int settle_memballoon(struct monitor *monitor, const xmlNode *balloon, struct dd_error *err)
{
	CLEANUP(text) struct text path = TEXT_INIT;
	uint64_t period = 0;
	struct json *args;

	if (node_attr_is(balloon, "model", "none"))
		return 0;
	/* none is how it is switched off */
	node_attr_number(node_child(balloon, "stats"), "period", &period);
	text_printf(&path, "/machine/peripheral/%s", alias_of(balloon));
	args = json_object();
	json_put_string(args, "path", text_string(&path));
	json_put_string(args, "property", "guest-stats-polling-interval");
	json_put(args, "value", json_unsigned(period));
	return monitor_call(monitor, "qom-set", args, NULL, err);
}

static int settle_watchdog(struct monitor *monitor, const xmlNode *watchdog, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "watchdog", watchdog_action(watchdog));
	return monitor_call(monitor, "set-action", args, NULL, err);
}

int hotplug_settle(struct monitor *monitor, const xmlNode *device, struct dd_error *err)
{
	static const struct {
		const char *element;
		int (*settle)(struct monitor *, const xmlNode *, struct dd_error *);
	} kinds[] = {
		{"interface", settle_interface},
		{"graphics", settle_graphics},
		{"memballoon", settle_memballoon},
		{"watchdog", settle_watchdog},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (node_is(device, kinds[i].element))
			return kinds[i].settle(monitor, device, err);
	return 0;
}
