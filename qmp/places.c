/* SPDX-License-Identifier: Apache-2.0 */

/*
 * QEMU can be told to listen elsewhere for a VNC screen, and for a port that is not a channel. So a
 * socket with a path stays where it is, and its path becomes a link to it.
 */
#include "qmp/places.h"

#include "qmp/device/chardev.h"
#include "qmp/guest_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* At every instant somebody who connects finds one or the other. */
static int link_path(
	const struct guest *guest, const xmlNode *device, const char *path, struct dd_error *err)
{
	CLEANUP(text) struct text target = TEXT_INIT;
	CLEANUP(text) struct text beside = TEXT_INIT;

	text_printf(&target, "%s/%s.sock", guest->folder, alias_of(device));
	text_printf(&beside, "%s.new", path);
	if (text_failed(&target) || text_failed(&beside))
		return error_no_memory(err);
	/* nobody named one: it is there */
	if (strcmp(text_string(&target), path) == 0)
		return 0;
	(void)unlink(text_string(&beside));
	if (symlink(text_string(&target), text_string(&beside)) ||
		rename(text_string(&beside), path))
		return error_errno(err, errno, "cannot listen at %s", path);
	return 0;
}

static int take_port(struct guest *guest, const struct document *live, const xmlNode *device,
	struct dd_error *err)
{
	CLEANUP(plan)
	struct plan plan = {.live = live, .folder = guest->folder, .incoming = true};
	int code = plan_chardev(&plan, device, err);

	if (!code)
		code = plan_finish(&plan, err);
	if (code)
		return code;
	code = monitor_call(
		guest->monitor, "chardev-change", json_copy(plan_last(&plan)->args), NULL, err);
	return code ? error_wrap(err, "%s", alias_of(device)) : 0;
}

static int take_screen(struct guest *guest, const struct document *live, const xmlNode *graphics,
	struct dd_error *err)
{
	const struct plan plan = {.live = live, .folder = guest->folder};
	struct json *args = json_object();
	struct json *addresses = json_array();
	struct json *place = NULL;
	int code = vnc_place(&plan, graphics, &place, err);

	json_push(addresses, place);
	json_put_string(args, "type", "vnc");
	json_put(args, "addresses", addresses);
	if (code) {
		json_free(args);
		return code;
	}
	code = monitor_call(guest->monitor, "display-update", args, NULL, err);
	return code ? error_wrap(err, "VNC") : 0;
}

static int take(struct guest *guest, const struct document *live, const xmlNode *device,
	struct dd_error *err)
{
	const char *path = text_of(device, "source/@path");

	if (node_is(device, "graphics") && node_attr_is(device, "type", "vnc"))
		return take_screen(guest, live, device, err);
	if ((!node_is(device, "serial") && !node_is(device, "console") &&
		    !node_is(device, "channel")) ||
		!chardev_listens(device))
		return 0;
	/* the first console is another name for the first serial port, which has been here */
	if (node_attr_is(node_child(device, "target"), "type", "serial") &&
		node_is(device, "console"))
		return 0;
	return path ? link_path(guest, device, path, err) : take_port(guest, live, device, err);
}

int guest_places_take(struct guest *guest, const struct document *live, struct dd_error *err)
{
	const xmlNode *device = node_first(document_devices(live));
	int failed = 0;

	for (; device; device = node_after(device)) {
		int code = take(guest, live, device, err);

		failed = code ? code : failed;
	}
	return failed;
}
