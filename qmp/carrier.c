/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/carrier.h"

#include "qmp/bare.h"
#include "qmp/guest_internal.h"

static void adjust(struct json *args, bool to_read)
{
	if (to_read) {
		json_put_bool(args, "read-only", true);
		json_put_bool(args, "force-share", true);
		return;
	}
	struct json *cache = json_object();

	json_put_bool(cache, "direct", false);
	json_put_bool(cache, "no-flush", false);
	json_put(args, "cache", cache);
	json_put_string(args, "discard", "unmap");
	/* what asks for that asks for a cache that is gone round as well */
	if (json_get(args, "aio"))
		json_put_string(args, "aio", "threads");
}

static int open_disk(struct guest *carrier, const xmlNode *disk, bool to_read, struct dd_error *err)
{
	CLEANUP(plan) struct plan plan = {.folder = carrier->folder, .hotplug = true};
	bool has_medium = false;
	int code = plan_storage(&plan, disk, &has_medium, err);

	if (!code)
		code = plan_finish(&plan, err);
	for (size_t i = 0; !code && i < plan.count; i++)
		adjust(plan.steps[i].args, to_read);
	return code ? code : hotplug_do(carrier->monitor, &plan, err);
}

int carrier_open(struct guest *carrier, const xmlNode *disk, struct dd_error *err)
{
	return open_disk(carrier, disk, false, err);
}

int carrier_open_to_read(struct guest *carrier, const xmlNode *disk, struct dd_error *err)
{
	return open_disk(carrier, disk, true, err);
}

struct reading {
	carrier_work work;
	void *context;
};

static int read_with(struct monitor *monitor, void *context, struct dd_error *err)
{
	const struct reading *reading = context;
	char nowhere[] = "";
	struct guest carrier = {.folder = nowhere, .monitor = monitor};

	return reading->work(&carrier, reading->context, err);
}

int carrier_read(const char *emulator, carrier_work work, void *context, struct dd_error *err)
{
	struct reading reading = {work, context};

	return bare_qemu(emulator, "tcg", read_with, &reading, err);
}
