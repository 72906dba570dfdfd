/* SPDX-License-Identifier: Apache-2.0 */

/* Changes to a running guest. */
#include "qmp/guest_internal.h"

#include <stdio.h>
#include <string.h>

#define VCPU_WAIT_MS 10000
#define VCPU_ID_MAX 32

/* The device that the others of the plan are parts of; NULL: the device is none of QEMU's. */
static const char *main_device(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_DEVICE)
			return json_get_string(plan->steps[i].args, "id");
	return NULL;
}

int guest_has_device(struct guest *guest, const char *alias, bool *out, struct dd_error *err)
{
	return hotplug_has_device(guest->monitor, alias, out, err);
}

int guest_attach(struct guest *guest, const struct document *live, const xmlNode *device,
	struct dd_error *err)
{
	CLEANUP(plan) struct plan plan = {.live = NULL};
	bool there = false;
	int code = guest_plan(guest, live, device, &plan, err);
	const char *id = main_device(&plan);

	if (!code && id)
		code = hotplug_has_device(guest->monitor, id, &there, err);
	/* an attempt that was cut short may have left parts of it */
	if (!code && !there)
		code = hotplug_undo_backends(guest->monitor, &plan, err);
	if (!code && !there)
		code = hotplug_do(guest->monitor, &plan, err);
	return code ? code : hotplug_settle(guest->monitor, device, err);
}

int guest_detach(struct guest *guest, const struct document *live, const xmlNode *device,
	int wait_ms, struct dd_error *err)
{
	CLEANUP(plan) struct plan plan = {.live = NULL};
	bool there = false;
	int code = guest_plan(guest, live, device, &plan, err);
	const char *id = main_device(&plan);

	if (code)
		return code;
	if (!id)
		return error_set(err, DD_REFUSED, "this device can only be there from the start");
	code = hotplug_has_device(guest->monitor, id, &there, err);
	if (!code && there)
		code = hotplug_remove_device(guest->monitor, id, wait_ms, err);
	return code ? code : hotplug_undo_backends(guest->monitor, &plan, err);
}

/* ---- properties of a device ---- */

#define TRAY_TRIES 10

static int call_id(
	struct guest *guest, const char *command, const char *id, bool forced, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "id", id);
	if (forced)
		json_put_bool(args, "force", true);
	return monitor_call(guest->monitor, command, args, NULL, err);
}

/*
 * Does a thing that needs an open tray. It is opened by force: the person at the console of the
 * host decides, not the guest, which may close it again before that is done. node is for a new
 * medium.
 */
static int with_open_tray(struct guest *guest, const char *command, const char *id,
	const char *node, struct dd_error *err)
{
	int code = 0;

	for (int i = 0; i < TRAY_TRIES; i++) {
		struct json *args = json_object();

		json_put_string(args, "id", id);
		if (node)
			json_put_string(args, "node-name", node);
		code = call_id(guest, "blockdev-open-tray", id, true, err);
		if (code) {
			json_free(args);
			return code;
		}
		code = monitor_call(guest->monitor, command, args, NULL, err);
		if (!code)
			return 0;
	}
	return code;
}

static int insert_medium(
	struct guest *guest, const xmlNode *disk, const struct plan *medium, struct dd_error *err)
{
	char node[NODE_NAME_SIZE];
	int code = hotplug_do(guest->monitor, medium, err);

	if (code || !medium->count)
		return code;
	block_node_name(node, alias_of(disk), "-format");
	code = with_open_tray(guest, "blockdev-insert-medium", alias_of(disk), node, err);
	if (code)
		hotplug_undo_backends(guest->monitor, medium, NULL);
	return code;
}

static int change_medium(struct guest *guest, const xmlNode *disk, const struct plan *old,
	const struct plan *new, struct dd_error *err)
{
	const char *id = alias_of(disk);
	int code = with_open_tray(guest, "blockdev-remove-medium", id, NULL, err);

	if (!code)
		code = hotplug_undo_backends(guest->monitor, old, err);
	if (code)
		return code;
	code = insert_medium(guest, disk, new, err);
	if (code)
		insert_medium(guest, disk, old, NULL);

	int closed = call_id(guest, "blockdev-close-tray", id, false, code ? NULL : err);

	return code ? code : closed;
}

static bool same_steps(const struct plan *a, const struct plan *b)
{
	CLEANUP(text) struct text left = TEXT_INIT;
	CLEANUP(text) struct text right = TEXT_INIT;

	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (json_write(a->steps[i].args, &left, NULL) ||
			json_write(b->steps[i].args, &right, NULL))
			return false;
	return strcmp(text_string(&left), text_string(&right)) == 0;
}

/* The devices of a plan; which drive they are given, and whether any, is left out. */
static struct json *devices_of(const struct plan *plan)
{
	struct json *devices = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		struct json *args;

		if (plan->steps[i].kind != STEP_DEVICE)
			continue;
		args = json_copy(plan->steps[i].args);
		json_put_string(args, "drive", "");
		json_push(devices, args);
	}
	return devices;
}

/* Does the guest see the same disk, whatever medium is in it? */
static int check_same_device(struct guest *guest, const struct document *live,
	const xmlNode *before, const xmlNode *after, struct dd_error *err)
{
	CLEANUP(plan) struct plan old = {.live = NULL};
	CLEANUP(plan) struct plan new = {.live = NULL};
	CLEANUP(json) struct json *left = NULL;
	CLEANUP(json) struct json *right = NULL;
	int code = guest_plan(guest, live, before, &old, err);

	if (!code)
		code = guest_plan(guest, live, after, &new, err);
	if (code)
		return code;
	left = devices_of(&old);
	right = devices_of(&new);
	if (json_failed(left) || json_failed(right))
		return error_no_memory(err);
	if (json_equal(left, right))
		return 0;
	return node_error(after, err, DD_REFUSED, "this cannot change while the guest runs");
}

static int update_disk(struct guest *guest, const struct document *live, const xmlNode *before,
	const xmlNode *after, struct dd_error *err)
{
	CLEANUP(plan) struct plan old = {.live = live, .folder = guest->folder, .hotplug = true};
	CLEANUP(plan) struct plan new = {.live = live, .folder = guest->folder, .hotplug = true};
	bool unused;
	int code = check_same_device(guest, live, before, after, err);

	if (!code)
		code = plan_storage(&old, before, &unused, err);
	if (!code)
		code = plan_storage(&new, after, &unused, err);
	if (code || same_steps(&old, &new))
		return code;
	if (!node_attr_is(after, "device", "cdrom"))
		return node_error(after, err, DD_REFUSED,
			"only the medium of a cdrom can change while the guest runs");
	return change_medium(guest, after, &old, &new, err);
}

static int update_interface(struct guest *guest, const struct document *live, const xmlNode *before,
	const xmlNode *after, struct dd_error *err)
{
	struct json *args = json_object();

	(void)live;
	(void)before;
	json_put_string(args, "name", alias_of(after));
	json_put_bool(args, "up", !node_attr_is(node_child(after, "link"), "state", "down"));
	return monitor_call(guest->monitor, "set_link", args, NULL, err);
}

static int update_settled(struct guest *guest, const struct document *live, const xmlNode *before,
	const xmlNode *after, struct dd_error *err)
{
	(void)live;
	(void)before;
	return hotplug_settle(guest->monitor, after, err);
}

/* Are the two the same for QEMU, apart from what `update` changes? Bridges are the host's side. */
static int check_same(struct guest *guest, const struct document *live, const xmlNode *before,
	const xmlNode *after, struct dd_error *err)
{
	CLEANUP(plan) struct plan old = {.live = live, .folder = guest->folder};
	CLEANUP(plan) struct plan new = {.live = live, .folder = guest->folder};
	int code = plan_device(&old, before, err);
	bool same = false;

	if (!code)
		code = plan_device(&new, after, err);
	if (code)
		return code;
	same = same_steps(&old, &new);
	for (size_t i = 0; same && i < old.count; i++)
		same = !old.steps[i].bridge == !new.steps[i].bridge &&
		       (!old.steps[i].bridge ||
			       strcmp(old.steps[i].bridge, new.steps[i].bridge) == 0);
	return same ? 0
		    : node_error(after, err, DD_REFUSED, "this cannot change while the guest runs");
}

int guest_update(struct guest *guest, const struct document *live, const xmlNode *before,
	const xmlNode *after, struct dd_error *err)
{
	static const struct {
		const char *element;
		int (*update)(struct guest *, const struct document *, const xmlNode *,
			const xmlNode *, struct dd_error *);
	} kinds[] = {
		{"interface", update_interface},
		{"graphics", update_settled},
		{"memballoon", update_settled},
		{"watchdog", update_settled},
	};
	int code;

	if (node_is(after, "disk"))
		return update_disk(guest, live, before, after, err);
	code = check_same(guest, live, before, after, err);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !code; i++)
		if (node_is(after, kinds[i].element))
			return kinds[i].update(guest, live, before, after, err);
	return code;
}

/* ---- memory and vCPUs ---- */

int guest_set_memory(struct guest *guest, uint64_t kib, struct dd_error *err)
{
	struct json *args = json_object();
	struct dd_error failure = {.code = 0};

	json_put(args, "value", json_unsigned(kib * 1024));

	int code = monitor_call(guest->monitor, "balloon", args, NULL, &failure);

	if (!code)
		return 0;
	if (err)
		*err = failure;
	if (strstr(failure.message, "balloon"))
		return error_set(err, DD_REFUSED,
			"the memory of a running guest can change only with a balloon device");
	return code;
}

/* The slots that vCPUs can be in, from the first on (QEMU tells them from the last). */
static const struct json *slot_at(const struct json *slots, size_t index)
{
	return json_at(slots, json_count(slots) - 1 - index);
}

static size_t count_filled(const struct json *slots)
{
	size_t filled = 0;

	for (size_t i = 0; i < json_count(slots); i++)
		filled += json_get(json_at(slots, i), "qom-path") != NULL;
	return filled;
}

static int copy_member(const char *key, const struct json *value, void *context)
{
	return json_put(context, key, json_copy(value)) ? 0 : DD_NO_MEMORY;
}

static int plug_vcpu(
	struct guest *guest, const struct json *slot, size_t index, struct dd_error *err)
{
	struct json *args = json_object();
	char id[VCPU_ID_MAX];

	snprintf(id, sizeof id, "vcpu%zu", index);
	json_put_string(args, "driver", json_get_string(slot, "type"));
	json_put_string(args, "id", id);
	json_each(json_get(slot, "props"), copy_member, args);
	return monitor_call(guest->monitor, "device_add", args, NULL, err);
}

static int unplug_vcpu(
	struct guest *guest, const struct json *slot, size_t index, struct dd_error *err)
{
	const char *path = json_get_string(slot, "qom-path");
	const char *name = path ? strrchr(path, '/') : NULL;

	if (!name || strncmp(path, "/machine/peripheral/", 20) != 0)
		return error_set(err, DD_REFUSED,
			"vCPU %zu was there from the start and cannot be unplugged", index);
	return hotplug_remove_device(guest->monitor, name + 1, VCPU_WAIT_MS, err);
}

int guest_set_vcpus(
	struct guest *guest, const struct document *live, unsigned count, struct dd_error *err)
{
	CLEANUP(json) struct json *slots = NULL;
	int code = monitor_call(guest->monitor, "query-hotpluggable-cpus", NULL, &slots, err);
	size_t filled = count_filled(slots);
	size_t total = json_count(slots);

	(void)live;
	if (code)
		return code;
	if (!count || count > total)
		return error_set(err, DD_REFUSED, "this guest can have 1 to %zu vCPUs", total);
	for (size_t i = 0; i < total && filled < count && !code; i++)
		if (!json_get(slot_at(slots, i), "qom-path")) {
			code = plug_vcpu(guest, slot_at(slots, i), i, err);
			filled++;
		}
	for (size_t i = total; i-- && filled > count && !code;)
		if (json_get(slot_at(slots, i), "qom-path")) {
			code = unplug_vcpu(guest, slot_at(slots, i), i, err);
			filled--;
		}
	return code;
}
