/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a guest can see, and when it may change. Everything in a definition is visible and stays for
 * ever, unless it is known to be otherwise: for devices the kinds say so, for the rest the table
 * here does. So a property that nobody thought of is kept, which is the safe side.
 *
 * There is no row for the machine type, the CPU and features: only an upgrade changes those.
 */

#include "schema/abi.h"

#include <string.h>

#include "schema/device/kind.h"
#include "schema/edit.h"
#include "schema/words.h"

/* What is outside devices; for these the kinds have lists of paths (device/kind.h). */
struct abi_rule {
	const char *path;      /* "os/type/@machine"; holds for all below it, the longest wins */
	enum change_when when; /* may it change? */
	bool visible;          /* does the guest see it? */
};

/* A path that is not here is visible and never changes. */
static const struct abi_rule rules[] = {
	/* words about it, and sizes that guest and host agree on while it runs */
	{"name", WHEN_RUNNING, false},
	{"title", WHEN_RUNNING, false},
	{"description", WHEN_RUNNING, false},
	{"metadata", WHEN_RUNNING, false},
	{"@id", WHEN_RUNNING, false},
	{"currentMemory", WHEN_RUNNING, false},
	{"vcpu/@current", WHEN_RUNNING, false},
	/* how much there is of everything, counted when the guest starts */
	{"memory", WHEN_SHUT_OFF, true},
	{"maxMemory", WHEN_SHUT_OFF, true},
	{"vcpu", WHEN_SHUT_OFF, true},
	{"vcpus", WHEN_SHUT_OFF, true},
	{"cpu/topology", WHEN_SHUT_OFF, true},
	/* what the guest's clock shows when it starts; its timers are of the machine */
	{"clock", WHEN_SHUT_OFF, true},
	{"clock/timer", WHEN_NEVER, true},
	/* the host's part of it, given at the start */
	{"memory/@dumpCore", WHEN_SHUT_OFF, false},
	{"memoryBacking", WHEN_SHUT_OFF, false},
	{"memtune", WHEN_SHUT_OFF, false},
	{"blkiotune", WHEN_SHUT_OFF, false},
	{"vcpu/@placement", WHEN_SHUT_OFF, false},
	{"vcpu/@cpuset", WHEN_SHUT_OFF, false},
	{"iothreads", WHEN_SHUT_OFF, false},
	{"iothreadids", WHEN_SHUT_OFF, false},
	{"defaultiothread", WHEN_SHUT_OFF, false},
	{"cputune", WHEN_SHUT_OFF, false},
	{"numatune", WHEN_SHUT_OFF, false},
	{"resource", WHEN_SHUT_OFF, false},
	{"os/boot", WHEN_SHUT_OFF, false},
	{"os/bootmenu", WHEN_SHUT_OFF, false},
	{"os/bios/@rebootTimeout", WHEN_SHUT_OFF, false},
	{"os/loader", WHEN_SHUT_OFF, false},
	{"os/loader/@type", WHEN_NEVER, true},
	{"os/loader/@secure", WHEN_NEVER, true},
	{"os/nvram", WHEN_SHUT_OFF, false},
	{"os/kernel", WHEN_SHUT_OFF, false},
	{"os/initrd", WHEN_SHUT_OFF, false},
	{"os/cmdline", WHEN_SHUT_OFF, false},
	{"on_poweroff", WHEN_SHUT_OFF, false},
	{"on_reboot", WHEN_SHUT_OFF, false},
	{"on_crash", WHEN_SHUT_OFF, false},
	{"on_lockfailure", WHEN_SHUT_OFF, false},
	{"cpu/@check", WHEN_SHUT_OFF, false},
	{"cpu/model/@fallback", WHEN_SHUT_OFF, false},
	{"cpu/numa/cell/@memAccess", WHEN_SHUT_OFF, false},
	{"cpu/numa/cell/@discard", WHEN_SHUT_OFF, false},
	{"features/kvm/dirty-ring", WHEN_SHUT_OFF, false},
	{"features/tcg", WHEN_SHUT_OFF, false},
	{"perf", WHEN_SHUT_OFF, false},
	{"qemu:deprecation", WHEN_SHUT_OFF, false},
	{"seclabel", WHEN_SHUT_OFF, false},
	{"devices/emulator", WHEN_SHUT_OFF, false},
};

#define RULES (sizeof rules / sizeof rules[0])

static const struct abi_rule *rule_for(const char *place)
{
	const struct abi_rule *best = NULL;

	for (size_t i = 0; i < RULES; i++) {
		const char *const list[] = {rules[i].path, NULL};

		if (place_listed(place, list) &&
			(!best || strlen(rules[i].path) > strlen(best->path)))
			best = &rules[i];
	}
	return best;
}

/* A device that is plugged comes or goes while the guest runs. */
static enum change_when when_plugged(const xmlNode *device)
{
	const struct device_kind *kind = device_kind(device);
	bool plugged =
		kind && kind->hot_pluggable && !(kind->no_hot_plug && kind->no_hot_plug(device));

	return plugged ? WHEN_RUNNING : WHEN_SHUT_OFF;
}

/* What QEMU calls a device is nothing to the guest. */
static const char *const free_of_all[] = {"alias", NULL};

static enum change_when when_updated(const struct difference *difference, bool *visible)
{
	const xmlNode *device = difference->device_before;
	const struct device_kind *kind = device_kind(device);
	const char *live = kind ? place_listed(difference->place, kind->live_paths) : NULL;

	*visible = false;
	if (live && (!kind->changes_live || kind->changes_live(device, live)))
		return WHEN_RUNNING;
	if (live || (kind && place_listed(difference->place, kind->free_paths)) ||
		place_listed(difference->place, free_of_all))
		return WHEN_SHUT_OFF;
	if (order_is_free(difference))
		return WHEN_RUNNING;
	*visible = true;
	return WHEN_NEVER;
}

enum change_when abi_when(const struct difference *difference, bool *visible)
{
	const struct abi_rule *rule;

	*visible = true;
	switch (difference->kind) {
	case CHANGE_ATTACHED:
		return when_plugged(difference->device_after);
	case CHANGE_DETACHED:
		return when_plugged(difference->device_before);
	case CHANGE_UPDATED:
		return when_updated(difference, visible);
	case CHANGE_SETTING:
		break;
	}
	rule = rule_for(difference->place);
	if (!rule && order_is_free(difference)) {
		*visible = false;
		return WHEN_RUNNING;
	}
	if (!rule)
		return WHEN_NEVER;
	*visible = rule->visible;
	return rule->when;
}

struct abi {
	struct dd_error *err;
};

static const char *value_of(const struct difference *difference, const xmlNode *element)
{
	const char *value = difference->attribute ? node_attr(element, difference->attribute)
						  : node_text(element);

	return value ? value : "nothing";
}

static int refuse_device(const struct difference *difference, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	bool attached = difference->kind == CHANGE_ATTACHED;

	device_words(attached ? difference->device_after : difference->device_before, &words);
	node_error(attached ? difference->device_after : difference->device_before, err, DD_REFUSED,
		"the guest has %s %s", attached ? "not seen" : "seen", text_string(&words));
	return error_hint(err, attached ? "attach it as a device" : "detach it as a device");
}

static int refuse_address(const struct difference *difference, struct dd_error *err)
{
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	const xmlNode *element = difference->after ? difference->after : difference->before;

	if (difference->before)
		address_words(difference->before, &before);
	if (difference->after)
		address_words(difference->after, &after);
	return node_error(element, err, DD_REFUSED, "the guest knows it at %s, not at %s",
		before.size ? text_string(&before) : "no address",
		after.size ? text_string(&after) : "no address");
}

static int refuse_whole(const struct difference *difference, struct dd_error *err)
{
	const xmlNode *element = difference->after ? difference->after : difference->before;
	const char *became = !difference->after    ? "is gone"
			     : !difference->before ? "is new"
						   : "is another";

	if (node_is(element, "address"))
		return refuse_address(difference, err);
	return node_error(element, err, DD_REFUSED, "the guest would see that %s %s",
		difference->place, became);
}

static int refuse_property(const struct difference *difference, struct dd_error *err)
{
	const xmlNode *element = difference->after ? difference->after : difference->before;
	char path[NODE_PATH_SIZE];

	if (difference->whole)
		return refuse_whole(difference, err);
	node_error(element, err, DD_REFUSED, "the guest would see '%.200s' instead of '%.200s'",
		value_of(difference, difference->after), value_of(difference, difference->before));
	if (!difference->attribute || !err)
		return DD_REFUSED;
	snprintf(path, sizeof path, "%.400s/@%.100s", err->path, difference->attribute);
	return error_place(err, NULL, 0, 0, path);
}

int abi_refuse(const struct difference *difference, struct dd_error *err)
{
	if (difference->kind == CHANGE_ATTACHED || difference->kind == CHANGE_DETACHED)
		return refuse_device(difference, err);
	return refuse_property(difference, err);
}

static int on_difference(const struct difference *difference, void *context)
{
	struct abi *abi = context;
	bool visible;

	abi_when(difference, &visible);
	return visible ? abi_refuse(difference, abi->err) : 0;
}

int abi_check(const struct document *before, const struct document *after, struct dd_error *err)
{
	struct abi abi = {.err = err};

	return compare_documents(before, after, on_difference, &abi, err);
}
