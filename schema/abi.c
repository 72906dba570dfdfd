/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a guest can see. Everything in a definition, unless it is known to concern only the host:
 * for devices the kinds say what that is, for the rest the table here does. So a property that
 * nobody thought of counts as visible, which is the safe side.
 */

#include "schema/compare.h"
#include "schema/device/kind.h"
#include "schema/edit.h"
#include "schema/words.h"

static const char *const invisible[] = {
	"name",
	"title",
	"description",
	"metadata",
	"@id",
	"currentMemory",
	"memory/@dumpCore",
	"memoryBacking",
	"memtune",
	"blkiotune",
	"vcpu/@placement",
	"vcpu/@cpuset",
	"vcpu/@current",
	"iothreads",
	"iothreadids",
	"defaultiothread",
	"cputune",
	"numatune",
	"resource",
	"os/boot",
	"os/bootmenu",
	"os/bios/@rebootTimeout",
	"os/loader",
	"os/nvram",
	"os/kernel",
	"os/initrd",
	"os/cmdline",
	"on_poweroff",
	"on_reboot",
	"on_crash",
	"on_lockfailure",
	"perf",
	"seclabel",
	"devices/emulator",
	NULL,
};

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

static int on_difference(const struct difference *difference, void *context)
{
	struct abi *abi = context;
	const struct device_kind *kind;

	switch (difference->kind) {
	case CHANGE_ATTACHED:
	case CHANGE_DETACHED:
		return refuse_device(difference, abi->err);
	case CHANGE_SETTING:
		if (place_listed(difference->place, invisible))
			return 0;
		break;
	case CHANGE_UPDATED:
		kind = device_kind(difference->device_before);
		if (kind && (place_listed(difference->place, kind->live_paths) ||
				    place_listed(difference->place, kind->free_paths)))
			return 0;
		break;
	}
	return refuse_property(difference, abi->err);
}

int abi_check(const struct document *before, const struct document *after, struct dd_error *err)
{
	struct abi abi = {.err = err};

	return compare_documents(before, after, on_difference, &abi, err);
}
