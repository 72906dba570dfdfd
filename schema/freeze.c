/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order of decisions.
 *
 * It follows libvirt's, because a decision sees the results of those before it: what a machine has,
 * then each device by itself, then what devices need of one another, then places. Every step only
 * fills in what is absent, so that a frozen document goes through all of them unchanged.
 */

#include "schema/freeze.h"

#include <string.h>

#include "schema/address/address.h"
#include "schema/alias.h"
#include "schema/controllers.h"
#include "schema/cpu.h"
#include "schema/defaults.h"
#include "schema/device/chardev.h"
#include "schema/device/disk.h"
#include "schema/device/video.h"
#include "schema/fill.h"
#include "schema/machine.h"

/* Kinds of which each device is compared with all others: who has so many is told before. */
static int count_paired(const struct document *document, struct dd_error *err)
{
	static const char *const elements[] = {"audio", "video"};
	unsigned usb = 0;

	for (size_t i = 0; i < COUNT(elements); i++) {
		unsigned count = 0;

		for (const xmlNode *device = device_first(document, elements[i]); device;
			device = node_next(device))
			if (++count > DEVICES_PAIRED_MAX)
				return node_error(device, err, DD_INVALID,
					"there are more than %u of these", DEVICES_PAIRED_MAX);
	}
	for (const xmlNode *controller = controller_first(document, "usb"); controller;
		controller = controller_next(controller))
		if (++usb > DEVICES_PAIRED_MAX)
			return node_error(controller, err, DD_INVALID,
				"there are more than %u USB controllers", DEVICES_PAIRED_MAX);
	return 0;
}

static int count_devices(struct document *document, struct dd_error *err)
{
	unsigned count = 0;

	for (const xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device))
		count++;
	if (count > DEVICES_MAX)
		return node_error(document_devices(document), err, DD_INVALID,
			"%u devices are too many: the limit is %u", count, DEVICES_MAX);
	return count_paired(document, err);
}

static int freeze_emulator(
	struct document *document, const struct capabilities *caps, struct dd_error *err)
{
	xmlNode *devices = fill_child(document_root(document), "devices", err);

	if (!devices)
		return DD_NO_MEMORY;
	if (!node_attr(document_root(document), "type"))
		return node_error(document_root(document), err, DD_INVALID,
			"the domain needs a type: kvm or qemu");
	return caps->emulator ? fill_text(devices, "emulator", caps->emulator, err) : 0;
}

static int complete(struct document *document, xmlNode *device,
	const struct freeze_options *options, struct dd_error *err)
{
	const struct device_kind *kind = device_kind(device);
	int rc = kind ? choices_apply(device, kind->choices, err) : 0;

	if (!rc && kind && kind->check)
		rc = kind->check(document, device, err);
	if (!rc && kind && kind->complete)
		rc = kind->complete(document, device, options, err);

	xmlNode *driver = node_child(device, "driver");

	if (driver && !driver->properties && !node_first(driver))
		node_remove(driver);
	return rc;
}

static int complete_all(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device))
		rc = complete(document, device, options, err);
	return rc;
}

/* What a machine has before anybody asks for more. */
static int freeze_machine(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = machine_freeze(document, options, err);

	if (!rc)
		rc = freeze_emulator(document, options->capabilities, err);
	if (!rc)
		rc = defaults_freeze(document, err);
	if (!rc)
		rc = cpu_freeze(document, options, err);
	if (!rc)
		rc = controllers_add_for_host_devices(document, err);
	if (!rc)
		rc = controllers_number(document, err);
	if (!rc)
		rc = controllers_add_machine(document, err);
	return rc ? rc : defaults_add_balloon(document, err);
}

static int freeze_devices(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = chardev_pair_console(document, err);

	if (!rc)
		rc = defaults_add_video(document, err);
	if (!rc)
		rc = complete_all(document, options, err);
	if (!rc)
		rc = video_mark_primary(document, err);
	if (!rc)
		rc = defaults_add_inputs(document, err);
	if (!rc)
		rc = defaults_add_audio(document, err);
	return rc;
}

static int freeze_places(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = addresses_assign_drives(document, err);

	if (!rc)
		rc = controllers_add_needed(document, err);
	/* the controllers just added */
	for (xmlNode *node = device_first(document, "controller"); node && !rc;
		node = node_next(node))
		rc = complete(document, node, options, err);
	return rc ? rc : addresses_assign(document, options, err);
}

int document_freeze(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = count_devices(document, err);

	/* a definition taken from a running guest is as good as any */
	if (!rc)
		rc = node_set_attr(document_root(document), "id", NULL, err);
	for (xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device))
		device_strip_runtime(device);
	if (!rc)
		disks_sort(document);
	if (!rc)
		rc = freeze_machine(document, options, err);
	if (!rc)
		rc = freeze_devices(document, options, err);
	if (!rc)
		rc = freeze_places(document, options, err);
	if (!rc)
		rc = document_canonicalise(document, err);
	return rc ? rc : document_check(document, options->capabilities, err);
}

static int check_hot_plug(const xmlNode *device, struct dd_error *err)
{
	const struct device_kind *kind = device_kind(device);
	const char *reason = NULL;

	if (kind && kind->hot_pluggable)
		reason = kind->no_hot_plug ? kind->no_hot_plug(device) : NULL;
	else
		reason = "devices of this kind cannot be";
	if (!reason)
		return 0;
	node_error(
		device, err, DD_REFUSED, "it cannot be plugged into the running guest: %s", reason);
	return error_hint(err, "change the persistent definition only");
}

int device_freeze(struct document *document, xmlNode *device, bool live,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc = count_devices(document, err);

	if (!rc && node_is(device, "controller"))
		rc = controllers_number(document, err);
	if (!rc)
		rc = complete(document, device, options, err);
	if (!rc && live)
		rc = check_hot_plug(device, err);
	if (!rc)
		rc = address_assign(document, device, live, options, err);
	return rc ? rc : document_canonicalise(document, err);
}
